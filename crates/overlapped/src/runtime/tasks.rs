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
    slots: RefCell<Slab<Slot>>,
    /// Tasks that are to be polled, in their order; each is marked in its slot.
    ready: RefCell<VecDeque<u32>>,
    /// The future of `block_on` is to be polled.
    main: Cell<bool>,
    /// The runtime has ended: nothing is taken in any more.
    over: Cell<bool>,
    pub(super) remote: Arc<Remote>,
}

/// The place of one task.
struct Slot {
    /// `None` while it is being polled.
    future: Option<Boxed>,
    /// It is in the queue.
    queued: bool,
    /// Its turn came while it was being polled, further up the stack.
    missed: bool,
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
        let (slots, ready) = (RefCell::default(), RefCell::default());
        let (main, over) = (Cell::new(false), Cell::new(false));
        Rc::new(Self { runtime, slots, ready, main, over, remote })
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
        let slot = Slot { future: Some(Box::pin(future)), queued: false, missed: false };
        let number = self.slots.borrow_mut().insert(slot);
        let number = u32::try_from(number).ok().filter(|&number| number < MAIN);
        self.wake(number.expect("fewer tasks than a waker can name"));
        Task(join)
    }

    /// Queues a task, unless it is queued or gone.
    #[inline]
    pub(super) fn wake(&self, task: u32) {
        if task == MAIN {
            return self.main.set(true);
        }
        if let Some(slot) = self.slots.borrow_mut().get_mut(task as usize) {
            self.queue(task, slot);
        }
    }

    #[inline]
    fn queue(&self, task: u32, slot: &mut Slot) {
        if !std::mem::replace(&mut slot.queued, true) {
            self.ready.borrow_mut().push_back(task);
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
        self.main.take()
    }

    /// Whether anything is to be polled.
    #[inline]
    pub(super) fn is_ready(&self) -> bool {
        let here = self.main.get() || !self.ready.borrow().is_empty();
        here || self.remote.any.load(Ordering::SeqCst)
    }

    /// Polls tasks until none is ready, but at most `most` times.
    #[inline]
    pub(super) fn run(&self, most: usize) {
        for _ in 0..most {
            let Some(task) = self.next() else {
                return;
            };
            self.poll(task);
        }
    }

    #[inline]
    fn next(&self) -> Option<u32> {
        let mut ready = self.ready.borrow_mut();
        match self.remote.shard.pick(ready.len()) {
            0 => ready.pop_front(),
            place => ready.remove(place),
        }
    }

    #[inline]
    fn poll(&self, task: u32) {
        // Taken out: it may spawn, and it may wait for operations and thereby wake others.
        let Some(mut future) = self.take(task) else {
            return;
        };
        let waker = self.waker(task);
        // A task catches the panics of its future, but for those of its destructor.
        let polled = catch_unwind(AssertUnwindSafe(|| {
            future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready()
        }));
        if polled.unwrap_or(true) {
            let _panic = catch_unwind(AssertUnwindSafe(|| drop(future)));
            self.slots.borrow_mut().try_remove(task as usize);
        } else if let Some(slot) = self.slots.borrow_mut().get_mut(task as usize) {
            slot.future = Some(future);
            if std::mem::take(&mut slot.missed) {
                self.queue(task, slot);
            }
        }
    }

    /// Takes a task out of the queue; its future, unless it is being polled.
    #[inline]
    fn take(&self, task: u32) -> Option<Boxed> {
        let mut slots = self.slots.borrow_mut();
        let slot = slots.get_mut(task as usize)?;
        slot.queued = false;
        let future = slot.future.take();
        slot.missed |= future.is_none();
        future
    }

    // [C8] [C9] a destructor that panics does not keep the others from being dropped, nor the
    // runtime from being drained.
    /// Drops all tasks, now and henceforth; what they have in flight is abandoned.
    pub(super) fn clear(&self) {
        self.over.set(true);
        let slots: Vec<_> = self.slots.borrow_mut().drain().collect();
        for slot in slots {
            let _panic = catch_unwind(AssertUnwindSafe(|| drop(slot)));
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
