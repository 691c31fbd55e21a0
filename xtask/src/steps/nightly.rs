//! The checkers that only a nightly toolchain has.

use super::counted;
use crate::Result;
use crate::command::{Cmd, cargo, rustup};

/// Only the sanitizers of this target are used; a target must be named at all, for otherwise the
/// flags would also reach build scripts and procedural macros, which cannot be loaded then.
const TARGET: &str = "x86_64-unknown-linux-gnu";

pub(crate) fn miri(args: &[String]) -> Result<String> {
    components(&["miri", "rust-src"])?;
    let lib = "+nightly miri test -p overlapped --lib -- --skip loom_ --skip backend::pool";
    let suite = "+nightly miri test -p overlapped --test miri -- --skip leaky_";
    // What a test forgets on purpose is a leak on purpose.
    let leaky = "+nightly miri test -p overlapped --test miri -- leaky_";
    // So do some of its cases.
    let cases = "+nightly miri test -p overlapped --test conformance -- simulated::";
    let lib = under_miri(lib, "", args)?;
    let suite = under_miri(suite, "", args)?;
    let leaky = under_miri(leaky, " -Zmiri-ignore-leaks", args)?;
    let cases = under_miri(cases, " -Zmiri-ignore-leaks", args)?;
    counted(lib + suite + leaky + cases)
}

fn under_miri(tests: &str, flags: &str, args: &[String]) -> Result<u64> {
    let strict = "-Zmiri-strict-provenance -Zmiri-disable-isolation";
    cargo(tests)
        .env_flags("MIRIFLAGS", &format!("{strict}{flags}"))
        .target_dir("miri")
        .run_tests(args)
}

/// Leaks are looked for in the storms. Some cases of the conformance suite forget operations on
/// purpose, which leaks what they held, as it must.
pub(crate) fn asan(args: &[String]) -> Result<String> {
    components(&["rust-src"])?;
    let storms = sanitized("address", "asan", "", "--test stress").run_tests(args)?;
    let cases = sanitized("address", "asan", "", "--test conformance")
        .env_flags("ASAN_OPTIONS", "detect_leaks=0");
    counted(storms + cases.run_tests(args)?)
}

/// A std that is not instrumented hides its own synchronisation, and every use of a channel or a
/// mutex looks like a race; hence `-Zbuild-std`.
pub(crate) fn tsan(args: &[String]) -> Result<String> {
    components(&["rust-src"])?;
    let tests = "--test stress --test conformance";
    counted(sanitized("thread", "tsan", "-Zbuild-std", tests).run_tests(args)?)
}

/// Release, since storms are slow, but with the assertions of a debug build, and with lines for
/// the sanitizer's report.
fn sanitized(sanitizer: &str, dir: &str, flags: &str, tests: &str) -> Cmd {
    cargo(&format!("+nightly test --release {flags} --target {TARGET} -p overlapped {tests} --"))
        .env_flags("RUSTFLAGS", &format!("-Zsanitizer={sanitizer}"))
        .env("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only")
        .target_dir(dir)
}

/// Adds what is missing of the nightly toolchain, or the toolchain itself.
fn components(wanted: &[&str]) -> Result<()> {
    let Some(installed) = rustup("component list --toolchain nightly --installed").quiet() else {
        return rustup("toolchain install nightly --profile minimal --component")
            .args([wanted.join(",")])
            .run();
    };
    let is_missing = |name: &&&str| !installed.lines().any(|line| line.starts_with(**name));
    let missing: Vec<_> = wanted.iter().filter(is_missing).collect();
    if missing.is_empty() {
        return Ok(());
    }
    rustup("component add --toolchain nightly").args(missing).run()
}
