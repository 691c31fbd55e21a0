//! A program that runs, step by step, beside the driver and the I/O subsystem.

use crate::{
    calls::{self, Call, Flow, Ms},
    driver,
    judge::{Harm, JUDGED, Outcome, Verdict},
    objects::{Answer, Deadline, Life, OPS, THREADS},
    op::{Op, Phase, Verb},
    program::Code,
    rules::{Medium, Status},
    watch::{InVain, Nobody, Silent, Thing, Watch},
    world::{Step, World},
};
use overlapped_sim::explore::{Access, Actor, Choice, Model};
use std::hash::{Hash, Hasher};

/// Who takes steps, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// A thread of the program.
    Thread(u8),
    /// The clock of a thread's timed wait.
    Clock(u8),
    /// The clock of a linked timeout.
    Timer(u8),
    /// Whoever writes into a stream.
    Peer(u8),
    /// The driver or the I/O subsystem, with an operation.
    Device(u8),
}

impl Who {
    const CLASSES: [fn(u8) -> Who; 5] =
        [Who::Thread, Who::Clock, Who::Timer, Who::Peer, Who::Device];

    pub(crate) fn actor(self) -> Actor {
        let (class, index) = match self {
            Who::Thread(i) => (0, i),
            Who::Clock(i) => (1, i),
            Who::Timer(i) => (2, i),
            Who::Peer(i) => (3, i),
            Who::Device(i) => (4, i),
        };
        Actor(class << 3 | u32::from(index))
    }

    pub(crate) fn of(actor: Actor) -> Who {
        Who::CLASSES[(actor.0 >> 3) as usize]((actor.0 & 7) as u8)
    }
}

/// A program in the middle of its run. Two are equal if everything that can still happen is.
#[derive(Clone)]
pub struct Machine<'a> {
    pub(crate) code: &'a Code,
    pub(crate) world: World,
    hold: Hold,
}

/// What stops a thread that could go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    Nothing,
    /// A debugger, wherever memory is about to be handed over, as long as a device is at work.
    Breakpoints,
    /// The order that was missing: the thread does not go past this call as long as the operation
    /// is in flight.
    Until {
        thread: u8,
        pc: u8,
        op: u8,
    },
}

impl PartialEq for Machine<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.world == other.world
    }
}

impl Eq for Machine<'_> {}

impl Hash for Machine<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.world.hash(state);
    }
}

impl<'a> Machine<'a> {
    pub(crate) fn new(code: &'a Code, hold: Hold) -> Machine<'a> {
        let mut machine = Machine { code, world: code.start.clone(), hold };
        for t in 0..code.threads.len() as u8 {
            machine.settle(t, &mut Nobody);
        }
        machine
    }

    /// What thread `t` is about to do.
    pub(crate) fn call(&self, t: u8) -> &'a crate::program::Instr {
        &self.code.instrs[usize::from(self.world.threads[usize::from(t)].pc)]
    }

    pub(crate) fn is_enabled(&self, who: Who) -> bool {
        match who {
            Who::Thread(t) => {
                let running = self.world.threads[usize::from(t)].life == Life::Running;
                running && calls::ready(&self.world, &self.code.setup, t, &self.call(t).call)
            }
            Who::Clock(t) => self.world.threads[usize::from(t)].deadline == Deadline::Armed,
            Who::Timer(i) => {
                let op = &self.world.ops[usize::from(i)];
                op.timed && op.in_flight()
            }
            Who::Peer(f) => self.world.files[usize::from(f)].to_come > 0,
            Who::Device(i) => driver::can_go_on(&self.world, &self.code.setup, i.into()),
        }
    }

    /// A step, told to whoever watches.
    pub(crate) fn go(&mut self, who: Who, watch: &mut impl Watch) {
        match who {
            Who::Thread(t) => self.run(t, watch),
            Who::Clock(t) => self.step_of(watch).clock(t),
            Who::Timer(i) => self.step_of(watch).link_timeout(i),
            Who::Peer(f) => self.step_of(watch).arrive(f),
            Who::Device(i) => self.step_of(watch).drive(i),
        }
    }

    fn step_of<'s, W: Watch>(&'s mut self, watch: &'s mut W) -> Step<'s, W> {
        Step { world: &mut self.world, setup: &self.code.setup, watch }
    }

    fn run(&mut self, t: u8, watch: &mut impl Watch) {
        let call = &self.call(t).call;
        let flow = self.step_of(watch).perform(t, call);
        let thread = &mut self.world.threads[usize::from(t)];
        match flow {
            Flow::Next => thread.pc += 1,
            Flow::Skip => thread.pc += 2,
            Flow::Stay => {}
            Flow::Run(pc) => {
                thread.calls[usize::from(thread.depth)] = thread.pc;
                thread.depth += 1;
                thread.pc = pc;
            }
        }
        self.settle(t, watch);
    }

    /// Does what belongs to the step, until the next call that is a step of its own.
    fn settle(&mut self, t: u8, watch: &mut impl Watch) {
        while self.world.threads[usize::from(t)].life == Life::Running {
            let instr = self.call(t);
            if !instr.silent {
                return self.arm(t, &instr.call, watch);
            }
            let mut step = self.step_of(watch);
            let next = step.thread(t).pc + 1;
            step.thread(t).pc = match instr.call {
                Call::Jump(to) => to,
                Call::Unless { cond, to } => {
                    if step.holds(t, cond) {
                        next
                    } else {
                        to
                    }
                }
                Call::EndRoutine => {
                    self.end_routine(t, watch);
                    continue;
                }
                Call::End => {
                    step.thread(t).life = Life::Ended;
                    return;
                }
                ref call => {
                    step.perform(t, call);
                    next
                }
            };
        }
    }

    /// The next routine that is queued, or back to the wait that let them run: it is over.
    fn end_routine(&mut self, t: u8, watch: &mut impl Watch) {
        let thread = &mut self.world.threads[usize::from(t)];
        let at = thread.calls[usize::from(thread.depth) - 1];
        let serves = matches!(self.code.instrs[usize::from(at)].call, Call::Serve);
        if !serves && !thread.apcs.is_empty() {
            if let Flow::Run(pc) = self.step_of(watch).run_routine(t) {
                self.world.threads[usize::from(t)].pc = pc;
                return;
            }
        }
        let thread = &mut self.world.threads[usize::from(t)];
        thread.depth -= 1;
        thread.calls[usize::from(thread.depth)] = 0;
        thread.pc = if serves { at } else { at + 1 };
        if !serves {
            thread.answer = Answer::IoCompletion;
        }
    }

    /// A timed wait begins: its clock runs.
    fn arm(&mut self, t: u8, call: &Call, watch: &mut impl Watch) {
        let thread = &mut self.world.threads[usize::from(t)];
        let fresh = matches!(call.ms(), Some(Ms::After(_)));
        let first = call.ms() == Some(Ms::Rest) && thread.deadline == Deadline::None;
        if fresh || first {
            thread.deadline = Deadline::Armed;
            watch.touch(Thing::Clock(t), Access::Write);
        }
    }

    fn is_held(&self, t: u8) -> bool {
        let ops = self.code.counts()[2];
        match self.hold {
            Hold::Nothing => false,
            Hold::Breakpoints => {
                let busy = |i: u8| driver::can_go_on(&self.world, &self.code.setup, i.into());
                self.call(t).stop && (0..ops).any(busy)
            }
            Hold::Until { thread, pc, op } => {
                let here = self.world.threads[usize::from(t)].pc == pc;
                t == thread && here && self.world.ops[usize::from(op)].in_flight()
            }
        }
    }

    /// The threads that wait for ever, if nobody else can take a step.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = u8> {
        (0..THREADS as u8).filter(|t| {
            let thread = &self.world.threads[usize::from(*t)];
            let idle = matches!(self.call_of(*t), Some(Call::Serve)) && thread.depth == 0;
            thread.life == Life::Running && !idle && !self.is_enabled(Who::Thread(*t))
        })
    }

    fn call_of(&self, t: u8) -> Option<&Call> {
        let thread = &self.world.threads[usize::from(t)];
        self.code.instrs.get(usize::from(thread.pc)).map(|instr| &instr.call)
    }
}

impl Model for Machine<'_> {
    type Verdict = Verdict;

    fn enabled(&self, out: &mut Vec<Actor>) {
        let [threads, files, ops] = self.code.counts();
        for t in 0..threads {
            if self.is_enabled(Who::Thread(t)) && !self.is_held(t) {
                out.push(Who::Thread(t).actor());
            }
        }
        let mut more = |who: Who| {
            if self.is_enabled(who) {
                out.push(who.actor());
            }
        };
        (0..threads).for_each(|t| more(Who::Clock(t)));
        (0..ops).for_each(|i| more(Who::Timer(i)));
        (0..files).for_each(|f| more(Who::Peer(f)));
        (0..ops).for_each(|i| more(Who::Device(i)));
    }

    fn step(&mut self, actor: Actor, choice: &mut impl Choice) {
        self.go(Who::of(actor), &mut Silent(choice));
    }

    fn blocked(&self, choice: &mut impl Choice) {
        for t in 0..THREADS as u8 {
            if self.world.threads[usize::from(t)].life == Life::Running {
                let mut watch = InVain { choice, actor: Who::Thread(t).actor() };
                let mut next = self.clone();
                next.step_of(&mut watch).perform(t, &self.call(t).call);
            }
        }
        for i in 0..OPS as u8 {
            if self.world.ops[usize::from(i)].in_flight() {
                let mut watch = InVain { choice, actor: Who::Device(i).actor() };
                self.clone().step_of(&mut watch).waits_for_data(i);
            }
        }
    }

    fn verdict(&self) -> Verdict {
        // An order that cannot be kept is no cure.
        let stuck = (0..THREADS as u8).any(|t| self.is_enabled(Who::Thread(t)) && self.is_held(t));
        judged(self.code, &self.world, stuck || self.waiting().next().is_some())
    }
}

/// The judgement, if somebody waits for ever or nobody does.
pub(crate) fn judged(code: &Code, world: &World, hangs: bool) -> Verdict {
    let mut harm = world.harm;
    if hangs {
        harm.add(Harm::HANGS);
    }
    if world.ops.iter().any(|op| is_lost(code, op)) {
        harm.add(Harm::LOSES);
    }
    Verdict { harm, outcome: outcome(&world.ops[usize::from(JUDGED)]) }
}

/// Bytes that were taken from a stream and that the program never used.
fn is_lost(code: &Code, op: &Op) -> bool {
    let taken = op.phase == Phase::Complete && op.status == Status::Success && op.moved > 0;
    let device = code.setup.devices.get(usize::from(op.file));
    let stream = device.is_some_and(|device| device.medium == Medium::Stream);
    taken && stream && op.verb == Verb::Read && !op.used
}

fn outcome(op: &Op) -> Outcome {
    match (op.phase, op.status) {
        (Phase::Idle, _) => Outcome::NotStarted,
        (Phase::Complete, Status::Success) if op.cancel => Outcome::TooLate,
        (Phase::Complete, Status::Success) => Outcome::InTime,
        (Phase::Complete, Status::Cancelled | Status::Closed) => Outcome::Cancelled,
        (Phase::Complete, _) => Outcome::Failed,
        _ => Outcome::InFlight,
    }
}
