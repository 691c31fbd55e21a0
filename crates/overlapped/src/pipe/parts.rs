use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use super::lane::Lane;
use crate::{
    error::Error,
    handle::{self, Owned},
    port::{Held, Holding, Port},
};

/// What one side of a stream came apart into.
#[derive(Debug)]
#[non_exhaustive]
pub struct Parts {
    /// The descriptor, open, with nothing in flight on it.
    pub handle: Owned,
    /// Bytes that were taken from the stream and that nobody has read, in order.
    pub unread: Vec<u8>,
    /// Why an operation that was abandoned failed, if nobody has been told yet.
    pub error: Option<Error>,
}

/// A side of a stream that is being taken apart. Block with [`wait`](Self::wait), or `.await` it.
/// Dropped, it closes the descriptor in the background.
#[must_use = "the descriptor is given out when this is waited for or awaited"]
pub struct IntoParts {
    holding: Holding<Lane>,
    /// Kept until then: a port that goes would cancel what is to run to its end.
    port: Port,
}

impl IntoParts {
    pub(super) fn new(lane: &Arc<Lane>, port: &Port) -> Self {
        lane.close();
        let holding = Holding::new(Arc::clone(lane), Arc::clone(lane.shard()));
        Self { holding, port: port.clone() }
    }

    /// Blocks until nothing is in flight.
    pub fn wait(self) -> Parts {
        let (lane, handle) = self.holding.wait();
        parts(&lane, handle, self.port.backend().name())
    }
}

impl Future for IntoParts {
    type Output = Parts;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Parts> {
        let (lane, handle) = ready!(Pin::new(&mut self.holding).poll(cx));
        Poll::Ready(parts(&lane, handle, self.port.backend().name()))
    }
}

fn parts(lane: &Lane, handle: Option<Owned>, backend: &'static str) -> Parts {
    let held: &Held = lane.as_ref();
    let verb = "stream operation (abandoned)";
    let number = handle::number(held.raw());
    Parts {
        handle: handle.expect("only into_parts gives the handle out, and it consumes its owner"),
        unread: lane.take_unread(),
        error: held.pay().map(|cause| Error::owed(cause, verb, number, backend)),
    }
}

/// A side of a stream that is being closed.
#[must_use = "whether an abandoned operation failed is told when this is waited for or awaited"]
pub struct Close(IntoParts);

impl Close {
    pub(super) fn new(parts: IntoParts) -> Self {
        Self(parts)
    }

    /// Blocks until nothing is in flight, and closes the descriptor.
    ///
    /// # Errors
    ///
    /// Of an abandoned operation, if nobody has been told yet.
    pub fn wait(self) -> Result<(), Error> {
        self.0.wait().error.map_or(Ok(()), Err)
    }
}

impl Future for Close {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let parts = ready!(Pin::new(&mut self.0).poll(cx));
        Poll::Ready(parts.error.map_or(Ok(()), Err))
    }
}

impl fmt::Debug for IntoParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntoParts").finish_non_exhaustive()
    }
}

impl fmt::Debug for Close {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Close").finish_non_exhaustive()
    }
}
