//! The simulated kernel as a [`Backend`]: each has a queue of its own.

use std::{io, sync::Arc, time::Instant};

use overlapped::{
    backend::{
        Backend, Bell, Clock, Completion, Entry, Features, Id, Kind as Mechanism, Owned, Reap,
        Submit,
    },
    simulation::{Attended, Simulator},
};

use super::{Kernel, Queue, Wait, flying::Flying, here, numbers};
use crate::explore::{Access, Kind};

/// One backend's end of the kernel.
struct End {
    kernel: Arc<Kernel>,
    queue: usize,
}

impl Kernel {
    /// One more way into this kernel, with completions of its own.
    pub(crate) fn backend(self: &Arc<Self>) -> Backend {
        let queue = {
            let mut state = self.lock();
            state.ports += 1;
            if state.queues.len() < state.ports {
                state.queues.push(Queue::default());
            }
            state.ports - 1
        };
        let end = || End { kernel: Arc::clone(self), queue };
        let shared = Arc::new(end());
        let mut features = Features::all_native(Mechanism::Custom("simulated"));
        features.cancels_running = true;
        Backend {
            features,
            submit: Box::new(end()),
            reap: Box::new(end()),
            clock: Box::new(end()),
            cheap: None,
            bell: Some(Arc::clone(&shared) as _),
            simulator: Some(shared),
        }
    }
}

impl Submit for End {
    fn submit(&mut self, entry: Entry) -> Result<(), Entry> {
        let thread = here().unwrap_or(0);
        let mut state = self.kernel.lock();
        let state = &mut *state;
        // With nothing in flight nothing would ever say that there is room again.
        let flying = state.queues[self.queue].flying;
        if state.settings.depth < usize::MAX || state.settings.faults.refusals {
            state.touch(numbers::queue(self.queue), Access::Read);
        }
        let may_refuse = state.settings.faults.refusals && flying > 0 && state.has_faults_left();
        let refuses = may_refuse && state.choose(2, Kind::Fault) == 1;
        if refuses {
            state.spend_a_fault();
            state.log.refused(state.now, thread, &entry);
        }
        if refuses || flying >= state.settings.depth {
            return Err(entry);
        }
        state.counts.started += 1;
        let number = u32::try_from(state.counts.started).unwrap_or(u32::MAX);
        let actor = numbers::operation(thread, state.threads[thread].next_operation());
        let latency = state.latency();
        state.devices.hold(entry.op().handle());
        state.log.started(state.now, thread, (number, actor), &entry);
        let flying = Flying::new(entry, number, actor, self.queue, latency);
        state.touch(flying.object(), Access::Write);
        state.flying.push(flying);
        state.queues[self.queue].flying += 1;
        Ok(())
    }

    fn cancel(&mut self, id: Id) {
        self.kernel.lock().cancel(id);
    }

    fn wake(&mut self) {
        self.ring();
    }
}

impl super::State {
    fn latency(&mut self) -> (u64, u64) {
        let (least, most) = self.settings.latency;
        let may_last = self.settings.faults.tails && self.has_faults_left();
        if may_last && self.choose(2, Kind::Latency) == 1 {
            self.spend_a_fault();
            return (least.saturating_mul(100), most.saturating_mul(100));
        }
        (least, most)
    }
}

impl Reap for End {
    fn wait(&mut self, until: Option<Instant>, out: &mut Vec<Completion>) -> io::Result<()> {
        let until = until.map(|until| self.kernel.time(until));
        let mut state = self.kernel.lock();
        if let Some(service) = state.serving.take() {
            let queue = &state.queues[self.queue];
            let vain = queue.landed.is_empty() && !queue.woken;
            let vain = vain.then_some(state.moves);
            state.services[service].waits(self.queue, until, vain);
        } else {
            (state, _) = self.kernel.point_in(state, Wait::Reap { queue: self.queue, until });
        }
        state.touch(numbers::queue(self.queue), Access::Write);
        let queue = &mut state.queues[self.queue];
        queue.woken = false;
        // What came since the last look is a set. In which order wakers are called is a choice all
        // the same: of what is looked for, and when, between one landing and the next.
        queue.landed.sort_unstable_by_key(|(number, _)| *number);
        out.extend(queue.landed.drain(..).map(|(_, completion)| completion));
        Ok(())
    }
}

impl Bell for End {
    fn ring(&self) {
        let mut state = self.kernel.lock();
        state.touch(numbers::queue(self.queue), Access::Write);
        state.queues[self.queue].woken = true;
    }
}

impl Clock for End {
    fn now(&self) -> Instant {
        self.kernel.now()
    }

    fn made(&self) -> Instant {
        self.kernel.start
    }

    fn lately(&self) -> u64 {
        let since = self.kernel.now().saturating_duration_since(self.kernel.start);
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }
}

impl Simulator for End {
    fn pipe(&self) -> io::Result<(Owned, Owned)> {
        Ok(self.kernel.pipe())
    }

    fn attend(&self, attended: Arc<dyn Attended>) {
        self.kernel.attend(attended);
    }

    fn alarm(&self, at: Instant) {
        let at = self.kernel.time(at);
        self.kernel.lock().alarm(self.queue, at);
    }

    fn pass(&self) {
        self.kernel.point(Wait::Nothing);
    }

    fn pick(&self, ready: usize) -> usize {
        let mut state = self.kernel.lock();
        state.choose(ready, Kind::Pick)
    }
}
