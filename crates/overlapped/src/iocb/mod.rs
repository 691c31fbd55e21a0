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
//! A *will* is [`abandoned`](crate::op::Operation::abandoned): what becomes of an outcome that
//! nobody takes. It runs on whichever thread finds the outcome abandoned, with no lock held.
//!
//! The port keeps its book in the blocks, too: what it must know of an operation in flight is that
//! operation's [`Line`], which is made with the halves and goes with the entry. Landing consumes
//! both, so the book never has a line about something that is over.
//!
//! The state is one word of five bits. `PROGRAM`, `KERNEL` and `LISTED` say which of the two halves
//! and the line exist, `LANDED` that the answer is there, `WAITER` that the program left a waker in
//! the slot.
//!
//! * The *body* (request, payload, answer) belongs to the kernel's half until `LANDED` is set,
//!   then to the program's half if there is one, else still to the kernel's.
//! * The *note* and the *marks* belong to the line while `LISTED` is set. Afterwards the halves
//!   that are left may read them, and they go with the block.
//! * The *scratch* is the kernel's half's, and the OS's while that has the operation. Afterwards it
//!   is read by who has the body.
//! * *Head*, *op* and *tally* are read by all and written only while nobody else holds the block.
//! * The *slot* belongs to the program's half while `WAITER` and `LANDED` are clear. Setting
//!   `WAITER` lends it to the kernel's half. Clearing `WAITER` before `LANDED` takes it back;
//!   setting `LANDED` after `WAITER` gives it to the kernel's half for good.
//! * The last touch of a block by an owner is one atomic read-modify-write, or a look that finds
//!   every other owner gone; whoever finds that recycles the block. No lock inside a block guards
//!   its own death.
//! * A block may *live on a thread*: that of a port which has no other. Then that thread alone
//!   changes the state, by a load and a store, and what another one holds of the block waits for it
//!   ([`Left::Elsewhere`](half::Left), [`Stray`]), unless the operation has landed: the one store
//!   that sets `LANDED` gives up the kernel's half and the line, too, and is their last touch. A
//!   change that comes from elsewhere all the same (a faulty backend) may be lost, which brings a
//!   claim back and leaks the block; it never frees one.
//! * First the will (user destructors), then the tally of a scope, then nothing.
//!
//! A block's [`Id`] is its address and a generation that changes at each recycling, so a late
//! completion never reaches a reused block and a late cancel never hits a successor (C13).
#![allow(unsafe_code, reason = "two owners share one block, as the table above says")]

mod entry;
mod half;
mod line;
mod payload;
mod pool;
mod scratch;
mod split;
mod state;
mod tally;

#[cfg(all(test, loom))]
mod models;
#[cfg(all(test, not(loom)))]
mod tests;

pub use entry::Entry;
pub(crate) use entry::{Landing, Orphan};
pub(crate) use half::{Half, Left, Stray};
pub(crate) use line::{Holder, Line, Note, Parting};
#[cfg(test)]
pub(crate) use split::asked;
pub(crate) use split::{Asked, Split, split, split_lent};
pub(crate) use tally::{Lease, Tally, lease};

use std::{
    fmt,
    mem::{self, MaybeUninit},
    ptr::NonNull,
    sync::{Arc, atomic},
    task::Waker,
};

use crate::{
    buf::lent::Memory,
    error::{Cause, NtStatus},
    op::{About, Cancel, Op, Outcome, Plan, Value},
    sync::{AtomicU32, Ordering, UnsafeCell},
};
use payload::Payload;
use scratch::Scratch;

const PROGRAM: u32 = 1;
const KERNEL: u32 = 2;
const LANDED: u32 = 4;
const WAITER: u32 = 8;
const LISTED: u32 = 16;
/// Who may hold a block.
const OWNERS: u32 = PROGRAM | KERNEL | LISTED;

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

#[repr(C, align(64))]
struct Block {
    state: AtomicU32,
    /// The number of the line in the book; no more than a hint to who has no claim to the line.
    key: atomic::AtomicU32,
    /// The thread that the block lives on; 0 if on none. Written as the head is.
    thread: atomic::AtomicU32,
    marks: UnsafeCell<Marks>,
    head: UnsafeCell<Head>,
    /// What was asked; initialised from `split` on.
    op: UnsafeCell<MaybeUninit<Op>>,
    slot: UnsafeCell<Option<Waker>>,
    tally: UnsafeCell<Option<Arc<Tally>>>,
    /// Initialised from `split` until the block is recycled.
    note: UnsafeCell<MaybeUninit<Note>>,
    scratch: UnsafeCell<Scratch>,
    /// Initialised from `split` until the last half is gone; holds nothing that needs dropping
    /// once the payload is taken and the answer read.
    body: UnsafeCell<MaybeUninit<Body>>,
}

// A hundred thousand operations in flight are a hundred thousand blocks: three cache lines each.
#[cfg(all(target_os = "linux", target_pointer_width = "64", not(loom)))]
const _: () = assert!(size_of::<Block>() == 192);

/// The generation, and how many bytes were lent: 48 bits of it.
#[derive(Clone, Copy, Default)]
struct Head {
    generation: u16,
    len: [u16; 3],
}

impl Head {
    fn lent(self, len: usize) -> Self {
        let len = (len as u64).min((1 << 48) - 1);
        Self { len: [len as u16, (len >> 16) as u16, (len >> 32) as u16], ..self }
    }

    fn len(self) -> usize {
        let [low, middle, high] = self.len.map(u64::from);
        (low | (middle << 16) | (high << 32)) as usize
    }
}

struct Body {
    plan: Plan,
    stage: Stage,
    payload: Payload,
    /// The byte of its stream at which a read began.
    origin: u64,
}

enum Stage {
    Flying(Memory),
    /// The OS has said its last word.
    Answered(Result<Value, Cause>),
}

/// What has happened to an operation in flight; of the line, as the note is.
#[derive(Clone, Copy, Default)]
pub(crate) struct Marks {
    /// It was asked to stop.
    pub(crate) cancelled: bool,
    /// The port asked, because it is being closed.
    pub(crate) recalled: bool,
    /// It must be served without anybody blocking for it.
    pub(crate) attended: bool,
}

impl Block {
    #[inline]
    fn id(&self) -> Id {
        Id::new(NonNull::from(self), self.head().generation)
    }

    #[inline]
    fn head(&self) -> Head {
        self.head.with(|head| {
            // SAFETY: whoever has a reference to the block holds it, or a claim to one that is
            // held; the head is written only while nobody else does.
            unsafe { *head }
        })
    }

    #[inline]
    fn op(&self) -> &Op {
        self.op.with(|op| {
            // SAFETY: as for the head.
            let op = unsafe { &*op };
            // SAFETY: `split` initialised it before it made any owner.
            unsafe { op.assume_init_ref() }
        })
    }
}

impl Block {
    /// The scope that has lent its memory.
    #[inline]
    fn lender(&self) -> Option<Arc<Tally>> {
        self.tally.with(|tally| {
            // SAFETY: it is written only while nobody else holds the block, as the head is.
            let tally = unsafe { &*tally };
            tally.clone()
        })
    }

    /// Whether it was asked to stop, as an outcome tells it. What a faulty backend let go of has
    /// its line still, and tells nothing of it.
    ///
    /// # Safety
    ///
    /// `state` was read with acquire ordering, and the caller holds the block.
    #[inline]
    unsafe fn cancel(&self, state: u32) -> Cancel {
        if state & LISTED != 0 {
            return Cancel::None;
        }
        self.marks.with(|marks| {
            // SAFETY: without the line nobody writes the marks.
            let marks = unsafe { *marks };
            marks.cancel()
        })
    }

    /// What the OS has said last of the operation.
    ///
    /// # Safety
    ///
    /// The operation is over, and the caller has the body.
    #[inline]
    unsafe fn status(&self) -> NtStatus {
        self.scratch.with(|scratch| {
            // SAFETY: nobody writes it any more.
            let scratch = unsafe { &*scratch };
            scratch.status()
        })
    }

    /// The handle that the operation belongs to.
    ///
    /// # Safety
    ///
    /// The line is gone, and the caller holds the block for as long as it uses the result.
    #[inline]
    unsafe fn holder(&self) -> Option<&Arc<dyn Holder>> {
        self.note.with(|note| {
            // SAFETY: without the line nobody writes the note.
            let note = unsafe { &*note };
            // SAFETY: it is initialised until the block is recycled.
            let note = unsafe { note.assume_init_ref() };
            note.holder.as_ref()
        })
    }
}

impl Marks {
    /// Who asked it to stop.
    #[inline]
    fn cancel(self) -> Cancel {
        match self {
            Self { cancelled: false, .. } => Cancel::None,
            Self { recalled: false, .. } => Cancel::ByProgram,
            Self { recalled: true, .. } => Cancel::ByPort,
        }
    }
}

impl Body {
    /// Has `make` make something of the payload and of what has become of the operation.
    ///
    /// Nearly every answer is a count. It is passed on as a number: an answer that is moved about
    /// as a whole is read back in other pieces than it was written, and the processor waits for
    /// that.
    #[inline]
    fn open<'a, R>(
        &'a mut self,
        op: &'a Op,
        backend: &'static str,
        cancel: Cancel,
        status: NtStatus,
        make: impl FnOnce(&mut Payload, Outcome<'a>) -> R,
    ) -> R {
        let Self { plan, stage, payload, origin } = self;
        let about = About { op, plan, origin: *origin, backend, cancel, status };
        match stage {
            Stage::Answered(Ok(Value::Count(n))) => {
                make(payload, Outcome { answer: Ok(Value::Count(*n)), about })
            }
            stage => make(payload, Outcome { answer: stage.take(), about }),
        }
    }
}

impl Stage {
    /// The last word, once.
    #[cold]
    fn take(&mut self) -> Result<Value, Cause> {
        match mem::replace(self, Self::Flying(Memory::None)) {
            Self::Answered(answer) => answer,
            // A backend let go of it.
            Self::Flying(_) => Err(Cause::Abandoned),
        }
    }
}

/// Gives up an owner's claims; recycles the block if there is no other owner.
///
/// # Safety
///
/// The caller holds the claims named by `claims`, and uses none of them afterwards.
#[inline]
unsafe fn let_go(block: NonNull<Block>, claims: u32) {
    // SAFETY: the block lives while anybody holds it, and the caller does.
    let shared = unsafe { block.as_ref() };
    let before = shared.subtract(claims);
    if before & OWNERS & !claims == 0 {
        // SAFETY: the read-modify-write above found that there is no other owner.
        unsafe { recycle(block) };
    }
}

/// Gives a block back to the pool under a new generation.
///
/// # Safety
///
/// No owner is left but the caller, who has seen so with acquire ordering.
#[inline]
unsafe fn recycle(block: NonNull<Block>) {
    // [C13] the next operation in this block has another identity.
    // SAFETY: the block lives, and by contract it is ours alone.
    let shared = unsafe { block.as_ref() };
    shared.head.with_mut(|head| {
        // SAFETY: nobody else holds the block.
        let head = unsafe { &mut *head };
        head.generation = head.generation.wrapping_add(1);
    });
    shared.tally.with_mut(|tally| {
        // SAFETY: nobody else holds the block.
        let tally = unsafe { &mut *tally };
        drop(tally.take());
    });
    let note = shared.note.with_mut(|note| {
        // SAFETY: nobody else holds the block.
        let note = unsafe { &mut *note };
        // SAFETY: `split` initialised it, and it is read once.
        unsafe { note.assume_init_read() }
    });
    shared.state.store(0, Ordering::Relaxed);
    pool::put(block);
    // The handle may be closed by this.
    drop(note);
}
