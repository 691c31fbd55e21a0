//! The backends on completion ports, on completion routines and on threads: what Windows has and no
//! other system.
#![cfg(windows)]

#[path = "support/probe.rs"]
mod probe;
#[path = "support/slow.rs"]
mod slow;
#[path = "support/watchdog.rs"]
mod watchdog;
#[path = "support/win32.rs"]
mod win32;

#[path = "windows/devices.rs"]
mod devices;
#[path = "windows/files.rs"]
mod files;
#[path = "windows/pipes.rs"]
mod pipes;
#[path = "windows/race.rs"]
mod race;
#[path = "windows/routines.rs"]
mod routines;
#[path = "windows/servers.rs"]
mod servers;
#[path = "windows/sockets.rs"]
mod sockets;
#[path = "windows/storms.rs"]
mod storms;
#[path = "windows/held_back.rs"]
mod held_back;
#[path = "windows/exits.rs"]
mod exits;
#[path = "windows/strangers.rs"]
mod strangers;
#[path = "windows/threads.rs"]
mod waiting;
#[path = "windows/watches.rs"]
mod watches;
#[path = "windows/workers.rs"]
mod workers;

use overlapped::{Port, Runtime, backend::Kind};

fn port() -> Port {
    Port::builder().backend(Kind::Iocp).build().unwrap()
}

/// Without a completion port.
fn threads() -> Port {
    Port::builder().backend(Kind::Threads).build().unwrap()
}

/// Of each mechanism that a thread can have to itself, one; they are used one after the other.
fn runtimes() -> [Runtime; 2] {
    [Kind::Iocp, Kind::Apc].map(|kind| Runtime::with(Port::builder().backend(kind)).unwrap())
}

/// On both.
fn each(test: impl Fn(&Port)) {
    [port(), threads()].iter().for_each(test);
}
