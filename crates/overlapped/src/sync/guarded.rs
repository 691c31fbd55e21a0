//! A lock that costs nothing where one thread owns what it guards.
#![allow(unsafe_code, reason = "what one thread owns needs no atomics, and no safe type says so")]

use std::{
    cell::{Cell, UnsafeCell},
    marker::PhantomData,
    ops::{Deref, DerefMut},
    sync::PoisonError,
};

use super::{Mutex, MutexGuard, lock, this_thread};

/// A value that all threads share, one at a time, or that one thread owns.
pub(crate) enum Guarded<T> {
    Shared(Mutex<T>),
    Own(Own<T>),
}

pub(crate) enum Guard<'a, T> {
    Shared(MutexGuard<'a, T>),
    Own(OwnGuard<'a, T>),
}

impl<T> Guarded<T> {
    pub(crate) fn shared(value: T) -> Self {
        Self::Shared(Mutex::new(value))
    }

    /// The calling thread will be the only one that can lock it.
    pub(crate) fn own(value: T) -> Self {
        let owner = this_thread();
        Self::Own(Own { owner, taken: Cell::new(false), value: UnsafeCell::new(value) })
    }

    /// `None` if another thread owns it.
    #[inline]
    pub(crate) fn lock(&self) -> Option<Guard<'_, T>> {
        match self {
            Self::Shared(mutex) => Some(Guard::Shared(lock(mutex))),
            Self::Own(own) => own.lock().map(Guard::Own),
        }
    }

    /// The value, which nobody else can reach.
    pub(crate) fn get_mut(&mut self) -> &mut T {
        match self {
            Self::Shared(mutex) => mutex.get_mut().unwrap_or_else(PoisonError::into_inner),
            Self::Own(own) => own.value.get_mut(),
        }
    }

    /// Whether the calling thread can lock it.
    #[inline]
    pub(crate) fn is_mine(&self) -> bool {
        match self {
            Self::Shared(_) => true,
            Self::Own(own) => own.owner == this_thread(),
        }
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        match self {
            Self::Shared(guard) => guard,
            Self::Own(guard) => guard,
        }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        match self {
            Self::Shared(guard) => guard,
            Self::Own(guard) => guard,
        }
    }
}

/// A value that only its thread can lock, so the lock is a flag and no atomic.
pub(crate) struct Own<T> {
    owner: u64,
    taken: Cell<bool>,
    value: UnsafeCell<T>,
}

// SAFETY: other threads read `owner` only, which never changes. The rest is touched by the thread
// whose number that is, and numbers are not given twice; or through `&mut self`, which any thread
// may have, `T` being `Send`.
unsafe impl<T: Send> Sync for Own<T> {}

/// Stays on its thread: the pointer keeps it from being `Send`.
pub(crate) struct OwnGuard<'a, T>(&'a Own<T>, PhantomData<*const ()>);

impl<T> Own<T> {
    #[inline]
    fn lock(&self) -> Option<OwnGuard<'_, T>> {
        if self.owner != this_thread() {
            return None;
        }
        assert!(!self.taken.replace(true), "a thread waits for a lock that it holds itself");
        Some(OwnGuard(self, PhantomData))
    }
}

impl<T> Deref for OwnGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: there is one guard at a time, and it stays on the owner's thread.
        unsafe { &*self.0.value.get() }
    }
}

impl<T> DerefMut for OwnGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`, and the guard is borrowed exclusively.
        unsafe { &mut *self.0.value.get() }
    }
}

impl<T> Drop for OwnGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.0.taken.set(false);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::{
        panic::{AssertUnwindSafe, catch_unwind},
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering::SeqCst},
        },
        thread,
    };

    use super::*;

    struct Counted(u32, Arc<AtomicUsize>);

    impl Drop for Counted {
        fn drop(&mut self) {
            self.1.fetch_add(1, SeqCst);
        }
    }

    #[test]
    fn one_threads_own_is_locked_by_it_alone() {
        let dropped = Arc::default();
        let own = Guarded::own(Counted(1, Arc::clone(&dropped)));
        own.lock().expect("it is mine").0 = 2;
        assert!(own.is_mine());
        let guard = own.lock().expect("the last guard is gone");
        thread::scope(|scope| {
            scope.spawn(|| {
                assert!(!own.is_mine());
                assert!(own.lock().is_none());
            });
        });
        assert_eq!(guard.0, 2);
        drop(guard);
        // A thread that comes later never takes the owner's number.
        let own = thread::spawn(move || {
            let mut own = own;
            assert!(own.lock().is_none());
            own.get_mut().0 += 1;
            own
        });
        let own = own.join().expect("no panic");
        assert_eq!(own.lock().expect("it is mine").0, 3);
        assert_eq!(dropped.load(SeqCst), 0);
        thread::spawn(move || drop(own)).join().expect("no panic");
        assert_eq!(dropped.load(SeqCst), 1);
    }

    #[test]
    fn what_is_locked_is_not_locked_again() {
        let own = Guarded::own(1);
        let guard = own.lock().expect("it is mine");
        for _ in 0..2 {
            let again = catch_unwind(AssertUnwindSafe(|| own.lock().is_some()));
            again.expect_err("it would wait for itself, and the first guard still has it");
        }
        drop(guard);
        assert_eq!(own.lock().map(|guard| *guard), Some(1));
    }

    #[test]
    fn a_panic_gives_it_back() {
        for guarded in [Guarded::own(1), Guarded::shared(1)] {
            let result = catch_unwind(AssertUnwindSafe(|| {
                *guarded.lock().expect("it is mine") = 2;
                let _guard = guarded.lock();
                panic!("while it is held");
            }));
            result.expect_err("it panics");
            assert_eq!(guarded.lock().map(|guard| *guard), Some(2));
            assert_eq!(guarded.lock().map(|guard| *guard), Some(2));
        }
    }
}
