//! An OS handle, by the name that each OS gives it, or a simulated kernel's.

#[cfg(unix)]
pub use std::os::fd::RawFd as Raw;
#[cfg(unix)]
use std::os::fd::{AsRawFd, OwnedFd as Os};

#[cfg(windows)]
pub(crate) mod win32;

#[cfg(unix)]
use std::os::fd::OwnedFd as Open;
#[cfg(windows)]
use std::os::windows::io::{AsRawHandle, OwnedHandle as Os, OwnedSocket, RawHandle};
#[cfg(windows)]
use win32::Open;

#[cfg(unix)]
use std::time::Duration;
use std::{
    fmt, fs, io,
    process::{ChildStderr, ChildStdin, ChildStdout},
    time::SystemTime,
};

/// A `HANDLE` as the number that it is: unlike a pointer, a number may go to another thread.
#[cfg(windows)]
pub type Raw = isize;

/// An open handle, which dropping it closes: the OS's own, or a simulated kernel's.
#[derive(Debug)]
pub struct Owned(Owner);

#[derive(Debug)]
enum Owner {
    Os(Open),
    Simulated(Box<dyn Simulated>),
}

/// A handle of a kernel that is not the OS's. Dropping it closes it there.
pub trait Simulated: fmt::Debug + Send + Sync {
    /// Its number. None that the OS would give, so that nobody takes it for one of those.
    fn raw(&self) -> Raw;

    /// Whether it is a file with offsets, and no stream.
    fn has_offsets(&self) -> bool;

    /// Whether a read of it gets a message, and not the bytes of several.
    fn has_messages(&self) -> bool {
        false
    }

    /// What direct I/O asks of a buffer's address, if it passes the page cache by.
    fn direct_alignment(&self) -> Option<usize>;
}

impl Owned {
    /// A handle of a simulated kernel, as its backend answers an open with.
    pub fn simulated(handle: Box<dyn Simulated>) -> Self {
        Self(Owner::Simulated(handle))
    }

    /// The OS's own handle.
    ///
    /// # Errors
    ///
    /// This one again, if it is a simulated kernel's, or a socket on Windows, which is closed in
    /// another way.
    pub fn into_os(self) -> Result<Os, Self> {
        match self.0 {
            Owner::Os(open) => into_handle(open).map_err(|open| Self(Owner::Os(open))),
            Owner::Simulated(_) => Err(self),
        }
    }

    /// The OS's own handle, if it is one; on Windows a socket is none.
    pub fn os(&self) -> Option<&Os> {
        match &self.0 {
            Owner::Os(open) => as_handle(open),
            Owner::Simulated(_) => None,
        }
    }

    fn is_not(&self, what: &str) -> io::Error {
        let simulated = if self.is_simulated() { ", but a simulated kernel's" } else { "" };
        io::Error::other(format!("this is not {what}{simulated}"))
    }

    /// Whether it is a simulated kernel's, and means nothing to the OS.
    pub(crate) fn is_simulated(&self) -> bool {
        matches!(self.0, Owner::Simulated(_))
    }
}

#[cfg(unix)]
impl From<Os> for Owned {
    fn from(handle: Os) -> Self {
        Self(Owner::Os(handle))
    }
}

#[cfg(windows)]
impl From<Os> for Owned {
    fn from(handle: Os) -> Self {
        Self(Owner::Os(Open::Handle(handle)))
    }
}

#[cfg(windows)]
impl From<OwnedSocket> for Owned {
    fn from(socket: OwnedSocket) -> Self {
        Self(Owner::Os(Open::Socket(socket)))
    }
}

/// What the standard library has open.
macro_rules! from_std {
    ($os:ty: $($open:ty),+) => {$(
        impl From<$open> for Owned {
            fn from(open: $open) -> Self {
                <$os>::from(open).into()
            }
        }
    )+};
}

from_std!(Os: fs::File, ChildStdin, ChildStdout, ChildStderr);
#[cfg(unix)]
from_std!(Os: std::net::TcpStream, std::net::UdpSocket, std::os::unix::net::UnixStream);
#[cfg(windows)]
from_std!(OwnedSocket: std::net::TcpStream, std::net::UdpSocket);

impl TryFrom<Owned> for Os {
    type Error = io::Error;

    /// # Errors
    ///
    /// If the handle is a simulated kernel's: the OS does not know it. On Windows also if it is a
    /// socket.
    fn try_from(handle: Owned) -> io::Result<Self> {
        handle.into_os().map_err(|handle| handle.is_not("a handle of the OS"))
    }
}

#[cfg(windows)]
impl TryFrom<Owned> for OwnedSocket {
    type Error = io::Error;

    /// # Errors
    ///
    /// If it is no socket.
    fn try_from(handle: Owned) -> io::Result<Self> {
        match handle.0 {
            Owner::Os(Open::Socket(socket)) => Ok(socket),
            _ => Err(handle.is_not("a socket")),
        }
    }
}

#[cfg(unix)]
impl AsRawFd for Owned {
    /// The number; of a simulated kernel's handle, one that the OS does not know.
    fn as_raw_fd(&self) -> Raw {
        raw(self)
    }
}

#[cfg(windows)]
impl AsRawHandle for Owned {
    /// The number; of a simulated kernel's handle, one that the OS does not know.
    fn as_raw_handle(&self) -> RawHandle {
        std::ptr::without_provenance_mut(raw(self) as usize)
    }
}

/// The raw handle inside an owned one.
pub(crate) fn raw(handle: &Owned) -> Raw {
    match &handle.0 {
        Owner::Os(handle) => os_raw(handle),
        Owner::Simulated(handle) => handle.raw(),
    }
}

/// Whether it is a file with offsets, and no stream.
pub(crate) fn has_offsets(handle: &Owned) -> bool {
    match &handle.0 {
        Owner::Os(handle) => os_has_offsets(handle),
        Owner::Simulated(handle) => handle.has_offsets(),
    }
}

/// Whether a read of it gets a message, and not the bytes of several.
pub(crate) fn has_messages(handle: &Owned) -> bool {
    match &handle.0 {
        Owner::Os(handle) => os_has_messages(handle),
        Owner::Simulated(handle) => handle.has_messages(),
    }
}

/// Whether the page cache is passed by: then nothing is ever at hand, and trying would wait.
pub(crate) fn is_direct(handle: &Owned) -> bool {
    match &handle.0 {
        Owner::Os(handle) => os_is_direct(handle),
        Owner::Simulated(handle) => handle.direct_alignment().is_some(),
    }
}

/// What direct I/O asks of a buffer's address, if that can be told at once.
pub(crate) fn direct_alignment(handle: &Owned) -> Option<usize> {
    match &handle.0 {
        Owner::Os(handle) => os_direct_alignment(handle),
        Owner::Simulated(handle) => handle.direct_alignment(),
    }
}

/// Takes `O_NONBLOCK` off: it was only for the opening. Reads of a regular file on some file
/// systems would otherwise answer "again" and nobody could say when.
#[cfg(unix)]
pub(crate) fn set_blocking(handle: &Owned) {
    let Some(handle) = handle.os() else { return };
    if let Ok(flags) = rustix::fs::fcntl_getfl(handle) {
        let _unchanged = rustix::fs::fcntl_setfl(handle, flags - rustix::fs::OFlags::NONBLOCK);
    }
}

/// Nothing to do here.
#[cfg(windows)]
pub(crate) fn set_blocking(_handle: &Owned) {}

/// The number that an error message shows for a raw handle.
#[cfg(unix)]
pub(crate) fn number(raw: Raw) -> i64 {
    i64::from(raw)
}

/// The number that an error message shows for a raw handle.
#[cfg(windows)]
pub(crate) fn number(raw: Raw) -> i64 {
    raw as i64
}

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

/// A pipe's two ends, closed in children.
#[cfg(all(unix, not(target_vendor = "apple")))]
pub(crate) fn pipe() -> io::Result<(Owned, Owned)> {
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    Ok((reader.into(), writer.into()))
}

/// A pipe's two ends, closed in children; this system cannot make them so in one call.
#[cfg(target_vendor = "apple")]
pub(crate) fn pipe() -> io::Result<(Owned, Owned)> {
    let (reader, writer) = rustix::pipe::pipe()?;
    for end in [&reader, &writer] {
        rustix::io::fcntl_setfd(end, rustix::io::FdFlags::CLOEXEC)?;
    }
    Ok((reader.into(), writer.into()))
}

#[cfg(windows)]
pub(crate) use win32::pipe::pair as pipe;

#[cfg(unix)]
fn into_handle(open: Open) -> Result<Os, Open> {
    Ok(open)
}

#[cfg(windows)]
fn into_handle(open: Open) -> Result<Os, Open> {
    match open {
        Open::Handle(handle) => Ok(handle),
        socket @ Open::Socket(_) => Err(socket),
    }
}

#[cfg(unix)]
fn as_handle(open: &Open) -> Option<&Os> {
    Some(open)
}

#[cfg(windows)]
fn as_handle(open: &Open) -> Option<&Os> {
    match open {
        Open::Handle(handle) => Some(handle),
        Open::Socket(_) => None,
    }
}

#[cfg(unix)]
fn os_raw(open: &Open) -> Raw {
    open.as_raw_fd()
}

#[cfg(windows)]
fn os_raw(open: &Open) -> Raw {
    open.raw()
}

/// Whether it is a file with offsets, and no stream.
#[cfg(unix)]
fn os_has_offsets(handle: &Open) -> bool {
    rustix::fs::tell(handle) != Err(rustix::io::Errno::SPIPE)
}

/// Whether it is a file with offsets, and no stream.
#[cfg(windows)]
fn os_has_offsets(handle: &Open) -> bool {
    win32::is_disk(os_raw(handle))
}

/// Whether a read of it gets a message: this system tells no boundaries to a read.
#[cfg(unix)]
fn os_has_messages(_handle: &Open) -> bool {
    false
}

/// Whether a read of it gets a message, and not the bytes of several.
#[cfg(windows)]
fn os_has_messages(handle: &Open) -> bool {
    win32::reads_messages(os_raw(handle))
}

/// Whether the page cache is passed by: then nothing is ever at hand, and trying would wait.
#[cfg(all(any(target_os = "linux", target_os = "android", target_os = "freebsd"), not(miri)))]
fn os_is_direct(handle: &Open) -> bool {
    let flags = rustix::fs::fcntl_getfl(handle);
    flags.is_ok_and(|flags| flags.contains(rustix::fs::OFlags::DIRECT))
}

/// What direct I/O asks of a buffer's address, if the OS says so at once.
#[cfg(target_os = "linux")]
fn os_direct_alignment(handle: &Open) -> Option<usize> {
    use rustix::fs::{AtFlags, StatxFlags, statx};

    let told = statx(handle, c"", AtFlags::EMPTY_PATH, StatxFlags::DIOALIGN).ok()?;
    let align = told.stx_dio_mem_align as usize;
    align.is_power_of_two().then_some(align)
}

/// What direct I/O asks of a buffer's address, if the OS says so at once.
#[cfg(windows)]
fn os_direct_alignment(handle: &Open) -> Option<usize> {
    win32::alignment(os_raw(handle)).map(|asked| asked.memory)
}

/// What direct I/O asks of a buffer's address: this system does not say.
#[cfg(not(any(target_os = "linux", windows)))]
fn os_direct_alignment(_handle: &Open) -> Option<usize> {
    None
}

/// Whether the page cache is passed by: then nothing is ever at hand, and trying would wait.
#[cfg(windows)]
fn os_is_direct(handle: &Open) -> bool {
    win32::is_direct(os_raw(handle))
}

/// Whether the page cache is passed by: not on this system. Miri has no such flag either.
#[cfg(all(
    unix,
    any(miri, not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))
))]
fn os_is_direct(_handle: &Open) -> bool {
    false
}
