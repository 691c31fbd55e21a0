//! The conformance suite: what a port must do, whatever is behind it.
//!
//! A case gets an [`Env`] and uses nothing but the library's public interface, what the environment
//! gives, and the [`world`] that it runs in: the real one, or a simulated system. So the suite runs
//! on any port. A case is named after the line of the contract that it holds, and panics if the
//! line is broken.
//!
//! ```
//! use overlapped_sim::{Check, conformance::{Env, Needs, cases}};
//!
//! for case in cases(Needs::Bytes).filter(|case| case.line == "C13") {
//!     let check = Check::new().random(1).runs(10);
//!     let report = check.run(|sim| (case.run)(&Env::simulated(sim)));
//!     assert!(report.failure().is_none(), "{case}");
//! }
//! ```

mod awaits;
mod cancel;
mod drops;
mod events;
mod failures;
mod files;
mod hostile;
mod identity;
mod limits;
mod names;
pub mod races;
mod ranges;
mod registered;
mod routines;
mod scope;
mod shutdown;
mod streams;
mod threads;
mod timeouts;
mod timers;
pub mod tools;
pub mod words;
pub mod world;

use std::{fmt, io, path::PathBuf, sync::Arc, time::Duration};

use overlapped::{
    Builder, Port, Runtime, fs,
    fs::File,
    pipe::{self, Reader, Writer},
};

use crate::Sim;
pub use crate::conformance_cases as table;

/// What a case needs of the world behind the port. Each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// Nothing but time.
    Time,
    /// Files and pipes that are made through the port, with real bytes in them.
    Bytes,
    /// An operating system whose own calls see the same files and pipes.
    System,
}

/// What a case came to. A failure is a panic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The port does what it must.
    Pass,
    /// It could not be tried, and why.
    Skip(String),
}

/// One thing that a port must do.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// What must be so.
    pub name: &'static str,
    /// The line of the contract that says so, as in `"C5"`.
    pub line: &'static str,
    /// Where it can be tried.
    pub needs: Needs,
    /// Tries it. It finds no routines on its thread.
    pub run: fn(&Env) -> Verdict,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number: u8 = self.line[1..].parse().expect("a line of the contract is a number");
        write!(f, "c{number:02}_{}", self.name)
    }
}

/// Where a case runs.
pub struct Env {
    settings: Builder,
    make: Box<dyn Fn(Builder) -> io::Result<Port>>,
    make_runtime: Box<dyn Fn(Builder) -> io::Result<Runtime>>,
    dir: PathBuf,
}

impl Env {
    /// In the real world. Ports come from `make`, with `settings` or what a case makes of them;
    /// files go to the empty `dir`.
    pub fn new(
        settings: Builder,
        make: impl Fn(Builder) -> io::Result<Port> + 'static,
        dir: PathBuf,
    ) -> Self {
        Self { settings, make: Box::new(make), make_runtime: Box::new(Runtime::with), dir }
    }

    /// In a simulated one.
    pub fn simulated(sim: &Sim) -> Self {
        let dir = PathBuf::from("/case");
        sim.directory(&dir);
        sim.latency(Duration::ZERO, Duration::from_millis(1));
        sim.pipe_room(128);
        let (of_port, of_runtime) = (Arc::clone(sim.kernel()), Arc::clone(sim.kernel()));
        Self {
            settings: Port::builder(),
            make: Box::new(move |settings| Ok(settings.build_on(of_port.backend()))),
            make_runtime: Box::new(move |_| Ok(Runtime::with_backend(of_runtime.backend()))),
            dir,
        }
    }

    /// A new port.
    pub fn port(&self) -> Port {
        self.port_with(|settings| settings)
    }

    /// A new port with other settings.
    pub fn port_with(&self, change: impl FnOnce(Builder) -> Builder) -> Port {
        (self.make)(change(self.settings.clone())).expect("the environment makes ports")
    }

    /// A new runtime of the calling thread.
    pub fn runtime(&self) -> Runtime {
        (self.make_runtime)(self.settings.clone()).expect("the environment makes runtimes")
    }

    /// A path that no other case uses.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Whether something has that name.
    pub fn exists(&self, name: &str) -> bool {
        let port = self.port();
        tools::must(fs::metadata(&port, self.path(name))).is_ok()
    }

    /// A new file with `len` bytes of [`tools::numbered`], open for reading and writing.
    pub fn file(&self, port: &Port, len: usize) -> File {
        let file = tools::must(File::create(port, self.path("file"))).expect("a new file");
        let written = tools::must(file.write_all_at(tools::numbered(0, len), 0));
        assert_eq!(written.expect("a new file takes bytes").n, len);
        file
    }

    /// A new pipe.
    pub fn pipe(&self, port: &Port) -> (Reader, Writer) {
        pipe::pair(port).expect("a new pipe")
    }
}

/// What a case's function may return: one that cannot be skipped returns nothing.
pub trait Told {
    /// What it came to.
    fn verdict(self) -> Verdict;
}

impl Told for () {
    fn verdict(self) -> Verdict {
        Verdict::Pass
    }
}

impl Told for Verdict {
    fn verdict(self) -> Verdict {
        self
    }
}

/// A table `CASES` of [`Case`](crate::conformance::Case)s: what each needs, its line of the
/// contract, its function.
#[macro_export]
macro_rules! conformance_cases {
    ($($needs:ident $line:literal $name:ident;)+) => {
        pub(super) const CASES: &[$crate::conformance::Case] = &[$($crate::conformance::Case {
            name: stringify!($name),
            line: $line,
            needs: $crate::conformance::Needs::$needs,
            run: |env| $crate::conformance::Told::verdict($name(env)),
        }),+];
    };
}

/// All cases that can run where `offered` is offered.
pub fn cases(offered: Needs) -> impl Iterator<Item = Case> {
    let all = [
        awaits::CASES,
        cancel::CASES,
        drops::CASES,
        events::CASES,
        failures::CASES,
        files::CASES,
        hostile::CASES,
        identity::CASES,
        limits::CASES,
        names::CASES,
        ranges::CASES,
        registered::CASES,
        routines::CASES,
        scope::CASES,
        shutdown::CASES,
        streams::CASES,
        threads::CASES,
        timeouts::CASES,
        timers::CASES,
    ];
    all.into_iter().flatten().copied().filter(move |case| case.needs <= offered)
}
