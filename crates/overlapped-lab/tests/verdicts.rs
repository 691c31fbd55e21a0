//! Every program that is built in, under every schedule: exact numbers, and the verdict that the
//! semantics give it.

#[path = "../../overlapped-sim/tests/explorers/simple.rs"]
mod simple;

use overlapped_lab::{Code, Harm, Machine, Order, Outcome, Rules, Verdict, programs};
use overlapped_sim::explore::{Limits, Reduced, Search, next_run, walk};

/// The union of what can go wrong.
fn harm(code: &Code) -> Harm {
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

/// How many runs show all that matters.
fn reduced(machine: &Machine<'_>) -> usize {
    let (mut search, mut runs) = (Reduced::new(), 0);
    while next_run(machine, &mut search).is_some() {
        runs += usize::from(!search.was_redundant());
    }
    runs
}

// Two that share no line: the sums of the library, and an explorer that is in the tests.
#[test]
fn the_seed_s_numbers_come_out_of_the_simplest_explorer_too() {
    let code = |name| {
        let rules = Rules { order: Order::Together, ..Rules::seed() };
        programs::find(name).expect("built in").code(rules)
    };
    let (seed, fixed) = (code("seed"), code("fix-a"));
    let numbers = |machine: &Machine<'_>| {
        let simple::Seen { timelines, traces } = simple::explore(machine);
        assert_eq!(timelines, walk(machine, Limits::default()).runs);
        assert_eq!(traces, reduced(machine));
        let of = |is: fn(&Verdict) -> bool| {
            let counts = timelines.iter().filter(|(verdict, _)| is(verdict));
            counts.map(|(_, count)| count).sum::<u128>()
        };
        let noticed = of(|verdict| verdict.harm.has(Harm::NOTICED));
        (of(|_| true), of(|verdict| verdict.harm.is_bad()), noticed, traces)
    };
    assert_eq!(numbers(&seed.machine()), (837, 581, 267, 32));
    assert_eq!(numbers(&seed.under_debugger()), (88, 0, 0, 4));
    assert_eq!(numbers(&fixed.machine()), (88, 0, 0, 4));
}

#[test]
fn the_explorers_agree_on_every_program() {
    let mut simply = 0;
    for program in programs::all() {
        let code = program.code(Rules { order: Order::Together, ..Rules::nt() });
        let sums = walk(&code.machine(), Limits::default());
        if sums.total() < 2_000 {
            let simple = simple::explore(&code.machine());
            assert_eq!(simple.timelines, sums.runs, "{}", program.name);
            assert_eq!(simple.traces, reduced(&code.machine()), "{}", program.name);
            simply += 1;
        }
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
    assert!(simply >= 20, "only {simply} are small enough for the simplest");
}
