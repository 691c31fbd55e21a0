//! Making and closing objects.

use std::{
    fs::{File, OpenOptions},
    os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle},
    ptr,
    sync::atomic::{AtomicU32, Ordering},
};
use windows_sys::Win32::{
    Foundation::{HANDLE, INVALID_HANDLE_VALUE},
    Storage::FileSystem::{FILE_FLAG_OVERLAPPED, PIPE_ACCESS_DUPLEX},
    System::{
        IO::CreateIoCompletionPort,
        Pipes::{
            CreateNamedPipeW, PIPE_READMODE_BYTE, PIPE_READMODE_MESSAGE, PIPE_TYPE_BYTE,
            PIPE_TYPE_MESSAGE,
        },
        Threading::CreateEventW,
    },
};

/// A handle of our own.
pub(super) type Object = OwnedHandle;

/// A handle that was just made.
fn made(handle: HANDLE, what: &str) -> Object {
    let bad = handle.is_null() || handle == INVALID_HANDLE_VALUE;
    assert!(!bad, "{what}: {}", std::io::Error::last_os_error());
    // SAFETY: it was just made, and nobody else has it.
    unsafe { OwnedHandle::from_raw_handle(handle) }
}

/// The handle's value, for another thread.
pub(super) fn raw(object: &Object) -> usize {
    object.as_raw_handle() as usize
}

pub(super) fn event(auto_reset: bool, set: bool) -> Object {
    // SAFETY: no pointer is handed in.
    let event = unsafe { CreateEventW(ptr::null(), (!auto_reset).into(), set.into(), ptr::null()) };
    made(event, "CreateEvent")
}

pub(super) fn port() -> Object {
    // SAFETY: no pointer is handed in.
    let port = unsafe { CreateIoCompletionPort(INVALID_HANDLE_VALUE, ptr::null_mut(), 0, 1) };
    made(port, "CreateIoCompletionPort")
}

/// A named pipe, and the peer's end, which is synchronous.
pub(super) fn pipe(overlapped: bool, messages: bool) -> (Object, File) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = format!(r"\\.\pipe\overlapped-mirror-{}-{number}", std::process::id());
    let name: Vec<u16> = path.encode_utf16().chain([0]).collect();
    let flags = if overlapped { FILE_FLAG_OVERLAPPED } else { 0 };
    let mode = if messages {
        PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE
    } else {
        PIPE_TYPE_BYTE | PIPE_READMODE_BYTE
    };
    // SAFETY: the name is a string with its end.
    let end = unsafe {
        let open = PIPE_ACCESS_DUPLEX | flags;
        CreateNamedPipeW(name.as_ptr(), open, mode, 1, 4096, 4096, 0, ptr::null())
    };
    let end = made(end, "CreateNamedPipe");
    let peer = OpenOptions::new().read(true).write(true).open(&path);
    (end, peer.expect("the peer opens the pipe"))
}
