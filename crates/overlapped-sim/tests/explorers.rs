//! Explorers that do not know of one another: sums over distinct states, every order one by one,
//! every order that matters, and one that is here and uses nothing of the library's. They must
//! agree.

#[path = "explorers/simple.rs"]
mod simple;
#[path = "explorers/tiny.rs"]
mod tiny;

use std::collections::{BTreeMap, BTreeSet};

use overlapped_sim::explore::{
    Access, Actor, Choice, Kind, Limits, Object, Priorities, Random, Reduced, Replay, Search, Tape,
    next_run, simplest, walk,
};
use tiny::{Program, drawn, programs};

/// Watches a search: what each step touched, to tell which runs are one trace.
struct Watch<S> {
    search: S,
    steps: Vec<Step>,
}

/// A step by what it is: whose, its number among that actor's, and what it chose inside.
struct Step {
    name: (Actor, usize, Vec<usize>),
    touches: Vec<(Object, Access)>,
}

impl<S: Search> Choice for Watch<S> {
    fn next(&mut self, enabled: &[Actor]) -> usize {
        let chosen = self.search.next(enabled);
        let actor = enabled[chosen];
        let number = self.steps.iter().filter(|step| step.name.0 == actor).count();
        self.steps.push(Step { name: (actor, number, Vec::new()), touches: Vec::new() });
        chosen
    }

    fn choose(&mut self, n: usize, kind: Kind) -> usize {
        let chosen = self.search.choose(n, kind);
        self.steps.last_mut().expect("a step").name.2.push(chosen);
        chosen
    }

    fn touch(&mut self, object: Object, access: Access) {
        self.search.touch(object, access);
        self.steps.last_mut().expect("a step").touches.push((object, access));
    }
}

impl<S: Search> Search for Watch<S> {
    fn begin(&mut self) -> bool {
        self.steps.clear();
        self.search.begin()
    }

    fn end(&mut self) {
        self.search.end();
    }

    fn tape(&self) -> &Tape {
        self.search.tape()
    }

    fn was_redundant(&self) -> bool {
        self.search.was_redundant()
    }
}

type Pair = ((Actor, usize, Vec<usize>), (Actor, usize, Vec<usize>));

impl<S> Watch<S> {
    /// The orders that matter: two runs with the same ones are one trace.
    fn trace(&self) -> BTreeSet<Pair> {
        let mut pairs = BTreeSet::new();
        for (index, later) in self.steps.iter().enumerate() {
            pairs.insert((later.name.clone(), later.name.clone()));
            for earlier in &self.steps[..index] {
                if depend(earlier, later) {
                    pairs.insert((earlier.name.clone(), later.name.clone()));
                }
            }
        }
        pairs
    }
}

fn depend(a: &Step, b: &Step) -> bool {
    let commute =
        |a, b| matches!((a, b), (Access::Read, Access::Read) | (Access::Add, Access::Add));
    a.name.0 == b.name.0
        || a.touches.iter().any(|(object, access)| {
            b.touches.iter().any(|(other, theirs)| object == other && !commute(*access, *theirs))
        })
}

type Outcomes = BTreeMap<tiny::Outcome, u128>;

fn naive(program: &Program) -> (Outcomes, usize) {
    let mut search = Watch { search: Reduced::naive(), steps: Vec::new() };
    let (mut outcomes, mut traces) = (Outcomes::new(), BTreeSet::new());
    while let Some(outcome) = next_run(&program.start(), &mut search) {
        *outcomes.entry(outcome).or_default() += 1;
        traces.insert(search.trace());
    }
    (outcomes, traces.len())
}

/// How often each outcome was seen, and how many runs were not redundant, and how many were.
fn reduced(program: &Program) -> (Outcomes, usize, usize) {
    let mut search = Reduced::new();
    let (mut outcomes, mut runs, mut redundant) = (Outcomes::new(), 0, 0);
    while let Some(outcome) = next_run(&program.start(), &mut search) {
        if search.was_redundant() {
            redundant += 1;
            continue;
        }
        *outcomes.entry(outcome).or_default() += 1;
        runs += 1;
    }
    (outcomes, runs, redundant)
}

// [C16] what the laboratory counts and what a test explores is the same thing.
#[test]
fn the_explorers_agree() {
    let programs = programs();
    assert!(programs.len() >= 20);
    programs.iter().for_each(agree);
}

#[test]
fn the_explorers_agree_on_programs_that_nobody_thought_of() {
    let mut seed = 7_u64;
    let mut below = |n: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (seed >> 33) as usize % n
    };
    for _ in 0..PROGRAMS {
        agree(&drawn(&mut below));
    }
}

const PROGRAMS: usize = 1_000;

fn agree(program: &Program) {
    {
        let name = &program.name;
        let sums = walk(&program.start(), Limits::default());
        assert!(sums.complete, "{name}");
        let (outcomes, traces) = naive(program);
        assert_eq!(sums.runs, outcomes, "{name}: sums and one by one");
        let simple = simple::explore(&program.start());
        assert_eq!((&simple.timelines, simple.traces), (&outcomes, traces), "{name}: the simplest");
        let (found, runs, redundant) = reduced(program);
        let (all, some): (Vec<_>, Vec<_>) = (outcomes.keys().collect(), found.keys().collect());
        assert_eq!(all, some, "{name}: one by one and reduced");
        assert_eq!(runs, traces, "{name}: one run for each trace ({redundant} redundant)");
    }
}

#[test]
fn chance_finds_what_is_there_and_a_token_brings_it_back() {
    for program in &programs() {
        let (outcomes, _) = naive(program);
        let mut seen = BTreeMap::new();
        let mut random = Random::new(1, 2000);
        while let Some(outcome) = next_run(&program.start(), &mut random) {
            seen.entry(outcome).or_insert_with(|| random.tape().token().to_string());
        }
        let mut priorities = Priorities::new(1, 2000, 3);
        while let Some(outcome) = next_run(&program.start(), &mut priorities) {
            seen.entry(outcome).or_insert_with(|| priorities.tape().token().to_string());
        }
        assert!(seen.keys().all(|outcome| outcomes.contains_key(outcome)), "{}", program.name);
        for (outcome, token) in seen {
            let mut replay = Replay::new(&token.parse().expect("a token"));
            let again = next_run(&program.start(), &mut replay).expect("one run");
            assert_eq!(again, outcome, "{}: {token}", program.name);
            assert!(!Search::diverged(&replay) && replay.tape().token().to_string() == token);
        }
    }
}

#[test]
fn the_simplest_run_to_each_outcome_is_found_and_is_replayed() {
    for program in &programs() {
        for outcome in naive(program).0.keys() {
            let tape = simplest(&program.start(), Limits::default(), |end| end == outcome);
            let token = tape.expect("it is there").token();
            let mut replay = Replay::new(&token);
            let again = next_run(&program.start(), &mut replay).expect("one run");
            assert_eq!(&again, outcome, "{}: {token}", program.name);
        }
    }
}

#[test]
fn a_bound_on_deviations_says_what_it_leaves_out() {
    for program in &programs() {
        let count = |mut search: Reduced| {
            let mut runs = 0;
            while next_run(&program.start(), &mut search).is_some() {
                runs += 1;
            }
            (runs, search.was_bounded())
        };
        let (all, bounded) = count(Reduced::new());
        assert!(!bounded);
        let (few, bounded) = count(Reduced::within(1));
        assert!(few <= all && (bounded || few == all), "{}: {few} of {all}", program.name);
    }
}

/// Nobody counts who can go on: only what they touch makes schedules.
#[test]
fn more_than_a_word_of_threads_can_go_on_at_once() {
    for threads in [64, 65, 200] {
        let crowd = tiny::crowd(threads);
        let (outcomes, runs, redundant) = reduced(&crowd);
        let seen: Vec<_> =
            outcomes.keys().map(|(_, variables, stuck)| (variables[0], *stuck)).collect();
        assert_eq!((seen, runs, redundant), (vec![(1, false), (2, false)], 2, 0), "{threads}");
    }
}
