//! What a simulated kernel does beside operations: it also stands in for the threads of the OS, so
//! that nothing is left to chance.

use std::{io, sync::Arc, time::Instant};

use crate::handle::Owned;

/// The rest of a simulated system, behind a [`Backend`](super::Backend).
pub trait Simulator: Send + Sync {
    /// A pipe's two ends.
    ///
    /// # Errors
    ///
    /// If no descriptors are left.
    fn pipe(&self) -> io::Result<(Owned, Owned)>;

    /// Somebody who does not block waits for a port: `attended` is to be served whenever nothing
    /// else happens. Stands in for the port's thread in the background, which is never started.
    fn attend(&self, attended: Arc<dyn Attended>);

    /// Who is attended must be served at `at`, whatever was the latest before.
    fn alarm(&self, at: Instant);

    /// The calling thread has started something or asked for something. No lock of the port is
    /// held: others may overtake it here.
    fn pass(&self);

    /// Which of `ready` tasks of a runtime is polled next, counted from the one that waits longest.
    fn pick(&self, ready: usize) -> usize;
}

/// A port that somebody must drive.
pub trait Attended: Send + Sync {
    /// Drives the port for a turn, which waits until `until` for a completion. Whether it is to be
    /// served again; if not, it is handed to [`Simulator::attend`] anew when need be.
    fn serve(&self, until: Option<Instant>) -> bool;
}

/// How a simulated thread sleeps.
pub trait Sleeper: Send + Sync {
    /// Sleeps until [`unpark`](Self::unpark) was called since the last sleep, or until `until`. May
    /// return early. Called on the thread itself.
    fn park(&self, until: Option<Instant>);

    /// Gets it up. Called on any thread.
    fn unpark(&self);

    /// The time, by which its waits go that are on no port.
    fn now(&self) -> Instant;
}
