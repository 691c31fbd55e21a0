//! One direction of a stream: its operations in order, one at a time at the OS.
//!
//! A lane keeps what the OS cannot: the order of overlapped reads, and bytes that a read took from
//! the stream and whose reader went away (C7). An operation that is dropped in flight stays here;
//! when it lands, its bytes are kept for the next read whose turn comes. Each read knows at which
//! byte of the stream it began (its origin), so bytes that come back late go to their place among
//! those that are kept.
//!
//! The entry that the OS has is not here, only its id (`busy`). `pumping` makes one thread at a
//! time hand entries on, so that landings which follow at once do not recurse.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    backend::{Cause, Value},
    error::ECANCELED,
    iocb::{Entry, Holder, Id, Line, Parting},
    op::Heir,
    pending::Route,
    port::{Held, Shard},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Read,
    Write,
}

pub(super) struct Lane {
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
    /// Bytes that were taken and not read, by the origin of who took them.
    unread: BTreeMap<u64, VecDeque<u8>>,
    /// How many bytes the OS has given.
    taken: u64,
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
    Serve(Entry, usize),
    /// It is over without having begun.
    Strike(Entry, Cause),
}

impl AsRef<Held> for Lane {
    fn as_ref(&self) -> &Held {
        &self.held
    }
}

impl Lane {
    pub(super) fn new(held: Held, direction: Direction, shard: &Arc<Shard>) -> Arc<Self> {
        let state = Mutex::default();
        Arc::new(Self { held, direction, shard: Arc::clone(shard), state })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn shard(&self) -> &Arc<Shard> {
        &self.shard
    }

    /// The handle is being taken apart: reads are asked to stop, writes run to their end.
    pub(super) fn close(self: &Arc<Self>) {
        self.shard.end_reads(self);
    }

    /// The bytes that nobody has read.
    pub(super) fn take_unread(&self) -> Vec<u8> {
        std::mem::take(&mut self.lock().unread).into_values().flatten().collect()
    }

    /// Hands entries on, as far as the order allows.
    fn pump(&self) {
        if std::mem::replace(&mut self.lock().pumping, true) {
            return;
        }
        while let Some(next) = self.next() {
            match next {
                Next::Launch(entry) => self.shard.launch(entry),
                Next::Serve(entry, n) => self.shard.answer(entry, Ok(Value::Count(n))),
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
        if self.direction == Direction::Write {
            return Some(Next::Launch(entry));
        }
        if entry.is_orphan() {
            // Dropped before its turn: it took nothing, and must not.
            return Some(Next::Strike(entry, Cause::Os(ECANCELED)));
        }
        let Some((&origin, _)) = state.unread.first_key_value() else {
            entry.set_origin(state.taken);
            return Some(Next::Launch(entry));
        };
        entry.set_origin(origin);
        entry.act_now();
        let served = serve(&mut state.unread, &mut entry);
        state.busy = Some(Busy { id: entry.id(), served });
        Some(Next::Serve(entry, served))
    }
}

/// Copies kept bytes into the buffers of a read, the earliest first; how many.
fn serve(unread: &mut BTreeMap<u64, VecDeque<u8>>, entry: &mut Entry) -> usize {
    let mut served = 0;
    for mut room in entry.slices_mut() {
        while !room.is_empty() {
            let Some((origin, mut bytes)) = unread.pop_first() else {
                return served;
            };
            let n = room.len().min(bytes.len());
            let (now, later) = room.split_at_mut(n);
            now.iter_mut().zip(bytes.drain(..n)).for_each(|(to, from)| *to = from);
            if !bytes.is_empty() {
                // What was served from both sides of a gap may reach over what filled it since:
                // order is gone there, the bytes are not.
                let place = unread.entry(origin + n as u64).or_default();
                bytes.append(place);
                *place = bytes;
            }
            room = later;
            served += n;
        }
    }
    served
}

impl Holder for Lane {
    fn started(&self) {
        self.held.enter();
    }

    fn landed(&self, id: Id, moved: usize) -> Parting {
        let mut state = self.lock();
        if let Some(busy) = state.busy.take_if(|busy| busy.id == id) {
            state.taken += (moved - busy.served) as u64;
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
    fn bytes(&self, origin: u64, bytes: &[u8]) {
        self.lock().unread.entry(origin).or_default().extend(bytes);
    }

    fn error(&self, cause: Cause) {
        self.held.owe(cause);
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
