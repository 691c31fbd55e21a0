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
    let skipped = matches!(case.laboratory, Side::Skipped(_));
    let on_wine = if skipped { case.laboratory } else { case.wine };
    let kinds = [
        ("nt", Rules::nt(), case.laboratory),
        ("seed", Rules::seed(), case.laboratory),
        ("open", Rules::open(), case.laboratory),
        ("wine", Rules::wine(), on_wine),
    ];
    let trial = |(kind, rules, side)| {
        let run = move || judged(case, side, by(case, rules));
        let name = format!("laboratory::{kind}::{}", case.name.replace(' ', "::"));
        Trial::test(name, run).with_ignored_flag(skipped)
    };
    kinds.map(trial).into()
}

fn by(case: &Case, rules: Rules) -> Result<bool, String> {
    match every_schedule(rules, case.run) {
        Ok(Schedules { shown, runs }) => {
            if std::env::var_os("OVERLAPPED_COUNT").is_some() {
                eprintln!("{}: {shown} of {runs} schedules", case.name);
            }
            Ok(shown > 0)
        }
        Err((token, wrong)) => Err(format!("{wrong} (in the schedule {token})")),
    }
}
