//! Somebody who closes what belongs to somebody else.
#![allow(unsafe_code, reason = "a call of Win32")]

use std::{io, os::windows::io::RawHandle};

use windows_sys::Win32::Foundation::CloseHandle;

pub(crate) fn close(handle: RawHandle) {
    // SAFETY: the call takes any number. Its owner, who must see to it that it closes nothing else
    // by that number, is a test that knows of this.
    let good = unsafe { CloseHandle(handle) };
    assert_ne!(good, 0, "{}", io::Error::last_os_error());
}
