//! One direction of a stream: its operations in order, one at a time at the OS.
//!
//! A lane keeps what the OS cannot: the order of overlapped reads, and bytes that a read took from
//! the stream and whose reader went away (C7). An operation that is dropped in flight stays here;
//! when it lands, its bytes are [kept](unread) for the next read whose turn comes. Each read knows
//! where in the stream it began (its origin), so bytes that come back late go to their place among
//! those that are kept.
//!
//! The entry that the OS has is not here, only its id (`busy`). `pumping` makes one thread at a
//! time hand entries on, so that landings which follow at once do not recurse.

mod unread;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use unread::Unread;

use crate::{
    backend::{Cause, Value},
    error::ECANCELED,
    handle::{self, Owned},
    iocb::{Entry, Holder, Id, Line, Parting},
    op::Heir,
    pending::Route,
    port::{Held, Shard},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
}

pub(crate) struct Lane {
    held: Held,
    direction: Direction,
    shard: Arc<Shard>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    busy: Option<Busy>,
    pumping: bool,
    queue: VecDeque<Entry>,
    unread: Unread,
}

/// The operation whose turn it is.
struct Busy {
    id: Id,
    /// How many bytes it was served from what was kept.
    served: usize,
}

/// What to do with the next entry.
enum Next {
    Launch(Entry),
    /// Bytes that were kept are its bytes.
    Serve(Entry, Value),
    /// It is over without having begun.
    Strike(Entry, Cause),
}

impl AsRef<Held> for Lane {
    fn as_ref(&self) -> &Held {
        &self.held
    }
}

impl Lane {
    /// A direction of what `handle` names.
    pub(crate) fn new(handle: Arc<Owned>, direction: Direction, shard: &Arc<Shard>) -> Arc<Self> {
        let mut state = State::default();
        if direction == Direction::Read && handle::has_messages(&handle) {
            state.unread.set_messages(true);
        }
        let held = Held::new(handle::raw(&handle), handle);
        Arc::new(Self { held, direction, shard: Arc::clone(shard), state: Mutex::new(state) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn shard(&self) -> &Arc<Shard> {
        &self.shard
    }

    /// The handle is being taken apart: reads are asked to stop, writes run to their end.
    pub(crate) fn close(self: &Arc<Self>) {
        self.shard.end_reads(self);
    }

    /// The bytes that nobody has read.
    pub(crate) fn take_unread(&self) -> Vec<u8> {
        self.lock().unread.take()
    }

    /// Whether it comes in messages from now on.
    #[cfg(windows)]
    pub(crate) fn set_messages(&self, messages: bool) {
        self.lock().unread.set_messages(messages);
    }

    // [C7] what was another client's is not served to the next one, nor told to it.
    /// The connection is gone: what is kept of it is forgotten, what is owed, too, and what waits
    /// for its turn ends with `cause`.
    #[cfg(windows)]
    pub(crate) fn disconnect(&self, cause: Cause) {
        let mut state = self.lock();
        state.unread.forget();
        let waiting = std::mem::take(&mut state.queue);
        let _no_news = self.held.pay();
        drop(state);
        waiting.into_iter().for_each(|entry| self.shard.strike(entry, cause));
    }

    /// Hands entries on, as far as the order allows.
    fn pump(&self) {
        if std::mem::replace(&mut self.lock().pumping, true) {
            return;
        }
        while let Some(next) = self.next() {
            match next {
                Next::Launch(entry) => self.shard.launch(entry),
                Next::Serve(entry, value) => self.shard.answer(entry, Ok(value)),
                Next::Strike(entry, cause) => self.shard.strike(entry, cause),
            }
        }
    }

    /// The next entry whose turn it is. `None` ends the pumping.
    fn next(&self) -> Option<Next> {
        let mut state = self.lock();
        let entry = if state.busy.is_none() { state.queue.pop_front() } else { None };
        let Some(mut entry) = entry else {
            state.pumping = false;
            return None;
        };
        state.busy = Some(Busy { id: entry.id(), served: 0 });
        if let Some(cause) = self.held.pay() {
            return Some(Next::Strike(entry, cause));
        }
        entry.set_origin(state.unread.here());
        if self.direction == Direction::Write {
            return Some(Next::Launch(entry));
        }
        if entry.is_orphan() {
            // Dropped before its turn: it took nothing, and must not.
            return Some(Next::Strike(entry, Cause::Os(ECANCELED)));
        }
        let whole = entry.is_whole();
        let Some(served) = state.unread.serve(entry.slices_mut(), whole) else {
            return Some(Next::Launch(entry));
        };
        entry.set_origin(served.origin);
        entry.act_now();
        state.busy = Some(Busy { id: entry.id(), served: served.n });
        let value = if served.more { Value::Part(served.n) } else { Value::Count(served.n) };
        Some(Next::Serve(entry, value))
    }
}

impl Holder for Lane {
    fn started(&self) {
        self.held.enter();
    }

    fn landed(&self, id: Id, moved: usize) -> Parting {
        let mut state = self.lock();
        if let Some(busy) = state.busy.take_if(|busy| busy.id == id) {
            state.unread.took(moved - busy.served);
        }
        let resume = !state.queue.is_empty();
        drop(state);
        Parting { waker: self.held.leave(), resume }
    }

    fn resume(&self) {
        self.pump();
    }

    fn withdraw(&self, id: Id) -> Option<Entry> {
        let mut state = self.lock();
        let place = state.queue.iter().position(|entry| entry.id() == id)?;
        state.queue.remove(place)
    }

    fn heir(&self) -> &dyn Heir {
        self
    }
}

// [C7] what an abandoned read took comes back to its place in the stream.
impl Heir for Lane {
    fn bytes(&self, origin: u64, bytes: &[u8], more: bool) {
        self.lock().unread.keep(origin, bytes, more);
    }

    fn error(&self, origin: u64, cause: Cause) {
        let state = self.lock();
        if !state.unread.is_forgotten(origin) {
            self.held.owe(cause);
        }
    }
}

/// By the lane's queue into the port.
impl Route for &Arc<Lane> {
    fn start(self, shard: &Arc<Shard>, entry: Entry, line: Line) {
        if !shard.is_mine() {
            let lane = Arc::clone(self);
            let start = move |shard: &Arc<Shard>, entry, line| (&lane).start(shard, entry, line);
            return shard.start_there(entry, line, start);
        }
        if let Some(entry) = shard.admit(entry, line) {
            self.lock().queue.push_back(entry);
            self.pump();
        }
    }
}
