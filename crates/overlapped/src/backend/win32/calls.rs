//! The overlapped calls: how they are made, and what the OS says of them.
#![allow(unsafe_code, reason = "calls of Win32, and the memory that they are given")]

mod failure;
mod part;

pub(crate) use failure::Failure;
pub(super) use failure::status_of;

use std::{ptr, sync::Arc, thread, time::Duration};

use windows_sys::Win32::{
    Foundation::{
        ERROR_INVALID_PARAMETER, ERROR_IO_INCOMPLETE, ERROR_MORE_DATA, HANDLE, STATUS_PENDING,
    },
    Networking::WinSock::{WSAEINVAL, WSAEMSGSIZE},
    System::IO::{CancelIoEx, GetOverlappedResult, OVERLAPPED, OVERLAPPED_0, OVERLAPPED_0_0},
};

use super::{interrupt::Interrupt, routine::Notes, sockets};
use crate::{
    backend::{Entry, Id},
    handle::{Raw, win32},
};
use failure::last_error;
use part::Part;

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
