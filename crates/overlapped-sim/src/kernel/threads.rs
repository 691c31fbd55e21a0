//! Threads of the program. They take turns: only one runs at a time, until it comes to a point and
//! the choice falls on another.

use std::{
    any::Any,
    borrow::Cow,
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc, Condvar, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use overlapped::{
    alertable,
    simulation::{Routines, SleepBy, Sleeper, own_routines},
};

use super::{Kernel, State, Time, Trouble};
use crate::quiet::Quiet;

pub(super) struct Thread {
    pub(super) name: Cow<'static, str>,
    pub(super) wait: Wait,
    /// The choice has fallen on it; with what it is to do, if it has several tasks.
    pub(super) chosen: Option<usize>,
    /// It was got up.
    pub(super) notified: bool,
    pub(super) over: bool,
    /// Tasks that are ready, if it runs some.
    pub(super) ready: Vec<u32>,
    /// Where it waits for its turn; `None` as long as it has not.
    turn: Option<Arc<Condvar>>,
    operations: u32,
}

/// What a thread at a point waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// For nothing: others may overtake it here.
    Nothing,
    /// For a completion in a queue, or a ring of its bell.
    Reap { queue: usize, until: Option<Time> },
    /// To be got up.
    Park { until: Option<Time> },
    /// For a task of its that is ready.
    Task,
    /// For another thread to be over.
    Join { thread: usize },
    /// For everybody else to have nothing left to do.
    End,
}

impl Thread {
    pub(super) fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self {
            name: name.into(),
            wait: Wait::Nothing,
            chosen: None,
            notified: false,
            over: false,
            ready: Vec::new(),
            turn: None,
            operations: 0,
        }
    }

    /// A number for an operation that it starts.
    pub(super) fn next_operation(&mut self) -> u32 {
        self.operations = self.operations.wrapping_add(1);
        self.operations
    }
}

thread_local! {
    static HERE: Cell<Option<usize>> = const { Cell::new(None) };
    static SYSTEM: RefCell<Option<Arc<Kernel>>> = const { RefCell::new(None) };
}

/// The calling thread's number in the simulation that it is in.
pub(crate) fn here() -> Option<usize> {
    HERE.try_with(Cell::get).ok().flatten()
}

/// The simulation that the calling thread is in.
pub(crate) fn system() -> Option<Arc<Kernel>> {
    SYSTEM.try_with(|system| system.borrow().clone()).ok().flatten()
}

/// The calling thread is a simulated one until this is dropped.
pub(crate) struct Enter {
    outer: (Option<usize>, Option<Arc<Kernel>>),
    /// Those of the OS's thread, if there are any.
    routines: Option<Routines>,
    _asleep: SleepBy,
    _quiet: Quiet,
}

impl Enter {
    pub(crate) fn new(kernel: &Arc<Kernel>, thread: usize, quiet: bool) -> Self {
        let outer = (HERE.replace(Some(thread)), SYSTEM.replace(Some(Arc::clone(kernel))));
        let taken = AtomicBool::new(false);
        let sleeper = Bed { kernel: Arc::clone(kernel), thread, taken };
        let asleep = SleepBy::new(Arc::new(sleeper));
        Self { outer, routines: take_routines(), _asleep: asleep, _quiet: Quiet::new(quiet) }
    }

    /// The thread ends, though the OS's one may go on: routines that have not run never do.
    pub(crate) fn end_routines(&self) {
        drop(take_routines());
    }
}

/// The calling thread's routines that have not run: it has none then.
fn take_routines() -> Option<Routines> {
    (alertable::queued() > 0).then(|| own_routines(Routines::default()))
}

impl Drop for Enter {
    fn drop(&mut self) {
        drop(take_routines());
        drop(self.routines.take().map(own_routines));
        let (thread, system) = std::mem::take(&mut self.outer);
        HERE.set(thread);
        SYSTEM.set(system);
    }
}

/// How a simulated thread sleeps.
struct Bed {
    kernel: Arc<Kernel>,
    thread: usize,
    /// It sleeps, or is about to.
    taken: AtomicBool,
}

impl Sleeper for Bed {
    fn park(&self, until: Option<Instant>) {
        // A service that takes its turn here meanwhile may sleep, too.
        let before = self.taken.swap(true, Ordering::SeqCst);
        self.kernel.park(until);
        self.taken.store(before, Ordering::SeqCst);
    }

    fn unpark(&self) {
        // Threads take turns: between its last look and its sleep nobody comes here.
        if self.taken.load(Ordering::SeqCst) {
            self.kernel.unpark(self.thread);
        }
    }

    fn now(&self) -> Instant {
        self.kernel.now()
    }
}

/// What unwinds a thread whose simulation is over before it is.
pub(crate) struct Unwound;

impl Kernel {
    /// One more thread of the program; its number.
    pub(crate) fn add_thread(&self, name: String) -> usize {
        let mut state = self.lock();
        state.threads.push(Thread::new(name));
        state.threads.len() - 1
    }

    /// What the OS's thread behind the simulated one does: it waits for its turn, runs `body` and
    /// leaves; what `body` returned, unless it was unwound.
    pub(crate) fn live<R>(self: &Arc<Self>, thread: usize, body: impl FnOnce() -> R) -> Option<R> {
        let quiet = self.lock().settings.quiet;
        let enter = Enter::new(self, thread, quiet);
        // It may have got the turn only because another thread had to leave it to somebody.
        let (state, chosen) = self.go_round(self.wait_for_turn(self.lock(), thread), thread);
        drop(state);
        let output = chosen.and_then(|_| self.caught(body));
        self.caught(|| enter.end_routines());
        drop(enter);
        self.leave(thread);
        output
    }

    /// What `body` returns. What unwinds it is told to who joins, and to the simulation.
    pub(crate) fn caught<R>(&self, body: impl FnOnce() -> R) -> Option<R> {
        let caught = catch_unwind(AssertUnwindSafe(body));
        let told = |panic: Box<dyn Any + Send>| {
            if !panic.is::<Unwound>() {
                self.lock().fail(Trouble::panic(&*panic));
            }
        };
        caught.map_err(told).ok()
    }

    /// The calling thread sleeps until it is got up, or until then.
    pub(crate) fn park(self: &Arc<Self>, until: Option<Instant>) {
        let until = until.map(|until| self.time(until));
        self.point(Wait::Park { until });
    }

    pub(crate) fn unpark(&self, thread: usize) {
        self.lock().threads[thread].notified = true;
    }

    /// Waits until the thread is over.
    pub(crate) fn join(self: &Arc<Self>, thread: usize) {
        self.point(Wait::Join { thread });
    }

    pub(crate) fn is_over(&self, thread: usize) -> bool {
        self.lock().threads[thread].over
    }

    /// Waits until the threads are over, even if the simulation is: they borrow from the calling
    /// one's stack.
    pub(crate) fn outlive(self: &Arc<Self>, threads: &[usize]) {
        let me = here().expect("a simulated thread");
        for thread in threads {
            // The simulation may be over, and unwind this thread; not before the others are.
            let _unwound = catch_unwind(AssertUnwindSafe(|| self.join(*thread)));
            while !self.is_over(*thread) {
                drop(self.hand_over(self.lock(), me, *thread));
            }
        }
    }

    /// Gives the turn to `next`, and waits until it comes back to `me`.
    pub(super) fn hand_over<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        me: usize,
        next: usize,
    ) -> MutexGuard<'a, State> {
        state.give_turn(next);
        self.wait_for_turn(state, me)
    }

    fn wait_for_turn<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        me: usize,
    ) -> MutexGuard<'a, State> {
        let turn = Arc::clone(state.threads[me].turn.get_or_insert_default());
        while state.turn != me {
            state = turn.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state
    }

    /// The calling thread is over. Another gets the turn, to ask for the choice in its stead: from
    /// here on nothing of the program or of a port may run on this one.
    fn leave(&self, me: usize) {
        let mut state = self.lock();
        state.threads[me].over = true;
        let next = state.another_thread(me).expect("the first thread ends the run, and last");
        state.give_turn(next);
    }
}

/// Ends the calling thread: its simulation is over.
pub(super) fn unwind() -> ! {
    resume_unwind(Box::new(Unwound))
}

impl State {
    fn give_turn(&mut self, next: usize) {
        self.turn = next;
        if let Some(turn) = &self.threads[next].turn {
            turn.notify_one();
        }
    }

    pub(crate) fn add_ready(&mut self, thread: usize, task: u32) {
        let ready = &mut self.threads[thread].ready;
        if !ready.contains(&task) {
            ready.push(task);
        }
    }

    pub(crate) fn forget_ready(&mut self, thread: usize) {
        self.threads[thread].ready.clear();
    }

    pub(crate) fn take_ready(&mut self, thread: usize, place: usize) -> u32 {
        self.threads[thread].ready.remove(place)
    }
}
