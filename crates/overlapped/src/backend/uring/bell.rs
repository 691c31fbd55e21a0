use std::{
    io,
    os::fd::{AsRawFd, OwnedFd},
};

use rustix::event::{EventfdFlags, eventfd};

use crate::{backend::Bell, handle::Raw};

/// A bell that a ring can wait for: an [eventfd(2)].
///
/// [eventfd(2)]: https://man7.org/linux/man-pages/man2/eventfd.2.html
pub(super) struct EventBell(OwnedFd);

impl EventBell {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
    }

    pub(super) fn raw(&self) -> Raw {
        self.0.as_raw_fd()
    }

    /// Forgets that it rang.
    pub(super) fn quiet(&self) {
        let _rings = rustix::io::read(&self.0, &mut [0; 8]);
    }
}

impl Bell for EventBell {
    fn ring(&self) {
        // It fails only if it has rung 2^64 - 2 times unheard: then it rings already.
        let _rings = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }
}
