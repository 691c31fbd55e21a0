//! cargo-deny: licences, bans and sources of all dependencies, as `deny.toml` says. Advisories
//! are left out: they need a database from the network, and their verdict changes overnight.

use super::no_args;
use crate::command::{Cmd, cargo};
use crate::{Result, workspace};
use std::fs;
use std::path::PathBuf;

const VERSION: &str = "0.18.5";

pub(crate) fn run(args: &[String]) -> Result<String> {
    no_args(args)?;
    let tool = tool()?;
    Cmd::new(&tool)
        .args("--workspace --all-features check licenses bans sources".split_whitespace())
        .run()?;
    Ok(String::new())
}

/// The person's own cargo-deny if it is of our version, else one below `target/`.
fn tool() -> Result<String> {
    let own = tools().join("bin/cargo-deny").to_string_lossy().into_owned();
    for candidate in ["cargo-deny".to_owned(), own.clone()] {
        if Cmd::new(&candidate).args(["--version"]).quiet().is_some_and(|said| is_ours(&said)) {
            return Ok(candidate);
        }
    }
    install()?;
    Ok(own)
}

fn is_ours(said: &str) -> bool {
    said.strip_prefix("cargo-deny ") == Some(VERSION)
}

/// A debug build without debug information takes a third of the time of a release build, and
/// the check itself takes no time either way. What was built on the way, over a gigabyte, goes.
fn install() -> Result<()> {
    cargo(&format!("install cargo-deny --version {VERSION} --locked --debug --root"))
        .args([tools().to_string_lossy()])
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("CARGO_INCREMENTAL", "0")
        .target_dir("tools/build")
        .run()?;
    Ok(fs::remove_dir_all(tools().join("build"))?)
}

fn tools() -> PathBuf {
    workspace::target().join("tools")
}
