//! Blocks that are not in use. Each thread keeps some of its own, so getting and putting one costs
//! neither a lock nor an atomic; what is too many for it goes to a shelf that all threads share,
//! and what is too many for that goes back to the heap.

use std::{
    ptr::NonNull,
    sync::atomic::{AtomicU16, Ordering::Relaxed},
};

use super::Block;
use crate::sync::{AtomicU32, Mutex, UnsafeCell, lock};

/// How many idle blocks the shelf holds. A burst of operations leaves no trace (C14).
const KEPT: usize = 1024;

/// The generation that the next new block begins with: far from those of the blocks before.
static FIRST: AtomicU16 = AtomicU16::new(0);

struct Idle(NonNull<Block>);

// SAFETY: an idle block has no owner but the pool, and holds nothing that minds its thread: body,
// note and slot are empty.
unsafe impl Send for Idle {}

struct Shelf {
    idle: Mutex<Vec<Idle>>,
}

impl Shelf {
    fn get(&self) -> Option<Idle> {
        lock(&self.idle).pop()
    }

    /// Takes what there is room for out of `blocks`, the last first; the rest is freed.
    fn put(&self, blocks: impl Iterator<Item = Idle>) {
        let mut idle = lock(&self.idle);
        let mut blocks = blocks.fuse();
        if idle.capacity() == 0 {
            idle.reserve_exact(KEPT);
        }
        let room = KEPT - idle.len();
        idle.extend(blocks.by_ref().take(room));
        drop(idle);
        blocks.for_each(|idle| free(idle.0));
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        for idle in lock(&self.idle).drain(..) {
            free(idle.0);
        }
    }
}

/// A block that nobody else holds. Its state is 0 and its slot empty.
#[inline]
pub(super) fn get() -> NonNull<Block> {
    mine::get().map_or_else(allocate, |idle| idle.0)
}

/// Takes back a block that nobody else holds.
#[inline]
pub(super) fn put(block: NonNull<Block>) {
    mine::put(Idle(block));
}

#[cfg(not(loom))]
mod mine {
    use std::cell::RefCell;

    use super::{Idle, Mutex, Shelf, free};

    pub(super) static SHELF: Shelf = Shelf { idle: Mutex::new(Vec::new()) };

    /// How many idle blocks a thread keeps, and how many it hands over at a time.
    const MINE: usize = 128;
    const HANDFUL: usize = 64;

    /// One thread's blocks; they go to the shelf with the thread.
    struct Drawer(Vec<Idle>);

    thread_local! {
        static DRAWER: RefCell<Drawer> = const { RefCell::new(Drawer(Vec::new())) };
    }

    #[inline]
    pub(super) fn get() -> Option<Idle> {
        let mine = DRAWER.try_with(|drawer| drawer.borrow_mut().0.pop());
        mine.ok().flatten().or_else(|| SHELF.get())
    }

    #[inline]
    pub(super) fn put(idle: Idle) {
        let mut idle = Some(idle);
        let kept = DRAWER.try_with(|drawer| drawer.borrow_mut().put(idle.take()));
        if kept.is_err() {
            // The thread's locals are gone.
            idle.into_iter().for_each(|idle| free(idle.0));
        }
    }

    impl Drawer {
        fn put(&mut self, idle: Option<Idle>) {
            if self.0.len() == MINE {
                SHELF.put(self.0.drain(MINE - HANDFUL..));
            }
            if self.0.capacity() == 0 {
                self.0.reserve_exact(MINE);
            }
            self.0.extend(idle);
        }
    }

    impl Drop for Drawer {
        fn drop(&mut self) {
            SHELF.put(self.0.drain(..));
        }
    }
}

/// loom explores the shelf alone: a thread's own blocks are no matter of orderings.
#[cfg(loom)]
mod mine {
    use super::{Idle, Mutex, Shelf};

    loom::lazy_static! {
        static ref SHELF: Shelf = Shelf { idle: Mutex::new(Vec::new()) };
    }

    #[inline]
    pub(super) fn get() -> Option<Idle> {
        SHELF.get()
    }

    #[inline]
    pub(super) fn put(idle: Idle) {
        SHELF.put(std::iter::once(idle));
    }
}

fn allocate() -> NonNull<Block> {
    // [C13] a block that the heap puts where another one was has not the other's identities.
    let generation = FIRST.fetch_add(0x9e37, Relaxed);
    let block = Box::new(Block {
        state: AtomicU32::new(0),
        key: std::sync::atomic::AtomicU32::new(u32::MAX),
        thread: std::sync::atomic::AtomicU32::new(0),
        marks: UnsafeCell::new(super::Marks::default()),
        head: UnsafeCell::new(super::Head { generation, ..super::Head::default() }),
        op: UnsafeCell::new(std::mem::MaybeUninit::uninit()),
        slot: UnsafeCell::new(None),
        tally: UnsafeCell::new(None),
        note: UnsafeCell::new(std::mem::MaybeUninit::uninit()),
        scratch: UnsafeCell::new(super::Scratch::new()),
        body: UnsafeCell::new(std::mem::MaybeUninit::uninit()),
    });
    NonNull::from(Box::leak(block))
}

fn free(block: NonNull<Block>) {
    // SAFETY: `allocate` made it from a box, and the caller gave up the only claim to it.
    drop(unsafe { Box::from_raw(block.as_ptr()) });
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::thread;

    use super::*;

    /// Where a block is, and its identity there.
    fn name(idle: &Idle) -> (usize, u64) {
        // SAFETY: the callers hold the block.
        let block = unsafe { idle.0.as_ref() };
        (idle.0.addr().get(), block.id().to_bits())
    }

    fn names(blocks: &[Idle]) -> Vec<(usize, u64)> {
        let mut names: Vec<_> = blocks.iter().map(name).collect();
        names.sort_unstable();
        names
    }

    fn some(count: usize) -> Vec<Idle> {
        (0..count).map(|_| Idle(get())).collect()
    }

    fn put_all(blocks: Vec<Idle>) {
        blocks.into_iter().for_each(|idle| put(idle.0));
    }

    // [C14] what one thread took and another gave back is whole, and goes to the shelf with that
    // thread. Other tests use the shelf, too, hence the trials.
    #[test]
    fn a_thread_gives_its_blocks_back() {
        let trial = || {
            let blocks = some(10);
            let mine = names(&blocks);
            let other = thread::spawn(move || {
                put_all(blocks);
                let again = some(10);
                let theirs = names(&again);
                put_all(again);
                theirs
            });
            assert_eq!(other.join().expect("no panic"), mine, "its own blocks come first");
            let shelf = names(&lock(&mine::SHELF.idle));
            mine.iter().all(|name| shelf.contains(name))
        };
        assert!((0..2000).any(|_| trial()), "a thread's blocks are lost with it");
    }

    // [C14] more than a thread and the shelf keep: no block is there twice, and the rest is freed.
    #[test]
    fn a_burst_of_blocks_leaves_no_trace() {
        let count = if cfg!(miri) { 150 } else { KEPT + 500 };
        for _ in 0..2 {
            let blocks = some(count);
            let mut places: Vec<_> = blocks.iter().map(|idle| idle.0).collect();
            places.sort_unstable();
            places.dedup();
            assert_eq!(places.len(), count, "one block for two operations");
            thread::spawn(move || put_all(blocks)).join().expect("no panic");
            assert!(lock(&mine::SHELF.idle).len() <= KEPT);
        }
    }

    // [C13] a new block may lie where a freed one lay, and is not mistaken for it.
    #[test]
    fn new_blocks_begin_with_other_generations() {
        let blocks: Vec<_> = (0..100).map(|_| Idle(allocate())).collect();
        let mut generations: Vec<_> = blocks.iter().map(|idle| name(idle).1 >> 48).collect();
        blocks.into_iter().for_each(|idle| free(idle.0));
        generations.sort_unstable();
        generations.dedup();
        assert_eq!(generations.len(), 100);
    }
}
