//! The half where completions come out: an alertable wait.

use std::{io, sync::Arc, time::Instant};

use crate::backend::{
    Completion, Reap,
    win32::{
        routine::{self, Notes},
        shared::Shared,
    },
};

/// Room for so many notes is kept (C14).
const KEPT: usize = 1024;

pub(super) struct ApcReap {
    pub(super) notes: Arc<Notes>,
    pub(super) shared: Arc<Shared>,
    /// What was noted; empty but in a wait.
    pub(super) over: Vec<usize>,
}

impl Reap for ApcReap {
    fn wait(&mut self, until: Option<Instant>, out: &mut Vec<Completion>) -> io::Result<()> {
        let Self { notes, shared, over } = self;
        let until = shared.workers.insist(until);
        // The program may have waited alertably since the last wait here.
        let sleeps = shared.done.may_wait() && notes.is_empty();
        routine::sleep(if sleeps { until } else { Some(Instant::now()) });
        notes.take(over);
        out.extend(over.drain(..).filter_map(|address| shared.told(address)));
        if over.capacity() > KEPT {
            *over = Vec::new();
        }
        shared.done.take(out);
        Ok(())
    }
}

impl Drop for ApcReap {
    fn drop(&mut self) {
        self.shared.workers.leave();
    }
}
