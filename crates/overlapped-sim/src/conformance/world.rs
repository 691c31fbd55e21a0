//! The world that the calling thread is in: a simulated system if it is one of its threads, else
//! the real one. Threads, time and sleep, and how much a case can ask for in it.

use std::{
    cell::RefCell,
    rc::Rc,
    sync::{
        Arc,
        mpsc::{Receiver, TryRecvError},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    Thread, Threads,
    kernel::{Kernel, here, system},
    threads,
};

/// Whether it is a simulated one.
pub fn is_simulated() -> bool {
    here().is_some()
}

/// So often is tried what goes by chance, or by so many threads: `rounds` times, but twice in a
/// simulated world, where each seed tries it anew.
pub fn rounds(rounds: usize) -> usize {
    if is_simulated() { rounds.min(2) } else { rounds }
}

/// So many are a crowd in this world, if `count` are one in the real one.
pub fn crowd(count: usize) -> usize {
    if is_simulated() { count.min(10) } else { count }
}

/// How many bytes are many in this world, if `len` are in the real one: a thousandth in a simulated
/// one, whose pipes are smaller, too.
pub fn len(len: usize) -> usize {
    if is_simulated() { len.div_ceil(1000) } else { len }
}

/// Starts a thread.
pub fn spawn<R: Send + 'static>(body: impl FnOnce() -> R + Send + 'static) -> Thread<'static, R> {
    threads::spawn(system().as_ref(), "another", body)
}

/// Threads that may borrow from the calling one, as [`std::thread::scope`].
pub fn scope<'env, R>(body: impl for<'scope> FnOnce(&Threads<'scope, 'env>) -> R) -> R {
    threads::scope(system().as_ref(), body)
}

/// The time, by the clock of the port as well.
pub fn now() -> Instant {
    system().map_or_else(Instant::now, |kernel| kernel.now())
}

/// Sleeps for so long, and serves no port meanwhile.
pub fn sleep(long: Duration) {
    let Some(kernel) = system() else {
        return thread::sleep(long);
    };
    let until = kernel.now() + long;
    while kernel.now() < until {
        kernel.park(Some(until));
    }
}

/// Lets others go on who are at work, as in a loop that looks for what they do.
pub fn pause() {
    if is_simulated() { sleep(Duration::from_micros(100)) } else { thread::yield_now() }
}

/// Something is forgotten on purpose from here on (`mem::forget`): what stays open by that is no
/// failure of a simulated world.
pub fn forgets() {
    if let Some(kernel) = system() {
        kernel.lock().settings.forgets = true;
    }
}

/// What is sent, once it is; `None` when nobody is left to send.
pub fn receive<T>(receiver: &Receiver<T>) -> Option<T> {
    if !is_simulated() {
        return receiver.recv().ok();
    }
    loop {
        match receiver.try_recv() {
            Ok(sent) => return Some(sent),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => pause(),
        }
    }
}

/// Works for a while that is of no length in a simulated world.
pub fn spin(turns: u64) {
    if !is_simulated() {
        (0..turns).for_each(|_| std::hint::spin_loop());
    }
}

type Serve = Rc<dyn Fn(Duration)>;

thread_local! {
    static IDLE: RefCell<Option<Serve>> = const { RefCell::new(None) };
}

/// What this thread does when it has nothing to do: it serves the ports that belong to it.
pub fn when_idle(serve: impl Fn(Duration) + 'static) {
    IDLE.set(Some(Rc::new(serve)));
}

/// Nothing again: its ports end here, and not with its locals.
pub fn when_over() {
    IDLE.set(None);
}

/// Sleeps for a short while, or until somebody gets the thread up.
pub fn idle(longest: Duration) {
    let serve = IDLE.with_borrow(Option::clone);
    match (serve, system()) {
        (Some(serve), _) => serve(longest.min(Duration::from_micros(200))),
        (None, Some(kernel)) => kernel.park(kernel.now().checked_add(longest)),
        (None, None) => thread::park_timeout(longest),
    }
}

/// A thread that may be idle.
#[derive(Clone)]
pub(super) struct Idler {
    os: thread::Thread,
    simulated: Option<(Arc<Kernel>, usize)>,
}

impl Idler {
    /// The calling one.
    pub(super) fn current() -> Self {
        Self { os: thread::current(), simulated: system().zip(here()) }
    }

    pub(super) fn get_up(&self) {
        match &self.simulated {
            Some((kernel, thread)) => kernel.unpark(*thread),
            None => self.os.unpark(),
        }
    }
}
