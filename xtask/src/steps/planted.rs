//! Planted bugs: the library is broken on purpose, in a copy, and a named test must notice. One
//! that does not is a checker that checks nothing.

/// The bugs.
mod table;

use super::windows::{self, Wine};
use crate::command::Cmd;
use crate::{Result, workspace};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use table::{Bug, SUITES, Suite};

/// A test that passes ends long before that. One that has not ended by then hangs: it has noticed.
const BUDGET: Duration = Duration::from_secs(20);

pub(crate) fn run(args: &[String]) -> Result<String> {
    let tree = copy()?;
    let mut missed = Vec::new();
    let mut count = 0;
    for suite in SUITES {
        let wanted = |bug: &&Bug| args.is_empty() || args.iter().any(|arg| bug.name.contains(arg));
        let bugs: Vec<_> = suite.bugs.iter().filter(wanted).collect();
        if !bugs.is_empty() {
            let wine = suite.on_windows.then(windows::wine).transpose()?;
            missed.extend(Bench { tree: &tree, suite, wine }.try_all(&bugs)?);
            count += bugs.len();
        }
    }
    match (count, missed.len()) {
        (0, _) => Err("no planted bug has such a name".into()),
        (_, 0) => Ok(format!("{count} bugs, all found")),
        _ => Err(format!("not found: {}", missed.join("; ")).into()),
    }
}

/// Where the bugs of a suite are planted, and looked for.
struct Bench<'a> {
    tree: &'a Path,
    suite: &'a Suite,
    wine: Option<Wine>,
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

impl Bench<'_> {
    /// Plants one bug after the other; the names of those that are not found.
    fn try_all(&self, bugs: &[&Bug]) -> Result<Vec<&'static str>> {
        // Each check must pass as long as nothing is planted.
        let program = self.build()?.ok_or("the tests do not compile")?;
        for bug in bugs {
            if self.look(&program, bug.check)? != Verdict::Passed {
                return Err(format!("`{}` fails without a planted bug", bug.check).into());
            }
        }
        let mut missed = Vec::new();
        for bug in bugs {
            let start = Instant::now();
            let verdict = self.plant(bug)?;
            let took = start.elapsed().as_secs_f64();
            println!("{:<4} {:<58} {verdict:?} by {} ({took:.1} s)", bug.line, bug.name, bug.check);
            if matches!(verdict, Verdict::Passed) {
                missed.push(bug.name);
            }
        }
        Ok(missed)
    }

    /// Breaks the copy, looks, and mends it.
    fn plant(&self, bug: &Bug) -> Result<Verdict> {
        let path = self.tree.join(self.suite.sources).join(bug.file);
        let sound = fs::read_to_string(&path)?;
        if sound.matches(bug.from).count() != 1 {
            return Err(format!("{}: `{}` does not stand there once", bug.file, bug.from).into());
        }
        fs::write(&path, sound.replace(bug.from, bug.to))?;
        let program = self.build();
        fs::write(&path, sound)?;
        let program = program?.ok_or_else(|| format!("`{}` does not compile", bug.name))?;
        self.look(&program, bug.check)
    }

    /// Builds the tests; `None` if they do not compile.
    fn build(&self) -> Result<Option<PathBuf>> {
        let Suite { package, test, .. } = self.suite;
        let output = Command::new("cargo")
            .current_dir(self.tree)
            .env("CARGO_TARGET_DIR", workspace::target().join("planted/build"))
            .env("RUSTFLAGS", "-Awarnings")
            .args(["test", "--quiet", "-p", package, "--test", test, "--no-run"])
            .args(self.wine.iter().flat_map(|_| ["--target", windows::TARGET]))
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
        let is_test = |path: &PathBuf| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(test))
        };
        Ok(text.lines().filter_map(executable).find(is_test))
    }

    /// Runs one test.
    fn look(&self, program: &Path, check: &str) -> Result<Verdict> {
        let mut command = match &self.wine {
            None => Command::new(program),
            Some(wine) => wine.command(program),
        };
        let mut child = command
            .current_dir(self.tree)
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
    use super::table::SUITES;
    use crate::workspace;
    use std::fs;

    #[test]
    fn every_bug_can_be_planted_and_names_a_test() {
        for suite in SUITES {
            let tests = all_below(&format!("crates/{}/tests/{}", suite.package, suite.test));
            for bug in suite.bugs {
                let text = workspace::read(&format!("{}/{}", suite.sources, bug.file)).unwrap();
                assert_eq!(text.matches(bug.from).count(), 1, "{}", bug.name);
                let (_, test) = bug.check.rsplit_once("::").expect("a module and a test");
                let (function, case) = (format!("fn {test}()"), format!(" {test}\""));
                assert!(tests.contains(&function) || tests.contains(&case), "{}", bug.check);
            }
        }
        assert!(SUITES.iter().map(|suite| suite.bugs.len()).sum::<usize>() >= 39);
    }

    /// The text of all files below a folder.
    fn all_below(folder: &str) -> String {
        let below = |entry: fs::DirEntry| {
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() { all_below(&path) } else { workspace::read(&path).unwrap() }
        };
        let entries = fs::read_dir(workspace::root().join(folder)).unwrap();
        entries.map(|entry| below(entry.unwrap())).collect()
    }
}
