//! Completion routines: how a thread hears of the calls that it has made with one. They run on that
//! thread, when it waits alertably, be it in code that knows nothing of this library. So a routine
//! takes a note and does nothing else; who has made the call looks the note up later.
#![allow(unsafe_code, reason = "the OS calls a routine, with an address")]

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use windows_sys::Win32::{
    Foundation::HANDLE,
    System::{IO::OVERLAPPED, Threading::SleepEx},
};

use super::event::milliseconds;

/// The calls that are over, by the addresses of their OVERLAPPEDs, in the order in which the OS has
/// told of them. No thread waits alertably while it holds the lock, so no routine waits for it.
#[derive(Default)]
pub(crate) struct Notes(Mutex<Vec<usize>>);

impl Notes {
    fn lock(&self) -> MutexGuard<'_, Vec<usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Moves them into `over`, which is empty and lends its room to what comes next.
    pub(crate) fn take(&self, over: &mut Vec<usize>) {
        mem::swap(&mut *self.lock(), over);
    }

    /// What stands in the OVERLAPPED of a call with a routine, in the place of an event, which such
    /// a call has no use for.
    pub(super) fn place(self: &Arc<Self>) -> HANDLE {
        Arc::as_ptr(self).cast_mut().cast()
    }
}

/// Takes note of the call that is over.
///
/// # Safety
///
/// It is the routine of a call whose OVERLAPPED has the [`place`](Notes::place) of notes that
/// outlive the call.
pub(super) unsafe extern "system" fn note(_code: u32, _n: u32, block: *mut OVERLAPPED) {
    // SAFETY: the OVERLAPPED is there until this is noted; by contract it is as it was made.
    let place = unsafe { (*block).hEvent };
    // SAFETY: by contract.
    let notes = unsafe { &*place.cast::<Notes>() };
    notes.lock().push(block.addr());
}

/// As [`note`], of a socket.
///
/// # Safety
///
/// As of [`note`].
pub(super) unsafe extern "system" fn note_of_socket(
    code: u32,
    n: u32,
    block: *mut OVERLAPPED,
    _flags: u32,
) {
    // SAFETY: the caller's promise is the callee's.
    unsafe { note(code, n, block) };
}

/// Runs what is queued for this thread; if that is nothing, sleeps until there is something, or
/// until then.
pub(crate) fn sleep(until: Option<Instant>) {
    // SAFETY: no lock of ours is held that a routine of ours takes.
    unsafe { SleepEx(milliseconds(until), 1) };
}
