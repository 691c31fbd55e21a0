//! Blocks that are not in use. Getting and putting one costs an uncontended lock; the heap is
//! asked only when more operations fly at once than ever before, or than [`KEPT`].

use std::ptr::NonNull;

use super::Block;
use crate::sync::{AtomicU32, Mutex, UnsafeCell, lock};

/// How many idle blocks are kept. The rest goes back to the heap, so a burst leaves no trace (C14).
const KEPT: usize = 1024;

struct Pool {
    idle: Mutex<Vec<Idle>>,
}

struct Idle(NonNull<Block>);

// SAFETY: an idle block has no owner but the pool, and holds nothing that minds its thread: body
// and slot are empty.
unsafe impl Send for Idle {}

#[cfg(not(loom))]
static POOL: Pool = Pool { idle: Mutex::new(Vec::new()) };

#[cfg(loom)]
loom::lazy_static! {
    static ref POOL: Pool = Pool { idle: Mutex::new(Vec::new()) };
}

/// A block that nobody else holds. Its state is 0 and its slot empty.
pub(super) fn get() -> NonNull<Block> {
    let idle = lock(&POOL.idle).pop();
    idle.map_or_else(allocate, |idle| idle.0)
}

/// Takes back a block that nobody else holds.
pub(super) fn put(block: NonNull<Block>) {
    let mut idle = lock(&POOL.idle);
    if idle.len() < KEPT {
        if idle.capacity() == 0 {
            idle.reserve_exact(KEPT);
        }
        idle.push(Idle(block));
        return;
    }
    drop(idle);
    free(block);
}

fn allocate() -> NonNull<Block> {
    let block = Box::new(Block {
        state: AtomicU32::new(0),
        generation: UnsafeCell::new(0),
        slot: UnsafeCell::new(None),
        body: UnsafeCell::new(std::mem::MaybeUninit::uninit()),
    });
    NonNull::from(Box::leak(block))
}

fn free(block: NonNull<Block>) {
    // SAFETY: `allocate` made it from a box, and the caller gave up the only claim to it.
    drop(unsafe { Box::from_raw(block.as_ptr()) });
}

impl Drop for Pool {
    fn drop(&mut self) {
        for idle in lock(&self.idle).drain(..) {
            free(idle.0);
        }
    }
}
