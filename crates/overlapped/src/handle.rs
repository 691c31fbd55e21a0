//! An OS handle, by the name that each OS gives it, or a simulated kernel's.

mod metadata;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
pub(crate) mod win32;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use win32::open as system;

#[cfg(unix)]
pub(crate) use metadata::system_time;
pub use metadata::{Alignment, Kind, Metadata};
pub use system::Raw;
pub(crate) use system::{number, pipe, set_blocking};

use std::{fmt, io};

use system::{Open, Os};

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
            Owner::Os(open) => system::into_os(open).map_err(|open| Self(Owner::Os(open))),
            Owner::Simulated(_) => Err(self),
        }
    }

    /// The OS's own handle, if it is one; on Windows a socket is none.
    pub fn os(&self) -> Option<&Os> {
        match &self.0 {
            Owner::Os(open) => system::as_os(open),
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

use from_std;

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

/// The raw handle inside an owned one.
pub(crate) fn raw(handle: &Owned) -> Raw {
    match &handle.0 {
        Owner::Os(open) => system::raw(open),
        Owner::Simulated(handle) => handle.raw(),
    }
}

/// Whether it is a file with offsets, and no stream.
pub(crate) fn has_offsets(handle: &Owned) -> bool {
    match &handle.0 {
        Owner::Os(open) => system::has_offsets(open),
        Owner::Simulated(handle) => handle.has_offsets(),
    }
}

/// Whether a read of it gets a message, and not the bytes of several.
pub(crate) fn has_messages(handle: &Owned) -> bool {
    match &handle.0 {
        Owner::Os(open) => system::has_messages(open),
        Owner::Simulated(handle) => handle.has_messages(),
    }
}

/// Whether the page cache is passed by: then nothing is ever at hand, and trying would wait.
pub(crate) fn is_direct(handle: &Owned) -> bool {
    match &handle.0 {
        Owner::Os(open) => system::is_direct(open),
        Owner::Simulated(handle) => handle.direct_alignment().is_some(),
    }
}

/// What direct I/O asks of a buffer's address, if that can be told at once.
pub(crate) fn direct_alignment(handle: &Owned) -> Option<usize> {
    match &handle.0 {
        Owner::Os(open) => system::direct_alignment(open),
        Owner::Simulated(handle) => handle.direct_alignment(),
    }
}
