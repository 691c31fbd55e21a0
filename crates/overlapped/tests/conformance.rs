//! The conformance suite on every backend of this system, and on some in more than one shape: one
//! test for each case and subject, named `io_uring::c05_cancel_raced_with_completion` and so on.
//! What could not be tried is reported as ignored, with the reason, apart from what passed.

#[path = "conformance/mod.rs"]
mod conformance;

#[path = "support/buffers.rs"]
mod buffers;
#[path = "support/hostile.rs"]
mod hostile;
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
use overlapped::{Builder, Port, backend::Kind};
use scratch::Scratch;
use watchdog::Watchdog;

/// No case takes longer, not even under a sanitizer.
const LIMIT: Duration = Duration::from_secs(120);

/// Something to run the suite on.
#[derive(Clone, Copy)]
struct Subject {
    name: &'static str,
    kind: Kind,
    offers: Needs,
    settings: fn(Builder) -> Builder,
}

const SUBJECTS: [Subject; 5] = [
    subject("io_uring", Kind::Uring, |settings| settings),
    subject("threads", Kind::Threads, |settings| settings),
    // As on a machine with many processors.
    subject("io_uring_in_shards", Kind::Uring, |settings| settings.shards(3)),
    // Whoever blocks it blocks everything.
    subject("one_thread", Kind::Threads, |settings| settings.max_workers(1)),
    Subject { offers: Needs::Time, ..subject("null", Kind::Null, |settings| settings) },
];

const fn subject(name: &'static str, kind: Kind, settings: fn(Builder) -> Builder) -> Subject {
    Subject { name, kind, offers: Needs::System, settings }
}

impl Subject {
    fn settings(self) -> Builder {
        (self.settings)(Port::builder().backend(self.kind))
    }
}

fn main() -> ExitCode {
    let args = Arguments::from_args();
    let scratch = Scratch::new();
    let trials = SUBJECTS.into_iter().flat_map(|subject| trials(subject, scratch.path()));
    libtest_mimic::run(&args, trials.collect()).exit_code()
}

/// All cases for one subject.
fn trials(subject: Subject, dir: &Path) -> Vec<Trial> {
    // If it does not work here at all, each case says so.
    let works = subject.settings().build().map(drop).map_err(|error| error.to_string());
    let trial = |case: Case| {
        let name = format!("{}::{case}", subject.name);
        let dir = dir.join(name.replace(':', "-"));
        let (own_name, works) = (name.clone(), works.clone());
        let run = move || works.map_or_else(skipped, |()| try_out(own_name, case, subject, &dir));
        Trial::ignorable_test(name, run)
    };
    all(subject.offers).map(trial).collect()
}

fn skipped(reason: String) -> Result<Completion, Failed> {
    Ok(Completion::ignored_with(reason))
}

fn try_out(name: String, case: Case, subject: Subject, dir: &Path) -> Result<Completion, Failed> {
    let _watchdog = Watchdog::set(&name, LIMIT);
    fs::create_dir(dir).expect("a directory for the case");
    match on_a_fresh_thread(name, case, subject, dir.to_owned()) {
        Verdict::Pass => Ok(Completion::Completed),
        Verdict::Skip(reason) => skipped(reason),
    }
}

/// A case finds no routines and no wake-ups of another, and leaves none: its thread is its own.
fn on_a_fresh_thread(name: String, case: Case, subject: Subject, dir: PathBuf) -> Verdict {
    let body = move || (case.run)(&Env::new(subject.settings(), Builder::build, dir));
    let thread = thread::Builder::new().name(name).spawn(body).expect("a thread for the case");
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}
