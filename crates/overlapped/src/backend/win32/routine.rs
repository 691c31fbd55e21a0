//! Completion routines: how a thread of ours hears of calls that no port tells of. A routine runs
//! on the thread that has made the call, when that waits alertably, and takes a note.
#![allow(unsafe_code, reason = "the OS calls a routine, with an address")]

use std::{cell::RefCell, mem};

use windows_sys::Win32::System::{IO::OVERLAPPED, Threading::SleepEx};

thread_local! {
    static OVER: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Notes which call is over. The address is not followed.
pub(super) extern "system" fn note(_code: u32, _n: u32, block: *mut OVERLAPPED) {
    OVER.with_borrow_mut(|over| over.push(block.addr()));
}

/// As [`note`], of a socket.
pub(super) extern "system" fn note_of_socket(_: u32, _: u32, block: *mut OVERLAPPED, _: u32) {
    note(0, 0, block);
}

/// Runs the routines of this thread that are due; the addresses of the calls that are over.
pub(crate) fn run() -> Vec<usize> {
    // SAFETY: routines do no more than `note` does.
    unsafe { SleepEx(0, 1) };
    OVER.with_borrow_mut(mem::take)
}
