//! What was measured.

use std::collections::BTreeMap;

use crate::{Sample, Work, peer};

/// Median, least and most of some numbers.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

impl Spread {
    /// Of at least one number.
    pub fn of(numbers: impl Iterator<Item = f64>) -> Self {
        let mut numbers: Vec<f64> = numbers.collect();
        numbers.sort_by(f64::total_cmp);
        let count = numbers.len();
        let median = (numbers[(count - 1) / 2] + numbers[count / 2]) / 2.0;
        Self { median, min: numbers[0], max: numbers[count - 1] }
    }
}

/// The rounds of one peer at one workload, each beside what it is compared with; or why not.
pub type Rounds = Result<Vec<(Sample, Sample)>, String>;

/// One peer's rounds.
pub struct Row {
    pub peer: &'static str,
    pub rounds: Rounds,
}

impl Row {
    /// Each round's number that `of` makes of what it is compared with and of itself.
    pub fn spread(&self, of: impl Fn(&Sample, &Sample) -> f64) -> Option<Spread> {
        let rounds = self.rounds.as_ref().ok().filter(|rounds| !rounds.is_empty())?;
        Some(Spread::of(rounds.iter().map(|(base, it)| of(base, it))))
    }

    /// Processor time for one operation.
    pub fn cpu(&self) -> Option<Spread> {
        self.spread(|_, it| it.cpu_per_op())
    }

    /// Processor time against what it is compared with, pair by pair.
    pub fn ratio(&self) -> Option<Spread> {
        self.spread(|base, it| it.cpu_per_op() / base.cpu_per_op())
    }

    /// Operations a second against what it is compared with, pair by pair.
    pub fn throughput(&self) -> Option<Spread> {
        self.spread(|base, it| base.wall_per_op() / it.wall_per_op())
    }

    /// Nanoseconds of processor time that it adds to what it is compared with.
    pub fn added(&self) -> Option<Spread> {
        self.spread(|base, it| it.cpu_per_op() - base.cpu_per_op())
    }
}

/// Everything that was measured.
pub struct Results {
    /// By the workload's name, rows in the order of the peers; the raw loop first.
    tables: BTreeMap<String, Vec<Row>>,
    /// By peer and workload: allocations for each operation.
    pub allocations: BTreeMap<(String, String), f64>,
    pub rounds: usize,
    pub millis: u64,
}

impl Results {
    /// Nothing yet, to come from so many rounds of so many milliseconds.
    pub fn new(rounds: usize, millis: u64) -> Self {
        Self { tables: BTreeMap::new(), allocations: BTreeMap::new(), rounds, millis }
    }

    pub fn put(&mut self, work: Work, rows: Vec<Row>) {
        self.tables.insert(work.to_string(), rows);
    }

    /// The rows of a workload, if it was measured.
    pub fn rows(&self, work: Work) -> &[Row] {
        self.tables.get(&work.to_string()).map_or(&[], Vec::as_slice)
    }

    pub fn row(&self, work: Work, peer: &str) -> Option<&Row> {
        self.rows(work).iter().find(|row| row.peer == peer)
    }

    /// Processor time of `peer` against the raw loop.
    pub fn ratio(&self, work: Work, peer: &str) -> Option<f64> {
        Some(self.row(work, peer)?.ratio()?.median)
    }

    /// Processor time of one peer as a multiple of another's, by their ratios to the raw loop.
    pub fn share(&self, work: Work, peer: &str, other: &str) -> Option<f64> {
        Some(self.ratio(work, peer)? / self.ratio(work, other)?)
    }

    /// Peers of which anything was measured.
    pub fn peers(&self) -> impl Iterator<Item = &'static peer::Peer> {
        peer::ALL.iter().filter(|peer| {
            let rows = self.tables.values().flatten();
            rows.filter(|row| row.rounds.is_ok()).any(|row| row.peer == peer.name)
        })
    }
}
