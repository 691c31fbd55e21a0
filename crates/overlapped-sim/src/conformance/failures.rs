//! An error of an operation that nobody watched is told by the next one, or by closing.

use overlapped::{
    Cause,
    fs::{File, OpenOptions},
};

use super::{
    Env, table,
    tools::{block_on, bytes, cancelled, eventually, land, must, waits},
    words, world,
};

table! {
    Bytes "C7" a_failed_abandoned_write_is_told_by_the_next;
    Bytes "C7" a_failed_abandoned_write_is_told_by_closing;
    Bytes "C7" a_failed_abandoned_file_write_is_told_by_the_next_write;
    Bytes "C7" a_failed_abandoned_file_write_is_told_by_the_next_sync;
    Bytes "C7" a_failed_abandoned_file_write_is_told_by_closing;
    Bytes "C7" an_error_that_was_told_is_not_told_again;
    Bytes "C7" a_short_write_that_nobody_took_is_told;
    Bytes "C7" an_abandoned_write_that_was_cancelled_owes_nothing;
}

/// No file is that long.
const FAR: u64 = 1 << 63;

fn a_failed_abandoned_write_is_told_by_the_next(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    block_on(reader.close()).expect("nothing was abandoned");
    drop(writer.write_all(vec![7; 10]));
    eventually("the write has failed", || port.in_flight().is_empty());
    let failed = must(writer.write_all(vec![8; 10])).expect_err("it tells");
    assert_eq!((failed.error.raw_os_error(), failed.buf), (Some(words::NO_READER), vec![8; 10]));
}

fn a_failed_abandoned_write_is_told_by_closing(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    block_on(reader.close()).expect("nothing was abandoned");
    drop(writer.write_all(vec![7; 10]));
    let told = block_on(writer.close()).expect_err("it tells");
    assert_eq!(told.raw_os_error(), Some(words::NO_READER));
    assert!(told.to_string().contains("abandoned"), "{told}");
}

/// A file with a write under way that must fail and that nobody watches. A sync of its own would
/// succeed.
fn file_with_a_debt(env: &Env, port: &overlapped::Port) -> File {
    let file = env.file(port, 100);
    drop(file.write_at(vec![7; 10], FAR));
    file
}

fn a_failed_abandoned_file_write_is_told_by_the_next_write(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 100);
    // A write of its own would succeed.
    drop(file.write_at(vec![7; 10], FAR));
    // A read is no place to tell it.
    assert_eq!(bytes(must(file.read_at(vec![0; 200], 0))).len(), 100);
    eventually("a write tells", || match must(file.write_at(vec![8; 10], 0)) {
        Ok(done) => done.n == 0,
        Err(failed) => {
            assert_eq!(failed.error.kind(), std::io::ErrorKind::InvalidInput);
            assert_eq!(failed.buf, [8; 10]);
            true
        }
    });
    must(file.write_at(vec![8; 10], 0)).expect("told once");
}

fn a_failed_abandoned_file_write_is_told_by_the_next_sync(env: &Env) {
    let port = env.port();
    let file = file_with_a_debt(env, &port);
    eventually("a sync tells", || match must(file.sync_data()) {
        Ok(()) => false,
        Err(told) => told.kind() == std::io::ErrorKind::InvalidInput,
    });
    must(file.sync_data()).expect("told once, and a sync of its own succeeds");
}

fn a_failed_abandoned_file_write_is_told_by_closing(env: &Env) {
    let port = env.port();
    drop(env.file(&port, 100));
    let failing = || {
        let file = must(File::open(&port, env.path("file"))).expect("a file");
        drop(file.write_at(vec![7; 10], 0));
        file
    };
    let told = failing().close().wait().expect_err("it tells");
    assert_eq!(told.raw_os_error(), Some(words::READ_ONLY));
    let parts = block_on(failing().into_parts());
    assert_eq!(parts.error.expect("it tells").raw_os_error(), Some(words::READ_ONLY));
}

fn an_error_that_was_told_is_not_told_again(env: &Env) {
    let port = env.port();
    let file = file_with_a_debt(env, &port);
    eventually("a sync tells", || must(file.sync_data()).is_err());
    block_on(file.close()).expect("told before");

    // Nor one that its own outcome has told.
    let mut options = OpenOptions::new();
    let file = must(options.read(true).open(&port, env.path("file"))).expect("a file");
    must(file.write_at(vec![8; 10], 0)).expect_err("open for reading");
    block_on(file.close()).expect("told before");
}

fn a_short_write_that_nobody_took_is_told(env: &Env) {
    let port = env.port();
    let (_reader, writer) = env.pipe(&port);
    let write = writer.write(vec![7; world::len(1 << 20)]);
    land(&port, &write);
    // It is over, with a part of the bytes; nobody learns how many.
    drop(write);
    let failed = must(writer.write(vec![8; 10])).expect_err("it tells");
    assert_eq!(failed.error.cause(), Cause::WriteZero);
}

fn an_abandoned_write_that_was_cancelled_owes_nothing(env: &Env) {
    let port = env.port();
    let (_reader, writer) = env.pipe(&port);
    let write = waits(writer.write_all(vec![7; world::len(1 << 20)]));
    write.cancel();
    drop(write);
    eventually("the write is over", || port.in_flight().is_empty());
    // Who cancels knows that not all of it went out.
    let next = writer.write_all(vec![8; 10]);
    let next = waits(next);
    next.cancel();
    cancelled(must(next));
    block_on(writer.close()).expect("nothing is owed");
}
