//! Where each path of a disk leads.

use std::borrow::Cow;

use super::disk::Inode;

/// A path without `.` and doubled slashes, counted from the root; borrowed are only those that are
/// there at first.
type Tidy = Cow<'static, [u8]>;

/// All names, in the order of their bytes. A list, since a disk has few, and is made anew for each
/// run.
#[derive(Clone, Debug, Default)]
pub(super) struct Names(Vec<(Tidy, Inode)>);

impl Names {
    /// Becomes as `first`, with which it began.
    pub(super) fn restore(&mut self, first: &Self) {
        self.0.retain(|(path, _)| matches!(path, Cow::Borrowed(_)));
        if self.0.len() != first.0.len() {
            self.0.clone_from(&first.0);
        }
    }

    pub(super) fn get(&self, path: &[u8]) -> Option<Inode> {
        self.place(path).ok().map(|place| self.0[place].1)
    }

    pub(super) fn insert(&mut self, path: impl Into<Tidy>, inode: Inode) {
        let path = path.into();
        match self.place(&path) {
            Ok(place) => self.0[place] = (path, inode),
            Err(place) => self.0.insert(place, (path, inode)),
        }
    }

    pub(super) fn remove(&mut self, path: &[u8]) {
        if let Ok(place) = self.place(path) {
            self.0.remove(place);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], Inode)> {
        self.0.iter().map(|(path, inode)| (&path[..], *inode))
    }

    /// The names that begin with `prefix`.
    pub(super) fn below(&self, prefix: &[u8]) -> impl Iterator<Item = (&[u8], Inode)> {
        let first = self.0.partition_point(|(path, _)| &path[..] < prefix);
        let below = self.0[first..].iter().take_while(move |(path, _)| path.starts_with(prefix));
        below.map(|(path, inode)| (&path[..], *inode))
    }

    fn place(&self, path: &[u8]) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| (**known).cmp(path))
    }
}

/// `.` components and doubled slashes mean nothing, and names are counted from the root.
pub(super) fn tidy(path: &[u8]) -> Cow<'_, [u8]> {
    let parts = |path| <[u8]>::split(path, |byte| *byte == b'/');
    let counts = |part: &&[u8]| !part.is_empty() && *part != b".";
    if path.strip_prefix(b"/").is_some_and(|path| parts(path).all(|part| counts(&part))) {
        return path.into();
    }
    let mut tidy = Vec::with_capacity(path.len() + 1);
    for part in parts(path).filter(counts) {
        tidy.push(b'/');
        tidy.extend_from_slice(part);
    }
    if tidy.is_empty() { b"/".into() } else { tidy.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_tidied() {
        for (path, tidied) in [
            ("/a/b", "/a/b"),
            ("a/b", "/a/b"),
            ("./a//b/.", "/a/b"),
            ("/a/", "/a"),
            ("/", "/"),
            ("//.", "/"),
            ("", "/"),
            ("/.a/..", "/.a/.."),
        ] {
            assert_eq!(*tidy(path.as_bytes()), *tidied.as_bytes(), "{path}");
        }
    }

    #[test]
    fn names_are_found_in_their_order() {
        let mut names = Names::default();
        for (inode, path) in (0..).zip(["/b/x", "/a", "/b", "/b-", "/c", "/b/y", "/a"]) {
            names.insert(path.as_bytes(), inode);
        }
        assert_eq!((names.get(b"/a"), names.get(b"/b"), names.get(b"/")), (Some(6), Some(2), None));
        let below: Vec<_> = names.below(b"/b/").collect();
        assert_eq!(below, [(&b"/b/x"[..], 0), (&b"/b/y"[..], 5)]);
        names.remove(b"/b/x");
        names.remove(b"/none");
        let left: Vec<_> = names.iter().map(|(_, inode)| inode).collect();
        assert_eq!(left, [6, 2, 3, 5, 4]);
    }

    #[test]
    fn names_are_restored() {
        let mut first = Names::default();
        first.insert(&b"/"[..], 0);
        first.insert(&b"/dev"[..], 1);
        for changes in [&["/a"][..], &["/dev", "/b"], &[]] {
            let mut names = first.clone();
            for path in changes {
                names.insert(path.as_bytes().to_vec(), 7);
            }
            names.restore(&first);
            assert!(names.iter().eq(first.iter()), "{changes:?}");
        }
        let mut names = first.clone();
        names.remove(b"/dev");
        names.restore(&first);
        assert!(names.iter().eq(first.iter()));
    }
}
