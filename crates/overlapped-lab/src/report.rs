//! What is known of a program when every schedule has been looked at.

use std::collections::BTreeMap;

use overlapped_sim::{
    explore::{Limits, Reduced, Replay, Search, Sums, Tape, Token, next_run, simplest, walk},
    timeline::Timeline,
};

use crate::{
    Code, Harm, Order, Outcome, Rules, Verdict, Why,
    narrate::{draw, draw_tape},
    programs::{self, Program},
};

/// Exact numbers of a program's timelines, and the simplest that goes wrong.
#[derive(Clone, Debug)]
pub struct Report {
    /// All timelines.
    pub timelines: u128,
    /// How many end with these letters of harm; `OK` with none.
    pub verdicts: BTreeMap<String, u128>,
    /// In how many the next function notices that its locals changed.
    pub noticed: u128,
    /// In how many the first operation ends in time, is cancelled, and is too late to cancel.
    pub outcomes: [u128; 3],
    /// How many runs show every order that matters.
    pub runs: u64,
    /// Whether nothing was left out.
    pub complete: bool,
    /// The simplest timeline that goes wrong, with its token.
    pub simplest: Option<(Token, Timeline)>,
    /// Why that one goes wrong.
    pub why: Option<Why>,
    /// The same under a debugger: timelines, and how many go wrong.
    pub debugged: (u128, u128),
    /// What the debugger shows instead.
    pub debugged_timeline: Timeline,
}

impl Report {
    /// How many timelines go wrong.
    #[must_use]
    pub fn bad(&self) -> u128 {
        let fine = self.verdicts.iter().filter(|(letters, _)| matches!(&letters[..], "OK" | "L"));
        self.timelines - fine.map(|(_, count)| count).sum::<u128>()
    }

    /// The letters of all that goes wrong in some timeline, or `OK`: to be compared with what the
    /// program is stated to be.
    #[must_use]
    pub fn verdict(&self) -> String {
        let found = |letter| self.verdicts.keys().any(|it| it != "OK" && it.contains(letter));
        let letters = Harm::CAUSES.into_iter().map(|(_, letter, _)| letter);
        let letters: String = letters.filter(|letter| found(*letter)).collect();
        if letters.is_empty() { "OK".to_owned() } else { letters }
    }
}

/// The rules by which programs run: one step queues the completion and signals, as in the numbers
/// that others have published.
#[must_use]
pub fn usual_rules() -> Rules {
    Rules { order: Order::Together, ..Rules::nt() }
}

/// The same with every effect a step of its own, in either order.
#[must_use]
pub fn fine_rules() -> Rules {
    Rules { order: Order::Either, ..Rules::nt() }
}

impl Program {
    /// Looks at every schedule.
    #[must_use]
    pub fn explore(&self, rules: Rules) -> Report {
        let code = self.code(rules);
        let sums = walk(&code.machine(), Limits::default());
        let debugged = walk(&code.under_debugger(), Limits::default());
        let worst = worst(&code, &sums).map(|tape| {
            let timeline = draw_tape(code.machine(), &tape);
            let why = Why::of(&code, &sums, &tape, &timeline);
            let token = tape.token();
            ((token.clone(), self.titled(timeline, &token, Some(&why))), why)
        });
        let (simplest, why) = worst.unzip();
        let out = |outcome| sums.count(|verdict: &Verdict| verdict.outcome == outcome);
        Report {
            timelines: sums.total(),
            verdicts: letters(&sums),
            noticed: sums.count(|verdict| verdict.harm.has(Harm::NOTICED)),
            outcomes: [Outcome::InTime, Outcome::Cancelled, Outcome::TooLate].map(out),
            runs: runs_that_matter(&code),
            complete: sums.complete,
            simplest,
            why,
            debugged: (debugged.total(), debugged.count(|verdict| verdict.harm.is_bad())),
            debugged_timeline: debugged_timeline(&code),
        }
    }

    /// Draws the run that `token` stands for.
    ///
    /// # Errors
    ///
    /// If it is no token, or one of another program.
    pub fn replay(&self, rules: Rules, token: &str) -> Result<Timeline, String> {
        let token: Token = token.parse()?;
        let code = self.code(rules);
        let timeline = draw(code.machine(), &token)?;
        let why = why_again(&code, &token, &timeline);
        Ok(self.titled(timeline, &token, why.as_ref()))
    }

    /// The program that heals it, if there is one.
    #[must_use]
    pub fn fix(&self) -> Option<&'static Self> {
        self.fixed.and_then(programs::find)
    }

    fn titled(&self, mut timeline: Timeline, token: &Token, why: Option<&Why>) -> Timeline {
        timeline.title = format!("{}: {}", self.name, self.about);
        timeline.notes.push(("cause".to_owned(), self.cause.to_owned()));
        timeline.notes.extend(why.map(|why| ("why".to_owned(), why.to_string())));
        timeline.replay = Some(format!("overlapped lab run {} --replay {token}", self.name));
        timeline
    }
}

/// Why the run that `token` stands for goes wrong, if it does.
fn why_again(code: &Code, token: &Token, timeline: &Timeline) -> Option<Why> {
    let mut replay = Replay::new(token);
    let verdict = next_run(&code.machine(), &mut replay)?;
    let wrong = verdict.harm.causes() != Harm::NONE;
    let sums = || walk(&code.machine(), Limits::default());
    wrong.then(|| Why::of(code, &sums(), replay.tape(), timeline))
}

fn letters(sums: &Sums<Verdict>) -> BTreeMap<String, u128> {
    let mut letters = BTreeMap::new();
    for (verdict, runs) in &sums.runs {
        *letters.entry(verdict.harm.to_string()).or_default() += runs;
    }
    letters
}

fn runs_that_matter(code: &Code) -> u64 {
    let (mut search, mut runs) = (Reduced::new(), 0);
    while next_run(&code.machine(), &mut search).is_some() {
        runs += u64::from(!search.was_redundant());
    }
    runs
}

/// The simplest timeline that goes wrong: one that is noticed, if there is one.
fn worst(code: &Code, sums: &Sums<Verdict>) -> Option<Tape> {
    let noticed = |verdict: &Verdict| verdict.harm.has(Harm::NOTICED) && verdict.harm.is_bad();
    let wrong = |verdict: &Verdict| verdict.harm.causes() != Harm::NONE;
    let is_noticed = sums.runs.keys().any(noticed);
    if !sums.runs.keys().any(wrong) {
        return None;
    }
    let is = |verdict: &Verdict| if is_noticed { noticed(verdict) } else { wrong(verdict) };
    simplest(&code.machine(), Limits::default(), is)
}

/// Under the debugger: a run in which the read is cancelled, if there is one, as in the seed.
fn debugged_timeline(code: &Code) -> Timeline {
    let machine = code.under_debugger();
    let cancelled = |verdict: &Verdict| verdict.outcome == Outcome::Cancelled;
    let tape = simplest(&machine, Limits::default(), cancelled)
        .or_else(|| simplest(&machine, Limits::default(), |_| true));
    tape.map(|tape| draw_tape(machine, &tape)).unwrap_or_default()
}
