use std::{
    fs, process, thread,
    time::{Duration, Instant},
};

use overlapped::{
    Cause, Error,
    pipe::{self, Reader},
};

use super::{port, win32};

/// `ERROR_OPERATION_ABORTED`, `ERROR_BROKEN_PIPE`.
const ABORTED: Option<i32> = Some(995);
const BROKEN: Option<i32> = Some(109);
/// `STATUS_CANCELLED`, `STATUS_PIPE_BROKEN`.
const STATUS_CANCELLED: Option<u32> = Some(0xC000_0120);
const STATUS_BROKEN: Option<u32> = Some(0xC000_014B);

#[test]
fn what_is_written_is_read_in_the_order_of_the_reads() {
    let port = port();
    let (reader, writer) = pipe::pair(&port).unwrap();
    let reads = [reader.read_exact(vec![0; 3]), reader.read_exact(vec![0; 5])];
    assert_eq!(writer.write_all(b"overlapped".to_vec()).wait().unwrap().n, 10);
    let [first, second] = reads.map(|read| read.wait().unwrap().buf);
    assert_eq!((&first[..], &second[..]), (&b"ove"[..], &b"rlapp"[..]));
    let rest = reader.read(vec![0; 100]).wait().unwrap();
    assert_eq!(&rest.buf[..rest.n], b"ed");
}

// [C3] the other end is gone: the OS's own word, and no count of 0.
#[test]
fn a_pipe_that_is_broken_says_so() {
    let port = port();
    let (reader, writer) = pipe::pair(&port).unwrap();
    let read = reader.read(vec![0; 10]);
    writer.close().wait().unwrap();
    let failed = read.wait().unwrap_err();
    let words = |error: &Error| (error.raw_os_error(), error.nt_status());
    assert_eq!(words(&failed.error), (BROKEN, STATUS_BROKEN), "{}", failed.error);
    // That read was in flight; this one is refused at once.
    let error = reader.read(vec![0; 10]).wait().unwrap_err().error;
    assert_eq!(words(&error), (BROKEN, STATUS_BROKEN), "{error}");
    assert!(error.to_string().contains("[NTSTATUS 0xC000014B]"), "{error}");
}

// [C5] [C6] a wait that times out changes nothing; a cancel is answered truly.
#[test]
fn a_read_times_out_is_cancelled_and_has_taken_nothing() {
    let port = port();
    let (reader, writer) = pipe::pair(&port).unwrap();
    let read = reader.read(vec![7; 10]);
    let began = Instant::now();
    let read = read.wait_timeout(Duration::from_millis(50)).unwrap_err();
    assert!(began.elapsed() >= Duration::from_millis(50));
    read.cancel();
    let failed = read.wait().unwrap_err();
    assert_eq!((failed.error.raw_os_error(), failed.error.is_cancelled()), (ABORTED, true));
    assert_eq!(failed.error.nt_status(), STATUS_CANCELLED);
    assert_eq!(failed.buf, [7; 10]);
    writer.write_all(b"later".to_vec()).wait().unwrap();
    assert_eq!(reader.read_exact(vec![0; 5]).wait().unwrap().buf, b"later");
}

// [C5] from any thread.
#[test]
fn a_cancel_from_another_thread_reaches_the_operation() {
    let port = port();
    let (reader, _writer) = pipe::pair(&port).unwrap();
    let read = reader.read(vec![0; 10]);
    let read = thread::spawn(move || {
        read.cancel();
        read
    });
    let failed = read.join().unwrap().wait().unwrap_err();
    assert_eq!(failed.error.raw_os_error(), ABORTED);
}

// [C2] what a thread has started goes on when that thread is gone.
#[test]
fn an_operation_outlives_the_thread_that_started_it() {
    let port = port();
    let (reader, writer) = pipe::pair(&port).unwrap();
    let read = thread::spawn(move || (reader.read_exact(vec![0; 4]), reader)).join().unwrap();
    thread::sleep(Duration::from_millis(20));
    writer.write_all(b"late".to_vec()).wait().unwrap();
    assert_eq!(read.0.wait().unwrap().buf, b"late");
}

// [C7] what an abandoned read took is served to the next.
#[test]
fn a_read_that_is_dropped_loses_no_byte() {
    let port = port();
    let (reader, writer) = pipe::pair(&port).unwrap();
    for round in 0..200_u8 {
        drop(reader.read(vec![0; 4]));
        writer.write_all(vec![round; 4]).wait().unwrap();
        assert_eq!(reader.read_exact(vec![0; 4]).wait().unwrap().buf, [round; 4]);
    }
}

#[test]
fn a_write_that_finds_no_room_waits_for_the_reader() {
    let port = port();
    let (reader, writer) = pipe::pair(&port).unwrap();
    let write = writer.write_all(vec![5; 300_000]);
    let write = write.wait_timeout(Duration::from_millis(20)).unwrap_err();
    let read = reader.read_exact(vec![0; 300_000]).wait().unwrap();
    assert!(read.buf.iter().all(|&byte| byte == 5));
    assert_eq!(write.wait().unwrap().n, 300_000);
}

#[test]
fn nothing_to_move_is_nothing_to_wait_for() {
    let port = port();
    let (reader, writer) = pipe::pair(&port).unwrap();
    assert_eq!(reader.read(Vec::<u8>::new()).wait().unwrap().n, 0);
    assert_eq!(writer.write(Vec::<u8>::new()).wait().unwrap().n, 0);
}

// [C3] more data than there was room for is a success with bytes.
#[test]
fn a_message_that_is_too_long_comes_in_parts() {
    let port = port();
    let name = format!(r"\\.\pipe\overlapped-messages-{}", process::id());
    let server = win32::message_pipe(&name).unwrap();
    let client = fs::OpenOptions::new().read(true).write(true).open(&name).unwrap();
    let reader = Reader::from_owned(&port, server);
    // Once the message is there before the read, once after it.
    let message = b"more than fits".to_vec();
    std::io::Write::write_all(&mut &client, &message).unwrap();
    let mut taken: Vec<u8> = Vec::new();
    while taken.len() < message.len() {
        let part = reader.read(vec![0; 5]).wait().unwrap();
        taken.extend(&part.buf[..part.n]);
    }
    assert_eq!(taken, message);
    let read = reader.read(vec![0; 5]);
    std::io::Write::write_all(&mut &client, &message).unwrap();
    let part = read.wait().unwrap();
    assert_eq!(&part.buf[..part.n], b"more ");
    assert_eq!(reader.read(vec![0; 50]).wait().unwrap().n, 9);
}

#[test]
fn a_named_pipe_is_opened_by_its_name() {
    let port = port();
    let name = format!(r"\\.\pipe\overlapped-named-{}", process::id());
    let server = win32::message_pipe(&name).unwrap();
    let client = Reader::open(&port, &name).wait().unwrap();
    let writer = pipe::Writer::from_owned(&port, server);
    let read = client.read(vec![0; 10]);
    writer.write_all(b"hello".to_vec()).wait().unwrap();
    let read = read.wait().unwrap();
    assert_eq!(&read.buf[..read.n], b"hello");
}

#[test]
fn a_file_is_no_stream_when_it_is_overlapped() {
    let port = port();
    let reader = Reader::open(&port, std::env::current_exe().unwrap()).wait().unwrap();
    let failed = reader.read(vec![0; 10]).wait().unwrap_err();
    assert!(matches!(failed.error.cause(), Cause::Unsupported(_)), "{}", failed.error);
}
