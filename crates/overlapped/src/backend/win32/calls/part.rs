//! One call, made of an operation and of what of its memory is still to be moved.
#![allow(unsafe_code, reason = "calls of Win32, and the memory that they are given")]

use std::ptr::{self, NonNull};

use windows_sys::Win32::{
    Foundation::{ERROR_IO_PENDING, ERROR_MORE_DATA},
    Networking::WinSock::WSABUF,
    Storage::FileSystem::{ReadDirectoryChangesW, ReadFile, ReadFileEx, WriteFile, WriteFileEx},
    System::{
        IO::{DeviceIoControl, OVERLAPPED},
        Pipes::ConnectNamedPipe,
    },
};

use super::{
    super::{
        routine,
        sockets::{self, Beside},
    },
    Failure, Issued, MESSAGE_SIZE, Target,
    failure::last_error,
};
use crate::{
    backend::{Entry, Op},
    handle::win32,
};

/// A call, and the piece of its operation's memory that is still to be moved.
#[derive(Clone, Copy)]
pub(super) struct Part {
    verb: Verb,
    start: *mut u8,
    pub(super) len: u32,
    pub(super) at: Option<u64>,
}

#[derive(Clone, Copy)]
enum Verb {
    Read,
    Write,
    Connect,
    /// The code, and what goes in.
    Control(u32, *const u8, u32),
    /// Which changes, and whether below it, too.
    Watch(u32, bool),
}

impl Part {
    /// The part of `entry` that begins after `moved` bytes; none are left if it is empty.
    pub(super) fn of(entry: &mut Entry, moved: usize) -> Self {
        let (verb, at) = match entry.op() {
            Op::Read { at, .. } => (Verb::Read, at),
            Op::Write { at, .. } => (Verb::Write, at),
            Op::ConnectPipe { .. } => (Verb::Connect, None),
            Op::Control { code, .. } => {
                let input = entry.slices().next().unwrap_or_default();
                (Verb::Control(code, input.as_ptr(), length(input.len())), None)
            }
            Op::Watch { changes, tree, .. } => (Verb::Watch(changes, tree), None),
            op => unreachable!("{} has no overlapped form", op.name()),
        };
        let (start, len) = match verb {
            Verb::Write => {
                after(moved, entry.slices().map(|it| (it.as_ptr().cast_mut(), it.len())))
            }
            _ => after(moved, entry.slices_mut().map(|it| (it.as_mut_ptr(), it.len()))),
        };
        // What is left of more is the next part.
        Self { verb, start, len: length(len), at: at.map(|at| at + moved as u64) }
    }

    /// # Safety
    ///
    /// The memory stays the operation's until the call is over, and `block`, with the event in it,
    /// in place and untouched.
    pub(super) unsafe fn issue(self, target: Target, block: *mut OVERLAPPED) -> Issued {
        // SAFETY: the caller's promise; no count is asked for.
        if unsafe { self.make(target, ptr::null_mut(), block) } {
            // Of a watch it says no more than that it was begun; no handle of one skips packets.
            return if let Verb::Watch(..) = self.verb { Issued::Pending } else { Issued::Done };
        }
        match last_error() {
            // A warning comes as a packet, too: no handle that gives one skips packets.
            ERROR_IO_PENDING | ERROR_MORE_DATA | MESSAGE_SIZE => Issued::Pending,
            code => Issued::Refused(Failure::of(code)),
        }
    }

    /// Whether it went well; the error is the calling thread's last.
    ///
    /// # Safety
    ///
    /// As [`issue`](Self::issue). There is room for the count, or it is null; so may be `block`.
    pub(super) unsafe fn make(
        self,
        target: Target,
        count: *mut u32,
        block: *mut OVERLAPPED,
    ) -> bool {
        let handle = win32::handle(target.raw);
        let beside = Beside { count, block, routine: None };
        let (start, len) = (self.start, self.len);
        match self.verb {
            // SAFETY: the caller's promise.
            Verb::Read if target.is_socket => unsafe {
                sockets::receive(target.raw, self.memory(), beside)
            },
            // SAFETY: the caller's promise, and the OS only reads it.
            Verb::Write if target.is_socket => unsafe {
                sockets::send(target.raw, self.memory(), beside)
            },
            // SAFETY: the caller's promise.
            Verb::Read => unsafe { ReadFile(handle, start, len, count, block) != 0 },
            // SAFETY: the caller's promise, and the OS only reads it.
            Verb::Write => unsafe { WriteFile(handle, start, len, count, block) != 0 },
            // SAFETY: the caller's promise; there is no other memory.
            Verb::Connect => unsafe { ConnectNamedPipe(handle, block) != 0 },
            Verb::Control(code, input, room) => {
                let (input, start) = (input.cast(), start.cast());
                // SAFETY: the caller's promise; the OS only reads what goes in.
                unsafe { DeviceIoControl(handle, code, input, room, start, len, count, block) != 0 }
            }
            Verb::Watch(changes, tree) => {
                let (start, tree) = (start.cast(), i32::from(tree));
                // SAFETY: the caller's promise; no routine is given.
                unsafe {
                    ReadDirectoryChangesW(handle, start, len, tree, changes, count, block, None)
                        != 0
                }
            }
        }
    }

    fn memory(self) -> WSABUF {
        WSABUF { len: self.len, buf: self.start }
    }

    /// # Safety
    ///
    /// As [`issue`](Self::issue); in the place of the event stand notes, which outlive the call.
    pub(super) unsafe fn issue_with_routine(
        self,
        target: Target,
        block: *mut OVERLAPPED,
    ) -> Issued {
        let (handle, routine) = (win32::handle(target.raw), Some(routine::note as _));
        let of_socket = Some(routine::note_of_socket as _);
        let beside = Beside { count: ptr::null_mut(), block, routine: of_socket };
        let writes = matches!(self.verb, Verb::Write);
        let good = match (target.is_socket, writes) {
            // SAFETY: the caller's promise.
            (false, false) => unsafe {
                ReadFileEx(handle, self.start, self.len, block, routine) != 0
            },
            // SAFETY: the caller's promise, and the OS only reads it.
            (false, true) => unsafe {
                WriteFileEx(handle, self.start, self.len, block, routine) != 0
            },
            // SAFETY: the caller's promise.
            (true, false) => unsafe { sockets::receive(target.raw, self.memory(), beside) },
            // SAFETY: the caller's promise, and the OS only reads it.
            (true, true) => unsafe { sockets::send(target.raw, self.memory(), beside) },
        };
        match if good { ERROR_IO_PENDING } else { last_error() } {
            ERROR_IO_PENDING => Issued::Pending,
            code => Issued::Refused(Failure::of(code)),
        }
    }
}

/// Where the piece goes on after `moved` bytes of all.
fn after(mut moved: usize, pieces: impl Iterator<Item = (*mut u8, usize)>) -> (*mut u8, usize) {
    for (start, len) in pieces {
        if moved < len {
            return (start.wrapping_add(moved), len - moved);
        }
        moved -= len;
    }
    (NonNull::dangling().as_ptr(), 0)
}

/// As much as one call takes.
fn length(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(1 << 31)
}

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use super::*;

    // A count has 32 bits here, and the rest of a length is not taken for all of it.
    #[test]
    fn what_a_call_cannot_count_is_left_for_the_next() {
        const LEN: usize = (1 << 32) + 10;
        assert_eq!([10, 0, u32::MAX as usize].map(length), [10, 0, u32::MAX]);
        let (mut moved, mut calls) = (0, 0);
        let start: *mut u8 = ptr::without_provenance_mut(1 << 12);
        while moved < LEN {
            let (place, left) = after(moved, [(start, 7), (start, LEN - 7)].into_iter());
            let within = if moved < 7 { moved } else { moved - 7 };
            assert_eq!(place.addr(), start.addr() + within);
            moved += length(left) as usize;
            calls += 1;
        }
        assert_eq!((moved, calls), (LEN, 3));
    }
}
