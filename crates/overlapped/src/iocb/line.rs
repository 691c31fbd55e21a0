use std::{
    mem,
    ops::{Deref, DerefMut},
    ptr::NonNull,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::Waker,
    thread::ThreadId,
};

use super::{Block, Entry, Id, LISTED, Marks, Tally, WAITER, let_go};
use crate::op::{Heir, Op};

/// The handle that an operation belongs to. Called with no lock held.
pub(crate) trait Holder: Send + Sync {
    /// One of its operations is being started.
    fn started(&self);

    /// One of its operations has landed, after so many bytes had moved. Runs no user code.
    fn landed(&self, id: Id, moved: usize) -> Parting;

    /// Goes on with what is queued at the handle.
    fn resume(&self) {}

    /// Gives back an operation that is still queued at the handle.
    fn withdraw(&self, id: Id) -> Option<Entry> {
        let _ = id;
        None
    }

    /// Who inherits what nobody takes.
    fn heir(&self) -> &dyn Heir;
}

/// What a landing has left to do at the handle, once no lock is held.
#[derive(Default)]
pub(crate) struct Parting {
    /// Who waits until nothing flies on it.
    pub(crate) waker: Option<Waker>,
    /// Something is queued, and may go on.
    pub(crate) resume: bool,
}

/// What the port notes about an operation in flight.
pub(crate) struct Note {
    /// The handle it belongs to, which stays open until its outcome is taken.
    pub(crate) holder: Option<Arc<dyn Holder>>,
    /// When it was started: nanoseconds of the shard's own time.
    pub(crate) started: u64,
    pub(crate) thread: ThreadId,
}

impl Note {
    /// Whether it belongs to this handle.
    pub(crate) fn is_of(&self, holder: &Arc<impl Holder + 'static>) -> bool {
        let held = self.holder.as_ref().map(|held| Arc::as_ptr(held).cast::<()>());
        held == Some(Arc::as_ptr(holder).cast())
    }
}

/// One line of a port's book: what the port notes about one operation in flight, kept in the
/// operation's own block.
///
/// It lives from the start to the landing, which consumes it together with the entry. A line
/// whose entry was dropped by a faulty backend stays, and keeps the block, until it is dropped.
pub(crate) struct Line {
    pub(super) block: NonNull<Block>,
}

// SAFETY: a line gives access to its note and to what never changes in flight, all of it `Send`.
unsafe impl Send for Line {}

impl Line {
    #[inline]
    pub(super) fn new(block: NonNull<Block>) -> Self {
        Self { block }
    }

    #[inline]
    fn block(&self) -> &Block {
        // SAFETY: a block lives while anybody holds it, and the line is one of those.
        unsafe { self.block.as_ref() }
    }

    #[inline]
    pub(crate) fn id(&self) -> Id {
        self.block().id()
    }

    /// The operation as it was asked for, whatever its current step.
    #[inline]
    pub(crate) fn op(&self) -> &Op {
        self.block().op()
    }

    /// How many bytes of memory it was lent.
    pub(crate) fn len(&self) -> usize {
        self.block().head().len()
    }

    #[inline]
    pub(crate) fn marks(&self) -> Marks {
        self.block().marks.with(|marks| {
            // SAFETY: the marks are the line's own.
            unsafe { *marks }
        })
    }

    #[inline]
    pub(crate) fn marks_mut(&mut self) -> &mut Marks {
        self.block().marks.with_mut(|marks| {
            // SAFETY: the marks are the line's own, and it is borrowed exclusively.
            unsafe { &mut *marks }
        })
    }

    /// Leaves a waker in the stead of the program's half, which is on another thread than the one
    /// that the block lives on: the calling one. The waker that was there before.
    pub(crate) fn leave(&mut self, waker: Waker) -> Option<Waker> {
        let block = self.block();
        assert!(block.is_here(), "a waker is left in another's stead where the block lives");
        let before = block.reclaim_slot();
        let old = block.slot.with_mut(|slot| {
            // SAFETY: this thread alone changes the state, which says that the operation flies and
            // that the slot is not lent; the program's half is elsewhere and does not touch it.
            let slot = unsafe { &mut *slot };
            slot.replace(waker)
        });
        let _flying = block.change(before & !WAITER, before | WAITER);
        old
    }

    /// Notes the line's number where the halves can see it.
    pub(crate) fn set_key(&self, key: u32) {
        self.block().key.store(key, Relaxed);
    }

    /// Whether this scope has lent it its memory.
    pub(crate) fn is_lent(&self, tally: &Arc<Tally>) -> bool {
        self.block().tally.with(|lent| {
            // SAFETY: it is written only while nobody else holds the block, as the head is.
            let lent = unsafe { &*lent };
            lent.as_ref().is_some_and(|lent| Arc::ptr_eq(lent, tally))
        })
    }

    /// The line ends, and the caller clears `LISTED`.
    #[inline]
    pub(super) fn end(self) {
        mem::forget(self);
    }
}

impl Deref for Line {
    type Target = Note;

    #[inline]
    fn deref(&self) -> &Note {
        self.block().note.with(|note| {
            // SAFETY: while the line exists the note is its own.
            let note = unsafe { &*note };
            // SAFETY: `split` initialised it.
            unsafe { note.assume_init_ref() }
        })
    }
}

impl DerefMut for Line {
    #[inline]
    fn deref_mut(&mut self) -> &mut Note {
        self.block().note.with_mut(|note| {
            // SAFETY: while the line exists the note is its own, and it is borrowed exclusively.
            let note = unsafe { &mut *note };
            // SAFETY: `split` initialised it.
            unsafe { note.assume_init_mut() }
        })
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // SAFETY: the line is not used any more.
        unsafe { let_go(self.block, LISTED) };
    }
}
