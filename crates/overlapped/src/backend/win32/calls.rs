//! The overlapped calls.
#![allow(unsafe_code, reason = "calls of Win32, and the memory that they are given")]

use std::{
    io,
    ptr::{self, NonNull},
};

use windows_sys::Win32::{
    Foundation::{ERROR_IO_PENDING, ERROR_MORE_DATA, GetLastError, HANDLE},
    Storage::FileSystem::{ReadFile, WriteFile},
    System::IO::{CancelIoEx, GetOverlappedResult, OVERLAPPED, OVERLAPPED_0, OVERLAPPED_0_0},
};

use super::{event::Event, flights::Name, interrupt::Interrupt};
use crate::{
    backend::{Entry, Op},
    handle::{Raw, win32},
};

/// An OVERLAPPED, in a place of its own: its address is the operation's name to the OS.
///
/// While a call with it is in flight it must not be dropped; [`Flights`](super::flights::Flights)
/// sees to that.
pub(super) struct Block(NonNull<OVERLAPPED>);

// SAFETY: it owns what it points to, as a box does, which holds no more than numbers.
unsafe impl Send for Block {}

impl Block {
    pub(super) fn new() -> Self {
        let place = Box::leak(Box::new(OVERLAPPED::default()));
        Self(NonNull::from(place))
    }

    pub(super) fn address(&self) -> usize {
        self.0.addr().get()
    }

    /// Makes it ready for a call at `at`. None must be in flight with it.
    fn prepare(&mut self, at: Option<u64>) {
        // SAFETY: the place is this block's own, and no call is in flight with it.
        unsafe { self.0.write(overlapped(at, ptr::null_mut())) };
    }

    /// What the OS says of a call that is over.
    pub(super) fn result(&self, raw: Raw) -> Result<u32, u32> {
        // SAFETY: the place is this block's own, which is borrowed, and the call that was made with
        // it is over.
        unsafe { result(win32::handle(raw), self.0.as_ptr()) }
    }

    /// Asks that the call that is in flight with it stop. That there is none any more is as well.
    pub(super) fn cancel(&self, raw: Raw) {
        // SAFETY: the address is only compared with those of calls in flight.
        let _proves_nothing = unsafe { CancelIoEx(win32::handle(raw), self.0.as_ptr()) };
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: the place was a box's in `new`, and no call is in flight with it.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

fn overlapped(at: Option<u64>, event: HANDLE) -> OVERLAPPED {
    let at = at.unwrap_or(0);
    let place = OVERLAPPED_0_0 { Offset: at as u32, OffsetHigh: (at >> 32) as u32 };
    let place = OVERLAPPED_0 { Anonymous: place };
    OVERLAPPED { Internal: 0, InternalHigh: 0, Anonymous: place, hEvent: event }
}

/// The result of a call that is over. More data than there was room for is a success (C3).
///
/// # Safety
///
/// `block` is what the call was made with.
unsafe fn result(handle: HANDLE, block: *const OVERLAPPED) -> Result<u32, u32> {
    let mut n = 0;
    // SAFETY: by contract the block is one of a call that is over; nothing is waited for.
    let good = unsafe { GetOverlappedResult(handle, block, &raw mut n, 0) };
    match if good == 0 { last_error() } else { 0 } {
        0 | ERROR_MORE_DATA => Ok(n),
        code => Err(code),
    }
}

fn last_error() -> u32 {
    // SAFETY: it looks at a number of the calling thread.
    unsafe { GetLastError() }
}

/// A piece of an operation's memory that is still to be moved.
#[derive(Clone, Copy)]
pub(super) struct Part {
    start: *mut u8,
    pub(super) len: u32,
    writes: bool,
    at: Option<u64>,
}

impl Part {
    /// The part of `entry` that begins after `moved` bytes; none are left if it is empty.
    pub(super) fn of(entry: &mut Entry, moved: usize) -> Self {
        let (writes, at) = match entry.op() {
            Op::Write { at, .. } => (true, at),
            Op::Read { at, .. } => (false, at),
            _ => (false, None),
        };
        let (start, len) = match writes {
            true => after(moved, entry.slices().map(|it| (it.as_ptr().cast_mut(), it.len()))),
            false => after(moved, entry.slices_mut().map(|it| (it.as_mut_ptr(), it.len()))),
        };
        // What is left of more is the next part.
        let len = u32::try_from(len).unwrap_or(1 << 31);
        Self { start, len, writes, at: at.map(|at| at + moved as u64) }
    }

    /// # Safety
    ///
    /// The memory stays the operation's until the call is over, and `block`, with the event in it,
    /// in place and untouched.
    unsafe fn issue(self, raw: Raw, block: *mut OVERLAPPED) -> Issued {
        let (handle, none) = (win32::handle(raw), ptr::null_mut());
        let good = if self.writes {
            // SAFETY: the caller's promise, and the OS only reads it.
            unsafe { WriteFile(handle, self.start, self.len, none, block) }
        } else {
            // SAFETY: the caller's promise.
            unsafe { ReadFile(handle, self.start, self.len, none, block) }
        };
        match if good == 0 { last_error() } else { 0 } {
            // A warning comes as a packet, too: no handle that gives one skips packets.
            ERROR_IO_PENDING | ERROR_MORE_DATA => Issued::Pending,
            0 => Issued::Done,
            code => Issued::Refused(code),
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

/// A call that is to be made, once.
pub(crate) struct Call {
    name: Name,
    raw: Raw,
    part: Part,
    block: *mut OVERLAPPED,
    skips: bool,
}

/// What a call says at once.
pub(crate) enum Issued {
    /// Its packet comes.
    Pending,
    /// It has succeeded. Its packet comes, unless the handle skips packets then.
    Done,
    /// There is no operation, and no packet.
    Refused(u32),
}

impl Call {
    /// # Safety
    ///
    /// `part` is of the entry that `name` is, which is kept together with `block` until the call is
    /// over, or is refused.
    pub(super) unsafe fn new(
        name: Name,
        raw: Raw,
        part: Part,
        block: &mut Block,
        skips: bool,
    ) -> Self {
        block.prepare(part.at);
        Self { name, raw, part, block: block.0.as_ptr(), skips }
    }

    pub(crate) fn name(&self) -> Name {
        self.name
    }

    /// Whether no packet comes of a success at once.
    pub(crate) fn skips(&self) -> bool {
        self.skips
    }

    pub(crate) fn make(self) -> Issued {
        // SAFETY: who made the call promised it.
        unsafe { self.part.issue(self.raw, self.block) }
    }
}

/// Moves a part and waits for it, on whatever sort of handle. Its event sends the packet of a
/// handle that is bound elsewhere nowhere.
pub(super) fn transfer(raw: Raw, part: Part, interrupt: &Interrupt) -> Moved {
    let event = Event::new().map_err(|error| code(&error))?;
    let mut block = overlapped(part.at, event.tagged());
    let place = &raw mut block;
    // SAFETY: memory, block and event are there until the end of this function, and it does not
    // end while the call is in flight.
    match unsafe { part.issue(raw, place) } {
        Issued::Refused(code) => return Err(code),
        Issued::Pending => {
            if interrupt.wait(&event) {
                // SAFETY: the address is only compared with those of calls in flight.
                let _proves_nothing = unsafe { CancelIoEx(win32::handle(raw), place) };
            }
            // [C2] the OS has the memory until then.
            event.wait();
        }
        Issued::Done => {}
    }
    // SAFETY: it is the block of the call, which is over.
    unsafe { result(win32::handle(raw), place) }
}

/// How many bytes, or the OS's word.
pub(super) type Moved = Result<u32, u32>;

fn code(error: &io::Error) -> u32 {
    error.raw_os_error().unwrap_or_default() as u32
}

/// Moves a part to where a synchronous file stands.
pub(super) fn move_on(raw: Raw, part: Part) -> Moved {
    let handle = win32::handle(raw);
    let mut n = 0;
    let good = if part.writes {
        // SAFETY: the memory is the entry's, and the call is over when it returns: an overlapped
        // file refuses to be asked like this.
        unsafe { WriteFile(handle, part.start, part.len, &raw mut n, ptr::null_mut()) }
    } else {
        // SAFETY: as above.
        unsafe { ReadFile(handle, part.start, part.len, &raw mut n, ptr::null_mut()) }
    };
    if good == 0 { Err(last_error()) } else { Ok(n) }
}
