//! How a thread sleeps: parked, or in the kernel as the leader of a shard. Either way its waker
//! gets it up.

use std::{
    cell::RefCell,
    fmt,
    ops::Deref,
    ptr,
    rc::Rc,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, AtomicPtr, Ordering},
    },
    task::{Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use super::{batch::flush_batches, mine, shard::Shard};
use crate::backend::Sleeper;

/// How long a thread sleeps in one of several local shards.
const TURN: Duration = Duration::from_millis(1);

/// One thread's place to sleep.
pub(crate) struct Parker {
    thread: Thread,
    /// How it sleeps if it is a simulated thread.
    sleeper: Option<Arc<dyn Sleeper>>,
    notified: AtomicBool,
    /// The thread sleeps, or is about to sleep, in the kernel on behalf of `shard`.
    steering: AtomicBool,
    shard: Mutex<Weak<Shard>>,
    /// The address of `shard`, which is held there. Only the parker's own thread changes it.
    known: AtomicPtr<Shard>,
}

/// The calling thread's parker, with a waker of it: neither is counted anew for each wait.
pub(crate) struct Own {
    parker: Arc<Parker>,
    waker: Waker,
}

thread_local! {
    static MINE: RefCell<Rc<Own>> = RefCell::new(Own::new(None));
}

impl Own {
    fn new(sleeper: Option<Arc<dyn Sleeper>>) -> Rc<Self> {
        let parker = Parker::new(sleeper);
        let waker = parker.waker();
        Rc::new(Self { parker, waker })
    }

    /// Gets the thread up.
    pub(crate) fn own_waker(&self) -> &Waker {
        &self.waker
    }
}

impl Deref for Own {
    type Target = Arc<Parker>;

    fn deref(&self) -> &Arc<Parker> {
        &self.parker
    }
}

/// Until this is dropped the calling thread sleeps as a [`Sleeper`] says, and not as the OS does.
/// For simulated systems: what was started before must be over, and so must what is started.
#[must_use = "it lasts until it is dropped"]
pub struct SleepBy {
    before: Rc<Own>,
}

impl SleepBy {
    /// From here on `sleeper` says how the calling thread sleeps.
    pub fn new(sleeper: Arc<dyn Sleeper>) -> Self {
        Self { before: MINE.replace(Own::new(Some(sleeper))) }
    }
}

impl Drop for SleepBy {
    fn drop(&mut self) {
        // Where the thread's locals are gone, nothing is left to restore.
        let _own = MINE.try_with(|mine| mine.replace(Rc::clone(&self.before)));
    }
}

impl fmt::Debug for SleepBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SleepBy").finish_non_exhaustive()
    }
}

/// Runs `body` on this thread as if it were another: what it sleeps for and is woken by is not what
/// this one does. On a simulated system a port's service takes its turns on threads that sleep.
pub(super) fn as_another<R>(body: impl FnOnce() -> R) -> R {
    /// Gets the thread up if it was woken meanwhile: its sleep may have ended for the other.
    struct Again<'a>(&'a Parker);
    impl Drop for Again<'_> {
        fn drop(&mut self) {
            if let Some(sleeper) = &self.0.sleeper {
                if self.0.notified.load(Ordering::SeqCst) {
                    sleeper.unpark();
                }
            }
        }
    }
    let own = Parker::current();
    let _again = Again(&own);
    let _other = own.sleeper.clone().map(SleepBy::new);
    body()
}

impl Parker {
    fn new(sleeper: Option<Arc<dyn Sleeper>>) -> Arc<Self> {
        Arc::new(Self {
            thread: thread::current(),
            sleeper,
            notified: AtomicBool::new(false),
            steering: AtomicBool::new(false),
            shard: Mutex::new(Weak::new()),
            known: AtomicPtr::new(ptr::null_mut()),
        })
    }

    /// The current thread's parker; a new one while the thread's locals are being destroyed.
    pub(crate) fn current() -> Rc<Own> {
        MINE.try_with(|mine| Rc::clone(&mine.borrow())).unwrap_or_else(|_| Own::new(None))
    }

    pub(crate) fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(Arc::clone(self))
    }

    /// Forgets wake-ups so far. To be called before looking at what one waits for: a wake-up that
    /// came earlier is about something that can be seen by now.
    pub(crate) fn clear(&self) {
        // Mostly there is nothing to forget, and a look costs less than a change.
        if self.notified.load(Ordering::SeqCst) {
            self.notified.swap(false, Ordering::SeqCst);
        }
    }

    /// Sleeps until woken since the last [`Parker::clear`], or until `until`. May return early. A
    /// thread that has local shards serves them meanwhile. To be called on the parker's own thread.
    pub(crate) fn park(&self, until: Option<Instant>) {
        if self.notified.load(Ordering::SeqCst) {
            return;
        }
        flush_batches();
        let mine = mine::all();
        match (&mine[..], until) {
            ([], _) => self.sleep(until),
            ([only], _) => self.serve(only, until),
            (several, _) => {
                // A thread sleeps in one place: several take turns, which is rare.
                for shard in several {
                    let turn = shard.now() + TURN;
                    self.serve(shard, Some(until.map_or(turn, |until| turn.min(until))));
                }
            }
        }
    }

    fn sleep(&self, until: Option<Instant>) {
        match (&self.sleeper, until) {
            (Some(sleeper), _) => sleeper.park(until),
            (None, None) => thread::park(),
            (None, Some(until)) => {
                thread::park_timeout(until.saturating_duration_since(Instant::now()));
            }
        }
    }

    /// The time on the thread's clock, for waits that are on no port. To be called on the parker's
    /// own thread.
    pub(crate) fn now(&self) -> Instant {
        self.sleeper.as_ref().map_or_else(Instant::now, |sleeper| sleeper.now())
    }

    fn serve(&self, shard: &Arc<Shard>, until: Option<Instant>) {
        self.steer(shard, |woken| shard.turn(if woken { Some(shard.now()) } else { until }));
    }

    /// Sleeps until `done`, which wakes it, or until then; whether `done`.
    pub(crate) fn wait(&self, done: &dyn Fn() -> bool, until: Option<Instant>) -> bool {
        loop {
            self.clear();
            if done() {
                return true;
            }
            if until.is_some_and(|until| until <= self.now()) {
                return false;
            }
            self.park(until);
        }
    }

    /// Runs `sleep`, which sleeps in the kernel for `shard`, unless a wake-up has come already.
    /// A wake-up that comes later reaches the kernel: it first notes itself and then looks for a
    /// steering thread, while this thread first steers and then looks for a note.
    pub(super) fn steer(&self, shard: &Arc<Shard>, sleep: impl FnOnce(bool)) {
        let address = Arc::as_ptr(shard).cast_mut();
        if self.known.load(Ordering::Relaxed) != address {
            *self.shard.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(shard);
            self.known.store(address, Ordering::Relaxed);
        }
        self.steering.store(true, Ordering::SeqCst);
        sleep(self.notified.load(Ordering::SeqCst));
        // Who still sees it gets up a thread that is up: one wake-up too many.
        self.steering.store(false, Ordering::Release);
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.notified.store(true, Ordering::SeqCst);
        // On the thread itself it is up already; but a simulated one may drive another's port while
        // it sleeps.
        if self.sleeper.is_none() && self.thread.id() == thread::current().id() {
            return;
        }
        if self.steering.load(Ordering::SeqCst) {
            let shard = self.shard.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
            if let Some(shard) = shard {
                shard.wake();
            }
        }
        match &self.sleeper {
            Some(sleeper) => sleeper.unpark(),
            None => self.thread.unpark(),
        }
    }
}
