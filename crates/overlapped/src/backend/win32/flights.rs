//! What the OS has: entries, each with its OVERLAPPED, until it has said its last word.
#![allow(unsafe_code, reason = "promises that an entry and its OVERLAPPED stay where they are")]

use std::{collections::HashMap, mem};

use windows_sys::Win32::Foundation::{
    ERROR_HANDLE_EOF, ERROR_NOTIFY_ENUM_DIR, ERROR_PIPE_CONNECTED,
};

use super::{
    calls::{self, Call, Failure, Moved, Target, Way},
    os,
};
use crate::backend::{Cause, Completion, Entry, Id, Op, Value};

/// By the addresses of their OVERLAPPEDs: what the OS says of another one is about no operation of
/// ours, and the address is not followed.
#[derive(Default)]
pub(crate) struct Flights(HashMap<usize, Flight>);

struct Flight {
    entry: Entry,
    target: Target,
    way: Way,
    /// What the calls before this one have moved.
    moved: usize,
    /// What this one is to move.
    asked: u32,
    cancelled: bool,
}

/// What follows from a call that is over.
pub(crate) enum Word {
    Over(Completion),
    Next(Call),
}

impl Flights {
    /// Keeps an entry for the OS; the call that is to be made for it.
    pub(crate) fn enter(&mut self, entry: Entry, target: Target, way: Way) -> Call {
        let address = entry.id().overlapped();
        let flight = Flight { entry, target, way, moved: 0, asked: 0, cancelled: false };
        self.0.entry(address).insert_entry(flight).get_mut().call()
    }

    /// The OS has told of the call with the OVERLAPPED at `address`. `None` if it is none of ours,
    /// or not over: then the word is about another one, which was there before.
    // [C2] the OS has said its last word: by a packet, or by a success that has none.
    pub(crate) fn told(&mut self, address: usize) -> Option<Word> {
        let flight = self.0.get(&address)?;
        let result = calls::result(flight.target, &flight.entry)?;
        self.end(address, result)
    }

    /// The call for an operation was refused: it never was in flight.
    pub(crate) fn refused(&mut self, id: Id, failure: Failure) -> Option<Word> {
        let flight = self.0.get_mut(&id.overlapped())?;
        flight.entry.set_status(failure.status);
        self.end(id.overlapped(), Err(failure.code))
    }

    fn end(&mut self, address: usize, result: Result<Moved, u32>) -> Option<Word> {
        let flight = self.0.get_mut(&address)?;
        let Some(answer) = flight.take(result) else {
            return Some(Word::Next(flight.call()));
        };
        let Flight { entry, .. } = self.0.remove(&address)?;
        Some(Word::Over(Completion { entry, answer }))
    }

    /// The first call for an operation was refused, and another way is to be tried: its entry, and
    /// whether it was cancelled meanwhile. `None` if it was a later one: what has moved would move
    /// again.
    pub(crate) fn withdraw(&mut self, id: Id) -> Option<(Entry, bool)> {
        let address = id.overlapped();
        self.0.get(&address).filter(|flight| flight.moved == 0)?;
        let Flight { entry, cancelled, .. } = self.0.remove(&address)?;
        Some((entry, cancelled))
    }

    /// Asks the OS to stop an operation, if it is here; whether it is.
    pub(crate) fn cancel(&mut self, id: Id) -> bool {
        let flight = self.0.get_mut(&id.overlapped());
        let Some(flight) = flight.filter(|flight| flight.entry.id() == id) else {
            return false;
        };
        flight.cancelled = true;
        calls::cancel(flight.target, &flight.entry);
        true
    }

    // [C5] a cancel that came while the next call was being made has found nothing.
    /// Asks once more, if the operation is still here and a cancel has come before.
    pub(crate) fn cancel_late(&self, id: Id) {
        let flight = self.0.get(&id.overlapped());
        let late = flight.filter(|flight| flight.cancelled && flight.entry.id() == id);
        if let Some(flight) = late {
            calls::cancel(flight.target, &flight.entry);
        }
    }
}

impl Drop for Flights {
    // [C1] what the OS has not given back is leaked.
    fn drop(&mut self) {
        mem::forget(mem::take(&mut self.0));
    }
}

impl Flight {
    /// The next call.
    fn call(&mut self) -> Call {
        // SAFETY: the table lets go of the flight when the call is over or refused, and is leaked
        // before that.
        let call = unsafe { Call::new(&mut self.entry, self.target, self.moved, &self.way) };
        self.asked = call.asked();
        call
    }

    /// Takes the result of a call; the answer, unless there is more to move.
    fn take(&mut self, result: Result<Moved, u32>) -> Option<Result<Value, Cause>> {
        match result {
            Ok(Moved { n, more }) => {
                self.moved += n as usize;
                let whole = n == self.asked && self.moved < self.entry.len();
                if whole && !self.cancelled && goes_on(&self.entry.op()) {
                    return None;
                }
                Some(Ok(value(self.moved, more)))
            }
            Err(code) => Some(answer(&self.entry.op(), self.moved, code)),
        }
    }
}

/// Whether another buffer may be moved without waiting for more than the first one has.
pub(super) fn goes_on(op: &Op) -> bool {
    matches!(op, Op::Read { at: Some(_), .. } | Op::Write { .. })
}

/// What an operation answers that has moved so much. `more`: of what there was it got a part.
pub(super) fn value(moved: usize, more: bool) -> Value {
    if more { Value::Part(moved) } else { Value::Count(moved) }
}

/// What an operation answers whose last call has failed.
// [C3] what has moved is the count, and some codes are no failure.
pub(super) fn answer(op: &Op, moved: usize, code: u32) -> Result<Value, Cause> {
    let good = match op {
        Op::Read { .. } => code == ERROR_HANDLE_EOF,
        // The client was there first.
        Op::ConnectPipe { .. } => code == ERROR_PIPE_CONNECTED,
        // There were more changes than room: the same as no bytes.
        Op::Watch { .. } => code == ERROR_NOTIFY_ENUM_DIR,
        _ => false,
    };
    if good || moved > 0 { Ok(Value::Count(moved)) } else { Err(os(code)) }
}
