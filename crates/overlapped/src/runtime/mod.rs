//! A runtime of one thread: its own port, its own tasks, and no other thread to hand anything to.
//!
//! The thread polls its tasks until none is ready; then it hands everything that they have started
//! to the OS and waits for the first completion, with one system call. [`Runtime::per_core`] starts
//! one for each processor.

mod tasks;
mod waker;

pub use tasks::Task;

use std::{
    cell::RefCell,
    collections::HashMap,
    fmt,
    future::Future,
    io,
    pin::pin,
    rc::Rc,
    sync::{
        Arc, PoisonError, RwLock, Weak,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
    thread,
    time::Duration,
};

use crate::{
    pending::alertable,
    port::{Builder, Parker, Port, Report, Shard},
};
use tasks::{MAIN, Remote, Tasks};
use waker::{LAST, Name};

/// How often tasks are polled before the port gets a turn.
const POLLS: usize = 128;

/// A thread's own port with an executor on it.
///
/// Files and operations are the same as on any port, and may go to other threads: there they work
/// through this one, which serves them while it is in [`block_on`](Self::block_on) or in any wait
/// of this library, and not while it sleeps otherwise (when it joins a thread, say). Nor does what
/// is in flight go on then, if it must wait for a pipe ([`Builder::deferred`]). The `block_on` of
/// one runtime does not serve another one of the same thread.
///
/// What is started on this thread reaches the OS at its next turn: when it blocks, in `block_on` or
/// in a wait, and when [`Port::submit`] is called. On another thread, to close a file or a stream
/// or to take it apart waits for a turn, too, even if nothing is in flight.
///
/// Dropping it drops its tasks, asks everything in flight to stop, and waits for the end of it, for
/// as long as [`Builder::drain_bound`] says; [`shutdown`](Self::shutdown) does so with a bound and
/// a report.
///
/// ```
/// use overlapped::{Runtime, fs::File};
///
/// # fn main() -> std::io::Result<()> {
/// let runtime = Runtime::new()?;
/// let port = runtime.port().clone();
/// let n = runtime.block_on(async move {
///     let file = File::open(&port, "Cargo.toml").await?;
///     let (a, b) = (file.read_at(vec![0; 8], 0), file.read_at(vec![0; 8], 8));
///     Ok::<_, std::io::Error>(a.await?.n + b.await?.n)
/// })?;
/// assert_eq!(n, 16);
/// # Ok(())
/// # }
/// ```
pub struct Runtime {
    tasks: Rc<Tasks>,
    shard: Arc<Shard>,
    port: Port,
    drain_bound: Duration,
    over: bool,
}

/// Starts tasks of a runtime from inside one. It stays on the runtime's thread.
#[derive(Clone)]
pub struct Spawner(Rc<Tasks>);

thread_local! {
    /// The runtime whose `block_on` is at work on this thread.
    static HERE: RefCell<Option<Rc<Tasks>>> = const { RefCell::new(None) };
}

static NEXT: AtomicU32 = AtomicU32::new(0);
static ALL: RwLock<Option<HashMap<u32, Weak<Remote>>>> = RwLock::new(None);

impl Runtime {
    /// A runtime of the calling thread, on the best backend that works here.
    ///
    /// # Errors
    ///
    /// If no backend works at all; the message says why for each.
    pub fn new() -> io::Result<Self> {
        Self::with(Port::builder())
    }

    /// As [`new`](Self::new), with settings; [`Builder::shards`] means nothing here.
    ///
    /// # Errors
    ///
    /// If the mechanism that is required does not work here; the message says what to change.
    pub fn with(builder: Builder) -> io::Result<Self> {
        let drain_bound = builder.bound();
        Ok(Self::on(builder.build_local()?, drain_bound))
    }

    /// A runtime on a backend that the caller brings, as [`Port::with_backend`].
    pub fn with_backend(backend: crate::backend::Backend) -> Self {
        let builder = Port::builder();
        let drain_bound = builder.bound();
        Self::on(builder.build_local_on(backend), drain_bound)
    }

    fn on(port: Port, drain_bound: Duration) -> Self {
        let shard = Arc::clone(port.shards().next().expect("a port has one"));
        let remote = Remote::new(Arc::clone(&shard));
        let mut all = ALL.write().unwrap_or_else(PoisonError::into_inner);
        let all_known = all.get_or_insert_default();
        let number = loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed) & LAST;
            if !all_known.contains_key(&number) {
                break number;
            }
        };
        all_known.insert(number, Arc::downgrade(&remote));
        drop(all);
        Self { tasks: Tasks::new(number, remote), shard, port, drain_bound, over: false }
    }

    /// Its port. A clone may go to other threads.
    pub fn port(&self) -> &Port {
        &self.port
    }

    /// Starts a task. It is polled when the thread is in [`block_on`](Self::block_on).
    pub fn spawn<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> Task<T> {
        self.tasks.spawn(future)
    }

    /// What starts further tasks, for use inside tasks.
    pub fn spawner(&self) -> Spawner {
        Spawner(Rc::clone(&self.tasks))
    }

    /// Runs `future` to its end, and the tasks meanwhile. Routines of this thread run, too. What is
    /// not over then stays, and goes on in the next `block_on`.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let _here = Here::enter(&self.tasks);
        let mut future = pin!(future);
        let waker = self.tasks.waker(MAIN);
        self.tasks.wake(MAIN);
        loop {
            self.tasks.wake_remote();
            if self.tasks.take_main() {
                let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
                if let Poll::Ready(output) = polled {
                    return output;
                }
            }
            self.tasks.run(POLLS);
            alertable::run_ready(&waker);
            self.turn();
        }
    }

    /// Hands over what was started, and waits for a completion unless somebody is ready.
    #[inline]
    fn turn(&self) {
        let until = self.tasks.is_ready().then(|| self.shard.now());
        if self.shard.is_local() {
            self.shard.turn(until);
        } else {
            self.shard.drive(&Parker::current(), &|| self.tasks.is_ready(), until);
        }
    }

    /// Ends the runtime: tasks are dropped, operations asked to stop, and waited for until
    /// `deadline` has passed. What the OS has not finished by then is leaked and counted (C9).
    pub fn shutdown(mut self, deadline: Duration) -> Report {
        self.end(deadline)
    }

    // [C9] on its own thread, since no other may drive the ring; with a bound.
    fn end(&mut self, bound: Duration) -> Report {
        self.over = true;
        let flying: usize = self.port.shards().map(|shard| shard.busy()).sum();
        self.tasks.clear();
        let until = self.shard.now().checked_add(bound);
        let leaked = self.port.shards().map(|shard| shard.retire(until)).sum();
        Report { drained: flying.saturating_sub(leaked), leaked }
    }
}

impl Runtime {
    /// Runs `body` on one new thread for each processor that this process may use, each pinned to
    /// its processor and with a runtime of its own; `body` gets the processor's place in the row.
    /// Returns when all are over, with what they gave, in that order.
    ///
    /// ```
    /// use overlapped::Runtime;
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let backends = Runtime::per_core(|_, runtime| runtime.port().backend())?;
    /// assert!(!backends.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If a thread or a runtime cannot be made; the others run to their end all the same.
    ///
    /// # Panics
    ///
    /// If `body` panicked on one of the threads, with that panic.
    pub fn per_core<R: Send>(body: impl Fn(usize, &Self) -> R + Sync) -> io::Result<Vec<R>> {
        let body = &body;
        let run = move |place: usize, processor: usize| {
            pin_to(processor);
            Ok(body(place, &Self::new()?))
        };
        thread::scope(|scope| {
            let start = |(place, processor)| {
                let name = format!("overlapped-core-{processor}");
                thread::Builder::new().name(name).spawn_scoped(scope, move || run(place, processor))
            };
            let threads: Vec<_> = processors().into_iter().enumerate().map(start).collect();
            let join = |thread: io::Result<thread::ScopedJoinHandle<'_, io::Result<R>>>| {
                thread?.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            threads.into_iter().map(join).collect()
        })
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if !self.over {
            let _said_on_standard_error = self.end(self.drain_bound);
        }
        let mut all = ALL.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(all) = &mut *all {
            all.remove(&self.tasks.runtime());
        }
    }
}

impl Spawner {
    /// As [`Runtime::spawn`].
    pub fn spawn<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> Task<T> {
        self.0.spawn(future)
    }
}

/// A waker of `name` was called, on whichever thread.
fn wake(name: Name) {
    let here = HERE.try_with(|here| match &*here.borrow() {
        Some(tasks) if tasks.runtime() == name.runtime => {
            tasks.wake(name.task);
            true
        }
        _ => false,
    });
    if here != Ok(true) {
        let all = ALL.read().unwrap_or_else(PoisonError::into_inner);
        let remote = all.as_ref().and_then(|all| all.get(&name.runtime)?.upgrade());
        drop(all);
        if let Some(remote) = remote {
            remote.wake(name.task);
        }
    }
}

/// A `block_on` is at work; the one around it, if there is one, comes back after it.
struct Here(Option<Rc<Tasks>>);

impl Here {
    fn enter(tasks: &Rc<Tasks>) -> Self {
        Self(HERE.replace(Some(Rc::clone(tasks))))
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        if let Some(outer) = &self.0 {
            // Its future may have been woken meanwhile, and the note been taken here.
            outer.wake(MAIN);
        }
        let _inner = HERE.replace(self.0.take());
    }
}

/// The processors that this process may use, by the OS's numbers.
#[cfg(target_os = "linux")]
fn processors() -> Vec<usize> {
    let allowed = rustix::thread::sched_getaffinity(None).unwrap_or_default();
    (0..rustix::thread::CpuSet::MAX_CPU).filter(|&number| allowed.is_set(number)).collect()
}

/// Keeps the calling thread on one processor. Where that is forbidden, it moves as any other.
#[cfg(target_os = "linux")]
fn pin_to(processor: usize) {
    let mut one = rustix::thread::CpuSet::new();
    one.set(processor);
    let _unpinned = rustix::thread::sched_setaffinity(None, &one);
}

/// The processors that this process may use, counted.
#[cfg(not(target_os = "linux"))]
fn processors() -> Vec<usize> {
    (0..thread::available_parallelism().map_or(1, usize::from)).collect()
}

/// This system has no common way to keep a thread on a processor.
#[cfg(not(target_os = "linux"))]
fn pin_to(_processor: usize) {}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("port", &self.port).finish_non_exhaustive()
    }
}

impl fmt::Debug for Spawner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spawner").finish_non_exhaustive()
    }
}
