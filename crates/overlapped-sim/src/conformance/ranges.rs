//! Many reads as one.

use std::{future::Future, task::Poll, time::Duration};

use overlapped::{
    Cause, Port,
    fs::{File, RangeBuf, RangesOutput},
};

use super::{
    Env, table,
    tools::{LONG, block_on, bytes, eventually, numbered, on_a_thread, poll_once},
    world,
};

table! {
    Bytes "C3" ranges_come_in_their_order;
    Bytes "C3" a_range_past_the_end_is_short_and_its_neighbours_are_not;
    Bytes "C3" an_error_stands_at_its_place;
    Bytes "C3" ranges_are_waited_for_by_another_thread_than_started_them;
    Bytes "C3" ranges_come_while_another_thread_drives;
    Bytes "C3" ranges_of_a_runtime_come_on_its_thread_and_on_others;
    Bytes "C3" ranges_of_a_port_that_is_shut_down_all_have_an_outcome;
    Bytes "C1" kept_buffers_outlive_file_and_port;
    Bytes "C14" never_more_ranges_fly_than_the_depth_allows;
    Bytes "C14" cached_ranges_do_not_hold_up_an_executor;
    Bytes "C7" abandoned_ranges_are_asked_to_stop;
}

/// Backwards, of uneven lengths, some of none at all.
fn uneven() -> Vec<(u64, usize)> {
    let (count, step) = if world::is_simulated() { (10_u64, 10_u64) } else { (200, 300) };
    let range = |i: u64| (step * (count - i), if i % 9 == 0 { 0 } else { (step / 3 + i) as usize });
    (0..count).map(range).collect()
}

/// A file with all of them.
fn file(env: &Env, port: &Port) -> File {
    env.file(port, if world::is_simulated() { 200 } else { 64_000 })
}

#[track_caller]
fn check(outcomes: RangesOutput, ranges: &[(u64, usize)]) {
    assert_eq!(outcomes.len(), ranges.len());
    for (outcome, &(offset, len)) in outcomes.into_iter().zip(ranges) {
        assert_eq!(bytes(outcome), numbered(offset as usize, len));
    }
}

fn ranges_come_in_their_order(env: &Env) {
    let port = env.port();
    let file = file(env, &port);
    let ranges = uneven();
    for depth in [0, 1, 7, 1000] {
        check(file.read_ranges(&ranges, depth).wait(), &ranges);
        check(block_on(file.read_ranges(&ranges, depth)), &ranges);
    }
    assert!(file.read_ranges(&[], 7).wait().is_empty());
    assert!(block_on(file.read_ranges(&[], 7)).is_empty());
}

fn a_range_past_the_end_is_short_and_its_neighbours_are_not(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 1000);
    let outcomes = file.read_ranges(&[(0, 10), (990, 20), (5000, 10), (500, 10)], 2).wait();
    let counts: Vec<_> = outcomes.iter().map(|outcome| outcome.as_ref().unwrap().n).collect();
    assert_eq!(counts, [10, 10, 0, 10]);
    let lens: Vec<_> = outcomes.iter().map(|outcome| outcome.as_ref().unwrap().buf.len()).collect();
    assert_eq!(lens, [10, 20, 10, 10], "a buffer is as long as its range");
}

fn an_error_stands_at_its_place(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 1000);
    let ranges = [(0, 10), (u64::MAX, 30), (20, 10), (1 << 63, 10), (40, 10)];
    let check = |outcomes: RangesOutput| {
        for (outcome, (offset, len)) in outcomes.into_iter().zip(ranges) {
            if offset < 1000 {
                assert_eq!(bytes(outcome), numbered(offset as usize, len));
            } else {
                let failed = outcome.expect_err("no file is that long");
                assert!(matches!(failed.error.cause(), Cause::Invalid(_)), "{failed}");
                assert_eq!(failed.buf.len(), len);
            }
        }
    };
    for depth in [1, 2, 9] {
        check(file.read_ranges(&ranges, depth).wait());
        check(block_on(file.read_ranges(&ranges, depth)));
    }
}

fn ranges_are_waited_for_by_another_thread_than_started_them(env: &Env) {
    let port = env.port();
    let (file, ranges) = (file(env, &port), uneven());
    world::scope(|scope| {
        let reads = file.read_ranges(&ranges, 16);
        scope.spawn("another", || check(reads.wait(), &ranges));
        let mut reads = Box::pin(file.read_ranges(&ranges, 16));
        let polled = poll_once(&mut reads);
        scope.spawn("another", || match polled {
            Poll::Ready(outcomes) => check(outcomes, &ranges),
            Poll::Pending => check(block_on(reads), &ranges),
        });
    });
}

fn ranges_come_while_another_thread_drives(env: &Env) {
    let port = env.port();
    let (file, ranges) = (file(env, &port), uneven());
    let nap = port.sleep(Duration::from_secs(3600));
    world::scope(|scope| {
        scope.spawn("another", || {
            while !nap.is_over() {
                world::sleep(Duration::from_millis(1));
            }
        });
        let driving = port.sleep(Duration::from_millis(300));
        scope.spawn("another", || driving.wait());
        for _ in 0..world::rounds(20) {
            check(file.read_ranges(&ranges, 16).wait(), &ranges);
        }
        nap.cancel();
    });
}

fn ranges_of_a_runtime_come_on_its_thread_and_on_others(env: &Env) {
    let runtime = env.runtime();
    let port = runtime.port().clone();
    let (file, ranges) = (file(env, &port), uneven());
    check(file.read_ranges(&ranges, 16).wait(), &ranges);
    check(runtime.block_on(file.read_ranges(&ranges, 16)), &ranges);
    let elsewhere = world::spawn(move || {
        check(file.read_ranges(&ranges, 16).wait(), &ranges);
        check(block_on(file.read_ranges(&ranges, 16)), &ranges);
    });
    while !elsewhere.is_finished() {
        runtime.block_on(port.sleep(Duration::from_millis(1))).expect("a sleep");
    }
    elsewhere.join();
}

fn ranges_of_a_port_that_is_shut_down_all_have_an_outcome(env: &Env) {
    let ranges = uneven();
    for awaited in [false, true] {
        let port = env.port();
        let file = file(env, &port);
        let ranges = &ranges;
        let reads = file.read_ranges(ranges, 4);
        assert_eq!(port.shutdown(LONG).leaked, 0);
        let outcomes = if awaited { block_on(reads) } else { reads.wait() };
        assert_eq!(outcomes.len(), ranges.len());
        let mut refused = 0;
        for (outcome, &(offset, len)) in outcomes.into_iter().zip(ranges) {
            match outcome {
                // A cancel may come half-way.
                Ok(done) => assert_eq!(done.buf[..done.n], numbered(offset as usize, done.n)),
                Err(failed) => {
                    assert_eq!(failed.buf.len(), len, "it comes back all the same");
                    refused += 1;
                }
            }
        }
        assert!(refused > 0, "what had not begun is refused");
    }
}

fn kept_buffers_outlive_file_and_port(env: &Env) {
    let port = env.port();
    let file = file(env, &port);
    let ranges = uneven();
    let outcomes = file.read_ranges(&ranges, 16).wait();
    drop((file, port));
    let kept = outcomes.into_iter().zip(&ranges).step_by(3);
    let kept: Vec<(RangeBuf, u64)> =
        kept.map(|(outcome, &(offset, _))| (outcome.expect("a read").buf, offset)).collect();
    let mut kept = on_a_thread(move || {
        for (buf, offset) in &kept {
            assert_eq!(**buf, *numbered(*offset as usize, buf.len()));
        }
        kept
    });
    let last = kept.len() - 1;
    kept[last].0.fill(0xee);
    for (buf, offset) in &kept[..last] {
        assert_eq!(**buf, *numbered(*offset as usize, buf.len()), "buffers share no bytes");
    }
    // A buffer may be lent again.
    let port = env.port();
    let file = File::create(&port, env.path("again")).wait().expect("a new file");
    let (buf, offset) = kept.swap_remove(1);
    let len = buf.len();
    let buf = file.write_all_at(buf, 0).wait().expect("a write").buf;
    let read = file.read_exact_at(buf, 0).wait();
    assert_eq!(bytes(read), numbered(offset as usize, len));
}

fn never_more_ranges_fly_than_the_depth_allows(env: &Env) {
    let port = env.port();
    let count = world::crowd(100);
    let file = env.file(&port, 10 * count);
    let ranges: Vec<_> = (0..count as u64).map(|i| (i * 10, 10)).collect();
    for (depth, bound) in [(0, 1), (1, 1), (5, 5)] {
        let before = port.stats().started;
        let reads = file.read_ranges(&ranges, depth);
        let started = port.stats().started - before;
        assert_eq!(started, bound, "of depth {depth} at the start");
        let mut reads = Box::pin(reads);
        let mut most = 0;
        block_on(std::future::poll_fn(|cx| {
            most = most.max(port.in_flight().len());
            reads.as_mut().poll(cx).map(|outcomes| assert_eq!(outcomes.len(), count))
        }));
        assert!(most as u64 <= bound, "{most} in flight with depth {depth}");
    }
}

fn cached_ranges_do_not_hold_up_an_executor(env: &Env) {
    let port = env.port();
    let count = world::crowd(1000);
    let file = env.file(&port, count + 10);
    let ranges: Vec<_> = (0..count as u64).map(|i| (i, 10)).collect();
    let before = port.stats();
    let mut reads = Box::pin(file.read_ranges(&ranges, 1000));
    let (mut seen, mut most) = (port.stats().inline, 0);
    most = most.max(seen - before.inline);
    let outcomes = block_on(std::future::poll_fn(|cx| {
        let polled = reads.as_mut().poll(cx);
        let now = port.stats().inline;
        most = most.max(now - seen);
        seen = now;
        polled
    }));
    check(outcomes, &ranges);
    assert!(most <= 64, "{most} reads at a stretch");
}

fn abandoned_ranges_are_asked_to_stop(env: &Env) {
    let port = env.port();
    let (count, half) = if world::is_simulated() { (50, 25) } else { (1000, 100) };
    let file = env.file(&port, 10 * count as usize);
    let ranges: Vec<_> = (0..count).map(|i| (i * 10, 10)).collect();
    drop(file.read_ranges(&ranges, 10));
    eventually("nothing is in flight", || port.in_flight().is_empty());
    assert!(port.stats().started <= 20, "reads that had not begun never begin");
    // Half-way.
    let mut reads = Box::pin(file.read_ranges(&ranges, 10));
    let half: Poll<()> = block_on(std::future::poll_fn(|cx| {
        let over = reads.as_mut().poll(cx).is_ready();
        assert!(!over, "so many ranges take more than one turn");
        if port.stats().landed > half { Poll::Ready(Poll::Ready(())) } else { Poll::Pending }
    }));
    assert!(half.is_ready());
    drop(reads);
    eventually("nothing is in flight", || port.in_flight().is_empty());
    assert!(port.stats().started < count, "reads that had not begun never begin");
}
