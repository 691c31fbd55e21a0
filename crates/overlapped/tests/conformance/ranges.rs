//! Many reads as one.

use std::{future::Future, task::Poll, thread, time::Duration};

use overlapped::{
    Cause, Port, Runtime,
    fs::{File, OpenOptions, RangeBuf, RangesOutput},
};

use super::{
    Env, Verdict, cases,
    tools::{LONG, block_on, bytes, eventually, numbered, on_a_thread, poll_once},
};

cases! {
    Bytes "C3" ranges_come_in_their_order;
    Bytes "C3" a_range_past_the_end_is_short_and_its_neighbours_are_not;
    Bytes "C3" an_error_stands_at_its_place;
    Bytes "C3" ranges_are_waited_for_by_another_thread_than_started_them;
    Bytes "C3" ranges_come_while_another_thread_drives;
    Bytes "C3" ranges_of_a_runtime_come_on_its_thread_and_on_others;
    Bytes "C3" ranges_of_a_port_that_is_shut_down_all_have_an_outcome;
    System "C3" ranges_are_read_past_the_page_cache;
    Bytes "C1" kept_buffers_outlive_file_and_port;
    Bytes "C14" never_more_ranges_fly_than_the_depth_allows;
    Bytes "C14" cached_ranges_do_not_hold_up_an_executor;
    Bytes "C7" abandoned_ranges_are_asked_to_stop;
}

/// Backwards, of uneven lengths, some of none at all.
fn uneven() -> Vec<(u64, usize)> {
    (0..200).map(|i| (63_000 - i * 300, if i % 9 == 0 { 0 } else { 100 + i as usize })).collect()
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
    let file = env.file(&port, 64_000);
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
    let (file, ranges) = (env.file(&port, 64_000), uneven());
    thread::scope(|scope| {
        let reads = file.read_ranges(&ranges, 16);
        scope.spawn(|| check(reads.wait(), &ranges));
        let mut reads = Box::pin(file.read_ranges(&ranges, 16));
        assert!(poll_once(&mut reads).is_pending() || ranges.is_empty());
        scope.spawn(|| check(block_on(reads), &ranges));
    });
}

fn ranges_come_while_another_thread_drives(env: &Env) {
    let port = env.port();
    let (file, ranges) = (env.file(&port, 64_000), uneven());
    let nap = port.sleep(Duration::from_secs(3600));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !nap.is_over() {
                thread::sleep(Duration::from_millis(1));
            }
        });
        let driving = port.sleep(Duration::from_millis(300));
        scope.spawn(|| driving.wait());
        for _ in 0..20 {
            check(file.read_ranges(&ranges, 16).wait(), &ranges);
        }
        nap.cancel();
    });
}

fn ranges_of_a_runtime_come_on_its_thread_and_on_others(env: &Env) {
    let runtime = Runtime::with(env.settings.clone()).expect("the environment makes runtimes");
    let port = runtime.port().clone();
    let (file, ranges) = (env.file(&port, 64_000), uneven());
    check(file.read_ranges(&ranges, 16).wait(), &ranges);
    check(runtime.block_on(file.read_ranges(&ranges, 16)), &ranges);
    let elsewhere = thread::spawn(move || {
        check(file.read_ranges(&ranges, 16).wait(), &ranges);
        check(block_on(file.read_ranges(&ranges, 16)), &ranges);
    });
    while !elsewhere.is_finished() {
        runtime.block_on(port.sleep(Duration::from_millis(1))).expect("a sleep");
    }
    elsewhere.join().expect("ranges come elsewhere, too");
}

fn ranges_of_a_port_that_is_shut_down_all_have_an_outcome(env: &Env) {
    let ranges = uneven();
    for awaited in [false, true] {
        let port = env.port();
        let file = env.file(&port, 64_000);
        let ranges = &ranges;
        let reads = file.read_ranges(ranges, 16);
        assert_eq!(port.shutdown(LONG).leaked, 0);
        let outcomes = if awaited { block_on(reads) } else { reads.wait() };
        assert_eq!(outcomes.len(), ranges.len());
        let mut refused = 0;
        for (outcome, &(offset, len)) in outcomes.into_iter().zip(ranges) {
            match outcome {
                Ok(_) => assert_eq!(bytes(outcome), numbered(offset as usize, len)),
                Err(failed) => {
                    assert_eq!(failed.buf.len(), len, "it comes back all the same");
                    refused += 1;
                }
            }
        }
        assert!(refused > 0, "what had not begun is refused");
    }
}

/// Opens `file` past the page cache, if the file system can.
fn direct(env: &Env, port: &Port) -> Result<File, String> {
    let file = env.file(port, 1 << 20);
    file.sync_all().wait().expect("a sync");
    let opened = OpenOptions::new().read(true).direct(true).open(port, env.path("file")).wait();
    opened.map_err(|error| format!("no direct I/O here: {error}"))
}

fn ranges_are_read_past_the_page_cache(env: &Env) -> Verdict {
    let port = env.port();
    let file = match direct(env, &port) {
        Ok(file) => file,
        Err(reason) => return Verdict::Skip(reason),
    };
    // The last is cut off by the end of the file.
    let mut ranges: Vec<_> = (0..100).map(|i| ((i * 37 % 250) * 4096, 4096 << (i % 3))).collect();
    ranges.push(((1 << 20) - 4096, 8192));
    let expect = |(offset, len): (u64, usize)| {
        numbered(offset as usize, len.min((1 << 20) - offset as usize))
    };
    for depth in [1, 16, 1000] {
        let outcomes = file.read_ranges(&ranges, depth).wait();
        let awaited = block_on(file.read_ranges(&ranges, depth));
        for (outcome, &range) in outcomes.into_iter().chain(awaited).zip(ranges.iter().cycle()) {
            assert_eq!(bytes(outcome), expect(range));
        }
    }
    // What is not aligned is for the OS to judge, and its neighbours do not mind.
    let mut outcomes = file.read_ranges(&[(0, 4096), (1, 4095), (4096, 4096)], 3).wait();
    assert_eq!(bytes(outcomes.remove(2)), numbered(4096, 4096));
    match outcomes.remove(1) {
        Err(failed) => assert_eq!(failed.error.cause(), Cause::Os(22), "{failed}"),
        Ok(done) => assert_eq!(done.buf[..done.n], numbered(1, done.n)),
    }
    assert_eq!(bytes(outcomes.remove(0)), numbered(0, 4096));
    Verdict::Pass
}

fn kept_buffers_outlive_file_and_port(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 64_000);
    let ranges = uneven();
    let outcomes = file.read_ranges(&ranges, 16).wait();
    drop((file, port));
    let kept = outcomes.into_iter().zip(&ranges).step_by(7);
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
    let file = env.file(&port, 10_000);
    let ranges: Vec<_> = (0..100).map(|i| (i * 100, 100)).collect();
    for (depth, bound) in [(0, 1), (1, 1), (5, 5)] {
        let before = port.stats().started;
        let reads = file.read_ranges(&ranges, depth);
        let started = port.stats().started - before;
        assert_eq!(started, bound, "of depth {depth} at the start");
        let mut reads = Box::pin(reads);
        let mut most = 0;
        block_on(std::future::poll_fn(|cx| {
            most = most.max(port.in_flight().len());
            reads.as_mut().poll(cx).map(|outcomes| assert_eq!(outcomes.len(), 100))
        }));
        assert!(most as u64 <= bound, "{most} in flight with depth {depth}");
    }
}

fn cached_ranges_do_not_hold_up_an_executor(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 10_000);
    let ranges: Vec<_> = (0..1000).map(|i| (i, 100)).collect();
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
    let file = env.file(&port, 10_000);
    let ranges: Vec<_> = (0..1000).map(|i| (i * 10, 100)).collect();
    drop(file.read_ranges(&ranges, 10));
    eventually("nothing is in flight", || port.in_flight().is_empty());
    assert!(port.stats().started <= 20, "reads that had not begun never begin");
    // Half-way.
    let mut reads = Box::pin(file.read_ranges(&ranges, 10));
    let half: Poll<()> = block_on(std::future::poll_fn(|cx| {
        let over = reads.as_mut().poll(cx).is_ready();
        assert!(!over, "a thousand ranges take more than one turn");
        if port.stats().landed > 100 { Poll::Ready(Poll::Ready(())) } else { Poll::Pending }
    }));
    assert!(half.is_ready());
    drop(reads);
    eventually("nothing is in flight", || port.in_flight().is_empty());
    assert!(port.stats().started < 1000, "reads that had not begun never begin");
}
