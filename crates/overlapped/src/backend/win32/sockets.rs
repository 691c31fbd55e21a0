//! The overlapped calls of sockets: Winsock's own, so that its errors are told in its words. By the
//! calls of files a reset would be `ERROR_NETNAME_DELETED`.
#![allow(unsafe_code, reason = "calls of Winsock, and the memory that they are given")]

use windows_sys::Win32::{
    Networking::WinSock::{
        LPWSAOVERLAPPED_COMPLETION_ROUTINE as Routine, WSABUF, WSAGetOverlappedResult, WSARecv,
        WSASend,
    },
    System::IO::OVERLAPPED,
};

use crate::handle::{Raw, win32};

/// What a call has beside its memory.
#[derive(Clone, Copy)]
pub(super) struct Beside {
    pub(super) count: *mut u32,
    pub(super) block: *mut OVERLAPPED,
    pub(super) routine: Routine,
}

/// Whether it went well; the error is the calling thread's last.
///
/// # Safety
///
/// The memory stays the call's until that is over, and the OVERLAPPED, if there is one, in place
/// and untouched. There is room for the count, or it is null.
pub(super) unsafe fn receive(raw: Raw, memory: WSABUF, with: Beside) -> bool {
    let Beside { count, block, routine } = with;
    let (socket, mut flags) = (win32::socket(raw), 0);
    let (memory, flags) = (&raw const memory, &raw mut flags);
    // SAFETY: the caller's promise. List and flags are looked at before the call returns.
    unsafe { WSARecv(socket, memory, 1, count, flags, block, routine) == 0 }
}

/// As [`receive`].
///
/// # Safety
///
/// As of [`receive`]; the OS only reads the memory.
pub(super) unsafe fn send(raw: Raw, memory: WSABUF, with: Beside) -> bool {
    let Beside { count, block, routine } = with;
    let (socket, memory) = (win32::socket(raw), &raw const memory);
    // SAFETY: the caller's promise. The list is looked at before the call returns.
    unsafe { WSASend(socket, memory, 1, count, 0, block, routine) == 0 }
}

/// Whether a call that is over went well.
///
/// # Safety
///
/// `block` is what the call was made with, and is there, as is room for the count.
pub(super) unsafe fn result(raw: Raw, block: *const OVERLAPPED, count: *mut u32) -> bool {
    let mut flags = 0;
    let (socket, flags) = (win32::socket(raw), &raw mut flags);
    // SAFETY: by contract; nothing is waited for.
    unsafe { WSAGetOverlappedResult(socket, block, count, 0, flags) != 0 }
}
