//! FIFOs, sockets, terminals and other character devices.

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    path::PathBuf,
};

use overlapped::{
    fs::File,
    pipe::{Reader, Writer},
};
use rustix::{
    fs::{CWD, FileType, Mode, OFlags, fcntl_setfl, mknodat},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
};

use overlapped_sim::conformance::{
    Env, Verdict, table,
    tools::{block_on, bytes, cancelled, eventually, must, numbered, waits},
};

table! {
    System "C3" a_fifo_is_read_when_somebody_writes;
    System "C3" a_fifo_that_nobody_reads_cannot_be_opened_for_writing;
    System "C5" a_read_of_a_fifo_that_nobody_writes_is_cancelled;
    System "C7" a_fifo_s_dropped_read_keeps_its_bytes;
    System "C3" devices_are_read_and_written;
    System "C3" a_terminal_gives_its_lines;
    System "C3" a_socket_is_a_stream_in_both_directions;
    System "C3" a_reset_is_no_end_of_file;
    System "C15" a_non_blocking_descriptor_is_waited_for;
    System "C3" an_offset_makes_no_sense_in_a_pipe;
    System "C3" others_may_use_the_descriptor_too;
}

fn fifo(env: &Env) -> PathBuf {
    let path = env.path("fifo");
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a FIFO");
    path
}

fn a_fifo_is_read_when_somebody_writes(env: &Env) {
    let port = env.port();
    let path = fifo(env);
    let reader = must(Reader::open(&port, &path)).expect("it opens without a writer");
    let read = waits(reader.read(vec![0; 16]));
    let writer = must(Writer::open(&port, &path)).expect("there is a reader");
    let read = waits(read);
    must(writer.write_all(b"hello".to_vec())).expect("a write");
    assert_eq!(bytes(must(read)), b"hello");
    must(writer.write_all(numbered(0, 1000))).expect("a write");
    assert_eq!(bytes(must(reader.read_exact(vec![0; 1000]))), numbered(0, 1000));
    block_on(writer.close()).expect("nothing is owed");
    assert_eq!(bytes(must(reader.read(vec![0; 16]))), b"", "the writer is gone");
}

fn a_fifo_that_nobody_reads_cannot_be_opened_for_writing(env: &Env) {
    const ENXIO: i32 = 6;
    let port = env.port();
    let path = fifo(env);
    let error = must(Writer::open(&port, &path)).expect_err("nobody reads it");
    assert_eq!(error.raw_os_error(), Some(ENXIO));
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
}

fn a_read_of_a_fifo_that_nobody_writes_is_cancelled(env: &Env) {
    let port = env.port();
    let reader = must(Reader::open(&port, fifo(env))).expect("it opens without a writer");
    let read = waits(reader.read(vec![9; 16]));
    read.cancel();
    assert_eq!(cancelled(must(read)), [9; 16]);
    assert!(port.in_flight().is_empty());
    let read = must(reader.read(vec![9; 16]).deadline(overlapped_sim::conformance::tools::MOMENT));
    assert_eq!(cancelled(read), [9; 16]);
}

fn a_fifo_s_dropped_read_keeps_its_bytes(env: &Env) {
    let port = env.port();
    let path = fifo(env);
    let reader = must(Reader::open(&port, &path)).expect("it opens without a writer");
    drop(reader.read(vec![0; 5]));
    let writer = must(Writer::open(&port, &path)).expect("there is a reader");
    must(writer.write_all(b"AAAAA".to_vec())).expect("a write");
    drop(reader.read(vec![0; 2]));
    must(writer.write_all(b"BBBBB".to_vec())).expect("a write");
    assert_eq!(bytes(must(reader.read_exact(vec![0; 10]))), b"AAAAABBBBB");
}

fn devices_are_read_and_written(env: &Env) {
    let port = env.port();
    let zero = must(Reader::open(&port, "/dev/zero")).expect("a device");
    assert_eq!(bytes(must(zero.read_exact(vec![9; 100_000]))), vec![0; 100_000]);
    let null = must(Reader::open(&port, "/dev/null")).expect("a device");
    assert_eq!(bytes(must(null.read(vec![9; 10]))), b"");
    let null = must(Writer::open(&port, "/dev/null")).expect("a device");
    assert_eq!(must(null.write_all(vec![9; 100_000])).expect("a write").n, 100_000);
    let full = must(Writer::open(&port, "/dev/full")).expect("a device");
    let failed = must(full.write_all(vec![9; 10])).expect_err("it is full");
    assert_eq!(failed.error.kind(), std::io::ErrorKind::StorageFull);
    let zero = must(File::open(&port, "/dev/zero")).expect("a device");
    assert_eq!(bytes(must(zero.read_at(vec![9; 10], 77))), vec![0; 10]);
}

fn a_terminal_gives_its_lines(env: &Env) -> Verdict {
    let port = env.port();
    let Ok(master) = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY) else {
        return Verdict::Skip("no pseudo-terminal can be made here".to_owned());
    };
    grantpt(&master).expect("a pseudo-terminal");
    unlockpt(&master).expect("a pseudo-terminal");
    let name = ptsname(&master, Vec::new()).expect("its name").into_string().expect("a text");
    let reader = match must(Reader::open(&port, &name)) {
        Ok(reader) => reader,
        Err(error) => return Verdict::Skip(format!("no pseudo-terminal here: {error}")),
    };
    let keyboard = Writer::from_owned(&port, master);
    let read = waits(reader.read(vec![0; 64]));
    must(keyboard.write_all(b"half ".to_vec())).expect("keys");
    let read = waits(read);
    must(keyboard.write_all(b"a line\nand more".to_vec())).expect("keys");
    assert_eq!(bytes(must(read)), b"half a line\n");
    let read = waits(reader.read(vec![9; 64]));
    read.cancel();
    assert_eq!(cancelled(must(read)), [9; 64]);
    // Nobody waits, nothing is lost.
    drop(waits(reader.read(vec![0; 64])));
    must(keyboard.write_all(b"\n".to_vec())).expect("a key");
    assert_eq!(bytes(must(reader.read(vec![0; 64]))), b"and more\n");
    Verdict::Pass
}

fn a_socket_is_a_stream_in_both_directions(env: &Env) {
    let port = env.port();
    let (mine, mut theirs) = UnixStream::pair().expect("two sockets");
    let writer = Writer::from_owned(&port, mine.try_clone().expect("a descriptor"));
    let reader = Reader::from_owned(&port, mine);
    let read = waits(reader.read(vec![0; 16]));
    must(writer.write_all(b"there".to_vec())).expect("a write");
    let mut got = [0; 5];
    theirs.read_exact(&mut got).expect("what was written");
    assert_eq!(got, *b"there");
    let read = waits(read);
    theirs.write_all(b"and back").expect("a write");
    assert_eq!(bytes(must(read)), b"and back");
    drop(theirs);
    assert_eq!(bytes(must(reader.read(vec![0; 16]))), b"", "an orderly end");
}

fn a_reset_is_no_end_of_file(env: &Env) {
    const ECONNRESET: i32 = 104;
    let port = env.port();
    let (mine, theirs) = UnixStream::pair().expect("two sockets");
    let writer = Writer::from_owned(&port, mine.try_clone().expect("a descriptor"));
    let reader = Reader::from_owned(&port, mine);
    must(writer.write_all(b"unread".to_vec())).expect("a write");
    // Closed with bytes that it never read.
    drop(theirs);
    let failed = must(reader.read(vec![9; 16])).expect_err("a reset");
    assert_eq!((failed.error.raw_os_error(), failed.buf), (Some(ECONNRESET), vec![9; 16]));
    assert!(!failed.error.is_cancelled());
}

fn a_non_blocking_descriptor_is_waited_for(env: &Env) {
    const LEN: usize = 300_000;
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let (reading, writing) = (reader.into_parts().wait().handle, writer.into_parts().wait().handle);
    for handle in [&reading, &writing] {
        fcntl_setfl(handle.os().expect("the OS's own"), OFlags::NONBLOCK).expect("a flag");
    }
    let reader = Reader::from_owned(&port, reading);
    let writer = Writer::from_owned(&port, writing);
    let read = waits(reader.read(vec![0; 5]));
    let write = writer.write_all(numbered(0, LEN));
    assert_eq!(bytes(must(read)), numbered(0, 5));
    assert_eq!(bytes(must(reader.read_exact(vec![0; LEN - 5]))), numbered(5, LEN - 5));
    assert_eq!(must(write).expect("a write").n, LEN);
    let read = waits(reader.read(vec![9; 5]));
    read.cancel();
    assert_eq!(cancelled(must(read)), [9; 5]);
}

fn an_offset_makes_no_sense_in_a_pipe(env: &Env) {
    const ESPIPE: i32 = 29;
    let port = env.port();
    let (reader, _writer) = env.pipe(&port);
    let pipe = File::from_owned(&port, reader.into_parts().wait().handle);
    let failed = must(pipe.read_at(vec![9; 5], 0)).expect_err("a pipe has no offsets");
    assert_eq!((failed.error.raw_os_error(), failed.buf), (Some(ESPIPE), vec![9; 5]));
}

fn others_may_use_the_descriptor_too(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let handle = reader.into_parts().wait().handle.into_os().expect("the OS's own");
    let mut other = fs::File::from(handle.try_clone().expect("a descriptor"));
    let reader = Reader::from_owned(&port, handle);
    must(writer.write_all(numbered(0, 10))).expect("a write");
    let mut first = [0; 5];
    other.read_exact(&mut first).expect("a read of its own");
    assert_eq!(first[..], numbered(0, 5));
    assert_eq!(bytes(must(reader.read(vec![0; 10]))), numbered(5, 5));
    // One that waits is not in the way of who reads beside it, nor the other way round.
    let read = waits(reader.read(vec![9; 5]));
    read.cancel();
    cancelled(must(read));
    must(writer.write_all(numbered(0, 5))).expect("a write");
    other.read_exact(&mut first).expect("a read of its own");
    eventually("nothing is in flight", || port.in_flight().is_empty());
}
