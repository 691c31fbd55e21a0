//! One table of verbs: dispatch, help and `ci` all read it.

use crate::{Result, steps, tidy, unsafe_doc};

/// A check that a person can run alone.
pub(crate) struct Verb {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// What `ci` passes to it; `None` if it is no part of `ci`.
    pub(crate) in_ci: Option<&'static [&'static str]>,
    /// On success, a word about what was done (or could not be); it may be empty.
    pub(crate) run: fn(&[String]) -> Result<String>,
}

/// In the order in which `ci` runs them: the quick ones first, so that a slip is told at once.
pub(crate) const VERBS: &[Verb] = &[
    verb("ci", "all steps below, but for tsan; --skip VERB leaves one out", None, steps::ci::run),
    verb("fmt", "the sources are formatted", CI, steps::basic::fmt),
    verb("tidy", "the project's own rules: layers, contract, unsafe, words", CI, tidy::run),
    verb(
        "unsafe-doc",
        "write docs/unsafe.md; --check fails if it is out of date",
        Some(&["--check"]),
        unsafe_doc::run,
    ),
    verb("clippy", "lints, warnings denied", CI, steps::basic::clippy),
    verb("doc", "the documentation, warnings denied", CI, steps::basic::doc),
    verb(
        "features",
        "the library alone: no features, all features, MSRV",
        CI,
        steps::basic::features,
    ),
    verb("test", "all tests; they go through the backends themselves", CI, steps::basic::test),
    verb("counts", "instructions per operation; --write accepts them", CI, steps::counts::run),
    verb("loom", "every interleaving of the block, the book and a shard", CI, steps::loom::run),
    verb("miri", "undefined behaviour in all that needs no kernel", CI, steps::nightly::miri),
    verb(
        "seeds",
        "the conformance suite on the simulated kernel, 10,000 seeds a case",
        CI,
        steps::basic::seeds,
    ),
    verb("stress", "storms on the real kernel, release build", CI, steps::basic::stress),
    verb("asan", "stress and conformance under AddressSanitizer", CI, steps::nightly::asan),
    verb(
        "tsan",
        "the same under ThreadSanitizer, with a std of its own",
        None,
        steps::nightly::tsan,
    ),
    verb("planted", "bugs planted in a copy: each must be found", CI, steps::planted::run),
    verb("windows", "the workspace under Wine; compiled for others", CI, steps::windows::run),
    verb("deny", "licences, bans and sources of the dependencies", CI, steps::deny::run),
];

const CI: Option<&[&str]> = Some(&[]);

const fn verb(
    name: &'static str,
    about: &'static str,
    in_ci: Option<&'static [&'static str]>,
    run: fn(&[String]) -> Result<String>,
) -> Verb {
    Verb { name, about, in_ci, run }
}

pub(crate) fn find(name: &str) -> Option<&'static Verb> {
    VERBS.iter().find(|verb| verb.name == name)
}

pub(crate) fn usage() -> String {
    let mut text = String::from("cargo xtask VERB\n\n");
    for verb in VERBS {
        text += &format!("  {:<12}{}\n", verb.name, verb.about);
    }
    text + "\nloom, miri, seeds, stress, asan, tsan, windows: what follows goes to the tests.\n"
}

#[cfg(test)]
mod tests {
    use super::{VERBS, find};

    #[test]
    fn names_are_unique_and_found() {
        for verb in VERBS {
            assert_eq!(VERBS.iter().filter(|other| other.name == verb.name).count(), 1);
            assert!(find(verb.name).is_some());
        }
        assert!(find("no-such-verb").is_none());
    }
}
