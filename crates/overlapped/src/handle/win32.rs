//! What a handle is, in Win32's calls.
#![allow(unsafe_code, reason = "calls of Win32")]

pub(crate) mod changes;
pub(super) mod open;
pub(crate) mod pipe;

use std::ptr;

use windows_sys::{
    Wdk::Storage::FileSystem::{
        FILE_INFORMATION_CLASS, FILE_NO_INTERMEDIATE_BUFFERING, FILE_SYNCHRONOUS_IO_ALERT,
        FILE_SYNCHRONOUS_IO_NONALERT, FileIoCompletionNotificationInformation, FileModeInformation,
        NTCREATEFILE_CREATE_OPTIONS, NtQueryInformationFile,
    },
    Win32::{
        Foundation::HANDLE,
        Networking::WinSock::{
            SO_PROTOCOL_INFOW, SO_TYPE, SOCK_STREAM, SOCKET, SOL_SOCKET, WSAPROTOCOL_INFOW,
            XP1_IFS_HANDLES, getsockopt,
        },
        Storage::FileSystem::{
            FILE_ALIGNMENT_INFO, FILE_INFO_BY_HANDLE_CLASS, FILE_STORAGE_INFO, FILE_TYPE,
            FILE_TYPE_DISK, FILE_TYPE_PIPE, FileAlignmentInfo, FileStorageInfo,
            GetFileInformationByHandleEx, GetFileType,
        },
        System::{IO::IO_STATUS_BLOCK, WindowsProgramming::FILE_SKIP_COMPLETION_PORT_ON_SUCCESS},
    },
};

use super::{Alignment, Raw};

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
        None => pipe::has_messages(raw),
    }
}

/// Whether a read of it gets what was sent at once by itself, and not the bytes of several.
pub(crate) fn reads_messages(raw: Raw) -> bool {
    match socket_type(raw) {
        Some(of) => of != SOCK_STREAM,
        None => pipe::reads_messages(raw),
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

/// Whether it sends no packet of what succeeds at once: its owner has set that before.
pub(crate) fn skips_packets(raw: Raw) -> bool {
    let modes = number(raw, FileIoCompletionNotificationInformation);
    modes.is_some_and(|modes| modes & FILE_SKIP_COMPLETION_PORT_ON_SUCCESS != 0)
}

/// How it was opened.
fn mode(raw: Raw) -> Option<NTCREATEFILE_CREATE_OPTIONS> {
    number(raw, FileModeInformation)
}

/// What is told of it as one number.
fn number(raw: Raw, class: FILE_INFORMATION_CLASS) -> Option<u32> {
    let (mut status, mut number) = (IO_STATUS_BLOCK::default(), 0_u32);
    let (place, room) = (&raw mut number, size_of::<u32>() as u32);
    // SAFETY: there is room for both answers; the call is over when it returns.
    let failed =
        unsafe { NtQueryInformationFile(handle(raw), &raw mut status, place.cast(), room, class) };
    (failed == 0).then_some(number)
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
