//! An event of Win32's: a flag that threads wait for.
#![allow(unsafe_code, reason = "calls of Win32")]

use std::{
    io,
    os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle, RawHandle},
    ptr, thread,
    time::{Duration, Instant},
};

use windows_sys::Win32::{
    Foundation::{WAIT_FAILED, WAIT_OBJECT_0},
    System::Threading::{
        CreateEventW, INFINITE, ResetEvent, SetEvent, WaitForMultipleObjects, WaitForSingleObject,
        WaitForSingleObjectEx,
    },
};

use crate::backend::Bell;

/// It stays set until it is reset.
pub(crate) struct Event(OwnedHandle);

impl Event {
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: neither attributes nor a name are given.
        let made = unsafe { CreateEventW(ptr::null(), 1, 0, ptr::null()) };
        if made.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call has just made this handle, and nobody else has it.
        Ok(Self(unsafe { OwnedHandle::from_raw_handle(made) }))
    }

    /// For an OVERLAPPED that is to send its packet nowhere: with the lowest bit set.
    pub(crate) fn tagged(&self) -> RawHandle {
        self.0.as_raw_handle().map_addr(|address| address | 1)
    }

    pub(crate) fn set(&self) {
        // SAFETY: the event is open.
        let _it_is = unsafe { SetEvent(self.0.as_raw_handle()) };
    }

    pub(crate) fn reset(&self) {
        // SAFETY: the event is open.
        let _it_is = unsafe { ResetEvent(self.0.as_raw_handle()) };
    }

    pub(crate) fn is_set(&self) -> bool {
        // SAFETY: the event is open, and the call looks at no memory.
        unsafe { WaitForSingleObject(self.0.as_raw_handle(), 0) == WAIT_OBJECT_0 }
    }

    /// Until it is set. There is no way out before.
    pub(crate) fn wait(&self) {
        // SAFETY: as above.
        again(|| unsafe { WaitForSingleObject(self.0.as_raw_handle(), INFINITE) });
    }

    /// Until it is set, or `until`.
    pub(crate) fn wait_until(&self, until: Option<Instant>) {
        // SAFETY: as above.
        again(|| unsafe { WaitForSingleObject(self.0.as_raw_handle(), milliseconds(until)) });
    }

    /// Until it is set, or a routine of this thread has run.
    pub(crate) fn wait_alertably(&self) {
        // SAFETY: as above; routines do no more than [`routine`](super::routine) says.
        again(|| unsafe { WaitForSingleObjectEx(self.0.as_raw_handle(), INFINITE, 1) });
    }

    /// Until it or `other` is set.
    pub(crate) fn wait_or(&self, other: &Self) {
        let both = [self, other].map(|event| event.0.as_raw_handle());
        // SAFETY: the events are open, and so many handles are there.
        again(|| unsafe { WaitForMultipleObjects(2, both.as_ptr(), 0, INFINITE) });
    }
}

/// A wait that is refused, for want of memory say, is tried again a little later.
fn again(wait: impl Fn() -> u32) {
    while wait() == WAIT_FAILED {
        thread::sleep(Duration::from_millis(1));
    }
}

/// Until then, rounded up: a wait that ends too early would be begun again in a circle.
pub(crate) fn milliseconds(until: Option<Instant>) -> u32 {
    let Some(until) = until else {
        return INFINITE;
    };
    let left = until.saturating_duration_since(Instant::now());
    let whole = left.as_millis() + u128::from(left.subsec_nanos() % 1_000_000 > 0);
    u32::try_from(whole).unwrap_or(u32::MAX).min(INFINITE - 1)
}

impl Bell for Event {
    fn ring(&self) {
        self.set();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_never_shorter_than_asked() {
        let soon = Instant::now() + Duration::from_micros(2500);
        assert!((1..=3).contains(&milliseconds(Some(soon))));
        assert_eq!(milliseconds(Some(Instant::now())), 0);
        assert_eq!(milliseconds(None), INFINITE);
    }
}
