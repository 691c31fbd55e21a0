//! What a worker is in the middle of, and how it is got out of there; on both mechanisms.

use std::{fs, hint, io::Write, thread, time::Duration};

use overlapped::{
    Port,
    pipe::{self, Reader},
};

use super::{port, race::Race, threads, win32};

/// A race each: the cancel of a read, and the write that serves it.
const ROUNDS: u32 = 4_000;

fn mechanisms() -> [Port; 2] {
    [port(), threads()]
}

/// A pipe of which a read blocks its thread.
fn pipe(port: &Port) -> (Reader, fs::File) {
    let (reader, writer) = win32::synchronous_pipe().unwrap();
    (Reader::from_owned(port, reader), writer.into())
}

/// One whose reading end is another port's. That one must not go before the reader.
fn pipe_bound_elsewhere(port: &Port, other: &Port) -> (Reader, pipe::Writer) {
    let (reader, writer) = pipe::pair(other).unwrap();
    (Reader::from_owned(port, reader.into_parts().wait().handle), writer)
}

// [C5] a call that blocks is interrupted, and has taken nothing.
#[test]
fn a_read_of_a_synchronous_pipe_is_cancelled() {
    for port in mechanisms() {
        let (reader, mut writer) = pipe(&port);
        for round in 0..20_u8 {
            let read = reader.read(vec![7; 10]);
            if round % 2 == 0 {
                // By now a worker is in it.
                thread::sleep(Duration::from_millis(5));
            }
            read.cancel();
            let failed = read.wait().unwrap_err();
            assert!(failed.error.is_cancelled(), "{}", failed.error);
            assert_eq!(failed.buf, [7; 10]);
            writer.write_all(&[round; 4]).unwrap();
            assert_eq!(reader.read_exact(vec![0; 4]).wait().unwrap().buf, [round; 4]);
        }
    }
}

#[test]
fn a_read_of_a_pipe_that_is_bound_elsewhere_is_cancelled() {
    for port in mechanisms() {
        let other = super::port();
        let (reader, writer) = pipe_bound_elsewhere(&port, &other);
        for round in 0..20_u8 {
            let read = reader.read(vec![7; 10]);
            if round % 2 == 0 {
                thread::sleep(Duration::from_millis(5));
            }
            read.cancel();
            let failed = read.wait().unwrap_err();
            assert!(failed.error.is_cancelled(), "{}", failed.error);
            writer.write_all(vec![round; 4]).wait().unwrap();
            assert_eq!(reader.read_exact(vec![0; 4]).wait().unwrap().buf, [round; 4]);
        }
    }
}

// [C5] a cancel that finds the call not yet begun is not lost.
#[test]
fn a_cancel_that_meets_a_worker_before_its_call_is_asked_again() {
    for port in mechanisms() {
        let (reader, _writer) = pipe(&port);
        for round in 0..ROUNDS {
            let read = reader.read(vec![0; 4]);
            (0..round % 199 * 100).for_each(|_| hint::spin_loop());
            read.cancel();
            let outcome = read.wait_timeout(Duration::from_secs(30)).expect("it is not lost");
            assert!(outcome.unwrap_err().error.is_cancelled());
        }
    }
}

// [C6] a deadline ends a call that blocks, too.
#[test]
fn a_deadline_interrupts_a_worker() {
    for port in mechanisms() {
        let (reader, mut writer) = pipe(&port);
        let read = reader.read(vec![0; 10]).deadline(Duration::from_millis(20));
        assert!(read.wait().unwrap_err().error.is_cancelled());
        writer.write_all(b"later").unwrap();
        let read = reader.read_exact(vec![0; 5]).deadline(Duration::from_secs(60));
        assert_eq!(read.wait().unwrap().buf, b"later");
    }
}

// [C7] [C8] a drop interrupts it as well, and what it took all the same is the next one's.
#[test]
fn a_read_that_is_dropped_at_a_worker_loses_no_byte() {
    for port in mechanisms() {
        let (reader, mut writer) = pipe(&port);
        for round in 0..200_u8 {
            drop(reader.read(vec![0; 4]));
            writer.write_all(&[round; 4]).unwrap();
            assert_eq!(reader.read_exact(vec![0; 4]).wait().unwrap().buf, [round; 4]);
        }
    }
}

// [C5] [C8] a read that is dropped with its reader is stopped, though nobody waits for it.
#[test]
fn what_nobody_waits_for_is_stopped_all_the_same() {
    for port in mechanisms() {
        for round in 0..500 {
            let (reader, _writer) = pipe(&port);
            let read = reader.read(vec![0; 4]);
            (0..round * 100).for_each(|_| hint::spin_loop());
            drop((read, reader));
            let over = |_| {
                thread::sleep(Duration::from_millis(1));
                port.in_flight().is_empty()
            };
            assert!((0..10_000).any(over), "round {round}");
        }
    }
}

// [C9] workers in the middle of a call are no reason to leak.
#[test]
fn a_port_whose_workers_are_all_blocked_is_drained() {
    const READS: usize = 40;
    for port in mechanisms() {
        let other = super::port();
        let pipes: Vec<_> = (0..READS / 2).map(|_| pipe(&port)).collect();
        let bound = || pipe_bound_elsewhere(&port, &other);
        let others: Vec<_> = (0..READS / 2).map(|_| bound()).collect();
        let readers = pipes.iter().map(|(reader, _)| reader);
        let readers = readers.chain(others.iter().map(|(reader, _)| reader));
        let reads: Vec<_> = readers.map(|reader| reader.read(vec![0; 64])).collect();
        let report = port.shutdown(Duration::from_secs(20));
        assert_eq!((report.drained, report.leaked), (READS, 0));
        for read in reads {
            assert!(read.wait().unwrap_err().error.is_cancelled());
        }
    }
}

// [C5] [C7] each outcome is true, and no byte is lost or doubled. Between two reads of the same
// worker a cancel that is late must not hit the second.
#[test]
fn cancels_race_with_the_bytes_of_a_synchronous_pipe() {
    let port = Port::builder().max_workers(1).build().unwrap();
    let (reader, mut writer) = pipe(&port);
    let mut race = Race::default();
    for round in 0..ROUNDS {
        let read = reader.read(vec![0; 4]);
        Race::meet(round, &read, || writer.write_all(&round.to_le_bytes()).unwrap());
        race.judge(read.wait());
        race.catch_up(&reader, round);
    }
    race.end(ROUNDS);
}
