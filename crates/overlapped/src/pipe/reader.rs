use std::{fmt, path::Path, sync::Arc};

use super::{Close, IntoParts};
use crate::{
    buf::{Fill, IoBufMut},
    handle::{self, Owned},
    lane::{Direction, Lane},
    op::{Goal, Op, Open, OpenHow, Operation, Plan, Read, ReadMessage},
    pending::{self, Ask, Pending},
    port::{Held, Port},
    scope::Scope,
};

/// The side of a stream that bytes come out of.
///
/// Dropping it leaves operations in flight to their `Pending`s, and closes the descriptor after the
/// last of them; bytes that were taken and that nobody has read go with it.
/// [`into_parts`](Self::into_parts) gives them back instead.
pub struct Reader {
    lane: Arc<Lane>,
    port: Port,
    /// It was opened without waiting for a writer, so a read first waits until there is one.
    waits_first: bool,
}

impl Reader {
    /// Opens a FIFO, a terminal or another character device for reading.
    ///
    /// Opening does not wait for a writer; the first read does. See [fifo(7)].
    ///
    /// [fifo(7)]: https://man7.org/linux/man-pages/man7/fifo.7.html
    pub fn open(port: &Port, path: impl AsRef<Path>) -> Pending<'static, Open<Self>> {
        let how = OpenHow { read: true, nonblocking: true, ..OpenHow::default() };
        let owner = port.clone();
        pending::open(port, how, path.as_ref(), move |handle| Self::new(&owner, handle, true))
    }

    /// Takes over the readable end of a pipe, a socket or a device, blocking or not.
    pub fn from_owned(port: &Port, handle: impl Into<Owned>) -> Self {
        Self::new(port, handle.into(), false)
    }

    fn new(port: &Port, handle: Owned, waits_first: bool) -> Self {
        port.adopt(&handle);
        Self { waits_first, ..Self::of(port, Arc::new(handle)) }
    }

    /// Of a handle that was adopted.
    pub(super) fn of(port: &Port, handle: Arc<Owned>) -> Self {
        let lane = Lane::new(handle, Direction::Read, port.shard_for(&Op::Nop));
        Self { lane, port: port.clone(), waits_first: false }
    }

    pub(super) fn lane(&self) -> &Arc<Lane> {
        &self.lane
    }

    /// The port that its operations go to.
    pub fn port(&self) -> &Port {
        &self.port
    }

    /// Reads what is there, or waits until something is. Gives the count, which may be short, and
    /// the buffer; 0 is the end of the stream. See [read(2)].
    ///
    /// Cancelled, it has taken nothing, or it tells what it took. Dropped in flight, a cancel is
    /// requested; what it took all the same is served to the next read whose turn comes.
    ///
    /// [read(2)]: https://man7.org/linux/man-pages/man2/read.2.html
    pub fn read<B: IoBufMut + 'static>(&self, buf: B) -> Pending<'static, Read<B>> {
        Pending::start_by(&self.lane, self.ask(Goal::Once, read_into(buf)))
    }

    /// Reads a message, or the part of one that `buf` has room for:
    /// [`Message::more`](crate::Message::more) tells which. A message may be empty.
    /// What does not come in messages is read as by [`read`](Self::read), and there is never more
    /// of it.
    ///
    /// Windows' named pipes have messages, if they are read so. Dropped in flight, a cancel is
    /// requested; a message, or part, that came all the same is served to the next read whose turn
    /// comes, by itself.
    pub fn read_message<B: IoBufMut + 'static>(&self, buf: B) -> Pending<'static, ReadMessage<B>> {
        Pending::start_by(&self.lane, self.ask(Goal::Once, ReadMessage(read_into(buf))))
    }

    /// Reads until `buf` is full. The end of the stream before that is an error
    /// ([`Cause::UnexpectedEnd`](crate::Cause::UnexpectedEnd)), and so is a cancel; both tell how
    /// many bytes are in the buffer. Messages are read one after the other, without their
    /// boundaries.
    pub fn read_exact<B: IoBufMut + 'static>(&self, buf: B) -> Pending<'static, Read<B>> {
        Pending::start_by(&self.lane, self.ask(Goal::All, read_into(buf)))
    }

    /// Waits until nothing is in flight, and closes the descriptor. Everything in flight is asked
    /// to stop.
    pub fn close(self) -> Close {
        Close::new(self.into_parts())
    }

    /// Takes the reader apart, once nothing is in flight: its descriptor, and the bytes that were
    /// taken from the stream and that nobody has read. Everything in flight is asked to stop.
    pub fn into_parts(self) -> IntoParts {
        IntoParts::new([&self.lane], &self.port)
    }

    fn ask<O: Operation>(&self, goal: Goal, request: O) -> Ask<'_, O> {
        let held: &Held = (*self.lane).as_ref();
        Ask {
            shard: self.lane.shard(),
            op: Op::Read { from: held.raw(), at: None },
            plan: if self.waits_first { Plan::wait_first(goal) } else { Plan::new(goal) },
            request,
            holder: Some(Arc::<Lane>::clone(&self.lane)),
            fixed: None,
        }
    }
}

fn read_into<B: IoBufMut>(buf: B) -> Read<B> {
    Read { buf: Fill(buf) }
}

/// The verbs on borrowed buffers; those of [`Reader`] tell what they do.
impl<'scope, 'env: 'scope> Scope<'scope, 'env> {
    /// As [`Reader::read`].
    pub fn read(
        &self,
        reader: &Reader,
        buf: &'env mut [u8],
    ) -> Pending<'scope, Read<&'env mut [u8]>> {
        self.start(&reader.lane, reader.ask(Goal::Once, read_into(buf)))
    }

    /// As [`Reader::read_message`].
    pub fn read_message(
        &self,
        reader: &Reader,
        buf: &'env mut [u8],
    ) -> Pending<'scope, ReadMessage<&'env mut [u8]>> {
        self.start(&reader.lane, reader.ask(Goal::Once, ReadMessage(read_into(buf))))
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held: &Held = (*self.lane).as_ref();
        f.debug_struct("Reader")
            .field("handle", &handle::number(held.raw()))
            .finish_non_exhaustive()
    }
}
