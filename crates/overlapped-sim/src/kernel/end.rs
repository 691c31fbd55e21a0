//! The end of a run: what is left is driven to its end, or unwound, and then judged.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use super::{Counts, Decider, Kernel, Log, State, Trouble, Wait};
use crate::explore::Plain;

/// What is left of a run.
pub(crate) struct Left {
    pub(crate) choice: Decider,
    pub(crate) log: Log,
    pub(crate) trouble: Option<Trouble>,
    /// The names of its threads, if it was traced.
    pub(crate) threads: Vec<String>,
}

/// How often a port that nobody drives any more is driven, after a failure.
const ROUNDS: usize = 100;

impl Kernel {
    /// The program's first thread has nothing more to do: everybody else is, the run is judged, and
    /// what outlives it is taken out.
    pub(crate) fn finish(self: &Arc<Self>) -> Left {
        let _unwound = catch_unwind(AssertUnwindSafe(|| {
            let state = self.lock();
            if state.trouble.is_none() {
                drop(self.point_in(state, Wait::End));
            }
        }));
        let mut state = self.lock();
        if state.trouble.is_some() {
            drop(state);
            self.unwind_all();
            state = self.lock();
        } else {
            state.judge_the_end();
        }
        state.ended = true;
        // A port that was forgotten would hold this kernel, and this kernel the port.
        let forgotten = state.take_attended();
        let left = state.take_left();
        drop(state);
        drop(forgotten);
        left
    }

    fn unwind_all(self: &Arc<Self>) {
        loop {
            let state = self.lock();
            let Some(next) = state.another_thread(0) else {
                break;
            };
            drop(self.hand_over(state, 0, next));
        }
        // What was in flight is cancelled, and its memory given back by the ports.
        self.lock().cancel_all();
        for _ in 0..ROUNDS {
            let Some(place) = self.lock().next_service() else {
                break;
            };
            let _unwound = catch_unwind(AssertUnwindSafe(|| self.serve(place)));
        }
    }

    /// The power was cut, or is now, when the program is over: the machine that comes up again has
    /// the disk, and nothing else.
    pub(crate) fn lose_power(self: &Arc<Self>) {
        {
            let mut state = self.lock();
            if state.trouble.is_none() {
                let now = state.now;
                state.log.power(now);
                state.fail(Trouble::PowerCut);
            }
        }
        self.unwind_all();
        let mut state = self.lock();
        state.trouble = None;
        state.patience = 0;
        state.lose_power();
    }
}

impl State {
    pub(crate) fn is_power_cut(&self) -> bool {
        matches!(self.trouble, Some(Trouble::PowerCut))
    }

    /// What must be true when everything is over.
    fn judge_the_end(&mut self) {
        let Counts { started, over } = self.counts;
        if started != over {
            let text = format!("{started} operations were started and {over} came to an end");
            self.fail(Trouble::oracle("C3", text));
        } else if let Some(open) = self.devices.left_open().filter(|_| !self.settings.forgets) {
            let text = format!("{open} is still open, and nobody has it");
            self.fail(Trouble::oracle("C7", text));
        }
    }

    fn take_left(&mut self) -> Left {
        let threads = self.threads.iter().filter(|_| self.log.is_traced());
        Left {
            threads: threads.map(|thread| thread.name.to_string()).collect(),
            choice: std::mem::replace(&mut self.choice, Box::new(Plain::default())),
            log: std::mem::replace(&mut self.log, Log::new(false)),
            trouble: self.trouble.take(),
        }
    }
}
