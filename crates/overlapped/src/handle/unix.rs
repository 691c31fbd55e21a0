//! What a handle is on a Unix: a descriptor, whatever it names.

pub use std::os::fd::RawFd as Raw;
use std::{
    fs, io,
    net::{TcpStream, UdpSocket},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::net::UnixStream,
    },
    process::{ChildStderr, ChildStdin, ChildStdout},
};

use super::{Owned, Owner, from_std};

pub(super) type Os = OwnedFd;
pub(super) type Open = OwnedFd;

impl From<OwnedFd> for Owned {
    fn from(descriptor: OwnedFd) -> Self {
        Self(Owner::Os(descriptor))
    }
}

from_std!(OwnedFd: fs::File, ChildStdin, ChildStdout, ChildStderr);
from_std!(OwnedFd: TcpStream, UdpSocket, UnixStream);

impl AsRawFd for Owned {
    /// The number; of a simulated kernel's handle, one that the OS does not know.
    fn as_raw_fd(&self) -> Raw {
        super::raw(self)
    }
}

#[expect(clippy::unnecessary_wraps, reason = "elsewhere not all that is open is a handle")]
pub(super) fn into_os(open: Open) -> Result<Os, Open> {
    Ok(open)
}

#[expect(clippy::unnecessary_wraps, reason = "elsewhere not all that is open is a handle")]
pub(super) fn as_os(open: &Open) -> Option<&Os> {
    Some(open)
}

#[inline]
pub(super) fn raw(open: &Open) -> Raw {
    open.as_raw_fd()
}

/// The number that an error message shows for a raw handle.
pub(crate) fn number(raw: Raw) -> i64 {
    i64::from(raw)
}

/// Whether it is a file with offsets, and no stream.
pub(super) fn has_offsets(open: &Open) -> bool {
    rustix::fs::tell(open) != Err(rustix::io::Errno::SPIPE)
}

/// Whether a read of it gets a message: this system tells no boundaries to a read.
pub(super) fn has_messages(_open: &Open) -> bool {
    false
}

/// Whether the page cache is passed by: then nothing is ever at hand, and trying would wait.
#[cfg(all(any(target_os = "linux", target_os = "android", target_os = "freebsd"), not(miri)))]
pub(super) fn is_direct(open: &Open) -> bool {
    let flags = rustix::fs::fcntl_getfl(open);
    flags.is_ok_and(|flags| flags.contains(rustix::fs::OFlags::DIRECT))
}

/// Whether the page cache is passed by: not on this system. Miri has no such flag either.
#[cfg(any(miri, not(any(target_os = "linux", target_os = "android", target_os = "freebsd"))))]
pub(super) fn is_direct(_open: &Open) -> bool {
    false
}

/// What direct I/O asks of a buffer's address, if the OS says so at once.
#[cfg(target_os = "linux")]
pub(super) fn direct_alignment(open: &Open) -> Option<usize> {
    use rustix::fs::{AtFlags, StatxFlags, statx};

    let told = statx(open, c"", AtFlags::EMPTY_PATH, StatxFlags::DIOALIGN).ok()?;
    let align = told.stx_dio_mem_align as usize;
    align.is_power_of_two().then_some(align)
}

/// What direct I/O asks of a buffer's address: this system does not say.
#[cfg(not(target_os = "linux"))]
pub(super) fn direct_alignment(_open: &Open) -> Option<usize> {
    None
}

/// Takes `O_NONBLOCK` off: it was only for the opening. Reads of a regular file on some file
/// systems would otherwise answer "again" and nobody could say when.
pub(crate) fn set_blocking(handle: &Owned) {
    let Some(handle) = handle.os() else { return };
    if let Ok(flags) = rustix::fs::fcntl_getfl(handle) {
        let _unchanged = rustix::fs::fcntl_setfl(handle, flags - rustix::fs::OFlags::NONBLOCK);
    }
}

/// A pipe's two ends, closed in children.
#[cfg(not(target_vendor = "apple"))]
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
