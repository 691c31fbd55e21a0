//! Threads that end, by themselves or by a panic, and handles that go, with operations in flight.

use std::{
    future::Future,
    panic::resume_unwind,
    pin::pin,
    sync::{Arc, Barrier},
    task::{Context, Wake, Waker},
    thread,
    time::Duration,
};

use overlapped::{Port, pipe};

use super::{port, threads, watchdog::Watchdog};

/// Nothing lasts so long.
const LONG: Duration = Duration::from_secs(60);

/// On each way to hear of the end of a call.
fn on_each(name: &str, test: impl Fn(Port)) {
    for port in [port(), threads()] {
        let _watch = Watchdog::set(&format!("{name} on {}", port.backend()), LONG);
        test(port);
    }
}

// [C2] an operation that has a port belongs to no thread.
#[test]
fn a_thousand_reads_outlive_fifty_threads() {
    const THREADS: usize = 50;
    const EACH: usize = 20;
    on_each("a thousand reads", |port| {
        let start = |number: usize| {
            let port = port.clone();
            let start = move || {
                let pipes = (0..EACH).map(|_| pipe::pair(&port).unwrap());
                let start = |(place, (reader, writer)): (usize, (pipe::Reader, pipe::Writer))| {
                    (number * EACH + place, reader.read_exact(vec![0; 8]), writer)
                };
                pipes.enumerate().map(start).collect::<Vec<_>>()
            };
            thread::spawn(start).join().unwrap()
        };
        let reads: Vec<_> = (0..THREADS).flat_map(start).collect();
        assert_eq!(port.in_flight().len(), THREADS * EACH);
        for (number, _, writer) in reads.iter().rev() {
            writer.write_all(number.to_le_bytes().to_vec()).wait().unwrap();
        }
        for (number, read, _writer) in reads {
            assert_eq!(read.wait().unwrap().buf, number.to_le_bytes());
        }
    });
}

// [C7] [C8] what a thread drops when it panics takes nothing with it.
#[test]
fn a_thread_panics_with_reads_in_flight() {
    on_each("a thread panics", |port| {
        for round in 0..50_u8 {
            let (reader, writer) = pipe::pair(&port).unwrap();
            let barrier = Arc::new(Barrier::new(2));
            let theirs = Arc::clone(&barrier);
            let reader = thread::scope(|scope| {
                let reader = &reader;
                let panics = scope.spawn(move || {
                    let _reads = [reader.read(vec![0; 2]), reader.read(vec![0; 2])];
                    theirs.wait();
                    resume_unwind(Box::new("planned"));
                });
                barrier.wait();
                // Before, after or while the reads are dropped.
                writer.write_all(vec![round; 4]).wait().unwrap();
                panics.join().unwrap_err();
                reader
            });
            assert_eq!(reader.read_exact(vec![0; 4]).wait().unwrap().buf, [round; 4]);
        }
    });
}

// [C3] [C5] a reader that is closed asks its reads to stop; each tells the truth.
#[test]
fn a_reader_is_closed_with_reads_in_flight() {
    on_each("a reader is closed", |port| {
        for round in 0..100 {
            let (reader, writer) = pipe::pair(&port).unwrap();
            let (reads, len) = ([(); 3].map(|()| reader.read(vec![0; 4])), 4 * (round % 4));
            let parts = thread::scope(|scope| {
                scope.spawn(|| writer.write_all(vec![7; len]).wait().unwrap());
                reader.into_parts().wait()
            });
            let mut taken = parts.unread.len();
            for read in reads {
                match read.wait() {
                    Ok(done) => taken += done.n,
                    Err(failed) => assert!(failed.error.is_cancelled(), "{}", failed.error),
                }
            }
            // What no read took is still in the pipe.
            let rest = pipe::Reader::from_owned(&port, parts.handle);
            taken += rest.read_exact(vec![0; len - taken]).wait().unwrap().n;
            assert_eq!(taken, len);
        }
    });
}

// [C2] [C7] only the reader goes: its reads are their `Pending`s'.
#[test]
fn a_reader_is_dropped_with_reads_in_flight() {
    on_each("a reader is dropped", |port| {
        let (reader, writer) = pipe::pair(&port).unwrap();
        let reads = [(); 3].map(|()| reader.read_exact(vec![0; 4]));
        drop(reader);
        writer.write_all(b"one two tri ".to_vec()).wait().unwrap();
        let read = reads.map(|read| read.wait().unwrap().buf);
        assert_eq!(read.concat(), b"one two tri ");
        // Nobody can read any more.
        assert!(writer.write_all(vec![0; 1 << 20]).wait().is_err());
    });
}

/// Ends a port when it is called, without waiting for the end.
struct Ends(Port);

impl Wake for Ends {
    fn wake(self: Arc<Self>) {
        assert!(self.0.shutdown(Duration::ZERO).leaked > 0, "what has called it is not over");
    }
}

// [C9] [C11] a waker may do what it likes, on whichever thread it is called.
#[test]
fn a_port_is_ended_by_a_waker() {
    on_each("a waker that ends the port", |port| {
        let (reader, writer) = pipe::pair(&port).unwrap();
        let (idle, _idle_writer) = pipe::pair(&port).unwrap();
        let others = [idle.read(vec![0; 4]), idle.read(vec![0; 4])];
        let mut read = reader.read(vec![0; 4]);
        let waker = Waker::from(Arc::new(Ends(port.clone())));
        assert!(pin!(&mut read).poll(&mut Context::from_waker(&waker)).is_pending());
        writer.write_all(b"wake".to_vec()).wait().unwrap();
        for other in others {
            assert!(other.wait().unwrap_err().error.is_cancelled());
        }
        assert_eq!(read.wait().unwrap().buf, b"wake");
        assert_eq!(port.shutdown(LONG).leaked, 0);
        assert!(port.nop().wait().is_err(), "it has ended");
    });
}
