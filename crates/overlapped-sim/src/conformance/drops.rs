//! What dropping an operation does: the documented table, line by line.

use std::time::Duration;

use overlapped::{
    Pending, Port,
    fs::{self, File},
    pipe::Reader,
    request::Read,
};

use super::{
    Env, table,
    tools::{LONG, MOMENT, block_on, bytes, eventually, land, must, numbered, poll_once, waits},
    words::is_end,
    world,
};

type Reading = Pending<'static, Read<Vec<u8>>>;

table! {
    Bytes "C7" a_read_dropped_before_the_bytes_come_keeps_them;
    Bytes "C7" a_read_dropped_after_the_bytes_came_keeps_them;
    Bytes "C7" a_read_dropped_after_its_landing_keeps_them;
    Bytes "C7" a_read_that_was_never_looked_at_keeps_them;
    Bytes "C7" kept_bytes_are_served_piece_by_piece;
    Bytes "C7" kept_bytes_are_given_out_with_the_parts;
    Bytes "C7" what_comes_back_late_comes_back_in_its_place;
    Bytes "C7" what_comes_back_in_any_order_is_served_once;
    Bytes "C7" a_read_dropped_before_its_turn_takes_nothing;
    Bytes "C7" a_read_exact_dropped_half_way_gives_what_it_has;
    Bytes "C7" the_end_that_a_dropped_read_saw_is_told_again;
    Bytes "C7" a_dropped_write_runs_to_its_end_before_the_next;
    Bytes "C7" a_dropped_file_write_is_in_the_file;
    Bytes "C8" a_dropped_file_read_is_asked_to_stop;
    Bytes "C7" a_dropped_create_leaves_a_whole_file_or_none;
    Bytes "C8" dropping_from_another_thread;
    Bytes "C8" forgetting_an_operation;
    Bytes "C8" dropping_does_not_wait;
    Bytes "C8" dropping_the_handle_first;
}

fn a_read_dropped_before_the_bytes_come_keeps_them(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    drop(waits(reader.read(vec![0; 5])));
    must(writer.write_all(b"AAAAA".to_vec())).expect("a write");
    must(writer.write_all(b"BBBBB".to_vec())).expect("a write");
    assert_eq!(bytes(must(reader.read_exact(vec![0; 10]))), b"AAAAABBBBB");
}

fn a_read_dropped_after_the_bytes_came_keeps_them(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let read = waits(reader.read(vec![0; 5]));
    must(writer.write_all(b"AAAAA".to_vec())).expect("a write");
    // It may have landed while the write was waited for, or not yet.
    drop(read);
    must(writer.write_all(b"BBBBB".to_vec())).expect("a write");
    assert_eq!(bytes(must(reader.read_exact(vec![0; 10]))), b"AAAAABBBBB");
}

fn a_read_dropped_after_its_landing_keeps_them(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let mut read = reader.read(vec![0; 5]);
    assert!(poll_once(&mut read).is_pending());
    must(writer.write_all(b"AAAAA".to_vec())).expect("a write");
    // Woken, and dropped without another poll.
    eventually("it lands, since it was polled", || read.is_over());
    drop(read);
    must(writer.write_all(b"BBBBB".to_vec())).expect("a write");
    assert_eq!(bytes(must(reader.read_exact(vec![0; 10]))), b"AAAAABBBBB");
}

fn a_read_that_was_never_looked_at_keeps_them(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let rounds = world::rounds(50);
    for round in 0..rounds {
        drop(reader.read(vec![0; 5]));
        must(writer.write_all(numbered(10 * round, 5))).expect("a write");
        drop(reader.read(vec![0; 3]));
        must(writer.write_all(numbered(10 * round + 5, 5))).expect("a write");
    }
    assert_eq!(bytes(must(reader.read_exact(vec![0; 10 * rounds]))), numbered(0, 10 * rounds));
}

fn kept_bytes_are_served_piece_by_piece(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let read = reader.read(vec![0; 10]);
    must(writer.write_all(numbered(0, 10))).expect("a write");
    eventually("the read has landed", || read.is_over());
    drop(read);
    must(writer.write_all(numbered(10, 10))).expect("a write");
    assert_eq!(bytes(must(reader.read(vec![0; 4]))), numbered(0, 4));
    assert_eq!(bytes(must(reader.read(vec![0; 4]))), numbered(4, 4));
    assert_eq!(bytes(must(reader.read_exact(vec![0; 12]))), numbered(8, 12));
}

fn kept_bytes_are_given_out_with_the_parts(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let read = reader.read(vec![0; 10]);
    must(writer.write_all(numbered(0, 10))).expect("a write");
    eventually("the read has landed", || read.is_over());
    drop(read);
    assert_eq!(bytes(must(reader.read(vec![0; 4]))), numbered(0, 4));
    let parts = block_on(reader.into_parts());
    assert_eq!(parts.unread, numbered(4, 6));
    assert!(parts.error.is_none());
}

/// Reads that have landed and whose outcome nobody has taken yet.
fn landed(port: &Port, reader: &Reader, lengths: &[usize]) -> Vec<Option<Reading>> {
    let reads: Vec<_> = lengths.iter().map(|&len| reader.read(vec![0; len])).collect();
    reads.iter().for_each(|read| land(port, read));
    reads.into_iter().map(Some).collect()
}

fn what_comes_back_late_comes_back_in_its_place(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    must(writer.write_all(numbered(0, 12))).expect("a write");
    let mut reads = landed(&port, &reader, &[3, 1, 2, 4]);
    for place in [2, 0, 3, 1] {
        reads[place] = None;
    }
    assert_eq!(bytes(must(reader.read_exact(vec![0; 12]))), numbered(0, 12));
}

fn what_comes_back_in_any_order_is_served_once(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    must(writer.write_all(numbered(0, 6))).expect("a write");
    let mut reads = landed(&port, &reader, &[3, 1, 2]);
    reads[0] = None;
    reads[2] = None;
    // It is served from both sides of what is still out, and comes back itself.
    drop(landed(&port, &reader, &[4]));
    reads[1] = None;
    // Where order can no longer be had, each byte is still served, and once.
    let mut got = bytes(must(reader.read(vec![0; 3])));
    while got.len() < 6 {
        let more = reader.read(vec![0; 6]).deadline(MOMENT * 10);
        got.extend(bytes(must(more)));
    }
    let mut expected = numbered(0, 6);
    expected.sort_unstable();
    got.sort_unstable();
    assert_eq!(got, expected);
}

fn a_read_dropped_before_its_turn_takes_nothing(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let first = reader.read(vec![0; 5]);
    drop(reader.read(vec![0; 1]));
    let third = reader.read(vec![0; 9]);
    must(writer.write_all(b"first".to_vec())).expect("a write");
    assert_eq!(bytes(must(first)), b"first");
    eventually("only the third is left", || port.in_flight().len() == 1);
    must(writer.write_all(b"third".to_vec())).expect("a write");
    assert_eq!(bytes(must(third)), b"third", "at once, and not a byte first");
}

fn a_read_exact_dropped_half_way_gives_what_it_has(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let read = waits(reader.read_exact(vec![0; 10]));
    must(writer.write_all(numbered(0, 5))).expect("a write");
    drop(waits(read));
    assert_eq!(bytes(must(reader.read_exact(vec![0; 5]))), numbered(0, 5));
    must(writer.write_all(numbered(5, 3))).expect("a write");
    assert_eq!(bytes(must(reader.read(vec![0; 10]))), numbered(5, 3));
}

fn the_end_that_a_dropped_read_saw_is_told_again(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    drop(waits(reader.read(vec![0; 5])));
    block_on(writer.close()).expect("nothing was abandoned");
    assert!(is_end(&must(reader.read(vec![0; 5]))));
}

fn a_dropped_write_runs_to_its_end_before_the_next(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    // More than a pipe holds, also by the verb that writes once: nobody is left to go on with it.
    let len = world::len(200_000);
    drop(writer.write(numbered(0, len)));
    drop(writer.write_all(numbered(len, len)));
    let last = writer.write_all(numbered(2 * len, 100));
    let all = 2 * len + 100;
    assert_eq!(bytes(must(reader.read_exact(vec![0; all]))), numbered(0, all));
    assert_eq!(must(last).expect("nothing failed before it").n, 100);
    block_on(writer.close()).expect("nothing failed");
}

fn a_dropped_file_write_is_in_the_file(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 0);
    let (rounds, len) = (world::rounds(50), world::len(1000));
    for i in 0..rounds {
        drop(file.write_at(numbered(len * i, len), (len * i) as u64));
    }
    drop(file.sync_data());
    block_on(file.close()).expect("nothing failed");
    let file = must(File::open(&port, env.path("file"))).expect("a file");
    let all = rounds * len;
    assert_eq!(bytes(must(file.read_exact_at(vec![0; all], 0))), numbered(0, all));
}

fn a_dropped_file_read_is_asked_to_stop(env: &Env) {
    let port = env.port();
    let file = env.file(&port, world::len(100_000));
    for i in 0..world::rounds(50) {
        drop(file.read_at(vec![0; world::len(50_000)], i as u64));
        drop(file.metadata());
    }
    eventually("nothing is in flight", || port.in_flight().is_empty());
    assert_eq!(bytes(must(file.read_at(vec![0; 10], 0))), numbered(0, 10));
}

fn a_dropped_create_leaves_a_whole_file_or_none(env: &Env) {
    let port = env.port();
    for i in 0..world::rounds(50) {
        let path = env.path(&format!("dropped-{i}"));
        drop(File::create(&port, &path));
        eventually("nothing is in flight", || port.in_flight().is_empty());
        if let Ok(made) = must(fs::metadata(&port, &path)) {
            assert_eq!(made.kind, fs::Kind::File);
            must(fs::remove_file(&port, &path)).expect("a file like any other");
        }
    }
}

fn dropping_from_another_thread(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 100);
    let (reader, writer) = env.pipe(&port);
    let of_file = file.read_at(vec![0; 100], 0);
    let of_pipe = waits(reader.read(vec![0; 5]));
    let len = world::len(200_000);
    let write = writer.write_all(numbered(0, len));
    let nap = port.sleep(LONG * 100);
    let dropping = world::spawn(move || drop((of_file, of_pipe, write, nap)));
    dropping.join();
    assert_eq!(bytes(must(reader.read_exact(vec![0; len]))), numbered(0, len));
    eventually("nothing is in flight", || port.in_flight().is_empty());
}

fn forgetting_an_operation(env: &Env) {
    world::forgets();
    let port = env.port();
    let file = env.file(&port, 100);
    let (reader, writer) = env.pipe(&port);
    std::mem::forget(file.read_at(vec![0; 100], 0));
    std::mem::forget(reader.read(vec![0; 5]));
    // The forgotten read takes what comes first, and nobody can ask for it: not a loss, but what
    // forgetting means. What comes later is there.
    must(writer.write_all(b"AAAAA".to_vec())).expect("a write");
    must(writer.write_all(b"BBBBB".to_vec())).expect("a write");
    assert_eq!(bytes(must(reader.read(vec![0; 5]))), b"BBBBB");
    block_on(reader.close()).expect("nothing is in flight");
    block_on(file.close()).expect("nothing is in flight");
    assert!(port.in_flight().is_empty());
}

fn dropping_does_not_wait(env: &Env) {
    let port = env.port();
    let len = world::len(1 << 20);
    let file = env.file(&port, len);
    let (reader, writer) = env.pipe(&port);
    let start = world::now();
    drop(reader.read(vec![0; 5]));
    drop(writer.write_all(vec![0; len]));
    drop(file.write_all_sync_at(vec![0; len], 0, false));
    drop(File::open(&port, env.path("file")));
    // An operation that was waited for would take as long as the pipe is full: for ever.
    assert!(world::now() - start < Duration::from_secs(10));
    drop((reader, writer));
    block_on(file.close()).expect("the write has not failed");
}

fn dropping_the_handle_first(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 100);
    let (reader, writer) = env.pipe(&port);
    let of_file = file.read_at(vec![0; 100], 0);
    let of_pipe = reader.read(vec![0; 5]);
    let write = writer.write_all(b"still".to_vec());
    drop((file, reader, writer));
    // Their operations hold the descriptors.
    assert_eq!(must(write).expect("a write").n, 5);
    assert_eq!(bytes(must(of_pipe)), b"still");
    assert_eq!(bytes(must(of_file)), numbered(0, 100));
    land(&port, &port.sleep(Duration::ZERO));
    assert!(port.in_flight().is_empty());
}
