//! The steps that are a cargo call or two on the default toolchain.

use super::{counted, no_args};
use crate::command::{Cmd, cargo, rustup};
use crate::{Result, workspace};

pub(crate) fn fmt(args: &[String]) -> Result<String> {
    no_args(args)?;
    component("rustfmt", "fmt")?;
    cargo("fmt --all --check").run()?;
    done()
}

pub(crate) fn clippy(args: &[String]) -> Result<String> {
    no_args(args)?;
    component("clippy", "clippy")?;
    deny_warnings("clippy --workspace --all-targets --all-features").run()?;
    done()
}

/// The private pass comes first: both write to the same place, and the public pages shall stay.
pub(crate) fn doc(args: &[String]) -> Result<String> {
    no_args(args)?;
    let doc = |args| cargo(args).env_flags("RUSTDOCFLAGS", "-D warnings");
    doc("doc -p overlapped --lib --no-deps --all-features --document-private-items").run()?;
    doc("doc --workspace --no-deps --all-features").run()?;
    done()
}

pub(crate) fn test(args: &[String]) -> Result<String> {
    no_args(args)?;
    cargo("test --workspace").run()?;
    done()
}

pub(crate) fn stress(args: &[String]) -> Result<String> {
    counted(cargo("test --release -p overlapped --test stress --").run_tests(args)?)
}

/// Each case of the conformance suite on the simulated kernel, under as many schedules by chance as
/// `OVERLAPPED_SEEDS` says. A name picks cases.
pub(crate) fn seeds(args: &[String]) -> Result<String> {
    let cases = format!("simulated::{}", args.join(" "));
    let suite = cargo("test --release -p overlapped --test conformance --").args([cases]);
    counted(suite.env_default("OVERLAPPED_SEEDS", "10000").run_tests(&[])?)
}

/// The library alone: in the workspace another crate may turn on what this one forgot to ask for.
/// Clippy stands in for `cargo check` since it can deny warnings without rebuilding everything.
pub(crate) fn features(args: &[String]) -> Result<String> {
    no_args(args)?;
    component("clippy", "clippy")?;
    deny_warnings("clippy -p overlapped --lib --no-default-features").run()?;
    deny_warnings("clippy -p overlapped --lib --all-features").run()?;
    msrv()
}

fn msrv() -> Result<String> {
    let version = workspace::manifest("rust-version")?;
    let installed = rustup("toolchain list").quiet().unwrap_or_default();
    let Some(toolchain) = toolchain_of(&installed, &version) else {
        let note = format!("MSRV skipped: `rustup toolchain install {version}` would run it");
        println!("{note}");
        return Ok(note);
    };
    cargo(&format!("+{toolchain} check -p overlapped --all-features")).target_dir("msrv").run()?;
    Ok(format!("MSRV {version}"))
}

/// The name of an installed toolchain of that version (`1.85` is `1.85.1-…` to rustup, too).
fn toolchain_of(installed: &str, version: &str) -> Option<String> {
    let names = installed.lines().filter_map(|line| line.split_whitespace().next());
    let fits = |rest: &str| rest.is_empty() || rest.starts_with(['-', '.']);
    names.into_iter().find(|name| name.strip_prefix(version).is_some_and(fits)).map(str::to_owned)
}

fn deny_warnings(args: &str) -> Cmd {
    cargo(args).args(["--", "-D", "warnings"])
}

/// A minimal toolchain has neither rustfmt nor clippy.
pub(super) fn component(name: &str, command: &str) -> Result<()> {
    match cargo(&format!("{command} --version")).quiet() {
        Some(_) => Ok(()),
        None => rustup(&format!("component add {name}")).run(),
    }
}

fn done() -> Result<String> {
    Ok(String::new())
}

#[cfg(test)]
mod tests {
    use super::toolchain_of;

    #[test]
    fn the_msrv_toolchain_is_recognised() {
        let list = "stable-x86_64 (active)\n1.85.1-x86_64-unknown-linux-gnu\n1.850.0-x86_64\n";
        assert_eq!(toolchain_of(list, "1.85").unwrap(), "1.85.1-x86_64-unknown-linux-gnu");
        assert_eq!(toolchain_of(list, "1.8"), None);
        assert_eq!(toolchain_of("1.85-x86_64\n", "1.85").unwrap(), "1.85-x86_64");
    }
}
