//! What happened: a running number that tells two runs apart, and, if asked for, the events that a
//! timeline is drawn from.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use overlapped::backend::{Cause, Entry, Op, Value};

use super::{Time, devices::Devices, faults::Fault};
use crate::{
    explore::Actor,
    timeline::{Event, EventKind, Lane, LaneKind, Timeline, Whose},
};

/// What went wrong, by cause.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// A line of the contract does not hold.
    Oracle { line: &'static str, text: String },
    /// Nobody can go on: who waits for what.
    Hang(Vec<(String, String)>),
    /// The program panicked.
    Panic(String),
    /// The power was cut, as it was asked for.
    PowerCut,
}

impl Trouble {
    pub(crate) fn oracle(line: &'static str, text: String) -> Self {
        Self::Oracle { line, text }
    }

    /// What makes two failures the same.
    pub(crate) fn sort(&self) -> String {
        match self {
            Self::Oracle { line, .. } => (*line).to_owned(),
            Self::Hang(_) => "hang".to_owned(),
            Self::Panic(text) => format!("panic: {}", text.lines().next().unwrap_or_default()),
            Self::PowerCut => "power".to_owned(),
        }
    }

    pub(crate) fn panic(panic: &(dyn std::any::Any + Send)) -> Self {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Self::Panic(text.unwrap_or_else(|| "a panic without a message".to_owned()))
    }
}

/// What a run leaves behind.
#[derive(Debug)]
pub(crate) struct Log {
    /// A running number of everything that happened: equal runs have equal ones (C16).
    pub(crate) digest: u64,
    pub(crate) steps: u64,
    events: Option<Vec<Noted>>,
    /// Who took each step, in words.
    takers: Vec<String>,
    /// What the actors are called.
    names: BTreeMap<Actor, String>,
}

/// An event, before it is known which lanes there are.
#[derive(Debug)]
struct Noted {
    at: Time,
    lane: Place,
    text: String,
    memory: Option<String>,
    kind: EventKind,
    op: Option<u32>,
    step: usize,
}

/// Where an event stands.
#[derive(Clone, Copy, Debug)]
enum Place {
    Thread(usize),
    Subsystem,
    Driver,
}

impl Log {
    pub(crate) fn new(traced: bool) -> Self {
        Self {
            digest: 0,
            steps: 0,
            events: traced.then(Vec::new),
            takers: Vec::new(),
            names: BTreeMap::new(),
        }
    }

    /// Whether a timeline can be drawn of it.
    pub(super) fn is_traced(&self) -> bool {
        self.events.is_some()
    }

    // [C16] everything that happens goes into the number, whether or not it is drawn.
    fn mix(&mut self, what: u64, at: Time) {
        let mixed = (self.digest ^ what).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.digest = (mixed ^ (mixed >> 29)).wrapping_add(at);
    }

    /// `taker`: in words, if it is drawn.
    pub(super) fn step(&mut self, actor: Actor, now: Time, taker: Option<String>) {
        self.steps += 1;
        self.mix(u64::from(actor.0) + 1, now);
        self.takers.extend(taker);
    }

    pub(super) fn passed(&mut self, from: Time, to: Time) {
        self.note(to, Place::Subsystem, EventKind::Pause, None, || {
            format!("~ {:?} are over", Duration::from_nanos(to - from))
        });
    }

    pub(super) fn started(
        &mut self,
        now: Time,
        thread: usize,
        (number, actor): (u32, Actor),
        entry: &Entry,
    ) {
        self.mix(u64::from(number) << 8, now);
        if self.is_traced() {
            self.names.insert(actor, format!("#{number} {}", describe(entry)));
        }
        self.note_lent(now, Place::Thread(thread), EventKind::Start, Some(number), || {
            let memory = (!entry.is_empty()).then(|| format!("buffer of #{number}: lent"));
            (format!("starts #{number} {}", describe(entry)), memory)
        });
    }

    pub(super) fn refused(&mut self, now: Time, thread: usize, entry: &Entry) {
        self.mix(0x7e, now);
        self.note(now, Place::Thread(thread), EventKind::Injected, None, || {
            format!("the queue is full for {}", describe(entry))
        });
    }

    pub(super) fn cancel(&mut self, now: Time, number: u32) {
        self.mix(u64::from(number) << 8 | 1, now);
        self.note(now, Place::Subsystem, EventKind::Cancel, Some(number), || {
            format!("passes on the cancel of #{number}")
        });
    }

    pub(super) fn taken(&mut self, now: Time, number: u32) {
        self.note(now, Place::Driver, EventKind::Step, Some(number), || {
            format!("takes #{number}, moves a half")
        });
    }

    pub(super) fn heeded(&mut self, now: Time, number: u32) {
        self.mix(u64::from(number) << 8 | 2, now);
        self.note(now, Place::Driver, EventKind::Step, Some(number), || {
            format!("#{number}: sees the cancel, gives up")
        });
    }

    pub(super) fn injected(&mut self, now: Time, number: u32, fault: &Fault) {
        self.mix(u64::from(number) << 8 | 3, now);
        self.note(now, Place::Driver, EventKind::Injected, Some(number), || {
            format!("#{number}: injected: {fault}")
        });
    }

    /// `lent`: it had memory.
    pub(super) fn landed(
        &mut self,
        now: Time,
        number: u32,
        answer: &Result<Value, Cause>,
        lent: bool,
    ) {
        let code = match answer {
            Ok(Value::Count(count) | Value::Part(count)) => *count as u64,
            Ok(Value::Handle(_)) => 1 << 40,
            Err(Cause::Os(code)) => 1 << 41 | u64::from(code.unsigned_abs()),
            Err(_) => 1 << 42,
        };
        self.mix(u64::from(number) << 8 | 4, now);
        self.mix(code, now);
        self.note_lent(now, Place::Subsystem, EventKind::Over, Some(number), || {
            let how = match answer {
                Ok(Value::Count(count) | Value::Part(count)) => count.to_string(),
                Ok(Value::Handle(_)) => "a handle".to_owned(),
                Err(cause) => cause.to_string(),
            };
            (
                format!("#{number} is over: {how}"),
                lent.then(|| format!("buffer of #{number}: given back")),
            )
        });
    }

    pub(super) fn power(&mut self, now: Time) {
        self.mix(0x9f, now);
        self.note(now, Place::Driver, EventKind::Injected, None, || "the power is cut".to_owned());
    }

    pub(super) fn lost_name(&mut self, now: Time, name: &[u8]) {
        self.note(now, Place::Driver, EventKind::Injected, None, || {
            format!("{} was not synced: the name is lost", String::from_utf8_lossy(name))
        });
    }

    /// Of so many changed pieces of a file, each in a sector, so many.
    pub(super) fn survived(&mut self, now: Time, name: &[u8], (survived, all): (usize, usize)) {
        self.mix((survived as u64) << 8 | 6, now);
        self.note(now, Place::Driver, EventKind::Injected, None, || {
            let name = String::from_utf8_lossy(name);
            format!("{name} was not synced: {survived} of {all} pieces survive")
        });
    }

    pub(super) fn wall(&mut self, now: Time, forward: bool) {
        self.mix(0xa0 | u64::from(forward), now);
        self.note(now, Place::Subsystem, EventKind::Injected, None, || {
            let way = if forward { "forward" } else { "back" };
            format!("injected: the wall clock is set {way} by an hour")
        });
    }

    pub(super) fn typed(&mut self, now: Time, terminal: usize, line: &[u8]) {
        self.mix((terminal as u64) << 8 | 5, now);
        self.note(now, Place::Driver, EventKind::Step, None, || match line {
            [] => "the end of the input is typed".to_owned(),
            line => format!("{:?} is typed", String::from_utf8_lossy(line)),
        });
    }

    /// Something that the program itself says.
    pub(crate) fn said(&mut self, now: Time, thread: usize, text: &str) {
        self.note(now, Place::Thread(thread), EventKind::Step, None, || text.to_owned());
    }

    fn note(
        &mut self,
        at: Time,
        lane: Place,
        kind: EventKind,
        op: Option<u32>,
        text: impl FnOnce() -> String,
    ) {
        self.note_lent(at, lane, kind, op, || (text(), None));
    }

    /// Notes an event, with what it means for memory. Nothing is written that nobody will draw.
    fn note_lent(
        &mut self,
        at: Time,
        lane: Place,
        kind: EventKind,
        op: Option<u32>,
        told: impl FnOnce() -> (String, Option<String>),
    ) {
        if let Some(events) = &mut self.events {
            let (text, memory) = told();
            let step = self.steps as usize;
            events.push(Noted { at, lane, text, memory, kind, op, step });
        }
    }

    /// A step in words: what happened in it, or who took it.
    pub(crate) fn told(&self, step: usize) -> String {
        let events = self.events.iter().flatten();
        let in_it = |event: &&Noted| event.step == step && event.kind != EventKind::Pause;
        let event = events.filter(in_it).map(|event| &event.text).next();
        let taker = step.checked_sub(1).and_then(|before| self.takers.get(before));
        match (taker, event) {
            (Some(taker), Some(event)) if !taker.starts_with('#') => format!("{taker}: {event}"),
            (_, Some(event)) => event.clone(),
            (Some(taker), None) if taker.ends_with("longer") => taker.clone(),
            (Some(taker), None) => format!("{taker} goes on"),
            (None, None) => format!("step {step}"),
        }
    }

    /// What `actor` is called.
    pub(crate) fn name(&self, actor: Actor) -> Option<&str> {
        self.names.get(&actor).map(String::as_str)
    }

    /// Draws the events into the lanes of `threads`.
    pub(crate) fn timeline(self, title: String, threads: &[String]) -> Timeline {
        let count = threads.len();
        let lane = |name: &str, kind| Lane { name: name.to_owned(), kind };
        let threads = threads.iter().map(|name| lane(name, LaneKind::Program));
        let others = [
            lane("I/O subsystem", LaneKind::Subsystem),
            lane("device driver", LaneKind::Driver),
            lane("memory", LaneKind::Memory),
        ];
        let lanes = threads.chain(others).collect();
        let mut last_of_op = BTreeMap::new();
        let place = |lane| match lane {
            Place::Thread(thread) => thread,
            Place::Subsystem => count,
            Place::Driver => count + 1,
        };
        let mut lent = BTreeSet::new();
        let events = self.events.unwrap_or_default().into_iter().enumerate();
        let events = events.map(|(index, noted)| {
            let before = noted.op.and_then(|op| last_of_op.insert(op, index));
            if let Some(op) = noted.op.filter(|_| noted.memory.is_some()) {
                let _ =
                    if noted.kind == EventKind::Start { lent.insert(op) } else { lent.remove(&op) };
            }
            Event {
                at: Duration::from_nanos(noted.at),
                lane: place(noted.lane),
                text: noted.text,
                memory: noted.memory,
                whose: Some(whose(&lent)),
                kind: noted.kind,
                op: noted.op,
                step: noted.step,
                source: None,
                after: before.into_iter().collect(),
            }
        });
        let events = events.collect();
        Timeline { title, lanes, events, ..Timeline::default() }
    }
}

/// Buffers are the program's; those of these operations are lent.
fn whose(lent: &BTreeSet<u32>) -> Whose {
    let numbers: Vec<_> = lent.iter().map(|op| format!("#{op}")).collect();
    let lent = (!numbers.is_empty()).then(|| numbers.join(", "));
    Whose { owner: "the program".to_owned(), lent, astray: false }
}

/// An operation in a few words, the same in each run.
fn describe(entry: &Entry) -> String {
    let op = entry.op();
    let name = op.name();
    let len = entry.len();
    let handle = op.handle().map(|raw| format!(" of handle {}", Devices::shown(raw)));
    let handle = handle.unwrap_or_default();
    match op {
        Op::Read { at: Some(at), .. } | Op::Write { at: Some(at), .. } => {
            format!("{name}{handle}: {len} bytes at {at}")
        }
        Op::Read { .. } | Op::Write { .. } => format!("{name}{handle}: {len} bytes"),
        Op::Open(_) | Op::Rename | Op::Unlink { .. } | Op::CreateDir { .. } => {
            let path = entry.path().map(|path| path.to_string_lossy().into_owned());
            format!("{name} {}", path.unwrap_or_default())
        }
        _ => format!("{name}{handle}"),
    }
}
