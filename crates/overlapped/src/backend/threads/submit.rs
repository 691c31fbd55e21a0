//! The half where operations go in: to the queue of the workers, or to the waiter.

use std::sync::Arc;

use super::Shared;
use crate::{
    backend::{Bell, Completion, Entry, Id, Op, Submit, Value},
    handle::{Raw, win32},
};

pub(super) struct ThreadsSubmit(Arc<Shared>);

impl ThreadsSubmit {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }
}

impl Submit for ThreadsSubmit {
    fn submit(&mut self, entry: Entry) -> Result<(), Entry> {
        match entry.op() {
            // A pipe is read, or written, without being asked before whether it is ready.
            Op::Nop | Op::Timer { .. } | Op::Poll { .. } => {}
            // A stream would wait for data, and take none.
            Op::Read { from: raw, .. } | Op::Write { to: raw, .. }
                if entry.is_empty() && !win32::has_messages(raw) => {}
            Op::Read { from: raw, at: None } | Op::Write { to: raw, at: None } if waits(raw) => {
                self.0.streams.arrive(entry, raw);
                return Ok(());
            }
            _ => return self.0.workers.enqueue(entry),
        }
        self.0.done.push(Completion { entry, answer: Ok(Value::Count(0)) });
        Ok(())
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

/// Whether one thread can wait for many such handles.
fn waits(raw: Raw) -> bool {
    !win32::is_disk(raw) && !win32::has_messages(raw) && win32::is_overlapped(raw)
}

impl Drop for ThreadsSubmit {
    fn drop(&mut self) {
        self.0.leave();
    }
}
