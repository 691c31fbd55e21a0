//! A scope ends when nothing is in flight that it lent, however its closure ends.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    time::Duration,
};

use super::{
    Env, table,
    tools::{bytes, must, numbered, waits},
    world,
};

table! {
    Bytes "C10" a_scope_lends_buffers_from_the_stack;
    Bytes "C10" a_scope_that_returns_early_cancels_the_rest;
    Bytes "C10" a_scope_that_fails_with_a_question_mark_waits;
    Bytes "C10" a_scope_that_panics_waits_and_goes_on_panicking;
    Bytes "C10" a_scope_waits_for_what_was_forgotten;
    Bytes "C10" a_scope_waits_for_what_was_dropped;
    Bytes "C10" a_scope_lets_writes_run_to_their_end;
    Bytes "C10" a_dropped_read_of_a_scope_keeps_its_bytes;
    Bytes "C10" a_scope_recalls_what_waits_its_turn;
    Bytes "C10" scopes_nest_and_may_be_shared_by_threads;
    Bytes "C10" a_scope_may_use_handles_of_several_ports;
    Time "C10" an_empty_scope_returns_what_its_closure_returns;
}

fn a_scope_lends_buffers_from_the_stack(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 100);
    let (mut head, mut tail) = ([0; 50], [0; 60]);
    let counts = port.scope(|s| {
        let (a, b) = (s.read_at(&file, &mut head, 0), s.read_at(&file, &mut tail, 50));
        let done = must(b).expect("a read");
        assert_eq!(done.buf[..done.n], numbered(50, 50), "the buffer comes back in the scope");
        (must(a).expect("a read").n, done.n)
    });
    assert_eq!(counts, (50, 50));
    assert_eq!(head[..], numbered(0, 50));
    assert_eq!(tail[..50], numbered(50, 50));

    let (reader, writer) = env.pipe(&port);
    let (text, mut room) = (b"lent".to_vec(), [0; 8]);
    let n = port.scope(|s| {
        let read = s.read(&reader, &mut room);
        must(s.write(&writer, &text)).expect("a write");
        must(s.write_at(&file, &text, 0)).expect("a write");
        must(s.write_all_at(&file, &text, 4)).expect("a write");
        must(read).expect("a read").n
    });
    assert_eq!(room[..n], *b"lent");
    port.scope(|s| assert!(must(s.read_exact_at(&file, &mut room, 0)).is_ok()));
    assert_eq!(room, *b"lentlent");
}

fn a_scope_that_returns_early_cancels_the_rest(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let (mut first, mut second) = ([9; 8], [9; 8]);
    port.scope(|s| {
        let _first = waits(s.read(&reader, &mut first));
        let _second = s.read(&reader, &mut second);
    });
    assert_eq!((first, second), ([9; 8], [9; 8]), "nothing was there to be read");
    must(writer.write_all(b"later".to_vec())).expect("a write");
    assert_eq!(bytes(must(reader.read(vec![0; 8]))), b"later");
}

fn a_scope_that_fails_with_a_question_mark_waits(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 100);
    let (reader, _writer) = env.pipe(&port);
    let (mut long, mut short) = ([0; 8], [0; 8]);
    let outcome = port.scope(|s| -> io::Result<()> {
        let _waiting = s.read(&reader, &mut long);
        must(s.read_exact_at(&file, &mut short, 96))?;
        Ok(())
    });
    assert_eq!(outcome.expect_err("four bytes").kind(), io::ErrorKind::UnexpectedEof);
    assert!(port.in_flight().is_empty());
    assert_eq!(short[..4], numbered(96, 4));
}

fn a_scope_that_panics_waits_and_goes_on_panicking(env: &Env) {
    let port = env.port();
    let (reader, _writer) = env.pipe(&port);
    let mut room = [9; 8];
    let panic = catch_unwind(AssertUnwindSafe(|| {
        port.scope(|s| {
            let _waiting = waits(s.read(&reader, &mut room));
            resume_unwind(Box::new("planned"));
        });
    }));
    let panic = panic.expect_err("the panic comes through");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"planned"));
    assert!(port.in_flight().is_empty());
    assert_eq!(room, [9; 8]);
}

fn a_scope_waits_for_what_was_forgotten(env: &Env) {
    world::forgets();
    let port = env.port();
    let file = env.file(&port, 100);
    let (reader, _writer) = env.pipe(&port);
    let (mut idle, mut of_file) = ([9; 8], [0; 100]);
    port.scope(|s| {
        std::mem::forget(waits(s.read(&reader, &mut idle)));
        std::mem::forget(s.read_at(&file, &mut of_file, 0));
    });
    assert!(port.in_flight().is_empty());
    assert_eq!(idle, [9; 8]);
}

fn a_scope_waits_for_what_was_dropped(env: &Env) {
    let port = env.port();
    let len = world::len(1 << 20);
    let file = env.file(&port, len);
    let (reader, _writer) = env.pipe(&port);
    for _ in 0..world::rounds(20) {
        let (mut idle, mut of_file) = ([9; 8], vec![0; len]);
        port.scope(|s| {
            drop(s.read(&reader, &mut idle));
            drop(s.read_at(&file, &mut of_file, 0));
        });
        assert!(port.in_flight().is_empty());
    }
}

fn a_scope_lets_writes_run_to_their_end(env: &Env) {
    world::forgets();
    let port = env.port();
    let file = env.file(&port, 0);
    let len = world::len(1 << 20);
    let data = numbered(0, len);
    port.scope(|s| {
        let (head, tail) = data.split_at(len / 2);
        drop(s.write_all_at(&file, head, 0));
        std::mem::forget(s.write_all_at(&file, tail, head.len() as u64));
    });
    let there = bytes(must(file.read_exact_at(vec![0; len], 0)));
    assert!(there == data, "all of it");
}

fn a_dropped_read_of_a_scope_keeps_its_bytes(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let mut room = [0; 8];
    port.scope(|s| {
        drop(waits(s.read(&reader, &mut room)));
        must(writer.write_all(b"kept".to_vec())).expect("a write");
        must(port.sleep(Duration::from_millis(1))).expect("a sleep");
    });
    assert_eq!(bytes(must(reader.read(vec![0; 8]))), b"kept");
}

fn a_scope_recalls_what_waits_its_turn(env: &Env) {
    world::forgets();
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let outside = reader.read(vec![0; 4]);
    let (mut a, mut b) = ([9; 4], [9; 4]);
    port.scope(|s| {
        std::mem::forget(s.read(&reader, &mut a));
        drop(s.read(&reader, &mut b));
    });
    assert_eq!((a, b), ([9; 4], [9; 4]));
    let outside = waits(outside);
    must(writer.write_all(b"out".to_vec())).expect("a write");
    assert_eq!(bytes(must(outside)), b"out", "it was not lent, so it was left alone");
}

fn scopes_nest_and_may_be_shared_by_threads(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 1000);
    let mut rooms = vec![[0; 100]; world::rounds(8)];
    let mut inner_room = [0; 100];
    port.scope(|outer| {
        world::scope(|threads| {
            for (i, room) in rooms.iter_mut().enumerate() {
                let (file, outer) = (&file, outer.clone());
                threads.spawn("another", move || {
                    must(outer.read_at(file, room, 100 * i as u64)).expect("a read");
                });
            }
        });
        port.scope(|inner| assert!(must(inner.read_at(&file, &mut inner_room, 900)).is_ok()));
    });
    for (i, room) in rooms.iter().enumerate() {
        assert_eq!(room[..], numbered(100 * i, 100));
    }
    assert_eq!(inner_room[..], numbered(900, 100));
}

fn a_scope_may_use_handles_of_several_ports(env: &Env) {
    world::forgets();
    let (port, other) = (env.port(), env.port());
    let (mine, _writer) = env.pipe(&port);
    let (theirs, _other_writer) = env.pipe(&other);
    let (mut a, mut b) = ([9; 4], [9; 4]);
    port.scope(|s| {
        std::mem::forget(s.read(&mine, &mut a));
        std::mem::forget(s.read(&theirs, &mut b));
    });
    assert_eq!((a, b), ([9; 4], [9; 4]));
    assert!(port.in_flight().is_empty() && other.in_flight().is_empty());
}

fn an_empty_scope_returns_what_its_closure_returns(env: &Env) {
    let port = env.port();
    assert_eq!(port.scope(|_| 7), 7);
    let panic = catch_unwind(AssertUnwindSafe(|| port.scope(|_| resume_unwind(Box::new(7)))));
    assert_eq!(panic.expect_err("the panic comes through").downcast_ref::<i32>(), Some(&7));
}
