//! What is open: a handle, or a socket, which is a handle that Winsock closes.

use std::{
    fs, io,
    net::{TcpStream, UdpSocket},
    os::windows::io::{AsRawHandle, AsRawSocket, OwnedHandle, OwnedSocket, RawHandle},
    process::{ChildStderr, ChildStdin, ChildStdout},
};

pub(crate) use super::pipe::pair as pipe;
use crate::handle::{Owned, Owner, from_std};

/// A `HANDLE` as the number that it is: unlike a pointer, a number may go to another thread.
pub type Raw = isize;
pub(in crate::handle) type Os = OwnedHandle;

#[derive(Debug)]
pub(in crate::handle) enum Open {
    Handle(OwnedHandle),
    Socket(OwnedSocket),
}

impl From<OwnedHandle> for Owned {
    fn from(handle: OwnedHandle) -> Self {
        Self(Owner::Os(Open::Handle(handle)))
    }
}

impl From<OwnedSocket> for Owned {
    fn from(socket: OwnedSocket) -> Self {
        Self(Owner::Os(Open::Socket(socket)))
    }
}

from_std!(OwnedHandle: fs::File, ChildStdin, ChildStdout, ChildStderr);
from_std!(OwnedSocket: TcpStream, UdpSocket);

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

impl AsRawHandle for Owned {
    /// The number; of a simulated kernel's handle, one that the OS does not know.
    fn as_raw_handle(&self) -> RawHandle {
        super::handle(crate::handle::raw(self))
    }
}

pub(in crate::handle) fn into_os(open: Open) -> Result<Os, Open> {
    match open {
        Open::Handle(handle) => Ok(handle),
        socket @ Open::Socket(_) => Err(socket),
    }
}

pub(in crate::handle) fn as_os(open: &Open) -> Option<&Os> {
    match open {
        Open::Handle(handle) => Some(handle),
        Open::Socket(_) => None,
    }
}

pub(in crate::handle) fn raw(open: &Open) -> Raw {
    match open {
        Open::Handle(handle) => handle.as_raw_handle().addr() as Raw,
        Open::Socket(socket) => socket.as_raw_socket() as Raw,
    }
}

/// The number that an error message shows for a raw handle.
pub(crate) fn number(raw: Raw) -> i64 {
    raw as i64
}

/// Whether it is a file with offsets, and no stream.
pub(in crate::handle) fn has_offsets(open: &Open) -> bool {
    super::is_disk(raw(open))
}

/// Whether a read of it gets a message, and not the bytes of several.
pub(in crate::handle) fn has_messages(open: &Open) -> bool {
    super::reads_messages(raw(open))
}

/// Whether the cache is passed by: then nothing is ever at hand, and trying would wait.
pub(in crate::handle) fn is_direct(open: &Open) -> bool {
    super::is_direct(raw(open))
}

/// What direct I/O asks of a buffer's address, if the OS says so at once.
pub(in crate::handle) fn direct_alignment(open: &Open) -> Option<usize> {
    super::alignment(raw(open)).map(|asked| asked.memory)
}

/// Nothing to do here.
pub(crate) fn set_blocking(_handle: &Owned) {}
