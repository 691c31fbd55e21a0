//! An event of Win32's: a flag that threads wait for.
#![allow(unsafe_code, reason = "calls of Win32")]

use std::{
    io,
    os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle, RawHandle},
    ptr, thread,
    time::Duration,
};

use windows_sys::Win32::{
    Foundation::{WAIT_FAILED, WAIT_OBJECT_0},
    System::Threading::{
        CreateEventW, INFINITE, ResetEvent, SetEvent, WaitForMultipleObjects, WaitForSingleObject,
    },
};

/// It stays set until it is reset.
pub(super) struct Event(OwnedHandle);

impl Event {
    pub(super) fn new() -> io::Result<Self> {
        // SAFETY: neither attributes nor a name are given.
        let made = unsafe { CreateEventW(ptr::null(), 1, 0, ptr::null()) };
        if made.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call has just made this handle, and nobody else has it.
        Ok(Self(unsafe { OwnedHandle::from_raw_handle(made) }))
    }

    /// For an OVERLAPPED that is to send its packet nowhere: with the lowest bit set.
    pub(super) fn tagged(&self) -> RawHandle {
        self.0.as_raw_handle().map_addr(|address| address | 1)
    }

    pub(super) fn set(&self) {
        // SAFETY: the event is open.
        let _it_is = unsafe { SetEvent(self.0.as_raw_handle()) };
    }

    pub(super) fn reset(&self) {
        // SAFETY: the event is open.
        let _it_is = unsafe { ResetEvent(self.0.as_raw_handle()) };
    }

    pub(super) fn is_set(&self) -> bool {
        // SAFETY: the event is open, and the call looks at no memory.
        unsafe { WaitForSingleObject(self.0.as_raw_handle(), 0) == WAIT_OBJECT_0 }
    }

    /// Until it is set. There is no way out before.
    pub(super) fn wait(&self) {
        // SAFETY: as above.
        insist(|| unsafe { WaitForSingleObject(self.0.as_raw_handle(), INFINITE) });
    }

    /// Until it or `other` is set.
    pub(super) fn wait_or(&self, other: &Self) {
        let both = [self, other].map(|event| event.0.as_raw_handle());
        // SAFETY: the events are open, and so many handles are there.
        insist(|| unsafe { WaitForMultipleObjects(2, both.as_ptr(), 0, INFINITE) });
    }
}

/// A wait that is refused, for want of memory say, is tried again a little later.
fn insist(wait: impl Fn() -> u32) {
    while wait() == WAIT_FAILED {
        thread::sleep(Duration::from_millis(1));
    }
}
