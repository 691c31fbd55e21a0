//! Rounds: each bench in turn, all of them several times, in processor time of the thread that runs
//! it.

use std::{process::Command, time::Duration};

use rustix::time::{ClockId, clock_gettime};

/// Which table a bench is in; what is in one table is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    /// Every schedule, or every one that matters, without a bound.
    Search,
    /// Schedules by chance.
    Chance,
    /// Virtual seconds with ten tasks that sleep.
    Sleepers,
    /// An hour in which nothing happens.
    Idle,
    /// A simulation of nothing.
    Start,
}

/// What one round of a bench came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ran {
    /// Schedules, or what else is counted.
    pub(crate) count: u64,
    /// How many of them had a cause of harm: the I/O wrote memory that was not lent to it.
    pub(crate) bad: u64,
    /// The first of them, counted from 1.
    pub(crate) first: Option<u64>,
}

pub(crate) struct Bench {
    pub(crate) table: Table,
    pub(crate) name: &'static str,
    pub(crate) own: bool,
    /// Runs about so many, from a seed on.
    pub(crate) run: fn(count: u64, seed: u64) -> Ran,
    /// How many in a round.
    pub(crate) count: u64,
    /// Runs it to its end, with the fix or without, if it has an end; at most so many schedules.
    pub(crate) whole: Option<fn(fixed: bool, most: u64) -> Ran>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    /// Counts are divided by this.
    part: u64,
    /// A search that is longer is cut.
    pub(crate) most: u64,
}

impl Plan {
    pub(crate) const FULL: Plan = Plan { rounds: 5, part: 1, most: 1_000_000 };
    pub(crate) const QUICK: Plan = Plan { rounds: 1, part: 50, most: 5_000 };
}

/// A bench, and what all rounds of it came to.
pub(crate) struct Result {
    pub(crate) bench: Bench,
    /// Per second of processor time, in ascending order.
    pub(crate) rates: Vec<f64>,
    /// When a round first saw the harm, in ascending order.
    pub(crate) firsts: Vec<u64>,
    pub(crate) ran: Ran,
    /// Without the fix and with it: what it came to, and how long it took.
    pub(crate) wholes: Option<[(Ran, Duration); 2]>,
}

impl Result {
    pub(crate) fn median(&self) -> f64 {
        self.rates[self.rates.len() / 2]
    }
}

pub(crate) fn measure(benches: Vec<Bench>, plan: Plan) -> Vec<Result> {
    let result = |(bench, of): (usize, Bench)| Result {
        rates: Vec::new(),
        firsts: Vec::new(),
        ran: Ran::default(),
        wholes: of.whole.map(|_| {
            [false, true].map(|fixed| Order::Whole { bench, fixed, most: plan.most }.pass_on())
        }),
        bench: of,
    };
    let mut results: Vec<Result> = benches.into_iter().enumerate().map(result).collect();
    for round in 0..plan.rounds {
        for (bench, result) in results.iter_mut().enumerate() {
            let count = (result.bench.count / plan.part).max(1);
            let seed = 1 + round as u64 * 10_000_000;
            let (ran, took) = Order::Part { bench, count, seed }.pass_on();
            eprintln!("{}: {} in {took:.1?}", result.bench.name, ran.count);
            result.rates.push(ran.count as f64 / took.as_secs_f64());
            result.firsts.extend(ran.first);
            result.ran.count += ran.count;
            result.ran.bad += ran.bad;
        }
    }
    for result in &mut results {
        result.rates.sort_by(f64::total_cmp);
        result.firsts.sort_unstable();
    }
    results
}

/// One measurement. It is a process of its own: loom and shuttle have hooks for panics, which would
/// be in each other's way.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    Part { bench: usize, count: u64, seed: u64 },
    Whole { bench: usize, fixed: bool, most: u64 },
}

impl Order {
    /// As [`pass_on`](Self::pass_on) writes it.
    pub(crate) fn read(words: &[String]) -> Option<Self> {
        let [kind, bench, first, second] = words else {
            return None;
        };
        let (bench, first, second) =
            (bench.parse().ok()?, first.parse().ok()?, second.parse().ok()?);
        match &kind[..] {
            "part" => Some(Self::Part { bench, count: first, seed: second }),
            "whole" => Some(Self::Whole { bench, fixed: first == 1, most: second }),
            _ => None,
        }
    }

    /// Has another process carry it out.
    fn pass_on(self) -> (Ran, Duration) {
        let (kind, bench, first, second) = match self {
            Self::Part { bench, count, seed } => ("part", bench, count, seed),
            Self::Whole { bench, fixed, most } => ("whole", bench, u64::from(fixed), most),
        };
        let program = std::env::current_exe().expect("this program has a path");
        let numbers = [bench as u64, first, second].map(|number| number.to_string());
        let output = Command::new(program).args(["--one", kind]).args(numbers).output();
        let output = output.expect("this program can be started");
        assert!(output.status.success(), "{self:?}: {}", String::from_utf8_lossy(&output.stderr));
        let line = String::from_utf8_lossy(&output.stdout);
        let numbers: Vec<u64> = line.split_whitespace().map_while(|n| n.parse().ok()).collect();
        let [count, bad, first, nanos] = numbers[..] else {
            panic!("{self:?} says {line:?}");
        };
        let first = (first > 0).then_some(first);
        (Ran { count, bad, first }, Duration::from_nanos(nanos))
    }

    /// Carries it out; what it came to, as a line.
    pub(crate) fn carry_out(self, benches: Vec<Bench>) -> String {
        let (ran, took) = match self {
            Self::Part { bench, count, seed } => timed(|| (benches[bench].run)(count, seed)),
            Self::Whole { bench, fixed, most } => {
                let whole = benches[bench].whole.expect("it has an end");
                timed(|| whole(fixed, most))
            }
        };
        let Ran { count, bad, first } = ran;
        format!("{count} {bad} {} {}", first.unwrap_or(0), took.as_nanos())
    }
}

fn timed<T>(run: impl FnOnce() -> T) -> (T, Duration) {
    let now = || {
        let now = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec as u32)
    };
    let start = now();
    let output = run();
    (output, now() - start)
}
