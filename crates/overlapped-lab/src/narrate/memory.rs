//! Whose the memory is, and what is written to it.

use crate::{
    Machine,
    memory::COUNT,
    op::{Api, Verb},
    watch::{Note, Part},
};
use overlapped_sim::timeline::{Event, EventKind, LaneKind, Timeline};

/// What a step meant for the memory.
pub(super) fn told(machine: &Machine<'_>, notes: &[Note]) -> Option<String> {
    let told: Vec<_> = notes.iter().filter_map(|note| of(machine, note)).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

fn of(machine: &Machine<'_>, note: &Note) -> Option<String> {
    let name = |op: u8| &machine.code.ops[usize::from(op)].name;
    let told = match *note {
        Note::Lent(op) => format!("{}: lent to {}", lent(machine, op)?, name(op)),
        Note::Freed { owner: of, lent: Some(_) } => {
            format!("{} freed while still lent", owner(machine, of))
        }
        Note::Freed { owner: of, lent: None } => format!("{} freed", owner(machine, of)),
        Note::Begins { owner: of, again: Some(_) } => {
            format!("same bytes: {}", owner(machine, of))
        }
        Note::Claimed(op) => {
            format!("{} used again while lent", machine.code.ops[usize::from(op)].buffer)
        }
        Note::Wrote { op, part, cell, owner: whose, foreign, verb } => {
            let what = written(machine, op, part, cell, verb);
            match foreign {
                true if whose == 0 => format!("{what} <- freed memory"),
                true => format!("{what} <- {}", owner(machine, whose)),
                false => what,
            }
        }
        Note::Hands { op, dangling: true } => {
            let ov = machine.code.ops[usize::from(op)].ov.trim_start_matches('&');
            format!("{ov} is gone")
        }
        Note::Over(op) => format!("{}: given back", lent(machine, op)?),
        _ => return None,
    };
    Some(told)
}

/// `o, buffer`; nothing for an operation without memory.
fn lent(machine: &Machine<'_>, op: u8) -> Option<String> {
    let op = &machine.code.ops[usize::from(op)];
    let both = [op.ov.trim_start_matches('&'), &op.buffer];
    let both: Vec<_> = both.into_iter().filter(|name| !name.is_empty()).collect();
    (!both.is_empty()).then(|| both.join(", "))
}

/// `o.Internal = CANCELLED`
fn written(machine: &Machine<'_>, i: u8, part: Part, cell: u8, verb: Verb) -> String {
    let op = &machine.world.ops[usize::from(i)];
    let name = &machine.code.ops[usize::from(i)];
    let ov = name.ov.trim_start_matches('&');
    let aio = op.api == Api::Aio;
    let count = machine.world.memory.get(cell).saturating_sub(COUNT);
    match part {
        Part::Internal if aio => format!("{ov}.error = {}", op.status),
        Part::Internal => format!("{ov}.Internal = {}", op.status),
        Part::InternalHigh if aio => format!("{ov}.return = {count}"),
        Part::InternalHigh => format!("{ov}.InternalHigh = {count}"),
        Part::Piece(_) if verb == Verb::Write => format!("{} is sent", name.buffer),
        Part::Piece(n) if op.pieces > 1 => format!("{}, piece {}", name.buffer, n + 1),
        Part::Piece(_) => name.buffer.clone(),
    }
}

fn owner(machine: &Machine<'_>, owner: u8) -> String {
    let owner = &machine.code.owners[usize::from(owner)];
    if owner.heap { format!("block {}", owner.name) } else { format!("frame of {}()", owner.name) }
}

/// The culprit, and where the memory had been given away.
pub(super) fn findings(timeline: &Timeline) -> Vec<(String, String)> {
    let mut notes = Vec::new();
    let events = &timeline.events;
    let Some(at) = events.iter().position(|event| event.kind == EventKind::Violation) else {
        return notes;
    };
    let culprit = &events[at];
    let gave = |event: &&Event| event.kind == EventKind::HandOver && event.op == culprit.op;
    if let Some(given) = events[..at].iter().find(gave) {
        let (file, line) = given.source.unwrap_or_default();
        let file = file.rsplit(['/', '\\']).next().unwrap_or(file);
        let ago = (culprit.at - given.at).as_micros();
        let text =
            format!("`{}` ({file}:{line}) gave lent memory away {ago} us before", given.text);
        notes.push(("where".to_owned(), text));
    }
    if timeline.lanes[culprit.lane].kind != LaneKind::Program {
        let text = "the kernel: a debugger's write breakpoint stays silent";
        notes.push(("writer".to_owned(), text.to_owned()));
    }
    notes
}
