//! What the cases share: bytes that tell where they belong, waits with a bound, an executor.

use std::{
    fmt,
    future::Future,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use overlapped::{Done, Failed, IoBuf, Pending, Port, request::Operation};

use super::world::{self, Idler, idle, now};

/// No case waits longer for what must come.
pub const LONG: Duration = Duration::from_secs(20);

/// So long is looked for what must not come.
pub const MOMENT: Duration = Duration::from_millis(30);

/// So often is looked for what comes soon.
const TICK: Duration = Duration::from_millis(1);

/// `len` bytes, each of which tells its place in a long row that starts at `from`.
pub fn numbered(from: usize, len: usize) -> Vec<u8> {
    // An odd factor, so that neither a row of zeros nor a shifted row looks right.
    (from..from + len).map(|place| (place.wrapping_mul(167) >> 2) as u8).collect()
}

/// The outcome, which must come.
#[track_caller]
pub fn must<O: Operation>(pending: Pending<'_, O>) -> O::Output {
    let start = now();
    let outcome = pending.wait_timeout(LONG).expect("an operation comes to its end");
    // A wake-up that was missed is made good by the last look; that counts as lost.
    assert!(now() - start < LONG, "who waits is woken");
    outcome
}

/// The bytes that a read has brought.
#[track_caller]
pub fn bytes<B: IoBuf + fmt::Debug>(outcome: Result<Done<B>, Failed<B>>) -> Vec<u8> {
    let Done { n, buf, .. } = outcome.expect("a read that succeeds");
    buf.as_slice()[..n].to_vec()
}

/// The buffer of an operation that must have been cancelled.
#[track_caller]
pub fn cancelled<B: fmt::Debug>(outcome: Result<Done<B>, Failed<B>>) -> B {
    let failed = outcome.expect_err("an operation that was cancelled");
    assert!(failed.error.is_cancelled(), "cancelled, and nothing else: {failed}");
    failed.buf
}

/// The operation itself, which must still be in flight after a moment.
#[track_caller]
pub fn waits<O: Operation>(pending: Pending<'_, O>) -> Pending<'_, O> {
    match pending.wait_timeout(MOMENT) {
        Err(pending) => pending,
        Ok(_) => panic!("an operation with nothing to do was over"),
    }
}

/// Looks until `is_so`, which must come.
#[track_caller]
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = now();
    while !is_so() {
        assert!(now() - start < LONG, "not in {LONG:?}: {what}");
        idle(TICK);
    }
}

/// Runs `body` on a thread of its own and gives what it returns. The calling one serves no port
/// meanwhile.
#[track_caller]
pub fn on_a_thread<R: Send + 'static>(body: impl FnOnce() -> R + Send + 'static) -> R {
    world::spawn(body).join()
}

/// Wakes a thread, and notes it: what a future does while it is polled may park the thread for
/// something else, and take the unparking for its own.
struct Unpark(Idler, AtomicBool);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.1.store(true, Ordering::SeqCst);
        self.0.get_up();
    }
}

/// The smallest executor: one future, one thread, and nothing of this library's.
#[track_caller]
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let unpark = Arc::new(Unpark(Idler::current(), AtomicBool::new(false)));
    let waker = Waker::from(Arc::clone(&unpark));
    let mut cx = Context::from_waker(&waker);
    let start = now();
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        while !unpark.1.swap(false, Ordering::SeqCst) {
            idle(LONG.saturating_sub(now() - start));
            assert!(now() - start < LONG, "a future is woken");
        }
    }
}

/// Polls once with a waker that does nothing.
pub fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    let mut cx = Context::from_waker(Waker::noop());
    Pin::new(future).poll(&mut cx)
}

/// Waits as [`must`] does until `pending` is over, but leaves its outcome where it is.
#[track_caller]
pub fn land<O: Operation>(port: &Port, pending: &Pending<'_, O>) {
    eventually("an operation comes to its end", || {
        // Whoever waits drives the port, and lands what else is over.
        must(port.sleep(TICK)).expect("a sleep");
        pending.is_over()
    });
}
