//! Every program that is built in, under every schedule: exact numbers, and the verdict that the
//! semantics give it.

use overlapped_lab::{Harm, Order, Outcome, Rules, programs};
use overlapped_sim::explore::{Limits, Reduced, Search, next_run, walk};

/// The union of what can go wrong.
fn harm(code: &overlapped_lab::Code) -> Harm {
    let sums = walk(&code.machine(), Limits::default());
    assert!(sums.complete);
    sums.runs.keys().fold(Harm::NONE, |all, verdict| all.and(verdict.harm))
}

#[test]
fn every_program_has_its_verdict_under_every_schedule() {
    let mut wrong = Vec::new();
    for program in programs::all() {
        let harm = harm(&program.code(Rules::nt()));
        if harm.to_string() != program.verdict {
            wrong.push(format!("{}: {harm}, not {}", program.name, program.verdict));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

// The step set of the simulations that were compared: one step queues and signals, and the data
// move in one piece.
#[test]
fn the_seed_s_numbers_are_exact() {
    let rules = Rules { order: Order::Together, ..Rules::seed() };
    let seed = programs::find("seed").expect("built in").code(rules);
    let sums = walk(&seed.machine(), Limits::default());
    assert!(sums.complete);
    let of = |harm: Harm| sums.count(|verdict| verdict.harm.has(harm));
    assert_eq!(
        (sums.total(), of(Harm::CORRUPTS), of(Harm::NOTICED), of(Harm::HANGS)),
        (837, 581, 267, 0)
    );
    let out = |outcome| sums.count(|verdict| verdict.outcome == outcome);
    let outcomes = [Outcome::Cancelled, Outcome::TooLate, Outcome::InTime].map(out);
    assert_eq!(outcomes, [161, 665, 11]);
    let debugged = walk(&seed.under_debugger(), Limits::default());
    assert_eq!((debugged.total(), debugged.count(|v| v.harm.is_bad())), (88, 0));
}

// The seed's first exercise: why the result after a cancel need not be "cancelled".
#[test]
fn of_the_fix_s_timelines_most_are_too_late_to_cancel() {
    let rules = Rules { order: Order::Together, ..Rules::seed() };
    let code = programs::find("fix-a").expect("built in").code(rules);
    let sums = walk(&code.machine(), Limits::default());
    let out = |outcome| sums.count(|verdict| verdict.outcome == outcome);
    let outcomes = [Outcome::InTime, Outcome::Cancelled, Outcome::TooLate].map(out);
    assert_eq!((sums.total(), outcomes), (88, [11, 4, 73]));
    assert_eq!(sums.count(|verdict| verdict.harm != Harm::NONE), 0);
}

#[test]
fn two_explorers_agree_on_every_program() {
    for program in programs::all() {
        let code = program.code(Rules { order: Order::Together, ..Rules::nt() });
        let sums = walk(&code.machine(), Limits::default());
        if sums.total() < 20_000 {
            let mut one_by_one = Reduced::naive();
            let mut runs = std::collections::BTreeMap::new();
            while let Some(verdict) = next_run(&code.machine(), &mut one_by_one) {
                *runs.entry(verdict).or_insert(0_u128) += 1;
            }
            assert_eq!(runs, sums.runs, "{}", program.name);
        }
        let mut reduced = Reduced::new();
        let (mut found, mut runs) = (Harm::NONE, 0);
        while let Some(verdict) = next_run(&code.machine(), &mut reduced) {
            found = found.and(verdict.harm);
            runs += u32::from(!reduced.was_redundant());
        }
        let all = sums.runs.keys().fold(Harm::NONE, |all, verdict| all.and(verdict.harm));
        assert_eq!(found.causes(), all.causes(), "{}: in {runs} runs", program.name);
        println!("{:<20} {:>12} timelines, {runs:>6} that matter", program.name, sums.total());
    }
}
