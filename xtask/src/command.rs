//! Running other programs: what runs is printed first, and what fails is told.

use crate::{Result, workspace};
use std::ffi::OsStr;
use std::fmt;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A command that will run at the root of the workspace.
pub(crate) struct Cmd {
    program: String,
    args: Vec<String>,
    env: Vec<(String, String)>,
}

/// `cargo ARGS`, the arguments separated by spaces.
pub(crate) fn cargo(args: &str) -> Cmd {
    Cmd::new("cargo").args(args.split_whitespace())
}

/// `rustup ARGS`, likewise.
pub(crate) fn rustup(args: &str) -> Cmd {
    Cmd::new("rustup").args(args.split_whitespace())
}

impl Cmd {
    pub(crate) fn new(program: &str) -> Cmd {
        Cmd { program: program.to_owned(), args: Vec::new(), env: Vec::new() }
    }

    pub(crate) fn args(mut self, args: impl IntoIterator<Item = impl AsRef<str>>) -> Cmd {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Cmd {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets a variable unless the caller of `cargo xtask` has set it.
    pub(crate) fn env_default(self, name: &str, value: &str) -> Cmd {
        if std::env::var_os(name).is_some() { self } else { self.env(name, value) }
    }

    /// Sets a list of flags, keeping at its end those that the caller of `cargo xtask` has set.
    pub(crate) fn env_flags(self, name: &str, flags: &str) -> Cmd {
        let given = std::env::var(name).unwrap_or_default();
        self.env(name, format!("{flags} {given}").trim())
    }

    /// Builds in a folder of its own below `target/`: other flags would otherwise rebuild
    /// everything there, and again at the next step.
    pub(crate) fn target_dir(self, name: &str) -> Cmd {
        let dir = workspace::target().join(name);
        self.env("CARGO_TARGET_DIR", &dir.to_string_lossy())
    }

    pub(crate) fn run(self) -> Result<()> {
        println!("$ {self}");
        let status = self.std().status();
        let status = status.map_err(|error| format!("cannot run `{}`: {error}", self.program))?;
        if status.success() { Ok(()) } else { Err(format!("`{self}`: {status}").into()) }
    }

    /// Runs a test command and gives the number of tests. All tests if there are no `names`, and
    /// then a target without tests is a failure: a filter that fits nothing looks like success.
    pub(crate) fn run_tests(self, names: &[String]) -> Result<u64> {
        let cmd = self.args(names);
        println!("$ {cmd}");
        let mut child = cmd.std().stdout(Stdio::piped()).spawn()?;
        let counts = relay(&mut child)?;
        let status = child.wait()?;
        if !status.success() {
            return Err(format!("`{cmd}`: {status}").into());
        }
        if names.is_empty() && (counts.is_empty() || counts.contains(&0)) {
            return Err(format!("`{cmd}`: a test target ran no test").into());
        }
        Ok(counts.iter().sum())
    }

    /// What it prints, trimmed; nothing is shown. `None` if it cannot run or fails.
    pub(crate) fn quiet(self) -> Option<String> {
        let output = self.std().stderr(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn std(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(workspace::root()).args(&self.args);
        command.envs(self.env.iter().map(|(name, value)| (OsStr::new(name), OsStr::new(value))));
        command
    }
}

/// Passes the child's output on, line by line, and gathers the numbers of tests it announces.
fn relay(child: &mut Child) -> Result<Vec<u64>> {
    let stdout = child.stdout.take().ok_or("the child has no output")?;
    let mut counts = Vec::new();
    for line in BufReader::new(stdout).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        println!("{line}");
        counts.extend(announced(&line));
    }
    Ok(counts)
}

/// The number in libtest's "running 3 tests".
fn announced(line: &str) -> Option<u64> {
    let rest = line.strip_prefix("running ")?;
    let (count, word) = rest.split_once(' ')?;
    matches!(word.trim_end(), "test" | "tests").then(|| count.parse().ok())?
}

impl fmt::Display for Cmd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.env {
            write!(f, "{name}={} ", quoted(value))?;
        }
        write!(f, "{}", self.program)?;
        self.args.iter().try_for_each(|arg| write!(f, " {}", quoted(arg)))
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+./,:@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::{announced, cargo};

    #[test]
    fn a_command_is_shown_as_a_shell_takes_it() {
        let cmd = cargo("doc --no-deps").env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(cmd.to_string(), "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps");
    }

    #[test]
    fn announcements_are_read_and_other_lines_are_not() {
        assert_eq!(announced("running 12 tests"), Some(12));
        assert_eq!(announced("running 1 test"), Some(1));
        assert_eq!(announced("running 0 tests"), Some(0));
        assert_eq!(announced("running late"), None);
        assert_eq!(announced("test result: ok. 3 passed"), None);
    }

    #[test]
    fn a_run_without_tests_is_a_failure() {
        let echo = |text| super::Cmd::new("echo").args([text]).run_tests(&[]);
        assert!(echo("running 0 tests").is_err());
        assert!(echo("nothing at all").is_err());
        assert!(echo("running 2 tests\nrunning 0 tests").is_err());
        assert_eq!(echo("running 2 tests\nrunning 1 test").unwrap(), 3);
    }

    #[test]
    fn a_failing_program_is_a_failure() {
        assert!(super::Cmd::new("false").run().is_err());
        assert!(super::Cmd::new("false").run_tests(&[]).is_err());
        assert!(super::Cmd::new("no-such-program").run().is_err());
    }
}
