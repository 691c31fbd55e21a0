//! The I/O control block: the cell that program and kernel share, and its two halves.
//!
//! Starting an operation builds one block and splits it into two owned values: [`Half`] goes to
//! the program, [`Entry`] to the backend. Neither can be copied. The block holds what was asked,
//! the payload (buffer, path, …) and, in the end, the answer; it goes back to the pool when both
//! halves are gone. So the cardinal rule of overlapped I/O is not a rule that someone must follow:
//! memory is reached only *through* an `Entry`, and completing consumes the `Entry` (C1, C2).
//!
//! | state  | program's half  | kernel's half | resources belong to | next |
//! |--------|-----------------|---------------|---------------------|------|
//! | flying | holds           | holds         | kernel  | land → landed; drop `Half` → orphan |
//! | landed | holds           | gone          | program | take → taken; drop → its will, then recycled |
//! | orphan | gone            | holds         | kernel  | land → its will, then recycled |
//! | taken  | holds the shell | gone          | caller  | (at once) recycled |
//!
//! A *will* is [`Operation::abandoned`]: what becomes of an outcome that nobody takes. It runs on
//! whichever thread finds the outcome abandoned, with no lock held.
//!
//! The state is one word of four bits. `PROGRAM` and `KERNEL` say which halves exist, `LANDED`
//! that the answer is there, `WAITER` that the program left a waker in the slot.
//!
//! * The *body* (request, payload, answer) belongs to the kernel's half until `LANDED` is set,
//!   then to the program's half if there is one, else still to the kernel's.
//! * The *slot* belongs to the program's half while `WAITER` and `LANDED` are clear. Setting
//!   `WAITER` lends it to the kernel's half. Clearing `WAITER` before `LANDED` takes it back;
//!   setting `LANDED` after `WAITER` gives it to the kernel's half for good.
//! * The last touch of a block by either half is one atomic read-modify-write; whoever finds the
//!   other half gone recycles the block. No lock inside a block guards its own death.
//! * First the will (user destructors), then the tally of a scope, then nothing.
//!
//! A block's [`Id`] is its address and a generation that changes at each recycling, so a late
//! completion never reaches a reused block and a late cancel never hits a successor (C13).
#![allow(unsafe_code, reason = "two owners share one block, as the table above says")]

mod entry;
mod half;
mod payload;
mod pool;
mod tally;

#[cfg(all(test, loom))]
mod models;
#[cfg(all(test, not(loom)))]
mod tests;

pub use entry::Entry;
pub(crate) use entry::{Landing, Orphan};
pub(crate) use half::Half;
pub(crate) use tally::{Lease, Tally, lease};

use std::{fmt, marker::PhantomData, mem::MaybeUninit, ptr::NonNull, sync::Arc, task::Waker};

use crate::{
    buf::{Lend, lent::Memory},
    error::Cause,
    op::{Cancel, Op, Operation, Outcome, Plan, Value},
    sync::{AtomicU32, Ordering, UnsafeCell},
};
use payload::Payload;

const PROGRAM: u32 = 1;
const KERNEL: u32 = 2;
const LANDED: u32 = 4;
const WAITER: u32 = 8;

/// The identity of one operation: its block's address (bits 6 to 47) and generation (bits 48 to
/// 63). The low six bits are zero, free for a backend's own tags.
///
/// An `Id` names a block but gives no access to it. A generation is 16 bits wide: a stale `Id`
/// could be mistaken only after exactly 65,536 reuses of one block, while cancels travel in the
/// same queue as entries and are gone long before.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(u64);

const ADDRESS: u64 = 0x0000_FFFF_FFFF_FFC0;

impl Id {
    fn new(block: NonNull<Block>, generation: u16) -> Self {
        let address = block.addr().get() as u64;
        assert_eq!(address & !ADDRESS, 0, "a block lies in the lower 48 bits, 64-aligned");
        Self(address | (u64::from(generation) << 48))
    }

    /// The 64 bits, for a kernel that hands them back.
    pub fn to_bits(self) -> u64 {
        self.0
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({:#x}.{})", self.0 & ADDRESS, self.0 >> 48)
    }
}

#[repr(align(64))]
struct Block {
    state: AtomicU32,
    /// Changed only while nobody else holds the block.
    generation: UnsafeCell<u16>,
    slot: UnsafeCell<Option<Waker>>,
    /// Initialised from `split` until the last half is gone; holds nothing that needs dropping
    /// once the payload is taken and the answer read.
    body: UnsafeCell<MaybeUninit<Body>>,
}

struct Body {
    op: Op,
    plan: Plan,
    memory: Memory,
    payload: Payload,
    tally: Option<Arc<Tally>>,
    answer: Option<Result<Value, Cause>>,
    backend: &'static str,
    cancel: Cancel,
    key: u32,
    /// The byte of its stream at which a read began.
    origin: u64,
}

impl Body {
    fn outcome(&mut self) -> Outcome {
        Outcome {
            answer: self.answer.take().unwrap_or(Err(Cause::Abandoned)),
            op: self.op,
            moved: self.plan.moved,
            origin: self.origin,
            whole: self.plan.is_whole(),
            backend: self.backend,
            cancel: self.cancel,
        }
    }
}

/// Starts an operation: one block, two halves.
pub(crate) fn split<O: Operation + 'static>(op: Op, plan: Plan, payload: O) -> (Half<O>, Entry) {
    split_any(op, plan, payload, None)
}

/// Starts an operation whose payload is only borrowed: the lease proves that somebody waits for
/// its landing before the borrow ends.
pub(crate) fn split_lent<'scope, O: Operation + 'scope>(
    lease: &'scope Lease<'scope, '_>,
    op: Op,
    plan: Plan,
    payload: O,
) -> (Half<O>, Entry) {
    split_any(op, plan, payload, Some(lease.enter()))
}

fn split_any<O: Operation>(
    op: Op,
    plan: Plan,
    payload: O,
    tally: Option<Arc<Tally>>,
) -> (Half<O>, Entry) {
    let block = pool::get();
    // SAFETY: the pool hands out living blocks that nobody else holds.
    let shared = unsafe { block.as_ref() };
    shared.body.with_mut(|body| {
        // SAFETY: no half exists yet, so the body is ours.
        let body = unsafe { &mut *body };
        let body = body.write(Body {
            op,
            plan,
            memory: Memory::None,
            payload: Payload::new(payload),
            tally,
            answer: None,
            backend: "",
            cancel: Cancel::None,
            key: 0,
            origin: 0,
        });
        let undo = Undo::<O>(block, PhantomData);
        // SAFETY: the payload was made from an `O` on the lines above.
        let placed = unsafe { body.payload.as_mut::<O>() };
        // The payload has reached its place and is not touched again until it is landed.
        body.memory = placed.lend().memory().0;
        std::mem::forget(undo);
    });
    shared.state.store(PROGRAM | KERNEL, Ordering::Relaxed);
    (Half::new(block), Entry::new(block))
}

/// Takes a start back: a buffer of the user's panicked when it was asked for its bytes.
struct Undo<O: Operation>(NonNull<Block>, PhantomData<O>);

impl<O: Operation> Drop for Undo<O> {
    fn drop(&mut self) {
        // SAFETY: the pool handed the block out, and no half has been made of it.
        let block = unsafe { self.0.as_ref() };
        let request = block.body.with_mut(|body| {
            // SAFETY: no half exists, so the body is ours; the borrow of the start is over.
            let body = unsafe { &mut *body };
            // SAFETY: the body was written before the undo was made.
            let body = unsafe { body.assume_init_mut() };
            drop(body.tally.take().and_then(|tally| tally.leave()));
            // SAFETY: the payload was made from an `O`, and is taken once.
            unsafe { body.payload.take::<O>() }
        });
        // SAFETY: no half exists.
        unsafe { recycle(self.0) };
        drop(request);
    }
}

/// Gives a block back to the pool under a new generation.
///
/// # Safety
///
/// Both halves are gone, and the caller's read-modify-write found out: nobody else holds `block`.
unsafe fn recycle(block: NonNull<Block>) {
    // [C13] the next operation in this block has another identity.
    // SAFETY: the block lives, and by contract it is ours alone.
    let shared = unsafe { block.as_ref() };
    shared.generation.with_mut(|generation| {
        // SAFETY: nobody else holds the block.
        let generation = unsafe { &mut *generation };
        *generation = generation.wrapping_add(1);
    });
    shared.state.store(0, Ordering::Relaxed);
    pool::put(block);
}
