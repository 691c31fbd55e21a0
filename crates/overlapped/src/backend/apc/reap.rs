//! The half where completions come out: an alertable wait.

use std::{io, sync::Arc, time::Instant};

use crate::backend::{
    Completion, Reap,
    win32::{
        routine::{self, Notes},
        shared::Shared,
    },
};

pub(super) struct ApcReap {
    pub(super) notes: Arc<Notes>,
    pub(super) shared: Arc<Shared>,
}

impl Reap for ApcReap {
    fn wait(&mut self, until: Option<Instant>, out: &mut Vec<Completion>) -> io::Result<()> {
        let Self { notes, shared } = self;
        let until = shared.workers.insist(until);
        // The program may have waited alertably since the last wait here.
        let sleeps = shared.done.may_wait() && notes.is_empty();
        routine::sleep(if sleeps { until } else { Some(Instant::now()) });
        for address in notes.take() {
            out.extend(shared.told(address));
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
