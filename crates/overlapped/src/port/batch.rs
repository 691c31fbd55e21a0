//! Batches: what a thread starts in one reaches the OS in one go.

use std::{
    cell::{Cell, RefCell},
    sync::{Arc, Weak},
};

use super::{Shard, book::Book, parker::Parker};
use crate::sync::Guard;

thread_local! {
    /// The address of the shard for which this thread collects a batch; 0 if none.
    static BATCHED: Cell<usize> = const { Cell::new(0) };
    /// The shards for which it collects batches, one inside the other.
    static BATCHES: RefCell<Vec<Weak<Shard>>> = const { RefCell::new(Vec::new()) };
}

/// The calling thread is about to wait: what it has collected so far is handed to the OS, since it
/// may be what is waited for.
#[inline]
pub(super) fn flush_batches() {
    if BATCHED.get() != 0 {
        flush_all_batches();
    }
}

#[cold]
fn flush_all_batches() {
    let batches = BATCHES.try_with(|batches| {
        let batches = batches.borrow();
        batches.iter().filter_map(Weak::upgrade).collect::<Vec<_>>()
    });
    for shard in batches.into_iter().flatten().filter(|shard| !shard.is_local()) {
        shard.submit();
    }
}

impl Shard {
    /// Closes the book. What is queued reaches the OS now, unless a batch is being collected.
    #[inline]
    pub(super) fn hand_over(self: &Arc<Self>, mut book: Guard<'_, Book>) {
        if self.outside.is_none() && BATCHED.get() != Arc::as_ptr(self).addr() {
            book.submit.flush();
        }
    }

    /// Runs `body`; what this thread starts in it reaches the OS in one go, when it is over.
    pub(super) fn batch<R>(self: &Arc<Self>, body: impl FnOnce() -> R) -> R {
        let collecting = Collecting::begin(self);
        let result = body();
        drop(collecting);
        result
    }

    /// Hands what is queued to the OS, batch or not.
    pub(super) fn submit(self: &Arc<Self>) {
        if self.outside.is_some() {
            // A turn hands over and looks at the completions in one call.
            self.drive(&Parker::current(), &|| false, Some(self.now()));
        } else if let Some(mut book) = self.book.lock() {
            book.flush();
        }
    }
}

/// A batch is collected; it is handed over even if its closure panics.
struct Collecting<'a> {
    shard: &'a Arc<Shard>,
    before: usize,
}

impl<'a> Collecting<'a> {
    fn begin(shard: &'a Arc<Shard>) -> Self {
        let known = BATCHES.try_with(|batches| batches.borrow_mut().push(Arc::downgrade(shard)));
        // Where the thread's locals are gone, nothing is collected.
        let address = if known.is_ok() { Arc::as_ptr(shard).addr() } else { BATCHED.get() };
        Self { shard, before: BATCHED.replace(address) }
    }
}

impl Drop for Collecting<'_> {
    fn drop(&mut self) {
        let _locals_are_gone = BATCHES.try_with(|batches| batches.borrow_mut().pop());
        BATCHED.set(self.before);
        if self.before == Arc::as_ptr(self.shard).addr() {
            return;
        }
        if let Some(mut book) = self.shard.book.lock() {
            book.submit.flush();
        }
    }
}
