//! IOCP: one completion port for all threads, and a few threads for what has no overlapped form.
//!
//! An entry is in one place at a time:
//!
//! | where it is | how it came there | where it goes |
//! |---|---|---|
//! | flights | `submit`: what has an overlapped call, on a handle that is bound to the port | done, when the OS has said its last word |
//! | queue | `submit`: everything else | a worker; cancelled: done |
//! | a worker | the queue | done |
//! | done | everywhere above | the reaper |
//!
//! * *A flight* is an entry together with its OVERLAPPED, whose address is the operation's name to
//!   the OS. Both stay in the table until the packet was dequeued, or until the call has said that
//!   there will be none: it failed at once, or it succeeded at once on a handle that skips packets
//!   then. A packet whose address is not in the table is not one of ours, and is left alone; so is
//!   one whose call is not over: the address was another OVERLAPPED's before.
//! * *A cancel* is `CancelIoEx` with that address, under the table's lock, so that it never names a
//!   successor. What it answers proves nothing and is not looked at. A worker is interrupted, and
//!   the reaper asks it again until it has answered.
//! * *A handle* belongs to one completion port for life. It is bound when it is adopted. One that
//!   cannot be bound, because it is synchronous or another port's, is served by the workers: each
//!   call there has an event of its own, with the lowest bit set, so that no packet goes anywhere.
//!   So is one that skips packets already though it must not: of some calls there would be no end.
//! * *Several buffers* move one after the other, as overlapped calls have no vectors for them. What
//!   has moved when one of them ends short is the count.
//!
//! No entry is dropped or answered while a lock is held (C11).

mod adopt;
mod packets;
mod reap;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::{
    Backend, Features, Kind, RealClock,
    win32::{done::Done, shared::Shared, submit::CallSubmit},
};
use adopt::Binds;
use packets::CompletionPort;
use reap::IocpReap;

/// Opens a completion port, and at most `workers` threads when they are needed.
pub(crate) fn open(workers: usize) -> Result<Backend, String> {
    let port = CompletionPort::new();
    let port = port.map_err(|error| format!("IOCP cannot be used: {error}"))?;
    let port = Arc::new(port);
    let shared = Shared::new(workers, Arc::<CompletionPort>::clone(&port));
    Ok(Backend {
        features: Features {
            flags: vec!["SKIP_COMPLETION_PORT_ON_SUCCESS"],
            ..Features::all_native(Kind::Iocp)
        },
        submit: Box::new(CallSubmit::new(Arc::clone(&shared))),
        clock: Box::new(RealClock::default()),
        cheap: Some(Arc::new(Binds { port: Arc::clone(&port), shared: Arc::clone(&shared) })),
        bell: Some(Arc::<Done>::clone(&shared.done)),
        reap: Box::new(IocpReap { port, shared }),
        simulator: None,
    })
}
