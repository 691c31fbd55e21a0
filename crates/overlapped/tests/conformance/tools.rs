//! What the cases share: bytes that tell where they belong, waits with a bound, an executor.

use std::{
    cell::RefCell,
    fmt,
    future::Future,
    pin::pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use overlapped::{Done, Failed, IoBuf, Pending, request::Operation};

/// No case waits longer for what must come.
pub(super) const LONG: Duration = Duration::from_secs(20);

/// So long is looked for what must not come.
pub(super) const MOMENT: Duration = Duration::from_millis(30);

/// `len` bytes, each of which tells its place in a long row that starts at `from`.
pub(crate) fn numbered(from: usize, len: usize) -> Vec<u8> {
    // An odd factor, so that neither a row of zeros nor a shifted row looks right.
    (from..from + len).map(|place| (place.wrapping_mul(167) >> 2) as u8).collect()
}

/// The outcome, which must come.
#[track_caller]
pub(super) fn must<O: Operation>(pending: Pending<'_, O>) -> O::Output {
    let start = Instant::now();
    let outcome = pending.wait_timeout(LONG).expect("an operation comes to its end");
    // A wake-up that was missed is made good by the last look; that counts as lost.
    assert!(start.elapsed() < LONG, "who waits is woken");
    outcome
}

/// The bytes that a read has brought.
#[track_caller]
pub(super) fn bytes<B: IoBuf + fmt::Debug>(outcome: Result<Done<B>, Failed<B>>) -> Vec<u8> {
    let Done { n, buf, .. } = outcome.expect("a read that succeeds");
    buf.as_slice()[..n].to_vec()
}

/// The buffer of an operation that must have been cancelled.
#[track_caller]
pub(super) fn cancelled<B: std::fmt::Debug>(outcome: Result<Done<B>, Failed<B>>) -> B {
    let failed = outcome.expect_err("an operation that was cancelled");
    assert!(failed.error.is_cancelled(), "cancelled, and nothing else: {failed}");
    failed.buf
}

/// The operation itself, which must still be in flight after a moment.
#[track_caller]
pub(super) fn waits<O: Operation>(pending: Pending<'_, O>) -> Pending<'_, O> {
    match pending.wait_timeout(MOMENT) {
        Err(pending) => pending,
        Ok(_) => panic!("an operation with nothing to do was over"),
    }
}

type Serve = Rc<dyn Fn(Duration)>;

thread_local! {
    static IDLE: RefCell<Option<Serve>> = const { RefCell::new(None) };
}

/// What this thread does when it has nothing to do: it serves the ports that belong to it.
pub(crate) fn when_idle(serve: impl Fn(Duration) + 'static) {
    IDLE.set(Some(Rc::new(serve)));
}

/// Sleeps for a short while, or until somebody unparks the thread.
fn idle(longest: Duration) {
    let serve = IDLE.with_borrow(Option::clone);
    match serve {
        Some(serve) => serve(longest.min(Duration::from_micros(200))),
        None => thread::park_timeout(longest),
    }
}

/// Looks until `is_so`, which must come.
#[track_caller]
pub(super) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < LONG, "not in {LONG:?}: {what}");
        idle(Duration::from_millis(1));
    }
}

/// Runs `body` on a thread of its own and gives what it returns, which must come.
#[track_caller]
pub(super) fn on_a_thread<R: Send + 'static>(body: impl FnOnce() -> R + Send + 'static) -> R {
    let (tell, told) = mpsc::channel();
    let thread = thread::spawn(move || tell.send(body()));
    match told.recv_timeout(LONG) {
        Ok(result) => {
            // Its locals are destroyed when it is joined.
            let _ = thread.join();
            result
        }
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("a thread hangs"),
        Err(mpsc::RecvTimeoutError::Disconnected) => panic!("a thread panicked"),
    }
}

/// Wakes a thread, and notes it: what a future does while it is polled may park the thread for
/// something else, and take the unparking for its own.
struct Unpark(Thread, AtomicBool);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.1.store(true, Ordering::SeqCst);
        self.0.unpark();
    }
}

/// The smallest executor: one future, one thread, and nothing of this library's.
#[track_caller]
pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let unpark = Arc::new(Unpark(thread::current(), AtomicBool::new(false)));
    let waker = Waker::from(Arc::clone(&unpark));
    let mut cx = Context::from_waker(&waker);
    let start = Instant::now();
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        while !unpark.1.swap(false, Ordering::SeqCst) {
            idle(LONG.saturating_sub(start.elapsed()));
            assert!(start.elapsed() < LONG, "a future is woken");
        }
    }
}

/// Polls once with a waker that does nothing.
pub(super) fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    let mut cx = Context::from_waker(Waker::noop());
    std::pin::Pin::new(future).poll(&mut cx)
}

/// Waits as [`must`] does until `pending` is over, but leaves its outcome where it is.
#[track_caller]
pub(super) fn land<O: Operation>(port: &overlapped::Port, pending: &Pending<'_, O>) {
    eventually("an operation comes to its end", || {
        // Whoever waits drives the port, and lands what else is over.
        must(port.sleep(Duration::from_micros(100))).expect("a sleep");
        pending.is_over()
    });
}
