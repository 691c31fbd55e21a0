//! Running a body under one schedule, under many, or under all.

use std::time::Duration;

use crate::{
    Faults, Report, Sim,
    explore::{
        Extreme, Priorities, Random, Reason, Record, Reduced, Replay, Search, Tape, Token, shrink,
    },
    kernel::{Decider, Settings, Trouble},
    report::Failure,
    run::{Stage, once},
    timeline::Timeline,
    why::Why,
};

/// Runs `body` on a simulated system of its own. `seed` decides everything that is not determined:
/// the same seed and body give the same run, to the last step (C16).
///
/// ```
/// use overlapped::fs::File;
///
/// let n = overlapped_sim::run(7, |sim| {
///     sim.file("/log", "hello");
///     let file = File::open(sim, "/log").wait().expect("it is there");
///     file.read_at(vec![0; 16], 0).wait().expect("a read").n
/// });
/// assert_eq!(n, 5);
/// ```
///
/// # Panics
///
/// If a line of the contract does not hold, if nobody can go on, or if `body` panics: with what
/// happened, and the token that [`replay`] takes.
pub fn run<R>(seed: u64, body: impl Fn(&Sim) -> R) -> R {
    let check = Check::new();
    let (output, trouble, search) = check.one(Box::new(Random::new(seed, 1)), &body);
    match (output, trouble) {
        (Some(output), None) => output,
        (_, Some(trouble)) => panic!("{}", check.failure(search.tape(), trouble, 1, &body)),
        (None, None) => unreachable!("what was unwound has been told why"),
    }
}

/// Runs `body` under a few extreme schedules, and then under every one that differs in an order
/// that matters; if they are more than a [`Check`] tries, under some by chance.
///
/// ```
/// use std::time::Duration;
/// use overlapped::fs::File;
///
/// let report = overlapped_sim::explore(|sim| {
///     sim.file("/log", "hello");
///     sim.latency(Duration::ZERO, Duration::from_secs(2));
///     let file = File::open(sim, "/log").wait().expect("it is there");
///     match file.read_at(vec![0; 16], 0).wait_timeout(Duration::from_secs(1)) {
///         Ok(outcome) => format!("in time: {}", outcome.expect("a read").n),
///         Err(late) => {
///             late.cancel();
///             late.wait().map_or("cancelled".to_owned(), |done| format!("late: {}", done.n))
///         }
///     }
/// });
/// assert!(report.is_complete());
/// let outcomes: Vec<_> = report.outcomes().collect();
/// assert_eq!(outcomes, ["cancelled", "in time: 5", "late: 2", "late: 5"]);
/// ```
///
/// # Panics
///
/// As [`run`].
pub fn explore<T: Ord>(body: impl Fn(&Sim) -> T) -> Report<T> {
    let report = Check::new().run(body);
    if let Some(failure) = report.failure() {
        panic!("{failure}");
    }
    report
}

/// Runs `body` once more, as `token` says, and draws it.
///
/// # Errors
///
/// If `token` is none, or is of another program.
pub fn replay<R>(token: &str, body: impl Fn(&Sim) -> R) -> Result<Timeline, String> {
    Check::new().replay(token, body)
}

/// How a body is tried: with which faults, on how slow a device, how often.
#[derive(Clone, Debug)]
pub struct Check {
    settings: Settings,
    way: Way,
    most: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// All, and if they are too many, by chance.
    All,
    Chance {
        seed: u64,
    },
    Priorities {
        seed: u64,
        depth: usize,
    },
    Within(u32),
}

impl Default for Check {
    fn default() -> Self {
        Self::new()
    }
}

impl Check {
    /// All schedules, if they are at most 100,000; no faults.
    pub fn new() -> Self {
        Self { settings: Settings::default(), way: Way::All, most: 100_000 }
    }

    /// What may go wrong.
    pub fn faults(mut self, faults: Faults) -> Self {
        self.settings.faults = faults;
        self
    }

    /// How long a device takes, at least and at most; up to 10 ms at first.
    pub fn latency(mut self, least: Duration, most: Duration) -> Self {
        self.settings.set_latency(least, most);
        self
    }

    /// No search, but runs by chance, from `seed` on.
    pub fn random(mut self, seed: u64) -> Self {
        self.way = Way::Chance { seed };
        self
    }

    /// No search, but runs by chance with priorities, for bugs of `depth` ordered steps.
    pub fn priorities(mut self, seed: u64, depth: usize) -> Self {
        self.way = Way::Priorities { seed, depth };
        self
    }

    /// Only schedules that turn away from the default at most so many times.
    pub fn deviations(mut self, most: u32) -> Self {
        self.way = Way::Within(most);
        self
    }

    /// At most so many runs.
    pub fn runs(mut self, most: u64) -> Self {
        self.most = most;
        self
    }

    /// Tries `body`. The first failure ends it; it is shrunk, and comes with its timeline.
    ///
    /// The environment may say otherwise: `OVERLAPPED_SIM=replay:TOKEN`, `seed:N` (that run alone),
    /// `seeds:N` (so many by chance).
    ///
    /// # Panics
    ///
    /// If the environment says something else, or something outside the simulator decides.
    pub fn run<T: Ord>(&self, body: impl Fn(&Sim) -> T) -> Report<T> {
        let (mut report, mut stage) = (Report::new(), Stage::default());
        if let Some(search) = ordered() {
            self.search(&mut stage, search, u64::MAX, &body, &mut report);
            return report;
        }
        if matches!(self.way, Way::All | Way::Within(_)) {
            self.search(&mut stage, Box::new(Extreme::new()), 100, &body, &mut report);
        }
        let most = self.most;
        let search: Decider = match self.way {
            _ if report.failure().is_some() => return report,
            Way::Chance { seed } => Box::new(Random::new(seed, most)),
            Way::Priorities { seed, depth } => Box::new(Priorities::new(seed, most, depth)),
            Way::Within(deviations) => Box::new(Reduced::within(deviations)),
            Way::All => Box::new(Reduced::new()),
        };
        let whole = matches!(self.way, Way::All | Way::Within(_));
        let done = self.search(&mut stage, search, most, &body, &mut report);
        report.set_complete(done && whole);
        if self.way == Way::All && !done && report.failure().is_none() {
            self.search(&mut stage, Box::new(Random::new(1, most / 4)), most, &body, &mut report);
        }
        report
    }

    /// As the function [`replay`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn replay<R>(&self, token: &str, body: impl Fn(&Sim) -> R) -> Result<Timeline, String> {
        let token: Token = token.parse()?;
        let mut search = Replay::new(&token);
        search.begin();
        let (_, left) = once(Box::new(search), self.settings.clone(), true, &body);
        if left.choice.diverged() || !left.choice.tape().fits(&token) {
            return Err(format!("{token} is of another program, or of an earlier one"));
        }
        Ok(left.timeline(&token, None))
    }

    /// One run that `search` decides.
    fn one<R>(
        &self,
        mut search: Decider,
        body: &impl Fn(&Sim) -> R,
    ) -> (Option<R>, Option<Trouble>, Decider) {
        search.begin();
        let (output, left) = once(search, self.settings.clone(), false, body);
        (output, left.trouble, left.choice)
    }

    /// The runs that `search` decides, until one fails; whether nothing was left out.
    fn search<T: Ord>(
        &self,
        stage: &mut Stage,
        mut search: Decider,
        most: u64,
        body: &impl Fn(&Sim) -> T,
        report: &mut Report<T>,
    ) -> bool {
        let mut runs = 0;
        while search.begin() {
            if runs == most {
                return false;
            }
            runs += 1;
            let (output, left) = stage.run(search, self.settings.clone(), false, body);
            search = left.choice;
            search.end();
            assert!(!search.diverged(), "OVERLAPPED_SIM: the token is of another program");
            report.ran(output, &left.log, search.tape(), search.was_redundant());
            if let Some(trouble) = left.trouble {
                let failure = self.failure(search.tape(), trouble, report.runs(), body);
                report.fail(failure);
                return false;
            }
        }
        !search.was_bounded()
    }

    /// Shrinks a failing run, and draws what is left of it.
    fn failure<R>(
        &self,
        tape: &Tape,
        trouble: Trouble,
        run: u64,
        body: &impl Fn(&Sim) -> R,
    ) -> Failure {
        let sort = trouble.sort();
        let mut quiet = self.clone();
        quiet.settings.quiet = true;
        let tape = shrink(tape.clone(), |tape| {
            let (_, other, search) = quiet.one(Box::new(Replay::of(tape)), body);
            (other?.sort() == sort).then(|| search.tape().clone())
        });
        let reason = quiet.reason(&tape, body);
        let mut search = Replay::of(&tape);
        search.begin();
        let (_, left) = once(Box::new(search), quiet.settings, true, body);
        let trouble = left.trouble.clone().unwrap_or(trouble);
        let token = tape.token();
        let why = Why::of(reason, &left.log);
        Failure::new(trouble, left.timeline(&token, Some(&why)), token, run, why)
    }

    /// What decided that the run goes wrong.
    fn reason<R>(&self, tape: &Tape, body: &impl Fn(&Sim) -> R) -> Option<Reason> {
        let record = Record::new(tape);
        let steps = record.steps();
        let _failed = self.one(Box::new(record), body);
        steps.reason(|turned| {
            let (_, trouble, search) = self.one(Box::new(turned), body);
            trouble.is_none() && !search.diverged()
        })
    }
}

/// What the environment orders.
fn ordered() -> Option<Decider> {
    let order = std::env::var("OVERLAPPED_SIM").ok()?;
    let wrong = || -> ! {
        panic!("OVERLAPPED_SIM is `replay:TOKEN`, `seed:N` or `seeds:N`, and not `{order}`")
    };
    let (what, value) = order.split_once(':').unwrap_or_else(|| wrong());
    let number = || value.parse::<u64>().unwrap_or_else(|_| wrong());
    Some(match what {
        "replay" => {
            let token: Token = value.parse().unwrap_or_else(|text| panic!("{text}"));
            Box::new(Replay::new(&token))
        }
        "seed" => Box::new(Random::new(number(), 1)),
        "seeds" => Box::new(Random::new(1, number())),
        _ => wrong(),
    })
}
