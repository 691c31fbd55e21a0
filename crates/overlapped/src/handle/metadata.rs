//! What the OS says about a file, in words that all systems share.

#[cfg(unix)]
use std::time::Duration;
use std::time::SystemTime;

/// What the OS says about a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metadata {
    /// What sort of thing it is.
    pub kind: Kind,
    /// Its length in bytes; 0 for what has none, such as a pipe.
    pub len: u64,
    /// Permission bits, as in `0o644`.
    pub mode: u32,
    /// The block size that the file system prefers, in bytes.
    pub block_size: u32,
    /// Blocks of 512 bytes that are allocated to it.
    pub blocks: u64,
    /// Its number in its file system.
    pub inode: u64,
    /// How many names it has.
    pub links: u32,
    /// When its contents last changed.
    pub modified: Option<SystemTime>,
    /// What direct I/O asks for, if the file system says so.
    pub direct: Option<Alignment>,
}

impl Metadata {
    /// Metadata of a `kind` of `len` bytes, everything else unknown: for simulated kernels.
    pub fn new(kind: Kind, len: u64) -> Self {
        Self {
            kind,
            len,
            mode: 0,
            block_size: 4096,
            blocks: len.div_ceil(512),
            inode: 0,
            links: 1,
            modified: None,
            direct: None,
        }
    }
}

/// What sort of thing a path or handle names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A file with bytes at offsets.
    File,
    /// A directory.
    Directory,
    /// A pipe or FIFO.
    Pipe,
    /// A character device: a terminal, `/dev/zero`.
    CharDevice,
    /// A block device: bytes at offsets, as a file.
    BlockDevice,
    /// A socket.
    Socket,
    /// A symbolic link.
    Symlink,
    /// Something else.
    Other,
}

impl Kind {
    /// The kind that the type bits of `mode` name ([inode(7)]).
    ///
    /// [inode(7)]: https://man7.org/linux/man-pages/man7/inode.7.html
    #[cfg(unix)]
    pub(crate) fn from_mode(mode: u32) -> Self {
        match mode & 0o170_000 {
            0o100_000 => Self::File,
            0o040_000 => Self::Directory,
            0o010_000 => Self::Pipe,
            0o020_000 => Self::CharDevice,
            0o060_000 => Self::BlockDevice,
            0o140_000 => Self::Socket,
            0o120_000 => Self::Symlink,
            _ => Self::Other,
        }
    }
}

/// What direct I/O (`O_DIRECT`) asks of a buffer and of an offset, both in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alignment {
    /// The buffer must start at a multiple of this.
    pub memory: usize,
    /// Offset and length must be multiples of this.
    pub offset: usize,
}

/// A point in time, from the OS's seconds since 1970 and nanoseconds.
#[cfg(unix)]
pub(crate) fn system_time(seconds: i64, nanoseconds: u32) -> Option<SystemTime> {
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let second = match seconds >= 0 {
        true => SystemTime::UNIX_EPOCH.checked_add(whole)?,
        false => SystemTime::UNIX_EPOCH.checked_sub(whole)?,
    };
    second.checked_add(Duration::from_nanos(u64::from(nanoseconds)))
}
