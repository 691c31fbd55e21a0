//! The suite on the simulated kernel: each case under many schedules by chance.
//! `OVERLAPPED_SEEDS` says how many.

use std::{cell::Cell, env};

use overlapped_sim::{
    Check,
    conformance::{Case, Env, Verdict},
};

/// The lines of the contract that are about memory: who has it when, and until when, and who runs
/// while it is lent. Miri tries their cases; it is too slow for all.
pub(crate) const OF_MEMORY: &[&str] =
    &["C1", "C2", "C4", "C5", "C7", "C8", "C9", "C10", "C11", "C13"];

/// What a debug build tries in a few seconds, and Miri in some minutes.
const SEEDS: u64 = if cfg!(miri) { 1 } else { 20 };

fn seeds() -> u64 {
    let Ok(text) = env::var("OVERLAPPED_SEEDS") else {
        return SEEDS;
    };
    text.parse().unwrap_or_else(|_| panic!("OVERLAPPED_SEEDS is a number, and not {text:?}"))
}

/// Tries the case under each seed.
pub(crate) fn run(case: Case) -> Verdict {
    let verdict = Cell::new(Verdict::Pass);
    let check = Check::new().random(1).runs(seeds());
    let report = check.run(|sim| verdict.set((case.run)(&Env::simulated(sim))));
    if let Some(failure) = report.failure() {
        panic!("{failure}");
    }
    verdict.into_inner()
}
