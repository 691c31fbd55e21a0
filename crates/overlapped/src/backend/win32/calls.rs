//! The overlapped calls.
#![allow(unsafe_code, reason = "calls of Win32, and the memory that they are given")]

use std::{
    ptr::{self, NonNull},
    sync::Arc,
    thread,
    time::Duration,
};

use windows_sys::Win32::{
    Foundation::{
        ERROR_INVALID_PARAMETER, ERROR_IO_INCOMPLETE, ERROR_IO_PENDING, ERROR_MORE_DATA,
        GetLastError, HANDLE, NTSTATUS, RtlNtStatusToDosError, STATUS_PENDING,
    },
    Networking::WinSock::{WSABUF, WSAEINVAL, WSAEMSGSIZE},
    Storage::FileSystem::{ReadDirectoryChangesW, ReadFile, ReadFileEx, WriteFile, WriteFileEx},
    System::{
        IO::{
            CancelIoEx, DeviceIoControl, GetOverlappedResult, OVERLAPPED, OVERLAPPED_0,
            OVERLAPPED_0_0,
        },
        Pipes::ConnectNamedPipe,
    },
};

use super::{
    interrupt::Interrupt,
    routine::{self, Notes},
    sockets::{self, Beside},
};
use crate::{
    backend::{Entry, Id, Op},
    error::NtStatus,
    handle::{Raw, win32},
};

/// Why a call failed: Win32's code, and the status that it was made of, where that is known.
#[derive(Clone, Copy)]
pub(crate) struct Failure {
    pub(crate) code: u32,
    pub(super) status: NtStatus,
}

impl Failure {
    /// Of the calling thread's last call, whose error this is.
    fn of(code: u32) -> Self {
        Self { code, status: status_of(code) }
    }
}

fn last_error() -> u32 {
    // SAFETY: it looks at a number of the calling thread.
    unsafe { GetLastError() }
}

// SAFETY: so `ntdll.dll` has it, since Windows XP.
#[link(name = "ntdll")]
unsafe extern "system" {
    safe fn RtlGetLastNtStatus() -> NTSTATUS;
}

/// The status that the calling thread's last error was made of, if `code` is that. Not every call
/// that fails leaves one: then it is an older one's, and another code is made of it.
pub(super) fn status_of(code: u32) -> NtStatus {
    let status = RtlGetLastNtStatus();
    // SAFETY: the call takes any number.
    let is_its = unsafe { RtlNtStatusToDosError(status) } == code;
    if is_its { NtStatus::new(status) } else { NtStatus::NONE }
}

/// Makes the OVERLAPPED of an operation ready for a call, which is not over from here on. None must
/// be in flight with it.
fn prepare(entry: &mut Entry, at: Option<u64>, event: HANDLE) {
    let at = at.unwrap_or(0);
    let place = OVERLAPPED_0_0 { Offset: at as u32, OffsetHigh: (at >> 32) as u32 };
    let place = OVERLAPPED_0 { Anonymous: place };
    let status = STATUS_PENDING as usize;
    let ready = OVERLAPPED { Internal: status, InternalHigh: 0, Anonymous: place, hEvent: event };
    // SAFETY: the place is the entry's own, which is borrowed exclusively, and the OS has no call.
    unsafe { entry.overlapped().write(ready) };
}

/// What calls are made on.
#[derive(Clone, Copy)]
pub(crate) struct Target {
    raw: Raw,
    is_socket: bool,
}

impl Target {
    pub(crate) fn of(raw: Raw) -> Self {
        Self { raw, is_socket: win32::is_socket(raw) }
    }

    pub(super) fn is_socket(self) -> bool {
        self.is_socket
    }
}

// [C2] whatever has told of it: the OS has a call until it has written its word.
/// What the OS says of a call; `None` if it is not over. More data than there was room for is a
/// success (C3).
pub(super) fn result(target: Target, entry: &Entry) -> Option<Result<Moved, u32>> {
    let (handle, place) = (win32::handle(target.raw), entry.overlapped());
    let mut n = 0;
    let good = match target.is_socket {
        // SAFETY: the place is the entry's own, which is borrowed; nothing is waited for.
        true => unsafe { sockets::result(target.raw, place, &raw mut n) },
        // SAFETY: as above.
        false => unsafe { GetOverlappedResult(handle, place, &raw mut n, 0) != 0 },
    };
    let said = moved(n, good);
    (!matches!(said, Err(ERROR_IO_INCOMPLETE))).then_some(said)
}

/// What a call has moved.
#[derive(Clone, Copy)]
pub(super) struct Moved {
    pub(super) n: u32,
    /// There was not room for all.
    pub(super) more: bool,
}

/// Whether it went well, the error being the calling thread's last.
fn moved(n: u32, good: bool) -> Result<Moved, u32> {
    match if good { 0 } else { last_error() } {
        0 => Ok(Moved { n, more: false }),
        ERROR_MORE_DATA | MESSAGE_SIZE => Ok(Moved { n, more: true }),
        code => Err(code),
    }
}

/// As `ERROR_MORE_DATA`, of a datagram.
const MESSAGE_SIZE: u32 = WSAEMSGSIZE as u32;

/// Asks that the call in flight for an operation stop. That there is none any more is as well.
pub(super) fn cancel(target: Target, entry: &Entry) {
    // SAFETY: the address is only compared with those of calls in flight.
    let _proves_nothing = unsafe { CancelIoEx(win32::handle(target.raw), entry.overlapped()) };
}

/// A call, and the piece of its operation's memory that is still to be moved.
#[derive(Clone, Copy)]
struct Part {
    verb: Verb,
    start: *mut u8,
    len: u32,
    at: Option<u64>,
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
    fn of(entry: &mut Entry, moved: usize) -> Self {
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
    unsafe fn issue(self, target: Target, block: *mut OVERLAPPED) -> Issued {
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
    unsafe fn make(self, target: Target, count: *mut u32, block: *mut OVERLAPPED) -> bool {
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
    unsafe fn issue_with_routine(self, target: Target, block: *mut OVERLAPPED) -> Issued {
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

/// How one hears of the end of a call.
#[derive(Clone)]
pub(crate) enum Way {
    /// By a packet; `skips`: but of a success at once.
    Packet { skips: bool },
    /// By a routine, which takes a note; of a success at once, too.
    Routine(Arc<Notes>),
}

impl Way {
    /// What stands in the place of the event.
    fn place(&self) -> HANDLE {
        match self {
            Self::Packet { .. } => ptr::null_mut(),
            Self::Routine(notes) => notes.place(),
        }
    }
}

/// Whether a call with a routine is refused like this if its handle is bound to a port; it may be
/// meant otherwise.
pub(crate) fn may_be_bound(code: u32) -> bool {
    [ERROR_INVALID_PARAMETER, WSAEINVAL as u32].contains(&code)
}

/// A call that is to be made, once.
pub(crate) struct Call {
    id: Id,
    target: Target,
    part: Part,
    block: *mut OVERLAPPED,
    way: Way,
}

/// What a call says at once.
pub(crate) enum Issued {
    /// Its packet comes, or its routine.
    Pending,
    /// It has succeeded. Its packet comes, unless the handle skips packets then. Of what has a
    /// routine this is not said.
    Done,
    /// There is no operation, no packet and no routine.
    Refused(Failure),
}

impl Call {
    /// The part of `entry` that begins after `moved` bytes.
    ///
    /// # Safety
    ///
    /// The entry is kept, and `way`, until the call is over or is refused.
    pub(super) unsafe fn new(entry: &mut Entry, target: Target, moved: usize, way: &Way) -> Self {
        let part = Part::of(entry, moved);
        prepare(entry, part.at, way.place());
        Self { id: entry.id(), target, part, block: entry.overlapped(), way: way.clone() }
    }

    /// The operation that it is made for.
    pub(crate) fn id(&self) -> Id {
        self.id
    }

    /// How many bytes it is to move.
    pub(super) fn asked(&self) -> u32 {
        self.part.len
    }

    /// Whether no packet comes of a success at once.
    pub(crate) fn skips(&self) -> bool {
        matches!(self.way, Way::Packet { skips: true })
    }

    /// A routine runs on the thread that this is called on.
    pub(crate) fn make(self) -> Issued {
        let skips = self.skips();
        let Self { target, part, block, .. } = self;
        let issued = match self.way {
            // SAFETY: who made the call promised it.
            Way::Packet { .. } => unsafe { part.issue(target, block) },
            // SAFETY: as above, and `prepare` put the notes in their place.
            Way::Routine(_) => unsafe { part.issue_with_routine(target, block) },
        };
        match issued {
            // [C2] a warning is an end like another: it has its packet, too, or its routine.
            Issued::Refused(failure) if failure.status.is_warning() && !skips => Issued::Pending,
            issued => issued,
        }
    }
}

/// Moves the part of `entry` that begins after `moved` bytes and waits for it, on whatever sort of
/// handle. Its event sends the packet of a handle that is bound elsewhere nowhere.
pub(super) fn transfer(
    target: Target,
    entry: &mut Entry,
    moved: usize,
    interrupt: &Interrupt,
) -> Result<Moved, u32> {
    let part = Part::of(entry, moved);
    prepare(entry, part.at, interrupt.over().tagged());
    // SAFETY: entry and event are there until the end of this function, and it does not end while
    // the call is in flight.
    match unsafe { part.issue(target, entry.overlapped()) } {
        Issued::Refused(Failure { code, .. }) => return Err(code),
        Issued::Pending => {
            if interrupt.is_asked_before_over() {
                cancel(target, entry);
            }
            interrupt.wait();
        }
        Issued::Done => {}
    }
    // [C2] the OS has the memory until then, even if somebody else has closed the event.
    loop {
        if let Some(moved) = result(target, entry) {
            return moved;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Moves the same without an OVERLAPPED: to where a synchronous file stands, or on a synchronous
/// socket, which would not fill it.
pub(super) fn move_on(target: Target, entry: &mut Entry, done: usize) -> Result<Moved, u32> {
    let part = Part::of(entry, done);
    let mut n = 0;
    // SAFETY: the memory is the entry's, and the call is over when it returns: an overlapped file
    // refuses to be asked like this, and an overlapped socket waits.
    let good = unsafe { part.make(target, &raw mut n, ptr::null_mut()) };
    moved(n, good)
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
