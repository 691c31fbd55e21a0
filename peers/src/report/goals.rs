//! What the library aims at, and where it stands.

use super::{Results, plan};
use crate::Work;

/// One goal.
pub struct Goal {
    pub what: &'static str,
    pub aim: String,
    /// What was measured, if it was.
    pub stands: Option<f64>,
    pub reached: bool,
    pub unit: &'static str,
}

const LOCAL: &str = "overlapped-local";
const SHARED: &str = "overlapped-shared";
const TOKIO: &str = "overlapped-tokio";

/// All goals, with what `results` say about each.
pub fn all(results: &Results) -> Vec<Goal> {
    let ratio = |work, peer| results.ratio(work, peer);
    let speed = |work, peer| results.share(work, "pread", peer);
    let cached = Work::Cached;
    let at_most = |what, limit: f64, unit, stands: Option<f64>| Goal {
        what,
        aim: format!("≤ {limit}{unit}"),
        stands,
        reached: stands.is_some_and(|stands| stands <= limit),
        unit,
    };
    let at_least = |what, limit: f64, unit, stands: Option<f64>| Goal {
        what,
        aim: format!("≥ {limit}{unit}"),
        stands,
        reached: stands.is_some_and(|stands| stands >= limit),
        unit,
    };
    let deadline = results.row(plan::DEADLINE, LOCAL).and_then(|row| row.added());
    let most = Work::Flying(plan::FLYING[2]);
    let heap = |peer| Some(results.row(most, peer)?.spread(|_, it| it.heap)?.median);
    let allocations = |peer: &str, work: Work| {
        results.allocations.get(&(peer.to_owned(), work.to_string())).copied()
    };
    vec![
        at_most("null device, depth 32, local port", 1.8, "×", ratio(Work::Null(32), LOCAL)),
        at_most("null device, depth 1, local port", 1.3, "×", ratio(Work::Null(1), LOCAL)),
        at_most("no-op, depth 32, local port", 1.8, "×", ratio(Work::Nop(32), LOCAL)),
        at_most("no-op, depth 1, local port", 1.3, "×", ratio(Work::Nop(1), LOCAL)),
        at_most("cached reads, depth 1, local port", 0.75, "×", ratio(cached(1), LOCAL)),
        at_least("the same, speed against `pread`", 0.95, "×", speed(cached(1), LOCAL)),
        at_most("cached reads, depth 32, local port", 1.02, "×", ratio(cached(32), LOCAL)),
        at_least(
            "cached reads, depth 1, shared port, speed against `pread`",
            0.95,
            "×",
            speed(cached(1), SHARED),
        ),
        at_most(
            "cached reads, depth 32, shared port under tokio, against `tokio::fs`",
            0.2,
            "×",
            results.share(cached(32), TOKIO, "tokio-fs"),
        ),
        at_most(
            "the same, against `spawn_blocking`",
            0.333,
            "×",
            results.share(cached(32), TOKIO, "tokio-blocking"),
        ),
        at_most("direct reads, depth 32, local port", 1.05, "×", ratio(Work::Direct(32), LOCAL)),
        at_most("direct reads, depth 128, local port", 1.08, "×", ratio(Work::Direct(128), LOCAL)),
        at_most("direct writes, depth 32, local port", 1.05, "×", ratio(Work::Write(32), LOCAL)),
        at_most("10,000 direct ranges, shared port", 1.1, "×", ratio(Work::Ranges(128), SHARED)),
        at_most(
            "a deadline that never comes, local port",
            60.0,
            " ns",
            deadline.map(|added| added.median),
        ),
        at_most(
            "allocations for each cached read, local port",
            0.0,
            "",
            allocations(LOCAL, cached(32)).map(hundredths),
        ),
        at_most(
            "allocations for each cached read, shared port",
            0.0,
            "",
            allocations(SHARED, cached(32)).map(hundredths),
        ),
        at_most("memory for each of 100,000 in flight, local port", 256.0, " bytes", heap(LOCAL)),
        at_most("memory for each of 100,000 in flight, shared port", 256.0, " bytes", heap(SHARED)),
        at_most(
            "time beside 100,000 in flight against 1,000, local port",
            1.2,
            "×",
            growth(results, LOCAL),
        ),
        at_most(
            "time beside 100,000 in flight against 1,000, shared port",
            1.2,
            "×",
            growth(results, SHARED),
        ),
        at_most(
            "cancel of 10,000 idle reads, local port",
            2.0,
            "×",
            ratio(Work::Cancel(10_000), LOCAL),
        ),
        at_most(
            "cancel of 10,000 idle reads, shared port",
            2.0,
            "×",
            ratio(Work::Cancel(10_000), SHARED),
        ),
    ]
}

/// Processor time of a round trip beside the most idle reads, against that beside the fewest.
pub fn growth(results: &Results, peer: &str) -> Option<f64> {
    let cpu = |n| Some(results.row(Work::Flying(n), peer)?.cpu()?.median);
    Some(cpu(plan::FLYING[2])? / cpu(plan::FLYING[0])?)
}

fn hundredths(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}
