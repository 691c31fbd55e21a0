use std::{
    ffi::CStr,
    fmt,
    mem::ManuallyDrop,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr::NonNull,
    slice,
    sync::Arc,
    task::Waker,
};

use super::{Block, Body, Id, KERNEL, LANDED, PROGRAM, Tally, WAITER, recycle};
use crate::{
    buf::lent::{Memory, Piece},
    error::Cause,
    handle::Metadata,
    op::{Cancel, Next, Op, Value},
    sync::Ordering,
};

/// The kernel's half of a block: one operation in flight, and the only way to its memory.
///
/// A backend owns it from [`Submit::submit`](crate::backend::Submit::submit) until it answers with
/// a [`Completion`](crate::backend::Completion). While it does, the lent memory belongs to the
/// OS: it may be read and written through this value, early, late and in parts. Dropping an entry
/// instead of completing it is an outcome too ([`Cause::Abandoned`]), and a bug in the backend.
pub struct Entry {
    block: NonNull<Block>,
}

// SAFETY: requests are `Send` (`Operation: Send`), and an entry gives access to nothing else.
unsafe impl Send for Entry {}

/// What is left to do once an operation has landed: to be done with no lock held.
#[must_use]
pub(crate) enum Landing {
    /// The program's half has the outcome; its waker, and that of a scope that waited for this.
    Told(Option<Waker>, Option<Waker>),
    /// Nobody will take the outcome.
    Orphan(Orphan),
}

/// A landed operation without a program's half: its will is still to be executed.
pub(crate) struct Orphan {
    block: NonNull<Block>,
    tally: Option<Arc<Tally>>,
}

// SAFETY: as for `Entry`, which it was.
unsafe impl Send for Orphan {}

impl Orphan {
    // [C8] a panic in a will ends here.
    /// Executes the will and recycles the block; who is to be woken. A user's destructor that
    /// panics has said so by the panic hook: the thread that happens to drive the port is not its
    /// victim (C8).
    pub(crate) fn bury(mut self) -> Option<Waker> {
        let tally = self.tally.take();
        drop(self);
        tally.and_then(|tally| tally.leave())
    }
}

impl Drop for Orphan {
    fn drop(&mut self) {
        // SAFETY: the block lives until both halves are gone, and this was one of them.
        let block = unsafe { self.block.as_ref() };
        let execute = || {
            block.body.with_mut(|body| {
                // SAFETY: an orphan's body stays the kernel's half's after LANDED.
                let body = unsafe { &mut *body };
                // SAFETY: `split` initialised it.
                let body = unsafe { body.assume_init_mut() };
                let outcome = body.outcome();
                // SAFETY: neither taken nor abandoned before: that needs a program's half.
                unsafe { body.payload.abandon(outcome) };
            });
        };
        let _panic = catch_unwind(AssertUnwindSafe(execute));
        // SAFETY: an orphan has no program's half, and this is the end of the kernel's.
        unsafe { recycle(self.block) };
        if let Some(waker) = self.tally.take().and_then(|tally| tally.leave()) {
            waker.wake();
        }
    }
}

impl Entry {
    pub(super) fn new(block: NonNull<Block>) -> Self {
        Self { block }
    }

    fn block(&self) -> &Block {
        // SAFETY: a block lives until both halves are gone, and this one is here.
        unsafe { self.block.as_ref() }
    }

    fn body(&self) -> &Body {
        self.block().body.with(|body| {
            // SAFETY: until LANDED, which consumes the entry, the body is the kernel's half's.
            let body = unsafe { &*body };
            // SAFETY: `split` initialised it.
            unsafe { body.assume_init_ref() }
        })
    }

    // [C1] the only way to what is lent is through the kernel's half.
    fn body_mut(&mut self) -> &mut Body {
        self.block().body.with_mut(|body| {
            // SAFETY: as in `body`, and the entry is borrowed exclusively.
            let body = unsafe { &mut *body };
            // SAFETY: `split` initialised it.
            unsafe { body.assume_init_mut() }
        })
    }

    /// The operation's identity, to match a later cancel.
    pub fn id(&self) -> Id {
        let generation = self.block().generation.with(|generation| {
            // SAFETY: the generation changes only after both halves are gone.
            unsafe { *generation }
        });
        Id::new(self.block, generation)
    }

    /// What to do now. An operation of several steps shows the step that it stands before.
    pub fn op(&self) -> Op {
        let body = self.body();
        body.plan.current(body.op)
    }

    /// How many bytes the lent memory holds that have not moved yet.
    pub fn len(&self) -> usize {
        self.body().memory.len()
    }

    /// Whether no bytes are left to move.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the program's half is gone, so that nobody waits for the outcome.
    pub fn is_orphan(&self) -> bool {
        self.block().state.load(Ordering::Acquire) & PROGRAM == 0
    }

    /// The lent memory that the OS writes (a read's buffers), without what has moved already.
    pub fn slices_mut(&mut self) -> impl Iterator<Item = &mut [u8]> {
        let pieces = match &self.body_mut().memory {
            Memory::Fill(piece) => slice::from_ref(piece),
            Memory::FillMany(first, count) => pieces(*first, *count),
            _ => &[],
        };
        pieces.iter().map(|piece| {
            // SAFETY: by the contract of `Lend` the bytes are valid and the payload's own, and the
            // payload is this entry's, which is borrowed exclusively. Pieces do not overlap: each
            // is another buffer.
            unsafe { slice::from_raw_parts_mut(piece.start, piece.len) }
        })
    }

    /// The lent memory that the OS reads (a write's buffers), without what has moved already.
    pub fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let pieces = match &self.body().memory {
            Memory::Drain(piece) => slice::from_ref(piece),
            Memory::DrainMany(first, count) => pieces(*first, *count),
            _ => &[],
        };
        pieces.iter().map(|piece| {
            // SAFETY: by the contract of `Lend` the bytes are valid and nobody writes them while
            // the payload, which is this entry's, is not accessed.
            unsafe { slice::from_raw_parts(piece.start, piece.len) }
        })
    }

    /// The lent path; of two, the first.
    pub fn path(&self) -> Option<&CStr> {
        let (Memory::Path(path) | Memory::Paths(path, _) | Memory::StatPath(path, _)) =
            self.body().memory
        else {
            return None;
        };
        // SAFETY: by the contract of `Lend` it is a C string of the payload, which is ours.
        Some(unsafe { CStr::from_ptr(path) })
    }

    /// The second lent path: a rename's new name.
    pub fn second_path(&self) -> Option<&CStr> {
        let Memory::Paths(_, path) = self.body().memory else {
            return None;
        };
        // SAFETY: as in `path`.
        Some(unsafe { CStr::from_ptr(path) })
    }

    /// Answers a `Stat`.
    pub fn set_metadata(&mut self, metadata: Metadata) {
        let (Memory::Stat(out) | Memory::StatPath(_, out)) = self.body().memory else {
            return;
        };
        // SAFETY: by the contract of `Lend` the scratch is the payload's own, which is ours.
        let scratch = unsafe { &mut *out };
        scratch.answer = Some(metadata);
    }

    /// The addresses, for a kernel.
    #[cfg(target_os = "linux")]
    pub(crate) fn memory(&self) -> Memory {
        self.body().memory
    }

    /// The port's own number for this operation.
    pub(crate) fn key(&self) -> u32 {
        self.body().key
    }

    pub(crate) fn set_key(&mut self, key: u32) {
        self.body_mut().key = key;
    }

    pub(crate) fn set_origin(&mut self, origin: u64) {
        self.body_mut().origin = origin;
    }

    /// How many bytes have moved in the steps so far.
    pub(crate) fn moved(&self) -> usize {
        self.body().plan.moved
    }

    /// The operation as it was asked for, whatever its current step.
    pub(crate) fn asked(&self) -> Op {
        self.body().op
    }

    /// Skips the wait for readiness: the answer is at hand.
    pub(crate) fn act_now(&mut self) {
        self.body_mut().plan.act_now();
    }

    pub(crate) fn has_steps(&self) -> bool {
        self.body().plan.has_steps()
    }

    /// Takes a step's answer: whether there is another step.
    pub(crate) fn step(&mut self, answer: Result<Value, Cause>, cancelled: bool) -> Next {
        let orphan = self.is_orphan();
        let body = self.body_mut();
        body.plan.step(body.op, &mut body.memory, answer, cancelled, orphan)
    }

    /// Ends the operation: the outcome is told. What may run user code comes back undone.
    pub(crate) fn land(
        mut self,
        answer: Result<Value, Cause>,
        backend: &'static str,
        cancel: Cancel,
    ) -> Landing {
        let body = self.body_mut();
        body.answer = Some(answer);
        body.backend = backend;
        body.cancel = cancel;
        let tally = body.tally.take();
        let entry = ManuallyDrop::new(self);
        let before = entry.block().state.fetch_or(LANDED, Ordering::AcqRel);
        if before & PROGRAM == 0 {
            return Landing::Orphan(Orphan { block: entry.block, tally });
        }
        let waiter = if before & WAITER != 0 { entry.take_waker() } else { None };
        let before = entry.block().state.fetch_and(!KERNEL, Ordering::AcqRel);
        if before & PROGRAM == 0 {
            // SAFETY: the program's half went after the landing, and this one is gone with the
            // line above.
            unsafe { recycle(entry.block) };
        }
        // The block is not touched any more, and a lender may go as soon as the tally falls.
        Landing::Told(waiter, tally.and_then(|tally| tally.leave()))
    }

    fn take_waker(&self) -> Option<Waker> {
        self.block().slot.with_mut(|slot| {
            // SAFETY: WAITER was set when LANDED was: the slot is the kernel's half's for good.
            let slot = unsafe { &mut *slot };
            slot.take()
        })
    }

    /// Hands the entry to a kernel that knows it by 64 bits. The claim to the block goes with it.
    #[cfg(target_os = "linux")]
    pub(crate) fn into_bits(self) -> u64 {
        let entry = ManuallyDrop::new(self);
        entry.block.as_ptr().expose_provenance();
        entry.id().to_bits()
    }

    /// Takes back an entry that [`Entry::into_bits`] gave away; `None` if the generation is not
    /// that block's, which means that the kernel answered twice.
    ///
    /// # Safety
    ///
    /// `bits` came from `into_bits`, and the kernel has said its last word about it.
    #[cfg(target_os = "linux")]
    pub(crate) unsafe fn from_bits(bits: u64) -> Option<Self> {
        let address = usize::try_from(bits & super::ADDRESS).ok()?;
        let block = std::ptr::with_exposed_provenance_mut::<Block>(address);
        let entry = Self { block: NonNull::new(block)? };
        if entry.id().to_bits() == bits {
            return Some(entry);
        }
        std::mem::forget(entry);
        None
    }
}

fn pieces<'a>(first: *mut Piece, count: usize) -> &'a [Piece] {
    // SAFETY: `FillMany`/`DrainMany` keep `count` pieces on the heap for as long as the payload
    // lives, and the callers bind the result to a borrow of the entry that owns it.
    unsafe { slice::from_raw_parts(first, count) }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let entry = Self { block: self.block };
        let name = entry.op().name();
        if cfg!(debug_assertions) {
            eprintln!("overlapped: a backend dropped a {name} operation without an answer");
        }
        match entry.land(Err(Cause::Abandoned), "", Cancel::None) {
            Landing::Told(waiter, scope) => {
                for waker in [waiter, scope].into_iter().flatten() {
                    waker.wake();
                }
            }
            Landing::Orphan(orphan) => drop(orphan),
        }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("id", &self.id()).field("op", &self.op()).finish()
    }
}
