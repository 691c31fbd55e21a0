//! Everything above the two kernel backends, on a kernel that is as late as a kernel may be: it
//! writes to lent memory in halves, after cancels, after drops, in any order, and answers as it
//! likes. Written in safe code; run under Miri, a block that is freed or moved early is found at
//! the late write. Run natively too, as any test.

#[path = "miri/local.rs"]
mod local;

mod late;

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use late::{Late, Script};
use overlapped::{Cause, Event, Port, alertable, fs::File, pipe::Reader, wait_all, wait_any};

fn file(port: &Port) -> File {
    File::from_owned(port, fs::File::open("Cargo.toml").unwrap())
}

fn reader(port: &Port) -> Reader {
    Reader::from_owned(port, fs::File::open("Cargo.toml").unwrap())
}

fn port(script: Script) -> Port {
    Port::with_backend(Late::backend(script))
}

/// Every script that the tests run under.
fn scripts() -> impl Iterator<Item = Script> {
    (0..if cfg!(miri) { 6 } else { 200 }).map(Script::seeded)
}

// [C4] the buffer comes back, filled by the kernel and by nobody else.
#[test]
fn c04_reads_come_back_whole() {
    for script in scripts() {
        let port = port(script);
        let file = file(&port);
        let reads: Vec<_> = (0..4).map(|at| file.read_exact_at(vec![0; 8], at * 8)).collect();
        for (at, read) in (0..4).zip(reads) {
            let done = read.wait().unwrap();
            assert_eq!(done.buf, late::pattern(at * 8, 8));
        }
    }
}

// [C1] [C8] dropped, forgotten and cancelled reads: the kernel writes later all the same.
#[test]
fn c01_the_memory_outlives_what_the_program_does() {
    for script in scripts() {
        let port = port(script);
        let file = file(&port);
        drop(file.read_at(vec![0; 64], 0));
        late::forget(file.read_at(vec![0; 8].into_boxed_slice(), 0));
        let cancelled = file.read_at(vec![0; 16], 0);
        cancelled.cancel();
        match cancelled.wait() {
            Ok(done) => assert_eq!(done.buf[..done.n], late::pattern(0, done.n)),
            Err(failed) => assert!(failed.error.is_cancelled() && failed.buf.len() == 16),
        }
        let report = port.shutdown(Duration::from_secs(20));
        assert_eq!(report.leaked, 0);
    }
}

// [C1] [C3] buffers of one slab: each is the kernel's while its read flies, whatever becomes of the
// others, and what is kept outlives file and port.
#[test]
fn c01_ranges_share_a_slab_and_no_byte() {
    let ranges = [(0, 8), (100, 0), (8, 100), (1000, 8), (3, 5), (50, 70)];
    for script in scripts() {
        let port = port(script);
        let file = file(&port);
        drop(file.read_ranges(&ranges, 3));
        let mut halfway = file.read_ranges(&ranges, 4);
        assert!(late::poll_once(&mut halfway).is_none());
        drop(halfway);
        let waited = file.read_ranges(&ranges, 2).wait();
        let awaited = late::block_on(file.read_ranges(&ranges, 4));
        let mut kept = Vec::new();
        for (outcome, (at, len)) in waited.into_iter().chain(awaited).zip(ranges.repeat(2)) {
            let done = outcome.unwrap();
            assert_eq!(done.buf.len(), len);
            assert_eq!(done.buf[..done.n], late::pattern(at, done.n));
            kept.push(done.buf);
        }
        kept.retain(|buf| buf.len() != 8);
        assert_eq!(port.shutdown(Duration::from_secs(20)).leaked, 0);
        drop((file, port));
        kept.iter_mut().for_each(|buf| buf.fill(9));
        assert!(kept.iter().all(|buf| buf.iter().all(|byte| *byte == 9)));
    }
}

// [C10] a scope ends with nothing in flight, whatever its closure did.
#[test]
fn c10_a_scope_joins() {
    for script in scripts() {
        let port = port(script);
        let file = file(&port);
        let mut buf = [[0u8; 8]; 3];
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            port.scope(|scope| {
                let [a, b, c] = &mut buf;
                drop(scope.read_at(&file, a, 0));
                let _kept = [scope.read_at(&file, b, 0), scope.read_at(&file, c, 0)];
                panic!("as planned");
            });
        }));
        assert!(panicked.is_err());
        buf = [[1; 8]; 3];
        assert_eq!(port.shutdown(Duration::from_secs(20)).leaked, 0);
        assert_eq!(buf, [[1; 8]; 3], "nothing writes to what was given back");
    }
}

// [C8] [C10] a forgotten operation does not let the scope go early, and does not hang it.
#[test]
fn leaky_c10_a_scope_joins_what_was_forgotten() {
    for script in scripts() {
        let port = port(script);
        let file = file(&port);
        let mut buf = [0u8; 8];
        port.scope(|scope| std::mem::forget(scope.read_at(&file, &mut buf, 0)));
        buf = [1; 8];
        assert_eq!(port.shutdown(Duration::from_secs(20)).leaked, 0);
        assert_eq!(buf, [1; 8], "nothing writes to what was given back");
    }
}

// [C7] reads of a stream, some abandoned at different times: every byte once, in order.
#[test]
fn c07_an_abandoned_stream_read_loses_no_byte() {
    for script in scripts() {
        let port = port(script);
        let reader = reader(&port);
        let mut got: Vec<u8> = Vec::new();
        for round in 0..9 {
            // Of different lengths, so that some are served only a part of what is kept.
            let len = 2 + (3 * round + script.seed()) as usize % 7;
            let read = reader.read(vec![0; len]);
            match (round + script.seed() / 7) % 4 {
                0 => drop(read),
                1 => match read.wait_timeout(Duration::from_micros(1)) {
                    Ok(outcome) => {
                        let done = outcome.unwrap();
                        got.extend(&done.buf[..done.n]);
                    }
                    Err(late) => drop(late),
                },
                2 => {
                    // Landed, and dropped all the same: its bytes come first again.
                    let mut read = read;
                    wait_any(&mut [&mut read], None);
                }
                _ => {
                    let done = read.wait().unwrap();
                    got.extend(&done.buf[..done.n]);
                }
            }
        }
        let parts = reader.into_parts().wait();
        got.extend(&parts.unread);
        assert_eq!(got, late::pattern(0, got.len()));
        assert_eq!(got.len() as u64, late::taken(&port), "a byte was taken and is nowhere");
    }
}

// [C12] awaited on another thread than it was started on, with a waker that changes.
#[test]
fn c12_a_future_may_move() {
    for script in scripts() {
        let port = port(script);
        let file = file(&port);
        let mut read = file.read_exact_at(vec![0; 8], 16);
        let first = late::poll_once(&mut read);
        let outcome = match first {
            Some(outcome) => outcome,
            None => std::thread::spawn(move || late::block_on(read)).join().unwrap(),
        };
        assert_eq!(outcome.unwrap().buf, late::pattern(16, 8));
    }
}

// [C11] routines run on their thread, in an alertable wait; a panic in one spares the others.
#[test]
fn c11_routines() {
    for script in scripts() {
        let port = port(script);
        let file = file(&port);
        let ran = std::rc::Rc::new(std::cell::Cell::new(0));
        for index in 0..3 {
            let ran = std::rc::Rc::clone(&ran);
            file.read_exact_at(vec![0; 4], 0).then(move |outcome| {
                assert_eq!(outcome.unwrap().buf, late::pattern(0, 4));
                ran.set(ran.get() + 1);
                assert!(index != 1, "as planned");
            });
        }
        while alertable::queued() > 0 {
            let _panicked = catch_unwind(|| alertable::wait(None));
        }
        assert_eq!(ran.get(), 3);
    }
}

// [C5] [C6] deadlines, timeouts and events, together.
#[test]
fn c06_a_timeout_leaves_the_operation_as_it_was() {
    for script in scripts() {
        let port = port(script);
        let file = file(&port);
        let mut read = file.read_exact_at(vec![0; 8], 0);
        let mut nap = port.sleep(Duration::from_millis(1));
        let mut set = Event::automatic();
        set.set();
        assert_eq!(wait_any(&mut [&mut set, &mut read], None), Some(0));
        assert!(wait_all(&mut [&mut read, &mut nap], None));
        assert_eq!(read.wait().unwrap().buf, late::pattern(0, 8));
        nap.wait().unwrap();
        let late = file.read_at(vec![0; 8], 0).deadline(Duration::ZERO);
        match late.wait() {
            Ok(done) => assert_eq!(done.buf[..done.n], late::pattern(0, done.n)),
            Err(failed) => assert!(failed.error.is_cancelled()),
        }
    }
}

// [C9] a port that goes while operations fly: their outcomes still come, and new ones are refused.
#[test]
fn c09_a_port_goes_first() {
    for script in scripts() {
        let port = port(script);
        let file = file(&port);
        let read = file.read_at(vec![0; 32], 0);
        assert_eq!(port.shutdown(Duration::from_secs(20)).leaked, 0);
        let refused = file.read_at(vec![5; 3], 0).wait().unwrap_err();
        assert_eq!((refused.error.cause(), refused.buf), (Cause::Closed, vec![5; 3]));
        drop((file, port));
        match read.wait() {
            Ok(done) => assert_eq!(done.buf[..done.n], late::pattern(0, done.n)),
            Err(failed) => assert!(failed.error.is_cancelled()),
        }
    }
}
