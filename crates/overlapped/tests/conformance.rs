//! The conformance suite on every backend of this system: one test for each case and backend, named
//! `io_uring::c05_cancel_raced_with_completion` and so on. What could not be tried is reported as
//! ignored, with the reason, apart from what passed.

#[path = "conformance/mod.rs"]
mod conformance;

#[path = "support/buffers.rs"]
mod buffers;
#[path = "support/scratch.rs"]
mod scratch;
#[path = "support/watchdog.rs"]
mod watchdog;

use std::{
    fs,
    panic::resume_unwind,
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
    time::Duration,
};

use conformance::{Case, Env, Needs, Verdict, all};
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use overlapped::{Port, backend::Kind};
use scratch::Scratch;
use watchdog::Watchdog;

/// No case takes longer, not even under a sanitizer.
const LIMIT: Duration = Duration::from_secs(120);

const BACKENDS: [(Kind, Needs); 3] =
    [(Kind::Uring, Needs::System), (Kind::Threads, Needs::System), (Kind::Null, Needs::Time)];

fn main() -> ExitCode {
    let args = Arguments::from_args();
    let scratch = Scratch::new();
    let trials = BACKENDS.into_iter().flat_map(|(kind, offered)| on(kind, offered, scratch.path()));
    libtest_mimic::run(&args, trials.collect()).exit_code()
}

/// The trials of one backend.
fn on(kind: Kind, offered: Needs, dir: &Path) -> Vec<Trial> {
    // If it does not work here at all, each case says so.
    let works = Port::builder().backend(kind).build().map(drop).map_err(|error| error.to_string());
    all(offered)
        .map(|case| {
            let name = format!("{}::{case}", kind.name());
            let dir = dir.join(name.replace(':', "-"));
            let works = works.clone();
            let run = move || works.map_or_else(skipped, |()| try_out(case, kind, &dir));
            Trial::ignorable_test(name, run)
        })
        .collect()
}

fn skipped(reason: String) -> Result<Completion, Failed> {
    Ok(Completion::ignored_with(reason))
}

fn try_out(case: Case, kind: Kind, dir: &Path) -> Result<Completion, Failed> {
    let name = format!("{}::{case}", kind.name());
    let _watchdog = Watchdog::set(&name, LIMIT);
    fs::create_dir(dir).expect("a directory for the case");
    match on_a_fresh_thread(name, case, kind, dir.to_owned()) {
        Verdict::Pass => Ok(Completion::Completed),
        Verdict::Skip(reason) => skipped(reason),
    }
}

/// A case finds no routines and no wake-ups of another, and leaves none: its thread is its own.
fn on_a_fresh_thread(name: String, case: Case, kind: Kind, dir: PathBuf) -> Verdict {
    let body = move || {
        let make = move |settings: overlapped::Builder| settings.backend(kind).build();
        (case.run)(&Env::new(make, dir))
    };
    let thread = thread::Builder::new().name(name).spawn(body).expect("a thread for the case");
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}
