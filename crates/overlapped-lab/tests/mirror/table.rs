//! The table of all cases in the documents: it says what the cases say of themselves, and in how
//! many schedules the laboratory shows each.

use crate::{
    cases::{self, Side},
    laboratory,
};
use overlapped_lab::Rules;

const PAGE: &str = include_str!("../../../../docs/win32.md");

const HEAD: &str = "\
| case | rules | schedules by NT's rules | all open | Wine 8.0 |
|---|---|---:|---:|---|
";

/// Whether the page has the table and the reasons.
///
/// # Errors
///
/// What it should have.
pub(crate) fn check() -> Result<(), String> {
    let wanted = written()?;
    if PAGE.replace("\r\n", "\n").contains(&wanted) {
        return Ok(());
    }
    Err(format!("docs/win32.md needs this in the place of what it has:\n{wanted}"))
}

fn written() -> Result<String, String> {
    let (mut rows, mut reasons) = (HEAD.to_owned(), String::new());
    for case in cases::all() {
        let [nt, open] = [Rules::nt(), Rules::open()].map(|rules| laboratory::by(case, rules));
        let (name, rules, nt, open) = (case.name, case.rules, nt?.runs, open?.runs);
        let wine = match case.wine {
            Side::Passes if case.rounds > 1 => format!("passes, {} rounds", case.rounds),
            Side::Passes => "passes".to_owned(),
            Side::Deviates { why, .. } => {
                reasons += &format!("- {name}: {why}.\n");
                "**deviates**".to_owned()
            }
        };
        rows += &format!("| {name} | {rules} | {nt} | {open} | {wine} |\n");
    }
    Ok(format!("{rows}\nWine's known deviations:\n\n{reasons}"))
}
