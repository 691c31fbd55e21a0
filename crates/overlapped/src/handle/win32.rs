//! What a handle is and how a pipe is made, in Win32's calls.
#![allow(unsafe_code, reason = "calls of Win32")]

use std::{
    fs::OpenOptions,
    io,
    os::windows::{
        fs::OpenOptionsExt,
        io::{AsRawHandle, AsRawSocket, FromRawHandle, OwnedSocket},
    },
    process, ptr,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use windows_sys::{
    Wdk::Storage::FileSystem::{
        FILE_MODE_INFORMATION, FILE_NO_INTERMEDIATE_BUFFERING, FILE_SYNCHRONOUS_IO_ALERT,
        FILE_SYNCHRONOUS_IO_NONALERT, FileModeInformation, NTCREATEFILE_CREATE_OPTIONS,
        NtQueryInformationFile,
    },
    Win32::{
        Foundation::{HANDLE, INVALID_HANDLE_VALUE},
        Networking::WinSock::{
            SO_PROTOCOL_INFOW, SO_TYPE, SOCK_STREAM, SOCKET, SOL_SOCKET, WSAPROTOCOL_INFOW,
            XP1_IFS_HANDLES, getsockopt,
        },
        Storage::FileSystem::{
            FILE_ALIGNMENT_INFO, FILE_FLAG_FIRST_PIPE_INSTANCE, FILE_FLAG_OVERLAPPED,
            FILE_INFO_BY_HANDLE_CLASS, FILE_STORAGE_INFO, FILE_TYPE, FILE_TYPE_DISK,
            FILE_TYPE_PIPE, FileAlignmentInfo, FileStorageInfo, GetFileInformationByHandleEx,
            GetFileType, PIPE_ACCESS_INBOUND,
        },
        System::{
            IO::IO_STATUS_BLOCK,
            Pipes::{
                CreateNamedPipeW, GetNamedPipeInfo, PIPE_REJECT_REMOTE_CLIENTS, PIPE_TYPE_BYTE,
                PIPE_TYPE_MESSAGE,
            },
        },
    },
};

use super::{Alignment, Os, Owned, Raw};

/// How many bytes a pipe takes before a write waits, as Linux has it.
const PIPE_ROOM: u32 = 64 << 10;

/// What is open: a handle, or a socket, which is a handle that Winsock closes.
#[derive(Debug)]
pub(super) enum Open {
    Handle(Os),
    Socket(OwnedSocket),
}

impl Open {
    pub(super) fn raw(&self) -> Raw {
        match self {
            Self::Handle(handle) => handle.as_raw_handle().addr() as Raw,
            Self::Socket(socket) => socket.as_raw_socket() as Raw,
        }
    }
}

/// The number as Win32's calls take it.
pub(crate) fn handle(raw: Raw) -> HANDLE {
    ptr::without_provenance_mut(raw as usize)
}

/// What sort of thing a handle names.
pub(crate) fn file_type(raw: Raw) -> FILE_TYPE {
    // SAFETY: the call takes any number and looks at no memory.
    unsafe { GetFileType(handle(raw)) }
}

/// Whether it is a file with offsets, and no stream.
pub(crate) fn is_disk(raw: Raw) -> bool {
    file_type(raw) == FILE_TYPE_DISK
}

/// The number as Winsock's calls take it.
pub(crate) fn socket(raw: Raw) -> SOCKET {
    raw as SOCKET
}

/// Whether it is a socket. Winsock knows only its own.
pub(crate) fn is_socket(raw: Raw) -> bool {
    file_type(raw) == FILE_TYPE_PIPE && socket_type(raw).is_some()
}

/// Whether a read of it may get a part of what was sent at once: a pipe of messages, or a socket
/// that is no stream.
pub(crate) fn has_messages(raw: Raw) -> bool {
    match socket_type(raw) {
        Some(of) => of != SOCK_STREAM,
        None => is_pipe_of_messages(raw),
    }
}

fn socket_type(raw: Raw) -> Option<i32> {
    let (mut told, mut room) = (0_i32, size_of::<i32>() as i32);
    let place = (&raw mut told).cast();
    // SAFETY: there is room for the answer, and the call is over when it returns.
    let failed = unsafe { getsockopt(socket(raw), SOL_SOCKET, SO_TYPE, place, &raw mut room) };
    (failed == 0).then_some(told)
}

/// Whether it is a socket that is no handle as good as any: a layer of Winsock's stands before it.
pub(crate) fn is_layered_socket(raw: Raw) -> bool {
    let mut told = WSAPROTOCOL_INFOW::default();
    let mut room = size_of::<WSAPROTOCOL_INFOW>() as i32;
    let place = (&raw mut told).cast();
    // SAFETY: as above.
    let failed =
        unsafe { getsockopt(socket(raw), SOL_SOCKET, SO_PROTOCOL_INFOW, place, &raw mut room) };
    is_socket(raw) && (failed != 0 || told.dwServiceFlags1 & XP1_IFS_HANDLES == 0)
}

/// Whether calls on it need not block: it was opened with `FILE_FLAG_OVERLAPPED`.
pub(crate) fn is_overlapped(raw: Raw) -> bool {
    let synchronous = FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT;
    mode(raw).is_some_and(|mode| mode & synchronous == 0)
}

/// Whether the cache is passed by: it was opened with `FILE_FLAG_NO_BUFFERING`.
pub(super) fn is_direct(raw: Raw) -> bool {
    mode(raw).is_some_and(|mode| mode & FILE_NO_INTERMEDIATE_BUFFERING != 0)
}

/// How it was opened.
fn mode(raw: Raw) -> Option<NTCREATEFILE_CREATE_OPTIONS> {
    let (mut status, mut mode) = (IO_STATUS_BLOCK::default(), FILE_MODE_INFORMATION::default());
    let (place, room) = (&raw mut mode, size_of::<FILE_MODE_INFORMATION>() as u32);
    // SAFETY: there is room for both answers; the call is over when it returns.
    let failed = unsafe {
        let place = place.cast();
        NtQueryInformationFile(handle(raw), &raw mut status, place, room, FileModeInformation)
    };
    (failed == 0).then_some(mode.Mode)
}

/// What a file that is open past the cache asks for: whole sectors of its volume, from memory that
/// begins as a sector and as the device does; nothing if the system does not say.
pub(crate) fn alignment(raw: Raw) -> Option<Alignment> {
    // SAFETY: so Win32 has it.
    let storage: FILE_STORAGE_INFO = unsafe { told(raw, FileStorageInfo) }?;
    // SAFETY: as above.
    let device: FILE_ALIGNMENT_INFO = unsafe { told(raw, FileAlignmentInfo) }?;
    let sector = storage.LogicalBytesPerSector as usize;
    let memory = sector.max(device.AlignmentRequirement as usize + 1);
    let good = sector.is_power_of_two() && memory.is_power_of_two();
    good.then_some(Alignment { memory, offset: sector })
}

/// # Safety
///
/// What is told of that class is a `T`, which has only numbers.
unsafe fn told<T: Default>(raw: Raw, class: FILE_INFO_BY_HANDLE_CLASS) -> Option<T> {
    let mut told = T::default();
    let (place, room) = ((&raw mut told).cast(), size_of::<T>() as u32);
    // SAFETY: there is room for the answer, and the call is over when it returns.
    let good = unsafe { GetFileInformationByHandleEx(handle(raw), class, place, room) };
    (good != 0).then_some(told)
}

fn is_pipe_of_messages(raw: Raw) -> bool {
    let (mut flags, none) = (0, ptr::null_mut());
    // SAFETY: there is room for the flags, and nothing else is asked.
    let good = unsafe { GetNamedPipeInfo(handle(raw), &raw mut flags, none, none, none) };
    good != 0 && flags & PIPE_TYPE_MESSAGE != 0
}

/// A pipe's two ends, closed in children: a named pipe of one instance, since an anonymous one
/// cannot be overlapped.
pub(crate) fn pipe() -> io::Result<(Owned, Owned)> {
    let name = fresh_name();
    let reader = reading_end(&name)?;
    let mut options = OpenOptions::new();
    let writer = options.write(true).custom_flags(FILE_FLAG_OVERLAPPED).open(&name)?;
    Ok((reader.into(), writer.into()))
}

/// A name that nobody has; who guesses it and is first makes [`pipe`] fail, no more.
fn fresh_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Relaxed);
    format!(r"\\.\pipe\overlapped.{}.{number}", process::id())
}

fn reading_end(name: &str) -> io::Result<Os> {
    let wide: Vec<u16> = name.encode_utf16().chain([0]).collect();
    let access = PIPE_ACCESS_INBOUND | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE;
    let mode = PIPE_TYPE_BYTE | PIPE_REJECT_REMOTE_CLIENTS;
    // SAFETY: the name ends with a NUL and outlives the call; no attributes are given.
    let made = unsafe {
        CreateNamedPipeW(wide.as_ptr(), access, mode, 1, PIPE_ROOM, PIPE_ROOM, 0, ptr::null())
    };
    if made == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has just made this handle, and nobody else has it.
    Ok(unsafe { Os::from_raw_handle(made) })
}
