//! What may go wrong, verb by verb: that it does, that it costs the budget, and that what a program
//! must not rely on is found.

// Elsewhere the numbers are others.
#[cfg(any(target_os = "linux", windows))]
#[path = "faults/verbs.rs"]
mod verbs;

use std::{cell::Cell, collections::BTreeSet, io::ErrorKind, time::Duration};

use overlapped::{
    fs::{File, OpenOptions},
    pipe,
};
use overlapped_sim::{Check, Faults, Sim};

const MS: Duration = Duration::from_millis(1);

// A stream waits where a file would say EAGAIN, and its other end is none the wiser.
#[test]
fn a_stream_that_is_told_to_come_again_does() {
    let check = Check::new().faults(Faults::none().errors(true).budget(1));
    let report = check.run(|sim| {
        let (reader, writer) = pipe::pair(sim).expect("a pipe");
        writer.write_all(vec![1; 4]).wait().map_err(|failed| failed.error.kind())?;
        reader.read(vec![0; 4]).wait().map(|done| done.n).map_err(|failed| failed.error.kind())
    });
    let outcomes: BTreeSet<_> = report.outcomes().copied().collect();
    assert!(outcomes.contains(&Ok(4)) && !outcomes.contains(&Err(ErrorKind::WouldBlock)));
    assert!(!outcomes.contains(&Err(ErrorKind::Interrupted)), "{outcomes:?}");
}

// Memory is written in halves: an error does not say that nothing was.
#[test]
fn a_read_that_fails_may_have_written_a_half() {
    let check = Check::new().faults(Faults::none().errors(true).budget(1));
    let report = check.run(|sim| {
        sim.file("/data", vec![7; 8]);
        let file = File::open(sim, "/data").wait().ok()?;
        let failed = file.read_at(vec![0; 8], 0).wait().err()?;
        Some(failed.buf.iter().filter(|byte| **byte == 7).count())
    });
    assert!(report.outcomes().eq(&[None, Some(0), Some(4)]), "{:?}", report.failure());
}

#[test]
fn a_write_may_find_no_room_for_a_single_byte() {
    let check = Check::new().faults(Faults::none().errors(true).budget(1));
    let report = check.run(|sim| {
        let file = File::create(sim, "/out").wait().ok()?;
        let zero = file.write_at(vec![1; 8], 0).wait().is_ok_and(|done| done.n == 0);
        let whole = file.write_all_at(vec![1; 8], 0).wait();
        Some((zero, whole.is_err_and(|failed| failed.error.kind() == ErrorKind::WriteZero)))
    });
    let seen: BTreeSet<_> = report.outcomes().flatten().copied().collect();
    assert!(seen.contains(&(true, false)) && seen.contains(&(false, true)), "{seen:?}");
    assert!(!seen.contains(&(true, true)), "the budget is one");
}

/// Writes a record and syncs it, again if the sync fails; whether it was acknowledged, and is there
/// after the power was cut.
fn syncs_again(sim: &Sim, write_again: bool) -> (bool, bool) {
    sim.file("/log", Vec::new());
    let acknowledged = Cell::new(false);
    sim.until_power_cut(|machine| {
        let Ok(file) = OpenOptions::new().write(true).open(machine, "/log").wait() else {
            return;
        };
        let write = || file.write_all_at(vec![1; 8], 0).wait().is_ok();
        let once = || file.sync_data().wait().is_ok();
        let safe = write() && (once() || (!write_again || write()) && once());
        acknowledged.set(safe);
    });
    (acknowledged.get(), sim.contents("/log").is_some_and(|log| log == [1; 8]))
}

// A sync that failed is not made good by another one: the pages count as clean.
#[test]
fn a_sync_that_is_tried_again_is_found_to_lie() {
    let check = Check::new().faults(Faults::none().errors(true).budget(1));
    let body = |write_again| {
        check.run(move |sim| {
            let (acknowledged, there) = syncs_again(sim, write_again);
            assert!(there || !acknowledged, "acknowledged and lost");
        })
    };
    let failure = body(false);
    let failure = failure.failure().expect("the second sync has nothing left to write");
    assert!(failure.to_string().contains("acknowledged and lost"), "{failure}");
    assert!(failure.to_string().contains("#3: injected"), "the sync: {failure}");
    let cured = body(true);
    assert!(cured.failure().is_none() && cured.is_complete(), "{:?}", cured.failure());
}

// A device that usually takes 10 ms may take a second; as often as the budget says, and no more.
#[test]
fn a_latency_has_a_tail_and_the_tail_costs_the_budget() {
    let late = |faults: Faults| {
        let report = Check::new().latency(MS, 10 * MS).faults(faults).run(|sim| {
            sim.file("/data", vec![7; 40]);
            let file = File::open(sim, "/data").wait().expect("it is there");
            let read = |at| match file.read_at(vec![0; 4], at).wait_timeout(100 * MS) {
                Ok(_) => 0,
                Err(late) => {
                    let began = sim.now();
                    assert!(late.wait().is_ok());
                    assert!(sim.now() - began <= 900 * MS, "a hundred times, and not more");
                    1
                }
            };
            read(0) + read(4)
        });
        assert!(report.is_complete() && report.failure().is_none(), "{:?}", report.failure());
        report.outcomes().copied().collect::<Vec<_>>()
    };
    assert_eq!(late(Faults::none()), [0]);
    assert_eq!(late(Faults::none().tails(true).budget(1)), [0, 1]);
    assert_eq!(late(Faults::none().tails(true).budget(2)), [0, 1, 2]);
}
