//! The half where completions come out.

use std::{io, sync::Arc, time::Instant};

use super::Shared;
use crate::backend::{Completion, Reap, win32::flights::Word};

pub(super) struct IocpReap(Arc<Shared>);

impl IocpReap {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }
}

impl Reap for IocpReap {
    fn wait(&mut self, until: Option<Instant>, out: &mut Vec<Completion>) -> io::Result<()> {
        let Self(shared) = self;
        let until = shared.workers.insist(until);
        let until = if shared.done.may_wait() { until } else { Some(Instant::now()) };
        let dequeued = shared.port.dequeue(until, |address| {
            let word = shared.flights().told(address);
            let over = match word {
                Some(Word::Over(completion)) => Some(completion),
                Some(Word::Next(call)) => shared.issue(call),
                None => None,
            };
            out.extend(over);
        });
        shared.done.take(out);
        dequeued
    }
}

impl Drop for IocpReap {
    fn drop(&mut self) {
        self.0.workers.leave();
    }
}
