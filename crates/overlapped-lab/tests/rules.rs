//! What the system leaves open: each switch changes something, and no correct program depends on
//! one.

use overlapped_lab::{
    Code, Device, Exit, FOREVER, Harm, If, Issue, Late, OnSet, Order, Rules, Shared, Status, ms,
    programs,
};
use overlapped_sim::explore::{Limits, Reduced, Search, next_run, walk};
use std::collections::BTreeMap;

/// The union of what can go wrong, under every schedule.
fn harm(code: &Code) -> Harm {
    let sums = walk(&code.machine(), Limits::default());
    assert!(sums.complete);
    sums.runs.keys().fold(Harm::NONE, |all, verdict| all.and(verdict.harm)).causes()
}

fn harm_of(name: &str, rules: Rules) -> String {
    harm(&programs::find(name).expect("built in").code(rules)).to_string()
}

#[test]
fn a_correct_program_is_correct_under_all_rules() {
    let open = [Rules::open(), Rules::seed(), Rules::nt(), Rules::wine()];
    for program in programs::all().filter(|program| program.verdict == "OK") {
        for rules in open {
            assert_eq!(harm(&program.code(rules)), Harm::NONE, "{} by {rules:?}", program.name);
        }
    }
}

#[test]
fn what_goes_wrong_still_does_when_everything_is_left_open() {
    for program in programs::all() {
        let (nt, open) = (harm(&program.code(Rules::nt())), harm(&program.code(Rules::open())));
        assert!(open.has(nt), "{}: {open}, where {nt} was possible", program.name);
    }
}

#[test]
fn where_effects_are_split_finer_the_explorers_agree_on_the_new_numbers() {
    let mut split = 0;
    for program in programs::all() {
        let rules = Rules { order: Order::Either, ..Rules::open() };
        let code = program.code(rules);
        let sums = walk(&code.machine(), Limits::default());
        if sums.total() > 50_000 {
            continue;
        }
        let mut naive = Reduced::naive();
        let mut runs = BTreeMap::new();
        while let Some(verdict) = next_run(&code.machine(), &mut naive) {
            *runs.entry(verdict).or_insert(0_u128) += 1;
        }
        assert_eq!(runs, sums.runs, "{}", program.name);
        let (mut reduced, mut found) = (Reduced::new(), BTreeMap::new());
        while let Some(verdict) = next_run(&code.machine(), &mut reduced) {
            *found.entry(verdict).or_insert(0_u32) += u32::from(!reduced.was_redundant());
        }
        let found: Vec<_> = found.keys().collect();
        assert_eq!(found, sums.runs.keys().collect::<Vec<_>>(), "{}", program.name);
        let together = Rules { order: Order::Together, ..Rules::open() };
        let whole = walk(&program.code(together).machine(), Limits::default());
        split += u32::from(whole.total() < sums.total());
    }
    assert!(split > 5, "{split} programs have two effects to split");
}

/// A read on a disk, and what is done with it; the judgement of all its schedules.
fn reads(rules: Rules, auto_reset: bool, then: impl FnOnce(&mut Parts<'_, '_>)) -> String {
    let code = Code::new(rules, |p| {
        let h = p.file("h", Device::disk());
        p.thread("program", |c| {
            c.call("read_it", |c| {
                let (o, buffer) = (c.overlapped("o"), c.buffer("buffer"));
                if auto_reset {
                    c.initialize_with_auto_reset(&o);
                } else {
                    c.initialize_overlapped(&o);
                }
                c.read_file(h, &buffer, &o);
                then(&mut Parts { c, h, o });
            });
        });
    });
    harm(&code).to_string()
}

struct Parts<'a, 'b> {
    c: &'a mut overlapped_lab::Body<'b>,
    h: overlapped_lab::Handle,
    o: overlapped_lab::Overlapped,
}

impl Parts<'_, '_> {
    /// Waits for what never comes: a mark for "this place is reached".
    fn stop(c: &mut overlapped_lab::Body<'_>) {
        let never = c.create_event("never", false);
        c.wait_for_single_object(never, FOREVER);
    }
}

#[test]
fn u2_the_status_may_wait_for_the_dequeue() {
    assert_eq!(harm_of("port-status", Rules::nt()), "H");
    let early = Rules { status_at_dequeue: false, ..Rules::nt() };
    assert_eq!(harm_of("port-status", early), "D", "its packet is still to come");
}

#[test]
fn u7_a_set_object_may_let_nothing_run() {
    let runs = |on_set| {
        let code = Code::new(Rules { on_set, ..Rules::nt() }, |p| {
            let ran = p.var("ran");
            let routine = p.routine("routine", |c| c.set(ran, true));
            p.thread("program", |c| {
                let stop = c.create_event("stop", false);
                c.set_event(stop);
                c.queue_user_apc(routine);
                c.wait_for_single_object_ex(stop, FOREVER);
                c.when(If::is_clear(ran), Parts::stop);
            });
        });
        harm(&code).to_string()
    };
    assert_eq!(runs(OnSet::ObjectFirst), "H");
    assert_eq!(runs(OnSet::RoutinesFirst), "OK");
    assert_eq!(runs(OnSet::Either), "H");
}

#[test]
fn u13_the_end_of_a_file_comes_at_once_or_as_a_completion() {
    let ends = |device: Device| {
        let code = Code::new(Rules::nt(), |p| {
            let h = p.file("h", device);
            p.thread("program", |c| {
                c.call("read_it", |c| {
                    let (o, buffer) = (c.overlapped("o"), c.buffer("buffer"));
                    c.initialize_overlapped(&o);
                    c.read_file(h, &buffer, &o);
                    c.when(If::FAILED, |c| c.ret("0"));
                    c.get_overlapped_result(h, &o);
                });
                c.victim(4);
            });
        });
        harm(&code)
    };
    assert_eq!(ends(Device::disk().issue(Issue::Fails(Status::EndOfFile))), Harm::NONE);
    assert_eq!(ends(Device::disk().may_fail(Status::EndOfFile)), Harm::NONE);
    assert_eq!(ends(Device::disk().issue(Issue::PendingOrAtOnce)), Harm::NONE);
}

#[test]
fn u8_a_result_may_wait_for_an_event_that_was_consumed() {
    let twice = |parts: &mut Parts<'_, '_>| {
        parts.c.wait_for_single_object(parts.o.h_event(), FOREVER);
        parts.c.get_overlapped_result(parts.h, &parts.o);
    };
    let waits = Rules { result_absorbs_event: true, ..Rules::nt() };
    assert_eq!(reads(Rules::nt(), true, twice), "OK");
    assert_eq!(reads(waits, true, twice), "H");
    assert_eq!(reads(waits, false, twice), "OK", "a manual-reset event stays set");
    // It was introduced for this: the event is not used again before it is set.
    assert_eq!(harm_of("event-window", Rules::nt()), "C");
    assert_eq!(harm_of("event-window", waits), "OK");
}

#[test]
fn u9_a_shared_signal_may_be_told_as_true_as_incomplete_or_not_at_all() {
    for shared in [Shared::True, Shared::Incomplete] {
        assert_eq!(harm_of("null-event-shared", Rules { shared, ..Rules::nt() }), "C");
    }
    let waits = Rules { shared: Shared::Waits, ..Rules::nt() };
    assert_eq!(harm_of("null-event-shared", waits), "OK");
}

#[test]
fn u10_a_late_cancel_may_find_nothing() {
    let found = |parts: &mut Parts<'_, '_>| {
        parts.c.spin_on_status(&parts.o);
        // Internal is final, the event still to be set: the device is done.
        parts.c.cancel_all(parts.h);
        parts.c.when(If::TRUE, Parts::stop);
    };
    let late = |late_cancel| Rules { late_cancel, ..Rules::nt() };
    assert_eq!(reads(late(Late::NotFound), false, found), "OK");
    assert_eq!(reads(late(Late::True), false, found), "H");
    assert_eq!(reads(late(Late::Either), false, found), "H");
}

#[test]
fn u11_the_last_close_ends_what_is_pending_with_an_error_of_its_own() {
    let code = |closed| {
        let rules = Rules { closed, ..Rules::nt() };
        reads(rules, false, |parts| {
            parts.c.close_handle(parts.h);
            parts.c.wait_for_single_object(parts.o.h_event(), FOREVER);
            parts.c.get_overlapped_result(parts.h, &parts.o);
            parts.c.when(If::CANCELLED, Parts::stop);
        })
    };
    assert_eq!(code(Status::BrokenPipe), "OK");
    assert_eq!(code(Status::Cancelled), "H");
}

#[test]
fn u12_what_has_a_port_survived_its_thread_only_since_windows_vista() {
    assert_eq!(harm_of("thread-exit-port", Rules::nt()), "CD");
    let xp = Rules { exit: Exit::CancelsAll, ..Rules::nt() };
    // The end of the thread waits for it now; its packet is owed all the same.
    assert!(harm_of("thread-exit-port", xp).contains('D'));
}

#[test]
fn u14_cancelling_all_of_nothing_may_say_true() {
    let idle = |parts: &mut Parts<'_, '_>| {
        parts.c.wait_for_single_object(parts.o.h_event(), FOREVER);
        parts.c.cancel_all(parts.h);
        parts.c.when(If::TRUE, Parts::stop);
    };
    assert_eq!(reads(Rules::nt(), false, idle), "OK");
    assert_eq!(reads(Rules::wine(), false, idle), "H");
}

#[test]
fn a_timed_wait_for_the_result_gives_up_and_the_read_goes_on() {
    let bounded = |parts: &mut Parts<'_, '_>| {
        parts.c.get_overlapped_result_ex(parts.h, &parts.o, ms(100), false);
    };
    assert_eq!(reads(Rules::nt(), false, bounded), "C");
}
