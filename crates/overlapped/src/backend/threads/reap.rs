//! The half where completions come out: a list and an event.

use std::{io, sync::Arc, time::Instant};

use super::Shared;
use crate::backend::{Completion, Reap};

pub(super) struct ThreadsReap(Arc<Shared>);

impl ThreadsReap {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }
}

impl Reap for ThreadsReap {
    fn wait(&mut self, until: Option<Instant>, out: &mut Vec<Completion>) -> io::Result<()> {
        let Self(shared) = self;
        let until = shared.workers.insist(until);
        // Whoever rings from here on rings for this wait, or for nothing.
        shared.bell.reset();
        if shared.done.may_wait() {
            shared.bell.wait_until(until);
        }
        shared.done.take(out);
        Ok(())
    }
}

impl Drop for ThreadsReap {
    fn drop(&mut self) {
        self.0.leave();
    }
}
