//! Many reads as one.

use super::{
    Env, cases,
    tools::{block_on, bytes, eventually, numbered},
};

cases! {
    Bytes "C3" ranges_come_in_their_order;
    Bytes "C3" a_range_past_the_end_is_short_and_its_neighbours_are_not;
    Bytes "C14" never_more_ranges_fly_than_the_depth_allows;
    Bytes "C7" abandoned_ranges_are_asked_to_stop;
}

fn ranges_come_in_their_order(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 64_000);
    // Backwards and of uneven lengths.
    let ranges: Vec<_> = (0..200).map(|i| (63_000 - i * 300, 100 + i as usize)).collect();
    for depth in [1, 7, 1000] {
        let outcomes = file.read_ranges(&ranges, depth).wait();
        assert_eq!(outcomes.len(), ranges.len());
        for (outcome, &(offset, len)) in outcomes.into_iter().zip(&ranges) {
            assert_eq!(bytes(outcome), numbered(offset as usize, len));
        }
    }
    let awaited = block_on(file.read_ranges(&ranges, 7));
    for (outcome, &(offset, len)) in awaited.into_iter().zip(&ranges) {
        assert_eq!(bytes(outcome), numbered(offset as usize, len));
    }
    assert!(file.read_ranges(&[], 7).wait().is_empty());
}

fn a_range_past_the_end_is_short_and_its_neighbours_are_not(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 1000);
    let outcomes = file.read_ranges(&[(0, 10), (990, 20), (5000, 10), (500, 10)], 2).wait();
    let counts: Vec<_> = outcomes.iter().map(|outcome| outcome.as_ref().unwrap().n).collect();
    assert_eq!(counts, [10, 10, 0, 10]);
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

fn abandoned_ranges_are_asked_to_stop(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 10_000);
    let ranges: Vec<_> = (0..100).map(|i| (i * 100, 100)).collect();
    drop(file.read_ranges(&ranges, 10));
    eventually("nothing is in flight", || port.in_flight().is_empty());
    assert!(port.stats().started <= 20, "reads that had not begun never begin");
}
