//! Threads of a simulated system: who is got up by what, what ends with whom, and ports whose turns
//! are taken on the stacks of others.

use std::{
    future::Future,
    pin::Pin,
    sync::atomic::{AtomicU32, Ordering},
    task::{Context, Waker},
    time::Duration,
};

use overlapped::{Port, alertable, pipe};
use overlapped_sim::{Check, explore};

const SECOND: Duration = Duration::from_secs(1);

// [C12] who is attended and sleeps is got up by a timer that is armed meanwhile.
#[test]
fn a_timer_that_is_armed_later_is_kept() {
    let report = explore(|sim| {
        let (reader, _writer) = pipe::pair(sim).expect("a pipe");
        let mut read = reader.read(vec![0; 4]);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut read).poll(&mut cx).is_pending(), "there is nothing to read");
        let start = sim.now();
        sim.block_on(sim.sleep(SECOND)).expect("a sleep");
        // A deadline of what is attended already.
        let failed = sim.block_on(read.deadline(SECOND)).expect_err("there is nothing to read");
        assert!(failed.error.is_cancelled());
        assert_eq!(sim.now() - start, 2 * SECOND);
    });
    assert!(report.is_complete());
}

// [C10] a port's turn on a thread's stack does not hide what the thread itself waits for.
#[test]
fn a_scope_of_two_ports_is_joined_whoever_lands_what() {
    let report = explore(|sim| {
        let other = Port::with_backend(sim.backend());
        let ((mine, _w), (theirs, _v)) = (pipe::pair(sim).unwrap(), pipe::pair(&other).unwrap());
        let (mut a, mut b) = ([9; 4], [9; 4]);
        sim.scope(|scope| {
            let _lent = (scope.read(&mine, &mut a), scope.read(&theirs, &mut b));
        });
        assert_eq!((a, b), ([9; 4], [9; 4]));
    });
    assert!(report.is_complete());
}

// [C10] a scope that cannot end is a hang that is told, and not the process's end.
#[test]
fn a_scope_that_never_ends_is_told() {
    let report = Check::new().run(|sim| {
        sim.pipe_room(4);
        let (_reader, writer) = pipe::pair(sim).expect("a pipe");
        // A scope lets writes run to their end; nobody reads this one.
        sim.scope(|scope| drop(scope.write(&writer, &[1; 10])));
    });
    let failure = report.failure().expect("it hangs").to_string();
    assert!(failure.contains("nobody can go on"), "{failure}");
}

// [C3] to move nothing needs no bytes, no room, and nobody at the other end.
#[test]
fn nothing_to_move_does_not_wait() {
    let report = explore(|sim| {
        sim.pipe_room(4);
        let (reader, writer) = pipe::pair(sim).expect("a pipe");
        assert_eq!(reader.read(vec![]).wait().expect("a read of nothing").n, 0);
        assert_eq!(writer.write(vec![7; 4]).wait().expect("a write").n, 4);
        assert_eq!(writer.write(vec![]).wait().expect("a write of nothing").n, 0);
        reader.close().wait().expect("nothing is owed");
        assert_eq!(writer.write(vec![]).wait().expect("a write of nothing").n, 0);
    });
    assert!(report.is_complete());
}

// [C11] a simulated thread has routines of its own, which end with it.
#[test]
fn routines_end_with_their_simulated_thread() {
    let outer = Port::builder().build().expect("a port");
    outer.sleep(Duration::ZERO).then(|_| ());
    let report = explore(|sim| {
        assert_eq!(alertable::queued(), 0, "none of the run before, none from outside");
        let (reader, writer) = pipe::pair(sim).expect("a pipe");
        let reader = sim.thread("one", move || {
            reader.read(vec![0; 4]).then(|_| panic!("its thread never waits alertably"));
            reader
        });
        let reader = reader.join();
        writer.write_all(b"kept".to_vec()).wait().expect("a write");
        assert_eq!(reader.read_exact(vec![0; 4]).wait().expect("a read").buf, b"kept");
        sim.sleep(SECOND).then(|_| panic!("nobody waits for it"));
    });
    assert!(report.is_complete());
    assert_eq!(alertable::wait(None), 1, "the test's own is there again");
}

// [C16] threads that borrow are joined, and what made one of them wait for ever is told.
#[test]
fn threads_that_borrow_end_with_their_scope() {
    let report = explore(|sim| {
        let last = AtomicU32::new(0);
        sim.threads(|threads| {
            for number in 1..=2 {
                let last = &last;
                threads.spawn("one of two", move || {
                    sim.yield_now();
                    last.store(number, Ordering::SeqCst);
                });
            }
        });
        last.into_inner()
    });
    assert!(report.is_complete() && report.outcomes().eq(&[1, 2]));

    let report = Check::new().run(|sim| {
        let (reader, writer) = pipe::pair(sim).expect("a pipe");
        sim.threads(|threads| {
            threads.spawn("reader", || reader.read(vec![0; 4]).wait().map(drop));
            let _writer = &writer;
            std::panic::resume_unwind(Box::new("nothing was written"));
        });
    });
    let failure = report.failure().expect("it panics").to_string();
    assert!(failure.contains("nothing was written"), "{failure}");
}
