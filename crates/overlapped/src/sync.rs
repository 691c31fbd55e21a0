//! The switch between `std` and the model checker `loom`.
//!
//! What `loom` explores ([`iocb`](crate::iocb) and the queue into a port) takes its atomics, cells
//! and locks from here; everything else uses `std`. A lock is taken by [`lock`], which ignores
//! poisoning: no user code runs under a lock of ours (C11), so a poisoned lock holds nothing torn.

mod guarded;
#[cfg(all(windows, not(loom)))]
mod slot;

pub(crate) use guarded::{Guard, Guarded};

#[cfg(not(loom))]
use std::sync::atomic::fence;
#[cfg(not(loom))]
pub(crate) use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

#[cfg(loom)]
use loom::sync::atomic::fence;
#[cfg(loom)]
pub(crate) use loom::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

#[cfg(loom)]
pub(crate) use loom::cell::UnsafeCell;

#[cfg(not(loom))]
pub(crate) use cell::UnsafeCell;

#[cfg(not(loom))]
use std::sync::atomic::AtomicU64;
use std::{cell::Cell, sync::PoisonError};

/// Stands between a `SeqCst` store and a `SeqCst` load that must not trade places. The accesses see
/// to that by themselves, but loom takes them for `AcqRel` ones, and knows such an order from
/// fences only.
#[inline]
pub(crate) fn in_this_order() {
    #[cfg(loom)]
    loom::sync::atomic::fence(Ordering::SeqCst);
}

/// As [`in_this_order`], between accesses that do not see to it by themselves.
#[inline]
pub(crate) fn in_this_order_always() {
    fence(Ordering::SeqCst);
}

/// Locks `mutex`, poisoned or not.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The calling thread's number, which no other thread ever has, and which stays with it to the end,
/// the destructors of its locals included.
#[cfg(not(loom))]
#[inline]
pub(crate) fn this_thread() -> u64 {
    thread_local! {
        static MINE: Cell<u64> = const { Cell::new(0) };
    }
    MINE.with(|mine| {
        if mine.get() == 0 {
            mine.set(number());
        }
        mine.get()
    })
}

/// A number for a thread that has none yet.
#[cfg(not(any(windows, loom)))]
fn number() -> u64 {
    next_number()
}

/// A number for a thread that has none yet, or its number if it has lost its thread-local.
#[cfg(all(windows, not(loom)))]
fn number() -> u64 {
    if slot::get() == 0 {
        slot::set(next_number());
    }
    slot::get()
}

#[cfg(not(loom))]
fn next_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

#[cfg(loom)]
loom::thread_local! {
    static MINE: Cell<u64> = Cell::new(1);
}

/// The number of the calling thread of a model: 1 unless it says otherwise.
#[cfg(loom)]
pub(crate) fn this_thread() -> u64 {
    MINE.with(Cell::get)
}

/// The calling thread of a model is another one than its first.
#[cfg(loom)]
pub(crate) fn become_thread(number: u64) {
    MINE.with(|mine| mine.set(number));
}

#[cfg(not(loom))]
mod cell {
    /// `std`'s cell with `loom`'s interface: the pointer is lent to a closure, so that `loom` can
    /// see how long an access lasts.
    #[derive(Debug)]
    #[repr(transparent)]
    pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(std::cell::UnsafeCell::new(value))
        }

        #[inline]
        pub(crate) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
            f(self.0.get())
        }

        #[inline]
        pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::{cell::RefCell, sync::mpsc, thread};

    use super::*;

    /// Tells the number of the thread in which it is dropped.
    struct Tell(mpsc::Sender<u64>);

    impl Drop for Tell {
        fn drop(&mut self) {
            self.0.send(this_thread()).expect("somebody listens");
        }
    }

    thread_local! {
        static FIRST: RefCell<Option<Tell>> = const { RefCell::new(None) };
        static LAST: RefCell<Option<Tell>> = const { RefCell::new(None) };
    }

    #[test]
    fn a_thread_keeps_its_number_while_its_locals_are_destroyed() {
        let (tell, told) = mpsc::channel();
        let number = thread::spawn(move || {
            FIRST.set(Some(Tell(tell.clone())));
            let number = this_thread();
            LAST.set(Some(Tell(tell)));
            number
        });
        let number = number.join().expect("no panic");
        assert_eq!(told.iter().collect::<Vec<_>>(), [number; 2]);
        assert_ne!(thread::spawn(this_thread).join().expect("no panic"), number);
    }
}
