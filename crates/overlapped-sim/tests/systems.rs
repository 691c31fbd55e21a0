//! What a simulated system must not get wrong itself: who is got up, who may overtake whom.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::{Duration, SystemTime},
};

use overlapped::{alertable, fs::File, pipe, wait_any};
use overlapped_sim::{Check, Sim, explore};

// [C12] a port that is driven on a thread's own stack gets that thread up.
#[test]
fn a_thread_is_got_up_by_what_lands_on_its_own_stack() {
    let report = explore(|sim| {
        sim.file("/data", "hello");
        let file = File::open(sim, "/data").wait().expect("it is there");
        let mut read = file.read_at(vec![0; 5], 0);
        assert_eq!(wait_any(&mut [&mut read], None), Some(0));
        sim.nop().then(|_| ());
        assert_eq!(alertable::wait(None), 1);
        read.wait().expect("a read").n
    });
    assert!(report.is_complete() && report.outcomes().eq(&[5]));
}

// [C16] what a port's turn tells, a thread may see: both orders are tried.
#[test]
fn a_landing_and_a_look_at_it_come_in_both_orders() {
    let report = explore(|sim| {
        sim.file("/data", "hello");
        let file = File::open(sim, "/data").wait().expect("it is there");
        let mut read = file.read_at(vec![0; 5], 0);
        let mut look = || {
            let mut cx = Context::from_waker(Waker::noop());
            matches!(Pin::new(&mut read).poll(&mut cx), Poll::Ready(_))
        };
        let at_first = look();
        sim.yield_now();
        at_first || look()
    });
    assert!(report.is_complete());
    assert!(report.outcomes().eq(&[false, true]), "{:?}", report.outcomes().collect::<Vec<_>>());
}

// [C8] the last act of a thread may leave a stream with more to do.
#[test]
fn a_thread_that_ends_leaves_its_streams_to_the_others() {
    let body = |sim: &Sim| {
        let (reader, writer) = pipe::pair(sim).expect("a pipe");
        let other = sim.thread("writer", move || {
            for byte in 0..3_u8 {
                drop(writer.write_all(vec![byte; 2]));
            }
        });
        let read = reader.read_exact(vec![9; 6]).wait().expect("all of it");
        other.join();
        assert_eq!(read.buf, [0, 0, 1, 1, 2, 2]);
    };
    let report = Check::new().random(1).runs(2000).run(body);
    assert!(report.failure().is_none(), "{}", report.failure().expect("one"));
    let report = Check::new().runs(2000).run(body);
    assert!(report.failure().is_none(), "{}", report.failure().expect("one"));
}

/// A program with a bit of everything that a run leaves behind.
fn busy(sim: &Sim) -> usize {
    sim.file("/data", vec![7; 600]);
    sim.latency(Duration::ZERO, Duration::from_secs(2));
    let file = File::create(sim, "/log").wait().expect("a file");
    let chance = pipe::Reader::open(sim, "/dev/random").wait().expect("it is there");
    let byte = usize::from(chance.read(vec![0; 1]).wait().expect("a byte").buf[0]);
    assert_eq!(sim.wall_clock(), SystemTime::UNIX_EPOCH + Duration::from_secs(1_577_836_800));
    sim.set_wall_clock(SystemTime::UNIX_EPOCH);
    sim.terminal("/dev/tty1", [(Duration::from_secs(1), "x\n")]);
    let (reader, writer) = pipe::pair(sim).expect("a pipe");
    let other = sim.thread("other", move || writer.write_all(vec![1; 10]).wait().is_ok());
    let late = file.write_all_at(vec![7; 1000], 0);
    late.cancel();
    let written = late.wait().map_or(0, |done| done.n);
    let nap = sim.sleep(Duration::from_secs(1));
    let read = sim.block_on(async { reader.read(vec![0; 10]).await.map_or(0, |done| done.n) });
    nap.wait().expect("a nap");
    assert!(other.join());
    written + read + 10_000 * byte
}

// [C16] whether another run was there before is nothing that a run could see.
#[test]
fn a_run_in_used_room_is_as_one_in_new_room() {
    let chance = |seed, runs| Check::new().random(seed).runs(runs).run(busy);
    let together = chance(1, 30);
    assert!(together.failure().is_none() && together.distinct() > 10);
    let chances = together.outcomes().map(|sum| sum / 10_000).collect::<BTreeSet<_>>();
    assert_eq!(chances.len(), 1, "the same bytes by chance in each run");
    let alone = (1..=30).map(|seed| chance(seed, 1).digest());
    let alone = alone.fold(0_u64, |all, digest| all.rotate_left(1) ^ digest);
    assert_eq!(together.digest(), alone);
}

// [C16] a handle of an earlier run closes nothing in a later one.
#[test]
fn what_is_kept_of_a_run_stays_with_it() {
    let kept = RefCell::new(None);
    let chance = |keep: &dyn Fn(File)| {
        let report = Check::new().random(1).runs(20).run(|sim| {
            sim.forgets();
            sim.file("/data", "hello");
            let file = File::open(sim, "/data").wait().expect("it is there");
            let n = file.read_at(vec![0; 5], 0).wait().expect("a read").n;
            keep(file);
            let again = File::open(sim, "/data").wait().expect("it is there");
            n + again.read_at(vec![0; 5], 0).wait().expect("a read").n
        });
        assert!(report.failure().is_none() && report.outcomes().eq(&[10]));
        report.digest()
    };
    let forgotten = chance(&std::mem::forget);
    // The one of the run before is dropped here.
    assert_eq!(forgotten, chance(&|file| drop(kept.replace(Some(file)))));
}

#[test]
fn more_than_a_word_of_tasks_can_go_on_at_once() {
    let report = Check::new().deviations(1).runs(100).run(|sim| {
        sim.block_on(async {
            let tasks: Vec<_> = (0..70).map(|number| sim.spawn(async move { number })).collect();
            let mut sum = 0;
            for task in tasks {
                sum += task.await;
            }
            sum
        })
    });
    assert!(report.failure().is_none() && report.outcomes().eq(&[2415]));
    assert!(report.distinct() > 100 && !report.is_complete());
}

// A port that has nothing to tell is not served again and again while nobody else takes a step: it
// was, when the thread at the point had been got up and an abandoned read was in flight.
#[test]
fn a_port_with_nothing_to_tell_lets_the_others_go_on() {
    let report = explore(|sim| {
        sim.terminal("/dev/tty1", [(Duration::from_secs(1), "yes\n")]);
        let tty = pipe::Reader::open(sim, "/dev/tty1").wait().expect("it is there");
        let late = tty.read(vec![0; 10]).wait_timeout(Duration::from_secs(1));
        drop(late.expect_err("the line is typed, and still to be read"));
        tty.read(vec![0; 10]).wait().expect("a line").n
    });
    assert!(report.is_complete() && report.outcomes().eq(&[4]));
}
