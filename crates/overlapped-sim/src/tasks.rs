//! The smallest executor whose order is chosen: which ready task is polled is a step like others.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    future::Future,
    pin::{Pin, pin},
    rc::Rc,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Wake, Waker},
};

use crate::{
    Sim,
    kernel::{Kernel, Wait, here},
};

/// Tasks of one thread that were spawned and have not been polled for the first time.
type Fresh = Rc<RefCell<Vec<(u32, Pin<Box<dyn Future<Output = ()>>>)>>>;

thread_local! {
    static FRESH: RefCell<Option<(Fresh, u32)>> = const { RefCell::new(None) };
}

/// A task, as who waits for it sees it.
#[must_use = "a task that nobody awaits goes on all the same, until block_on is over"]
pub struct Task<T> {
    shared: Arc<Mutex<Shared<T>>>,
}

struct Shared<T> {
    output: Option<T>,
    waker: Option<Waker>,
}

/// Wakes a task: it becomes ready.
struct TaskWaker {
    kernel: Arc<Kernel>,
    thread: usize,
    task: u32,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.kernel.ready(self.thread, self.task);
    }
}

impl Sim {
    /// Runs `future` to its end, and what it spawns meanwhile. Tasks that are not over by then are
    /// dropped.
    ///
    /// # Panics
    ///
    /// If the calling thread is in a `block_on` already.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let kernel = self.kernel();
        let thread = here().expect("a simulated thread");
        let fresh = Fresh::default();
        let nested = FRESH.with_borrow(Option::is_some);
        assert!(!nested, "a block_on inside a block_on: spawn a task instead");
        FRESH.set(Some((Rc::clone(&fresh), 0)));
        let _leave = Leave { kernel: Arc::clone(kernel), thread };
        let waker =
            |task| Waker::from(Arc::new(TaskWaker { kernel: Arc::clone(kernel), thread, task }));
        let mut future = pin!(future);
        let mut tasks: BTreeMap<u32, Pin<Box<dyn Future<Output = ()>>>> = BTreeMap::new();
        kernel.ready(thread, 0);
        loop {
            let task = kernel.next_task(thread);
            let waker = waker(task);
            let mut cx = Context::from_waker(&waker);
            if task == 0 {
                if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                    return output;
                }
            } else if let Some(body) = tasks.get_mut(&task) {
                if body.as_mut().poll(&mut cx).is_ready() {
                    tasks.remove(&task);
                }
            }
            for (task, body) in fresh.take() {
                tasks.insert(task, body);
                kernel.ready(thread, task);
            }
        }
    }

    /// Starts a task on the calling thread, which is in [`block_on`](Self::block_on).
    ///
    /// # Panics
    ///
    /// If it is in none.
    pub fn spawn<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> Task<T> {
        spawn(future)
    }
}

fn spawn<T: 'static>(future: impl Future<Output = T> + 'static) -> Task<T> {
    let shared = Arc::new(Mutex::new(Shared { output: None, waker: None }));
    let told = Arc::clone(&shared);
    let body = async move {
        let output = future.await;
        let waker = {
            let mut shared = told.lock().unwrap_or_else(PoisonError::into_inner);
            shared.output = Some(output);
            shared.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    };
    FRESH.with_borrow_mut(|fresh| {
        let (fresh, last) = fresh.as_mut().expect("spawn is for use inside Sim::block_on");
        *last += 1;
        fresh.borrow_mut().push((*last, Box::pin(body)));
    });
    Task { shared }
}

/// `block_on` is over, however it ends.
struct Leave {
    kernel: Arc<Kernel>,
    thread: usize,
}

impl Drop for Leave {
    fn drop(&mut self) {
        self.kernel.lock().forget_ready(self.thread);
        FRESH.set(None);
    }
}

impl<T> Future for Task<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(output) = shared.output.take() {
            return Poll::Ready(output);
        }
        shared.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Kernel {
    /// A task of `thread` is ready to be polled.
    fn ready(&self, thread: usize, task: u32) {
        self.lock().add_ready(thread, task);
    }

    /// Waits until a task of `thread` is ready, and chooses among those that are.
    fn next_task(self: &Arc<Self>, thread: usize) -> u32 {
        let (mut state, chosen) = self.point_in(self.lock(), Wait::Task);
        state.take_ready(thread, chosen)
    }
}
