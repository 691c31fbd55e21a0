use std::{marker::PhantomData, ptr::NonNull, task::Waker};

use super::{Block, Id, KERNEL, LANDED, PROGRAM, WAITER, recycle};
use crate::{
    op::{Operation, Outcome},
    sync::Ordering,
};

/// The program's half of a block.
///
/// Dropping it while the operation flies makes the operation an orphan; dropping it once landed
/// executes the operation's will at once. Neither blocks (C8).
pub(crate) struct Half<O: Operation> {
    block: NonNull<Block>,
    request: PhantomData<O>,
}

// SAFETY: the half gives access to an `O` and to nothing else that minds its thread.
unsafe impl<O: Operation> Send for Half<O> {}
// SAFETY: a shared half only reads the state and the generation.
unsafe impl<O: Operation> Sync for Half<O> {}

impl<O: Operation> Half<O> {
    pub(super) fn new(block: NonNull<Block>) -> Self {
        Self { block, request: PhantomData }
    }

    fn block(&self) -> &Block {
        // SAFETY: a block lives until both halves are gone, and this one is here.
        unsafe { self.block.as_ref() }
    }

    pub(crate) fn id(&self) -> Id {
        let generation = self.block().generation.with(|generation| {
            // SAFETY: the generation changes only after both halves are gone.
            unsafe { *generation }
        });
        Id::new(self.block, generation)
    }

    pub(crate) fn is_landed(&self) -> bool {
        self.block().state.load(Ordering::Acquire) & LANDED != 0
    }

    // [C12] any waker of any executor, and the last one left is the one called.
    /// Leaves `waker` to be called at the landing; whether it has landed already.
    pub(crate) fn register(&mut self, waker: &Waker) -> bool {
        if self.is_landed() || !self.reclaim_slot() {
            return true;
        }
        self.set_slot(Some(waker.clone()));
        let before = self.block().state.fetch_or(WAITER, Ordering::AcqRel);
        if before & LANDED != 0 {
            // The landing came first and did not see the waker: the slot is still ours.
            self.set_slot(None);
            return true;
        }
        false
    }

    /// Makes the slot ours, if the operation still flies.
    fn reclaim_slot(&mut self) -> bool {
        let before = self.block().state.fetch_and(!WAITER, Ordering::AcqRel);
        before & LANDED == 0
    }

    /// The slot must be ours.
    fn set_slot(&mut self, waker: Option<Waker>) {
        let old = self.block().slot.with_mut(|slot| {
            // SAFETY: the slot is the program's half's while WAITER is clear, and was so when
            // LANDED was set (module text); `&mut self` makes this the only access by this half.
            unsafe { std::mem::replace(&mut *slot, waker) }
        });
        drop(old);
    }

    /// The request and its outcome.
    ///
    /// # Panics
    ///
    /// If the operation has not landed.
    pub(crate) fn take(self) -> (O, Outcome) {
        assert!(self.is_landed(), "an operation is taken after it has landed");
        let half = std::mem::ManuallyDrop::new(self);
        let taken = half.open();
        half.release();
        taken
    }

    /// Reads the body of a landed block. To be done once, before the block is released.
    // [C1] the program reads the body after the landing, never before.
    fn open(&self) -> (O, Outcome) {
        self.block().body.with_mut(|body| {
            // SAFETY: LANDED is set and this half is here, so the body is this half's alone.
            let body = unsafe { &mut *body };
            // SAFETY: `split` initialised it.
            let body = unsafe { body.assume_init_mut() };
            // SAFETY: `split` made the payload from an `O`; the callers open a block once.
            let request = unsafe { body.payload.take::<O>() };
            (request, body.outcome())
        })
    }

    /// The last touch of a landed block by this half.
    fn release(&self) {
        let before = self.block().state.fetch_and(!PROGRAM, Ordering::AcqRel);
        if before & KERNEL == 0 {
            // SAFETY: the kernel's half was gone, and this one is gone with the line above.
            unsafe { recycle(self.block) };
        }
    }

    /// Makes a flying operation an orphan; whether it still flew.
    fn orphan(&mut self) -> bool {
        if self.is_landed() || !self.reclaim_slot() {
            return false;
        }
        self.set_slot(None);
        let state = &self.block().state;
        let flying = PROGRAM | KERNEL;
        state.compare_exchange(flying, KERNEL, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

impl<O: Operation> Drop for Half<O> {
    fn drop(&mut self) {
        if self.orphan() {
            return;
        }
        let (request, outcome) = self.open();
        self.release();
        request.abandoned(outcome);
    }
}
