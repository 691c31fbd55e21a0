use std::{
    ffi::CStr,
    fmt,
    mem::ManuallyDrop,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr::NonNull,
    slice,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::Waker,
};

use super::{
    Block, Body, Holder, Id, KERNEL, LANDED, LISTED, Line, PROGRAM, Stage, Tally, WAITER, let_go,
};
use crate::{
    buf::lent::{Fixed, Memory, Piece},
    error::Cause,
    handle::Metadata,
    op::{Next, Op, Value},
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
    /// The claims that end with it: the line's among them, unless a faulty backend left it.
    claims: u32,
    executed: bool,
    tally: Option<Arc<Tally>>,
}

// SAFETY: as for `Entry`, which it was.
unsafe impl Send for Orphan {}

impl Orphan {
    // [C8] a panic in a will ends here.
    /// Executes the will, tells the handle, and recycles the block; who is to be woken. A user's
    /// destructor that panics has said so by the panic hook: the thread that happens to drive the
    /// port is not its victim (C8).
    pub(crate) fn bury(mut self, tell: impl FnOnce(&Arc<dyn Holder>, Id, usize)) -> Option<Waker> {
        let moved = self.execute();
        if let Some(holder) = self.holder() {
            tell(holder, self.block().id(), moved);
        }
        let tally = self.tally.take();
        drop(self);
        tally.and_then(|tally| tally.leave())
    }

    #[inline]
    fn block(&self) -> &Block {
        // SAFETY: the block lives until both halves are gone, and this was one of them.
        unsafe { self.block.as_ref() }
    }

    fn holder(&self) -> Option<&Arc<dyn Holder>> {
        if self.claims & LISTED == 0 {
            return None;
        }
        // SAFETY: the line was consumed by the landing, and the result borrows from `self`.
        unsafe { self.block().holder() }
    }

    /// Once; how many bytes had moved.
    fn execute(&mut self) -> usize {
        if std::mem::replace(&mut self.executed, true) {
            return 0;
        }
        let heir = self.holder().map(|holder| holder.heir());
        // The line's claim is the orphan's, or still the line's.
        let listed = !self.claims & LISTED;
        // SAFETY: the claims were taken when the line was consumed, and the orphan holds the block.
        let cancel = unsafe { self.block().cancel(listed) };
        // SAFETY: an orphan is over, and has the body.
        let status = unsafe { self.block().status() };
        self.block().body.with_mut(|body| {
            // SAFETY: an orphan's body stays the kernel's half's after the landing.
            let body = unsafe { &mut *body };
            // SAFETY: `split` initialised it.
            let body = unsafe { body.assume_init_mut() };
            let _panic = catch_unwind(AssertUnwindSafe(|| {
                body.open(self.block().op(), "", cancel, status, |payload, outcome| {
                    // SAFETY: neither taken nor abandoned before: that needs a program's half.
                    unsafe { payload.abandon(outcome, heir) };
                });
            }));
            body.plan.moved
        })
    }
}

impl Drop for Orphan {
    fn drop(&mut self) {
        self.execute();
        // SAFETY: these are the orphan's claims, and this is its end.
        unsafe { let_go(self.block, self.claims) };
        if let Some(waker) = self.tally.take().and_then(|tally| tally.leave()) {
            waker.wake();
        }
    }
}

impl Entry {
    #[inline]
    pub(super) fn new(block: NonNull<Block>) -> Self {
        Self { block }
    }

    #[inline]
    pub(super) fn block(&self) -> &Block {
        // SAFETY: a block lives until both halves are gone, and this one is here.
        unsafe { self.block.as_ref() }
    }

    #[inline]
    fn body(&self) -> &Body {
        self.block().body.with(|body| {
            // SAFETY: until LANDED, which consumes the entry, the body is the kernel's half's.
            let body = unsafe { &*body };
            // SAFETY: `split` initialised it.
            unsafe { body.assume_init_ref() }
        })
    }

    // [C1] the only way to what is lent is through the kernel's half.
    #[inline]
    fn body_mut(&mut self) -> &mut Body {
        self.block().body.with_mut(|body| {
            // SAFETY: as in `body`, and the entry is borrowed exclusively.
            let body = unsafe { &mut *body };
            // SAFETY: `split` initialised it.
            unsafe { body.assume_init_mut() }
        })
    }

    /// The operation's identity, to match a later cancel.
    #[inline]
    pub fn id(&self) -> Id {
        self.block().id()
    }

    /// What to do now. An operation of several steps shows the step that it stands before.
    #[inline]
    pub fn op(&self) -> Op {
        self.body().plan.current(*self.block().op())
    }

    /// How many bytes the lent memory holds that have not moved yet.
    pub fn len(&self) -> usize {
        self.memory().len()
    }

    /// Whether no bytes are left to move.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the program's half is gone, so that nobody waits for the outcome.
    #[inline]
    pub fn is_orphan(&self) -> bool {
        self.block().state.load(Ordering::Acquire) & PROGRAM == 0
    }

    /// The lent memory that the OS writes (a read's buffers, room for a device's answer), without
    /// what has moved already.
    pub fn slices_mut(&mut self) -> impl Iterator<Item = &mut [u8]> {
        let pieces = match &self.body_mut().stage {
            Stage::Flying(Memory::Fill(piece, _)) => slice::from_ref(piece),
            Stage::Flying(Memory::FillMany(first, count)) => pieces(*first, *count),
            Stage::Flying(Memory::Exchange(both)) => &pieces(both.cast(), 2)[1..],
            _ => &[],
        };
        pieces.iter().map(|piece| {
            // SAFETY: by the contract of `Lend` the bytes are valid and the payload's own, and the
            // payload is this entry's, which is borrowed exclusively. Pieces do not overlap: each
            // is another buffer.
            unsafe { slice::from_raw_parts_mut(piece.start, piece.len) }
        })
    }

    /// The lent memory that the OS reads (a write's buffers, what goes into a device), without what
    /// has moved already.
    pub fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let pieces = match &self.body().stage {
            Stage::Flying(Memory::Drain(piece, _)) => slice::from_ref(piece),
            Stage::Flying(Memory::DrainMany(first, count)) => pieces(*first, *count),
            Stage::Flying(Memory::Exchange(both)) => &pieces(both.cast(), 2)[..1],
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
            self.memory()
        else {
            return None;
        };
        // SAFETY: by the contract of `Lend` it is a C string of the payload, which is ours.
        Some(unsafe { CStr::from_ptr(path) })
    }

    /// The second lent path: a rename's new name.
    pub fn second_path(&self) -> Option<&CStr> {
        let Memory::Paths(_, path) = self.memory() else {
            return None;
        };
        // SAFETY: as in `path`.
        Some(unsafe { CStr::from_ptr(path) })
    }

    /// Answers a `Stat`.
    pub fn set_metadata(&mut self, metadata: Metadata) {
        let (Memory::Stat(out) | Memory::StatPath(_, out)) = self.memory() else {
            return;
        };
        // SAFETY: by the contract of `Lend` the scratch is the payload's own, which is ours.
        let scratch = unsafe { &mut *out };
        scratch.answer = Some(metadata);
    }

    /// The addresses, for a kernel.
    #[inline]
    pub(crate) fn memory(&self) -> Memory {
        match self.body().stage {
            Stage::Flying(memory) => memory,
            Stage::Answered(_) => Memory::None,
        }
    }

    /// The handle's place in a table of the backend.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "io_uring's tables"))]
    pub(crate) fn fixed(&self) -> Option<Fixed> {
        self.body().plan.fixed
    }

    /// The number of its line in the port's book.
    #[inline]
    pub(crate) fn key(&self) -> u32 {
        self.block().key.load(Relaxed)
    }

    pub(crate) fn set_origin(&mut self, origin: u64) {
        self.body_mut().origin = origin;
    }

    /// How many bytes have moved in the steps so far.
    #[inline]
    pub(crate) fn moved(&self) -> usize {
        self.body().plan.moved
    }

    /// The operation as it was asked for, whatever its current step.
    #[inline]
    pub(crate) fn asked(&self) -> &Op {
        self.block().op()
    }

    /// Whether it is over only when every byte has moved.
    pub(crate) fn is_whole(&self) -> bool {
        self.body().plan.is_whole()
    }

    /// Skips the wait for readiness: the answer is at hand.
    pub(crate) fn act_now(&mut self) {
        self.body_mut().plan.act_now();
    }

    /// Takes a step's answer: whether it is the last. Then it stays with the entry.
    #[inline]
    pub(crate) fn step(&mut self, answer: Result<Value, Cause>, cancelled: bool) -> bool {
        let (op, orphan) = (*self.asked(), self.is_orphan());
        let Body { plan, stage, .. } = self.body_mut();
        let Stage::Flying(memory) = stage else {
            return true;
        };
        match plan.step(op, memory, answer, cancelled, orphan) {
            Next::Again => false,
            Next::Over(answer) => {
                *stage = Stage::Answered(answer);
                true
            }
        }
    }

    /// Gives it its last word, whatever step it stands before.
    #[inline]
    pub(crate) fn settle(&mut self, answer: Result<Value, Cause>) {
        self.body_mut().stage = Stage::Answered(answer);
    }

    /// Why it failed, once it has its last word.
    pub(crate) fn failure(&self) -> Option<Cause> {
        match &self.body().stage {
            Stage::Answered(answer) => answer.as_ref().err().copied(),
            Stage::Flying(_) => None,
        }
    }

    // [C3] landing takes the line along: what is over is in no book.
    /// Ends an operation that has its last word: the outcome is told, and so is the handle, by
    /// `tell`. What may run user code comes back undone.
    ///
    /// # Panics
    ///
    /// If the line is another operation's.
    #[inline]
    pub(crate) fn land(self, line: Line, tell: impl FnOnce(&Arc<dyn Holder>)) -> Landing {
        assert_eq!(line.block, self.block, "an operation lands with its own line");
        line.end();
        let tally = self.block().lender();
        self.end(KERNEL | LISTED, tally, tell)
    }

    /// `claims`: those that end with it. Without the line's the handle is not told.
    #[inline]
    fn end(
        self,
        claims: u32,
        tally: Option<Arc<Tally>>,
        tell: impl FnOnce(&Arc<dyn Holder>),
    ) -> Landing {
        let entry = ManuallyDrop::new(self);
        let block = entry.block();
        let mut before = block.state.load(Ordering::Acquire);
        loop {
            if before & PROGRAM == 0 {
                let block = entry.block;
                return Landing::Orphan(Orphan { block, claims, executed: false, tally });
            }
            if block.is_here() {
                return entry.tell_here(claims, before, tally, tell);
            }
            // The kernel's half stays until the waker is taken and the handle told.
            match block.change(before, before & !(claims & LISTED) | LANDED) {
                Ok(()) => break,
                Err(now) => before = now,
            }
        }
        let waiter = if before & WAITER != 0 { entry.take_waker() } else { None };
        entry.tell(claims, tell);
        // SAFETY: this is the end of the kernel's half.
        unsafe { let_go(entry.block, KERNEL) };
        // The block is not touched any more, and a lender may go as soon as the tally falls.
        Landing::Told(waiter, tally.and_then(|tally| tally.leave()))
    }

    /// The end of an operation whose block lives on this thread, and whose program's half is there.
    /// That half may be on another thread, which touches the state once it sees LANDED: so LANDED
    /// comes last, in the one store that gives up the claims.
    #[inline]
    fn tell_here(
        &self,
        claims: u32,
        before: u32,
        tally: Option<Arc<Tally>>,
        tell: impl FnOnce(&Arc<dyn Holder>),
    ) -> Landing {
        let waiter = if before & WAITER != 0 { self.take_waker() } else { None };
        self.tell(claims, tell);
        self.block().state.store(before & !claims & !WAITER | LANDED, Ordering::Release);
        Landing::Told(waiter, tally.and_then(|tally| tally.leave()))
    }

    /// Tells the handle, if the line ends with this.
    #[inline]
    fn tell(&self, claims: u32, tell: impl FnOnce(&Arc<dyn Holder>)) {
        if claims & LISTED != 0 {
            // SAFETY: the line was consumed by the landing, and the kernel's half is still here.
            if let Some(holder) = unsafe { self.block().holder() } {
                tell(holder);
            }
        }
    }

    fn take_waker(&self) -> Option<Waker> {
        self.block().slot.with_mut(|slot| {
            // SAFETY: WAITER was set when LANDED was, or is set and this thread alone changes the
            // state, to LANDED next: the slot is the kernel's half's for good.
            let slot = unsafe { &mut *slot };
            slot.take()
        })
    }

    /// The 64 bits by which a kernel is to know the entry, which is then given away by
    /// [`Entry::give_away`].
    #[cfg(target_os = "linux")]
    #[inline]
    pub(crate) fn to_bits(&self) -> u64 {
        self.block.as_ptr().expose_provenance();
        self.id().to_bits()
    }

    /// A kernel knows the entry by its bits now. The claim to the block goes with them.
    #[cfg(target_os = "linux")]
    #[inline]
    pub(crate) fn give_away(self) {
        std::mem::forget(self);
    }

    /// Takes back an entry that was given away; `None` if the generation is not that block's, which
    /// means that the kernel answered twice.
    ///
    /// # Safety
    ///
    /// `bits` came from `to_bits` of an entry that was given away, and the kernel has said its last
    /// word about it.
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
    // SAFETY: `FillMany`, `DrainMany` and `Exchange` keep `count` pieces on the heap for as long as
    // the payload lives, and the callers bind the result to a borrow of the entry that owns it.
    unsafe { slice::from_raw_parts(first, count) }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let entry = Self { block: self.block };
        let name = entry.op().name();
        if cfg!(debug_assertions) {
            eprintln!("overlapped: a backend dropped a {name} operation without an answer");
        }
        let tally = entry.block().lender();
        match entry.end(KERNEL, tally, |_| {}) {
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
