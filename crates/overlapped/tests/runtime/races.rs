//! The program's half on one thread, the landing on another, at the same time.

use std::{
    hint,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use futures_lite::future;
use overlapped::{Pending, pipe, request::Read};

use crate::{numbered, on_each};

const ROUNDS: usize = if cfg!(debug_assertions) { 2_000 } else { 20_000 };

/// Counts down even if its thread panics.
struct Leaves(Arc<AtomicUsize>);

impl Drop for Leaves {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What a thread does with its half of a read; the bytes, if that gave them.
fn mishandle(mut read: Pending<'static, Read<Vec<u8>>>, way: usize) -> Option<Vec<u8>> {
    match way % 5 {
        0 => drop(read),
        1 => {
            read.cancel();
            drop(read);
        }
        2 => {
            let polled = future::block_on(future::poll_once(&mut read));
            return polled.map(|done| done.expect("a read").buf);
        }
        3 => drop(thread::spawn(move || drop(read)).join()),
        _ => return Some(future::block_on(read).expect("a read").buf),
    }
    None
}

/// Three threads use operations of a runtime's port while it serves them: each outcome is true, and
/// no byte is lost or doubled, whatever a thread does with its half.
// [C3] [C7] [C13]
#[test]
fn halves_elsewhere_race_with_their_landing() {
    on_each("halves_elsewhere_race", |runtime| {
        let left = Arc::new(AtomicUsize::new(3));
        let start = |seed: usize| {
            let (port, leaves) = (runtime.port().clone(), Leaves(Arc::clone(&left)));
            thread::spawn(move || {
                let _leaves = leaves;
                let (reader, writer) = pipe::pair(&port).expect("a pipe");
                for round in 0..ROUNDS / 3 {
                    // Two bytes are written at once, so they are read at once.
                    let bytes = numbered(round * 2, 2);
                    let read = reader.read(vec![0; 2]);
                    let write = writer.write_all(bytes.clone());
                    let got = mishandle(read, round + seed);
                    write.wait().expect("a write");
                    let read_now = || reader.read_exact(vec![0; 2]).wait().expect("a read").buf;
                    assert_eq!(got.unwrap_or_else(read_now), bytes, "round {round}");
                }
            })
        };
        let threads: Vec<_> = (0..3).map(start).collect();
        let port = runtime.port().clone();
        runtime.block_on(async {
            while left.load(Ordering::SeqCst) > 0 {
                port.sleep(Duration::from_millis(2)).await.expect("a sleep");
            }
        });
        for thread in threads {
            thread.join().expect("a thread that does not panic");
        }
        assert_eq!(port.stats().in_flight, 0);
    });
}

/// Wakers that are called by other threads while the runtime lies down: no call is lost.
// [C12]
#[test]
fn calls_meet_a_runtime_that_lies_down() {
    on_each("calls_meet_a_runtime", |runtime| {
        let turn = Arc::new(AtomicUsize::new(0));
        let over = Arc::new(AtomicBool::new(false));
        let slot = Arc::new(std::sync::Mutex::new(None::<std::task::Waker>));
        let (their_turn, their_over, their_slot) =
            (Arc::clone(&turn), Arc::clone(&over), Arc::clone(&slot));
        let caller = thread::spawn(move || {
            while !their_over.load(Ordering::SeqCst) {
                let waker = their_slot.lock().expect("no panic").take();
                if let Some(waker) = waker {
                    // Now earlier, now later than the runtime lies down.
                    let delay = their_turn.load(Ordering::SeqCst) * 7 % 2_000;
                    (0..delay).for_each(|_| hint::spin_loop());
                    their_turn.fetch_add(1, Ordering::SeqCst);
                    waker.wake();
                }
            }
        });
        for round in 0..ROUNDS {
            let task = runtime.spawn({
                let (turn, slot) = (Arc::clone(&turn), Arc::clone(&slot));
                std::future::poll_fn(move |cx| {
                    if turn.load(Ordering::SeqCst) > round {
                        return std::task::Poll::Ready(());
                    }
                    *slot.lock().expect("no panic") = Some(cx.waker().clone());
                    std::task::Poll::Pending
                })
            });
            runtime.block_on(task);
        }
        over.store(true, Ordering::SeqCst);
        caller.join().expect("a caller that does not panic");
    });
}
