//! A disk with a page cache: what programs read is the cache; what a power cut leaves is what was
//! synced, and of the rest whatever the choice says.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use overlapped::backend::Cause;

use super::{
    State,
    errno::{EFBIG, EINVAL, EISDIR, ENOENT, ENOSPC, ENOTDIR, ENOTEMPTY},
};
use crate::explore::Kind;

/// The number of a file.
pub(super) type Inode = u32;

/// What survives a power cut is decided for pieces of this size.
const SECTOR: usize = 512;

/// All files, by number, and their names.
#[derive(Debug)]
pub(super) struct Disk {
    files: Vec<Node>,
    names: Arc<Names>,
    /// The names as they are on the device.
    safe_names: Arc<Names>,
    /// How many bytes all files together may have.
    pub(super) capacity: u64,
}

/// Where each tidy path leads. What several disks have in common is there once.
type Names = BTreeMap<Cow<'static, [u8]>, Inode>;

/// Something that has a name.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) what: Content,
    pub(super) mode: u32,
}

/// What it is.
#[derive(Clone, Debug)]
pub(super) enum Content {
    File(Bytes),
    Directory,
    /// A FIFO, by the number of its pipe.
    Fifo(u32),
    Zero,
    Null,
    /// A device without room.
    Full,
}

/// A file's contents: in the cache, on the device, and what happened in between.
#[derive(Clone, Debug, Default)]
pub(super) struct Bytes {
    pub(super) cached: Arc<Vec<u8>>,
    safe: Arc<Vec<u8>>,
    unsynced: Vec<Change>,
}

/// What was done to a file since its last sync.
#[derive(Clone, Debug)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Len(usize),
}

/// No file grows beyond this: it would be this process's own memory.
pub(super) const LARGEST: u64 = 1 << 30;

impl Default for Disk {
    /// Without files.
    fn default() -> Self {
        let Self { names, safe_names, capacity, .. } = Self::first();
        let (names, safe_names) = (Arc::clone(names), Arc::clone(safe_names));
        Self { files: Vec::new(), names, safe_names, capacity: *capacity }
    }
}

impl Disk {
    /// As it is when a simulation begins.
    pub(super) fn set_up(&mut self) {
        let first = Self::first();
        let Self { files, names, safe_names, capacity } = self;
        files.clone_from(&first.files);
        names.clone_from(&first.names);
        safe_names.clone_from(&first.safe_names);
        *capacity = first.capacity;
    }

    /// What is on each disk at first.
    fn first() -> &'static Self {
        static FIRST: OnceLock<Disk> = OnceLock::new();
        FIRST.get_or_init(Self::make)
    }

    fn make() -> Self {
        let all: [(&'static [u8], _, _); 5] = [
            (b"/", Content::Directory, 0o755),
            (b"/dev", Content::Directory, 0o755),
            (b"/dev/zero", Content::Zero, 0o666),
            (b"/dev/null", Content::Null, 0o666),
            (b"/dev/full", Content::Full, 0o666),
        ];
        let names = (0..).zip(&all).map(|(inode, (path, ..))| (Cow::Borrowed(*path), inode));
        let names = Arc::new(names.collect());
        let files = all.into_iter().map(|(_, what, mode)| Node { what, mode });
        let (files, safe_names) = (files.collect(), Arc::clone(&names));
        Self { files, names, safe_names, capacity: LARGEST }
    }

    /// Puts something there that was there before the simulation began.
    pub(super) fn put(&mut self, path: &[u8], what: Content, mode: u32) {
        self.add(path, what, mode);
        self.safe_names = Arc::clone(&self.names);
    }

    pub(super) fn add(&mut self, path: &[u8], what: Content, mode: u32) -> Inode {
        let inode = Inode::try_from(self.files.len()).expect("fewer files than numbers");
        self.files.push(Node { what, mode });
        self.names_mut().insert(Cow::Owned(tidy(path).into_owned()), inode);
        inode
    }

    fn names_mut(&mut self) -> &mut Names {
        Arc::make_mut(&mut self.names)
    }

    pub(super) fn node(&self, inode: Inode) -> &Node {
        &self.files[inode as usize]
    }

    pub(super) fn bytes_mut(&mut self, inode: Inode) -> Option<&mut Bytes> {
        match &mut self.files[inode as usize].what {
            Content::File(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub(super) fn find(&self, path: &[u8]) -> Result<Inode, Cause> {
        let path = tidy(path);
        self.parent(&path)?;
        self.names.get(&path).copied().ok_or(ENOENT)
    }

    /// The directory that `path` is in must be one.
    pub(super) fn parent(&self, path: &[u8]) -> Result<(), Cause> {
        let Some(slash) = path.iter().rposition(|byte| *byte == b'/') else {
            return Ok(());
        };
        let parent = if slash == 0 { b"/" } else { &path[..slash] };
        let inode = self.names.get(parent).ok_or(ENOENT)?;
        match self.node(*inode).what {
            Content::Directory => Ok(()),
            _ => Err(ENOTDIR),
        }
    }

    pub(super) fn links(&self, inode: Inode) -> u32 {
        u32::try_from(self.names.values().filter(|known| **known == inode).count()).unwrap_or(0)
    }

    pub(super) fn rename(&mut self, from: &[u8], to: &[u8]) -> Result<(), Cause> {
        let inode = self.find(from)?;
        let (from, to) = (tidy(from), tidy(to));
        self.parent(&to)?;
        if from == to {
            return Ok(());
        }
        let is_directory = matches!(self.node(inode).what, Content::Directory);
        if let Some(there) = self.names.get(&to) {
            match (is_directory, matches!(self.node(*there).what, Content::Directory)) {
                (true, false) => return Err(ENOTDIR),
                (false, true) => return Err(EISDIR),
                (true, true) if self.has_entries(&to) => return Err(ENOTEMPTY),
                _ => {}
            }
        }
        let below = [&from[..], b"/"].concat();
        if to.starts_with(&below) {
            return Err(EINVAL);
        }
        let moved: Vec<_> =
            self.below(&below).map(|(path, inode)| (path.clone(), *inode)).collect();
        let names = self.names_mut();
        names.remove(&from[..]);
        for (path, inode) in moved {
            names.remove(&path);
            names.insert([&to[..], &path[from.len()..]].concat().into(), inode);
        }
        names.insert(to.into_owned().into(), inode);
        Ok(())
    }

    pub(super) fn unlink(&mut self, path: &[u8], directory: bool) -> Result<(), Cause> {
        let inode = self.find(path)?;
        let path = tidy(path);
        match (&self.node(inode).what, directory) {
            (Content::Directory, false) => return Err(EISDIR),
            (Content::Directory, true) if self.has_entries(&path) => return Err(ENOTEMPTY),
            (Content::Directory, true) | (_, false) => {}
            (_, true) => return Err(ENOTDIR),
        }
        self.names_mut().remove(&path[..]);
        Ok(())
    }

    fn has_entries(&self, directory: &[u8]) -> bool {
        self.below(&[directory, b"/"].concat()).next().is_some()
    }

    fn below(&self, prefix: &[u8]) -> impl Iterator<Item = (&Cow<'static, [u8]>, &Inode)> {
        let prefix = prefix.to_vec();
        let from = self.names.range(Cow::Owned(prefix.clone())..);
        from.take_while(move |(path, _)| path.starts_with(&prefix))
    }

    /// Whether writers compete for room.
    pub(super) fn is_bounded(&self) -> bool {
        self.capacity < LARGEST
    }

    fn used(&self) -> u64 {
        let len = |node: &Node| match &node.what {
            Content::File(bytes) => bytes.cached.len() as u64,
            _ => 0,
        };
        self.files.iter().map(len).sum()
    }

    /// Writes into the cache; how many bytes found room.
    pub(super) fn write(&mut self, inode: Inode, at: u64, bytes: &[u8]) -> Result<usize, Cause> {
        let free = self.capacity.saturating_sub(self.used());
        let Some(file) = self.bytes_mut(inode) else {
            return Err(EINVAL);
        };
        let len = file.cached.len() as u64;
        if at > LARGEST {
            return Err(EFBIG);
        }
        let most = len.max(at.min(len)) + free;
        let fits = usize::try_from(most.saturating_sub(at)).unwrap_or(usize::MAX).min(bytes.len());
        if fits == 0 && !bytes.is_empty() {
            return Err(ENOSPC);
        }
        if fits > 0 {
            file.apply(Change::Write { at: at as usize, bytes: bytes[..fits].to_vec() });
        }
        Ok(fits)
    }

    pub(super) fn set_len(&mut self, inode: Inode, len: u64) -> Result<(), Cause> {
        let free = self.capacity.saturating_sub(self.used());
        let file = self.bytes_mut(inode).ok_or(EINVAL)?;
        if len > LARGEST {
            return Err(EFBIG);
        }
        if len.saturating_sub(file.cached.len() as u64) > free {
            return Err(ENOSPC);
        }
        file.apply(Change::Len(len as usize));
        Ok(())
    }

    /// What is in the cache reaches the device, and with it the names that lead to it; of a
    /// directory, the names in it.
    pub(super) fn sync(&mut self, inode: Inode) {
        if let Some(file) = self.bytes_mut(inode) {
            file.safe = Arc::clone(&file.cached);
            file.unsynced.clear();
            let names = self.names.iter().filter(|(_, known)| **known == inode);
            let names: Vec<_> = names.map(|(path, _)| path.clone()).collect();
            let safe = Arc::make_mut(&mut self.safe_names);
            safe.extend(names.into_iter().map(|path| (path, inode)));
        } else if matches!(self.node(inode).what, Content::Directory) {
            self.safe_names = Arc::clone(&self.names);
        }
    }
}

impl Bytes {
    pub(super) fn with(bytes: Vec<u8>) -> Self {
        let cached = Arc::new(bytes);
        Self { safe: Arc::clone(&cached), cached, unsynced: Vec::new() }
    }

    fn apply(&mut self, change: Change) {
        apply(Arc::make_mut(&mut self.cached), &change);
        self.unsynced.push(change);
    }
}

fn apply(contents: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Len(len) => contents.resize(*len, 0),
        Change::Write { at, bytes } => {
            let end = at + bytes.len();
            if contents.len() < end {
                contents.resize(end, 0);
            }
            contents[*at..end].copy_from_slice(bytes);
        }
    }
}

/// `.` components and doubled slashes mean nothing, and names are counted from the root.
fn tidy(path: &[u8]) -> Cow<'_, [u8]> {
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

impl State {
    /// The power goes: of what was not synced, what survives is chosen, sector by sector.
    pub(super) fn lose_power(&mut self) {
        // Names of files that were made and not synced may be there all the same; losing them is
        // the harder case, and the one that is tried.
        self.devices.disk.names = Arc::clone(&self.devices.disk.safe_names);
        for inode in 0..self.devices.disk.files.len() {
            let Content::File(file) = &mut self.devices.disk.files[inode].what else {
                continue;
            };
            let mut left = Arc::unwrap_or_clone(std::mem::take(&mut file.safe));
            for change in std::mem::take(&mut file.unsynced) {
                self.survive(&mut left, &change);
            }
            self.devices.disk.files[inode].what = Content::File(Bytes::with(left));
        }
    }

    /// All of a change, nothing of it, or some of its sectors.
    fn survive(&mut self, left: &mut Vec<u8>, change: &Change) {
        let Change::Write { at, bytes } = change else {
            if self.choose(2, Kind::Survivor) == 0 {
                apply(left, change);
            }
            return;
        };
        let mut from = 0;
        while from < bytes.len() {
            let sector = (at + from) / SECTOR;
            let end = ((sector + 1) * SECTOR - at).min(bytes.len());
            if self.choose(2, Kind::Survivor) == 0 {
                let bytes = bytes[from..end].to_vec();
                apply(left, &Change::Write { at: at + from, bytes });
            }
            from = end;
        }
    }
}
