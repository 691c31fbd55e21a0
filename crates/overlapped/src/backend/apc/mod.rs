//! APC: completion routines, on one thread. It makes the calls itself, with `ReadFileEx` and
//! `WriteFileEx`, and hears of their end when it waits alertably; no handle is bound to anything.
//!
//! An entry is in one place at a time:
//!
//! | where it is | how it came there | where it goes |
//! |---|---|---|
//! | flights | `submit`: a read or write of a handle that may have routines | done, when its routine has run |
//! | queue | `submit`: everything else, and what was refused since the handle is bound to a port | a worker; cancelled: done |
//! | a worker | the queue | done |
//! | done | everywhere above | the reaper |
//!
//! * *A routine* runs wherever the thread waits alertably: in `Reap::wait`, or in a wait of the
//!   program's own. It takes a note, and what is noted is over at the next `Reap::wait`. Nothing of
//!   the program's runs in it, and it needs nothing that may be in use.
//! * *A wait that ends* proves nothing: somebody else's routine may have ended it. What is noted
//!   counts.
//! * *A call that succeeds at once* has its routine as any other; one that is refused has none, and
//!   is answered at once.
//! * *The thread* that has made a call must be there until its routine has run: if it exits before,
//!   the OS stops the call and forgets the routine, and the operation is leaked. The end of a
//!   `Runtime` waits for all of them.
//!
//! No entry is dropped or answered while a lock is held (C11).

mod adopt;
mod bell;
mod reap;

use std::sync::Arc;

use super::{
    Backend, Features, Kind, RealClock,
    win32::{done::Done, routine::Notes, shared::Shared, submit::CallSubmit},
};
use adopt::Adopts;
use bell::ThreadBell;
use reap::ApcReap;

/// Opens the mechanism for the calling thread, with at most `workers` threads when they are needed.
pub(crate) fn open(workers: usize) -> Result<Backend, String> {
    let bell = ThreadBell::new();
    let bell = bell.map_err(|error| format!("completion routines cannot be used: {error}"))?;
    let shared = Shared::new(workers, Arc::new(bell));
    let notes = Arc::<Notes>::default();
    Ok(Backend {
        features: Features::all_native(Kind::Apc),
        submit: Box::new(CallSubmit::new(Arc::clone(&shared))),
        clock: Box::new(RealClock::default()),
        cheap: Some(Arc::new(Adopts { notes: Arc::clone(&notes), shared: Arc::clone(&shared) })),
        bell: Some(Arc::<Done>::clone(&shared.done)),
        reap: Box::new(ApcReap { notes, shared, over: Vec::new() }),
        simulator: None,
    })
}
