//! Mechanisms that perform operations, each in two halves: one where entries go in, one where
//! completions come out.
//!
//! The traits are safe. A backend owns each [`Entry`] from `submit` until it answers it with a
//! [`Completion`], exactly once, when the OS has said its last word; the types see to the rest.
//! What a backend must keep:
//!
//! * `submit` never blocks for the operation; if there is no room it gives the entry back.
//! * A cancel is a request: it may find the operation finished, or unable to stop. It is never
//!   lost, a full queue included, and it never names a later operation ([`Id`] carries a
//!   generation).
//! * The count is the OS's own, a short one included.
//! * A new handle is answered as [`Value::Handle`], the moment it exists.
//! * A flying operation goes on without anybody in `wait`; on a port of one thread it may wait for
//!   that thread's next.

#[cfg(windows)]
pub(crate) mod apc;
#[cfg(target_os = "linux")]
mod cached;
mod clock;
pub(crate) mod driver;
mod null;
mod simulator;
#[cfg(unix)]
pub(crate) mod pool;
#[cfg(windows)]
pub(crate) mod iocp;
#[cfg(target_os = "linux")]
pub(crate) mod uring;
#[cfg(windows)]
pub(crate) mod threads;
#[cfg(windows)]
mod win32;

pub use crate::{
    buf::{Fixed, PoolMemory},
    error::Cause,
    handle::{Owned, Raw, Simulated},
    iocb::{Entry, Id},
    op::{Interest, Op, OpenHow, Value},
};
pub use clock::RealClock;
pub use driver::{Features, Kind, null};
pub use simulator::{Attended, Simulator, Sleeper};

use std::{fmt, io, sync::Arc, time::Instant};

/// The half where operations go in. One thread at a time calls it, under the port's lock.
pub trait Submit: Send {
    /// Starts an operation, or queues it until [`Submit::flush`]. No room: the entry comes back,
    /// and the port keeps it until something has completed.
    fn submit(&mut self, entry: Entry) -> Result<(), Entry>;

    /// Asks that an operation stop, if it is here and still can.
    fn cancel(&mut self, id: Id);

    /// Makes the current [`Reap::wait`] return, or the next if there is none.
    fn wake(&mut self);

    /// Hands to the OS what is queued, and tries again what found no room before. Called after
    /// each submission and cancel, unless a batch of them is being collected. Halves that belong
    /// to one thread may leave it to the next [`Reap::wait`].
    fn flush(&mut self) {}

    /// Tells the OS of a resource beforehand: from here on an operation that carries `place` may
    /// use what stands there. The place is free. What is registered is held, the memory of a pool
    /// and the file alike, until [`unregister`](Self::unregister) or until the mechanism is closed:
    /// a registration never outlives its resource (C1).
    ///
    /// # Errors
    ///
    /// Why it cannot be. Nothing is lost by it: the operations work without.
    fn register(&mut self, place: Fixed, resource: Resource<'_>) -> Result<(), Cause> {
        let _ = (place, resource);
        Err(Cause::Unsupported("this mechanism has no use for registered buffers and files"))
    }

    /// Has the OS forget what was registered at `place`; no operation in flight carries it.
    ///
    /// # Errors
    ///
    /// Why it did not. What is there is held on to, and the place must not be used again.
    fn unregister(&mut self, table: Table, place: Fixed) -> Result<(), Cause> {
        let _ = (table, place);
        Ok(())
    }

    /// Has the OS forget everything that was registered; nothing is in flight, nor will be.
    fn unregister_all(&mut self) {}
}

/// What an OS can be told of beforehand.
#[derive(Clone, Copy, Debug)]
pub enum Resource<'a> {
    /// Memory that operations lend parts of.
    Buffers(&'a Arc<PoolMemory>),
    /// An open file that operations work on.
    File(&'a Owned),
}

/// The tables of a mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// Of memory.
    Buffers,
    /// Of open files.
    Files,
}

/// The half where completions come out. One thread at a time calls it.
pub trait Reap: Send {
    /// Waits until something has completed, `until` has come or [`Submit::wake`] was called, and
    /// appends what has completed to `out`. May return early with nothing.
    fn wait(&mut self, until: Option<Instant>, out: &mut Vec<Completion>) -> io::Result<()>;
}

/// How other threads get up the one in [`Reap::wait`], where both halves belong to one thread.
pub trait Bell: Send + Sync {
    /// Makes the current wait return, or the next if there is none.
    fn ring(&self);
}

/// What a backend can do at once, without an operation: it never waits.
pub trait Cheap: Send + Sync {
    /// Tries to read at an offset what is at hand.
    fn read_at(&self, from: &Owned, at: u64, into: &mut [u8]) -> Attempt;

    /// Takes note of a handle that operations will work on, before the first of them does.
    fn adopt(&self, handle: &Owned) {
        let _ = handle;
    }

    /// As [`adopt`](Self::adopt), for a handle of which more is asked than to move bytes.
    fn adopt_device(&self, handle: &Owned) {
        self.adopt(handle);
    }
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The outcome: so many bytes.
    Done(usize),
    /// It would have to wait, or be looked into: start an operation.
    NotNow,
    /// This handle has nothing at hand, ever.
    Never,
}

/// A clock: the real one, or a simulated kernel's.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Instant;

    /// When the clock was made.
    fn made(&self) -> Instant;

    /// Nanoseconds since then, cheaply: it may lag some milliseconds behind. For what people look
    /// at, such as the age of an operation.
    fn lately(&self) -> u64;
}

/// An operation that is over: the kernel's half, and the raw answer.
#[derive(Debug)]
pub struct Completion {
    /// The kernel's half, given back.
    pub entry: Entry,
    /// What the OS said.
    pub answer: Result<Value, Cause>,
}

/// A mechanism, ready for a [`Port`](crate::Port).
pub struct Backend {
    /// What it is and what it can do.
    pub features: Features,
    /// Where operations go in.
    pub submit: Box<dyn Submit>,
    /// Where completions come out.
    pub reap: Box<dyn Reap>,
    /// Its clock.
    pub clock: Box<dyn Clock>,
    /// What it can do at once.
    pub cheap: Option<Arc<dyn Cheap>>,
    /// Its bell, if one thread may have both halves to itself. On a shared port, and of a backend
    /// that has none, [`Submit::wake`] is called instead.
    pub bell: Option<Arc<dyn Bell>>,
    /// The system around it, if that is simulated, too.
    pub simulator: Option<Arc<dyn Simulator>>,
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend").field("features", &self.features).finish_non_exhaustive()
    }
}
