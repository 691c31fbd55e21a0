//! What was meant for one operation never reaches a later one.

use std::time::Duration;

use super::{
    Env, table,
    tools::{LONG, bytes, must, numbered, waits},
    world,
};

table! {
    Bytes "C13" a_late_cancel_does_not_hit_a_successor;
    Bytes "C13" a_cancel_that_crosses_the_landing_does_not_hit_a_successor;
    Bytes "C13" a_deadline_that_was_not_needed_does_not_hit_a_successor;
    Time "C13" a_cancelled_sleep_does_not_end_a_successor;
}

fn a_late_cancel_does_not_hit_a_successor(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 100);
    let (reader, writer) = env.pipe(&port);
    for round in 0..world::rounds(2000) as u64 {
        // Its block, its place in the book and its descriptor are free in a moment…
        let first = file.read_at(vec![0; 8], round % 90);
        first.cancel();
        let _ = must(first);
        // … and most likely taken by this one, which nobody cancels.
        let second = reader.read(vec![0; 8]);
        must(writer.write_all(round.to_le_bytes().to_vec())).expect("a write");
        let got = must(second).expect("nobody has cancelled this one");
        assert_eq!(got.buf, round.to_le_bytes());
    }
}

fn a_cancel_that_crosses_the_landing_does_not_hit_a_successor(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 100);
    let (reader, writer) = env.pipe(&port);
    for round in 0..world::rounds(500) as u64 {
        let first = file.read_at(vec![0; 8], 0);
        let successor = world::scope(|threads| {
            threads.spawn("another", || (0..world::rounds(2000)).for_each(|_| first.cancel()));
            while !first.is_over() {
                must(port.sleep(Duration::ZERO)).expect("nobody cancels a sleep");
            }
            // It gets the place in the book that has just become free.
            reader.read(vec![0; 8])
        });
        must(writer.write_all(round.to_le_bytes().to_vec())).expect("a write");
        let got = must(successor).expect("nobody has cancelled this one");
        assert_eq!(got.buf, round.to_le_bytes());
    }
}

fn a_deadline_that_was_not_needed_does_not_hit_a_successor(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 100);
    let (reader, writer) = env.pipe(&port);
    for _ in 0..world::rounds(20) {
        let quick: Vec<_> = (0..world::rounds(20) as u64)
            .map(|i| file.read_at(vec![0; 8], i).deadline(Duration::from_millis(3)))
            .collect();
        for (i, read) in quick.into_iter().enumerate() {
            // Where the disk is slow it may have been needed.
            let read = must(read).map(|done| assert_eq!(done.buf, numbered(i, 8)));
            let _ = read.map_err(|failed| assert!(failed.error.is_cancelled(), "{failed}"));
        }
        let slow = reader.read(vec![0; 8]);
        let slow = slow.wait_timeout(Duration::from_millis(6)).expect_err("nothing to read");
        must(writer.write_all(b"in time".to_vec())).expect("a write");
        assert_eq!(bytes(must(slow)), b"in time");
    }
}

fn a_cancelled_sleep_does_not_end_a_successor(env: &Env) {
    let port = env.port();
    for _ in 0..world::rounds(500) {
        let short = port.sleep(Duration::from_micros(50));
        let _ = short.wait_timeout(Duration::from_micros(40)).map_err(|nap| nap.cancel());
        let start = port.now();
        let nap = port.sleep(Duration::from_micros(300));
        must(nap).expect("nobody has cancelled this one");
        assert!(port.now() - start >= Duration::from_micros(300), "never early");
    }
    let (long, other) = (port.sleep(LONG), port.sleep(LONG));
    other.cancel();
    assert!(must(other).expect_err("cancelled").is_cancelled());
    let long = waits(long);
    long.cancel();
    assert!(must(long).expect_err("cancelled").is_cancelled());
}
