//! The laboratory's side: every schedule, by each set of rules.

use crate::{
    cases::{self, Case, Side},
    judged,
};
use libtest_mimic::Trial;
use overlapped_lab::{
    Rules,
    mirror::{Runs, every_schedule},
};
use overlapped_sim::explore::{Access, Actor, Choice, Kind, Object, Reduced, Search, Tape};

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
        let run = move || judged(case, side, by(case, rules));
        Trial::test(format!("laboratory::{kind}::{}", case.name.replace(' ', "::")), run)
    };
    kinds.map(trial).into()
}

/// What its schedules show by these rules.
///
/// # Errors
///
/// What was wrong in one of them, and in which.
pub(crate) fn by(case: &Case, rules: Rules) -> Result<Runs, String> {
    every_schedule(rules, &mut Reduced::new(), case.run)
        .map_err(|(token, wrong)| format!("{wrong} (in the schedule {token})"))
}

/// Where there are few schedules, all of them are gone through one by one, too: what the reduced
/// search leaves out must not be what matters.
pub(crate) fn one_by_one() -> Result<(), String> {
    let (mut through, mut all) = (0, 0);
    for case in cases::all() {
        for rules in [Rules::nt(), Rules::open()] {
            let mut search = First { search: Reduced::naive(), left: 4_000 };
            let seen = every_schedule(rules, &mut search, case.run);
            let seen =
                seen.map_err(|(token, wrong)| format!("{}: {wrong} ({token})", case.name))?;
            let reduced = by(case, rules)?;
            all += 1;
            if search.left > 0 {
                through += 1;
                let same = seen.have_shown_it() == reduced.have_shown_it();
                let fits = same && seen.runs >= reduced.runs;
                if !fits {
                    return Err(format!("{}: {seen:?} one by one, {reduced:?}", case.name));
                }
            }
        }
    }
    if through < 100 {
        return Err(format!("only {through} of {all} are small enough to go through"));
    }
    Ok(())
}

/// The first runs of a search.
struct First<S> {
    search: S,
    left: u32,
}

impl<S: Search> Choice for First<S> {
    fn next(&mut self, enabled: &[Actor]) -> usize {
        self.search.next(enabled)
    }

    fn choose(&mut self, n: usize, kind: Kind) -> usize {
        self.search.choose(n, kind)
    }

    fn touch(&mut self, object: Object, access: Access) {
        self.search.touch(object, access);
    }
}

impl<S: Search> Search for First<S> {
    fn begin(&mut self) -> bool {
        self.left = self.left.saturating_sub(1);
        self.left > 0 && self.search.begin()
    }

    fn end(&mut self) {
        self.search.end();
    }

    fn tape(&self) -> &Tape {
        self.search.tape()
    }
}
