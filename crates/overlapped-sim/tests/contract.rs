//! The contract under every schedule: small programs, and what must be true of each of their runs.
//! What a planted bug breaks, one of these finds.

use std::{
    cell::Cell,
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use overlapped::{Event, Report as Ended, alertable, fs::File, pipe, wait_any};
use overlapped_sim::{Check, Faults, Report, Sim};

const SECOND: Duration = Duration::from_secs(1);

/// Tries everything that `check` says; nothing may go wrong. Miri tries one run by chance, and
/// then what was seen proves nothing.
#[track_caller]
fn all<T: Ord>(check: Check, body: impl Fn(&Sim) -> T) -> Option<Report<T>> {
    let check = if cfg!(miri) { check.random(1).runs(1) } else { check };
    let report = check.run(body);
    if let Some(failure) = report.failure() {
        panic!("{failure}");
    }
    (!cfg!(miri)).then_some(report)
}

/// A file of 100 numbered bytes.
fn file(sim: &Sim) -> File {
    sim.file("/data", (0..100).collect::<Vec<u8>>());
    File::open(sim, "/data").wait().expect("it is there")
}

fn writable(sim: &Sim) -> File {
    File::create(sim, "/out").wait().expect("a new file")
}

/// The device may take longer than anybody waits.
fn slow(sim: &Sim) {
    sim.latency(Duration::ZERO, 10 * SECOND);
}

// [C1] [C2] what is lent is lent until the device has said its last word, whoever has let go.
#[test]
fn memory_is_lent_until_the_device_has_said_its_last_word() {
    let Some(report) = all(Check::new(), |sim| {
        let file = writable(sim);
        let memory: Arc<[u8]> = vec![7; 64].into();
        let write = file.write_at(Arc::clone(&memory), 0);
        let started = sim.stats().in_flight;
        drop(write);
        sim.yield_now();
        let (flying, lent) = (sim.stats().in_flight, Arc::strong_count(&memory));
        assert_eq!(flying > 0, lent == 2, "{flying} in flight, {lent} owners");
        assert!(file.close().wait().is_ok());
        assert_eq!(Arc::strong_count(&memory), 1, "it is given back");
        assert_eq!(sim.contents("/out").expect("the file"), [7; 64]);
        (started, flying)
    }) else {
        return;
    };
    assert!(report.is_complete() && report.outcomes().count() > 1);
}

// [C3] [C4] one outcome, which is the OS's own, with the buffer.
#[test]
fn an_outcome_is_the_device_s_own_word_and_brings_the_buffer() {
    let faults = Faults::none().budget(1).short(true).errors(true);
    let Some(report) = all(Check::new().faults(faults), |sim| {
        sim.file("/data", (0..100).collect::<Vec<u8>>());
        let Ok(file) = File::open(sim, "/data").wait() else {
            return "no file".to_owned();
        };
        match file.read_at(vec![255; 40], 80).wait() {
            Ok(done) => {
                let expected: Vec<u8> = (80..80 + done.n as u8).collect();
                assert_eq!((&done.buf[..done.n], done.buf.len()), (&expected[..], 40));
                assert!(done.buf[done.n..].iter().all(|byte| *byte == 255), "not one byte more");
                format!("{} bytes", done.n)
            }
            Err(failed) => {
                assert_eq!(failed.buf.len(), 40, "the buffer comes with failure, too");
                format!("error {:?}", failed.error.raw_os_error())
            }
        }
    }) else {
        return;
    };
    let outcomes: Vec<_> = report.outcomes().collect();
    assert_eq!(outcomes, ["1 bytes", "20 bytes", "error Some(5)", "no file"]);
}

// [C3] a short transfer is not an error, and a whole one goes on after it.
#[test]
fn a_whole_transfer_survives_short_ones() {
    let faults = Faults::none().budget(2).short(true);
    all(Check::new().faults(faults), |sim| {
        let file = writable(sim);
        let bytes: Vec<u8> = (0..40).collect();
        let write = file.write_all_sync_at(bytes.clone(), 10, true).wait().expect("a write");
        let read = file.read_exact_at(vec![0; 40], 10).wait().expect("a read");
        assert_eq!((write.n, read.n, read.buf), (40, 40, bytes));
    });
}

// [C5] a cancel is a request: what comes after it is the true outcome, and it comes.
#[test]
fn a_cancel_is_a_request_and_the_outcome_is_told() {
    let Some(report) = all(Check::new(), |sim| {
        slow(sim);
        let file = file(sim);
        let read = file.read_at(vec![255; 50], 0);
        read.cancel();
        match read.wait() {
            Ok(done) => format!("{} bytes", done.n),
            Err(failed) => {
                assert!(failed.error.is_cancelled() && failed.buf.len() == 50);
                "cancelled".to_owned()
            }
        }
    }) else {
        return;
    };
    let outcomes: Vec<_> = report.outcomes().collect();
    assert_eq!(outcomes, ["25 bytes", "50 bytes", "cancelled"]);
    assert!(report.is_complete());
}

// [C5] [C14] neither is a cancel lost when the kernel is full, nor what waits for room.
#[test]
fn a_cancel_is_not_lost_when_the_kernel_is_full() {
    let Some(report) = all(Check::new(), |sim| {
        sim.depth(1);
        let (reader, writer) = pipe::pair(sim).expect("a pipe");
        let (other, _kept) = pipe::pair(sim).expect("a pipe");
        let first = reader.read(vec![0; 4]);
        let second = other.read(vec![0; 4]);
        // The first is with the kernel, the second waits for room.
        let order = [[&first, &second], [&second, &first]][sim.choose(2)];
        order.iter().for_each(|read| read.cancel());
        assert!(second.wait().expect_err("nothing was there").error.is_cancelled());
        assert!(first.wait().expect_err("nothing was there").error.is_cancelled());
        let write = writer.write(b"late".to_vec());
        let read = reader.read(vec![0; 4]);
        assert_eq!(write.wait().expect("there is room").n, 4);
        assert_eq!(read.wait().expect("it is there").buf, b"late");
    }) else {
        return;
    };
    assert!(report.is_complete());
}

// [C14] what finds no room waits its turn, in whatever order room is found.
#[test]
fn what_finds_no_room_is_done_all_the_same() {
    let faults = Faults::none().budget(3).refusals(true);
    all(Check::new().faults(faults), |sim| {
        sim.depth(2);
        let file = file(sim);
        let reads: Vec<_> = (0..4).map(|at| file.read_at(vec![0; 10], at * 10)).collect();
        for (at, read) in (0..).zip(reads) {
            assert_eq!(read.wait().expect("a read").buf[0], at * 10);
        }
    });
}

// [C6] a wait that times out leaves everything as it was.
#[test]
fn a_timeout_leaves_the_operation_as_it_was() {
    let Some(report) = all(Check::new(), |sim| {
        slow(sim);
        let file = file(sim);
        match file.read_at(vec![0; 50], 0).wait_timeout(SECOND) {
            Ok(done) => format!("in time: {}", done.expect("a read").n),
            Err(read) => format!("late: {}", read.wait().expect("nobody cancelled it").n),
        }
    }) else {
        return;
    };
    assert!(report.outcomes().eq(["in time: 50", "late: 50"]));
}

// [C6] a deadline cancels, waits, and tells the truth.
#[test]
fn a_deadline_tells_the_truth() {
    let Some(report) = all(Check::new(), |sim| {
        slow(sim);
        let file = file(sim);
        let start = sim.now();
        let read = file.read_at(vec![0; 50], 0).deadline(SECOND);
        sim.sleep(SECOND / 100).wait().expect("a look at the timers");
        let outcome = read.wait();
        let late = sim.now() - start >= SECOND;
        match outcome {
            Ok(done) => format!("{} bytes", done.n),
            Err(failed) => {
                assert!(late && failed.error.is_cancelled(), "cancelled, and not before its time");
                "cancelled".to_owned()
            }
        }
    }) else {
        return;
    };
    assert!(report.outcomes().eq(["25 bytes", "50 bytes", "cancelled"]));
}

// [C7] what an abandoned read of a stream took is served to the next one, in order.
#[test]
fn no_byte_of_a_stream_is_lost_or_doubled() {
    let Some(report) = all(Check::new(), |sim| {
        let (reader, writer) = pipe::pair(sim).expect("a pipe");
        let abandoned = reader.read(vec![0; 3]);
        let write = writer.write_all(b"abcdef".to_vec());
        drop(abandoned);
        let mut got: Vec<u8> = Vec::new();
        while got.len() < 6 {
            let read = reader.read(vec![0; 4]).wait().expect("more is there");
            got.extend(&read.buf[..read.n]);
        }
        assert_eq!(got, b"abcdef");
        assert_eq!(write.wait().expect("a write").n, 6);
    }) else {
        return;
    };
    assert!(report.is_complete());
}

// [C7] a handle that an abandoned open brought is closed: the simulator looks at the end.
#[test]
fn an_abandoned_open_leaks_nothing() {
    let Some(report) = all(Check::new(), |sim| {
        sim.file("/data", "x");
        let open = File::open(sim, "/data");
        match open.wait_timeout(Duration::from_millis(5)) {
            Ok(file) => drop(file.expect("it is there")),
            Err(open) => drop(open),
        }
    }) else {
        return;
    };
    assert!(report.is_complete());
}

// [C7] why an abandoned write failed is told by the next write, sync or close, once.
#[test]
fn an_abandoned_write_that_failed_is_told_of_once() {
    let Some(report) = all(Check::new(), |sim| {
        let file = writable(sim);
        sim.capacity(0);
        drop(file.write_at(vec![1; 10], 0));
        if sim.choose(2) == 1 {
            sim.sleep(SECOND).wait().expect("it has failed by then");
        }
        let sync = file.sync_all().wait();
        let close = file.close().wait();
        let told = usize::from(sync.is_err()) + usize::from(close.is_err());
        assert_eq!(told, 1, "{sync:?} {close:?}");
        sync.is_err()
    }) else {
        return;
    };
    assert!(report.outcomes().eq(&[false, true]) && report.is_complete());
}

// [C8] what nobody waits for is landed all the same, though nobody blocks for its port.
#[test]
fn what_was_abandoned_is_landed_though_nobody_waits() {
    let Some(report) = all(Check::new(), |sim| {
        let file = writable(sim);
        let memory: Arc<[u8]> = vec![7; 64].into();
        drop(file.write_at(Arc::clone(&memory), 0));
        assert!(!Event::manual().wait_timeout(SECOND), "nobody sets it");
        assert_eq!(Arc::strong_count(&memory), 1);
    }) else {
        return;
    };
    assert!(report.is_complete());
}

// [C8] dropping never blocks: if it did, nobody could go on.
#[test]
fn dropping_never_blocks() {
    let Some(report) = all(Check::new(), |sim| {
        let (reader, writer) = pipe::pair(sim).expect("a pipe");
        let read = reader.read(vec![0; 4]);
        let write = writer.write_all(vec![0; 100_000]);
        drop((read, write));
        drop((reader, writer));
    }) else {
        return;
    };
    assert!(report.is_complete());
}

// [C9] closing cancels, drains, and says what it did.
#[test]
fn a_shutdown_drains_and_says_so() {
    let Some(report) = all(Check::new(), |sim| {
        let port = overlapped::Port::with_backend(sim.backend());
        let (reader, _writer) = pipe::pair(&port).expect("a pipe");
        sim.file("/data", vec![1; 100]);
        let file = File::open(&port, "/data").wait().expect("it is there");
        let reads = (reader.read(vec![0; 4]), file.read_at(vec![0; 100], 0));
        let Ended { drained, leaked, .. } = port.shutdown(SECOND);
        assert!(leaked == 0 && drained <= 2);
        assert!(reads.0.is_over() && reads.1.is_over(), "outcomes stay with their Pendings");
        assert!(reads.0.wait().expect_err("nothing was there").error.is_cancelled());
        assert!(file.read_at(vec![0; 4], 0).wait().is_err(), "nothing new");
        drained
    }) else {
        return;
    };
    assert!(report.is_complete());
}

// [C9] with a bound: what the device does not finish in time is leaked, and counted.
#[test]
fn a_shutdown_is_bounded() {
    let Some(report) = all(Check::new(), |sim| {
        let port = overlapped::Port::with_backend(sim.backend());
        sim.file("/data", vec![1; 100]);
        let file = File::open(&port, "/data").wait().expect("it is there");
        sim.latency(5 * SECOND, 9 * SECOND);
        let write = file.read_at(vec![0; 100], 0);
        let start = port.now();
        let Ended { drained, leaked, .. } = port.shutdown(SECOND);
        assert!(port.now() - start <= SECOND);
        let outcome = write.wait();
        assert!(outcome.is_ok() || leaked + drained <= 1);
        leaked
    }) else {
        return;
    };
    assert!(report.outcomes().count() == 2, "in time, and leaked");
}

// [C10] whatever the body did, nothing that a scope lent is in flight after it.
#[test]
fn after_a_scope_nothing_that_it_lent_is_in_flight() {
    let Some(report) = all(Check::new(), |sim| {
        slow(sim);
        sim.forgets();
        let file = file(sim);
        let mut stack = [255_u8; 60];
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let (head, tail) = stack.split_at_mut(30);
            sim.scope(|scope| {
                let read = scope.read_at(&file, head, 0);
                std::mem::forget(scope.read_at(&file, tail, 30));
                assert!(read.wait_timeout(SECOND).is_ok(), "on purpose");
            });
        }));
        assert_eq!(sim.stats().in_flight, 0);
        panicked.is_err()
    }) else {
        return;
    };
    assert!(report.outcomes().eq(&[false, true]) && report.is_complete());
}

// [C11] a waker is called with no lock held: it may use the port itself.
#[test]
fn a_waker_may_use_the_port() {
    struct Nosy(overlapped::Port, AtomicUsize);
    impl Wake for Nosy {
        fn wake(self: Arc<Self>) {
            let _ = (self.0.stats(), self.0.in_flight());
            self.1.fetch_add(1, Ordering::SeqCst);
        }
    }
    let Some(report) = all(Check::new(), |sim| {
        let file = file(sim);
        let nosy = Arc::new(Nosy(sim.port().clone(), AtomicUsize::new(0)));
        let waker = Waker::from(Arc::clone(&nosy));
        let mut read = file.read_at(vec![0; 10], 0);
        let polled = std::pin::Pin::new(&mut read).poll(&mut Context::from_waker(&waker));
        if polled.is_pending() {
            sim.sleep(SECOND).wait().expect("a sleep");
            assert_eq!(nosy.1.load(Ordering::SeqCst), 1, "it was woken, once");
            assert!(read.wait().is_ok());
        }
        polled.is_pending()
    }) else {
        return;
    };
    assert!(report.outcomes().any(|pending| *pending));
}

use std::future::Future;

// [C12] a future is woken by its waker alone, whatever else is awaited.
#[test]
fn tasks_are_woken_by_their_wakers() {
    let Some(report) = all(Check::new(), |sim| {
        let (reader, writer) = pipe::pair(sim).expect("a pipe");
        sim.block_on(async {
            let task = sim.spawn(async move { reader.read(vec![0; 4]).await.expect("a read").n });
            writer.write_all(b"ping".to_vec()).await.expect("a write");
            assert_eq!(task.await, 4);
        });
    }) else {
        return;
    };
    assert!(report.is_complete());
}

// [C16] which ready task of a runtime runs is chosen, too.
#[test]
fn a_runtime_s_tasks_run_in_every_order() {
    let Some(report) = all(Check::new(), |sim| {
        let runtime = sim.runtime();
        let order = std::rc::Rc::new(std::cell::RefCell::new(String::new()));
        let tasks = ["a", "b"].map(|name| {
            let order = std::rc::Rc::clone(&order);
            runtime.spawn(async move { order.borrow_mut().push_str(name) })
        });
        runtime.block_on(async {
            for task in tasks {
                task.await;
            }
        });
        order.take()
    }) else {
        return;
    };
    assert!(report.outcomes().eq(["ab", "ba"]) && report.is_complete());
}

// [C13] a cancel that comes too late does not hit what came after, though it has its place.
#[test]
fn a_late_cancel_hits_nobody_else() {
    all(Check::new().random(1).runs(5000), |sim| {
        sim.forgets();
        let file = file(sim);
        let (reader, _writer) = pipe::pair(sim).expect("a pipe");
        let port = sim.port().clone();
        let other = sim.thread("other", move || {
            port.nop().wait().expect("a look at the port");
            let read = reader.read(vec![0; 3]);
            // If somebody else's cancel was taken for this one's, this one is not heard.
            read.cancel();
            assert!(read.wait().expect_err("nothing is there").error.is_cancelled());
        });
        let mut stack = [0; 20];
        let (head, tail) = stack.split_at_mut(10);
        sim.scope(|scope| {
            // At its end the scope asks both to stop, one after the other.
            std::mem::forget(scope.read_at(&file, head, 0));
            std::mem::forget(scope.read_at(&file, tail, 10));
        });
        other.join();
    });
}

// [C13] nor does a deadline that was not needed.
#[test]
fn a_late_deadline_hits_nobody_else() {
    let Some(report) = all(Check::new(), |sim| {
        let (file, (reader, writer)) = (file(sim), pipe::pair(sim).expect("a pipe"));
        let read = file.read_at(vec![0; 10], 0).deadline(SECOND);
        assert_eq!(read.wait().expect("it has a second").n, 10);
        // What comes now has its place in the book, and maybe its block.
        let next = reader.read(vec![0; 3]);
        let next = next.wait_timeout(10 * SECOND).expect_err("nothing is there");
        writer.write_all(b"abc".to_vec()).wait().expect("a write");
        assert_eq!(next.wait().expect("nobody cancelled it").n, 3);
    }) else {
        return;
    };
    assert!(report.is_complete());
}

// [C8] an automatic event lets one pass for each setting.
#[test]
fn an_automatic_event_lets_one_pass() {
    let Some(report) = all(Check::new(), |sim| {
        let event = Event::automatic();
        event.set();
        let theirs = event.clone();
        let other = sim.thread("other", move || theirs.wait_timeout(SECOND));
        let mine = event.wait_timeout(SECOND);
        assert!(mine != other.join(), "one of them");
        mine
    }) else {
        return;
    };
    assert!(report.outcomes().eq(&[false, true]));
}

// [C14] who follows at the helm is got up when the leader leaves.
#[test]
fn whoever_follows_is_got_up() {
    all(Check::new().runs(5000), |sim| {
        let (first, write_first) = pipe::pair(sim).expect("a pipe");
        let (second, write_second) = pipe::pair(sim).expect("a pipe");
        let waiter = sim.thread("follower", move || second.read(vec![0; 1]).wait().is_ok());
        let writer = sim.thread("writer", move || {
            write_first.write(vec![1]).wait().expect("a write");
            write_second.write(vec![1]).wait().expect("a write");
        });
        assert_eq!(first.read(vec![0; 1]).wait().expect("a byte").n, 1);
        writer.join();
        assert!(waiter.join());
    });
}

// [C16] the same seed and program give the same run.
#[test]
fn the_same_seed_gives_the_same_run() {
    let body = |sim: &Sim| {
        let file = file(sim);
        let (reader, writer) = pipe::pair(sim).expect("a pipe");
        let other = sim.thread("writer", move || writer.write_all(vec![1; 10]).wait().is_ok());
        let (a, b) = (file.read_at(vec![0; 10], 0), reader.read(vec![0; 10]));
        let _ = a.wait_timeout(Duration::from_millis(1));
        drop(b);
        other.join();
    };
    let mut distinct = BTreeSet::new();
    for seed in 0..20 {
        let run = || {
            let report = Check::new().random(seed).runs(1).run(body);
            assert!(report.failure().is_none());
            (report.steps(), report.digest())
        };
        assert_eq!(run(), run(), "seed {seed}");
        distinct.insert(run());
    }
    assert!(distinct.len() > 10, "another seed, another run");
}

// [C8] [C14] threads, events and routines: nobody waits for what has come.
#[test]
fn whoever_waits_is_got_up() {
    let report = Check::new().runs(3000).run(|sim| {
        let (reader, writer) = pipe::pair(sim).expect("a pipe");
        let event = Event::automatic();
        let (set, read) = (event.clone(), Cell::new(0));
        let other = sim.thread("other", move || {
            set.set();
            writer.write_all(b"xy".to_vec()).wait().is_ok()
        });
        let mut first = reader.read(vec![0; 2]);
        let mut gate = event.clone();
        let ready = wait_any(&mut [&mut first, &mut gate], None).expect("one of them");
        read.set(first.wait().expect("a read").n);
        if ready == 0 {
            event.wait();
        }
        assert!(other.join());
        let ran = Arc::new(AtomicUsize::new(0));
        let mark = Arc::clone(&ran);
        sim.nop().then(move |_| {
            mark.fetch_add(1, Ordering::SeqCst);
        });
        assert_eq!(alertable::wait(Some(SECOND)), 1);
        assert_eq!(ran.load(Ordering::SeqCst), 1);
        ready
    });
    assert!(report.outcomes().count() == 2);
}

#[test]
fn a_poll_of_what_is_over_gives_the_outcome_at_once() {
    all(Check::new(), |sim| {
        let file = file(sim);
        let mut read = file.read_at(vec![0; 10], 0);
        sim.sleep(SECOND).wait().expect("a sleep");
        let mut cx = Context::from_waker(Waker::noop());
        assert!(matches!(std::pin::Pin::new(&mut read).poll(&mut cx), Poll::Ready(Ok(_))));
    });
}
