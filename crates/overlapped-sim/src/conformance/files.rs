//! Files: bytes at offsets, with the OS's own counts.

use std::{slice, sync::Arc};

use overlapped::{AlignedBuf, Cause, Done, fs::File, fs::Kind, fs::OpenOptions};

use super::{
    Env, Verdict, table,
    tools::{bytes, must, numbered},
    words, world,
};

table! {
    Bytes "C3" bytes_written_are_read_back;
    Bytes "C3" a_read_at_the_end_gives_zero;
    Bytes "C3" a_short_count_is_a_success;
    Bytes "C3" read_exact_at_fills_the_buffer_or_tells_what_came;
    Bytes "C3" vectored_transfers_go_through_the_buffers_in_order;
    Bytes "C14" more_buffers_than_the_system_takes_at_once;
    Bytes "C3" a_write_with_its_sync_is_one_operation;
    Bytes "C3" syncs_tell_their_success;
    Bytes "C3" set_len_cuts_and_grows_with_zeros;
    Bytes "C3" allocate_makes_room;
    Bytes "C3" metadata_tells_kind_length_and_mode;
    Bytes "C3" open_options_do_what_they_say;
    Bytes "C3" nothing_to_move_is_a_success;
    Bytes "C4" every_kind_of_buffer_comes_back;
    Bytes "C4" the_very_memory_comes_back;
    Bytes "C4" only_the_length_of_a_vector_is_lent;
}

fn bytes_written_are_read_back(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 3000);
    let head = file.read_at(vec![0; 1024], 0);
    let tail = file.read_at(vec![0; 1024], 1024);
    // Overlapped, and waited for in the other order.
    assert_eq!(bytes(must(tail)), numbered(1024, 1024));
    assert_eq!(bytes(must(head)), numbered(0, 1024));
}

fn a_read_at_the_end_gives_zero(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 100);
    for offset in [100, 101, 1 << 40] {
        let done = must(file.read_at(vec![9; 16], offset)).expect("the end is no error");
        assert_eq!((done.n, done.buf), (0, vec![9; 16]));
    }
}

fn a_short_count_is_a_success(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 100);
    let Done { n, buf, .. } = must(file.read_at(vec![9; 100], 60)).expect("a short read");
    assert_eq!(n, 40);
    assert_eq!(buf[..40], numbered(60, 40));
    assert_eq!(buf[40..], [9; 60], "what was not read is not touched");
}

fn read_exact_at_fills_the_buffer_or_tells_what_came(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 100);
    let whole = must(file.read_exact_at(vec![0; 100], 0));
    assert_eq!(bytes(whole), numbered(0, 100));
    let failed = must(file.read_exact_at(vec![9; 100], 60)).expect_err("it ends before");
    assert_eq!(failed.error.cause(), Cause::UnexpectedEnd);
    assert_eq!(failed.error.kind(), std::io::ErrorKind::UnexpectedEof);
    assert_eq!(failed.error.operation(), "read_exact_at");
    assert_eq!(failed.error.moved(), 40);
    assert_eq!(failed.buf[..40], numbered(60, 40));
    assert!(!failed.error.is_cancelled());
}

fn vectored_transfers_go_through_the_buffers_in_order(env: &Env) {
    let port = env.port();
    let file = must(File::create(&port, env.path("vectored"))).expect("a file");
    let parts: Vec<_> = [(0, 10), (10, 0), (10, 400), (410, 90)]
        .into_iter()
        .map(|(from, len)| numbered(from, len))
        .collect();
    let done = must(file.write_vectored_at(parts.clone(), 0)).expect("a write");
    assert_eq!((done.n, done.buf), (500, parts.clone()));
    let room = vec![vec![0; 10], vec![], vec![0; 400], vec![0; 90], vec![7; 10]];
    let done = must(file.read_vectored_at(room, 0)).expect("a read");
    assert_eq!(done.n, 500);
    assert_eq!(done.buf[..4], parts);
    assert_eq!(done.buf[4], [7; 10], "what was not read is not touched");
}

fn more_buffers_than_the_system_takes_at_once(env: &Env) {
    let port = env.port();
    // Some systems take 1024.
    let many = world::crowd(3000);
    let file = env.file(&port, 10 * many);
    let room: Vec<_> = (0..many).map(|_| vec![0; 7]).collect();
    let done = must(file.read_vectored_at(room, 0)).expect("a read");
    assert!(done.n > 0);
    assert_eq!(done.buf.concat()[..done.n], numbered(0, done.n), "a short count is no error");
    let parts: Vec<_> = (0..many).map(|i| numbered(10 + 7 * i, 7)).collect();
    let done = must(file.write_vectored_at(parts, 10)).expect("a write");
    assert!(done.n > 0);
    let all = must(file.read_exact_at(vec![0; 10 * many], 0));
    assert_eq!(bytes(all), numbered(0, 10 * many));
}

fn a_write_with_its_sync_is_one_operation(env: &Env) {
    let port = env.port();
    let file = must(File::create(&port, env.path("synced"))).expect("a file");
    let len = world::len(200_000);
    for (data_only, from) in [(true, 0), (false, len)] {
        let write = file.write_all_sync_at(numbered(from, len), from as u64, data_only);
        assert_eq!(must(write).expect("a write and its sync").n, len);
    }
    let all = must(file.read_exact_at(vec![0; 2 * len], 0));
    assert_eq!(bytes(all), numbered(0, 2 * len));
    // Also with nothing to write: what was written before is safe then.
    assert_eq!(must(file.write_all_sync_at(vec![], 0, true)).expect("a sync").n, 0);
}

fn syncs_tell_their_success(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 100);
    must(file.sync_data()).expect("a sync");
    must(file.sync_all()).expect("a sync");
}

fn set_len_cuts_and_grows_with_zeros(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 100);
    must(file.set_len(50)).expect("a cut");
    must(file.set_len(80)).expect("a growth");
    let mut expected = numbered(0, 50);
    expected.resize(80, 0);
    assert_eq!(bytes(must(file.read_at(vec![9; 100], 0))), expected);
}

fn allocate_makes_room(env: &Env) -> Verdict {
    let port = env.port();
    let file = env.file(&port, 100);
    match must(file.allocate(0, 100_000)) {
        Err(error) if error.kind() == std::io::ErrorKind::Unsupported => {
            return Verdict::Skip(format!("the file system cannot allocate: {error}"));
        }
        outcome => outcome.expect("room"),
    }
    let metadata = must(file.metadata()).expect("metadata");
    assert_eq!(metadata.len, 100_000);
    assert!(metadata.blocks * 512 >= 100_000, "room is reserved: {metadata:?}");
    assert_eq!(bytes(must(file.read_at(vec![0; 100], 0))), numbered(0, 100));
    Verdict::Pass
}

fn metadata_tells_kind_length_and_mode(env: &Env) {
    let port = env.port();
    let path = env.path("modest");
    let mut options = OpenOptions::new();
    let open = options.write(true).create_new(true).mode(0o600).open(&port, &path);
    let file = must(open).expect("a file");
    must(file.write_all_at(numbered(0, 77), 0)).expect("a write");
    let of_handle = must(file.metadata()).expect("metadata of a handle");
    let of_path = must(overlapped::fs::metadata(&port, &path)).expect("metadata of a path");
    assert_eq!(of_handle, of_path);
    assert_eq!((of_path.kind, of_path.len), (Kind::File, 77));
    assert_eq!(of_path.mode & 0o777, words::MODE);
    assert_eq!(of_path.links, 1);
    let of_dir = must(overlapped::fs::metadata(&port, path.parent().unwrap()));
    assert_eq!(of_dir.expect("metadata of a directory").kind, Kind::Directory);
}

fn open_options_do_what_they_say(env: &Env) {
    let port = env.port();
    drop(env.file(&port, 10));
    let path = env.path("file");
    let appending = must(OpenOptions::new().append(true).open(&port, &path)).expect("a file");
    must(appending.write_all_at(numbered(10, 10), 0)).expect("an appending write");
    let reading = must(File::open(&port, &path)).expect("a file");
    assert_eq!(bytes(must(reading.read_at(vec![0; 100], 0))), numbered(0, 20));

    let mut new = OpenOptions::new();
    let again = must(new.write(true).create_new(true).open(&port, &path));
    assert_eq!(again.expect_err("it exists").kind(), std::io::ErrorKind::AlreadyExists);

    let emptied = must(OpenOptions::new().write(true).truncate(true).open(&port, &path));
    assert_eq!(must(emptied.expect("a file").metadata()).expect("metadata").len, 0);
}

fn nothing_to_move_is_a_success(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 10);
    assert_eq!(must(file.read_at(vec![], 0)).expect("a read").n, 0);
    assert_eq!(must(file.write_at(vec![], 5)).expect("a write").n, 0);
    assert_eq!(must(file.read_exact_at(vec![], 99)).expect("a read").n, 0);
    assert_eq!(must(file.write_all_at(vec![], 99)).expect("a write").n, 0);
    assert_eq!(must(file.read_vectored_at::<Vec<u8>>(vec![], 0)).expect("a read").n, 0);
    assert_eq!(must(file.metadata()).expect("metadata").len, 10, "nothing was written");
}

fn every_kind_of_buffer_comes_back(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 100);
    let boxed: Box<[u8]> = vec![0; 100].into();
    assert_eq!(*must(file.read_at(boxed, 0)).expect("a read").buf, numbered(0, 100));
    let aligned = must(file.read_at(AlignedBuf::new(100, 512), 0)).expect("a read").buf;
    assert_eq!(*aligned, numbered(0, 100));
    let lent: &'static mut [u8] = Box::leak(vec![0; 100].into());
    let lent = must(file.read_at(lent, 0)).expect("a read").buf;
    assert_eq!(*lent, numbered(0, 100));

    let shared: Arc<[u8]> = b"shared".as_slice().into();
    assert!(Arc::ptr_eq(&must(file.write_at(Arc::clone(&shared), 0)).unwrap().buf, &shared));
    assert_eq!(must(file.write_at("text".to_owned(), 6)).unwrap().buf, "text");
    assert_eq!(must(file.write_at("static", 10)).unwrap().buf, "static");
    assert_eq!(must(file.write_at(b"bytes".as_slice(), 16)).unwrap().buf, b"bytes");
    assert_eq!(bytes(must(file.read_at(vec![0; 21], 0))), b"sharedtextstaticbytes");
}

fn the_very_memory_comes_back(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 100);
    let buf = vec![0; 64];
    let address = buf.as_ptr();
    let buf = must(file.read_at(buf, 0)).expect("a read").buf;
    assert_eq!(buf.as_ptr(), address, "after a success");
    let buf = must(file.read_exact_at(buf, 90)).expect_err("too short a file").buf;
    assert_eq!(buf.as_ptr(), address, "after a failure");
    let (reader, _writer) = env.pipe(&port);
    let read = reader.read(buf);
    read.cancel();
    let buf = must(read).expect_err("nothing to read").buf;
    assert_eq!(buf.as_ptr(), address, "after a cancel");
}

fn only_the_length_of_a_vector_is_lent(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 100);
    let mut buf = Vec::with_capacity(100);
    buf.extend_from_slice(&[9; 10]);
    let done = must(file.read_at(buf, 0)).expect("a read");
    assert_eq!((done.n, slice::from_ref(&done.buf)), (10, [numbered(0, 10)].as_slice()));
}
