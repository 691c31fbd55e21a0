//! The band beside the memory: whose the bytes are, at each instant.

use crate::{Machine, memory::NOBODY, objects::OPS};
use overlapped_sim::timeline::{EventKind, Timeline, Whose};

/// Whose the memory of each operation is, if it has any.
pub(super) type Owners = [Option<Whose>; OPS];

pub(super) fn all(machine: &Machine<'_>) -> Owners {
    std::array::from_fn(|op| of(machine, op))
}

fn of(machine: &Machine<'_>, i: usize) -> Option<Whose> {
    let (op, memory) = (&machine.world.ops[i], &machine.world.memory);
    let leases = [op.ov, op.buffer].into_iter().filter(|lease| !lease.is_none());
    // What is no longer whose it was when it was lent tells more.
    let lease = leases.min_by_key(|lease| memory.still(*lease, 0))?;
    let lent = op.in_flight().then(|| machine.code.ops[i].name.clone());
    let owner = match memory.owner(lease.cell) {
        NOBODY => String::new(),
        owner => {
            let owner = &machine.code.owners[usize::from(owner)];
            if owner.heap { owner.name.to_owned() } else { format!("{}()", owner.name) }
        }
    };
    Some(Whose { owner, astray: lent.is_some() && !memory.still(lease, 0), lent })
}

/// Draws the band of the operation that the run is about: the culprit, or whose memory was handed
/// over, or the first.
pub(super) fn draw(timeline: &mut Timeline, owners: Vec<Owners>) {
    let of = |kind| timeline.events.iter().find(|event| event.kind == kind && event.op.is_some());
    let about = of(EventKind::Violation).or(of(EventKind::HandOver));
    let op = about.and_then(|event| event.op).map_or(0, |op| op as usize - 1);
    for (event, owners) in timeline.events.iter_mut().zip(owners) {
        event.whose = owners.into_iter().nth(op).flatten();
    }
}
