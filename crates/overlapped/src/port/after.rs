//! What a turn leaves to do once the helm is free and no lock is held: wills, handles, wakers. It
//! may run user code, which may come back to the shard (C11).

use std::{
    cell::Cell,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering},
    task::Waker,
};

use super::{
    book::Landed,
    shard::{Shard, lock},
    trace,
};
use crate::iocb::{Entry, Holder, Id, Landing, Line, Orphan};

/// What is to be done once the helm is free: it may run user code.
#[derive(Default)]
pub(super) struct After {
    /// What is still to be told; empty when the helm is left.
    pub(super) landed: Vec<Landed>,
    /// Handles that may have what a deadline has cancelled in their queues.
    pub(super) asked: Vec<(Id, Arc<dyn Holder>)>,
    notes: Vec<trace::Note>,
    orphans: Vec<Orphan>,
    resume: Vec<Arc<dyn Holder>>,
    wakers: Vec<Waker>,
    /// How many operations are over.
    pub(super) count: u64,
}

thread_local! {
    /// Room for what is left after this thread's next turn, so that a turn does not allocate.
    static SPARE: Cell<Option<Box<After>>> = const { Cell::new(None) };
}

/// How many completions room is kept for.
pub(super) const MODEST: usize = 1024;

impl Shard {
    /// The end of a turn: the helm is free, and no lock is held.
    pub(super) fn conclude(self: &Arc<Self>, mut after: Box<After>) {
        if !after.asked.is_empty() {
            for (id, holder) in after.asked.drain(..) {
                self.withdraw(&*holder, id);
            }
        }
        self.finish(&mut after);
        after.keep();
    }

    /// Lands what came back instead of being handed on.
    #[inline]
    pub(super) fn land_back(&self, landed: Option<Landed>) {
        if let Some(landed) = landed {
            let mut after = After::default();
            after.land(self, landed);
            self.finish(&mut after);
        }
    }

    // [C11] no lock is held here: what runs may come back to this shard.
    /// Wills, then handles, then wakers, then nothing.
    #[inline]
    pub(super) fn finish(&self, after: &mut After) {
        if !after.notes.is_empty() {
            after.notes.drain(..).for_each(trace::landed);
        }
        if !after.orphans.is_empty() {
            after.bury();
        }
        if !after.resume.is_empty() {
            after.resume.drain(..).for_each(|holder| holder.resume());
        }
        for waker in after.wakers.drain(..) {
            if catch_unwind(AssertUnwindSafe(|| waker.wake())).is_err() {
                self.panics.fetch_add(1, Ordering::Relaxed);
            }
        }
        let count = mem::take(&mut after.count);
        if count > 0 && self.count_finished(count) {
            self.tell_idle();
        }
    }

    /// Tells who waits until nothing flies: nobody before the shard is closed. First the count,
    /// then this look; who waits first closes and then looks at the count.
    pub(super) fn tell_idle(&self) {
        if self.closed.load(Ordering::SeqCst) {
            let idle = mem::take(&mut *lock(&self.idle));
            idle.into_iter().for_each(Waker::wake);
        }
    }

    /// So many more are over; whether all are.
    fn count_finished(&self, count: u64) -> bool {
        if self.is_local() {
            // Written by the shard's own thread only.
            let finished = self.finished.load(Ordering::Relaxed) + count;
            self.finished.store(finished, Ordering::Release);
        } else {
            self.finished.fetch_add(count, Ordering::SeqCst);
        }
        self.busy() == 0
    }
}

impl After {
    /// Nothing, with the room of this thread's last turn.
    pub(super) fn new() -> Box<Self> {
        SPARE.try_with(Cell::take).ok().flatten().unwrap_or_default()
    }

    /// Keeps the room, unless a burst has taken it.
    fn keep(self: Box<Self>) {
        let room = self.wakers.capacity().max(self.landed.capacity());
        if room.max(self.asked.capacity()) <= MODEST {
            // Where the thread's locals are gone, it is freed.
            let _kept = SPARE.try_with(|spare| spare.set(Some(self)));
        }
    }

    /// Lands what was struck from the book.
    #[inline]
    pub(super) fn land(&mut self, shard: &Shard, landed: Landed) {
        let Landed { entry, line } = landed;
        self.notes.extend(trace::note(&line, || shard.age(&line), || entry.failure()));
        self.count += 1;
        self.publish(entry, line);
    }

    /// Executes the wills.
    fn bury(&mut self) {
        let Self { orphans, wakers, resume, .. } = self;
        for orphan in orphans.drain(..) {
            let tell = |holder: &Arc<dyn Holder>, id, moved| {
                leave(holder, id, moved, wakers, resume);
            };
            let scope = orphan.bury(tell);
            wakers.extend(scope);
        }
    }

    #[inline]
    pub(super) fn publish(&mut self, entry: Entry, line: Line) {
        let (id, moved) = (line.id(), entry.moved());
        let Self { wakers, resume, .. } = self;
        match entry.land(line, |holder| leave(holder, id, moved, wakers, resume)) {
            Landing::Told(waiter, scope) => {
                if let Some(waiter) = waiter {
                    self.wakers.push(waiter);
                }
                self.wakers.extend(scope);
            }
            Landing::Orphan(orphan) => self.orphans.push(orphan),
        }
    }
}

/// Tells a handle that an operation of its is over.
fn leave(
    holder: &Arc<dyn Holder>,
    id: Id,
    moved: usize,
    wakers: &mut Vec<Waker>,
    resume: &mut Vec<Arc<dyn Holder>>,
) {
    let left = holder.landed(id, moved);
    wakers.extend(left.waker);
    if left.resume {
        resume.push(Arc::clone(holder));
    }
}
