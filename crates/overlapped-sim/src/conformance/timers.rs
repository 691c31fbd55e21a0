//! Sleeps: never early, whoever drives the port.

use std::{
    hint,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use super::{
    Env, table,
    tools::{LONG, block_on, eventually, must, poll_once},
    world,
};

table! {
    Time "C3" a_sleep_is_never_early;
    Time "C3" sleeps_end_in_the_order_of_their_times;
    Time "C3" a_sleep_until_the_past_is_over_at_once;
    Time "C3" a_sleep_without_end_can_be_cancelled;
    Time "C12" a_sleep_wakes_those_who_await;
    Time "C8" a_dropped_sleep_is_gone;
    Time "C14" many_sleeps_end_each_at_its_time;
    Time "C14" a_wait_that_begins_as_its_operation_ends;
}

fn a_sleep_is_never_early(env: &Env) {
    let port = env.port();
    for length in [0, 1, 999, 1000, 12_345].map(Duration::from_micros) {
        let start = port.now();
        must(port.sleep(length)).expect("a sleep");
        assert!(port.now() - start >= length);
    }
}

fn sleeps_end_in_the_order_of_their_times(env: &Env) {
    let port = env.port();
    let (late, early) = (Duration::from_millis(400), Duration::from_millis(10));
    let start = port.now();
    let (late_nap, early_nap) = (port.sleep(late), port.sleep(early));
    must(early_nap).expect("a sleep");
    assert!(!late_nap.is_over() || port.now() - start >= late, "each at its own time");
    must(late_nap).expect("a sleep");
    assert!(port.now() - start >= late);
}

fn a_sleep_until_the_past_is_over_at_once(env: &Env) {
    let port = env.port();
    let start = port.now();
    must(port.sleep_until(start - Duration::from_secs(1))).expect("a sleep");
    must(port.sleep(Duration::ZERO)).expect("a sleep");
    assert!(port.now() - start < LONG / 2);
}

fn a_sleep_without_end_can_be_cancelled(env: &Env) {
    let port = env.port();
    let nap = port.sleep(Duration::MAX);
    assert!(!nap.is_over());
    nap.cancel();
    assert!(must(nap).expect_err("it has no end").is_cancelled());
}

fn a_sleep_wakes_those_who_await(env: &Env) {
    let port = env.port();
    let length = Duration::from_millis(5);
    let start = port.now();
    block_on(port.sleep(length)).expect("a sleep");
    assert!(port.now() - start >= length);
    // A shorter sleep gets up whoever sleeps in the kernel for the longer one.
    let mut long = port.sleep(LONG * 100);
    assert!(poll_once(&mut long).is_pending());
    let start = port.now();
    block_on(port.sleep(length)).expect("a sleep");
    assert!(port.now() - start < LONG / 2);
}

fn a_dropped_sleep_is_gone(env: &Env) {
    let port = env.port();
    drop(port.sleep(LONG * 100));
    eventually("nothing is in flight", || port.in_flight().is_empty());
}

fn many_sleeps_end_each_at_its_time(env: &Env) {
    let port = env.port();
    let (many, rounds) = (world::rounds(4) as u64, world::rounds(500) as u64);
    world::scope(|threads| {
        for thread in 0..many {
            let port = &port;
            threads.spawn("another", move || {
                let naps: Vec<_> = (0..rounds)
                    .map(|i| {
                        let length = Duration::from_micros((i * 7919 + thread * 13) % 50_000);
                        (port.now() + length, port.sleep(length))
                    })
                    .collect();
                for (due, nap) in naps {
                    must(nap).expect("a sleep");
                    assert!(port.now() >= due);
                }
            });
        }
    });
    assert_eq!(port.stats().started, many * rounds);
    eventually("all have landed", || port.stats().landed == many * rounds);
}

fn a_wait_that_begins_as_its_operation_ends(env: &Env) {
    for round in 0..world::rounds(300) as u64 {
        let port = env.port();
        let nap = port.sleep(LONG * 100);
        let (ready, begin) = (AtomicBool::new(false), AtomicBool::new(false));
        world::scope(|threads| {
            // It is about to sleep at the kernel when its operation is landed by another thread.
            threads.spawn("another", || {
                ready.store(true, Ordering::SeqCst);
                while !begin.load(Ordering::SeqCst) {
                    if world::is_simulated() { world::pause() } else { hint::spin_loop() }
                }
                assert!(must(nap).expect_err("it would be long").is_cancelled());
            });
            while !ready.load(Ordering::SeqCst) {
                world::pause();
            }
            begin.store(true, Ordering::SeqCst);
            world::spin(round * 8);
            assert_eq!(port.shutdown(LONG).leaked, 0);
        });
    }
}
