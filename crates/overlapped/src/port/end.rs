//! The end of a shard: nothing new, everything asked to stop, drained or leaked.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Waker,
    time::Instant,
};

use super::{Shard, mine, outside::Outside, parker::Parker, shard::lock, trace};
use crate::sync::in_this_order_always;

impl Shard {
    /// Refuses new operations and cancels what flies.
    pub(super) fn close(self: &Arc<Self>) {
        self.closed.store(true, Ordering::SeqCst);
        let Some(mut book) = self.book.lock() else {
            return self.post(Self::close);
        };
        book.closed = true;
        for (_, line) in &mut book.lines {
            let marks = line.marks_mut();
            marks.recalled |= !marks.cancelled;
        }
        drop(book);
        self.cancel_where(|_| true);
        self.look_outside();
    }

    /// Has what was left outside so far entered into the book, or waits for that until then: what
    /// this thread has started is in flight.
    pub(super) fn catch_up(self: &Arc<Self>, until: Option<Instant>) {
        if self.is_mine() {
            self.run_posts();
            return;
        }
        let Some(mut posts) = self.outside.as_ref().and_then(Outside::open) else {
            return;
        };
        let parker = Parker::current();
        let (done, waker) = (Arc::new(AtomicBool::new(false)), parker.waker());
        let told = Arc::clone(&done);
        posts.push(move |_| {
            told.store(true, Ordering::SeqCst);
            waker.wake();
        });
        drop(posts);
        parker.wait(&|| done.load(Ordering::SeqCst), until);
    }

    /// How many operations are not over, wills and wake-ups included.
    pub(crate) fn busy(&self) -> usize {
        let finished = self.finished.load(Ordering::SeqCst);
        let admitted = self.admitted.load(Ordering::Acquire);
        usize::try_from(admitted.saturating_sub(finished)).unwrap_or(usize::MAX)
    }

    /// Drives until nothing flies, or until the time has come; how many still fly.
    pub(super) fn drain(self: &Arc<Self>, until: Option<Instant>) -> usize {
        let parker = Parker::current();
        self.watch(parker.waker());
        self.drive(&parker, &|| self.busy() == 0, until);
        self.busy()
    }

    /// Leaves a waker, to be called when nothing flies; the shard is closed.
    fn watch(self: &Arc<Self>, waker: Waker) {
        let elsewhere = self.outside.as_ref().filter(|_| !self.is_mine());
        let Some(mut posts) = elsewhere.and_then(Outside::open) else {
            // It is that thread, or that thread has given it up, and may still drain it.
            return lock(&self.idle).push(waker);
        };
        // Its own thread leaves it, once it knows of the end, and so does not overlook it.
        posts.push(move |shard| {
            shard.watch(waker);
            if shard.busy() == 0 {
                shard.tell_idle();
            }
        });
        drop(posts);
        // First left, then looked, as for any other waker.
        in_this_order_always();
    }

    /// The thread that the shard belongs to gives it up: drained until then, or leaked. Nothing is
    /// taken in afterwards.
    pub(crate) fn retire(self: &Arc<Self>, until: Option<Instant>) -> usize {
        self.close();
        let left = self.drain(until);
        if left > 0 {
            trace::leaked(left);
        }
        if let Some(outside) = &self.outside {
            mine::remove(self);
            // What was posted is refused by the book; what comes too late to be posted is refused
            // where it comes from.
            while !outside.end() {
                if let Some(post) = outside.next() {
                    self.carry_out(post);
                }
            }
            self.forget_all();
            self.close_backend();
        }
        left
    }

    // [C1] with something in flight nothing is forgotten: it is leaked, and held by the leak.
    /// Has the backend forget everything, as no other thread could afterwards.
    fn forget_all(&self) {
        if self.busy() == 0 {
            if let Some(mut book) = self.book.lock() {
                book.submit.unregister_all();
            }
        }
    }

    /// A ring knows its thread, and is closed there, whoever still has a handle of the port.
    // [C2] nothing flies, and nothing will.
    fn close_backend(&self) {
        if self.busy() > 0 {
            return;
        }
        if let Some(mut book) = self.book.lock() {
            book.close_backend();
        }
        if let Some(mut kernel) = self.kernel.lock() {
            kernel.close();
        }
    }
}

// [C2] [C9] a backend is closed when nothing flies on it, or it is leaked.
impl Drop for Shard {
    /// Nobody can drive this backend any more. If something still flies, closing it would not
    /// wait for what the kernel writes (C2), so both halves are leaked with it.
    fn drop(&mut self) {
        self.home.leave();
        let busy = self.busy();
        if busy > 0 {
            if self.outside.is_none() {
                trace::leaked(busy);
            }
            self.book.get_mut().leak();
            self.kernel.get_mut().leak();
        }
    }
}
