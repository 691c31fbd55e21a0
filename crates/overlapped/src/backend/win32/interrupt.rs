//! How a worker is got out of a call that blocks.
#![allow(unsafe_code, reason = "calls of Win32")]

use std::{
    io,
    os::windows::io::{AsRawHandle, BorrowedHandle, OwnedHandle},
};

use windows_sys::Win32::System::{IO::CancelSynchronousIo, Threading::GetCurrentThread};

use super::event::Event;

/// A worker's own. Who interrupts must know that the worker performs what is to stop: it does
/// while both are under the lock of the pool, so that the worker's next operation is never hit.
pub(super) struct Interrupt {
    thread: OwnedHandle,
    asked: Event,
    /// The overlapped call that the worker waits for is over.
    over: Event,
}

impl Interrupt {
    /// Of the calling thread.
    pub(super) fn new() -> io::Result<Self> {
        // SAFETY: the call only gives a name that always means the calling thread.
        let this = unsafe { GetCurrentThread() };
        // SAFETY: the name is good as long as there is anybody to use it here.
        let this = unsafe { BorrowedHandle::borrow_raw(this) };
        Ok(Self { thread: this.try_clone_to_owned()?, asked: Event::new()?, over: Event::new()? })
    }

    /// The worker begins something that nobody has asked to stop yet.
    pub(super) fn begin(&self) {
        self.asked.reset();
    }

    /// Asks the worker to stop. A call that only begins after this is not met by it; one that
    /// waits for an event is, whenever it begins.
    pub(super) fn ask(&self) {
        self.asked.set();
        // SAFETY: the thread's handle is open; the call looks at no memory.
        let _proves_nothing = unsafe { CancelSynchronousIo(self.thread.as_raw_handle()) };
    }

    pub(super) fn is_asked(&self) -> bool {
        self.asked.is_set()
    }

    /// What the OS is to set at the end of the worker's next overlapped call.
    pub(super) fn over(&self) -> &Event {
        self.over.reset();
        &self.over
    }

    /// Until the call is over, or the worker is asked to stop; whether that came first.
    pub(super) fn is_asked_before_over(&self) -> bool {
        self.over.wait_or(&self.asked);
        !self.over.is_set()
    }

    /// Until the call is over.
    pub(super) fn wait(&self) {
        self.over.wait();
    }
}
