//! Waits, alertable or not (S26 to S32), and the routines that run inside the alertable ones.

use super::{Call, Flow, Ms, WaitOn};
use crate::{
    calls::issue::LOW_BIT,
    judge::Harm,
    memory::{H_EVENT, NULL},
    objects::{Answer, Deadline, Life, OPS, Target},
    op::{Op, Queued},
    rules::OnSet,
    subsystem::USER_APC,
    watch::{Note, Thing, Watch},
    world::{Setup, Step, World},
};
use overlapped_sim::explore::Kind;

/// Whether what is waited for is there.
pub(super) fn satisfied(world: &World, setup: &Setup, t: u8, on: &[WaitOn], all: bool) -> bool {
    let is_set = |on: &WaitOn| target(world, setup, t, *on).is_none_or(|on| is_set(world, on));
    !on.is_empty() && if all { on.iter().all(is_set) } else { on.iter().any(is_set) }
}

/// What is waited on; `None` for a handle that is none, which ends the wait at once.
pub(super) fn target(world: &World, setup: &Setup, t: u8, on: WaitOn) -> Option<Target> {
    match on {
        WaitOn::Handle(handle) => Some(setup.targets[usize::from(handle)]),
        WaitOn::EventOf(ptr) => {
            let value = world.memory.get(world.address(t, ptr) + H_EVENT) & !LOW_BIT;
            setup.targets.get(usize::from(value.checked_sub(1)?)).copied()
        }
    }
}

fn is_set(world: &World, target: Target) -> bool {
    match target {
        Target::Event(e) => world.events[usize::from(e)].set,
        Target::File(f) => world.files[usize::from(f)].signal,
        // Termination waits for the operations that it cancels (S43).
        Target::Thread(t) => {
            let exited = world.threads[usize::from(t)].life == Life::Exited;
            exited && !world.ops.iter().any(|op| op.in_flight() && op.thread == t && op.cancel)
        }
    }
}

impl<W: Watch> Step<'_, W> {
    pub(super) fn wait(&mut self, t: u8, call: &Call) -> Flow {
        let (on, all, ms, alertable): (&[WaitOn], _, _, _) = match call {
            Call::Wait { on, n, all, ms, alertable } => {
                (&on[..usize::from(*n)], *all, *ms, *alertable)
            }
            Call::Sleep { ms, alertable } => (&[], false, *ms, *alertable),
            _ => return Flow::Next,
        };
        on.iter().for_each(|on| self.looks_at(t, *on));
        self.reads_clock(t, ms);
        let set = satisfied(self.world, self.setup, t, on, all);
        if alertable && self.runs_first(t, set) {
            return self.run_routine(t);
        }
        if set {
            self.object(t, on, all);
        } else {
            self.time_out(t);
        }
        Flow::Next
    }

    pub(super) fn reads_clock(&mut self, t: u8, ms: Ms) {
        if matches!(ms, Ms::After(_) | Ms::Rest) {
            self.reads(Thing::Clock(t));
        }
    }

    pub(super) fn time_out(&mut self, t: u8) {
        self.thread(t).answer = Answer::Timeout;
        self.say(Note::TimesOut(t));
    }

    /// Whether queued routines run although what is waited for may be there (U7).
    pub(super) fn runs_first(&mut self, t: u8, set: bool) -> bool {
        self.reads(Thing::Apcs(t));
        if self.thread(t).apcs.is_empty() {
            return false;
        }
        !set || match self.setup.rules.on_set {
            OnSet::ObjectFirst => false,
            OnSet::RoutinesFirst => true,
            OnSet::Either => self.watch.choose(2, Kind::Pick) == 1,
        }
    }

    fn looks_at(&mut self, t: u8, on: WaitOn) {
        if let WaitOn::EventOf(ptr) = on {
            let cell = self.address(t, ptr) + H_EVENT;
            self.reads(Thing::Cell(cell));
        }
        match target(self.world, self.setup, t, on) {
            Some(Target::Event(e)) => self.touch_event(e),
            Some(Target::File(f)) => self.reads(Thing::Signal(f)),
            Some(Target::Thread(t)) => {
                self.reads(Thing::Life(t));
                self.reads_phases(|op| op.thread == t);
            }
            None => {}
        }
    }

    /// The step depends on how far these operations are.
    pub(super) fn reads_phases(&mut self, which: impl Fn(&Op) -> bool) {
        for i in 0..OPS as u8 {
            if which(self.op(i)) {
                self.reads(Thing::Phase(i));
            }
        }
    }

    /// A wait takes an auto-reset event's signal.
    pub(super) fn touch_event(&mut self, e: u8) {
        if self.world.events[usize::from(e)].auto {
            self.writes(Thing::Event(e));
        } else {
            self.reads(Thing::Event(e));
        }
    }

    fn object(&mut self, t: u8, on: &[WaitOn], all: bool) {
        let mut first = None;
        for (n, on) in (0..).zip(on) {
            let target = target(self.world, self.setup, t, *on);
            if target.is_none() {
                self.thread(t).answer = Answer::InvalidHandle;
                return;
            }
            let set = target.is_some_and(|target| is_set(self.world, target));
            if set && (all || first.is_none()) {
                first.get_or_insert(n);
                self.consume(target);
            }
        }
        self.thread(t).answer = Answer::Object(first.unwrap_or(0));
    }

    pub(super) fn consume(&mut self, target: Option<Target>) {
        if let Some(Target::Event(e)) = target {
            let event = &mut self.world.events[usize::from(e)];
            event.set &= !event.auto;
        }
    }

    /// The next of the queued routines runs. All of them do before the wait comes back (S31).
    pub(crate) fn run_routine(&mut self, t: u8) -> Flow {
        self.writes(Thing::Apcs(t));
        let n = self.thread(t).apcs.len();
        let any = self.setup.rules.routines_in_any_order && n > 1;
        let at = if any { self.watch.choose(n, Kind::Pick) } else { 0 };
        let entry = self.thread(t).apcs.remove(at);
        self.say(Note::Runs);
        if entry & USER_APC != 0 {
            return Flow::Run(self.setup.user_apcs[usize::from(entry & !USER_APC)]);
        }
        self.hand_out(t, entry);
        match self.op(entry).queued {
            Queued::Routine(pc) | Queued::Callback(pc) => Flow::Run(pc),
            Queued::Nothing | Queued::Packet(_) => Flow::Next,
        }
    }

    /// A routine, a packet or a callback hands the OVERLAPPED out. Is it still there?
    pub(crate) fn hand_out(&mut self, t: u8, i: u8) {
        let op = *self.op(i);
        let mut dangling = false;
        if !op.ov.is_none() {
            self.reads(Thing::Cell(op.ov.cell));
            dangling = !self.world.memory.still(op.ov, 0);
        }
        if dangling {
            self.world.harm.add(Harm::DANGLES);
        }
        let thread = self.thread(t);
        thread.got = op.ov.cell;
        thread.got_op = i;
        thread.got_status = op.status;
        self.say(Note::Hands { op: i, dangling });
    }

    pub(super) fn queue_apc(&mut self, thread: u8, index: u8) {
        self.writes(Thing::Apcs(thread));
        self.thread(thread).apcs.push(USER_APC | index);
    }

    /// The clock of thread `t`: its time is over.
    pub(crate) fn clock(&mut self, t: u8) {
        self.writes(Thing::Clock(t));
        self.thread(t).deadline = Deadline::Passed;
        self.say(Note::Passes(t));
    }
}

const _: () = assert!(NULL & LOW_BIT != 0);
