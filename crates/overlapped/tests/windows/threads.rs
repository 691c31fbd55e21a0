//! The mechanism without a completion port.

use std::{env, fs, process, thread, time::Duration};

use overlapped::{Cause, Port, backend::Kind, fs::File, pipe};

use super::{race::Race, threads, win32};

/// One worker, which must not be what a stream waits at.
fn one_thread() -> Port {
    Port::builder().backend(Kind::Threads).max_workers(1).build().unwrap()
}

// [C15] it says what it is; nothing is bound by it.
#[test]
fn a_handle_stays_free() {
    let port = threads();
    assert_eq!((port.backend(), port.features().fallback.as_deref()), (Kind::Threads, None));
    let path = env::temp_dir().join(format!("overlapped-{}-free", process::id()));
    let file = File::create(&port, &path).wait().unwrap();
    assert_eq!(file.write_all_at(vec![7; 100], 0).wait().unwrap().n, 100);
    assert_eq!(file.read_at(vec![0; 200], 0).wait().unwrap().n, 100);
    let handle = file.into_parts().wait().handle;
    assert!(win32::can_be_bound(handle.os().unwrap()));
    let bound = File::open(&super::port(), &path).wait().unwrap().into_parts().wait().handle;
    assert!(!win32::can_be_bound(bound.os().unwrap()));
    fs::remove_file(&path).unwrap();
}

#[test]
fn a_crowd_of_reads_that_wait_leaves_the_workers_free() {
    let port = one_thread();
    let pipes: Vec<_> = (0..200).map(|_| pipe::pair(&port).unwrap()).collect();
    let reads: Vec<_> = pipes.iter().map(|(reader, _)| reader.read(vec![0; 4])).collect();
    port.nop().wait().unwrap();
    assert!(File::open(&port, "no such file").wait().is_err());
    for (i, (_, writer)) in pipes.iter().enumerate().rev() {
        writer.write_all((i as u32).to_le_bytes().to_vec()).wait().unwrap();
    }
    for (i, read) in reads.into_iter().enumerate() {
        assert_eq!(read.wait().unwrap().buf, (i as u32).to_le_bytes());
    }
}

// [C2] who started it may go; the OS ties such a call to the thread that made it.
#[test]
fn a_read_outlives_the_thread_that_started_it() {
    let port = one_thread();
    let (reader, writer) = pipe::pair(&port).unwrap();
    let read = thread::spawn(move || (reader.read_exact(vec![0; 4]), reader)).join().unwrap();
    thread::sleep(Duration::from_millis(20));
    writer.write_all(b"late".to_vec()).wait().unwrap();
    assert_eq!(read.0.wait().unwrap().buf, b"late");
}

// [C3] the other end is gone: the OS's own word.
#[test]
fn a_pipe_that_is_broken_says_so() {
    let port = one_thread();
    let (reader, writer) = pipe::pair(&port).unwrap();
    let read = reader.read(vec![0; 10]);
    writer.close().wait().unwrap();
    for read in [read, reader.read(vec![0; 10])] {
        let failed = read.wait().unwrap_err();
        assert_eq!(failed.error.raw_os_error(), Some(109), "{}", failed.error);
    }
}

#[test]
fn a_write_that_finds_no_room_waits_for_the_reader() {
    let port = one_thread();
    let (reader, writer) = pipe::pair(&port).unwrap();
    let write = writer.write_all(vec![5; 300_000]);
    let write = write.wait_timeout(Duration::from_millis(20)).unwrap_err();
    let read = reader.read_exact(vec![0; 300_000]).wait().unwrap();
    assert!(read.buf.iter().all(|&byte| byte == 5));
    assert_eq!(write.wait().unwrap().n, 300_000);
}

// [C3] more data than there was room for is a success with bytes.
#[test]
fn a_message_that_is_too_long_comes_in_parts() {
    let port = one_thread();
    let name = format!(r"\\.\pipe\overlapped-parts-{}", process::id());
    let server = win32::message_pipe(&name).unwrap();
    let client = fs::OpenOptions::new().read(true).write(true).open(&name).unwrap();
    let reader = pipe::Reader::from_owned(&port, server);
    let read = reader.read(vec![0; 5]);
    std::io::Write::write_all(&mut &client, b"more than fits").unwrap();
    let parts = [read, reader.read(vec![0; 50])].map(|read| read.wait().unwrap());
    assert_eq!(parts.map(|part| part.buf[..part.n].to_vec()), [&b"more "[..], b"than fits"]);
}

#[test]
fn a_file_is_no_stream_when_it_is_overlapped() {
    let port = one_thread();
    let reader = pipe::Reader::open(&port, env::current_exe().unwrap()).wait().unwrap();
    let failed = reader.read(vec![0; 10]).wait().unwrap_err();
    assert!(matches!(failed.error.cause(), Cause::Unsupported(_)), "{}", failed.error);
}

// [C5] [C7] each outcome is true, and no byte is lost or doubled.
#[test]
fn cancels_race_with_writes_and_no_byte_is_lost() {
    const ROUNDS: u32 = 5_000;
    let port = threads();
    let (reader, writer) = pipe::pair(&port).unwrap();
    let mut race = Race::default();
    for round in 0..ROUNDS {
        let read = reader.read(vec![0; 4]);
        let record = round.to_le_bytes().to_vec();
        let write = Race::meet(round, &read, || writer.write_all(record));
        race.judge(read.wait());
        assert_eq!(write.wait().unwrap().n, 4);
        race.catch_up(&reader, round);
    }
    race.end(ROUNDS);
}

// [C9] everything is drained, and a port may be dropped with reads in flight.
#[test]
fn a_port_with_a_thousand_reads_in_flight_is_drained() {
    const READS: usize = 1000;
    let port = threads();
    let pipes: Vec<_> = (0..READS).map(|_| pipe::pair(&port).unwrap()).collect();
    let reads: Vec<_> = pipes.iter().map(|(reader, _)| reader.read(vec![0; 64])).collect();
    let report = port.shutdown(Duration::from_secs(20));
    assert_eq!((report.drained, report.leaked), (READS, 0));
    for read in reads {
        assert!(read.wait().unwrap_err().error.is_cancelled());
    }
    for _ in 0..50 {
        let port = threads();
        let (reader, writer) = pipe::pair(&port).unwrap();
        let read = reader.read(vec![0; 64]);
        drop((reader, port, read, writer));
    }
}
