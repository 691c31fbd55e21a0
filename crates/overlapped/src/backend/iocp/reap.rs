//! The half where completions come out.

use std::{io, sync::Arc, time::Instant};

use super::packets::CompletionPort;
use crate::backend::{Completion, Reap, win32::shared::Shared};

pub(super) struct IocpReap {
    pub(super) port: Arc<CompletionPort>,
    pub(super) shared: Arc<Shared>,
}

impl Reap for IocpReap {
    fn wait(&mut self, until: Option<Instant>, out: &mut Vec<Completion>) -> io::Result<()> {
        let Self { port, shared } = self;
        let until = shared.workers.insist(until);
        let until = if shared.done.may_wait() { until } else { Some(Instant::now()) };
        let dequeued = port.dequeue(until, |address| out.extend(shared.told(address)));
        shared.done.take(out);
        dequeued
    }
}

impl Drop for IocpReap {
    fn drop(&mut self) {
        self.shared.workers.leave();
    }
}
