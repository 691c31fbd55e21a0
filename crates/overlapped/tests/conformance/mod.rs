//! The conformance suite: what a port must do, whatever is behind it.
//!
//! A case gets an [`Env`] and uses nothing but the library's public interface and what the
//! environment gives. So the suite runs on any port; `tests/conformance.rs` runs it on each backend
//! of this system. A case is named after the line of the contract that it holds, and panics if
//! the line is broken.

// What every port can do.
mod awaits;
mod cancel;
mod drops;
mod events;
mod failures;
mod files;
mod identity;
mod limits;
mod names;
pub(crate) mod races;
mod ranges;
mod registered;
mod routines;
mod scope;
mod shutdown;
mod streams;
mod timeouts;
mod timers;
pub(crate) mod tools;

// What needs Linux around it, or buffers of its own.
#[cfg(target_os = "linux")]
mod crowds;
#[cfg(target_os = "linux")]
mod descriptors;
#[cfg(target_os = "linux")]
mod devices;
mod hostile;
#[cfg(target_os = "linux")]
mod memory;
pub(crate) mod storms;
#[cfg(target_os = "linux")]
mod tables;
mod threads;

use std::{fmt, io, path::PathBuf};

use overlapped::{
    Builder, Port,
    fs::File,
    pipe::{self, Reader, Writer},
};

/// What a case needs of the world behind the port. Each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Needs {
    /// Nothing but time.
    Time,
    /// Files and pipes that are made through the port, with real bytes in them.
    Bytes,
    /// An operating system whose own calls see the same files and pipes.
    System,
}

/// What a case came to. A failure is a panic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Pass,
    /// It could not be tried, and why.
    Skip(String),
}

/// One thing that a port must do.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    /// What must be so.
    pub(crate) name: &'static str,
    /// The line of the contract that says so, as in `"C5"`.
    pub(crate) line: &'static str,
    pub(crate) needs: Needs,
    pub(crate) run: fn(&Env) -> Verdict,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number: u8 = self.line[1..].parse().expect("a line of the contract is a number");
        write!(f, "c{number:02}_{}", self.name)
    }
}

/// Where a case runs.
pub(crate) struct Env {
    settings: Builder,
    make: Box<dyn Fn(Builder) -> io::Result<Port>>,
    dir: PathBuf,
}

impl Env {
    /// Ports come from `make`, with `settings` or what a case makes of them; files go to the empty
    /// `dir`.
    pub(crate) fn new(
        settings: Builder,
        make: impl Fn(Builder) -> io::Result<Port> + 'static,
        dir: PathBuf,
    ) -> Self {
        Self { settings, make: Box::new(make), dir }
    }

    /// A new port.
    fn port(&self) -> Port {
        self.port_with(|settings| settings)
    }

    /// A new port with other settings.
    fn port_with(&self, change: impl FnOnce(Builder) -> Builder) -> Port {
        (self.make)(change(self.settings.clone())).expect("the environment makes ports")
    }

    /// A path that no other case uses.
    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// A new file with `len` bytes of [`tools::numbered`], open for reading and writing.
    fn file(&self, port: &Port, len: usize) -> File {
        let file = tools::must(File::create(port, self.path("file"))).expect("a new file");
        let written = tools::must(file.write_all_at(tools::numbered(0, len), 0));
        assert_eq!(written.expect("a new file takes bytes").n, len);
        file
    }

    /// A new pipe.
    #[expect(clippy::unused_self, reason = "another environment may make them otherwise")]
    fn pipe(&self, port: &Port) -> (Reader, Writer) {
        pipe::pair(port).expect("a new pipe")
    }
}

/// A case that cannot be skipped returns nothing.
trait Told {
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

/// A table of cases: what each needs, its line of the contract, its function.
macro_rules! cases {
    ($($needs:ident $line:literal $name:ident;)+) => {
        pub(super) const CASES: &[crate::conformance::Case] = &[$(crate::conformance::Case {
            name: stringify!($name),
            line: $line,
            needs: crate::conformance::Needs::$needs,
            run: |env| crate::conformance::Told::verdict($name(env)),
        }),+];
    };
}
use cases;

/// All cases that can run where `offered` is offered.
pub(crate) fn all(offered: Needs) -> impl Iterator<Item = Case> {
    let portable = [
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
    let all = portable.into_iter().chain(linux::CASES.iter().copied());
    all.flatten().copied().filter(move |case| case.needs <= offered)
}

#[cfg(target_os = "linux")]
mod linux {
    use super::{Case, crowds, descriptors, devices, memory, tables};

    pub(super) const CASES: &[&[Case]] =
        &[crowds::CASES, descriptors::CASES, devices::CASES, memory::CASES, tables::CASES];
}

#[cfg(not(target_os = "linux"))]
mod linux {
    pub(super) const CASES: &[&[super::Case]] = &[];
}
