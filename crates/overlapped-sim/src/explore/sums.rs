//! Exact numbers: how many runs end in which way, by looking at each distinct state once.
//!
//! Runs are paths in the graph of states, which has no cycles; so the number of paths to each state
//! is a sum over the states before it, and the runs themselves are never taken.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap},
    hash::{BuildHasherDefault, Hash, Hasher},
};

use rustc_hash::FxHasher;

use super::{Access, Actor, Choice, Kind, Model, Object, Tape};

/// How far a search may go.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Distinct states.
    pub states: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { states: 5_000_000 }
    }
}

/// What [`walk`] found.
#[derive(Clone, Debug)]
pub struct Sums<V> {
    /// How many runs end so, exactly; with `None` in place of a verdict nothing is left out.
    pub runs: BTreeMap<V, u128>,
    /// Distinct states.
    pub states: usize,
    /// Steps between them.
    pub steps: usize,
    /// Nothing was left out: neither a limit was reached, nor does a state lead back to itself.
    pub complete: bool,
}

impl<V: Ord> Sums<V> {
    /// All runs.
    pub fn total(&self) -> u128 {
        self.runs.values().sum()
    }

    /// The runs whose verdict `is` so.
    pub fn count(&self, is: impl Fn(&V) -> bool) -> u128 {
        self.runs.iter().filter(|(verdict, _)| is(verdict)).map(|(_, runs)| runs).sum()
    }
}

/// Looks at every state that `start` can come to.
pub fn walk<M: Model>(start: &M, limits: Limits) -> Sums<M::Verdict> {
    let mut states = States::new(start.clone());
    let mut edges: Vec<(u32, u32)> = Vec::new();
    let mut ends: Vec<(u32, M::Verdict)> = Vec::new();
    let (mut enabled, mut odometer) = (Vec::new(), Odometer::default());
    let mut complete = true;
    let mut at = 0;
    while at < states.all.len() {
        if states.all.len() > limits.states {
            complete = false;
            break;
        }
        enabled.clear();
        states.all[at].enabled(&mut enabled);
        if enabled.is_empty() {
            ends.push((at as u32, states.all[at].verdict()));
        }
        for actor in &enabled {
            odometer.restart();
            loop {
                let mut next = states.all[at].clone();
                odometer.rewind();
                next.step(*actor, &mut odometer);
                let to = states.place(next);
                edges.push((at as u32, to));
                if !odometer.advance() {
                    break;
                }
            }
        }
        at += 1;
    }
    let (paths, acyclic) = paths(states.all.len(), &edges);
    let mut runs = BTreeMap::new();
    for (state, verdict) in ends {
        *runs.entry(verdict).or_insert(0) += paths[state as usize];
    }
    Sums { runs, states: states.all.len(), steps: edges.len(), complete: complete && acyclic }
}

/// How many paths lead from the first state to each. `edges` are sorted by where they begin.
fn paths(states: usize, edges: &[(u32, u32)]) -> (Vec<u128>, bool) {
    let mut before = vec![0_u32; states];
    let mut first = vec![u32::MAX; states];
    for (index, (from, to)) in edges.iter().enumerate() {
        before[*to as usize] += 1;
        let first = &mut first[*from as usize];
        *first = (*first).min(index as u32);
    }
    let mut paths = vec![0_u128; states];
    paths[0] = 1;
    let mut ready = vec![0_u32];
    let mut seen = 0;
    while let Some(state) = ready.pop() {
        seen += 1;
        let edges = edges.get(first[state as usize] as usize..).unwrap_or_default();
        for (_, to) in edges.iter().take_while(|(from, _)| *from == state) {
            paths[*to as usize] += paths[state as usize];
            before[*to as usize] -= 1;
            if before[*to as usize] == 0 {
                ready.push(*to);
            }
        }
    }
    (paths, seen == states)
}

/// How simple a run is: fewest preemptions, then fewest switches, then fewest steps.
type Cost = (u32, u32, u32);

/// The simplest run whose end `is` so: what was chosen in it.
///
/// A preemption is a step by another although who went before could go on; a switch, any step by
/// another.
pub fn simplest<M: Model>(
    start: &M,
    limits: Limits,
    is: impl Fn(&M::Verdict) -> bool,
) -> Option<Tape> {
    let mut states = States::new((start.clone(), None));
    let mut best: Vec<(Cost, u32, Tape)> = vec![((0, 0, 0), 0, Tape::new())];
    let mut queue = BinaryHeap::from([Reverse(((0, 0, 0), 0_u32))]);
    let (mut enabled, mut odometer) = (Vec::new(), Odometer::default());
    while let Some(Reverse((cost, at))) = queue.pop() {
        if best[at as usize].0 < cost {
            continue;
        }
        let (state, last): (M, Option<Actor>) = states.all[at as usize].clone();
        enabled.clear();
        state.enabled(&mut enabled);
        if enabled.is_empty() && is(&state.verdict()) {
            return Some(tape(&best, at));
        }
        for (place, actor) in enabled.iter().enumerate() {
            let switches = last.is_some_and(|last| last != *actor);
            let preempts = switches && last.is_some_and(|last| enabled.contains(&last));
            let cost = (cost.0 + u32::from(preempts), cost.1 + u32::from(switches), cost.2 + 1);
            odometer.restart();
            loop {
                let mut next = state.clone();
                odometer.rewind();
                next.step(*actor, &mut odometer);
                let to = states.place((next, Some(*actor)));
                if to as usize == best.len() || cost < best[to as usize].0 {
                    let mut step = Tape::new();
                    step.push(enabled.len(), place);
                    odometer.choices.iter().for_each(|(ways, chosen)| {
                        step.push(*ways as usize, *chosen as usize);
                    });
                    let known = (cost, at, step);
                    if to as usize == best.len() {
                        best.push(known);
                    } else {
                        best[to as usize] = known;
                    }
                    queue.push(Reverse((cost, to)));
                }
                if !odometer.advance() {
                    break;
                }
            }
        }
        if states.all.len() > limits.states {
            return None;
        }
    }
    None
}

fn tape(best: &[(Cost, u32, Tape)], mut at: u32) -> Tape {
    let mut steps = Vec::new();
    while at != 0 {
        let (_, before, step) = &best[at as usize];
        steps.push(step);
        at = *before;
    }
    let mut tape = Tape::new();
    for (ways, chosen) in steps.into_iter().rev().flat_map(Tape::choices) {
        tape.push(*ways as usize, *chosen as usize);
    }
    tape
}

/// Tries all combinations of the choices inside a step.
#[derive(Default)]
struct Odometer {
    choices: Vec<(u32, u32)>,
    at: usize,
}

impl Odometer {
    fn restart(&mut self) {
        self.choices.clear();
    }

    fn rewind(&mut self) {
        self.at = 0;
    }

    fn advance(&mut self) -> bool {
        let more = self.choices.iter().rposition(|(ways, chosen)| chosen + 1 < *ways);
        let Some(place) = more else {
            return false;
        };
        self.choices[place].1 += 1;
        self.choices.truncate(place + 1);
        true
    }
}

impl Choice for Odometer {
    fn next(&mut self, _: &[Actor]) -> usize {
        0
    }

    fn choose(&mut self, n: usize, _: Kind) -> usize {
        if n < 2 {
            return 0;
        }
        if self.at == self.choices.len() {
            self.choices.push((n as u32, 0));
        }
        self.at += 1;
        self.choices[self.at - 1].1 as usize
    }

    fn touch(&mut self, _: Object, _: Access) {}
}

/// Distinct states, each with a number, in the order in which they were found.
struct States<S> {
    all: Vec<S>,
    /// By hash: the first state that has it. Others are looked for in `next`.
    known: HashMap<u64, u32, BuildHasherDefault<Same>>,
    next: Vec<u32>,
}

impl<S: Eq + Hash> States<S> {
    fn new(first: S) -> Self {
        let mut states = Self { all: Vec::new(), known: HashMap::default(), next: Vec::new() };
        states.place(first);
        states
    }

    /// The number of `state`, which is compared in full.
    fn place(&mut self, state: S) -> u32 {
        let mut hasher = FxHasher::default();
        state.hash(&mut hasher);
        let number = self.all.len() as u32;
        let first = *self.known.entry(hasher.finish()).or_insert(number);
        let mut at = first;
        while at != number && at != u32::MAX {
            if self.all[at as usize] == state {
                return at;
            }
            at = self.next[at as usize];
        }
        self.all.push(state);
        self.next.push(u32::MAX);
        if first != number {
            self.next[number as usize] = self.next[first as usize];
            self.next[first as usize] = number;
        }
        number
    }
}

/// A hash that is one already.
#[derive(Default)]
struct Same(u64);

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only whole words are hashed")
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }
}
