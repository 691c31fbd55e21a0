//! What the verbs do.

/// fmt, clippy, doc, features, test, seeds, stress: a cargo call or two each.
pub(crate) mod basic;
/// Instructions per operation, against the figures that are checked in.
pub(crate) mod counts;
/// loom, which needs its own build of the library.
pub(crate) mod loom;
/// miri, asan, tsan, which need a nightly toolchain.
pub(crate) mod nightly;
/// The library broken on purpose, and the tests that must notice.
pub(crate) mod planted;
/// cargo-deny, fetched when missing.
pub(crate) mod deny;
/// The workspace under Wine; on other systems compiled only.
pub(crate) mod windows;
/// All of them, timed.
pub(crate) mod ci;

use crate::Result;

/// A note as it is printed after "ok".
pub(crate) fn bracketed(note: &str) -> String {
    if note.is_empty() { String::new() } else { format!(" ({note})") }
}

/// For verbs that take no arguments.
fn no_args(args: &[String]) -> Result<()> {
    match args.first() {
        None => Ok(()),
        Some(arg) => Err(format!("unexpected argument `{arg}`").into()),
    }
}

/// The note of a step that ran so many tests. None at all means a name that fits no test.
fn counted(count: u64) -> Result<String> {
    match count {
        0 => Err("no test has such a name".into()),
        1 => Ok("1 test".to_owned()),
        n => Ok(format!("{n} tests")),
    }
}
