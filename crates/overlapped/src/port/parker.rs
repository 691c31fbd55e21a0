//! How a thread sleeps: parked, or in the kernel as the leader of a shard. Either way its waker
//! gets it up.

use std::{
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    task::{Wake, Waker},
    thread::{self, Thread},
    time::Instant,
};

use super::shard::Shard;

/// One thread's place to sleep.
pub(crate) struct Parker {
    thread: Thread,
    notified: AtomicBool,
    /// The thread sleeps, or is about to sleep, in the kernel on behalf of `shard`.
    steering: AtomicBool,
    shard: Mutex<Weak<Shard>>,
}

thread_local! {
    static MINE: Arc<Parker> = Parker::new();
}

impl Parker {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            thread: thread::current(),
            notified: AtomicBool::new(false),
            steering: AtomicBool::new(false),
            shard: Mutex::new(Weak::new()),
        })
    }

    /// The current thread's parker; a new one while the thread's locals are being destroyed.
    pub(crate) fn current() -> Arc<Self> {
        MINE.try_with(Arc::clone).unwrap_or_else(|_| Self::new())
    }

    pub(crate) fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(Arc::clone(self))
    }

    /// Forgets wake-ups so far. To be called before looking at what one waits for: a wake-up that
    /// came earlier is about something that can be seen by now.
    pub(crate) fn clear(&self) {
        self.notified.swap(false, Ordering::SeqCst);
    }

    /// Sleeps until woken since the last [`Parker::clear`], or until `until`. May return early.
    pub(crate) fn park(&self, until: Option<Instant>) {
        if self.notified.load(Ordering::SeqCst) {
            return;
        }
        match until {
            None => thread::park(),
            Some(until) => {
                thread::park_timeout(until.saturating_duration_since(Instant::now()));
            }
        }
    }

    /// Runs `sleep`, which sleeps in the kernel for `shard`, unless a wake-up has come already.
    /// A wake-up that comes later reaches the kernel: it first notes itself and then looks for a
    /// steering thread, while this thread first steers and then looks for a note.
    pub(super) fn steer(&self, shard: &Arc<Shard>, sleep: impl FnOnce(bool)) {
        {
            let mut known = self.shard.lock().unwrap_or_else(PoisonError::into_inner);
            if !std::ptr::eq(known.as_ptr(), Arc::as_ptr(shard)) {
                *known = Arc::downgrade(shard);
            }
        }
        self.steering.store(true, Ordering::SeqCst);
        sleep(self.notified.load(Ordering::SeqCst));
        self.steering.store(false, Ordering::SeqCst);
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.notified.store(true, Ordering::SeqCst);
        if self.thread.id() == thread::current().id() {
            return;
        }
        if self.steering.load(Ordering::SeqCst) {
            let shard = self.shard.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
            if let Some(shard) = shard {
                shard.wake();
            }
        }
        self.thread.unpark();
    }
}
