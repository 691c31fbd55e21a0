use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use crate::{
    error::Error,
    handle::{self, Owned},
    lane::Lane,
    port::{Held, Holding, Port},
};

/// What a stream, or one side of it, came apart into.
#[derive(Debug)]
#[non_exhaustive]
pub struct Parts {
    /// The descriptor, open, with nothing in flight on it.
    pub handle: Owned,
    /// Bytes that were taken from the stream and that nobody has read, in order; of messages, one
    /// after the other.
    pub unread: Vec<u8>,
    /// Why an operation that was abandoned failed, if nobody has been told yet.
    pub error: Option<Error>,
}

/// A stream, or one side of it, that is being taken apart. Block with [`wait`](Self::wait), or
/// `.await` it. Dropped, it closes the descriptor in the background.
#[must_use = "the descriptor is given out when this is waited for or awaited"]
pub struct IntoParts {
    /// The sides that may still have something in flight.
    sides: Vec<Holding<Lane>>,
    found: Found,
    /// Kept until then: a port that goes would cancel what is to run to its end.
    port: Port,
}

/// What the sides had that came apart.
#[derive(Default)]
struct Found {
    /// The last one has it.
    handle: Option<Owned>,
    unread: Vec<u8>,
    error: Option<Error>,
}

impl IntoParts {
    /// `lanes`: all that share the handle.
    pub(super) fn new<const N: usize>(lanes: [&Arc<Lane>; N], port: &Port) -> Self {
        lanes.iter().for_each(|lane| lane.close());
        let hold = |lane: &Arc<Lane>| Holding::new(Arc::clone(lane), Arc::clone(lane.shard()));
        let sides = lanes.into_iter().map(hold).collect();
        Self { sides, found: Found::default(), port: port.clone() }
    }

    /// Blocks until nothing is in flight.
    pub fn wait(mut self) -> Parts {
        for side in std::mem::take(&mut self.sides) {
            let (lane, handle) = side.wait();
            self.found.add(&lane, handle, self.port.backend().name());
        }
        self.found.take()
    }
}

impl Future for IntoParts {
    type Output = Parts;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Parts> {
        while let Some(side) = self.sides.first_mut() {
            let (lane, handle) = ready!(Pin::new(side).poll(cx));
            self.sides.remove(0);
            let backend = self.port.backend().name();
            self.found.add(&lane, handle, backend);
        }
        Poll::Ready(self.found.take())
    }
}

impl Found {
    fn add(&mut self, lane: &Lane, handle: Option<Owned>, backend: &'static str) {
        let held: &Held = lane.as_ref();
        self.handle = handle;
        self.unread.extend(lane.take_unread());
        if let Some(cause) = held.pay() {
            let number = handle::number(held.raw());
            let verb = "stream operation (abandoned)";
            self.error.get_or_insert(Error::of_handle(cause, verb, number, backend));
        }
    }

    fn take(&mut self) -> Parts {
        let Self { handle, unread, error } = std::mem::take(self);
        let handle = handle.expect("only into_parts gives the handle out, and consumes its owners");
        Parts { handle, unread, error }
    }
}

/// A stream, or one side of it, that is being closed.
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
