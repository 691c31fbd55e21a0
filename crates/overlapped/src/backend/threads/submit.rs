//! The half where operations go in: to the queue of the workers, or to the waiter.

use std::sync::Arc;

use super::{Shared, streams::Arrival};
use crate::{
    backend::{
        Bell, Completion, Entry, Id, Op, Submit, Value,
        win32::manners::{Known, Manner},
    },
    handle::Raw,
};

pub(super) struct ThreadsSubmit(Arc<Shared>);

impl ThreadsSubmit {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    fn transfer(&self, entry: Entry, raw: Raw) -> Result<(), Entry> {
        let known = self.0.manners.of(raw);
        if entry.is_empty() && !known.has_messages {
            // A stream would wait for data, and take none.
            return self.nothing_to_do(entry);
        }
        if let Some(cause) = known.refusal(&entry) {
            self.0.done.push(Completion { entry, answer: Err(cause) });
            return Ok(());
        }
        let Known { manner, target, .. } = known;
        let Manner::Calls(way) = manner else {
            return self.0.workers.enqueue(entry);
        };
        self.0.streams.arrive(Arrival { entry, target, way });
        Ok(())
    }

    fn nothing_to_do(&self, entry: Entry) -> Result<(), Entry> {
        self.0.done.push(Completion { entry, answer: Ok(Value::Count(0)) });
        Ok(())
    }
}

impl Submit for ThreadsSubmit {
    fn submit(&mut self, entry: Entry) -> Result<(), Entry> {
        match entry.op() {
            // A pipe is read, or written, without being asked before whether it is ready.
            Op::Nop | Op::Timer { .. } | Op::Poll { .. } => self.nothing_to_do(entry),
            Op::Read { from: raw, .. } | Op::Write { to: raw, .. } => self.transfer(entry, raw),
            _ => self.0.workers.enqueue(entry),
        }
    }

    fn cancel(&mut self, id: Id) {
        if !self.0.streams.cancel(id) {
            self.0.workers.cancel(id);
        }
    }

    fn wake(&mut self) {
        self.0.done.ring();
    }
}

impl Drop for ThreadsSubmit {
    fn drop(&mut self) {
        self.0.leave();
    }
}
