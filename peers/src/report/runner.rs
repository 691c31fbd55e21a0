//! Starts one process for each measurement, pair by pair.

use std::{env, io, path::PathBuf, process::Command};

use super::{
    Results, Row, fio,
    plan::{self, Item},
};
use crate::{
    Files, Sample, Work,
    peer::{self, Peer, RAW},
};

/// How much is measured.
pub struct Runner {
    pub files: Files,
    pub rounds: usize,
    pub millis: u64,
    /// Beginnings of the names of the workloads and peers to measure; all if empty.
    pub works: Vec<String>,
    pub peers: Vec<String>,
}

impl Runner {
    /// Measures everything that is asked for.
    pub fn measure(&self) -> io::Result<Results> {
        let mut results = Results::new(self.rounds, self.millis);
        for item in plan::RATIOS.iter().filter(|item| self.wants(item.work)) {
            self.files.warm()?;
            results.put(item.work, self.against_raw(item.work, Some(item)));
        }
        if self.wants(plan::DEADLINE) {
            results.put(plan::DEADLINE, self.against_itself(plan::DEADLINE, plan::PLAIN));
        }
        for n in plan::FLYING.map(Work::Flying) {
            if self.wants(n) {
                results.put(n, self.against_raw(n, None));
            }
        }
        if self.named("allocations", &self.works) {
            self.files.warm()?;
            self.count_allocations(&mut results);
        }
        Ok(results)
    }

    fn wants(&self, work: Work) -> bool {
        self.named(&work.to_string(), &self.works)
    }

    fn named(&self, name: &str, chosen: &[String]) -> bool {
        chosen.is_empty() || chosen.iter().any(|start| name.starts_with(start.as_str()))
    }

    fn chosen_peers(&self) -> impl Iterator<Item = &'static Peer> {
        peer::ALL.iter().filter(|peer| self.named(peer.name, &self.peers))
    }

    /// Raw, X, raw, X, …: each peer beside a run of the raw loop just before its own.
    fn against_raw(&self, work: Work, item: Option<&Item>) -> Vec<Row> {
        let peers = self.chosen_peers().filter(|peer| peer.name != RAW);
        let mut rows: Vec<Row> =
            peers.map(|peer| Row { peer: peer.name, rounds: Ok(Vec::new()) }).collect();
        if item.is_some_and(|item| item.fio) && self.named(fio::NAME, &self.peers) {
            rows.push(Row { peer: fio::NAME, rounds: Ok(Vec::new()) });
        }
        let mut raw = Row { peer: RAW, rounds: Ok(Vec::new()) };
        for round in 0..self.rounds {
            eprint!("\r{work}: round {} of {}  ", round + 1, self.rounds);
            for row in &mut rows {
                let Ok(rounds) = &mut row.rounds else {
                    continue;
                };
                let base = self.sample(RAW, work, &[]);
                let it = match row.peer {
                    fio::NAME => fio::sample(work, &self.files, self.millis),
                    name => self.sample(name, work, &[]),
                };
                match (base, it) {
                    (Ok(base), Ok(it)) => {
                        rounds.push((base, it));
                        raw.rounds.as_mut().expect("only pairs are put here").push((base, base));
                    }
                    (_, Err(why)) => row.rounds = Err(why),
                    (Err(why), _) => row.rounds = Err(format!("the raw loop {why}")),
                }
            }
        }
        eprintln!();
        rows.insert(0, raw);
        rows
    }

    /// The same peer with and without.
    fn against_itself(&self, with: Work, without: Work) -> Vec<Row> {
        let mut rows: Vec<Row> = self
            .chosen_peers()
            .map(|peer| Row { peer: peer.name, rounds: Ok(Vec::new()) })
            .collect();
        for round in 0..self.rounds {
            eprint!("\r{with}: round {} of {}  ", round + 1, self.rounds);
            for row in &mut rows {
                let Ok(rounds) = &mut row.rounds else {
                    continue;
                };
                let it = self.sample(row.peer, with, &[]);
                match it.and_then(|it| Ok((self.sample(row.peer, without, &[])?, it))) {
                    Ok(pair) => rounds.push(pair),
                    Err(why) => row.rounds = Err(why),
                }
            }
        }
        eprintln!();
        rows
    }

    fn count_allocations(&self, results: &mut Results) {
        for peer in self.chosen_peers() {
            for (work, _) in plan::ALLOCATIONS {
                if let Ok(sample) = self.sample(peer.name, work, &["--allocs", "--ops", "20000"]) {
                    let each = sample.allocs as f64 / sample.ops as f64;
                    results.allocations.insert((peer.name.to_owned(), work.to_string()), each);
                }
            }
        }
    }

    /// One measurement in a process of its own; or why there is none.
    fn sample(&self, peer: &str, work: Work, more: &[&str]) -> Result<Sample, String> {
        let program = sibling("peer").map_err(|error| error.to_string())?;
        let mut command = Command::new(program);
        command.args(["--peer", peer, "--workload", &work.to_string()]);
        command.arg("--dir").arg(self.files.dir());
        command.args(["--ms", &self.millis.to_string()]).args(more);
        let output = command.output().map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout);
        match output.status.code() {
            Some(0) => text.trim().parse(),
            Some(3) => Err(text.trim().to_owned()),
            _ => {
                let errors = String::from_utf8_lossy(&output.stderr);
                eprintln!("\n{peer} {work}: {}\n{errors}", output.status);
                Err(format!("fails: {}", output.status))
            }
        }
    }
}

/// The program of that name beside this one.
fn sibling(name: &str) -> io::Result<PathBuf> {
    Ok(env::current_exe()?.with_file_name(name))
}
