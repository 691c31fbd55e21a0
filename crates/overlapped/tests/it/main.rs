//! The library among others: executors that are not its own, a kernel that forbids io_uring, and
//! backends that do not keep their word.
#![cfg(not(loom))]

mod duplex;
mod executors;
#[cfg(target_os = "linux")]
mod forbidden;
mod messages;
mod scripted;
mod types;

#[path = "../support/scratch.rs"]
mod scratch;
#[path = "../support/watchdog.rs"]
mod watchdog;

use std::time::Duration;

use overlapped::{Port, backend::Kind};
use watchdog::Watchdog;

/// No test waits longer for what must come.
const LONG: Duration = Duration::from_secs(20);

fn watch(name: &str) -> Watchdog {
    Watchdog::set(name, Duration::from_secs(60))
}

/// The backends that work here.
fn ports() -> Vec<Port> {
    let kinds = [Kind::Uring, Kind::Iocp, Kind::Threads];
    kinds.into_iter().filter_map(|kind| Port::builder().backend(kind).build().ok()).collect()
}

/// `len` bytes, each of which tells its place in a long row that starts at `from`.
fn numbered(from: usize, len: usize) -> Vec<u8> {
    (from..from + len).map(|place| (place.wrapping_mul(167) >> 2) as u8).collect()
}
