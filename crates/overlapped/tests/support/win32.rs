//! Win32's calls that no crate offers safely.
#![allow(unsafe_code, reason = "calls of Win32")]

use std::{
    io,
    os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle},
    ptr,
};

use windows_sys::Win32::{
    Foundation::INVALID_HANDLE_VALUE,
    Storage::FileSystem::{FILE_FLAG_OVERLAPPED, PIPE_ACCESS_DUPLEX},
    System::{
        IO::CreateIoCompletionPort,
        Pipes::{CreateNamedPipeW, CreatePipe, PIPE_READMODE_MESSAGE, PIPE_TYPE_MESSAGE},
        Threading::{GetCurrentProcess, GetProcessHandleCount},
    },
};

/// The server's end of a pipe of messages.
pub(crate) fn message_pipe(name: &str) -> io::Result<OwnedHandle> {
    let wide: Vec<u16> = name.encode_utf16().chain([0]).collect();
    let (access, mode) =
        (PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED, PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE);
    // SAFETY: the name ends with a NUL and outlives the call; no attributes are given.
    let made =
        unsafe { CreateNamedPipeW(wide.as_ptr(), access, mode, 1, 4096, 4096, 0, ptr::null()) };
    if made == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has just made this handle, and nobody else has it.
    Ok(unsafe { OwnedHandle::from_raw_handle(made) })
}

/// A pipe whose ends are synchronous: a read of it blocks its thread, and no port can have it.
pub(crate) fn synchronous_pipe() -> io::Result<(OwnedHandle, OwnedHandle)> {
    let (mut reader, mut writer) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: there is room for both handles, and no attributes are given.
    if unsafe { CreatePipe(&raw mut reader, &raw mut writer, ptr::null(), 4096) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has just made this handle, and nobody else has it.
    let reader = unsafe { OwnedHandle::from_raw_handle(reader) };
    // SAFETY: as above.
    let writer = unsafe { OwnedHandle::from_raw_handle(writer) };
    Ok((reader, writer))
}

/// Whether no completion port has this handle. Now one has, which is gone already.
pub(crate) fn can_be_bound(handle: &OwnedHandle) -> bool {
    // SAFETY: the call takes any handle, makes a port and looks at no memory.
    let port = unsafe { CreateIoCompletionPort(handle.as_raw_handle(), ptr::null_mut(), 0, 0) };
    if port.is_null() {
        return false;
    }
    // SAFETY: the call has just made this handle, and nobody else has it.
    drop(unsafe { OwnedHandle::from_raw_handle(port) });
    true
}

/// How many handles this process has open.
pub(crate) fn open_handles() -> u32 {
    let mut count = 0;
    // SAFETY: the name of the own process needs nothing.
    let process = unsafe { GetCurrentProcess() };
    // SAFETY: there is room for the count.
    let good = unsafe { GetProcessHandleCount(process, &raw mut count) };
    assert_ne!(good, 0, "{}", io::Error::last_os_error());
    count
}
