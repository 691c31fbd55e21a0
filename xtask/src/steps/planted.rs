//! Planted bugs: the library is broken on purpose, in a copy, and a named test must notice. One
//! that does not is a checker that checks nothing.

/// The bugs.
mod table;

use crate::command::Cmd;
use crate::{Result, workspace};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use table::{BUGS, Bug};

/// A test that passes ends long before that. One that has not ended by then hangs: it has noticed.
const BUDGET: Duration = Duration::from_secs(20);

pub(crate) fn run(args: &[String]) -> Result<String> {
    let tree = copy()?;
    let wanted = |bug: &&Bug| args.is_empty() || args.iter().any(|arg| bug.name.contains(arg));
    let bugs: Vec<_> = BUGS.iter().filter(wanted).collect();
    if bugs.is_empty() {
        return Err("no planted bug has such a name".into());
    }
    // Each check must pass as long as nothing is planted.
    let program = build(&tree)?.ok_or("the tests do not compile")?;
    for bug in &bugs {
        if look(&program, &tree, bug.check)? != Verdict::Passed {
            return Err(format!("`{}` fails without a planted bug", bug.check).into());
        }
    }
    let mut missed = Vec::new();
    for bug in &bugs {
        let start = Instant::now();
        let verdict = plant(&tree, bug)?;
        let took = start.elapsed().as_secs_f64();
        println!("{:<4} {:<58} {verdict:?} by {} ({took:.1} s)", bug.line, bug.name, bug.check);
        if matches!(verdict, Verdict::Passed) {
            missed.push(bug.name);
        }
    }
    match missed.len() {
        0 => Ok(format!("{} bugs, all found", bugs.len())),
        _ => Err(format!("not found: {}", missed.join("; ")).into()),
    }
}

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Passed,
    /// It failed, and said so.
    Found,
    /// The process died of it.
    Crashed,
    /// It was ended when the budget was spent.
    Hung,
}

/// Breaks the copy, looks, and mends it.
fn plant(tree: &Path, bug: &Bug) -> Result<Verdict> {
    let path = tree.join("crates/overlapped/src").join(bug.file);
    let sound = fs::read_to_string(&path)?;
    if sound.matches(bug.from).count() != 1 {
        return Err(format!("{}: `{}` does not stand there once", bug.file, bug.from).into());
    }
    fs::write(&path, sound.replace(bug.from, bug.to))?;
    let program = build(tree);
    fs::write(&path, sound)?;
    let program = program?.ok_or_else(|| format!("`{}` does not compile", bug.name))?;
    look(&program, tree, bug.check)
}

/// The tree as it is, without what git does not know.
fn copy() -> Result<PathBuf> {
    let tree = workspace::target().join("planted/tree");
    let listed = Cmd::new("git").args(["ls-files", "--cached", "--others", "--exclude-standard"]);
    let listed = listed.quiet().ok_or("`git ls-files` fails")?;
    let _old = fs::remove_dir_all(&tree);
    for file in listed.lines() {
        let (from, to) = (workspace::root().join(file), tree.join(file));
        if from.is_file() {
            fs::create_dir_all(to.parent().ok_or("a file is in a folder")?)?;
            fs::copy(from, to)?;
        }
    }
    Ok(tree)
}

/// Builds the tests; `None` if they do not compile.
fn build(tree: &Path) -> Result<Option<PathBuf>> {
    let output = Command::new("cargo")
        .current_dir(tree)
        .env("CARGO_TARGET_DIR", workspace::target().join("planted/build"))
        .env("RUSTFLAGS", "-Awarnings")
        .args(["test", "--quiet", "-p", "overlapped-sim", "--test", "contract", "--no-run"])
        .args(["--message-format", "json-render-diagnostics"])
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Ok(None);
    }
    let text = String::from_utf8(output.stdout)?;
    let executable = |line: &str| {
        let (_, rest) = line.split_once("\"executable\":\"")?;
        Some(PathBuf::from(rest.split_once('"')?.0))
    };
    Ok(text.lines().filter_map(executable).find(|path| path.to_string_lossy().contains("contract")))
}

/// Runs one test.
fn look(program: &Path, tree: &Path, check: &str) -> Result<Verdict> {
    let mut child = Command::new(program)
        .current_dir(tree)
        .args(["--exact", check])
        .env("RUST_BACKTRACE", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let Some(status) = ended(&mut child)? else {
        child.kill()?;
        child.wait()?;
        return Ok(Verdict::Hung);
    };
    Ok(match status.code() {
        Some(0) => Verdict::Passed,
        Some(101) => Verdict::Found,
        _ => Verdict::Crashed,
    })
}

fn ended(child: &mut Child) -> Result<Option<std::process::ExitStatus>> {
    let start = Instant::now();
    while start.elapsed() < BUDGET {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::table::BUGS;
    use crate::workspace;

    #[test]
    fn every_bug_can_be_planted_and_names_a_test() {
        assert!(BUGS.len() >= 20);
        for bug in BUGS {
            let (module, test) = bug.check.split_once("::").expect("a module and a test");
            let tests = format!("crates/overlapped-sim/tests/contract/{module}.rs");
            let tests = workspace::read(&tests).unwrap();
            let text = workspace::read(&format!("crates/overlapped/src/{}", bug.file)).unwrap();
            assert_eq!(text.matches(bug.from).count(), 1, "{}", bug.name);
            assert!(tests.contains(&format!("fn {test}()")), "{}", bug.check);
        }
    }
}
