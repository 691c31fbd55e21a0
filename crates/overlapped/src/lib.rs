//! Overlapped (completion-based) I/O.
//!
//! **The memory outlives the operation; the outcome is always told; nothing that completed is
//! lost.**
//!
//! Starting an operation gives its buffer to the I/O and a [`Pending`] to the program. The buffer
//! comes back with the outcome: success, failure or cancellation. Until then the operating system
//! may write to it at any time, so nothing in this library can free, move or reuse it: not a
//! timeout, not a dropped future, not a closed port.
//!
//! ```
//! use std::time::Duration;
//! use overlapped::{Done, Port, fs::File};
//!
//! # fn main() -> std::io::Result<()> {
//! let port = Port::shared()?;
//! let file = File::open(&port, "Cargo.toml").wait()?;
//! let read = file.read_at(vec![0; 1024], 0);
//! match read.wait_timeout(Duration::from_secs(1)) {
//!     Ok(outcome) => {
//!         let Done { n, buf, .. } = outcome?;
//!         assert!(buf[..n].starts_with(b"[package]"));
//!     }
//!     Err(late) => {
//!         late.cancel(); // a request, no more
//!         let outcome = late.wait(); // the truth, and the buffer
//!         println!("{outcome:?}");
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Four faces
//!
//! * **Block**: [`Pending::wait`], [`Pending::wait_timeout`], [`wait_any`], [`wait_all`]. The
//!   waiting thread drives the port itself.
//! * **Await**: a [`Pending`] is a future on any executor, `Send` when its buffer is.
//! * **Routine**: [`Pending::then`] and [`alertable::wait`], as `ReadFileEx` and `SleepEx`.
//! * **Scope**: [`Port::scope`] lends buffers from the stack.
//!
//! What each backend does, what it lacks and which one is taken is told by [`Port::features`].

pub mod backend;
#[cfg(windows)]
pub mod device;
pub mod fs;
pub mod pipe;

mod buf;
mod error;
mod handle;
mod iocb;
mod lane;
mod op;
mod pending;
mod port;
mod runtime;
mod scope;
mod sync;
mod time;

pub use buf::{AlignedBuf, BufPool, IoBuf, IoBufMut, PoolBuf};
pub use error::{Cause, Done, Error, Failed, Message, Reply};
pub use pending::{Event, Pending, Waitable, alertable, wait_all, wait_any};
pub use port::{Builder, Flying, Port, Report, Stats};
pub use runtime::{Runtime, Spawner, Task};
pub use scope::Scope;

/// What a simulated system needs beside a [`Backend`](backend::Backend): its threads and its time.
pub mod simulation {
    pub use crate::{
        backend::{Attended, Simulator, Sleeper},
        pending::alertable::{Routines, own_routines},
        port::SleepBy,
    };
}

/// The requests that a [`Pending`] stands for (its second parameter) and what each lends. They are
/// made by the verbs of handles and appear in types only.
pub mod request {
    pub use crate::{
        buf::{
            Drain, DrainMany, Exchange, Fill, FillMany, Lend, LentMemory, NoMemory, PathPair,
            PathText, StatOut,
        },
        op::{
            Control, Heir, MakePath, Nap, Open, Operation, Outcome, Plain, Read, ReadMany,
            ReadMessage, Stat, Write, WriteMany,
        },
    };

    #[cfg(windows)]
    pub use crate::op::Watch;
}

/// The documents of the project, as pages.
pub mod _documents {
    #[doc = include_str!("../../../docs/contract.md")]
    pub mod contract {}

    #[doc = include_str!("../../../docs/design.md")]
    pub mod design {}

    #[doc = include_str!("../../../docs/platforms.md")]
    pub mod platforms {}

    #[doc = include_str!("../../../docs/compare.md")]
    pub mod compare {}

    #[doc = include_str!("../../../docs/testing.md")]
    pub mod testing {}
}

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod readme {}
