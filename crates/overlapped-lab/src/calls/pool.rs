//! The thread pool: registered waits and callbacks of completed I/O. Its thread is one of the
//! program's, that serves.

use super::{Flow, Ms, WaitOn, wait};
use crate::{
    memory::NULL,
    objects::{Answer, Deadline, Target},
    op::Queued,
    watch::{Thing, Watch},
    world::{Registered, Setup, Step, World},
};
use overlapped_sim::explore::Kind;

/// Whether there is something to call back.
pub(super) fn ready(world: &World, t: u8) -> bool {
    let thread = &world.threads[usize::from(t)];
    !thread.apcs.is_empty()
        || world.waits.iter().any(|wait| fires(world, t, wait) != (false, false))
}

/// By its event, by its clock.
fn fires(world: &World, t: u8, wait: &Registered) -> (bool, bool) {
    let passed = world.threads[usize::from(t)].deadline == Deadline::Passed;
    let set = wait.event != NULL && world.events[usize::from(wait.event)].set;
    (wait.armed && set, wait.armed && wait.timed && passed)
}

/// Whether `WaitForThreadpoolIoCallbacks` can come back: no callback runs, and, unless those that
/// are queued are cancelled, none is owed.
pub(super) fn drained(world: &World, setup: &Setup, cancel: bool) -> bool {
    let pool = &world.threads[usize::from(setup.pool)];
    let owed =
        world.ops.iter().any(|op| op.in_flight() && matches!(op.queued, Queued::Callback(_)));
    pool.depth == 0 && (cancel || !owed && pool.apcs.is_empty())
}

impl<W: Watch> Step<'_, W> {
    pub(crate) fn pool_thread(&self) -> u8 {
        self.setup.pool
    }

    pub(super) fn serve(&mut self, t: u8) -> Flow {
        self.writes(Thing::Pool);
        self.reads(Thing::Clock(t));
        if !self.thread(t).apcs.is_empty() {
            return self.run_routine(t);
        }
        for n in 0..self.world.waits.len() {
            let wait = self.world.waits[n];
            if wait.event != NULL {
                self.touch_event(wait.event);
            }
            let (set, passed) = fires(self.world, t, &wait);
            if !set && !passed {
                continue;
            }
            let by_clock = passed && (!set || self.watch.choose(2, Kind::Pick) == 1);
            self.world.waits[n].armed = false;
            if !by_clock {
                self.consume(Some(Target::Event(wait.event)));
            }
            self.thread(t).answer = if by_clock { Answer::Timeout } else { Answer::Object(0) };
            return Flow::Run(wait.callback);
        }
        Flow::Stay
    }

    pub(super) fn register_wait(&mut self, t: u8, n: u8, on: WaitOn, ms: Ms, callback: u8) {
        self.writes(Thing::Pool);
        let event = match wait::target(self.world, self.setup, t, on) {
            Some(Target::Event(e)) => e,
            _ => NULL,
        };
        let timed = ms != Ms::Forever;
        self.world.waits[usize::from(n)] = Registered { armed: true, timed, event, callback };
        if timed {
            let pool = self.pool_thread();
            self.writes(Thing::Clock(pool));
            self.thread(pool).deadline = Deadline::Armed;
        }
    }

    /// Unregistering a wait is no completion.
    pub(super) fn unregister_wait(&mut self, n: u8) {
        self.writes(Thing::Pool);
        self.world.waits[usize::from(n)].armed = false;
    }

    /// `WaitForThreadpoolIoCallbacks`: with `cancel`, queued callbacks are dropped. Not the I/O.
    pub(super) fn wait_for_callbacks(&mut self, cancel: bool) {
        self.writes(Thing::Pool);
        self.reads_phases(|op| matches!(op.queued, Queued::Callback(_)));
        if cancel {
            let pool = self.pool_thread();
            self.thread(pool).apcs.clear();
        }
    }
}
