//! Cancels, deadlines and drops that race with the bytes.

use overlapped::backend::Kind;
use overlapped_sim::conformance::races::{Chase, Races, race};

use crate::{eventually, port, scaled};

pub(crate) fn cancels(kind: Kind) {
    let Races { done, lost } = chase(kind, Chase::Cancel, scaled(100_000));
    // Otherwise there was no race.
    assert!(done > 0 && lost > 0, "{done} done, {lost} cancelled");
}

pub(crate) fn deadlines(kind: Kind) {
    chase(kind, Chase::Deadline, scaled(20_000));
}

pub(crate) fn drops(kind: Kind) {
    chase(kind, Chase::Drop, scaled(50_000));
}

fn chase(kind: Kind, chase: Chase, rounds: u64) -> Races {
    let Some(port) = port(kind) else {
        return Races { done: 1, lost: 1 };
    };
    let races = race(&port, chase, rounds);
    eprintln!("{kind}: {rounds} rounds against {chase:?}: {races:?}");
    assert_eq!(races.done + races.lost, rounds);
    eventually("nothing is in flight", || port.in_flight().is_empty());
    let stats = port.stats();
    assert_eq!(stats.started, stats.landed);
    races
}
