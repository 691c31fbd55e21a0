//! What Windows says about itself and about this process, as far as safe code can ask.

use std::{env, fs, os::windows::io::OwnedHandle, path::Path, process::Command};

use overlapped::backend::Kind;

use super::finding::Finding;
use crate::trouble::shown;

/// The first choice, where it works.
pub(super) const BEST: Kind = Kind::Iocp;
pub(super) const THREADS_NEED: &str = "see what limits the process's job sets";

/// The oldest that the library is made for.
const OLDEST: u32 = 10;

pub(super) fn system() -> Finding {
    let said = said_by_cmd().unwrap_or_else(|| "Windows, of an unknown version".to_owned());
    let text = format!("{said} on {}", env::consts::ARCH);
    if runs_on_wine() {
        return Finding::note("system", format!("Wine, which passes for {text}"));
    }
    if version(&said).is_some_and(|major| major < OLDEST) {
        return Finding::problem("system", text, "take Windows 10 or newer");
    }
    Finding::ok("system", text)
}

/// As in "Microsoft Windows [Version 10.0.19045.3803]".
fn said_by_cmd() -> Option<String> {
    let output = Command::new("cmd").args(["/C", "ver"]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// The first number of a version, which has dots in it.
fn version(text: &str) -> Option<u32> {
    let words = text.split(|c: char| !c.is_ascii_digit() && c != '.');
    words.filter_map(|word| word.split_once('.')?.0.parse().ok()).next()
}

/// Wine tells each program where its own files are.
fn runs_on_wine() -> bool {
    env::var_os("WINEDATADIR").is_some()
}

pub(super) fn sandbox(_iocp_works: bool) -> Vec<Finding> {
    Vec::new()
}

pub(super) fn no_best(reason: &str) -> Finding {
    Finding::problem("IOCP", reason, "report it: every Windows has completion ports")
}

pub(super) fn limits(_reason: Option<&String>) -> [Finding; 1] {
    let text = "each process may have 16 million; nothing needs to be raised";
    [Finding::ok("handles", text)]
}

pub(super) fn file_system(dir: &Path) -> Finding {
    let real = fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
    Finding::ok("directory", shown(&real))
}

pub(super) fn nowait(_file: &OwnedHandle) -> Finding {
    let text = "not needed: an overlapped read of what is at hand may succeed at once";
    Finding::ok("NOWAIT", text)
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn a_version_is_found_in_what_cmd_says() {
        assert_eq!(version("Microsoft Windows [Version 10.0.19045.3803]"), Some(10));
        assert_eq!(version("Microsoft Windows 6.1.7601"), Some(6));
        assert_eq!(version("Windows, of an unknown version"), None);
    }
}
