//! How much memory the library asks for, counted by the allocator.

#[path = "support/counting.rs"]
mod counting;
#[path = "support/scratch.rs"]
mod scratch;
#[path = "support/watchdog.rs"]
mod watchdog;

use std::{
    fs,
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use counting::Counting;
use overlapped::{
    Done, Port,
    backend::Kind,
    fs::File,
    pipe::{self, Reader, Writer},
};
use scratch::Scratch;
use watchdog::Watchdog;

#[global_allocator]
static HEAP: Counting = Counting::new();

/// One test at a time: the allocator counts for the whole process.
fn alone(name: &str) -> (MutexGuard<'static, ()>, Watchdog) {
    static ALONE: Mutex<()> = Mutex::new(());
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    (alone, Watchdog::set(name, Duration::from_secs(120)))
}

/// The backends that work here. Their workers are so few that none leaves for want of work: the
/// next one would ask for memory.
fn ports() -> Vec<Port> {
    let kinds = [Kind::Uring, Kind::Threads, Kind::Iocp];
    let port = |kind| Port::builder().backend(kind).max_workers(2).build().ok();
    kinds.into_iter().filter_map(port).collect()
}

/// How often memory is asked for by a thousand rounds, once that has come to rest; but for errors,
/// of which `round` tells how many it got. The test's own harness may ask now and then, so the best
/// of some tries counts.
fn calls_of_a_thousand(mut round: impl FnMut() -> usize) -> usize {
    (0..500).for_each(|_| {
        round();
    });
    let mut least = usize::MAX;
    for _ in 0..10 {
        let before = HEAP.calls();
        let errors: usize = (0..1000).map(|_| round()).sum();
        least = least.min(HEAP.calls() - before - errors);
        if least == 0 {
            break;
        }
    }
    least
}

fn file(scratch: &Scratch, port: &Port) -> File {
    let path = scratch.path().join("file");
    fs::write(&path, vec![7; 1 << 16]).expect("a file");
    File::open(port, path).wait().expect("a file")
}

// [C14] in steady state an operation costs no allocation.
#[test]
fn a_positional_read_into_a_reused_buffer_asks_for_no_memory() {
    let _alone = alone("a_positional_read");
    let scratch = Scratch::new();
    for port in ports() {
        let file = file(&scratch, &port);
        let mut buf = vec![0; 4096];
        let mut offset = 0;
        let calls = calls_of_a_thousand(|| {
            offset = (offset + 4096) % (1 << 16);
            let Done { n, buf: back, .. } =
                file.read_at(std::mem::take(&mut buf), offset).wait().expect("a read");
            assert_eq!(n, 4096);
            buf = back;
            0
        });
        assert_eq!(calls, 0, "{} asks for memory", port.backend());
        assert!(buf.iter().all(|&byte| byte == 7));
    }
}

// [C14] the same with many in flight, and for writes and cancels.
#[test]
fn many_reads_in_flight_ask_for_no_memory() {
    let _alone = alone("many_reads");
    let scratch = Scratch::new();
    for port in ports() {
        let file = file(&scratch, &port);
        let mut bufs: Vec<_> = (0..32).map(|_| vec![0; 512]).collect();
        let mut flying = Vec::with_capacity(32);
        let calls = calls_of_a_thousand(|| {
            flying.extend(bufs.drain(..).map(|buf| file.read_at(buf, 512)));
            let mut errors = 0;
            for (i, read) in flying.drain(..).enumerate() {
                if i % 8 == 0 {
                    read.cancel();
                }
                let outcome = read.wait();
                errors += usize::from(outcome.is_err());
                bufs.push(outcome.map_or_else(|failed| failed.buf, |done| done.buf));
            }
            errors
        });
        assert_eq!(calls, 0, "{} asks for memory", port.backend());
    }
}

/// As many readers of one idle pipe as the process may have, up to ten thousand.
fn crowd(port: &Port) -> (Vec<Reader>, Writer) {
    let (reader, writer) = pipe::pair(port).expect("a pipe");
    let handle = reader.into_parts().wait().handle.into_os().expect("the OS's own");
    // Some descriptors are left for others.
    let spare: Vec<_> = (0..100).map_while(|_| handle.try_clone().ok()).collect();
    let handles: Vec<_> = (0..10_000).map_while(|_| handle.try_clone().ok()).collect();
    drop(spare);
    assert!(handles.len() >= 500, "raise `ulimit -n`");
    (handles.into_iter().map(|handle| Reader::from_owned(port, handle)).collect(), writer)
}

/// Waits until no more memory is in use than `level` and a bit; how much is, after a second.
fn settles_at(level: isize) -> isize {
    let start = Instant::now();
    while HEAP.bytes() > level && start.elapsed() < Duration::from_secs(1) {
        thread::sleep(Duration::from_millis(1));
    }
    HEAP.bytes()
}

/// What pools, queues and books may keep of a burst, and each reader's own queue of its first read:
/// a fraction of the 80 MiB that the buffers took.
const KEPT: isize = 2 << 20;

// [C14] a burst leaves no trace.
#[test]
fn ten_thousand_dropped_reads_give_their_memory_back() {
    const LEN: usize = 8192;
    let _alone = alone("ten_thousand_dropped_reads");
    for port in ports() {
        let (readers, writer) = crowd(&port);
        drop(readers[0].read(vec![0; LEN]));
        thread::sleep(Duration::from_millis(100));
        let before = HEAP.bytes();
        for reader in &readers {
            drop(reader.read(vec![0; LEN]));
        }
        let after = settles_at(before + KEPT);
        let count = readers.len();
        eprintln!("{}: {count} dropped reads: {} bytes more", port.backend(), after - before);
        assert!(after <= before + KEPT, "{}: {} bytes are kept", port.backend(), after - before);
        writer.write_all(b"all there".to_vec()).wait().expect("a write");
        let read = readers[count / 2].read_exact(vec![0; 9]).wait_timeout(Duration::from_secs(20));
        assert_eq!(read.expect("nothing was eaten").expect("a read").buf, b"all there");
    }
}

// [C14] a loop that asks again and again, as `select` does, does not pile up what it gave up.
#[test]
fn dropping_again_and_again_does_not_pile_up() {
    let _alone = alone("dropping_again_and_again");
    for port in ports() {
        let (reader, writer) = pipe::pair(&port).expect("a pipe");
        drop(reader.read(vec![0; 8192]));
        thread::sleep(Duration::from_millis(100));
        let before = HEAP.bytes();
        for _ in 0..10_000 {
            drop(reader.read(vec![0; 8192]));
        }
        let after = settles_at(before + KEPT);
        eprintln!("{}: 10000 drops: {} bytes more", port.backend(), after - before);
        assert!(after <= before + KEPT, "{}: {} bytes are kept", port.backend(), after - before);
        writer.write_all(b"all there".to_vec()).wait().expect("a write");
        let read = reader.read_exact(vec![0; 9]).wait_timeout(Duration::from_secs(20));
        assert_eq!(read.expect("nothing was eaten").expect("a read").buf, b"all there");
    }
}

// [C14] ports come and go, and leave nothing behind.
#[test]
fn ports_give_their_memory_back() {
    let _alone = alone("ports_give_their_memory_back");
    for port in ports() {
        let kind = port.backend();
        drop(port);
        let round = || {
            let port = Port::builder().backend(kind).build().expect("there was one before");
            let (reader, _writer) = pipe::pair(&port).expect("a pipe");
            drop(reader.read(vec![0; 100_000]));
            port.sleep(Duration::from_micros(10)).wait().expect("a sleep");
        };
        (0..5).for_each(|_| round());
        thread::sleep(Duration::from_millis(300));
        let before = HEAP.bytes();
        (0..50).for_each(|_| round());
        let after = settles_at(before + 100_000);
        assert!(after <= before + 100_000, "{kind}: {} bytes are kept", after - before);
    }
}
