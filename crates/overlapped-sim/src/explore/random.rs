//! Schedules by chance: every way equally likely, or by priorities that change a few times.

use super::{Access, Actor, Choice, Kind, Object, Search, Tape};

/// A generator of numbers: small, and the same everywhere.
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// SplitMix64.
    pub(super) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.roll()) * n as u128) >> 64) as usize
    }
}

/// Every way equally likely. Each run has a seed of its own, counted up from the first.
#[derive(Debug)]
pub struct Random {
    seed: u64,
    runs: u64,
    dice: Dice,
    tape: Tape,
}

impl Random {
    /// `runs` runs, from `seed` on.
    pub fn new(seed: u64, runs: u64) -> Self {
        let before = seed.wrapping_sub(1);
        Self { seed: before, runs, dice: Dice::new(before), tape: Tape::new() }
    }

    /// The seed of this run.
    pub fn seed(&self) -> u64 {
        self.seed
    }
}

impl Choice for Random {
    fn next(&mut self, enabled: &[Actor]) -> usize {
        self.choose(enabled.len(), Kind::Pick)
    }

    fn choose(&mut self, n: usize, _: Kind) -> usize {
        let chosen = if n > 1 { self.dice.below(n) } else { 0 };
        self.tape.push(n, chosen)
    }

    fn touch(&mut self, _: Object, _: Access) {}
}

impl Search for Random {
    fn begin(&mut self) -> bool {
        if self.runs == 0 {
            return false;
        }
        self.runs -= 1;
        self.seed = self.seed.wrapping_add(1);
        self.dice = Dice::new(self.seed);
        self.tape.clear();
        true
    }

    fn end(&mut self) {}

    fn tape(&self) -> &Tape {
        &self.tape
    }
}

/// By priorities (PCT): each actor has one, the highest goes on, and at a few steps, drawn
/// beforehand, who would go on falls below all others. A bug that needs `depth` ordered steps in a
/// run of n actors and k steps is found with a probability of at least 1/(n k^(depth-1)) per run.
#[derive(Debug)]
pub struct Priorities {
    random: Random,
    depth: usize,
    /// The longest run so far: where the changes are drawn from.
    longest: usize,
    step: usize,
    changes: Vec<usize>,
    known: Vec<(Actor, u64)>,
    lowest: u64,
}

impl Priorities {
    /// `runs` runs, from `seed` on, for bugs of `depth` ordered steps.
    pub fn new(seed: u64, runs: u64, depth: usize) -> Self {
        Self {
            random: Random::new(seed, runs),
            depth,
            longest: 16,
            step: 0,
            changes: Vec::new(),
            known: Vec::new(),
            lowest: 0,
        }
    }

    fn priority(&mut self, actor: Actor) -> u64 {
        if let Some((_, priority)) = self.known.iter().find(|(known, _)| *known == actor) {
            return *priority;
        }
        // Above all that have fallen.
        let priority = self.random.dice.roll() | 1 << 63;
        self.known.push((actor, priority));
        priority
    }
}

impl Choice for Priorities {
    fn next(&mut self, enabled: &[Actor]) -> usize {
        self.step += 1;
        let highest = |this: &mut Self| {
            let first = (0..enabled.len()).max_by_key(|place| this.priority(enabled[*place]));
            first.unwrap_or(0)
        };
        let mut chosen = highest(self);
        if self.changes.contains(&self.step) {
            self.lowest -= 1;
            let (fallen, lowest) = (enabled[chosen], self.lowest);
            self.known.iter_mut().filter(|(actor, _)| *actor == fallen).for_each(|known| {
                known.1 = lowest;
            });
            chosen = highest(self);
        }
        self.random.tape.push(enabled.len(), chosen)
    }

    fn choose(&mut self, n: usize, kind: Kind) -> usize {
        self.random.choose(n, kind)
    }

    fn touch(&mut self, _: Object, _: Access) {}
}

impl Search for Priorities {
    fn begin(&mut self) -> bool {
        self.longest = self.longest.max(self.step);
        (self.step, self.lowest) = (0, 1 << 62);
        self.known.clear();
        let begun = self.random.begin();
        let longest = self.longest;
        let change = |this: &mut Self| 1 + this.random.dice.below(longest);
        self.changes = (1..self.depth).map(|_| change(self)).collect();
        begun
    }

    fn end(&mut self) {}

    fn tape(&self) -> &Tape {
        self.random.tape()
    }
}
