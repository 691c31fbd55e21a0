//! A run, told step by step: what each lane did, and whose the memory was.

use std::{fmt::Write as _, time::Duration};

use overlapped_sim::{
    explore::{Access, Choice, Kind, Model, Replay, Search, Tape, Token},
    timeline::{Event, EventKind, Lane, LaneKind, Timeline},
};

use crate::{
    Code, Machine,
    calls::Ms,
    machine::Who,
    rules::Status,
    watch::{Note, Part, Thing, Watch},
};

/// Notes down what steps tell.
struct Scribe<'a> {
    search: &'a mut Replay,
    notes: Vec<Note>,
}

impl Watch for Scribe<'_> {
    fn choose(&mut self, n: usize, kind: Kind) -> usize {
        self.search.choose(n, kind)
    }

    fn touch(&mut self, _: Thing, _: Access) {}

    fn say(&mut self, note: Note) {
        self.notes.push(note);
    }
}

/// Draws the run of `machine` that `token` stands for.
pub(crate) fn draw(mut machine: Machine<'_>, token: &Token) -> Result<Timeline, String> {
    let code = machine.code;
    let mut search = Replay::new(token);
    search.begin();
    let mut timeline = Timeline { lanes: lanes(code), ..Timeline::default() };
    let (mut now, mut enabled) = (0_u64, Vec::new());
    let mut last = vec![None; code.ops.len()];
    loop {
        enabled.clear();
        machine.enabled(&mut enabled);
        if enabled.is_empty() {
            break;
        }
        let who = Who::of(enabled[search.next(&enabled)]);
        now += 1;
        let text = match who {
            Who::Thread(t) => machine.call(t).text.clone(),
            Who::Clock(t) => {
                let ms = match machine.call(t).call.ms() {
                    Some(Ms::After(ms)) => u64::from(ms),
                    _ => 1,
                };
                now = now.next_multiple_of(1000) + ms * 1000;
                format!("~ {ms} ms are over")
            }
            Who::Timer(_) => "the linked timeout is over".to_owned(),
            Who::Peer(_) => "data arrive".to_owned(),
            Who::Device(_) => String::new(),
        };
        let source = match who {
            Who::Thread(t) => {
                let source = machine.call(t).source;
                Some((source.file(), source.line()))
            }
            _ => None,
        };
        let mut scribe = Scribe { search: &mut search, notes: Vec::new() };
        machine.go(who, &mut scribe);
        let notes = scribe.notes;
        let op = notes.iter().find_map(op_of);
        let index = timeline.events.len();
        let before = op.and_then(|op| last[usize::from(op)].replace(index));
        timeline.events.push(Event {
            at: Duration::from_micros(now),
            lane: lane(code, who, &notes),
            text: text_of(code, text, &notes),
            memory: memory(code, &notes),
            kind: kind(who, &notes),
            op: op.map(|op| u32::from(op) + 1),
            source,
            after: before.into_iter().collect(),
        });
    }
    if search.diverged() || !search.tape().fits(token) {
        return Err(format!("{token} is of another program, or of other rules"));
    }
    timeline.waits = machine
        .waiting()
        .map(|t| {
            (usize::from(t), format!("{}, and nobody is left to end it", machine.call(t).text))
        })
        .collect();
    Ok(timeline)
}

/// Draws the run that a tape stands for.
pub(crate) fn draw_tape(machine: Machine<'_>, tape: &Tape) -> Timeline {
    draw(machine, &tape.token()).expect("the tape is of this machine")
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
    let threads = code.threads.len();
    match who {
        Who::Thread(t) | Who::Clock(t) => usize::from(t),
        Who::Device(_) if notes.iter().any(driver) => threads + 1,
        Who::Device(_) | Who::Timer(_) => threads,
        Who::Peer(_) => threads + 1,
    }
}

fn op_of(note: &Note) -> Option<u8> {
    match *note {
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
        | Note::Hands { op, .. } => Some(op),
        _ => None,
    }
}

fn kind(who: Who, notes: &[Note]) -> EventKind {
    let any = |is: fn(&Note) -> bool| notes.iter().any(is);
    if any(|note| {
        matches!(
            note,
            Note::Wrote { foreign: true, .. }
                | Note::Hands { dangling: true, .. }
                | Note::Mixed
                | Note::Mistaken(_)
        )
    }) {
        EventKind::Violation
    } else if any(|note| matches!(note, Note::Looked { changed: true })) {
        EventKind::Noticed
    } else if any(|note| {
        matches!(note, Note::Freed { lent: Some(_), .. } | Note::Begins { again: Some(_), .. })
    }) {
        EventKind::HandOver
    } else if any(|note| matches!(note, Note::Lent(_))) {
        EventKind::Start
    } else if any(|note| matches!(note, Note::Over(_))) {
        EventKind::Over
    } else if any(|note| matches!(note, Note::Asked(_))) {
        EventKind::Cancel
    } else if matches!(who, Who::Clock(_) | Who::Timer(_)) {
        EventKind::Pause
    } else {
        EventKind::Step
    }
}

/// What was done: the call as it stands in the program, or what the device's side tells.
fn text_of(code: &Code, call: String, notes: &[Note]) -> String {
    let mut parts = if call.is_empty() { Vec::new() } else { vec![call] };
    for note in notes {
        let name = |op: u8| &code.ops[usize::from(op)].name;
        match *note {
            Note::AtOnce(_) => parts.push("at once".to_owned()),
            Note::Takes(op) => parts.push(format!("takes the {}", name(op))),
            Note::GoesOn(op) => parts.push(format!("{}: nobody has cancelled it", name(op))),
            Note::SeesCancel(_) => parts.push("sees the cancel, gives up".to_owned()),
            Note::Fails(_, status) => parts.push(format!("fails: {status:?}")),
            Note::Wrote { part: Part::Internal, .. } => parts.push("writes the status".to_owned()),
            Note::Wrote { part: Part::InternalHigh, .. } => {
                parts.push("writes the byte count".to_owned());
            }
            Note::Wrote { part: Part::Piece(_), .. } => parts.push("moves bytes".to_owned()),
            Note::Queues(_) => parts.push("queues its completion".to_owned()),
            Note::Signals(_) => parts.push("sets the event".to_owned()),
            Note::Notifies(_) => parts.push("notifies".to_owned()),
            Note::Looked { changed } => {
                parts.push(if changed { "CHANGED" } else { "fine" }.to_owned());
            }
            Note::TimesOut(_) => parts.push("timed out".to_owned()),
            Note::Mixed => parts.push("another operation's end".to_owned()),
            Note::Runs => parts.push("runs what is queued".to_owned()),
            _ => {}
        }
    }
    if parts.is_empty() { "is done".to_owned() } else { parts.join(", ") }
}

/// What it meant for the memory.
fn memory(code: &Code, notes: &[Note]) -> Option<String> {
    let mut text = String::new();
    let owner = |owner: u8| {
        let owner = &code.owners[usize::from(owner)];
        if owner.heap {
            format!("block {}", owner.name)
        } else {
            format!("frame of {}()", owner.name)
        }
    };
    let lent = |op: u8| {
        let op = &code.ops[usize::from(op)];
        format!("{}, {}", op.ov.trim_start_matches('&'), op.buffer)
    };
    for note in notes {
        let more = match *note {
            Note::Lent(op) => format!("{}: lent to {}", lent(op), code.ops[usize::from(op)].name),
            Note::Freed { owner: of, lent: Some(_) } => format!("{} freed while lent", owner(of)),
            Note::Freed { owner: of, lent: None } => format!("{} freed", owner(of)),
            Note::Begins { owner: of, again: Some(_) } => format!("same bytes: {}", owner(of)),
            Note::Wrote { op, part, owner: of, foreign, .. } => {
                let name = &code.ops[usize::from(op)];
                let ov = name.ov.trim_start_matches('&');
                let what = match part {
                    Part::Internal => format!("{ov}.Internal"),
                    Part::InternalHigh => format!("{ov}.InternalHigh"),
                    Part::Piece(_) => name.buffer.clone(),
                };
                match foreign {
                    true if of == 0 => format!("{what} <- freed memory"),
                    true => format!("{what} <- {}", owner(of)),
                    false => what,
                }
            }
            Note::Hands { dangling: true, .. } => "a pointer to memory that is gone".to_owned(),
            Note::Over(op) => format!("{}: given back", lent(op)),
            _ => continue,
        };
        let comma = if text.is_empty() { "" } else { "; " };
        let _ = write!(text, "{comma}{more}");
    }
    (!text.is_empty()).then_some(text)
}

/// A status as Windows calls it.
impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}
