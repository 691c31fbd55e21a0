//! The project's own rules, which no compiler knows. Each rule has a file, and each file has tests
//! with planted offenders: a rule that cannot fail is no rule.

/// Imports point down only (DESIGN, "Layers and layout").
mod layers;
/// Every line of the contract is held by code and by a test.
mod contract;
/// `unsafe` stands in named islands, each use with its proof.
pub(crate) mod islands;
/// The choice of an OS is made between items, never inside a function.
mod platform;
/// What must not be left behind in a source file.
mod words;
/// The change log knows what is going on.
mod changelog;
/// Sizes, as a report.
mod sizes;

use crate::source::{self, Source};
use crate::{Result, workspace};
use std::fmt;

/// A rule that is broken somewhere.
#[derive(Debug, PartialEq)]
struct Finding {
    path: String,
    line: usize,
    message: String,
}

pub(crate) fn run(args: &[String]) -> Result<String> {
    if let Some(arg) = args.first() {
        return Err(format!("unexpected argument `{arg}`").into());
    }
    let sources = source::load()?;
    let findings = findings(&sources)?;
    print!("{}", sizes::report(&sources));
    for finding in &findings {
        eprintln!("{finding}");
    }
    match findings.len() {
        0 => Ok(format!("{} files", sources.len())),
        n => Err(format!("{n} findings").into()),
    }
}

fn findings(sources: &[Source]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for source in sources {
        findings.extend(layers::check(source));
        findings.extend(islands::check(source));
        findings.extend(platform::check(source));
        findings.extend(words::check(source));
    }
    findings.extend(islands::check_reasons(sources));
    // A missing page is a finding like any other, not an end of the search.
    let page = workspace::read(contract::PAGE).unwrap_or_default();
    let exists = |path: &str| workspace::root().join(path).exists();
    findings.extend(contract::check(&page, sources, exists));
    let log = workspace::read(changelog::PAGE).unwrap_or_default();
    findings.extend(changelog::check(&log, &workspace::manifest("version")?));
    Ok(findings)
}

impl Finding {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Finding {
        Finding { path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// For the tests of the rules.
#[cfg(test)]
mod planted {
    use super::{Finding, Source};

    pub(super) fn source(path: &str, text: &str) -> Source {
        Source::parse(path, text.to_owned()).expect("the planted source parses")
    }

    pub(super) fn lines(findings: &[Finding]) -> Vec<usize> {
        findings.iter().map(|finding| finding.line).collect()
    }
}
