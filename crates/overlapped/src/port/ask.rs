//! What is asked of operations in flight: to stop, to be attended, to wake somebody.

use std::{
    sync::Arc,
    task::{Wake, Waker},
    time::Instant,
};

use super::{
    Held, Shard,
    book::{Book, Cancelled},
    held::Step,
    helm::Call,
    parker::Parker,
};
use crate::{
    iocb::{Holder, Id, Line, Stray, Tally},
    op::OnDrop,
    sync::Guard,
};

impl Shard {
    pub(crate) fn cancel(self: &Arc<Self>, key: u32, id: Id) {
        if !self.is_mine() {
            return self.post(move |shard| shard.cancel_here(key, id));
        }
        if key == u32::MAX {
            // It was started elsewhere, and its start may still be outside.
            self.run_posts();
        }
        self.cancel_here(key, id);
        self.look_outside();
    }

    fn cancel_here(self: &Arc<Self>, key: u32, id: Id) {
        let Some((mut book, key)) = self.open(key, id) else {
            return;
        };
        let found = book.cancel(key, id);
        self.hand_over(book);
        match found {
            Cancelled::Unknown | Cancelled::Asked => {}
            Cancelled::Here(landed) => self.land_back(Some(landed)),
            Cancelled::AskHolder(holder) => self.withdraw(&*holder, id),
        }
        self.pass();
    }

    pub(super) fn withdraw(self: &Arc<Self>, holder: &dyn Holder, id: Id) {
        if let Some(entry) = holder.withdraw(id) {
            // Its line is marked as cancelled, so launching it lands it.
            self.launch(entry);
        }
    }

    /// The book, for something about line `key`. `None` if it is another thread's. The number of a
    /// line that was started elsewhere may not have been known where it was asked for.
    fn open(&self, key: u32, id: Id) -> Option<(Guard<'_, Book>, u32)> {
        let book = self.book.lock()?;
        let known = if key == u32::MAX { book.find(id) } else { Some(key) };
        Some((book, known.unwrap_or(key)))
    }

    /// Cancels what `chosen` picks. What is over when its turn comes is left alone.
    pub(super) fn cancel_where(
        self: &Arc<Self>,
        mut chosen: impl FnMut(&Line) -> bool + Send + 'static,
    ) {
        let Some(book) = self.book.lock() else {
            return self.post(move |shard| shard.cancel_where(chosen));
        };
        let ids = book.chosen(&mut chosen);
        drop(book);
        if ids.is_empty() {
            return;
        }
        self.batch(|| ids.into_iter().for_each(|(key, id)| self.cancel_here(key, id)));
    }

    /// The program's half of an operation is about to be dropped.
    pub(crate) fn dropping(self: &Arc<Self>, on_drop: OnDrop, key: u32, id: Id) {
        if on_drop == OnDrop::Cancel {
            self.cancel(key, id);
        }
    }

    /// A scope ends: what it lent must land soon, whoever forgot it.
    pub(crate) fn recall(self: &Arc<Self>, tally: &Arc<Tally>) {
        let tally = Arc::clone(tally);
        self.cancel_where(move |line| {
            line.is_lent(&tally) && line.op().on_drop() != OnDrop::Finish
        });
    }

    pub(crate) fn deadline(self: &Arc<Self>, key: u32, id: Id, at: Instant) {
        if !self.is_mine() {
            return self.post(move |shard| shard.deadline_here(key, id, at));
        }
        if key == u32::MAX {
            self.run_posts();
        }
        self.deadline_here(key, id, at);
    }

    fn deadline_here(&self, key: u32, id: Id, at: Instant) {
        if let Some((mut book, key)) = self.open(key, id) {
            book.deadline(key, id, at);
            drop(book);
            self.tell_alarm();
        }
    }

    /// Somebody who does not block waits for this operation. A thread that has the shard to itself
    /// serves everybody anyway.
    #[inline]
    pub(crate) fn attend(self: &Arc<Self>, key: u32, id: Id) {
        if self.outside.is_some() {
            return;
        }
        if self.book.lock().is_some_and(|mut book| book.attend(key, id)) {
            self.hail();
        }
    }

    /// As [`Shard::attend`], for what this scope has lent.
    pub(crate) fn attend_lent(self: &Arc<Self>, tally: &Arc<Tally>) {
        self.attend_where(|line| line.is_lent(tally));
    }

    /// Leaves a waker for an operation whose program's half is not on the shard's thread.
    pub(crate) fn leave_waker(self: &Arc<Self>, key: u32, id: Id, waker: Waker) {
        self.post(move |shard| {
            let Some((mut book, key)) = shard.open(key, id) else {
                return;
            };
            let left = book.leave_waker(key, id, waker);
            drop(book);
            // It is over by now, or another was there before: user code, and no lock is held.
            if let Some(waker) = left {
                waker.wake();
            }
        });
    }

    /// Has a program's half dropped on the shard's thread.
    pub(crate) fn drop_there(self: &Arc<Self>, stray: Stray) {
        self.post(move |shard| {
            if stray.op().on_drop() == OnDrop::Cancel {
                shard.cancel_here(stray.key(), stray.id());
            }
            drop(stray);
        });
    }

    fn attend_where(self: &Arc<Self>, chosen: impl FnMut(&Line) -> bool) {
        if self.outside.is_some() {
            return;
        }
        if self.book.lock().is_some_and(|mut book| book.attend_where(chosen)) {
            self.hail();
        }
    }

    // [C7] a half that was dropped elsewhere may still have an error to tell the handle.
    /// A handle is being closed: its operations are attended, and those that only read are asked
    /// to stop. Where another thread has to do that, it counts as an operation in flight, and with
    /// it what was left for that thread before.
    pub(crate) fn end_reads<H>(self: &Arc<Self>, holder: &Arc<H>)
    where
        H: Holder + AsRef<Held> + 'static,
    {
        let (mine, step) = (Arc::clone(holder), Step::of(holder));
        self.cancel_where(move |line| {
            let _until_it_is_done = &step;
            line.is_of(&mine) && line.op().on_drop() != OnDrop::Finish
        });
        self.attend_where(|line| line.is_of(holder));
    }

    pub(super) fn hail(self: &Arc<Self>) {
        if self.outside.is_none() && self.helm.hail() == Call::Background {
            self.background.call(self);
        }
    }

    /// Gets up the thread at the helm.
    pub(crate) fn wake(&self) {
        match &self.outside {
            Some(outside) => outside.call(),
            None => {
                if let Some(mut book) = self.book.lock() {
                    book.submit.wake();
                }
            }
        }
    }

    /// Gets up the thread of a runtime, which waits here or with `parker`.
    pub(crate) fn nudge(&self, parker: &Arc<Parker>) {
        match &self.outside {
            Some(outside) => outside.call(),
            None => parker.wake_by_ref(),
        }
    }
}
