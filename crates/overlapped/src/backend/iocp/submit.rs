//! The half where operations go in.

use std::sync::Arc;

use super::{Shared, adopt::Manner};
use crate::{
    backend::{Bell, Cause, Completion, Entry, Id, Op, Submit, Value, win32::NO_PLACE},
    handle::Raw,
};

pub(super) struct IocpSubmit(Arc<Shared>);

impl IocpSubmit {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// A read or write, by the manner of its handle.
    fn transfer(&self, entry: Entry, raw: Raw, at: Option<u64>) -> Result<(), Entry> {
        let known = self.0.manners.of(raw);
        if entry.is_empty() && !known.has_messages {
            // A stream would wait for data, and take none.
            return self.answer(entry, Ok(Value::Count(0)));
        }
        let Manner::Packets { skips } = known.manner else {
            return self.0.workers.enqueue(entry);
        };
        if known.is_disk && at.is_none() {
            return self.answer(entry, Err(NO_PLACE));
        }
        let call = self.0.flights().enter(entry, known.target, skips);
        if let Some(over) = self.0.issue(call) {
            self.0.done.push(over);
        }
        Ok(())
    }

    fn answer(&self, entry: Entry, answer: Result<Value, Cause>) -> Result<(), Entry> {
        self.0.done.push(Completion { entry, answer });
        Ok(())
    }
}

impl Submit for IocpSubmit {
    fn submit(&mut self, entry: Entry) -> Result<(), Entry> {
        match entry.op() {
            // A pipe is read, or written, without being asked before whether it is ready.
            Op::Nop | Op::Timer { .. } | Op::Poll { .. } => self.answer(entry, Ok(Value::Count(0))),
            Op::Read { from: raw, at } | Op::Write { to: raw, at } => self.transfer(entry, raw, at),
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

impl Drop for IocpSubmit {
    fn drop(&mut self) {
        self.0.workers.leave();
    }
}
