//! How many operations of a scope fly, and the promise to wait for them.

use std::{
    marker::PhantomData,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
    task::Waker,
};

use crate::sync::{AtomicU32, Mutex, Ordering, lock};

/// Counts landings, not handles and not drops: a forgotten handle does not hang a scope, and a
/// dropped one does not let it go early.
pub(crate) struct Tally {
    flying: AtomicU32,
    joiner: Mutex<Option<Waker>>,
}

impl Tally {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { flying: AtomicU32::new(0), joiner: Mutex::new(None) })
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.flying() == 0
    }

    pub(crate) fn flying(&self) -> u32 {
        self.flying.load(Ordering::Acquire)
    }

    /// Leaves `waker` to be called when the last operation has landed.
    pub(crate) fn register(&self, waker: &Waker) {
        let waker = waker.clone();
        let old = lock(&self.joiner).replace(waker);
        drop(old);
    }

    /// One more is waited for.
    pub(super) fn enter(&self) {
        self.flying.fetch_add(1, Ordering::Relaxed);
    }

    /// One landing; who is to be woken by it. The caller holds an `Arc`, so the tally itself
    /// outlives the joiner's leaving.
    pub(super) fn leave(&self) -> Option<Waker> {
        let before = self.flying.fetch_sub(1, Ordering::AcqRel);
        if before == 1 { lock(&self.joiner).take() } else { None }
    }
}

/// The right to lend what lives at least for `'scope`. Only [`lease`] makes one, and it does not
/// return before every operation that entered has landed (C10).
pub(crate) struct Lease<'scope, 'env: 'scope> {
    tally: Arc<Tally>,
    /// Invariant, so that `'scope` cannot shrink to something that ends before the join.
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

impl Lease<'_, '_> {
    pub(super) fn enter(&self) -> Arc<Tally> {
        self.tally.enter();
        Arc::clone(&self.tally)
    }

    pub(crate) fn tally(&self) -> &Arc<Tally> {
        &self.tally
    }
}

/// Runs `body`, then calls `join` until nothing flies that `body` lent, whether `body` returned
/// or unwound.
// [C10] returns when every landing has been counted, however the body ended.
pub(crate) fn lease<'env, R>(
    body: impl for<'scope> FnOnce(&'scope Lease<'scope, 'env>) -> R,
    join: impl Fn(&Arc<Tally>),
) -> R {
    let lease = Lease { tally: Tally::new(), scope: PhantomData, env: PhantomData };
    let result = catch_unwind(AssertUnwindSafe(|| body(&lease)));
    let joined = Joined { tally: &lease.tally, join: &join };
    joined.wait();
    drop(joined);
    result.unwrap_or_else(|panic| resume_unwind(panic))
}

/// There is no safe way on before all is joined: the borrowed memory would be written later. If
/// waiting itself unwinds, as on a simulated system that is over, it goes on while that thread
/// unwinds; if it fails again, that is a panic in a destructor, which aborts.
struct Joined<'a, J: Fn(&Arc<Tally>)> {
    tally: &'a Arc<Tally>,
    join: &'a J,
}

impl<J: Fn(&Arc<Tally>)> Joined<'_, J> {
    fn wait(&self) {
        while !self.tally.is_zero() {
            (self.join)(self.tally);
        }
    }
}

impl<J: Fn(&Arc<Tally>)> Drop for Joined<'_, J> {
    fn drop(&mut self) {
        self.wait();
    }
}
