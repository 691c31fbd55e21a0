//! Named pipes: how they are made and what they are asked, in Win32's calls.
#![allow(unsafe_code, reason = "calls of Win32")]

use std::{
    fs::OpenOptions,
    io,
    os::windows::{fs::OpenOptionsExt, io::FromRawHandle},
    process, ptr,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use windows_sys::Win32::{
    Foundation::INVALID_HANDLE_VALUE,
    Storage::FileSystem::{
        FILE_FLAG_FIRST_PIPE_INSTANCE, FILE_FLAG_OVERLAPPED, PIPE_ACCESS_INBOUND,
    },
    System::Pipes::{
        CreateNamedPipeW, DisconnectNamedPipe, GetNamedPipeHandleStateW, GetNamedPipeInfo,
        PIPE_READMODE_BYTE, PIPE_READMODE_MESSAGE, PIPE_REJECT_REMOTE_CLIENTS, PIPE_TYPE_BYTE,
        PIPE_TYPE_MESSAGE, SetNamedPipeHandleState,
    },
};

use super::handle;
use crate::handle::{Os, Owned, Raw};

/// How many bytes a pipe takes before a write waits, as Linux has it.
pub(crate) const ROOM: u32 = 64 << 10;

/// A server's end, as [CreateNamedPipeW] takes it.
///
/// [CreateNamedPipeW]: https://learn.microsoft.com/en-us/windows/win32/api/namedpipeapi/nf-namedpipeapi-createnamedpipew
#[derive(Clone, Copy, Debug)]
pub(crate) struct Make {
    pub(crate) access: u32,
    pub(crate) mode: u32,
    pub(crate) instances: u32,
    pub(crate) room_out: u32,
    pub(crate) room_in: u32,
    pub(crate) milliseconds: u32,
}

impl Make {
    /// An instance of the pipe `name`, for overlapped calls.
    pub(crate) fn make(self, name: &str) -> io::Result<Owned> {
        let wide: Vec<u16> = name.encode_utf16().chain([0]).collect();
        let Self { access, mode, instances, room_out, room_in, milliseconds } = self;
        let (name, access) = (wide.as_ptr(), access | FILE_FLAG_OVERLAPPED);
        let nobody = ptr::null();
        // SAFETY: the name ends with a NUL and outlives the call; no attributes are given.
        let made = unsafe {
            CreateNamedPipeW(name, access, mode, instances, room_out, room_in, milliseconds, nobody)
        };
        if made == INVALID_HANDLE_VALUE {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call has just made this handle, and nobody else has it.
        Ok(unsafe { Os::from_raw_handle(made) }.into())
    }
}

/// A pipe's two ends, closed in children: a named pipe of one instance, since an anonymous one
/// cannot be overlapped.
pub(crate) fn pair() -> io::Result<(Owned, Owned)> {
    let name = fresh_name();
    let reader = Make {
        access: PIPE_ACCESS_INBOUND | FILE_FLAG_FIRST_PIPE_INSTANCE,
        mode: PIPE_TYPE_BYTE | PIPE_REJECT_REMOTE_CLIENTS,
        instances: 1,
        room_out: ROOM,
        room_in: ROOM,
        milliseconds: 0,
    };
    let reader = reader.make(&name)?;
    let mut options = OpenOptions::new();
    let writer = options.write(true).custom_flags(FILE_FLAG_OVERLAPPED).open(&name)?;
    Ok((reader, writer.into()))
}

/// A name that nobody has; who guesses it and is first makes [`pair`] fail, no more.
fn fresh_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Relaxed);
    format!(r"\\.\pipe\overlapped.{}.{number}", process::id())
}

/// Whether it is a pipe of messages, of which a read may get a part.
pub(crate) fn has_messages(raw: Raw) -> bool {
    let (mut flags, none) = (0, ptr::null_mut());
    // SAFETY: there is room for the flags, and nothing else is asked.
    let good = unsafe { GetNamedPipeInfo(handle(raw), &raw mut flags, none, none, none) };
    good != 0 && flags & PIPE_TYPE_MESSAGE != 0
}

/// Whether a read gets a message, and not the bytes of several.
pub(crate) fn reads_messages(raw: Raw) -> bool {
    let (mut state, none) = (0, ptr::null_mut());
    // SAFETY: there is room for the state, and nothing else is asked.
    let good = unsafe {
        GetNamedPipeHandleStateW(handle(raw), &raw mut state, none, none, none, ptr::null_mut(), 0)
    };
    good != 0 && state & PIPE_READMODE_MESSAGE != 0
}

/// Has reads get messages, or bytes.
pub(crate) fn read_messages(raw: Raw, messages: bool) -> io::Result<()> {
    let mode = if messages { PIPE_READMODE_MESSAGE } else { PIPE_READMODE_BYTE };
    // SAFETY: the mode is there until the call returns, and nothing else is given.
    let good =
        unsafe { SetNamedPipeHandleState(handle(raw), &raw const mode, ptr::null(), ptr::null()) };
    if good == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Ends the connection to the client. It does not wait.
pub(crate) fn disconnect(raw: Raw) -> io::Result<()> {
    // SAFETY: the call takes any number and looks at no memory.
    let good = unsafe { DisconnectNamedPipe(handle(raw)) };
    if good == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
