//! The laboratory's side: a script of calls beside the driver and the I/O subsystem, run again from
//! its start for each schedule.

use super::{Runs, Shown, Win32, codes, wait};
use crate::{
    calls::{self, Call, Flow, Ms},
    driver,
    machine::Who,
    memory::{CELLS, COUNT, INTERNAL_HIGH},
    objects::{self, Deadline, FILES, Life, OPS, THREADS, Target},
    op::{Op, Queued},
    rules::{Device, Rules, Status},
    watch::{Silent, Thing, Watch},
    world::{Heap, Setup, Step, World},
};
use overlapped_sim::explore::{Access, Actor, Search, Token};

/// The owner of the memory that scripts use.
const SCRIPT: u8 = 1;
/// The thread that runs the pool's callbacks.
pub(super) const POOL: u8 = 2;
/// The script, whichever thread it lets make a call.
const ACTOR: Who = Who::Thread(0);

/// Runs `case` by these rules under every schedule that `search` goes through, and counts those
/// that differ in something.
///
/// # Errors
///
/// What the case says of the first schedule in which something was wrong, with its token.
pub fn every_schedule<E>(
    rules: Rules,
    search: &mut impl Search,
    case: impl Fn(&mut dyn Win32) -> Result<Shown, E>,
) -> Result<Runs, (Token, E)> {
    let mut runs = Runs::default();
    while search.begin() {
        let mut script = Simulated::new(rules, search);
        let shown = case(&mut script);
        script.drain();
        search.end();
        if search.was_redundant() {
            continue;
        }
        match shown {
            Ok(shown) => runs.add(shown),
            Err(wrong) => return Err((search.tape().token(), wrong)),
        }
    }
    Ok(runs)
}

/// A script in the middle of its run.
pub(super) struct Simulated<'a, S> {
    pub(super) world: World,
    pub(super) setup: Setup,
    search: &'a mut S,
    /// The thread that makes the calls.
    pub(super) current: u8,
    /// First cell and buffer's length of each OVERLAPPED.
    pub(super) places: Vec<(u8, u8)>,
    /// Which OVERLAPPED the operation in a slot was started with.
    pub(super) started: [Option<usize>; OPS],
    /// The slot of each thread's blocking call.
    pub(super) blocking: [u8; THREADS],
    /// The key of each file's packets.
    pub(super) keys: [usize; FILES],
    pub(super) files: u8,
    pub(super) events: u8,
    pub(super) ports: usize,
    pub(super) waits: u8,
    pub(super) top: u8,
    pub(super) ran: Vec<super::Ran>,
}

/// How a call of the script ended.
pub(super) enum Ended {
    /// With an answer.
    With(objects::Answer),
    /// It waits, and nobody is left to wake it.
    Never,
}

impl<'a, S: Search> Simulated<'a, S> {
    fn new(rules: Rules, search: &'a mut S) -> Self {
        let mut world = World::new();
        world.memory.take(0, 0, CELLS as u8, SCRIPT);
        world.threads.iter_mut().for_each(|thread| thread.life = Life::Running);
        let setup = Setup {
            rules,
            devices: [Device::disk(); FILES],
            targets: (0..THREADS as u8).map(Target::Thread).collect(),
            heap: Heap::default(),
            pool: POOL,
            user_apcs: vec![0],
        };
        Simulated {
            world,
            setup,
            search,
            current: 0,
            places: Vec::new(),
            started: [None; OPS],
            blocking: [0; THREADS],
            keys: [0; FILES],
            files: 0,
            events: 0,
            ports: 0,
            waits: 0,
            top: 0,
            ran: Vec::new(),
        }
    }

    /// The current thread makes a call; everybody else may come first.
    pub(super) fn ask(&mut self, call: &Call) -> Ended {
        let t = self.current;
        if matches!(call.ms(), Some(Ms::After(_))) {
            self.world.threads[usize::from(t)].deadline = Deadline::Armed;
            self.touch(Thing::Clock(t), Access::Write);
        }
        if !self.turn(|world, setup| calls::ready(world, setup, t, call)) {
            return Ended::Never;
        }
        let flow = self.step(|step| step.perform(t, call));
        if matches!(flow, Flow::Run(_)) && !matches!(call, Call::Serve) {
            self.run_routines();
        }
        if matches!(call.ms(), Some(Ms::After(_))) {
            self.world.threads[usize::from(t)].deadline = Deadline::None;
            self.touch(Thing::Clock(t), Access::Write);
        }
        Ended::With(self.world.threads[usize::from(t)].answer)
    }

    /// A routine has been taken out of the queue; it and all others run before the wait ends (S31).
    fn run_routines(&mut self) {
        let t = self.current;
        self.routine_ran();
        while !self.world.threads[usize::from(t)].apcs.is_empty() {
            self.step(|step| step.run_routine(t));
            self.routine_ran();
        }
        self.world.threads[usize::from(t)].answer = objects::Answer::IoCompletion;
    }

    fn routine_ran(&mut self) {
        let t = usize::from(self.current);
        let slot = std::mem::replace(&mut self.world.threads[t].got_op, crate::memory::NULL);
        let op = self.world.ops.get(usize::from(slot)).copied();
        let (error, bytes) = op.map_or((0, 0), |op| (codes::win32(op.status), count(&op)));
        let started = self.started.get_mut(usize::from(slot)).and_then(Option::take);
        let overlapped = started.map(super::Overlapped);
        self.ran.push(super::Ran { thread: t, overlapped, error, bytes });
    }

    /// A step of the script that is no call: it looks, or the peer does something.
    pub(super) fn look<R>(&mut self, at: impl FnOnce(&mut Step<'_, Silent<'_, S>>) -> R) -> R {
        self.turn(|_, _| true);
        self.step(at)
    }

    pub(super) fn step<R>(&mut self, go: impl FnOnce(&mut Step<'_, Silent<'_, S>>) -> R) -> R {
        let mut watch = Silent(self.search);
        go(&mut Step { world: &mut self.world, setup: &self.setup, watch: &mut watch })
    }

    fn touch(&mut self, thing: Thing, access: Access) {
        Silent(self.search).touch(thing, access);
    }

    /// Others take steps until it is the script's turn, if it can go on; `false` if nobody can.
    fn turn(&mut self, ready: impl Fn(&World, &Setup) -> bool) -> bool {
        loop {
            let mut enabled = Vec::with_capacity(8);
            if ready(&self.world, &self.setup) {
                enabled.push(ACTOR.actor());
            }
            self.others(&mut enabled);
            if enabled.is_empty() {
                return false;
            }
            let actor = enabled[self.search.next(&enabled)];
            if actor == ACTOR.actor() {
                return true;
            }
            self.go(Who::of(actor));
        }
    }

    /// The script is over; the others go on until there is nothing left to do.
    fn drain(&mut self) {
        self.turn(|_, _| false);
    }

    fn others(&self, enabled: &mut Vec<Actor>) {
        for t in 0..THREADS {
            if self.world.threads[t].deadline == Deadline::Armed {
                enabled.push(Who::Clock(t as u8).actor());
            }
        }
        for f in 0..self.files {
            if self.world.files[usize::from(f)].to_come > 0 {
                enabled.push(Who::Peer(f).actor());
            }
        }
        for i in 0..OPS {
            if driver::can_go_on(&self.world, &self.setup, i) {
                enabled.push(Who::Device(i as u8).actor());
            }
        }
    }

    fn go(&mut self, who: Who) {
        self.step(|step| match who {
            Who::Clock(t) => step.clock(t),
            Who::Peer(f) => step.arrive(f),
            Who::Device(i) => step.drive(i),
            Who::Thread(_) | Who::Timer(_) => {}
        });
    }

    /// A slot for an operation, that no other needs any more.
    pub(super) fn slot(&mut self, o: Option<usize>) -> u8 {
        let free = (0..OPS).find(|i| self.started[*i].is_none() && !self.world.ops[*i].in_flight());
        let done = |op: &Op| !op.in_flight() && op.queued == Queued::Nothing;
        let slot = free.or_else(|| (0..OPS).find(|i| done(&self.world.ops[*i])));
        let slot = slot.expect("the laboratory has operations for all that a case starts");
        self.started[slot] = o;
        slot as u8
    }

    /// The count that a step of the script finds in an OVERLAPPED.
    pub(super) fn counted(&mut self, o: super::Overlapped) -> u32 {
        let cell = self.places[o.0].0 + INTERNAL_HIGH;
        self.touch(Thing::Cell(cell), Access::Read);
        u32::from(self.world.memory.get(cell).saturating_sub(COUNT))
    }
}

/// How many bytes an operation tells.
pub(super) fn count(op: &Op) -> u32 {
    let valid = matches!(op.status, Status::Success | Status::MoreData);
    if valid { op.moved.into() } else { 0 }
}

impl Ended {
    /// What a wait comes back with.
    pub(super) fn waited(self) -> u32 {
        match self {
            Ended::Never => wait::HANGS,
            Ended::With(answer) => codes::failure(answer).unwrap_or(wait::OBJECT_0),
        }
    }

    /// TRUE and this count, or FALSE and an error.
    pub(super) fn answered(self, count: impl FnOnce() -> u32) -> super::Answer {
        match self {
            Ended::Never => Err(wait::HANGS),
            Ended::With(answer) => codes::failure(answer).map_or_else(|| Ok(count()), Err),
        }
    }
}
