//! The submission half: entries and cancels in one queue, in order.

use std::{collections::VecDeque, io, num::NonZeroU16};

use io_uring::{opcode, squeue};

use super::{TAG_CANCEL, TAG_WAKE, ring::SqSide, tables::Tables};
use crate::backend::{Cause, Entry, Fixed, Id, Resource, Submit, Table};

pub(super) struct UringSubmit {
    sq: SqSide,
    /// Cancels that are still to be queued. Never more than operations in flight, and queued before
    /// any further operation, so none is lost (C5).
    cancels: VecDeque<Id>,
    wake: bool,
    /// Something is queued that the kernel has not been shown.
    queued: bool,
    /// The number of the tables whose places are this ring's, once something was registered.
    table: Option<NonZeroU16>,
}

impl UringSubmit {
    pub(super) fn new(sq: SqSide) -> Self {
        Self { sq, cancels: VecDeque::new(), wake: false, queued: false, table: None }
    }

    fn push_bare(&mut self, sqe: &squeue::Entry) -> bool {
        let pushed = self.sq.push_bare(sqe) || {
            self.enter();
            self.sq.push_bare(sqe)
        };
        self.queued |= pushed;
        pushed
    }

    /// What the kernel does not take now (EBUSY, EAGAIN, EINTR) stays queued, and goes with the
    /// next `enter` from either side. No entry is touched: the ring owns what was pushed.
    fn enter(&mut self) {
        self.queued = false;
        for _ in 0..3 {
            match self.sq.enter() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                _ => return,
            }
        }
    }

    /// Queues an entry that found no room, once the kernel has taken what is queued.
    #[cold]
    fn make_room(&mut self, entry: Entry) -> Result<(), Entry> {
        self.enter();
        self.sq.push_entry(entry, self.table)
    }

    // [C5] cancels that found no room go before anything else.
    /// Whether none is left.
    fn push_cancels(&mut self) -> bool {
        while let Some(&id) = self.cancels.front() {
            let sqe = opcode::AsyncCancel::new(id.to_bits()).build().user_data(TAG_CANCEL);
            if !self.push_bare(&sqe) {
                return false;
            }
            self.cancels.pop_front();
        }
        true
    }
}

impl Submit for UringSubmit {
    fn submit(&mut self, entry: Entry) -> Result<(), Entry> {
        if !self.cancels.is_empty() && !self.push_cancels() {
            return Err(entry);
        }
        if let Err(refused) = self.sq.push_entry(entry, self.table) {
            self.make_room(refused)?;
        }
        self.queued = true;
        Ok(())
    }

    fn cancel(&mut self, id: Id) {
        self.cancels.push_back(id);
        self.push_cancels();
    }

    fn wake(&mut self) {
        if self.sq.is_own() {
            // It is the thread itself that calls, so it does not sleep.
            return;
        }
        self.wake = true;
        self.flush();
    }

    fn flush(&mut self) {
        if !self.cancels.is_empty() {
            self.push_cancels();
        }
        if self.wake && self.push_bare(&opcode::Nop::new().build().user_data(TAG_WAKE)) {
            self.wake = false;
        }
        if self.queued && !self.sq.is_own() {
            self.enter();
        }
    }

    fn register(&mut self, place: Fixed, resource: Resource<'_>) -> Result<(), Cause> {
        let index = place.index_in(Some(*self.table.get_or_insert(place.table)));
        let index = index.ok_or(Cause::Invalid("a ring belongs to one port"))?;
        self.sq.with_tables(|tables, ring| tables.register(ring, index, resource))
    }

    fn unregister(&mut self, table: Table, place: Fixed) -> Result<(), Cause> {
        let Some(index) = place.index_in(self.table) else {
            return Ok(());
        };
        self.sq.with_tables(|tables, ring| tables.unregister(ring, table, index))
    }

    fn unregister_all(&mut self) {
        self.sq.with_tables(Tables::unregister_all);
    }
}
