//! A disk with a page cache: what programs read is the cache; what a power cut leaves is what was
//! synced, and of the rest whatever the choice says.

use std::sync::{Arc, OnceLock};

use overlapped::backend::Cause;

use super::{
    State,
    errno::{EFBIG, EINVAL, EISDIR, ENOENT, ENOSPC, ENOTDIR, ENOTEMPTY},
    names::{Names, tidy},
};
use crate::explore::Kind;

/// The number of a file.
pub(super) type Inode = u32;

/// What survives a power cut is decided for pieces of this size.
const SECTOR: usize = 512;

/// All files, by number, and their names.
#[derive(Debug, Default)]
pub(super) struct Disk {
    files: Vec<Node>,
    names: Names,
    /// The names as they are on the device.
    safe_names: Names,
    /// How many bytes all files together may have.
    pub(super) capacity: u64,
}

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
    /// A terminal, by its number.
    Terminal(u32),
    /// Bytes by chance, and where the chance stands.
    Random(u64),
}

/// A file's contents: in the cache, on the device, and what happened in between.
#[derive(Clone, Debug, Default)]
pub(super) struct Bytes {
    pub(super) cached: Arc<Vec<u8>>,
    safe: Arc<Vec<u8>>,
    unsynced: Vec<Change>,
    /// What is in the cache and counts as clean is not all on the device.
    lost: bool,
}

/// What was done to a file since its last sync.
#[derive(Clone, Debug)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Len(usize),
}

/// No file grows beyond this: it would be this process's own memory.
pub(super) const LARGEST: u64 = 1 << 30;

impl Disk {
    /// As it is when a simulation begins.
    pub(super) fn set_up(&mut self) {
        let first = Self::first();
        let Self { files, names, safe_names, capacity } = self;
        // The first of them never change, but for where chance stands.
        files.truncate(first.files.len());
        for (file, first) in files.iter_mut().zip(&first.files) {
            if matches!(first.what, Content::Random(_)) {
                file.clone_from(first);
            }
        }
        let missing = first.files.iter().skip(files.len()).cloned();
        files.extend(missing);
        names.restore(&first.names);
        safe_names.restore(&first.safe_names);
        *capacity = first.capacity;
    }

    /// What is on each disk at first.
    fn first() -> &'static Self {
        static FIRST: OnceLock<Disk> = OnceLock::new();
        FIRST.get_or_init(Self::make)
    }

    fn make() -> Self {
        let all: [(&'static [u8], _, _); 7] = [
            (b"/", Content::Directory, 0o755),
            (b"/dev", Content::Directory, 0o755),
            (b"/dev/zero", Content::Zero, 0o666),
            (b"/dev/null", Content::Null, 0o666),
            (b"/dev/full", Content::Full, 0o666),
            (b"/dev/random", Content::Random(0), 0o666),
            (b"/dev/urandom", Content::Random(!0), 0o666),
        ];
        let mut disk = Self { capacity: LARGEST, ..Self::default() };
        for (inode, (path, what, mode)) in (0..).zip(all) {
            disk.files.push(Node { what, mode });
            disk.names.insert(path, inode);
        }
        disk.safe_names = disk.names.clone();
        disk
    }

    /// Bytes by chance, the same in each run.
    pub(super) fn put_random(&mut self, seed: u64) {
        self.put(b"/dev/random", Content::Random(seed), 0o666);
        self.put(b"/dev/urandom", Content::Random(!seed), 0o666);
    }

    /// The next bytes by chance, if it is such a device.
    pub(super) fn random(&mut self, inode: Inode, len: usize) -> Option<Vec<u8>> {
        let Content::Random(state) = &mut self.files[inode as usize].what else {
            return None;
        };
        let mut byte = || {
            *state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            (*state >> 56) as u8
        };
        Some((0..len).map(|_| byte()).collect())
    }

    /// Puts something there that was there before the simulation began.
    pub(super) fn put(&mut self, path: &[u8], what: Content, mode: u32) {
        let path = tidy(path);
        let inode = self.add(&path, what, mode);
        self.safe_names.insert(path.into_owned(), inode);
    }

    pub(super) fn add(&mut self, path: &[u8], what: Content, mode: u32) -> Inode {
        let inode = Inode::try_from(self.files.len()).expect("fewer files than numbers");
        self.files.push(Node { what, mode });
        self.names.insert(tidy(path).into_owned(), inode);
        inode
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
        self.names.get(&path).ok_or(ENOENT)
    }

    /// The directory that `path` is in must be one.
    pub(super) fn parent(&self, path: &[u8]) -> Result<(), Cause> {
        let Some(slash) = path.iter().rposition(|byte| *byte == b'/') else {
            return Ok(());
        };
        let parent = if slash == 0 { b"/" } else { &path[..slash] };
        let inode = self.names.get(parent).ok_or(ENOENT)?;
        match self.node(inode).what {
            Content::Directory => Ok(()),
            _ => Err(ENOTDIR),
        }
    }

    pub(super) fn links(&self, inode: Inode) -> u32 {
        u32::try_from(self.names.iter().filter(|(_, known)| *known == inode).count()).unwrap_or(0)
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
            match (is_directory, matches!(self.node(there).what, Content::Directory)) {
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
            self.names.below(&below).map(|(path, inode)| (path.to_vec(), inode)).collect();
        let names = &mut self.names;
        names.remove(&from);
        for (path, inode) in moved {
            names.remove(&path);
            names.insert([&to[..], &path[from.len()..]].concat(), inode);
        }
        names.insert(to.into_owned(), inode);
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
        self.names.remove(&path);
        Ok(())
    }

    fn has_entries(&self, directory: &[u8]) -> bool {
        self.names.below(&[directory, b"/"].concat()).next().is_some()
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
            if file.lost {
                // Only what counts as dirty is written out.
                for change in std::mem::take(&mut file.unsynced) {
                    apply(Arc::make_mut(&mut file.safe), &change);
                }
            } else {
                file.safe = Arc::clone(&file.cached);
                file.unsynced.clear();
            }
            for (path, _) in self.names.iter().filter(|(_, known)| *known == inode) {
                self.safe_names.insert(path.to_vec(), inode);
            }
        } else if matches!(self.node(inode).what, Content::Directory) {
            self.safe_names.clone_from(&self.names);
        }
    }
}

impl Disk {
    /// Writing the cache out has failed, and what was in it is told of once and no more.
    pub(super) fn lose_what_is_unsynced(&mut self, inode: Inode) {
        if let Some(file) = self.bytes_mut(inode) {
            file.unsynced.clear();
            file.lost = true;
        }
    }
}

impl Bytes {
    pub(super) fn with(bytes: Vec<u8>) -> Self {
        let cached = Arc::new(bytes);
        Self { safe: Arc::clone(&cached), cached, unsynced: Vec::new(), lost: false }
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

impl State {
    /// The power goes: of what was not synced, what survives is chosen, sector by sector.
    pub(super) fn lose_power(&mut self) {
        // Names of files that were made and not synced may be there all the same; losing them is
        // the harder case, and the one that is tried.
        let safe = self.devices.disk.safe_names.clone();
        let names = std::mem::replace(&mut self.devices.disk.names, safe);
        for (name, inode) in names.iter() {
            if self.devices.disk.names.get(name) != Some(inode) {
                self.log.lost_name(self.now, name);
            }
        }
        for inode in 0..self.devices.disk.files.len() {
            let Content::File(file) = &mut self.devices.disk.files[inode].what else {
                continue;
            };
            let mut left = Arc::unwrap_or_clone(std::mem::take(&mut file.safe));
            let changes = std::mem::take(&mut file.unsynced);
            let mut pieces = (0, 0);
            for change in &changes {
                let (survived, all) = self.survive(&mut left, change);
                pieces = (pieces.0 + survived, pieces.1 + all);
            }
            if !changes.is_empty() {
                let name = names.iter().find(|(_, known)| *known as usize == inode);
                let name = name.map_or(&b"a file without a name"[..], |(name, _)| name);
                self.log.survived(self.now, name, pieces);
            }
            self.devices.disk.files[inode].what = Content::File(Bytes::with(left));
        }
    }

    /// All of a change, nothing of it, or some of its sectors: how many, and of how many.
    fn survive(&mut self, left: &mut Vec<u8>, change: &Change) -> (usize, usize) {
        let Change::Write { at, bytes } = change else {
            let survives = self.choose(2, Kind::Survivor) == 0;
            if survives {
                apply(left, change);
            }
            return (usize::from(survives), 1);
        };
        let (mut from, mut survived, mut all) = (0, 0, 0);
        while from < bytes.len() {
            let sector = (at + from) / SECTOR;
            let end = ((sector + 1) * SECTOR - at).min(bytes.len());
            all += 1;
            if self.choose(2, Kind::Survivor) == 0 {
                survived += 1;
                let bytes = bytes[from..end].to_vec();
                apply(left, &Change::Write { at: at + from, bytes });
            }
            from = end;
        }
        (survived, all)
    }
}
