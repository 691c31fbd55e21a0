//! Driving a shard: turns at the helm, each of which waits, tells outcomes, and then runs what may
//! be user code.

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};

use super::{
    after::{After, MODEST},
    batch::flush_batches,
    book::{Book, Cancelled},
    helm::{Call, Seat},
    mine,
    outside::Post,
    parker::Parker,
    shard::Shard,
    timers::Due,
    trace,
};
use crate::{
    backend::{Completion, Reap, Value},
    sync::in_this_order_always,
};

/// The place at the kernel, of who is at the helm.
pub(super) struct Kernel {
    /// `None` only once closed or leaked.
    reap: Option<Box<dyn Reap>>,
    completions: Vec<Completion>,
}

/// A thread waits for a shard that it leaves to others, since it has shards of its own to serve.
struct Attending<'a>(&'a Shard);

impl<'a> Attending<'a> {
    fn begin(shard: &'a Arc<Shard>) -> Self {
        if let Some(mut book) = shard.book.lock() {
            book.attended += 1;
        }
        shard.hail();
        Self(shard)
    }
}

impl Drop for Attending<'_> {
    fn drop(&mut self) {
        if let Some(mut book) = self.0.book.lock() {
            book.attended -= 1;
        }
    }
}

/// The helm is held; it is left even if a backend panics.
struct AtHelm<'a>(&'a Arc<Shard>);

impl Drop for AtHelm<'_> {
    fn drop(&mut self) {
        let call = self.0.helm.leave(|| self.0.is_attended());
        self.0.heed(call);
    }
}

impl Kernel {
    pub(super) fn new(reap: Box<dyn Reap>) -> Self {
        Self { reap: Some(reap), completions: Vec::new() }
    }

    pub(super) fn close(&mut self) {
        self.reap = None;
    }

    pub(super) fn leak(&mut self) {
        mem::forget(self.reap.take());
    }

    fn wait(&mut self, until: Option<Instant>) {
        // Closed: nothing flies that could be waited for.
        let Some(reap) = &mut self.reap else {
            return thread::sleep(Duration::from_millis(1));
        };
        let waited = reap.wait(until, &mut self.completions);
        if let Err(error) = waited {
            // No backend should come to this; what flies stays where it is.
            trace::wait_failed(&error);
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Gives back the room that a burst has taken (C14).
    fn shrink(&mut self) {
        if self.completions.capacity() > MODEST {
            self.completions = Vec::new();
        }
    }
}

impl Shard {
    /// Blocks until `done`, or until the time has come; whether `done`. The caller has seen to it
    /// that `parker` is woken when `done` may have changed. Looks at the backend at least once.
    pub(crate) fn drive(
        self: &Arc<Self>,
        parker: &Arc<Parker>,
        done: &dyn Fn() -> bool,
        until: Option<Instant>,
    ) -> bool {
        let mut looked = false;
        loop {
            parker.clear();
            if done() {
                return true;
            }
            if looked && until.is_some_and(|until| until <= self.now()) {
                return false;
            }
            looked = true;
            flush_batches();
            match (&self.outside, self.is_mine()) {
                (None, _) if mine::any() && self.background.is_there(self) => {
                    let _attended = Attending::begin(self);
                    parker.park(until);
                }
                (None, _) => self.sail(parker, done, until),
                (Some(_), true) => parker.steer(self, |woken| {
                    self.turn(if woken { Some(self.now()) } else { until });
                }),
                // The thread that it belongs to drives it.
                (Some(_), false) => parker.park(until),
            }
        }
    }

    /// Leads for a turn, or follows somebody who does.
    pub(super) fn sail(
        self: &Arc<Self>,
        parker: &Arc<Parker>,
        done: &dyn Fn() -> bool,
        until: Option<Instant>,
    ) {
        match self.helm.board(|| parker.waker()) {
            Seat::Lead if done() => drop(AtHelm(self)),
            Seat::Lead => self.lead(parker, until),
            Seat::Follow(ticket) => {
                if !done() {
                    parker.park(until);
                }
                let call = self.helm.disembark(ticket, || self.is_attended());
                self.heed(call);
            }
        }
    }

    pub(super) fn is_attended(&self) -> bool {
        self.book.lock().is_some_and(|book| book.attended > 0)
    }

    fn heed(self: &Arc<Self>, call: Call) {
        if call == Call::Background {
            self.background.call(self);
        }
    }

    /// One turn at the helm: wait, tell the outcomes, leave, and only then run what may be user
    /// code: it may itself wait for this shard (C11).
    fn lead(self: &Arc<Self>, parker: &Arc<Parker>, until: Option<Instant>) {
        let at_helm = AtHelm(self);
        let Some(mut kernel) = self.kernel.lock() else {
            return;
        };
        parker.steer(self, |woken| {
            let until = if woken { Some(self.now()) } else { until };
            let until = self.book.lock().and_then(|mut book| book.sleep(until));
            kernel.wait(until);
        });
        let after = self.settle(&mut kernel);
        drop(kernel);
        drop(at_helm);
        self.conclude(after);
    }

    /// A turn of the thread that the shard belongs to.
    pub(crate) fn turn(self: &Arc<Self>, until: Option<Instant>) {
        let Some(outside) = &self.outside else {
            return self.sail(&Parker::current(), &|| false, until);
        };
        // Who called may have done what the caller waits for: it looks again before it sleeps.
        let until = if self.run_posts() { Some(self.now()) } else { until };
        let Some(mut kernel) = self.kernel.lock() else {
            return;
        };
        let until = self.book.lock().and_then(|mut book| book.sleep(until));
        outside.rest(|called| kernel.wait(if called { Some(self.now()) } else { until }));
        let after = self.settle(&mut kernel);
        drop(kernel);
        let landed = after.count > 0;
        self.conclude(after);
        if landed {
            self.look_outside();
        }
    }

    /// Something has landed, and this thread may go elsewhere, be it into the code that was waiting
    /// for it. Who has just left a waker for it is told now; who leaves one looks for the landing
    /// afterwards.
    pub(crate) fn look_outside(self: &Arc<Self>) {
        if self.is_local() {
            in_this_order_always();
            self.run_posts();
        }
    }

    /// Does what other threads have left so far, in their order, even if doing it leads here again;
    /// whether it was called, with or without anything left.
    #[inline]
    pub(super) fn run_posts(self: &Arc<Self>) -> bool {
        let Some(outside) = self.outside.as_ref().filter(|_| self.is_mine()) else {
            return false;
        };
        let Some(count) = outside.waiting() else {
            return false;
        };
        for _ in 0..count {
            let Some(post) = outside.next() else {
                break;
            };
            self.carry_out(post);
        }
        true
    }

    // [C8] [C11] a waker or a destructor that panics has said so; the thread that happens to be
    // here is not its victim, nor is what was left after it.
    pub(super) fn carry_out(self: &Arc<Self>, post: Post<Self>) {
        if catch_unwind(AssertUnwindSafe(|| post(self))).is_err() {
            self.panics.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Enters what has completed into the book, and tells the outcomes.
    fn settle(&self, kernel: &mut Kernel) -> Box<After> {
        let mut after = After::new();
        let Some(mut book) = self.book.lock() else {
            return after;
        };
        book.awake();
        self.looked_at.store(0, Ordering::Relaxed);
        for completion in kernel.completions.drain(..) {
            if let Some(over) = book.answer(completion) {
                after.landed.push(over);
            }
        }
        if book.has_timers() {
            self.look_at_timers(&mut book, &mut after);
        }
        book.flush();
        drop(book);
        let mut all = mem::take(&mut after.landed);
        for landed in all.drain(..) {
            after.land(self, landed);
        }
        after.landed = all;
        kernel.shrink();
        after
    }

    fn look_at_timers(&self, book: &mut Book, after: &mut After) {
        let now = self.now();
        while let Some(due) = book.pop_due(now) {
            match due {
                Due::Land(mut entry) => {
                    entry.settle(Ok(Value::Count(0)));
                    after.landed.push(book.strike(entry));
                }
                Due::Cancel { key, id } => match book.cancel(key, id) {
                    Cancelled::Here(over) => after.landed.push(over),
                    Cancelled::AskHolder(holder) => after.asked.push((id, holder)),
                    Cancelled::Unknown | Cancelled::Asked => {}
                },
            }
        }
    }
}
