//! A port of one thread and its runtime: tasks, wake-ups from outside, and operations that go to
//! other threads. Each on every backend that a runtime can have here.
#![cfg(not(loom))]

mod elsewhere;
mod ends;
mod races;
mod tasks;
mod told;
mod waits;

#[path = "../support/scratch.rs"]
mod scratch;
#[path = "../support/watchdog.rs"]
mod watchdog;

use std::time::Duration;

use overlapped::{Port, Runtime, backend::Kind};
use watchdog::Watchdog;

/// Those that a thread may have, wherever they work.
const KINDS: [Kind; 4] = [Kind::Uring, Kind::Threads, Kind::Iocp, Kind::Apc];

/// No test waits longer for what must come.
const LONG: Duration = Duration::from_secs(20);

/// Runs `test` on a runtime on each backend that works here, and says if it hangs.
fn on_each(name: &str, test: impl Fn(Runtime)) {
    for kind in KINDS {
        let _watch = Watchdog::set(&format!("{name} on {kind}"), Duration::from_secs(60));
        if let Ok(runtime) = Runtime::with(Port::builder().backend(kind)) {
            test(runtime);
        }
    }
}

/// `len` bytes, each of which tells its place in a long row that starts at `from`.
fn numbered(from: usize, len: usize) -> Vec<u8> {
    (from..from + len).map(|place| (place.wrapping_mul(167) >> 2) as u8).collect()
}
