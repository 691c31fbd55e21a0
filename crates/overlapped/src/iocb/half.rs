use std::{
    marker::PhantomData,
    mem::{self, ManuallyDrop},
    ptr::NonNull,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::Waker,
};

use super::{Block, Id, KERNEL, LANDED, LISTED, OWNERS, PROGRAM, Tally, WAITER, let_go, recycle};
use crate::{
    op::{Op, Operation, Outcome},
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
// SAFETY: a shared half only reads the state, the head, the op and the key.
unsafe impl<O: Operation> Sync for Half<O> {}

/// Whether a waker was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    Here,
    /// The operation has landed.
    Landed,
    /// The block lives on another thread, which must do it.
    Elsewhere,
}

/// A program's half that was dropped on another thread than the one that its block lives on: to be
/// dropped there. A scope that has lent to it waits for that, as it waits for the landing: what was
/// lent may be read once more, if it turns out that the operation has landed meanwhile.
pub(crate) struct Stray {
    block: NonNull<Block>,
    end: unsafe fn(NonNull<Block>),
    tally: Option<Arc<Tally>>,
}

// SAFETY: as for the half that it was.
unsafe impl Send for Stray {}

impl Stray {
    #[inline]
    fn block(&self) -> &Block {
        // SAFETY: a block lives until all its owners are gone, and this is one of them.
        unsafe { self.block.as_ref() }
    }

    pub(crate) fn id(&self) -> Id {
        self.block().id()
    }

    pub(crate) fn op(&self) -> &Op {
        self.block().op()
    }

    pub(crate) fn key(&self) -> u32 {
        self.block().key.load(Relaxed)
    }
}

impl Drop for Stray {
    fn drop(&mut self) {
        // [C10] the scope goes on when the half is gone, even if its will panics.
        let _last = Strayed(self.tally.take());
        // SAFETY: `end` was made for the half that this was.
        unsafe { (self.end)(self.block) };
    }
}

/// A stray's part in the tally of a scope.
struct Strayed(Option<Arc<Tally>>);

impl Drop for Strayed {
    fn drop(&mut self) {
        if let Some(waker) = self.0.take().and_then(|tally| tally.leave()) {
            waker.wake();
        }
    }
}

/// # Safety
///
/// `block` was given up by a half of type `O`, as its last claim.
unsafe fn end<O: Operation>(block: NonNull<Block>) {
    drop(Half::<O>::new(block));
}

impl<O: Operation> Half<O> {
    #[inline]
    pub(super) fn new(block: NonNull<Block>) -> Self {
        Self { block, request: PhantomData }
    }

    #[inline]
    fn block(&self) -> &Block {
        // SAFETY: a block lives until both halves are gone, and this one is here.
        unsafe { self.block.as_ref() }
    }

    #[inline]
    pub(crate) fn id(&self) -> Id {
        self.block().id()
    }

    /// The operation as it was asked for.
    pub(crate) fn op(&self) -> &Op {
        self.block().op()
    }

    /// The number of its line in the port's book, as far as it is known.
    pub(crate) fn key(&self) -> u32 {
        self.block().key.load(Relaxed)
    }

    #[inline]
    pub(crate) fn is_landed(&self) -> bool {
        self.block().state.load(Ordering::Acquire) & LANDED != 0
    }

    // [C12] any waker of any executor, and the last one left is the one called.
    /// Leaves `waker` to be called at the landing.
    #[inline]
    pub(crate) fn register(&mut self, waker: &Waker) -> Left {
        let block = self.block();
        let mut before = block.state.load(Ordering::Acquire);
        if before & LANDED != 0 {
            return Left::Landed;
        }
        if block.is_elsewhere() {
            return Left::Elsewhere;
        }
        if before & WAITER != 0 {
            before = block.reclaim_slot();
            if before & LANDED != 0 {
                return Left::Landed;
            }
        }
        self.leave(waker);
        let mut flying = before & !WAITER;
        while let Err(now) = self.block().change(flying, flying | WAITER) {
            if now & LANDED != 0 {
                // The landing came first and did not see the waker: the slot is still ours.
                self.set_slot(None);
                return Left::Landed;
            }
            flying = now;
        }
        Left::Here
    }

    /// Puts `waker` into the slot, unless its like is there. The slot must be ours.
    #[inline]
    fn leave(&mut self, waker: &Waker) {
        let known = self.block().slot.with(|slot| {
            // SAFETY: the slot is the program's half's while WAITER and LANDED are clear.
            let slot = unsafe { &*slot };
            slot.as_ref().is_some_and(|known| known.will_wake(waker))
        });
        if !known {
            self.set_slot(Some(waker.clone()));
        }
    }

    /// The slot must be ours.
    fn set_slot(&mut self, waker: Option<Waker>) {
        let old = self.block().slot.with_mut(|slot| {
            // SAFETY: the slot is the program's half's while WAITER is clear, and was so when
            // LANDED was set (module text); `&mut self` makes this the only access by this half.
            unsafe { mem::replace(&mut *slot, waker) }
        });
        drop(old);
    }

    /// What the request makes of its outcome; `backend` is the name that a message about it shows.
    ///
    /// # Panics
    ///
    /// If the operation has not landed.
    #[inline]
    pub(crate) fn finish(self, backend: &'static str) -> O::Output {
        self.take(backend, O::finish)
    }

    /// As [`finish`](Self::finish), with something else made of it.
    #[inline]
    pub(crate) fn take<R>(
        self,
        backend: &'static str,
        make: impl FnOnce(O, Outcome<'_>) -> R,
    ) -> R {
        let state = self.block().state.load(Ordering::Acquire);
        assert!(state & LANDED != 0, "an operation is taken after it has landed");
        let mut half = ManuallyDrop::new(self);
        // It is released even if a buffer of the user's panics.
        let held = Released(&mut half, state);
        held.0.open(backend, state, make)
    }

    /// Reads the body of a landed block, whose state was seen to be `state`. To be done once,
    /// before the block is released.
    // [C1] the program reads the body after the landing, never before.
    #[inline]
    fn open<R>(
        &self,
        backend: &'static str,
        state: u32,
        make: impl FnOnce(O, Outcome<'_>) -> R,
    ) -> R {
        let block = self.block();
        // SAFETY: the state was read with acquire ordering, and this half is here.
        let cancel = unsafe { block.cancel(state) };
        // SAFETY: LANDED is set and this half is here, so it has the body.
        let status = unsafe { block.status() };
        block.body.with_mut(|body| {
            // SAFETY: LANDED is set and this half is here, so the body is this half's alone.
            let body = unsafe { &mut *body };
            // SAFETY: `split` initialised it.
            let body = unsafe { body.assume_init_mut() };
            body.open(block.op(), backend, cancel, status, |payload, outcome| {
                // SAFETY: `split` made the payload from an `O`; the callers open a block once.
                let request = unsafe { payload.take::<O>() };
                make(request, outcome)
            })
        })
    }

    /// The last touch of a landed block by this half, whose state was seen to be `state`.
    #[inline]
    fn release(&self, state: u32) {
        if state & OWNERS == PROGRAM {
            // SAFETY: an owner never comes back, and the state was read with acquire ordering.
            unsafe { recycle(self.block) };
        } else {
            // SAFETY: this is the end of the program's half.
            unsafe { let_go(self.block, PROGRAM) };
        }
    }

    /// Whether it flies, and its block lives on another thread.
    pub(crate) fn is_astray(&self) -> bool {
        self.block().is_elsewhere() && !self.is_landed()
    }

    pub(crate) fn into_stray(self) -> Stray {
        let half = ManuallyDrop::new(self);
        let tally = half.block().lender();
        if let Some(tally) = &tally {
            tally.enter();
        }
        Stray { block: half.block, end: end::<O>, tally }
    }

    /// Makes a flying operation an orphan; whether it still flew.
    fn orphan(&mut self) -> bool {
        let mut before = self.block().state.load(Ordering::Acquire);
        if before & WAITER != 0 {
            before = self.block().reclaim_slot();
        }
        if before & LANDED != 0 {
            return false;
        }
        self.set_slot(None);
        let mut flying = before & !WAITER;
        loop {
            debug_assert!(flying & KERNEL != 0, "what has not landed is with the kernel");
            match self.block().change(flying, flying & !PROGRAM) {
                Ok(()) => return true,
                Err(now) if now & LANDED != 0 => return false,
                // The line alone went: with the book of a port that is leaked.
                Err(now) => flying = now,
            }
        }
    }
}

impl<O: Operation> Drop for Half<O> {
    fn drop(&mut self) {
        if self.is_astray() {
            // Nobody drops it where its block lives: that thread is gone, and will not land it.
            return;
        }
        if self.orphan() {
            return;
        }
        let state = self.block().state.load(Ordering::Acquire);
        // It is released even if the will panics.
        let held = Released(self, state);
        let holder = if state & LISTED == 0 {
            // SAFETY: the line is gone, and the block is held until the end of this function.
            unsafe { held.0.block().holder() }
        } else {
            None
        };
        let heir = holder.map(|holder| holder.heir());
        held.0.open("", state, |request, outcome| request.abandoned(outcome, heir));
    }
}

/// Releases a half that was opened, of a block whose state was seen to be this.
struct Released<'a, O: Operation>(&'a mut Half<O>, u32);

impl<O: Operation> Drop for Released<'_, O> {
    #[inline]
    fn drop(&mut self) {
        self.0.release(self.1);
    }
}
