//! Instructions per operation, counted under valgrind, against figures that are checked in.

/// The figures: as they are written, and what is said about new ones.
mod figures;

use crate::command::{Cmd, cargo};
use crate::{Result, workspace};
use figures::Figures;
use std::fs;
use std::path::PathBuf;

const PAGE: &str = "bench/counts.toml";

/// Each case runs for so many, and then for twice as many: what the start costs is in both.
const OPERATIONS: u64 = 8192;

pub(crate) fn run(args: &[String]) -> Result<String> {
    let writes = match args {
        [] => false,
        [arg] if arg == "--write" => true,
        [arg, ..] => return Err(format!("unexpected argument `{arg}`").into()),
    };
    valgrind()?;
    cargo("build --profile bench -p bench --bin counts").run()?;
    fs::create_dir_all(outputs())?;
    let old = workspace::read(PAGE).and_then(|text| Figures::parse(&text));
    let mut now = Figures::new(compiler()?);
    let mut notes = Vec::new();
    let list = Cmd::new(&program()).quiet();
    for line in list.ok_or_else(|| format!("`{}` fails", program()))?.lines() {
        match case(line)? {
            (name, Ok(operations)) => now.set(name, count(name, operations)?),
            (name, Err(reason)) => {
                notes.push(format!("{name} skipped: {reason}"));
                // It may be counted elsewhere, so its figure stays.
                let figure = old.as_ref().ok().and_then(|old| old.get(name));
                figure.into_iter().for_each(|figure| now.set(name, figure));
            }
        }
    }
    if writes {
        print!("{now}");
        fs::write(workspace::root().join(PAGE), now.to_string())?;
        notes.push(format!("{PAGE} is written"));
        return Ok(notes.join("; "));
    }
    notes.extend(figures::judge(&old?, &now)?);
    Ok(notes.join("; "))
}

/// A machine that cannot count is told as a failure, for a fence that is down looks like one that
/// holds. Who does not want it says `cargo xtask ci --skip counts`.
fn valgrind() -> Result<()> {
    if Cmd::new("valgrind").args(["--version"]).quiet().is_some() {
        return Ok(());
    }
    if Cmd::new("id").args(["-u"]).quiet().as_deref() != Some("0") {
        return Err("there is no valgrind; `sudo apt-get install valgrind` or the like".into());
    }
    Cmd::new("apt-get").args(["update"]).run()?;
    Cmd::new("apt-get")
        .args(["install", "--yes", "valgrind"])
        .env("DEBIAN_FRONTEND", "noninteractive")
        .run()
}

/// "NAME OPERATIONS", the operations of a round, or "NAME - REASON" of a case that cannot run here.
fn case(line: &str) -> Result<(&str, std::result::Result<u64, &str>)> {
    let (name, rest) = line.split_once(' ').ok_or_else(|| format!("`{line}` is no case"))?;
    match rest.strip_prefix("- ") {
        Some(reason) => Ok((name, Err(reason))),
        None => Ok((name, Ok(rest.parse()?))),
    }
}

/// Instructions of an operation.
fn count(name: &str, operations: u64) -> Result<u64> {
    let rounds = OPERATIONS / operations;
    let once = instructions(name, rounds)?;
    let twice = instructions(name, 2 * rounds)?;
    let operations = rounds * operations;
    Ok((twice.saturating_sub(once) + operations / 2) / operations)
}

/// Instructions of a process that performs so many rounds, those in the kernel left out.
fn instructions(name: &str, rounds: u64) -> Result<u64> {
    let output = outputs().join(format!("{name}.out"));
    Cmd::new("valgrind")
        .args(["-q", "--tool=callgrind"])
        .args([format!("--callgrind-out-file={}", output.display())])
        .args([&program(), name, &rounds.to_string()])
        .run()?;
    let text = fs::read_to_string(&output)?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
    Ok(total.ok_or_else(|| format!("{}: no `totals:`", output.display()))?.trim().parse()?)
}

/// The version and the target, which decide about instructions more than anything else.
fn compiler() -> Result<String> {
    let said = Cmd::new("rustc").args(["-vV"]).quiet().ok_or("`rustc -vV` fails")?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(format!("{} for {}", said.lines().next().unwrap_or_default(), host.unwrap_or_default()))
}

fn program() -> String {
    workspace::target().join("release/counts").to_string_lossy().into_owned()
}

fn outputs() -> PathBuf {
    workspace::target().join("counts")
}

#[cfg(test)]
mod tests {
    use super::case;

    #[test]
    fn the_list_of_cases_is_read() {
        assert_eq!(case("null-blocking-32 32").unwrap(), ("null-blocking-32", Ok(32)));
        assert_eq!(case("cached-read - not here").unwrap(), ("cached-read", Err("not here")));
        assert!(case("cached-read").is_err());
        assert!(case("cached-read many").is_err());
    }
}
