//! The laboratory's side: every schedule, by each set of rules.

use crate::{
    cases::{Case, Side},
    judged,
};
use libtest_mimic::Trial;
use overlapped_lab::{
    Rules,
    mirror::{Schedules, every_schedule},
};

/// A case by the rules of NT, by the seed's, and with everything left open; and by Wine's, where it
/// is expected to come out as it does there.
pub(crate) fn trials(case: &'static Case) -> Vec<Trial> {
    let kinds = [
        ("nt", Rules::nt(), Side::Passes),
        ("seed", Rules::seed(), Side::Passes),
        ("open", Rules::open(), Side::Passes),
        ("wine", Rules::wine(), case.wine),
    ];
    let trial = |(kind, rules, side)| {
        let run = move || judged(case, side, by(case, rules).map(|seen| seen.shown > 0));
        Trial::test(format!("laboratory::{kind}::{}", case.name.replace(' ', "::")), run)
    };
    kinds.map(trial).into()
}

/// What its schedules show by these rules.
///
/// # Errors
///
/// What was wrong in one of them, and in which.
pub(crate) fn by(case: &Case, rules: Rules) -> Result<Schedules, String> {
    every_schedule(rules, case.run)
        .map_err(|(token, wrong)| format!("{wrong} (in the schedule {token})"))
}
