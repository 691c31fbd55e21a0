//! A run, told step by step: what each lane did, and whose the memory was.

mod after;
mod memory;
mod owners;
mod text;
mod waits;

use crate::{
    Code, Machine,
    calls::{Call, Ms},
    machine::Who,
    objects::{Deadline, Life, THREADS},
    watch::{Note, Part, Thing, Watch},
};
use after::Edges;
use overlapped_sim::{
    explore::{Access, Choice, Kind, Model, Replay, Search, Tape, Token},
    timeline::{Event, EventKind, Lane, LaneKind, Timeline},
};
use std::time::Duration;

/// Notes down what a step tells.
struct Scribe<'a, C> {
    choice: &'a mut C,
    notes: Vec<Note>,
    touched: Vec<(Thing, Access)>,
}

impl<C: Choice> Watch for Scribe<'_, C> {
    const LISTENS: bool = true;

    fn choose(&mut self, n: usize, kind: Kind) -> usize {
        self.choice.choose(n, kind)
    }

    fn touch(&mut self, thing: Thing, access: Access) {
        self.touched.push((thing, access));
    }

    fn say(&mut self, note: Note) {
        self.notes.push(note);
    }
}

/// Draws the run of `machine` that `token` stands for.
pub(crate) fn draw(machine: Machine<'_>, token: &Token) -> Result<Timeline, String> {
    let mut search = Replay::new(token);
    search.begin();
    let timeline = tell(machine, &mut search);
    if search.diverged() || !search.tape().fits(token) {
        return Err(format!("{token} is of another program, or of other rules"));
    }
    Ok(timeline)
}

/// Draws the run that a tape stands for.
pub(crate) fn draw_tape(machine: Machine<'_>, tape: &Tape) -> Timeline {
    let mut search = Replay::of(tape);
    search.begin();
    tell(machine, &mut search)
}

/// Tells the run that `choice` decides.
pub(crate) fn tell(machine: Machine<'_>, choice: &mut impl Choice) -> Timeline {
    let mut teller = Teller::new(machine);
    let mut enabled = Vec::new();
    loop {
        enabled.clear();
        teller.machine.enabled(&mut enabled);
        if enabled.is_empty() {
            return teller.end();
        }
        let who = Who::of(enabled[choice.next(&enabled)]);
        teller.step(who, choice);
    }
}

struct Teller<'a> {
    machine: Machine<'a>,
    timeline: Timeline,
    edges: Edges,
    /// After each event: whose the memory of each operation is.
    owners: Vec<owners::Owners>,
    /// Microseconds since the run began, and steps.
    now: u64,
    steps: usize,
    /// How long each thread's timed wait is.
    timeouts: [u64; THREADS],
}

impl<'a> Teller<'a> {
    fn new(machine: Machine<'a>) -> Teller<'a> {
        let timeline = Timeline { lanes: lanes(machine.code), ..Timeline::default() };
        Teller {
            machine,
            timeline,
            edges: Edges::default(),
            owners: Vec::new(),
            now: 0,
            steps: 0,
            timeouts: [0; THREADS],
        }
    }

    fn step(&mut self, who: Who, choice: &mut impl Choice) {
        let code = self.machine.code;
        self.steps += 1;
        // A clock that nobody looks at any more tells nothing.
        let idle = matches!(who, Who::Clock(t) if !self.waits_for_time(t));
        let before = match who {
            Who::Thread(t) => Some(self.machine.call(t)),
            _ => None,
        };
        let mut scribe = Scribe { choice, notes: Vec::new(), touched: Vec::new() };
        self.machine.go(who, &mut scribe);
        let Scribe { notes, touched, .. } = scribe;
        if idle {
            return;
        }
        self.now += 1;
        if let Who::Clock(t) = who {
            let ms = self.timeouts[usize::from(t)];
            self.now = self.now.max(ms * 1000);
        }
        let text = text::Told { machine: &self.machine, who, notes: &notes }.text(before);
        let lane = lane(code, who, &notes);
        let index = self.timeline.events.len();
        self.timeline.events.push(Event {
            at: Duration::from_micros(self.now),
            lane,
            text: match who {
                Who::Clock(t) => format!("~ {} ms are over", self.timeouts[usize::from(t)]),
                _ => text,
            },
            memory: memory::told(&self.machine, &notes),
            whose: None,
            kind: kind(who, &notes),
            op: notes.iter().find_map(Note::op).map(|op| u32::from(op) + 1),
            step: self.steps,
            source: before.map(|instr| (instr.source.file(), instr.source.line())),
            after: self.edges.of(index, who, lane, &touched),
        });
        self.owners.push(owners::all(&self.machine));
        self.arm(before.map(|instr| &instr.call));
    }

    fn waits_for_time(&self, t: u8) -> bool {
        let running = self.machine.world.threads[usize::from(t)].life == Life::Running;
        let call = &self.machine.call(t).call;
        let timed = matches!(call.ms(), Some(Ms::After(_) | Ms::Rest));
        running && (timed || matches!(call, Call::Serve))
    }

    /// Which clocks run now, and for how long.
    fn arm(&mut self, done: Option<&Call>) {
        for t in 0..self.machine.code.threads.len() {
            if self.machine.world.threads[t].deadline != Deadline::Armed {
                continue;
            }
            let registered = match done {
                Some(Call::RegisterWait { ms, .. }) => Some(*ms),
                _ => None,
            };
            let own = self.machine.call(t as u8).call.ms();
            if let Some(Ms::After(ms)) = own.or(registered) {
                self.timeouts[t] = u64::from(ms);
            }
        }
    }

    fn end(mut self) -> Timeline {
        self.timeline.waits = waits::told(&self.machine);
        self.timeline.notes = memory::findings(&self.timeline);
        owners::draw(&mut self.timeline, self.owners);
        self.timeline
    }
}

fn lanes(code: &Code) -> Vec<Lane> {
    let lane = |name: &str, kind| Lane { name: name.to_owned(), kind };
    let threads = code.threads.iter().map(|name| lane(name, LaneKind::Program));
    let others = [
        lane("I/O subsystem", LaneKind::Subsystem),
        lane("device driver", LaneKind::Driver),
        lane("memory", LaneKind::Memory),
    ];
    threads.chain(others).collect()
}

/// The lane of the I/O subsystem; the driver's is the next.
fn subsystem(code: &Code) -> usize {
    code.threads.len()
}

fn lane(code: &Code, who: Who, notes: &[Note]) -> usize {
    let driver = |note: &Note| {
        matches!(
            note,
            Note::Takes(_)
                | Note::GoesOn(_)
                | Note::SeesCancel(_)
                | Note::Fails(..)
                | Note::Wrote { part: Part::Piece(_), .. }
        )
    };
    match who {
        Who::Thread(t) | Who::Clock(t) => usize::from(t),
        Who::Device(_) if notes.iter().any(driver) => subsystem(code) + 1,
        Who::Device(_) | Who::Timer(_) => subsystem(code),
        Who::Peer(_) => subsystem(code) + 1,
    }
}

fn kind(who: Who, notes: &[Note]) -> EventKind {
    let any = |is: fn(&Note) -> bool| notes.iter().any(is);
    if any(Note::is_violation) {
        EventKind::Violation
    } else if any(|note| matches!(note, Note::Looked { changed: true })) {
        EventKind::Noticed
    } else if any(Note::hands_over) {
        EventKind::HandOver
    } else if any(|note| matches!(note, Note::Lent(_))) {
        EventKind::Start
    } else if any(|note| matches!(note, Note::Over(_))) {
        EventKind::Over
    } else if any(|note| matches!(note, Note::Asked(_) | Note::Dropped(_))) {
        EventKind::Cancel
    } else if matches!(who, Who::Clock(_) | Who::Timer(_)) {
        EventKind::Pause
    } else {
        EventKind::Step
    }
}

impl Note {
    /// The operation that it is about.
    fn op(&self) -> Option<u8> {
        match *self {
            Note::Lent(op)
            | Note::AtOnce(op)
            | Note::Takes(op)
            | Note::GoesOn(op)
            | Note::SeesCancel(op)
            | Note::Fails(op, _)
            | Note::Wrote { op, .. }
            | Note::Queues(op)
            | Note::Signals(op)
            | Note::Notifies(op)
            | Note::Over(op)
            | Note::Asked(op)
            | Note::Mistaken(op)
            | Note::Dropped(op)
            | Note::Claimed(op)
            | Note::Hands { op, .. } => Some(op),
            Note::Freed { lent, .. } => lent,
            Note::Begins { again, .. } => again,
            _ => None,
        }
    }

    fn is_violation(&self) -> bool {
        matches!(
            self,
            Note::Wrote { foreign: true, .. }
                | Note::Hands { dangling: true, .. }
                | Note::Mixed
                | Note::Mistaken(_)
        )
    }

    fn hands_over(&self) -> bool {
        matches!(
            self,
            Note::Freed { lent: Some(_), .. }
                | Note::Begins { again: Some(_), .. }
                | Note::Claimed(_)
        )
    }
}
