//! A wait that times out leaves the operation as it was; a deadline cancels and tells the truth.

use std::time::Duration;

use super::{
    Env, table,
    tools::{LONG, MOMENT, block_on, bytes, eventually, land, must, numbered, waits},
    world,
};

table! {
    Bytes "C6" a_wait_that_times_out_gives_the_operation_back;
    Bytes "C6" a_wait_of_no_time_looks_once;
    Time "C6" a_wait_lasts_as_long_as_it_says;
    Bytes "C6" a_deadline_cancels_and_the_bytes_stay;
    Bytes "C6" a_deadline_that_is_kept_changes_nothing;
    Bytes "C6" a_deadline_is_kept_for_those_who_await;
    Bytes "C6" a_later_deadline_replaces_an_earlier;
    Bytes "C6" a_deadline_reaches_an_operation_that_waits_its_turn;
    Bytes "C6" a_deadline_of_a_dropped_read_ends_it;
}

fn a_wait_that_times_out_gives_the_operation_back(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let mut read = reader.read(vec![0; 8]);
    for _ in 0..3 {
        read = waits(read);
    }
    let flying = port.in_flight();
    assert_eq!(flying.len(), 1);
    assert!(!flying[0].cancel_requested, "a timeout is no cancel");
    must(writer.write_all(b"at last".to_vec())).expect("a write");
    assert_eq!(bytes(must(read)), b"at last");
}

fn a_wait_of_no_time_looks_once(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let mut read = reader.read(vec![0; 8]);
    read = read.wait_timeout(Duration::ZERO).expect_err("nothing to read");
    must(writer.write_all(b"x".to_vec())).expect("a write");
    // Nobody else drives the port: looking alone must land it.
    let start = world::now();
    let outcome = loop {
        match read.wait_timeout(Duration::ZERO) {
            Ok(outcome) => break outcome,
            Err(late) => read = late,
        }
        assert!(world::now() - start < LONG, "a look lands what is over");
        world::pause();
    };
    assert_eq!(bytes(outcome), b"x");
}

fn a_wait_lasts_as_long_as_it_says(env: &Env) {
    let port = env.port();
    let mut nap = port.sleep(LONG * 100);
    for timeout in [1, 10, 40].map(Duration::from_millis) {
        let start = port.now();
        nap = nap.wait_timeout(timeout).expect_err("it is not over");
        assert!(port.now() - start >= timeout, "never early");
    }
}

fn a_deadline_cancels_and_the_bytes_stay(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let start = port.now();
    let read = reader.read(vec![9; 8]).deadline(MOMENT);
    let failed = must(read).expect_err("nothing to read");
    assert!(port.now() - start >= MOMENT, "never early");
    assert!(failed.error.is_cancelled(), "{failed}");
    assert_eq!(failed.buf, [9; 8]);
    must(writer.write_all(b"later".to_vec())).expect("a write");
    assert_eq!(bytes(must(reader.read(vec![0; 8]))), b"later");
}

fn a_deadline_that_is_kept_changes_nothing(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let read = reader.read(vec![0; 8]).deadline(LONG);
    must(writer.write_all(b"in time".to_vec())).expect("a write");
    assert_eq!(bytes(must(read)), b"in time");
    // What is over already stays as it is, whatever the deadline.
    let file = env.file(&port, 100);
    let read = file.read_at(vec![0; 8], 0);
    land(&port, &read);
    assert_eq!(bytes(must(read.deadline(Duration::ZERO))), numbered(0, 8));
}

fn a_deadline_is_kept_for_those_who_await(env: &Env) {
    let port = env.port();
    let (reader, _writer) = env.pipe(&port);
    let outcome = block_on(reader.read(vec![0; 8]).deadline(MOMENT));
    assert!(outcome.expect_err("nothing to read").error.is_cancelled());
}

fn a_later_deadline_replaces_an_earlier(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let read = reader.read(vec![0; 8]).deadline(MOMENT).deadline(LONG);
    let read = read.wait_timeout(MOMENT * 3).expect_err("the first deadline is forgotten");
    must(writer.write_all(b"in time".to_vec())).expect("a write");
    assert_eq!(bytes(must(read)), b"in time");
}

fn a_deadline_reaches_an_operation_that_waits_its_turn(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let first = reader.read(vec![0; 8]);
    let second = reader.read(vec![0; 8]).deadline(MOMENT);
    assert!(must(second).expect_err("nothing to read").error.is_cancelled());
    must(writer.write_all(b"first".to_vec())).expect("a write");
    assert_eq!(bytes(must(first)), b"first");
}

fn a_deadline_of_a_dropped_read_ends_it(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    drop(reader.read(vec![0; 8]).deadline(MOMENT));
    eventually("nothing is in flight", || port.in_flight().is_empty());
    must(writer.write_all(b"later".to_vec())).expect("a write");
    assert_eq!(bytes(must(reader.read(vec![0; 8]))), b"later");
}
