//! The backend on completion ports: what Windows has and no other system.
#![cfg(windows)]

#[path = "support/win32.rs"]
mod win32;

#[path = "windows/files.rs"]
mod files;
#[path = "windows/pipes.rs"]
mod pipes;
#[path = "windows/storms.rs"]
mod storms;
#[path = "windows/workers.rs"]
mod workers;

use overlapped::{Port, backend::Kind};

fn port() -> Port {
    Port::builder().backend(Kind::Iocp).build().unwrap()
}
