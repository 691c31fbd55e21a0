//! Routines: functions that run when an operation is over, on the thread that gave them, inside
//! an alertable wait of it; never elsewhere and never by surprise.
//!
//! They are the completion routines of `ReadFileEx`. A routine need not be `Send`: it stays in a
//! table of its thread, and only its number travels. If the thread ends first the routine never
//! runs; the operation is then as if its [`Pending`] had been dropped.

use std::{
    cell::RefCell,
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Wake, Waker},
    time::Duration,
};

use slab::Slab;

use super::Pending;
use crate::{op::Operation, port::Parker};

/// Runs the routines whose operations are over. If there are none yet, waits for the first, at
/// most for `timeout` (`None`: as long as it takes). Returns how many ran.
///
/// Returns 0 at once if this thread has given no routine. A routine may start operations, give
/// further routines and wait; one that panics unwinds through this call, and the others stay
/// queued for the next.
///
/// ```
/// use std::time::Duration;
/// use overlapped::{Port, alertable};
///
/// # fn main() -> std::io::Result<()> {
/// let port = Port::shared()?;
/// port.sleep(Duration::from_millis(1)).then(|_| println!("a millisecond is over"));
/// assert_eq!(alertable::wait(None), 1);
/// # Ok(())
/// # }
/// ```
pub fn wait(timeout: Option<Duration>) -> usize {
    let parker = Parker::current();
    let until = timeout.and_then(|timeout| parker.now().checked_add(timeout));
    let Some(queue) = with_table(|table| Arc::clone(&table.queue)) else {
        return 0;
    };
    loop {
        parker.clear();
        let ran = run_queued(&queue);
        let waiting = with_table(|table| table.routines.len()).unwrap_or(0);
        if ran > 0 || waiting == 0 || until.is_some_and(|until| until <= parker.now()) {
            return ran;
        }
        queue.lock().sleeper = Some(parker.waker());
        if queue.lock().ready.is_empty() {
            parker.park(until);
        }
    }
}

/// Runs what is ready now, for a runtime's loop; `waker` is called when more is.
pub(crate) fn run_ready(waker: &Waker) {
    let queue = with_table(|table| (!table.routines.is_empty()).then(|| Arc::clone(&table.queue)));
    if let Some(queue) = queue.flatten() {
        // Left first: what becomes ready from here on calls it.
        queue.lock().sleeper = Some(waker.clone());
        run_queued(&queue);
    }
}

/// How many routines of this thread wait for their operations, or to be run.
pub fn queued() -> usize {
    with_table(|table| table.routines.len()).unwrap_or(0)
}

impl<O: Operation + 'static> Pending<'static, O> {
    /// Gives the operation up to a routine, which gets the outcome: on this thread, in an
    /// [`alertable::wait`](wait) of it.
    pub fn then(self, routine: impl FnOnce(O::Output) + 'static) {
        let mut pending = self;
        let number = TABLE.with(|table| table.borrow_mut().routines.insert(None));
        let queue = TABLE.with(|table| Arc::clone(&table.borrow().queue));
        let call = Arc::new(Call { queue, number, made: AtomicBool::new(false) });
        let over = pending.attend(&Waker::from(Arc::clone(&call)));
        let run = Box::new(move || routine(pending.take()));
        TABLE.with(|table| table.borrow_mut().routines[number] = Some(run));
        if over {
            call.make();
        }
    }
}

// [C11] a routine stays in its thread's table; only its number travels.
/// One thread's routines.
#[derive(Default)]
struct Table {
    /// `None` only while `then` is at work.
    routines: Slab<Option<Box<dyn FnOnce()>>>,
    queue: Arc<Queue>,
}

/// The numbers of the routines that may run. What other threads see of a table.
#[derive(Default)]
struct Queue(Mutex<Ready>);

#[derive(Default)]
struct Ready {
    ready: VecDeque<usize>,
    sleeper: Option<Waker>,
}

/// The waker of one operation: it queues that operation's routine, once. A waker may be called
/// twice, and the number may be another routine's by then.
struct Call {
    queue: Arc<Queue>,
    number: usize,
    made: AtomicBool,
}

impl Call {
    fn make(&self) {
        if !self.made.swap(true, Ordering::Relaxed) {
            self.queue.push(self.number);
        }
    }
}

thread_local! {
    static TABLE: RefCell<Table> = RefCell::default();
}

/// The routines of a thread that have not run. They go with it: dropped, they never run.
#[derive(Default)]
pub struct Routines(Table);

/// From here on the calling thread's routines are `own`; those that it had come back. For simulated
/// systems, whose threads end before the OS's own that they run on.
pub fn own_routines(own: Routines) -> Routines {
    TABLE.with(|table| Routines(table.replace(own.0)))
}

/// `None` while the thread's locals are being destroyed.
fn with_table<R>(f: impl FnOnce(&mut Table) -> R) -> Option<R> {
    TABLE.try_with(|table| f(&mut table.borrow_mut())).ok()
}

fn run_queued(queue: &Queue) -> usize {
    // Only what is queued now: a routine that gives another does not keep this call for ever.
    let count = queue.lock().ready.len();
    let mut ran = 0;
    for _ in 0..count {
        let Some(number) = queue.lock().ready.pop_front() else {
            break;
        };
        // The table is not borrowed while the routine runs: it may come back here.
        let routine = with_table(|table| table.routines.remove(number)).flatten();
        if let Some(routine) = routine {
            routine();
            ran += 1;
        }
    }
    ran
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Ready> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, number: usize) {
        let sleeper = {
            let mut ready = self.lock();
            ready.ready.push_back(number);
            ready.sleeper.take()
        };
        if let Some(sleeper) = sleeper {
            sleeper.wake();
        }
    }
}

impl Wake for Call {
    fn wake(self: Arc<Self>) {
        self.make();
    }
}
