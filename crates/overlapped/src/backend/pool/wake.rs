//! Gets a thread out of `poll`.

use rustix::{
    fd::{AsFd, BorrowedFd, OwnedFd},
    io,
};

/// Readable from a [`Wake::signal`] to the next [`Wake::clear`].
pub(super) struct Wake {
    reader: OwnedFd,
    /// Absent where the reader is its own other end.
    writer: Option<OwnedFd>,
}

impl Wake {
    pub(super) fn new() -> io::Result<Self> {
        let (reader, writer) = ends()?;
        Ok(Self { reader, writer })
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }

    pub(super) fn signal(&self) {
        // It fails only if so many signals are there already that no further one is needed.
        let _full = io::write(self.writer.as_ref().unwrap_or(&self.reader), &1u64.to_ne_bytes());
    }

    pub(super) fn clear(&self) {
        // One read empties an eventfd; what may be left in a pipe costs one more round.
        let _empty = io::read(&self.reader, &mut [0; 512]);
    }
}

#[cfg(target_os = "linux")]
fn ends() -> io::Result<(OwnedFd, Option<OwnedFd>)> {
    use rustix::event::{EventfdFlags, eventfd};
    Ok((eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?, None))
}

#[cfg(not(target_os = "linux"))]
fn ends() -> io::Result<(OwnedFd, Option<OwnedFd>)> {
    use rustix::fs::{OFlags, fcntl_setfl};
    let (reader, writer) = rustix::pipe::pipe()?;
    for end in [&reader, &writer] {
        io::fcntl_setfd(end, io::FdFlags::CLOEXEC)?;
        fcntl_setfl(end, OFlags::NONBLOCK)?;
    }
    Ok((reader, Some(writer)))
}
