//! Another process, that keeps handles and does nothing: this program again.

use std::{
    io::{self, Read},
    os::windows::io::AsRawHandle,
    process::{Child, Command, Stdio},
    ptr,
};
use windows_sys::Win32::{
    Foundation::{DUPLICATE_SAME_ACCESS, DuplicateHandle, HANDLE},
    System::Threading::GetCurrentProcess,
};

/// By this the program knows that it is a keeper.
const VARIABLE: &str = "OVERLAPPED_KEEPER";

/// The other process.
pub(super) struct Keeper(Child);

/// If this process is a keeper, it is one until its input ends.
pub(crate) fn keeps() -> bool {
    let keeper = std::env::var_os(VARIABLE).is_some();
    if keeper {
        io::stdin().read_to_end(&mut Vec::new()).expect("the input ends");
    }
    keeper
}

impl Keeper {
    pub(super) fn start() -> Keeper {
        let program = std::env::current_exe().expect("this program has a path");
        let mut command = Command::new(program);
        command.env(VARIABLE, "1").stdin(Stdio::piped()).stdout(Stdio::null());
        Keeper(command.spawn().expect("this program starts again"))
    }

    /// It gets a duplicate of the handle.
    pub(super) fn keep(&self, handle: usize) {
        let mut theirs = ptr::null_mut();
        // SAFETY: it has no conditions.
        let ours = unsafe { GetCurrentProcess() };
        // SAFETY: the handles are open, and the result is written before the call comes back.
        let done = unsafe {
            let (from, to) = (handle as HANDLE, self.0.as_raw_handle());
            DuplicateHandle(ours, from, to, &raw mut theirs, 0, 0, DUPLICATE_SAME_ACCESS)
        };
        assert_ne!(done, 0, "DuplicateHandle: {}", io::Error::last_os_error());
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().expect("the other process ends");
    }
}
