//! What this process has: handles, and threads of the library.
#![allow(unsafe_code, reason = "calls of Win32")]

use std::{
    io, iter,
    os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle},
    process, ptr, slice,
};

use windows_sys::{
    Wdk::System::SystemInformation::{NtQuerySystemInformation, SYSTEM_INFORMATION_CLASS},
    Win32::{
        Foundation::{INVALID_HANDLE_VALUE, LocalFree, STATUS_INFO_LENGTH_MISMATCH},
        System::{
            Diagnostics::ToolHelp::{
                CreateToolhelp32Snapshot, TH32CS_SNAPTHREAD, THREADENTRY32, Thread32First,
                Thread32Next,
            },
            Threading::{GetThreadDescription, OpenThread, THREAD_QUERY_LIMITED_INFORMATION},
        },
    },
};

/// How many handles this process has, by the list of all handles of the system: under Wine
/// `GetProcessHandleCount` always says 0.
pub(crate) fn descriptors() -> usize {
    const SYSTEM_EXTENDED_HANDLE_INFORMATION: SYSTEM_INFORMATION_CLASS = 64;
    // A count, a reserved word, and then five words a handle, of which the second is its process.
    let mut list = vec![0_usize; 1 << 16];
    loop {
        let (room, size) = (list.as_mut_ptr().cast(), (list.len() * size_of::<usize>()) as u32);
        let class = SYSTEM_EXTENDED_HANDLE_INFORMATION;
        // SAFETY: there is so much room.
        let told = unsafe { NtQuerySystemInformation(class, room, size, ptr::null_mut()) };
        match told {
            STATUS_INFO_LENGTH_MISMATCH => list.resize(list.len() * 2, 0),
            told => break assert!(told >= 0, "the handles of the system: {told:#x}"),
        }
    }
    let all = list[2..].chunks_exact(5).take(list[0]);
    all.filter(|handle| handle[1] == process::id() as usize).count()
}

/// How many threads of the library this process has.
pub(crate) fn threads() -> usize {
    // SAFETY: no memory is given.
    let all = unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0) };
    assert_ne!(all, INVALID_HANDLE_VALUE, "{}", io::Error::last_os_error());
    // SAFETY: the call has just made this handle, and nobody else has it.
    let all = unsafe { OwnedHandle::from_raw_handle(all) };
    let size = size_of::<THREADENTRY32>() as u32;
    let mut entry = THREADENTRY32 { dwSize: size, ..THREADENTRY32::default() };
    // SAFETY: the list is open, and there is room for an entry.
    let mut good = unsafe { Thread32First(all.as_raw_handle(), &raw mut entry) };
    let ids = iter::from_fn(|| {
        let found = (good != 0).then_some((entry.th32OwnerProcessID, entry.th32ThreadID));
        // SAFETY: as above.
        good = unsafe { Thread32Next(all.as_raw_handle(), &raw mut entry) };
        found
    });
    let own = ids.filter(|(process, _)| *process == process::id());
    own.filter(|(_, id)| name_of(*id).is_some_and(|name| name.starts_with("overlapped"))).count()
}

/// The name of a thread; `None` if it is gone.
fn name_of(id: u32) -> Option<String> {
    // SAFETY: any number may be asked for.
    let thread = unsafe { OpenThread(THREAD_QUERY_LIMITED_INFORMATION, 0, id) };
    if thread.is_null() {
        return None;
    }
    // SAFETY: the call has just made this handle, and nobody else has it.
    let thread = unsafe { OwnedHandle::from_raw_handle(thread) };
    let mut text = ptr::null_mut();
    // SAFETY: the thread is open, and there is room for the address of its name.
    let told = unsafe { GetThreadDescription(thread.as_raw_handle(), &raw mut text) };
    if told < 0 {
        return None;
    }
    // SAFETY: the call has given a text that ends with a NUL.
    let at = |place: usize| unsafe { text.wrapping_add(place).read() };
    let len = (0..).take_while(|place| at(*place) != 0).count();
    // SAFETY: so many characters stand before the NUL.
    let name = String::from_utf16_lossy(unsafe { slice::from_raw_parts(text, len) });
    // SAFETY: the call has allocated it for us, and nobody looks at it any more.
    unsafe { LocalFree(text.cast()) };
    Some(name)
}
