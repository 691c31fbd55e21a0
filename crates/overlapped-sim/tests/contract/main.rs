//! The contract under every schedule: small programs, and what must be true of each of their runs.
//! What a planted bug breaks, one of these finds.

mod abandoned;
mod cancels;
mod ends;
mod outcomes;
mod wakes;

use std::time::Duration;

use overlapped::fs::File;
use overlapped_sim::{Check, Report, Sim};

const SECOND: Duration = Duration::from_secs(1);

/// Tries everything that `check` says; nothing may go wrong.
#[track_caller]
fn all<T: Ord>(check: &Check, body: impl Fn(&Sim) -> T) -> Report<T> {
    let report = check.run(body);
    if let Some(failure) = report.failure() {
        panic!("{failure}");
    }
    report
}

/// A file of 100 numbered bytes.
fn file(sim: &Sim) -> File {
    sim.file("/data", (0..100).collect::<Vec<u8>>());
    File::open(sim, "/data").wait().expect("it is there")
}

fn writable(sim: &Sim) -> File {
    File::create(sim, "/out").wait().expect("a new file")
}

/// The device may take longer than anybody waits.
fn slow(sim: &Sim) {
    sim.latency(Duration::ZERO, 10 * SECOND);
}
