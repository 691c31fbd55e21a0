//! What the OS has: entries, each with its OVERLAPPED, until it has said its last word.
#![allow(unsafe_code, reason = "promises that an entry and its OVERLAPPED stay together")]

use std::{collections::HashMap, mem};

use windows_sys::Win32::Foundation::ERROR_HANDLE_EOF;

use super::{
    calls::{Block, Call, Part},
    os,
};
use crate::{
    backend::{Cause, Completion, Entry, Id, Op, Value},
    handle::Raw,
};

/// So many blocks are kept for the next flights.
const KEPT: usize = 1024;

/// An operation as this backend and as the OS name it.
#[derive(Clone, Copy)]
pub(crate) struct Name {
    id: Id,
    pub(crate) address: usize,
}

#[derive(Default)]
pub(crate) struct Flights {
    flying: HashMap<usize, Flight>,
    addresses: HashMap<Id, usize>,
    spare: Vec<Block>,
}

struct Flight {
    entry: Entry,
    block: Block,
    raw: Raw,
    skips: bool,
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
    pub(crate) fn enter(&mut self, entry: Entry, raw: Raw, skips: bool) -> Call {
        let block = self.spare.pop().unwrap_or_else(Block::new);
        let name = Name { id: entry.id(), address: block.address() };
        let flight = Flight { entry, block, raw, skips, moved: 0, asked: 0, cancelled: false };
        self.addresses.insert(name.id, name.address);
        self.flying.entry(name.address).insert_entry(flight).get_mut().call(name)
    }

    /// The call with the block at `address` is over. `None` if it is none of ours.
    // [C2] the OS has said its last word: by a packet, or by a success that has none.
    pub(crate) fn told(&mut self, address: usize) -> Option<Word> {
        let flight = self.flying.get(&address)?;
        let result = flight.block.result(flight.raw);
        self.end(address, result)
    }

    /// The call with the block at `address` was refused: it never was in flight.
    pub(crate) fn refused(&mut self, address: usize, code: u32) -> Option<Word> {
        self.end(address, Err(code))
    }

    fn end(&mut self, address: usize, result: Result<u32, u32>) -> Option<Word> {
        let flight = self.flying.get_mut(&address)?;
        let Some(answer) = flight.take(result) else {
            let name = Name { id: flight.entry.id(), address };
            return Some(Word::Next(flight.call(name)));
        };
        let Flight { entry, block, .. } = self.flying.remove(&address)?;
        self.addresses.remove(&entry.id());
        if self.spare.len() < KEPT {
            self.spare.push(block);
        }
        Some(Word::Over(Completion { entry, answer }))
    }

    /// Asks the OS to stop an operation, if it is here; whether it is.
    pub(crate) fn cancel(&mut self, id: Id) -> bool {
        let address = self.addresses.get(&id);
        let Some(flight) = address.and_then(|address| self.flying.get_mut(address)) else {
            return false;
        };
        flight.cancelled = true;
        flight.block.cancel(flight.raw);
        true
    }

    // [C5] a cancel that came while the next call was being made has found nothing.
    /// Asks once more, if the operation is still here and a cancel has come before.
    pub(crate) fn cancel_late(&self, name: Name) {
        let flight = self.flying.get(&name.address);
        let late = flight.filter(|flight| flight.cancelled && flight.entry.id() == name.id);
        if let Some(flight) = late {
            flight.block.cancel(flight.raw);
        }
    }
}

impl Drop for Flights {
    // [C1] what the OS has not given back is leaked.
    fn drop(&mut self) {
        mem::forget(mem::take(&mut self.flying));
    }
}

impl Flight {
    /// The next call.
    fn call(&mut self, name: Name) -> Call {
        let part = Part::of(&mut self.entry, self.moved);
        self.asked = part.len;
        // SAFETY: the part is of this flight's entry. Entry and block stay together in the table,
        // which lets go of them when the call is over or refused and is leaked before that.
        unsafe { Call::new(name, self.raw, part, &mut self.block, self.skips) }
    }

    /// Takes the result of a call; the answer, unless there is more to move.
    fn take(&mut self, result: Result<u32, u32>) -> Option<Result<Value, Cause>> {
        match result {
            Ok(n) => {
                self.moved += n as usize;
                let whole = n == self.asked && self.moved < self.entry.len();
                if whole && !self.cancelled && goes_on(&self.entry.op()) {
                    return None;
                }
                Some(Ok(Value::Count(self.moved)))
            }
            Err(code) => Some(answer(&self.entry.op(), self.moved, code)),
        }
    }
}

/// Whether another buffer may be moved without waiting for more than the first one has.
pub(super) fn goes_on(op: &Op) -> bool {
    !matches!(op, Op::Read { at: None, .. })
}

/// What an operation answers whose last call has failed.
// [C3] the end of a file is no error, and what has moved is the count.
pub(super) fn answer(op: &Op, moved: usize, code: u32) -> Result<Value, Cause> {
    let ends = code == ERROR_HANDLE_EOF && matches!(op, Op::Read { .. });
    if ends || moved > 0 { Ok(Value::Count(moved)) } else { Err(os(code)) }
}
