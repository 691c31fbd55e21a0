//! The conformance suite on every backend of this system, and on some in more than one shape: one
//! test for each case and subject, named `io_uring::c05_cancel_raced_with_completion` and so on.
//! What could not be tried is reported as ignored, with the reason, apart from what passed.

#[path = "conformance/mod.rs"]
mod conformance;
#[path = "conformance/simulated.rs"]
mod simulated;

#[path = "support/hostile.rs"]
mod hostile;
#[path = "support/locals.rs"]
mod locals;
#[path = "support/probe.rs"]
mod probe;
#[path = "support/scratch.rs"]
mod scratch;
#[path = "support/telling.rs"]
mod telling;
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

use conformance::all;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use overlapped::{Builder, Port, Runtime, backend::Kind};
use overlapped_sim::conformance::{Case, Env, Needs, Verdict, world};
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
    place: Place,
}

/// Which threads a port belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Shared,
    /// As shared, but in a simulated world.
    Simulated,
    /// To one that does nothing but turn.
    Elsewhere,
    /// To the case's own.
    Here,
}

#[cfg(not(windows))]
const SUBJECTS: [Subject; 9] = [
    subject("io_uring", Kind::Uring, |settings| settings),
    subject("threads", Kind::Threads, |settings| settings),
    // As on a machine with many processors.
    subject("io_uring_in_shards", Kind::Uring, |settings| settings.shards(3)),
    // Whoever blocks it blocks everything.
    subject("one_thread", Kind::Threads, |settings| settings.max_workers(1)),
    Subject { offers: Needs::Time, ..subject("null", Kind::Null, |settings| settings) },
    Subject {
        offers: Needs::Bytes,
        place: Place::Simulated,
        ..subject("simulated", Kind::Custom("simulated"), |settings| settings)
    },
    local("local_elsewhere", Kind::Uring, Place::Elsewhere),
    local("local_here", Kind::Uring, Place::Here),
    Subject { offers: Needs::Time, ..local("local_null", Kind::Null, Place::Elsewhere) },
];

#[cfg(windows)]
const SUBJECTS: [Subject; 11] = [
    subject("iocp", Kind::Iocp, |settings| settings),
    subject("threads", Kind::Threads, |settings| settings),
    // Whoever blocks it blocks everything that has no overlapped form.
    subject("one_worker", Kind::Iocp, |settings| settings.max_workers(1)),
    subject("one_thread", Kind::Threads, |settings| settings.max_workers(1)),
    Subject { offers: Needs::Time, ..subject("null", Kind::Null, |settings| settings) },
    local("local_threads", Kind::Threads, Place::Elsewhere),
    local("local_elsewhere", Kind::Iocp, Place::Elsewhere),
    local("local_here", Kind::Iocp, Place::Here),
    local("apc_elsewhere", Kind::Apc, Place::Elsewhere),
    local("apc_here", Kind::Apc, Place::Here),
    Subject { offers: Needs::Time, ..local("local_null", Kind::Null, Place::Elsewhere) },
];

const fn subject(name: &'static str, kind: Kind, settings: fn(Builder) -> Builder) -> Subject {
    Subject { name, kind, offers: Needs::System, settings, place: Place::Shared }
}

const fn local(name: &'static str, kind: Kind, place: Place) -> Subject {
    Subject { place, ..subject(name, kind, |settings| settings) }
}

/// What a local port does otherwise, and says so; and what a case cannot try there.
const SKIPS: &[(&[Place], &str, &[&str])] = &[
    (
        &[Place::Elsewhere, Place::Here],
        "a local port ends with its runtime, not with its last handle",
        &[
            "a_port_dropped_with_a_crowd_in_flight",
            "a_port_is_dropped_while_an_operation_is_awaited",
            "a_port_is_dropped_while_an_operation_is_waited_for",
            "the_last_handle_may_be_dropped_by_a_waker",
        ],
    ),
    (
        &[Place::Elsewhere],
        "the case counts on nobody's turning: an operation is over before it is let go",
        &["a_dropped_write_runs_to_its_end_before_the_next", "a_shutdown_lets_file_operations_end"],
    ),
    (
        &[Place::Elsewhere],
        "buffers and files are registered on the port's own thread only",
        &[
            "a_pool_beyond_the_limit_of_locked_memory_is_a_plain_one",
            "a_pool_says_whether_it_is_registered",
        ],
    ),
    (
        &[Place::Here],
        "the port's own thread joins another and does not serve it meanwhile",
        &[
            "a_read_outlives_every_thread_that_drove_the_port",
            "awaiting_and_blocking_go_together",
            "many_sleeps_end_each_at_its_time",
            "many_tasks_on_many_threads",
            "many_threads_share_a_port",
            "ranges_come_while_another_thread_drives",
            "several_threads_may_shut_a_port_down",
            "the_limit_is_the_port_s_whatever_its_shape",
            "those_who_wait_do_not_stand_in_each_other_s_way",
        ],
    ),
    (
        &[Place::Here],
        "a runtime's loop runs routines, too, and the panic comes out of that",
        &["a_panic_in_a_routine_unwinds_and_the_others_stay"],
    ),
    (
        &[Place::Here],
        "no read is over at once on this system, so the port's own thread is needed, or its loop",
        NEVER_AT_ONCE,
    ),
];

#[cfg(not(windows))]
const NEVER_AT_ONCE: &[&str] = &[];
#[cfg(windows)]
const NEVER_AT_ONCE: &[&str] = &[
    "a_routine_runs_in_an_alertable_wait_and_nowhere_else",
    "ranges_are_waited_for_by_another_thread_than_started_them",
    "scopes_nest_and_may_be_shared_by_threads",
];

/// What this system does otherwise, whatever the port.
#[cfg(not(windows))]
const OTHERWISE: &[(&str, &[&str])] = &[];

#[cfg(windows)]
const OTHERWISE: &[(&str, &[&str])] = &[
    (
        "a pipe takes a write as a whole; how much of it a reader has taken by then is not told",
        &[
            "a_short_write_that_nobody_took_is_told",
            "a_write_that_is_cancelled_half_way_tells_what_went_out",
            "an_abandoned_write_that_was_cancelled_owes_nothing",
        ],
    ),
    ("Wine keeps the name of a removed file while it is open", &["a_file_outlives_its_name"]),
];

impl Subject {
    /// Why a case is not tried on it.
    fn skips(self, case: Case) -> Option<&'static str> {
        let fits = |(places, _, cases): &&(&[Place], &str, &[&str])| {
            places.contains(&self.place) && cases.contains(&case.name)
        };
        let otherwise = OTHERWISE.iter().find(|(_, cases)| cases.contains(&case.name));
        let here = SKIPS.iter().find(fits).map(|(_, reason, _)| *reason);
        here.or(otherwise.map(|(reason, _)| *reason))
    }

    fn settings(self) -> Builder {
        (self.settings)(Port::builder().backend(self.kind))
    }

    fn works(self) -> Result<(), String> {
        match self.place {
            Place::Simulated => Ok(()),
            Place::Shared => self.settings().build().map(drop),
            Place::Elsewhere | Place::Here => Runtime::with(self.settings()).map(drop),
        }
        .map_err(|error| error.to_string())
    }

    fn env(self, dir: PathBuf) -> Env {
        match self.place {
            Place::Shared | Place::Simulated => Env::new(self.settings(), Builder::build, dir),
            Place::Elsewhere => {
                let ports = locals::Elsewhere::default();
                Env::new(self.settings(), move |settings| ports.port(settings), dir)
            }
            Place::Here => {
                let ports = locals::Here::default();
                let theirs = ports.clone();
                world::when_idle(move |long| theirs.serve(long));
                Env::new(self.settings(), move |settings| ports.port(settings), dir)
            }
        }
    }
}

fn main() -> ExitCode {
    let args = Arguments::from_args();
    let scratch = Scratch::new();
    // Miri has no kernel but the simulated one.
    let fits = |subject: &Subject| !cfg!(miri) || subject.place == Place::Simulated;
    let subjects = SUBJECTS.into_iter().filter(fits);
    let trials = subjects.flat_map(|subject| trials(subject, scratch.path()));
    libtest_mimic::run(&args, trials.collect()).exit_code()
}

/// All cases for one subject.
fn trials(subject: Subject, dir: &Path) -> Vec<Trial> {
    let unknown = |case: &&&str| !all(Needs::System).any(|known| known.name == **case);
    let skips = SKIPS.iter().flat_map(|(_, _, cases)| *cases);
    let mut skips = skips.chain(OTHERWISE.iter().flat_map(|(_, cases)| *cases));
    // Elsewhere not every case is there.
    assert!(cfg!(not(target_os = "linux")) || skips.find(unknown).is_none(), "no such case");
    // If it does not work here at all, each case says so.
    let works = subject.works();
    let trial = |case: Case| {
        let name = format!("{}::{case}", subject.name);
        let dir = dir.join(name.replace(':', "-"));
        let (own_name, works) = (name.clone(), works.clone());
        let run = move || works.map_or_else(skipped, |()| try_out(own_name, case, subject, &dir));
        Trial::ignorable_test(name, run)
    };
    let matters = |case: &Case| !cfg!(miri) || simulated::OF_MEMORY.contains(&case.line);
    all(subject.offers).filter(matters).map(trial).collect()
}

fn skipped(reason: String) -> Result<Completion, Failed> {
    Ok(Completion::ignored_with(reason))
}

fn try_out(name: String, case: Case, subject: Subject, dir: &Path) -> Result<Completion, Failed> {
    if let Some(reason) = subject.skips(case) {
        return skipped(reason.to_owned());
    }
    let _watchdog = Watchdog::set(&name, LIMIT);
    fs::create_dir(dir).expect("a directory for the case");
    match on_a_fresh_thread(name, case, subject, dir.to_owned()) {
        Verdict::Pass => Ok(Completion::Completed),
        Verdict::Skip(reason) => skipped(reason),
    }
}

/// A case finds no routines and no wake-ups of another, and leaves none: its thread is its own.
fn on_a_fresh_thread(name: String, case: Case, subject: Subject, dir: PathBuf) -> Verdict {
    let body = move || {
        let verdict = match subject.place {
            Place::Simulated => simulated::run(case),
            _ => (case.run)(&subject.env(dir)),
        };
        world::when_over();
        verdict
    };
    let thread = thread::Builder::new().name(name).spawn(body).expect("a thread for the case");
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}
