//! A slow device under Wine: it writes an OVERLAPPED and its buffer from inside the thread that
//! issued the operation, when a signal comes. Where the signal is blocked, the completion is held
//! back, unless the thread itself waits for something by the server's help.
#![allow(unsafe_code, reason = "a system call of Linux, made inside Wine")]

use std::arch::asm;
use windows_sys::{
    Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress},
    core::{s, w},
};

/// Whether this is Wine.
pub(crate) fn on_wine() -> bool {
    // SAFETY: the name is a string with its end; the module is never unloaded.
    let ntdll = unsafe { GetModuleHandleW(w!("ntdll.dll")) };
    // SAFETY: as above.
    unsafe { GetProcAddress(ntdll, s!("wine_get_version")) }.is_some()
}

/// Linux: `rt_sigprocmask(SIG_BLOCK or SIG_UNBLOCK, &{SIGUSR1}, NULL, 8)` of this thread.
pub(crate) fn hold(back: bool) {
    const RT_SIGPROCMASK: usize = 14;
    const SIGUSR1: u32 = 10;
    let set: u64 = 1 << (SIGUSR1 - 1);
    let how = usize::from(!back);
    let failed: usize;
    // SAFETY: this is Wine, so a system call is Linux's; it reads the set, and changes the mask of
    // this thread only. The registers that a system call destroys are named.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") RT_SIGPROCMASK => failed,
            in("rdi") how,
            in("rsi") &raw const set,
            in("rdx") 0_usize,
            in("r10") 8_usize,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    assert_eq!(failed, 0, "rt_sigprocmask");
}
