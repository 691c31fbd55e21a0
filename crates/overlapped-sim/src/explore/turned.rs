//! A recorded run, run once more with one turn in it.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{
    Access, Actor, Choice, Kind, Object, Search, Tape,
    random::Dice,
    why::{Step, Turn},
};

/// For how many steps somebody may be held back, beyond the length of the run.
const PATIENCE: usize = 1000;

/// A recorded run with one turn in it: who came too early is held back, everybody else goes on in
/// the old order; after the turn likewise, or by chance.
#[derive(Debug)]
pub struct Turned {
    steps: Arc<[Step]>,
    turn: Turn,
    /// Steps of the record that were taken again.
    taken: Vec<bool>,
    /// The step of the record that is being taken, and how many choices it has made.
    now: Option<usize>,
    inside: usize,
    state: Hold,
    /// Whoever is waited for has taken a step meanwhile.
    moved: bool,
    /// How many steps were taken meanwhile, by anybody.
    meanwhile: Arc<AtomicUsize>,
    most: usize,
    dice: Option<Dice>,
    tape: Tape,
    begun: bool,
}

/// How far a turn is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    /// Still to come.
    Before,
    /// The early step is held back.
    Held,
    /// The turn is made.
    Over,
    /// It cannot be made.
    Vain,
}

impl Turned {
    /// `seed`: what comes after the turn is decided by chance, if there is one.
    /// With it comes how many steps will have been moved.
    pub(super) fn new(
        steps: &Arc<[Step]>,
        turn: Turn,
        seed: Option<u64>,
    ) -> (Self, Arc<AtomicUsize>) {
        let meanwhile = Arc::<AtomicUsize>::default();
        let turned = Self {
            steps: Arc::clone(steps),
            turn,
            taken: vec![false; steps.len()],
            now: Some(0),
            inside: 0,
            state: Hold::Before,
            moved: false,
            meanwhile: Arc::clone(&meanwhile),
            most: steps.len() + PATIENCE,
            dice: seed.map(Dice::new),
            tape: Tape::new(),
            begun: false,
        };
        (turned, meanwhile)
    }

    /// Who is held back now, if somebody is.
    fn held(&mut self, enabled: &[Actor]) -> Option<Actor> {
        let Turn::Order { earlier, actor, later } = self.turn else {
            return None;
        };
        let first = (1..self.steps.len()).find(|step| !self.taken[*step]);
        if self.state == Hold::Before && first == Some(earlier) {
            self.state = Hold::Held;
        }
        let over = match later {
            Some(later) => self.taken[later],
            None => self.moved && !enabled.contains(&actor),
        };
        if self.state == Hold::Held {
            self.state = match over {
                true => Hold::Over,
                false if self.meanwhile.load(Ordering::Relaxed) > self.most => Hold::Vain,
                false => Hold::Held,
            };
        }
        (self.state == Hold::Held).then(|| self.steps[earlier].actor)
    }

    /// The first step of the record that can be taken now, and the place of its actor.
    fn recorded(&self, enabled: &[Actor], held: Option<Actor>) -> Option<(usize, usize)> {
        // Of each actor, only its next one.
        let mut passed = HashSet::new();
        let left = (1..self.steps.len()).filter(|step| !self.taken[*step]);
        left.filter(|step| passed.insert(self.steps[*step].actor)).find_map(|step| {
            let actor = self.steps[step].actor;
            let place = enabled.iter().position(|other| *other == actor && held != Some(actor))?;
            Some((step, place))
        })
    }

    /// Somebody who is not held back, and of those whom the turn waits for.
    fn anybody(&mut self, enabled: &[Actor], held: Option<Actor>) -> usize {
        let wanted = match (self.state, self.turn) {
            (Hold::Held, Turn::Order { actor, .. }) => enabled.iter().position(|a| *a == actor),
            _ => None,
        };
        let free = wanted.or_else(|| enabled.iter().position(|actor| held != Some(*actor)));
        free.unwrap_or_else(|| {
            self.state = Hold::Vain;
            0
        })
    }

    /// What came too early, and comes now.
    fn is_early(&self, enabled: &[Actor]) -> bool {
        let Turn::Order { earlier, .. } = self.turn else {
            return false;
        };
        !self.taken[earlier] && enabled.contains(&self.steps[earlier].actor)
    }
}

impl Choice for Turned {
    fn next(&mut self, enabled: &[Actor]) -> usize {
        let held = self.held(enabled);
        self.inside = 0;
        let free = self.state == Hold::Over && !self.is_early(enabled);
        if let Some(dice) = self.dice.as_mut().filter(|_| free) {
            self.now = None;
            let chosen = dice.below(enabled.len());
            return self.tape.push(enabled.len(), chosen);
        }
        let (step, chosen) = match self.recorded(enabled, held) {
            Some((step, place)) => (Some(step), place),
            None => (None, self.anybody(enabled, held)),
        };
        self.now = step;
        if let Some(step) = step {
            self.taken[step] = true;
        }
        if self.state == Hold::Held {
            self.meanwhile.fetch_add(1, Ordering::Relaxed);
            self.moved |=
                matches!(self.turn, Turn::Order { actor, .. } if actor == enabled[chosen]);
        }
        self.tape.push(enabled.len(), chosen)
    }

    fn choose(&mut self, n: usize, kind: Kind) -> usize {
        if n < 2 {
            return 0;
        }
        let place = self.inside;
        self.inside += 1;
        if let Turn::Way { step, place: turned, .. } = self.turn {
            if self.now == Some(step) && place == turned {
                self.state = Hold::Over;
                return self.tape.push(n, 0);
            }
        }
        let known = self.now.and_then(|step| self.steps[step].ways.get(place));
        let chosen = match (known, &mut self.dice) {
            (Some((way, _)), _) => (*way).min(n - 1),
            // One fault less is not healed by another one.
            (None, Some(dice)) if self.state == Hold::Over && kind != Kind::Fault => dice.below(n),
            (None, _) => 0,
        };
        self.tape.push(n, chosen)
    }

    fn touch(&mut self, _: Object, _: Access) {}
}

impl Search for Turned {
    fn begin(&mut self) -> bool {
        !std::mem::replace(&mut self.begun, true)
    }

    fn end(&mut self) {}

    fn tape(&self) -> &Tape {
        &self.tape
    }

    /// The turn was not made: one of the two has to come first.
    fn diverged(&self) -> bool {
        self.state != Hold::Over
    }
}
