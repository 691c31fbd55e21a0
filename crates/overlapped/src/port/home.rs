//! Where an operation lives, by number: an operation in flight counts on its shard without being
//! counted, so starting one touches nothing that threads share.
//!
//! That is enough because a shard does not go before what flies on it: whoever drains it holds it,
//! and what cannot be drained is leaked and never heard of again.

use std::{
    cell::RefCell,
    sync::{Arc, PoisonError, RwLock, Weak},
    time::Instant,
};

use slab::Slab;

use super::{Parker, Shard};

/// The home of an operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Home {
    /// The name of its mechanism, for messages: the shard may be gone by then.
    name: &'static str,
    number: u32,
    /// One thread has it to itself, and serves everybody unasked.
    local: bool,
}

static SHARDS: RwLock<Slab<Weak<Shard>>> = RwLock::new(Slab::new());

thread_local! {
    /// The shard that this thread asked for last.
    static LAST: RefCell<(u32, Weak<Shard>)> = const { RefCell::new((u32::MAX, Weak::new())) };
}

impl Home {
    /// A number for a shard that is being made.
    pub(super) fn new(shard: &Weak<Shard>, name: &'static str, local: bool) -> Self {
        let mut shards = SHARDS.write().unwrap_or_else(PoisonError::into_inner);
        let number = u32::try_from(shards.insert(Weak::clone(shard)));
        drop(shards);
        let number = number.expect("fewer than four billion shards");
        // Who makes a shard asks for it next.
        let _forgotten = LAST.try_with(|last| last.replace((number, Weak::clone(shard))));
        Self { name, number, local }
    }

    /// The shard goes; its number is free for another.
    pub(super) fn leave(self) {
        let mut shards = SHARDS.write().unwrap_or_else(PoisonError::into_inner);
        shards.try_remove(self.number as usize);
    }

    pub(crate) fn name(self) -> &'static str {
        self.name
    }

    pub(crate) fn is_local(self) -> bool {
        self.local
    }

    /// Whether another thread has it to itself, so that this one cannot drive it.
    pub(crate) fn is_foreign(self) -> bool {
        self.local && !self.shard().is_some_and(|shard| shard.is_mine())
    }

    /// The shard; `None` if it is gone, and what flew there is over or leaked.
    pub(crate) fn shard(self) -> Option<Arc<Shard>> {
        let last = LAST.try_with(|last| {
            let (number, shard) = &*last.borrow();
            if *number == self.number { shard.upgrade() } else { None }
        });
        last.ok().flatten().or_else(|| self.look_up())
    }

    /// Drives the shard until `done`, or until then, as [`Shard::drive`]; whether `done`.
    pub(crate) fn drive(
        self,
        parker: &Arc<Parker>,
        done: &dyn Fn() -> bool,
        until: Option<Instant>,
    ) -> bool {
        match self.shard() {
            Some(shard) => shard.drive(parker, done, until),
            // What flew here was over in this moment, or it is leaked: then it never will be.
            None => parker.wait(done, until),
        }
    }

    fn look_up(self) -> Option<Arc<Shard>> {
        let shards = SHARDS.read().unwrap_or_else(PoisonError::into_inner);
        let known = shards.get(self.number as usize)?.clone();
        drop(shards);
        let shard = known.upgrade();
        // Where the thread's locals are gone, it is looked up each time.
        let _forgotten = LAST.try_with(|last| last.replace((self.number, known)));
        shard
    }
}
