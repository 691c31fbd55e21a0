//! How other threads get up the one that waits alertably.
#![allow(unsafe_code, reason = "calls of Win32")]

use std::{
    io,
    os::windows::io::{AsRawHandle, BorrowedHandle, OwnedHandle},
};

use windows_sys::Win32::System::Threading::{GetCurrentThread, QueueUserAPC};

use crate::backend::Bell;

/// The thread that it was made on.
pub(super) struct ThreadBell(OwnedHandle);

impl ThreadBell {
    pub(super) fn new() -> io::Result<Self> {
        // SAFETY: the call only gives a name that always means the calling thread.
        let this = unsafe { GetCurrentThread() };
        // SAFETY: the name is good as long as there is anybody to use it here.
        let this = unsafe { BorrowedHandle::borrow_raw(this) };
        this.try_clone_to_owned().map(Self)
    }
}

impl Bell for ThreadBell {
    /// Queues a routine. It ends the wait that the thread is in, or the next; a thread that has
    /// exited takes none.
    fn ring(&self) {
        // SAFETY: the thread's handle is open, and the routine takes no memory.
        let _queued = unsafe { QueueUserAPC(Some(nothing), self.0.as_raw_handle(), 0) };
    }
}

/// A wait has ended when this has run.
extern "system" fn nothing(_: usize) {}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::{super::super::win32::routine, *};

    #[test]
    fn a_ring_ends_a_wait_or_the_next() {
        let bell = ThreadBell::new().unwrap();
        bell.ring();
        routine::sleep(None);
        let there = thread::spawn(move || bell.ring());
        routine::sleep(None);
        there.join().unwrap();
    }
}
