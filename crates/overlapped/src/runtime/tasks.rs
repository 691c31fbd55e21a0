use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::{Pin, pin},
    rc::Rc,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
    thread,
};

use slab::Slab;

use super::waker::{LAST, Name};
use crate::port::{Parker, Shard};

/// The number of what `block_on` runs; it is in no slab.
pub(super) const MAIN: u32 = LAST;

type Boxed = Pin<Box<dyn Future<Output = ()>>>;

/// The tasks of one runtime, all of them on its thread.
pub(super) struct Tasks {
    runtime: u32,
    /// `None` while the task is being polled.
    futures: RefCell<Slab<Option<Boxed>>>,
    ready: RefCell<Ready>,
    /// The runtime has ended: nothing is taken in any more.
    over: Cell<bool>,
    pub(super) remote: Arc<Remote>,
}

#[derive(Default)]
struct Ready {
    queue: VecDeque<u32>,
    /// Which tasks are in the queue.
    queued: Vec<bool>,
    /// Tasks whose turn came while they were being polled, further up the stack.
    missed: Vec<u32>,
    main: bool,
}

/// What other threads know of a runtime.
pub(super) struct Remote {
    woken: Mutex<Vec<u32>>,
    any: AtomicBool,
    parker: Arc<Parker>,
    shard: Arc<Shard>,
}

impl Remote {
    pub(super) fn new(shard: Arc<Shard>) -> Arc<Self> {
        let (woken, any) = (Mutex::default(), AtomicBool::new(false));
        Arc::new(Self { woken, any, parker: Arc::clone(&Parker::current()), shard })
    }

    /// Another thread wakes a task.
    #[inline]
    pub(super) fn wake(&self, task: u32) {
        self.woken.lock().unwrap_or_else(PoisonError::into_inner).push(task);
        self.any.store(true, Ordering::SeqCst);
        self.shard.nudge(&self.parker);
    }

    fn take(&self) -> Vec<u32> {
        self.any.store(false, Ordering::SeqCst);
        std::mem::take(&mut *self.woken.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Tasks {
    pub(super) fn new(runtime: u32, remote: Arc<Remote>) -> Rc<Self> {
        let (futures, ready) = (RefCell::default(), RefCell::default());
        Rc::new(Self { runtime, futures, ready, over: Cell::new(false), remote })
    }

    pub(super) fn runtime(&self) -> u32 {
        self.runtime
    }

    pub(super) fn waker(&self, task: u32) -> Waker {
        Name { runtime: self.runtime, task }.waker()
    }

    pub(super) fn spawn<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> Task<T> {
        let join = Rc::new(Join::default());
        let teller = Teller(Rc::clone(&join));
        if self.over.get() {
            // The future is dropped, and who awaits the task is told.
            return Task(join);
        }
        let future = async move {
            let value = caught(future).await;
            teller.0.value.set(Some(value));
        };
        let number = self.futures.borrow_mut().insert(Some(Box::pin(future)));
        let number = u32::try_from(number).ok().filter(|&number| number < MAIN);
        self.wake(number.expect("fewer tasks than a waker can name"));
        Task(join)
    }

    /// Queues a task, unless it is queued.
    #[inline]
    pub(super) fn wake(&self, task: u32) {
        let ready = &mut *self.ready.borrow_mut();
        if task == MAIN {
            ready.main = true;
            return;
        }
        let place = task as usize;
        if ready.queued.len() <= place {
            ready.queued.resize(place + 1, false);
        }
        if !std::mem::replace(&mut ready.queued[place], true) {
            ready.queue.push_back(task);
        }
    }

    /// Queues what other threads have woken.
    #[inline]
    pub(super) fn wake_remote(&self) {
        if self.remote.any.load(Ordering::SeqCst) {
            self.remote.take().into_iter().for_each(|task| self.wake(task));
        }
    }

    /// Whether the future of `block_on` was woken since it was asked last.
    #[inline]
    pub(super) fn take_main(&self) -> bool {
        std::mem::take(&mut self.ready.borrow_mut().main)
    }

    /// Whether anything is to be polled.
    #[inline]
    pub(super) fn is_ready(&self) -> bool {
        let ready = self.ready.borrow();
        ready.main || !ready.queue.is_empty() || self.remote.any.load(Ordering::SeqCst)
    }

    /// Polls tasks until none is ready, but at most `most` times.
    #[inline]
    pub(super) fn run(&self, most: usize) {
        for _ in 0..most {
            let next = {
                let mut ready = self.ready.borrow_mut();
                let next = match self.remote.shard.pick(ready.queue.len()) {
                    0 => ready.queue.pop_front(),
                    place => ready.queue.remove(place),
                };
                if let Some(task) = next {
                    ready.queued[task as usize] = false;
                }
                next
            };
            match next {
                Some(task) => self.poll(task),
                None => return,
            }
        }
    }

    #[inline]
    fn poll(&self, task: u32) {
        // Taken out: it may spawn, and it may wait for operations and thereby wake others.
        let future = match self.futures.borrow_mut().get_mut(task as usize) {
            Some(place) => place.take(),
            None => return,
        };
        let Some(mut future) = future else {
            self.ready.borrow_mut().missed.push(task);
            return;
        };
        let waker = self.waker(task);
        // A task catches the panics of its future, but for those of its destructor.
        let polled = catch_unwind(AssertUnwindSafe(|| {
            future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready()
        }));
        if polled.unwrap_or(true) {
            let _panic = catch_unwind(AssertUnwindSafe(|| drop(future)));
            self.futures.borrow_mut().remove(task as usize);
        } else if let Some(place) = self.futures.borrow_mut().get_mut(task as usize) {
            *place = Some(future);
        }
        self.make_good(task);
    }

    /// Queues a task whose turn came while it was being polled.
    fn make_good(&self, task: u32) {
        let was_missed = {
            let missed = &mut self.ready.borrow_mut().missed;
            let before = missed.len();
            missed.retain(|&other| other != task);
            missed.len() < before
        };
        if was_missed {
            self.wake(task);
        }
    }

    // [C8] [C9] a destructor that panics does not keep the others from being dropped, nor the
    // runtime from being drained.
    /// Drops all tasks, now and henceforth; what they have in flight is abandoned.
    pub(super) fn clear(&self) {
        self.over.set(true);
        let futures: Vec<_> = self.futures.borrow_mut().drain().collect();
        for future in futures {
            let _panic = catch_unwind(AssertUnwindSafe(|| drop(future)));
        }
    }
}

/// A task of a [`Runtime`](super::Runtime): a future of what it comes to. Dropped, the task goes
/// on, and nobody is told.
///
/// # Panics
///
/// Awaiting it panics if the task has panicked, with the same panic, or if its runtime ended first.
#[must_use = "dropping it lets the task go on unwatched; await it, or let it go by `detach`"]
pub struct Task<T>(Rc<Join<T>>);

struct Join<T> {
    value: Cell<Option<thread::Result<T>>>,
    /// The task is gone: its value is there, or never comes.
    over: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl<T> Default for Join<T> {
    fn default() -> Self {
        Self { value: Cell::default(), over: Cell::default(), waker: RefCell::default() }
    }
}

/// The task's side of a join.
struct Teller<T>(Rc<Join<T>>);

impl<T> Drop for Teller<T> {
    fn drop(&mut self) {
        self.0.over.set(true);
        let waker = self.0.waker.borrow_mut().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Task<T> {
    /// Lets the task go on unwatched.
    pub fn detach(self) {}
}

impl<T> Future for Task<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match self.0.value.take() {
            Some(Ok(value)) => Poll::Ready(value),
            Some(Err(panic)) => resume_unwind(panic),
            None if self.0.over.get() => panic!("the task was dropped, or its value taken before"),
            None => {
                let waker = cx.waker().clone();
                let old = self.0.waker.borrow_mut().replace(waker);
                drop(old);
                Poll::Pending
            }
        }
    }
}

impl<T> std::fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Task").finish_non_exhaustive()
    }
}

/// The future with its panic as a value: a task that panics does not take the others along.
async fn caught<T>(future: impl Future<Output = T>) -> thread::Result<T> {
    let mut future = pin!(future);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(polled) => polled.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}
