//! The table of all cases in the documents: it says what the cases say of themselves.

use crate::cases::{self, Side};
use std::fmt::Write;

const PAGE: &str = include_str!("../../../../docs/win32.md");

/// Whether the page has the table and the reasons.
///
/// # Errors
///
/// What it should have.
pub(crate) fn check() -> Result<(), String> {
    let wanted = written();
    if PAGE.replace("\r\n", "\n").contains(&wanted) {
        return Ok(());
    }
    Err(format!("docs/win32.md needs this in the place of what it has:\n{wanted}"))
}

fn written() -> String {
    let mut text = "| case | rules | laboratory | Wine 8.0 |\n|---|---|---|---|\n".to_owned();
    let mut reasons = String::new();
    for case in cases::all() {
        let (laboratory, mut wine) = (word(case.laboratory), word(case.wine).to_owned());
        if case.rounds > 1 {
            write!(wine, ", {} rounds", case.rounds).expect("a string grows");
        }
        let (name, rules) = (case.name, case.rules);
        writeln!(text, "| {name} | {rules} | {laboratory} | {wine} |").expect("a string grows");
        for (side, of) in [(case.laboratory, "laboratory"), (case.wine, "Wine")] {
            if let Some(why) = reason(side) {
                let code = name.split(' ').next().unwrap_or(name);
                writeln!(reasons, "- {code}, {of}: {why}.").expect("a string grows");
            }
        }
    }
    text + "\n" + &reasons
}

fn word(side: Side) -> &'static str {
    match side {
        Side::Passes => "passes",
        Side::Deviates { .. } => "**deviates**",
        Side::Skipped(_) => "skipped",
    }
}

fn reason(side: Side) -> Option<&'static str> {
    match side {
        Side::Passes => None,
        Side::Deviates { why, .. } | Side::Skipped(why) => Some(why),
    }
}
