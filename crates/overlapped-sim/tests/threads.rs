//! Threads of a simulated system: who is got up by what, what ends with whom, and ports whose turns
//! are taken on the stacks of others.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Waker},
    time::Duration,
};

use overlapped::{Port, pipe};
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
