use std::{fmt, path::Path, sync::Arc};

use super::{Close, IntoParts};
use crate::{
    buf::{Drain, IoBuf},
    handle::{self, Owned},
    lane::{Direction, Lane},
    op::{Goal, Op, Open, OpenHow, Plan, Write},
    pending::{self, Ask, Pending},
    port::{Held, Port},
    scope::Scope,
};

/// The side of a stream that bytes go into.
///
/// Dropping it lets what was started run to its end, in order, and then closes the descriptor;
/// [`close`](Self::close) waits for that and tells the error of an abandoned write.
pub struct Writer {
    lane: Arc<Lane>,
    port: Port,
}

impl Writer {
    /// Opens a FIFO, a terminal or another character device for writing.
    ///
    /// Opening does not wait: a FIFO that nobody reads is an error (`ENXIO`). See [fifo(7)].
    ///
    /// [fifo(7)]: https://man7.org/linux/man-pages/man7/fifo.7.html
    pub fn open(port: &Port, path: impl AsRef<Path>) -> Pending<'static, Open<Self>> {
        let how = OpenHow { write: true, nonblocking: true, ..OpenHow::default() };
        let owner = port.clone();
        pending::open(port, how, path.as_ref(), move |handle| Self::from_owned(&owner, handle))
    }

    /// Takes over the writable end of a pipe, a socket or a device, blocking or not.
    pub fn from_owned(port: &Port, handle: impl Into<Owned>) -> Self {
        let handle = handle.into();
        port.adopt(&handle);
        Self::of(port, Arc::new(handle))
    }

    /// Of a handle that was adopted.
    pub(super) fn of(port: &Port, handle: Arc<Owned>) -> Self {
        let lane = Lane::new(handle, Direction::Write, port.shard_for(&Op::Nop));
        Self { lane, port: port.clone() }
    }

    pub(super) fn lane(&self) -> &Arc<Lane> {
        &self.lane
    }

    /// The port that its operations go to.
    pub fn port(&self) -> &Port {
        &self.port
    }

    /// Writes some of `buf`, waiting until there is room. Gives the count, which may be short, and
    /// the buffer. See [write(2)].
    ///
    /// Dropped in flight, it runs to its end, all of `buf`, before the next write; an error is told
    /// by the next write or by [`close`](Self::close).
    ///
    /// [write(2)]: https://man7.org/linux/man-pages/man2/write.2.html
    pub fn write<B: IoBuf + 'static>(&self, buf: B) -> Pending<'static, Write<B>> {
        Pending::start_by(&self.lane, self.ask(Goal::Once, buf))
    }

    /// Writes all of `buf`. Cancelled half-way, the error tells how many bytes went out.
    pub fn write_all<B: IoBuf + 'static>(&self, buf: B) -> Pending<'static, Write<B>> {
        Pending::start_by(&self.lane, self.ask(Goal::All, buf))
    }

    /// Waits until everything that was started is written, and closes the descriptor.
    pub fn close(self) -> Close {
        Close::new(self.into_parts())
    }

    /// Takes the writer apart, once everything that was started is written.
    pub fn into_parts(self) -> IntoParts {
        IntoParts::new([&self.lane], &self.port)
    }

    fn ask<B: IoBuf>(&self, goal: Goal, buf: B) -> Ask<'_, Write<B>> {
        let held: &Held = (*self.lane).as_ref();
        Ask {
            shard: self.lane.shard(),
            op: Op::Write { to: held.raw(), at: None },
            plan: Plan::new(goal),
            request: Write { buf: Drain(buf) },
            holder: Some(Arc::<Lane>::clone(&self.lane)),
            fixed: None,
        }
    }
}

/// The verbs on borrowed buffers; those of [`Writer`] tell what they do.
impl<'scope, 'env: 'scope> Scope<'scope, 'env> {
    /// As [`Writer::write`].
    pub fn write(&self, writer: &Writer, buf: &'env [u8]) -> Pending<'scope, Write<&'env [u8]>> {
        self.start(&writer.lane, writer.ask(Goal::Once, buf))
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held: &Held = (*self.lane).as_ref();
        f.debug_struct("Writer")
            .field("handle", &handle::number(held.raw()))
            .finish_non_exhaustive()
    }
}
