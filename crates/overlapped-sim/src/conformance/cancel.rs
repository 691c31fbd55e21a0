//! A cancel is a request, and never changes an outcome that is decided.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{
    Env,
    races::{self, Chase, Races},
    table,
    tools::{LONG, MOMENT, block_on, bytes, cancelled, land, must, numbered, waits},
    world,
};

table! {
    Bytes "C5" an_idle_read_is_cancelled_and_takes_nothing;
    Bytes "C5" cancelling_twice_is_cancelling_once;
    Bytes "C5" a_cancel_after_the_landing_changes_nothing;
    Bytes "C5" a_file_read_tells_the_truth_after_a_cancel;
    Bytes "C5" a_file_write_tells_the_truth_after_a_cancel;
    Bytes "C5" a_cancel_from_another_thread_reaches_its_operation;
    Bytes "C5" a_write_that_is_cancelled_half_way_tells_what_went_out;
    Bytes "C5" a_read_exact_that_is_cancelled_half_way_tells_what_came;
    Bytes "C5" cancel_raced_with_completion;
    Bytes "C6" deadline_raced_with_completion;
    Bytes "C7" drop_raced_with_completion;
    Time "C5" a_sleep_is_cancelled;
}

fn an_idle_read_is_cancelled_and_takes_nothing(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let read = waits(reader.read(vec![9; 8]));
    read.cancel();
    let failed = must(read).expect_err("nothing to read");
    assert!(failed.error.is_cancelled(), "{failed}");
    assert_eq!(failed.error.moved(), 0);
    assert_eq!(failed.error.operation(), "read");
    let text = failed.error.to_string();
    assert!(text.contains("as requested"), "{text}");
    assert_eq!(failed.buf, [9; 8], "the buffer comes back untouched");
    must(writer.write_all(b"later".to_vec())).expect("a write");
    assert_eq!(bytes(must(reader.read(vec![0; 8]))), b"later");
}

fn cancelling_twice_is_cancelling_once(env: &Env) {
    let port = env.port();
    let (reader, _writer) = env.pipe(&port);
    let read = waits(reader.read(vec![0; 8]));
    let before = port.stats().cancels;
    read.cancel();
    read.cancel();
    must(port.sleep(MOMENT)).expect("a sleep");
    read.cancel();
    assert_eq!(cancelled(must(read)), [0; 8]);
    assert_eq!(port.stats().cancels - before, 1);
}

fn a_cancel_after_the_landing_changes_nothing(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 100);
    let (reader, writer) = env.pipe(&port);
    let of_file = file.read_at(vec![0; 50], 25);
    let of_pipe = reader.read(vec![0; 50]);
    must(writer.write_all(numbered(0, 50))).expect("a write");
    land(&port, &of_file);
    land(&port, &of_pipe);
    of_file.cancel();
    of_pipe.cancel();
    assert_eq!(bytes(must(of_file)), numbered(25, 50));
    assert_eq!(bytes(must(of_pipe)), numbered(0, 50));
}

fn a_file_read_tells_the_truth_after_a_cancel(env: &Env) {
    let port = env.port();
    let (len, rounds) = (world::len(40_000), world::rounds(200));
    let file = env.file(&port, len + 100 * rounds);
    for round in 0..rounds {
        let from = round * 100;
        let read = file.read_at(vec![0; len], from as u64);
        read.cancel();
        match must(read) {
            Ok(done) => assert_eq!(done.buf[..done.n], numbered(from, done.n)),
            Err(failed) => {
                assert!(failed.error.is_cancelled(), "{failed}");
                assert_eq!(failed.buf.len(), len);
            }
        }
    }
}

fn a_file_write_tells_the_truth_after_a_cancel(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 0);
    for round in 0..world::rounds(200) {
        let from = 100 * round;
        let write = file.write_at(numbered(from, 100), from as u64);
        write.cancel();
        let outcome = must(write);
        let there = bytes(must(file.read_at(vec![0; 100], from as u64)));
        match outcome {
            Ok(done) => assert_eq!(there, numbered(from, done.n)),
            Err(failed) => {
                assert!(failed.error.is_cancelled(), "{failed}");
                // Linux tells how much it has written; another device may not.
                assert!(there.is_empty() || world::is_simulated(), "cancelled, and yet written");
                assert_eq!(there, numbered(from, there.len()));
                must(file.write_all_at(failed.buf, from as u64)).expect("another write");
            }
        }
    }
}

fn a_cancel_from_another_thread_reaches_its_operation(env: &Env) {
    let port = env.port();
    let (reader, _writer) = env.pipe(&port);
    let read = waits(reader.read(vec![0; 8]));
    let asked = AtomicBool::new(false);
    world::scope(|threads| {
        let by_another = || {
            read.cancel();
            asked.store(true, Ordering::Release);
        };
        threads.spawn("another", by_another);
    });
    assert!(asked.load(Ordering::Acquire));
    cancelled(must(read));
}

fn a_write_that_is_cancelled_half_way_tells_what_went_out(env: &Env) {
    let len = world::len(1 << 20);
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let write = waits(writer.write_all(numbered(0, len)));
    write.cancel();
    let failed = must(write).expect_err("a pipe does not hold that much");
    assert!(failed.error.is_cancelled(), "{failed}");
    let moved = failed.error.moved();
    assert!(moved > 0 && moved < len, "a pipe holds something: {moved}");
    block_on(writer.close()).expect("its outcome was taken");
    let mut got = Vec::new();
    loop {
        let more = bytes(must(reader.read(vec![0; world::len(40_000)])));
        if more.is_empty() {
            break;
        }
        got.extend(more);
    }
    assert!(got == numbered(0, moved), "what it says, {moved}, and not {}", got.len());
}

fn a_read_exact_that_is_cancelled_half_way_tells_what_came(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let read = waits(reader.read_exact(vec![9; 10]));
    must(writer.write_all(numbered(0, 4))).expect("a write");
    let read = waits(read);
    read.cancel();
    let failed = must(read).expect_err("six bytes are missing");
    assert!(failed.error.is_cancelled(), "{failed}");
    assert_eq!(failed.error.moved(), 4);
    assert_eq!(failed.buf[..4], numbered(0, 4));
    must(writer.write_all(numbered(4, 6))).expect("a write");
    assert_eq!(bytes(must(reader.read(vec![0; 10]))), numbered(4, 6));
}

fn cancel_raced_with_completion(env: &Env) {
    race(env, Chase::Cancel, 5000);
}

fn deadline_raced_with_completion(env: &Env) {
    race(env, Chase::Deadline, 2000);
}

fn drop_raced_with_completion(env: &Env) {
    race(env, Chase::Drop, 5000);
}

fn race(env: &Env, chase: Chase, rounds: usize) {
    let (port, rounds) = (env.port(), world::rounds(rounds) as u64);
    let Races { done, lost } = races::race(&port, chase, rounds);
    assert_eq!(done + lost, rounds);
    assert_eq!(port.stats().in_flight, 0);
}

fn a_sleep_is_cancelled(env: &Env) {
    let port = env.port();
    let nap = waits(port.sleep(LONG * 100));
    nap.cancel();
    assert!(must(nap).expect_err("it would be long").is_cancelled());
    assert!(port.in_flight().is_empty());
}
