//! The ends of ports and scopes: C9, C10.

use std::panic::{AssertUnwindSafe, catch_unwind};

use overlapped::{Report as Ended, fs::File, pipe};
use overlapped_sim::Check;

use crate::{SECOND, all, file, slow};

// [C9] closing cancels, drains, and says what it did.
#[test]
fn a_shutdown_drains_and_says_so() {
    let report = all(&Check::new(), |sim| {
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
    });
    assert!(report.is_complete());
}

// [C9] with a bound: what the device does not finish in time is leaked, and counted.
#[test]
fn a_shutdown_is_bounded() {
    let report = all(&Check::new(), |sim| {
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
    });
    assert!(report.outcomes().count() == 2, "in time, and leaked");
}

// [C10] whatever the body did, nothing that a scope lent is in flight after it.
#[test]
fn after_a_scope_nothing_that_it_lent_is_in_flight() {
    let report = all(&Check::new(), |sim| {
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
    });
    assert!(report.outcomes().eq(&[false, true]) && report.is_complete());
}
