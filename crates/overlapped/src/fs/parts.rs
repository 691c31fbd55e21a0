use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use super::file::FileInner;
use crate::{
    error::Error,
    handle::{self, Owned},
    op::Op,
    port::{Holding, Port},
};

/// What a file came apart into.
#[derive(Debug)]
#[non_exhaustive]
pub struct Parts {
    /// The handle, open, with nothing in flight on it.
    pub handle: Owned,
    /// Why a write that was abandoned failed, if nobody has been told yet.
    pub error: Option<Error>,
}

/// A file that is being taken apart; see [`File::into_parts`](super::File::into_parts). Block with
/// [`wait`](Self::wait), or `.await` it. Dropped, it closes the file in the background.
#[must_use = "the handle is given out when this is waited for or awaited"]
pub struct IntoParts {
    holding: Holding<FileInner>,
    /// Kept until then: a port that goes would cancel what is to run to its end.
    port: Port,
}

impl IntoParts {
    pub(super) fn new(inner: &Arc<FileInner>, port: &Port) -> Self {
        for shard in port.shards() {
            shard.end_reads(inner);
        }
        let shard = Arc::clone(port.shard_for(&Op::Nop));
        Self { holding: Holding::new(Arc::clone(inner), shard), port: port.clone() }
    }

    /// Blocks until nothing is in flight on the file.
    pub fn wait(self) -> Parts {
        let (inner, handle) = self.holding.wait();
        parts(&inner, handle, self.port.backend().name())
    }
}

impl Future for IntoParts {
    type Output = Parts;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Parts> {
        let (inner, handle) = ready!(Pin::new(&mut self.holding).poll(cx));
        Poll::Ready(parts(&inner, handle, self.port.backend().name()))
    }
}

fn parts(inner: &FileInner, handle: Option<Owned>, backend: &'static str) -> Parts {
    let held = inner.as_ref();
    let handle = handle.expect("only into_parts gives the handle out, and it consumes the file");
    let number = handle::number(held.raw());
    let error =
        held.pay().map(|cause| Error::of_handle(cause, "write_at (abandoned)", number, backend));
    Parts { handle, error }
}

/// A file that is being closed; see [`File::close`](super::File::close).
#[must_use = "whether an abandoned write failed is told when this is waited for or awaited"]
pub struct Close(IntoParts);

impl Close {
    pub(super) fn new(parts: IntoParts) -> Self {
        Self(parts)
    }

    /// Blocks until nothing is in flight on the file, and closes it.
    ///
    /// # Errors
    ///
    /// Of an abandoned write or sync, if nobody has been told yet.
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
