//! The library on systems that are not this one: run under Wine, or at least compiled.

use super::counted;
use crate::command::{Cmd, cargo, rustup};
use crate::{Result, workspace};
use std::fs;
use std::path::{Path, PathBuf};

const WINDOWS: &str = "x86_64-pc-windows-gnu";

/// Compiled, and not run.
const OTHERS: &[&str] = &["aarch64-apple-darwin", "x86_64-unknown-freebsd"];

/// What needs no Unix around it.
const TESTS: &str = "--lib --test windows --test it --test miri --test runtime --test conformance";

/// A program, and the packages of Debian that it is made of.
const TOOLS: &[(&str, &[&str])] =
    &[("wine", &["wine", "wine64"]), ("x86_64-w64-mingw32-gcc", &["gcc-mingw-w64-x86-64"])];

/// Names of tests may follow.
pub(crate) fn run(args: &[String]) -> Result<String> {
    tools()?;
    targets()?;
    for target in OTHERS {
        cargo(&format!("check -p overlapped --target {target}")).run()?;
    }
    let prefix = prefix()?;
    let run = |tests: &str| {
        cargo(&format!("test --target {WINDOWS} {tests} --"))
            .env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER", "wine")
            .env("WINEPREFIX", &prefix.to_string_lossy())
            .env("WINEDEBUG", "-all")
            .run_tests(args)
    };
    let library = run(&format!("-p overlapped {TESTS}"))?;
    // The laboratory's cases, by the system's own calls.
    let mirror = run("-p overlapped-lab --test mirror")?;
    counted(library + mirror)
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
    let wanted = OTHERS.iter().chain([&WINDOWS]);
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
