//! The half where operations go in, of a mechanism that makes overlapped calls.

use std::sync::Arc;

use super::{
    NO_PLACE,
    calls::{self, Way},
    manners::{Known, Manner},
    shared::Shared,
};
use crate::{
    backend::{Bell, Cause, Completion, Entry, Id, Op, Submit, Value},
    error::NtStatus,
    handle::Raw,
};

pub(crate) struct CallSubmit(Arc<Shared>);

impl CallSubmit {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// A read or write, by the manner of its handle.
    fn transfer(&self, entry: Entry, raw: Raw, at: Option<u64>) -> Result<(), Entry> {
        let known = self.0.manners.of(raw);
        if entry.is_empty() && !known.has_messages {
            // A stream would wait for data, and take none.
            return self.answer(entry, Ok(Value::Count(0)));
        }
        if known.has_no_place() && at.is_none() {
            return self.answer(entry, Err(NO_PLACE));
        }
        if let Some(cause) = known.refusal(&entry) {
            return self.answer(entry, Err(cause));
        }
        self.call(entry, known)
    }

    fn call(&self, entry: Entry, known: Known) -> Result<(), Entry> {
        let Manner::Calls(way) = known.manner else {
            return self.0.workers.enqueue(entry);
        };
        let by_routine = matches!(way, Way::Routine(_));
        let call = self.0.flights().enter(entry, known.target, way);
        match self.0.issue(call) {
            Some(Completion { mut entry, answer: Err(Cause::Os(code)) })
                if by_routine && calls::may_be_bound(code as u32) =>
            {
                // A worker is told the same, if something else is meant.
                entry.set_status(NtStatus::NONE);
                self.0.workers.enqueue(entry)
            }
            Some(Completion { entry, answer }) => self.answer(entry, answer),
            None => Ok(()),
        }
    }

    /// What is asked of the handle's driver: there is no such call with a routine.
    fn ask(&self, entry: Entry, raw: Raw) -> Result<(), Entry> {
        let known = self.0.manners.of(raw);
        if known.has_packets() { self.call(entry, known) } else { self.0.workers.enqueue(entry) }
    }

    fn answer(&self, entry: Entry, answer: Result<Value, Cause>) -> Result<(), Entry> {
        self.0.done.push(Completion { entry, answer });
        Ok(())
    }
}

impl Submit for CallSubmit {
    fn submit(&mut self, entry: Entry) -> Result<(), Entry> {
        match entry.op() {
            // A pipe is read, or written, without being asked before whether it is ready.
            Op::Nop | Op::Timer { .. } | Op::Poll { .. } => self.answer(entry, Ok(Value::Count(0))),
            Op::Read { from: raw, at } | Op::Write { to: raw, at } => self.transfer(entry, raw, at),
            Op::ConnectPipe { of: raw }
            | Op::Control { of: raw, .. }
            | Op::Watch { of: raw, .. } => self.ask(entry, raw),
            _ => self.0.workers.enqueue(entry),
        }
    }

    fn cancel(&mut self, id: Id) {
        if !self.0.flights().cancel(id) {
            self.0.workers.cancel(id);
        }
    }

    fn wake(&mut self) {
        self.0.done.ring();
    }
}

impl Drop for CallSubmit {
    fn drop(&mut self) {
        self.0.workers.leave();
    }
}
