//! The workspace on systems that are not this one: run under Wine, or at least compiled.

use super::{basic::component, counted};
use crate::command::{Cmd, cargo, rustup};
use crate::{Result, workspace};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fmt, fs};

pub(super) const TARGET: &str = "x86_64-pc-windows-gnu";

/// Compiled with lints, and not run.
const OTHERS: &[&str] = &["aarch64-apple-darwin", "x86_64-unknown-freebsd"];

/// What runs under Wine, in groups that are timed apart.
const TESTS: &[(&str, &str)] = &[
    (
        "the library",
        "-p overlapped --lib \
         --test allocations --test handles --test it --test miri --test runtime --test windows",
    ),
    ("examples in the documentation", "-p overlapped --doc"),
    ("conformance", "-p overlapped --test conformance"),
    ("the simulated kernel", "-p overlapped-sim --lib --test *"),
    // The mirror's cases run by the system's own calls.
    ("the laboratory", "-p overlapped-lab --test *"),
    ("the command", "-p overlapped-cli --bins --test *"),
    // In a debug build it takes most of the time to look at the memory.
    ("storms", "--release -p overlapped --test stress"),
];

/// How long the storms are: `cargo xtask stress` has the whole of them.
const STORMS: (&str, &str) = ("OVERLAPPED_STRESS", "0.1");

/// A program, and the packages of Debian that it is made of.
const TOOLS: &[(&str, &[&str])] =
    &[("wine", &["wine", "wine64"]), ("x86_64-w64-mingw32-gcc", &["gcc-mingw-w64-x86-64"])];

/// Names of tests may follow; then nothing else is done.
pub(crate) fn run(args: &[String]) -> Result<String> {
    let wine = wine()?;
    let mut times = Times::default();
    if args.is_empty() {
        component("clippy", "clippy")?;
        for target in OTHERS.iter().chain([&TARGET]) {
            let lints = format!("clippy --workspace --all-targets --target {target}");
            times.take(&format!("lints for {target}"), || {
                cargo(&lints).args(["--", "-D", "warnings"]).run()
            })?;
        }
        let docs = "doc -p overlapped --lib --no-deps --all-features --document-private-items";
        times.take("documentation", || {
            cargo(docs).args(["--target", TARGET]).env_flags("RUSTDOCFLAGS", "-D warnings").run()
        })?;
        let build = format!("build --workspace --all-targets --target {TARGET}");
        times.take("build", || cargo(&build).run())?;
    }
    let mut count = 0;
    for (what, tests) in TESTS {
        let run = cargo(&format!("test --target {TARGET} {tests} --"))
            .env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER", "wine")
            .env("WINEPREFIX", &wine.prefix.to_string_lossy())
            .env("WINEDEBUG", "-all")
            .env_default(STORMS.0, STORMS.1);
        count += times.take(what, || run.run_tests(args))?;
    }
    print!("{times}");
    counted(count)
}

/// What took how long.
#[derive(Default)]
struct Times(Vec<(String, Duration)>);

impl Times {
    fn take<T>(&mut self, what: &str, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        self.0.push((what.to_owned(), start.elapsed()));
        result
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|(what, took)| writeln!(f, "  {:<32}{:>9.1} s", what, took.as_secs_f64()))
    }
}

/// What a program for Windows runs in.
pub(super) struct Wine {
    prefix: PathBuf,
}

/// Makes sure that there is all that is needed to build for Windows and to run it.
pub(super) fn wine() -> Result<Wine> {
    tools()?;
    targets()?;
    Ok(Wine { prefix: prefix()? })
}

impl Wine {
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("wine");
        command.arg(program).env("WINEPREFIX", &self.prefix).env("WINEDEBUG", "-all");
        command
    }
}

fn tools() -> Result<()> {
    let is_missing =
        |(program, _): &&(&str, &[&str])| Cmd::new(program).args(["--version"]).quiet().is_none();
    let missing = TOOLS.iter().filter(is_missing).flat_map(|(_, packages)| *packages);
    let missing: Vec<_> = missing.copied().collect();
    if missing.is_empty() {
        return Ok(());
    }
    install(&missing).map_err(|error| {
        format!("{error}; `cargo xtask windows` needs {}", missing.join(" and ")).into()
    })
}

fn install(packages: &[&str]) -> Result<()> {
    Cmd::new("apt-get").args(["update"]).run()?;
    let install = ["install", "--yes", "--no-install-recommends"];
    Cmd::new("apt-get").args(install).args(packages).env("DEBIAN_FRONTEND", "noninteractive").run()
}

fn targets() -> Result<()> {
    let installed = rustup("target list --installed").quiet().unwrap_or_default();
    let wanted = OTHERS.iter().chain([&TARGET]);
    let missing: Vec<_> =
        wanted.filter(|target| !installed.lines().any(|line| line == **target)).collect();
    if missing.is_empty() { Ok(()) } else { rustup("target add").args(missing).run() }
}

/// A Windows for Wine of our own, with the one library that it lacks.
fn prefix() -> Result<PathBuf> {
    let home = workspace::target().join("wine");
    let prefix = home.join("prefix");
    let system = prefix.join("drive_c/windows/system32");
    fs::create_dir_all(&home)?;
    if !system.is_dir() {
        Cmd::new("wine")
            .args(["wineboot", "--init"])
            .env("WINEPREFIX", &prefix.to_string_lossy())
            .env("WINEDEBUG", "-all")
            // No offer to fetch what renders web pages or runs .NET.
            .env("WINEDLLOVERRIDES", "mscoree,mshtml=")
            .run()?;
    }
    shim(&system)?;
    Ok(prefix)
}

fn shim(system: &Path) -> Result<()> {
    let to = system.join("bcryptprimitives.dll").to_string_lossy().into_owned();
    let from = "xtask/src/steps/windows/bcryptprimitives.c";
    Cmd::new("x86_64-w64-mingw32-gcc").args(["-shared", "-o", &to, from, "-ladvapi32"]).run()
}
