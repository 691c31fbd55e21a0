//! The start of an operation: a block, and its three owners.

use std::{
    marker::PhantomData,
    num::NonZeroU32,
    ptr::NonNull,
    sync::{Arc, atomic::Ordering::Relaxed},
};

use super::{
    Block, Body, Entry, Half, Lease, Line, Marks, Note, OWNERS, Scratch, Stage, Tally,
    payload::Payload, pool,
};
use crate::{
    buf::{
        Lend,
        lent::{Fixed, Memory},
    },
    op::{Op, Operation, Plan},
    sync::Ordering,
};

/// What starting an operation says of it, its payload aside.
pub(crate) struct Asked<'a> {
    /// It is copied once, from where it was made to the block.
    pub(crate) op: &'a Op,
    pub(crate) plan: Plan,
    /// The handle's place in the backend's table, if it is registered there.
    pub(crate) fixed: Option<Fixed>,
    pub(crate) note: Note,
    pub(crate) attended: bool,
    /// The thread that the operation's port belongs to, if it does.
    pub(crate) thread: Option<NonZeroU32>,
}

/// As the port asks it, with nothing noted but the handle.
#[cfg(test)]
pub(crate) fn asked(op: &Op, plan: Plan, holder: Option<Arc<dyn super::Holder>>) -> Asked<'_> {
    let note = Note { holder, started: 0, thread: std::thread::current().id() };
    Asked { op, plan, fixed: None, note, attended: false, thread: None }
}

/// The three owners of a block that is in flight.
pub(crate) struct Split<O: Operation> {
    pub(crate) half: Half<O>,
    pub(crate) entry: Entry,
    pub(crate) line: Line,
}

/// Starts an operation: one block, two halves and a line.
#[inline]
pub(crate) fn split<O: Operation + 'static>(asked: Asked<'_>, payload: O) -> Split<O> {
    split_any(asked, payload, None)
}

/// Starts an operation whose payload is only borrowed: the lease proves that somebody waits for
/// its landing before the borrow ends.
#[inline]
pub(crate) fn split_lent<'scope, O: Operation + 'scope>(
    lease: &'scope Lease<'scope, '_>,
    asked: Asked<'_>,
    payload: O,
) -> Split<O> {
    split_any(asked, payload, Some(lease.enter()))
}

#[inline]
fn split_any<O: Operation>(asked: Asked<'_>, payload: O, tally: Option<Arc<Tally>>) -> Split<O> {
    let Asked { op, plan, fixed, note, attended, thread } = asked;
    let block = pool::get();
    // SAFETY: the pool hands out living blocks that nobody else holds.
    let shared = unsafe { block.as_ref() };
    let len = shared.body.with_mut(|body| {
        // SAFETY: no half exists yet, so the body is ours.
        let body = unsafe { &mut *body };
        let body = body.write(Body {
            plan: plan.on(fixed),
            stage: Stage::Flying(Memory::None),
            payload: Payload::new(payload),
            origin: 0,
        });
        let undo = Undo::<O> { block, tally: tally.as_ref(), payload: PhantomData };
        // SAFETY: the payload was made from an `O` on the lines above.
        let placed = unsafe { body.payload.as_mut::<O>() };
        // The payload has reached its place and is not touched again until it is landed.
        let memory = placed.lend().memory().0;
        std::mem::forget(undo);
        body.stage = Stage::Flying(memory);
        memory.len()
    });
    shared.head.with_mut(|head| {
        // SAFETY: no owner exists yet.
        let head = unsafe { &mut *head };
        *head = head.lent(len);
    });
    shared.op.with_mut(|place| {
        // SAFETY: no owner exists yet.
        let place = unsafe { &mut *place };
        place.write(*op);
    });
    shared.tally.with_mut(|place| {
        // SAFETY: no owner exists yet.
        let place = unsafe { &mut *place };
        *place = tally;
    });
    shared.note.with_mut(|place| {
        // SAFETY: no owner exists yet.
        let place = unsafe { &mut *place };
        place.write(note);
    });
    shared.scratch.with_mut(|place| {
        // SAFETY: no owner exists yet.
        let place = unsafe { &mut *place };
        *place = Scratch::new();
    });
    shared.marks.with_mut(|place| {
        // SAFETY: no owner exists yet.
        let place = unsafe { &mut *place };
        *place = Marks { attended, ..Marks::default() };
    });
    shared.key.store(u32::MAX, Relaxed);
    shared.thread.store(thread.map_or(0, NonZeroU32::get), Relaxed);
    shared.state.store(OWNERS, Ordering::Relaxed);
    Split { half: Half::new(block), entry: Entry::new(block), line: Line::new(block) }
}

/// Takes a start back: a buffer of the user's panicked when it was asked for its bytes.
struct Undo<'a, O: Operation> {
    block: NonNull<Block>,
    tally: Option<&'a Arc<Tally>>,
    payload: PhantomData<O>,
}

impl<O: Operation> Drop for Undo<'_, O> {
    fn drop(&mut self) {
        // SAFETY: the pool handed the block out, and no half has been made of it.
        let block = unsafe { self.block.as_ref() };
        let request = block.body.with_mut(|body| {
            // SAFETY: no half exists, so the body is ours; the borrow of the start is over.
            let body = unsafe { &mut *body };
            // SAFETY: the body was written before the undo was made.
            let body = unsafe { body.assume_init_mut() };
            // SAFETY: the payload was made from an `O`, and is taken once.
            unsafe { body.payload.take::<O>() }
        });
        pool::put(self.block);
        drop(self.tally.and_then(|tally| tally.leave()));
        drop(request);
    }
}
