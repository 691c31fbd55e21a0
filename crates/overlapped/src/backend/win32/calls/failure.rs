//! Why a call failed, in both of the system's words.
#![allow(unsafe_code, reason = "calls that look at the calling thread's last error")]

use windows_sys::Win32::Foundation::{GetLastError, NTSTATUS, RtlNtStatusToDosError};

use crate::error::NtStatus;

/// Why a call failed: Win32's code, and the status that it was made of, where that is known.
#[derive(Clone, Copy)]
pub(crate) struct Failure {
    pub(crate) code: u32,
    pub(in super::super) status: NtStatus,
}

impl Failure {
    /// Of the calling thread's last call, whose error this is.
    pub(super) fn of(code: u32) -> Self {
        Self { code, status: status_of(code) }
    }
}

pub(super) fn last_error() -> u32 {
    // SAFETY: it looks at a number of the calling thread.
    unsafe { GetLastError() }
}

// SAFETY: so `ntdll.dll` has it, since Windows XP.
#[link(name = "ntdll")]
unsafe extern "system" {
    safe fn RtlGetLastNtStatus() -> NTSTATUS;
}

/// The status that the calling thread's last error was made of, if `code` is that. Not every call
/// that fails leaves one: then it is an older one's, and another code is made of it.
pub(in super::super) fn status_of(code: u32) -> NtStatus {
    let status = RtlGetLastNtStatus();
    // SAFETY: the call takes any number.
    let is_its = unsafe { RtlNtStatusToDosError(status) } == code;
    if is_its { NtStatus::new(status) } else { NtStatus::NONE }
}
