//! The real side: the calls are made on Windows, or under Wine.
//!
//! Every thread of a case is one of its own, that is told call by call what to do.

#![expect(unsafe_code, reason = "Win32's calls, on memory that is never freed")]

mod calls;
mod keeper;
mod memory;
mod scene;
#[path = "../../../../overlapped/tests/support/slow.rs"]
mod slow;
mod system;
mod threads;

use crate::{
    cases::{Case, Side},
    judged,
};
pub(crate) use keeper::keeps;
use libtest_mimic::Trial;
use memory::Block;
use overlapped_lab::mirror::{Runs, Shown};
use std::{
    fs::File,
    sync::mpsc::{Receiver, Sender, channel},
    thread::JoinHandle,
};
use threads::Workers;

/// How long a wait for what must come lasts, in milliseconds, before it counts as a hang.
const FOREVER: u32 = 5_000;

/// A case in the middle of its run.
struct Real {
    workers: Workers,
    current: usize,
    /// The how manieth run of the case it is.
    round: u32,
    /// Handles by number; closed ones are left out.
    handles: Vec<Option<system::Object>>,
    /// The other ends of pipes, by the number of this end.
    peers: Vec<Option<File>>,
    ports: Vec<system::Object>,
    blocks: Vec<&'static Block>,
    /// Peers that write, sooner or later.
    writers: Vec<JoinHandle<()>>,
    blocking: Option<Receiver<Result<u32, u32>>>,
    callbacks: (Sender<bool>, Receiver<bool>),
    /// The other process, once there is one.
    keeper: Option<keeper::Keeper>,
    /// Nothing could be held back here: slowness cannot be shown.
    too_fast: bool,
}

/// The case by real calls, as often as it takes.
pub(crate) fn trial(case: &'static Case) -> Trial {
    let side = match case.wine {
        // What Wine is known to do otherwise, Windows does by the rule.
        Side::Deviates { .. } if !slow::on_wine() => Side::Passes,
        side => side,
    };
    let name = format!("real::{}", case.name.replace(' ', "::"));
    Trial::test(name, move || judged(case, side, rounds(case)))
}

fn rounds(case: &Case) -> Result<Runs, String> {
    let mut runs = Runs::default();
    for round in 1..=case.rounds {
        let mut real = Real::new(round);
        let wrong = |wrong| format!("{wrong} (in round {round} of {})", case.rounds);
        let shown = (case.run)(&mut real).map_err(wrong)?;
        // Where nothing can be held back, what it would show cannot be asked for.
        runs.add(if real.too_fast { Shown::Yes } else { shown });
    }
    Ok(runs)
}

impl Real {
    fn new(round: u32) -> Real {
        Real {
            workers: Workers::default(),
            current: 0,
            round,
            handles: Vec::new(),
            peers: Vec::new(),
            ports: Vec::new(),
            blocks: Vec::new(),
            writers: Vec::new(),
            blocking: None,
            callbacks: channel(),
            keeper: None,
            too_fast: false,
        }
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        self.writers.drain(..).for_each(|writer| writer.join().expect("a peer writes"));
    }
}
