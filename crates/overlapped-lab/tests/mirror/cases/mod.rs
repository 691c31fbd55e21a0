//! The conformance cases C01 to C55 of Win32's overlapped I/O, each written once.

mod cancel;
mod ends;
mod issue;
mod ports;
mod races;
mod routines;
mod signals;

use overlapped_lab::mirror::{
    Answer, EventField, Handle, Overlapped, Shown, Wait, Win32, error, status, wait,
};
use std::fmt::Debug;

/// What is expected of a case.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    Passes,
    /// The rule decides, and this system is known to do otherwise: `why`. The failure says `says`.
    Deviates {
        why: &'static str,
        says: &'static str,
    },
}

/// A conformance case.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// The rules that it shows.
    pub(crate) rules: &'static str,
    /// How often it runs where the system has a will of its own.
    pub(crate) rounds: u32,
    pub(crate) wine: Side,
    pub(crate) run: fn(&mut dyn Win32) -> Outcome,
}

/// What was wrong, or whether it was shown.
pub(crate) type Outcome = Result<Shown, String>;

impl Case {
    /// A case that passes everywhere.
    const fn new(
        name: &'static str,
        rules: &'static str,
        run: fn(&mut dyn Win32) -> Outcome,
    ) -> Case {
        Case { name, rules, rounds: 1, wine: Side::Passes, run }
    }

    const fn rounds(self, rounds: u32) -> Case {
        Case { rounds, ..self }
    }

    const fn wine(self, wine: Side) -> Case {
        Case { wine, ..self }
    }
}

/// All of them, in order.
pub(crate) fn all() -> impl Iterator<Item = &'static Case> {
    let groups = [
        issue::CASES,
        signals::CASES,
        cancel::CASES,
        races::CASES,
        routines::CASES,
        ports::CASES,
        ends::CASES,
    ];
    groups.into_iter().flatten()
}

/// Nothing, or what differs.
#[expect(clippy::needless_pass_by_value, reason = "what is compared was made for it")]
fn same<T: Debug + PartialEq>(what: &str, got: T, want: T) -> Result<(), String> {
    if got == want { Ok(()) } else { Err(format!("{what}: {got:x?}, not {want:x?}")) }
}

const PENDING: Answer = Err(error::IO_PENDING);
const CANCELLED: Answer = Err(error::OPERATION_ABORTED);
/// How long a wait lasts for what is not to come.
const A_WHILE: Wait = Wait::Ms(20);

/// A read in flight.
struct Reading {
    h: Handle,
    o: Overlapped,
    event: Handle,
}

impl Reading {
    /// Of so many bytes on an empty pipe, with a manual-reset event that was set.
    fn of(w: &mut dyn Win32, bytes: u8) -> Result<Reading, String> {
        let h = w.pipe();
        Reading::on(w, h, bytes)
    }

    fn on(w: &mut dyn Win32, h: Handle, bytes: u8) -> Result<Reading, String> {
        let event = w.create_event(false, true);
        let o = w.overlapped(bytes, EventField::Is(event));
        same("ReadFile on an empty pipe", w.read(h, o), PENDING)?;
        Ok(Reading { h, o, event })
    }

    /// The event is set, and `GetOverlappedResult` says this.
    fn ends_with(&self, w: &mut dyn Win32, answer: Answer) -> Result<(), String> {
        same("the wait for the event", w.wait(self.event, Wait::Forever, false), wait::OBJECT_0)?;
        same("GetOverlappedResult", w.result(self.h, self.o, false), answer)
    }

    fn is_pending(&self, w: &mut dyn Win32) -> Result<(), String> {
        pending(w, self.o)?;
        same("the event", is_set(w, self.event), false)
    }
}

/// It is in flight, and its buffer is as it was.
fn pending(w: &mut dyn Win32, o: Overlapped) -> Result<(), String> {
    same("Internal", w.internal(o), status::PENDING)?;
    same("bytes in the buffer", w.filled(o), 0)
}

/// Whether a wait would end at once.
fn is_set(w: &mut dyn Win32, h: Handle) -> bool {
    w.wait(h, Wait::No, false) == wait::OBJECT_0
}

/// The stream has exactly so many bytes: a read of more gets them, and no other is there.
fn left_in(w: &mut dyn Win32, h: Handle, o: Overlapped, bytes: u32) -> Result<(), String> {
    let event = w.create_event(false, false);
    w.renew(o, EventField::Is(event));
    let read = w.read(h, o);
    if bytes == 0 {
        return same("ReadFile where nothing is left", read, PENDING);
    }
    if read != PENDING {
        return same("ReadFile of what is left", read, Ok(bytes));
    }
    same("the result of what is left", w.result(h, o, true), Ok(bytes))
}
