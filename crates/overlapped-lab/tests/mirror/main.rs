//! The conformance cases C01 to C55 of Win32's overlapped I/O: on the laboratory's objects, under
//! every schedule; and, on Windows or under Wine, by real calls.

mod cases;
mod laboratory;
#[cfg(windows)]
mod real;
mod table;

use cases::{Case, Side};
use libtest_mimic::{Arguments, Failed, Trial};
use overlapped_lab::mirror::Runs;
use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(windows)]
    if real::keeps() {
        return ExitCode::SUCCESS;
    }
    let mut trials: Vec<_> = cases::all().flat_map(laboratory::trials).collect();
    #[cfg(windows)]
    trials.extend(cases::all().map(real::trial));
    let one_by_one = || laboratory::one_by_one().map_err(Failed::from);
    trials.push(Trial::test("laboratory::one_by_one", one_by_one));
    trials.push(Trial::test("table", || table::check().map_err(Failed::from)));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// What came of a case, against what is expected of it.
fn judged(case: &Case, side: Side, came: Result<Runs, String>) -> Result<(), Failed> {
    let name = case.name;
    match (side, came) {
        (Side::Passes, Ok(runs)) if runs.have_shown_it() => Ok(()),
        (Side::Passes, Ok(runs)) => Err(format!("{name}: not shown by {runs:?}").into()),
        (Side::Passes, Err(wrong)) => Err(format!("{name}: {wrong}").into()),
        (Side::Deviates { says, .. }, Err(wrong)) if wrong.contains(says) => Ok(()),
        (Side::Deviates { says, .. }, Err(wrong)) => {
            Err(format!("{name}: {wrong}; the known deviation is `{says}`").into())
        }
        (Side::Deviates { why, .. }, Ok(_)) => {
            Err(format!("{name}: it passes; no longer so: {why}").into())
        }
    }
}
