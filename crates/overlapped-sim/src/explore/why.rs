//! Why a run went wrong: the two steps whose order decided it. Each race of the run is turned
//! round, and what is left of the run goes on as it did; a run that is correct then is the
//! diagnosis. It is checked, not guessed.

use std::sync::{Arc, Mutex, PoisonError, atomic::Ordering};

use super::{
    Access, Actor, Choice, Kind, Object, Replay, Search, Tape,
    reduced::{Touch, depend},
    turned::Turned,
};

/// What comes before the first step.
const ROOT: Actor = Actor(u32::MAX);
/// How many runs are made to find the reason.
const TRIES: usize = 4000;
/// How many runs go on by chance after the turn, to see whether it was that.
const CHANCES: u32 = 32;

/// What decided: turned round, it heals the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// A step came before another one. Steps are counted from 1, in the order of the run.
    Order {
        /// The step that came too early.
        earlier: usize,
        /// Whose step it should have waited for.
        actor: Actor,
        /// That step; `None` if the run ended before it came.
        later: Option<usize>,
    },
    /// In this step something was chosen that is not the plain way.
    Way {
        /// The step, counted from 1.
        step: usize,
        /// Which of its choices.
        place: usize,
        /// What it was about.
        kind: Kind,
    },
}

/// The reason of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// What decided.
    pub turn: Turn,
    /// Of so many runs that go on by chance after the turn ...
    pub tried: u32,
    /// ... so many are correct.
    pub fine: u32,
}

/// A step of a run, and who else could have taken one.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) actor: Actor,
    enabled: Vec<Actor>,
    touches: Vec<Touch>,
    /// The choices inside: which way, of what kind.
    pub(super) ways: Vec<(usize, Kind)>,
}

/// Runs a tape once more, and keeps its steps.
#[derive(Debug)]
pub struct Record {
    replay: Replay,
    steps: Steps,
}

/// The steps of a recorded run, which outlive the recorder.
#[derive(Clone, Debug, Default)]
pub struct Steps(Arc<Mutex<Vec<Step>>>);

impl Record {
    /// The run that `tape` stands for.
    pub fn new(tape: &Tape) -> Self {
        let steps = Steps::default();
        steps.push(ROOT, &[ROOT]);
        Self { replay: Replay::of(tape), steps }
    }

    /// Its steps: all of them once it has run.
    pub fn steps(&self) -> Steps {
        self.steps.clone()
    }
}

impl Steps {
    fn push(&self, actor: Actor, enabled: &[Actor]) {
        let enabled = enabled.to_vec();
        self.with(|steps| {
            steps.push(Step { actor, enabled, touches: Vec::new(), ways: Vec::new() });
        });
    }

    fn with<R>(&self, change: impl FnOnce(&mut Vec<Step>) -> R) -> R {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn last(&self, change: impl FnOnce(&mut Step)) {
        self.with(|steps| steps.last_mut().map(change));
    }

    /// The turn that heals the run, of the latest step that has one: what comes late is close to
    /// the harm. Of two, the one that moves fewer steps. `heals` runs what it is given, and says
    /// whether the turn was made and all went well.
    pub fn reason(&self, mut heals: impl FnMut(Turned) -> bool) -> Option<Reason> {
        let steps: Arc<[Step]> = self.with(std::mem::take).into();
        // The best so far: its step, and how many others had to come before that one.
        let mut best: Option<(Reason, usize, usize)> = None;
        let mut tries = 0;
        for (number, turn) in turns(&steps) {
            let settled = best.is_some_and(|(best, at, _)| best.fine == CHANCES && at != number);
            if settled || tries >= TRIES {
                break;
            }
            tries += 1;
            let (turned, moved) = Turned::new(&steps, turn, None);
            if !heals(turned) {
                continue;
            }
            let moved = moved.load(Ordering::Relaxed);
            let chance = |seed| u32::from(heals(Turned::new(&steps, turn, Some(seed)).0));
            let fine = (1..=u64::from(CHANCES)).map(chance).sum();
            tries += CHANCES as usize;
            let better = |(best, at, most): (Reason, usize, usize)| {
                fine > best.fine || (fine == best.fine && at == number && moved < most)
            };
            if best.is_none_or(better) {
                best = Some((Reason { turn, tried: CHANCES, fine }, number, moved));
            }
        }
        best.map(|(reason, ..)| reason)
    }
}

/// All that could be turned round, by its step, the latest first.
fn turns(steps: &[Step]) -> Vec<(usize, Turn)> {
    let mut turns = Vec::new();
    for (number, step) in steps.iter().enumerate().rev() {
        for (place, (way, kind)) in step.ways.iter().enumerate().rev() {
            if *way > 0 {
                turns.push((number, Turn::Way { step: number, place, kind: *kind }));
            }
        }
        if step.actor == ROOT {
            continue;
        }
        let races = (number + 1..steps.len()).filter(|later| {
            let later = &steps[*later];
            later.actor != step.actor && depend(&step.touches, &later.touches)
        });
        turns.extend(races.map(|later| {
            let actor = steps[later].actor;
            (number, Turn::Order { earlier: number, actor, later: Some(later) })
        }));
        // Who was still to come when the run ended, and what it would have touched, nobody knows.
        let last = &steps[steps.len() - 1];
        let pending = last.enabled.iter().filter(|actor| **actor != last.actor);
        let pending = pending.filter(|actor| **actor != step.actor && **actor != ROOT);
        let order = |actor| Turn::Order { earlier: number, actor, later: None };
        turns.extend(pending.map(|actor| (number, order(*actor))));
    }
    turns
}

impl Choice for Record {
    fn next(&mut self, enabled: &[Actor]) -> usize {
        let chosen = self.replay.next(enabled);
        self.steps.push(enabled[chosen], enabled);
        chosen
    }

    fn choose(&mut self, n: usize, kind: Kind) -> usize {
        let chosen = self.replay.choose(n, kind);
        if n > 1 {
            self.steps.last(|step| step.ways.push((chosen, kind)));
        }
        chosen
    }

    fn touch(&mut self, object: Object, access: Access) {
        self.steps.last(|step| step.touches.push((object, access)));
    }
}

impl Search for Record {
    fn begin(&mut self) -> bool {
        self.replay.begin()
    }

    fn end(&mut self) {}

    fn tape(&self) -> &Tape {
        self.replay.tape()
    }

    fn diverged(&self) -> bool {
        self.replay.diverged()
    }
}
