//! Reads with a cancel, a deadline or a drop on their heels, while what they wait for arrives.

use std::{
    hint,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use overlapped::{
    Done, Failed, Pending, Port,
    pipe::{self, Reader, Writer},
    request::Read,
};

use super::world;

/// What is on the read's heels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chase {
    /// A cancel.
    Cancel,
    /// A deadline.
    Deadline,
    /// Nobody looks at it any more.
    Drop,
}

/// How the races ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Races {
    /// The bytes came first.
    pub done: u64,
    /// The chaser came first, or nobody looked.
    pub lost: u64,
}

type Outcome = Result<Done<Vec<u8>>, Failed<Vec<u8>>>;

const LONG: Duration = Duration::from_secs(30);

/// Races `chase` with a record of eight bytes, `rounds` times. Whoever wins, each record is read
/// exactly once, and a read that nobody chases is never cancelled.
pub fn race(port: &Port, chase: Chase, rounds: u64) -> Races {
    let (reader, writer) = pipe::pair(port).expect("a pipe");
    let wanted = AtomicU64::new(0);
    world::scope(|threads| {
        threads.spawn("another", || write_records(&writer, &wanted, rounds));
        read_records(&reader, chase, &wanted, rounds)
    })
}

/// Writes record `i` when `wanted` has come to `i + 1`.
fn write_records(writer: &Writer, wanted: &AtomicU64, rounds: u64) {
    for record in 0..rounds {
        let mut patience = 0;
        while wanted.load(Ordering::Acquire) <= record {
            patience += 1;
            if world::is_simulated() || patience % 64 == 0 {
                world::pause();
            } else {
                hint::spin_loop();
            }
        }
        if wanted.load(Ordering::Acquire) == GIVEN_UP {
            return;
        }
        writer.write_all(record.to_le_bytes().to_vec()).wait().expect("a pipe takes a record");
    }
}

/// The reader has failed and said why.
const GIVEN_UP: u64 = u64::MAX;

/// Tells the writer when the reader panics.
struct Guard<'a>(&'a AtomicU64);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.0.store(GIVEN_UP, Ordering::Release);
    }
}

fn read_records(reader: &Reader, chase: Chase, wanted: &AtomicU64, rounds: u64) -> Races {
    let guard = Guard(wanted);
    let mut races = Races::default();
    for record in 0..rounds {
        let read = reader.read(vec![0; 8]);
        wanted.store(record + 1, Ordering::Release);
        match chased(read, chase, record) {
            Some(Ok(done)) => {
                races.done += 1;
                check(&done, record);
            }
            Some(Err(failed)) => {
                assert!(failed.error.is_cancelled(), "cancelled, and nothing else: {failed}");
                races.lost += 1;
                again(reader, record);
            }
            None => {
                races.lost += 1;
                again(reader, record);
            }
        }
    }
    std::mem::forget(guard);
    races
}

/// The outcome, if one is left. The chaser comes sooner in one round and later in another.
fn chased(read: Pending<'static, Read<Vec<u8>>>, chase: Chase, round: u64) -> Option<Outcome> {
    let read = match chase {
        Chase::Deadline => read.deadline(Duration::from_micros(round % 61)),
        Chase::Cancel | Chase::Drop => {
            world::spin((round % 61) * 40);
            read
        }
    };
    match chase {
        Chase::Drop => return None,
        Chase::Cancel => read.cancel(),
        Chase::Deadline => {}
    }
    Some(must(read).expect("a chased read comes to its end"))
}

/// The outcome, if it comes in time.
fn must(read: Pending<'static, Read<Vec<u8>>>) -> Option<Outcome> {
    let start = world::now();
    let outcome = read.wait_timeout(LONG).ok();
    outcome.filter(|_| world::now() - start < LONG)
}

/// The record is still to be had, by a read that nobody chases.
fn again(reader: &Reader, record: u64) {
    let outcome = must(reader.read_exact(vec![0; 8]));
    let outcome = outcome.unwrap_or_else(|| panic!("record {record} is lost"));
    check(&outcome.expect("nobody has cancelled this one"), record);
}

fn check(done: &Done<Vec<u8>>, record: u64) {
    assert_eq!(done.n, 8, "records are written as one");
    let got = u64::from_le_bytes(done.buf[..8].try_into().expect("eight bytes"));
    assert_eq!(got, record, "each record once, in order");
}
