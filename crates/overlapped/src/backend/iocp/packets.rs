//! The completion port itself.
#![allow(unsafe_code, reason = "calls of Win32")]

use std::{
    io,
    os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle},
    ptr, thread,
    time::{Duration, Instant},
};

use windows_sys::Win32::{
    Foundation::{INVALID_HANDLE_VALUE, WAIT_TIMEOUT},
    Storage::FileSystem::{FILE_TYPE_DISK, FILE_TYPE_PIPE, SetFileCompletionNotificationModes},
    System::{
        IO::{
            CreateIoCompletionPort, GetQueuedCompletionStatusEx, OVERLAPPED_ENTRY,
            PostQueuedCompletionStatus,
        },
        WindowsProgramming::FILE_SKIP_COMPLETION_PORT_ON_SUCCESS,
    },
};

use crate::{
    backend::{Bell, win32::event::milliseconds},
    handle::{Raw, win32},
};

/// The keys of packets.
const KEY_OP: usize = 1;
const KEY_WAKE: usize = 2;

/// How many packets are dequeued at a time.
const BATCH: usize = 128;

pub(super) struct CompletionPort(OwnedHandle);

impl CompletionPort {
    pub(super) fn new() -> io::Result<Self> {
        // SAFETY: without a handle to bind the call makes a port; no memory is passed.
        let made = unsafe { CreateIoCompletionPort(INVALID_HANDLE_VALUE, ptr::null_mut(), 0, 0) };
        if made.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call has just made this handle, and nobody else has it.
        Ok(Self(unsafe { OwnedHandle::from_raw_handle(made) }))
    }

    /// Binds a handle, for life.
    ///
    /// # Errors
    ///
    /// It is bound already, or it is synchronous.
    pub(super) fn bind(&self, raw: Raw) -> io::Result<()> {
        let port = self.0.as_raw_handle();
        // SAFETY: the call takes any numbers and looks at no memory.
        let bound = unsafe { CreateIoCompletionPort(win32::handle(raw), port, KEY_OP, 0) };
        if bound.is_null() { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Dequeues what is there, or what is first until `until`. `each` gets the addresses of the
    /// operations.
    pub(super) fn dequeue(
        &self,
        until: Option<Instant>,
        mut each: impl FnMut(usize),
    ) -> io::Result<()> {
        let mut packets = [OVERLAPPED_ENTRY::default(); BATCH];
        let mut taken = 0;
        let port = self.0.as_raw_handle();
        let (place, room) = (packets.as_mut_ptr(), BATCH as u32);
        let wait = milliseconds(until);
        // SAFETY: there is room for so many packets, and for their number; the wait is over when
        // the call returns.
        let got =
            unsafe { GetQueuedCompletionStatusEx(port, place, room, &raw mut taken, wait, 0) };
        if got == 0 {
            let error = io::Error::last_os_error();
            let in_time = error.raw_os_error() != Some(WAIT_TIMEOUT as i32);
            return if in_time { Err(error) } else { Ok(()) };
        }
        let ours = packets[..taken as usize].iter().filter(|it| it.lpCompletionKey == KEY_OP);
        ours.for_each(|packet| each(packet.lpOverlapped.addr()));
        Ok(())
    }
}

impl Bell for CompletionPort {
    /// Posts a packet. It may be the only one that ever comes, so one that is refused, for want of
    /// memory say, is posted again a little later.
    fn ring(&self) {
        let port = self.0.as_raw_handle();
        // SAFETY: nothing is behind a null pointer, and no packet's pointer is followed.
        while unsafe { PostQueuedCompletionStatus(port, 0, KEY_WAKE, ptr::null()) } == 0 {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Whether a handle may be asked to skip packets: a file, and a stream of bytes. Not what has
/// messages, nor a device with warnings of its own: whether these count as a success is not the
/// same on all systems. Nor a socket that somebody else's layer stands before: what that calls
/// success is its own.
pub(super) fn may_skip(raw: Raw) -> bool {
    matches!(win32::file_type(raw), FILE_TYPE_DISK | FILE_TYPE_PIPE)
        && !win32::has_messages(raw)
        && !win32::is_layered_socket(raw)
}

/// Asks that what succeeds at once send no packet; whether the OS agrees.
pub(super) fn skip_on_success(raw: Raw) -> bool {
    let mode = FILE_SKIP_COMPLETION_PORT_ON_SUCCESS as u8;
    // SAFETY: the call takes any number and looks at no memory.
    unsafe { SetFileCompletionNotificationModes(win32::handle(raw), mode) != 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wake_ends_a_wait() {
        let port = CompletionPort::new().unwrap();
        port.ring();
        port.dequeue(None, |_| panic!("it names no operation")).unwrap();
    }
}
