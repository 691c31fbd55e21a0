use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use super::held;
use crate::{error::Error, lane::Lane, port::Holding};

/// A client that is being sent away; see [`Server::disconnect`](super::Server::disconnect). Block
/// with [`wait`](Self::wait), or `.await` it.
#[must_use = "whether it went well, and that nothing is in flight, is told when this is waited for"]
pub struct Disconnect {
    /// Those to wait for: none, if the client is still there.
    sides: Vec<Holding<Lane>>,
    outcome: Result<(), Error>,
}

impl Disconnect {
    pub(super) fn new(lanes: [&Arc<Lane>; 2], outcome: Result<(), Error>) -> Self {
        let hold = |lane: &Arc<Lane>| Holding::new(Arc::clone(lane), Arc::clone(lane.shard()));
        Self { sides: lanes.map(hold).into(), outcome }
    }

    pub(super) fn refused(error: Error) -> Self {
        Self { sides: Vec::new(), outcome: Err(error) }
    }

    /// Blocks until nothing is in flight that was started for the client.
    ///
    /// # Errors
    ///
    /// As [`Server::disconnect`](super::Server::disconnect) says.
    pub fn wait(self) -> Result<(), Error> {
        self.sides.iter().for_each(Holding::drain);
        self.outcome
    }
}

impl Future for Disconnect {
    type Output = Result<(), Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        for side in &self.sides {
            ready!(side.poll_drained(cx));
        }
        Poll::Ready(self.outcome.clone())
    }
}

/// Whether nothing is in flight on any of `lanes`.
pub(super) fn is_over(lanes: [&Arc<Lane>; 2]) -> bool {
    lanes.into_iter().all(|lane| held(lane).is_drained())
}

impl fmt::Debug for Disconnect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disconnect").finish_non_exhaustive()
    }
}
