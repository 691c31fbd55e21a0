//! What happened, in order: the one list of events that every drawing is made from.

mod mermaid;
mod perfetto;
mod svg;
mod text;

pub use text::Look;

use std::time::Duration;

/// A run, as it is drawn: lanes side by side, time downward.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// What ran.
    pub title: String,
    /// The lanes, from left to right: the program's threads, the I/O subsystem, the device driver,
    /// the memory.
    pub lanes: Vec<Lane>,
    /// In the order in which they happened.
    pub events: Vec<Event>,
    /// What each lane waits for at the end, if it hangs: the lane and what is said.
    pub waits: Vec<(usize, String)>,
    /// Below the drawing: a heading such as `cause` and what is said.
    pub notes: Vec<(String, String)>,
    /// The one line that runs this again.
    pub replay: Option<String>,
}

/// One actor's column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// What stands above it.
    pub name: String,
    /// What it is.
    pub kind: LaneKind,
}

/// What a lane is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneKind {
    /// A thread or a task of the program.
    Program,
    /// The I/O subsystem.
    Subsystem,
    /// The device driver.
    Driver,
    /// Whose the memory is, and what it holds.
    Memory,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Since the run began.
    pub at: Duration,
    /// Whose step it was: an index into [`Timeline::lanes`].
    pub lane: usize,
    /// What was done.
    pub text: String,
    /// What it meant for the memory: drawn on the same line in the memory lane.
    pub memory: Option<String>,
    /// Whose the memory is after it: drawn as a band beside the memory lane.
    pub whose: Option<Whose>,
    /// What sort of event it is.
    pub kind: EventKind,
    /// The operation that it belongs to, by its number in the run.
    pub op: Option<u32>,
    /// The step that it belongs to, counted from 1; 0 before the first.
    pub step: usize,
    /// Where the program says so: file and line.
    pub source: Option<(&'static str, u32)>,
    /// The earlier events, by index, that this one waited for.
    pub after: Vec<usize>,
}

/// Whose the bytes are that a run is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whose {
    /// The function or the block that owns them; empty if nobody does.
    pub owner: String,
    /// The operation that they are lent to.
    pub lent: Option<String>,
    /// They are lent, and who lent them has them no longer.
    pub astray: bool,
}

/// What sort of event it is: the drawing sets these apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// An ordinary step.
    Step,
    /// An operation begins: memory is lent.
    Start,
    /// A cancel is asked for.
    Cancel,
    /// Memory changes hands: the frame ends, the block is freed, another function owns it now.
    HandOver,
    /// An operation is over: memory is given back.
    Over,
    /// Time goes by, or a debugger holds the program.
    Pause,
    /// A fault that was injected.
    Injected,
    /// The culprit: memory is written that is not lent to the writer, or the like.
    Violation,
    /// The damage is noticed.
    Noticed,
}

impl Timeline {
    /// The events as they are drawn: long rows of steps of one lane and operation are told as one.
    fn folded(&self, most: usize) -> Vec<Row<'_>> {
        let mut rows: Vec<Row<'_>> = Vec::new();
        let folds = self.events.len() > most;
        for event in &self.events {
            let quiet = event.kind == EventKind::Step && event.memory.is_none();
            match rows.last_mut() {
                Some(last)
                    if folds
                        && quiet
                        && last.event.kind == EventKind::Step
                        && last.event.lane == event.lane
                        && last.event.op == event.op =>
                {
                    last.more += 1;
                }
                _ => rows.push(Row { event, more: 0 }),
            }
        }
        rows
    }

    /// Where the memory is drawn.
    fn memory_lane(&self) -> Option<usize> {
        self.lanes.iter().position(|lane| lane.kind == LaneKind::Memory)
    }
}

/// An event, and how many more of its sort follow.
struct Row<'a> {
    event: &'a Event,
    more: usize,
}

impl Row<'_> {
    fn text(&self) -> String {
        match self.more {
            0 => self.event.text.clone(),
            more => format!("{} ... and {more} more steps", self.event.text),
        }
    }
}

impl std::fmt::Display for Timeline {
    /// For a terminal of 118 columns, without colour.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text(&Look::default()))
    }
}
