use std::{collections::BTreeMap, fmt};

use rustc_hash::FxHashSet;

use crate::{
    explore::{Tape, Token},
    kernel::{Left, Log, Trouble},
    timeline::{LaneKind, Timeline},
    why::Why,
};

/// What a [`Check`](crate::Check) saw.
#[derive(Debug)]
pub struct Report<T> {
    runs: u64,
    redundant: u64,
    steps: u64,
    traces: FxHashSet<u64>,
    digest: u64,
    complete: bool,
    outcomes: BTreeMap<T, (u64, Token)>,
    failure: Option<Failure>,
}

/// A run that went wrong, made as simple as possible. Shown, it is the whole story.
#[derive(Clone, Debug)]
pub struct Failure {
    trouble: Trouble,
    timeline: Timeline,
    token: Token,
    run: u64,
    why: Why,
}

impl<T: Ord> Report<T> {
    pub(crate) fn new() -> Self {
        Self {
            runs: 0,
            redundant: 0,
            steps: 0,
            traces: FxHashSet::default(),
            digest: 0,
            complete: false,
            outcomes: BTreeMap::new(),
            failure: None,
        }
    }

    pub(crate) fn ran(&mut self, output: Option<T>, log: &Log, tape: &Tape, redundant: bool) {
        self.runs += 1;
        self.redundant += u64::from(redundant);
        self.steps += log.steps;
        self.traces.insert(log.digest);
        self.digest = self.digest.rotate_left(1) ^ log.digest;
        if let Some(output) = output {
            let seen = self.outcomes.entry(output).or_insert_with(|| (0, tape.token()));
            seen.0 += 1;
        }
    }

    pub(crate) fn fail(&mut self, failure: Failure) {
        self.failure.get_or_insert(failure);
    }

    pub(crate) fn set_complete(&mut self, complete: bool) {
        self.complete = complete;
    }

    /// How many runs were made.
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// How many of them showed nothing that another had not.
    pub fn redundant(&self) -> u64 {
        self.redundant
    }

    /// How many steps were taken, in all runs.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// How many of the runs were different, step by step.
    pub fn distinct(&self) -> usize {
        self.traces.len()
    }

    /// One number for all that happened: equal for equal runs (C16).
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// Whether every order that matters was tried.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// What the body gave, each once.
    pub fn outcomes(&self) -> impl Iterator<Item = &T> {
        self.outcomes.keys()
    }

    /// A token of a run that gave `outcome`.
    pub fn token(&self, outcome: &T) -> Option<String> {
        self.outcomes.get(outcome).map(|(_, token)| token.to_string())
    }

    /// How many runs gave `outcome`. Numbers of runs are no probabilities.
    pub fn count(&self, outcome: &T) -> u64 {
        self.outcomes.get(outcome).map_or(0, |(count, _)| *count)
    }

    /// The run that went wrong, if one did.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }
}

impl Failure {
    pub(crate) fn new(
        trouble: Trouble,
        timeline: Timeline,
        token: Token,
        run: u64,
        why: Why,
    ) -> Self {
        Self { trouble, timeline, token, run, why }
    }

    /// Why it went wrong: the order, or the device's doing, without which it would not have.
    pub fn why(&self) -> &Why {
        &self.why
    }

    /// What [`replay`](crate::replay) takes.
    pub fn token(&self) -> String {
        self.token.to_string()
    }

    /// What happened.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// Which run it was, counted from 1, before it was made simple.
    pub fn run(&self) -> u64 {
        self.run
    }

    /// The line of the contract that does not hold, if it is one.
    pub fn line(&self) -> Option<&'static str> {
        match self.trouble {
            Trouble::Oracle { line, .. } => Some(line),
            _ => None,
        }
    }

    /// Whether nobody could go on.
    pub fn is_hang(&self) -> bool {
        matches!(self.trouble, Trouble::Hang(_))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "run {} failed: {}", self.run, self.trouble)?;
        write!(f, "{}", self.timeline)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Oracle { line, text } => write!(f, "{line} does not hold: {text}"),
            Self::Panic(text) => write!(f, "the program panicked: {text}"),
            Self::PowerCut => f.write_str("the power was cut, and nobody asked for it"),
            Self::Hang(waits) => {
                f.write_str("nobody can go on")?;
                waits.iter().try_for_each(|(who, what)| write!(f, "; {who} waits for {what}"))
            }
        }
    }
}

impl Left {
    /// Draws the run, which was traced.
    pub(crate) fn timeline(self, token: &Token, why: Option<&Why>) -> Timeline {
        let waits = match &self.trouble {
            Some(Trouble::Hang(waits)) => waits.clone(),
            _ => Vec::new(),
        };
        let cause = self.trouble.as_ref().map(ToString::to_string);
        let mut timeline = self.log.timeline("simulated".to_owned(), &self.threads);
        let lane = |name: &str| {
            let named = timeline.lanes.iter().position(|lane| lane.name == name);
            let driver = || timeline.lanes.iter().position(|lane| lane.kind == LaneKind::Driver);
            named.or_else(driver).unwrap_or(0)
        };
        let waits = waits.into_iter().map(|(who, what)| (lane(&who), format!("{who}: {what}")));
        timeline.waits = waits.collect();
        timeline.notes.extend(cause.map(|cause| ("cause".to_owned(), cause)));
        timeline.notes.extend(why.map(|why| ("why".to_owned(), why.to_string())));
        timeline.replay = Some(format!("OVERLAPPED_SIM=replay:{token}"));
        timeline
    }
}
