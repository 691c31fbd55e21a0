//! The simplest explorer that there is. It shares no line with the library's: at each state it
//! tries each step, and in each step each way, by calling itself. What the library sums up or
//! leaves out must come to the same.

use std::collections::{BTreeMap, BTreeSet};

use overlapped_sim::explore::{Access, Actor, Choice, Kind, Model, Object};

/// What came of all runs of a system.
pub(crate) struct Seen<V> {
    /// How many ended in which way.
    pub(crate) timelines: BTreeMap<V, u128>,
    /// How many of them differ in an order that matters.
    pub(crate) traces: usize,
}

/// A step by its name: whose, that actor's how many-th, and what was chosen inside.
type Name = (Actor, usize, Vec<usize>);

struct Step {
    name: Name,
    touches: Vec<(Object, Access)>,
}

/// Which step came before which, of those that do not commute.
type Trace = BTreeSet<(Name, Name)>;

pub(crate) fn explore<M: Model>(start: &M) -> Seen<M::Verdict> {
    let (mut timelines, mut traces) = (BTreeMap::new(), BTreeSet::new());
    go_on(start, &mut Vec::new(), &mut |verdict, run| {
        *timelines.entry(verdict).or_insert(0) += 1;
        traces.insert(trace(run));
    });
    Seen { timelines, traces: traces.len() }
}

fn go_on<M: Model>(state: &M, run: &mut Vec<Step>, over: &mut impl FnMut(M::Verdict, &[Step])) {
    let mut enabled = Vec::new();
    state.enabled(&mut enabled);
    if enabled.is_empty() {
        over(state.verdict(), run);
    }
    for actor in enabled {
        let mut ways = vec![Vec::new()];
        while let Some(way) = ways.pop() {
            let (mut next, mut script) = (state.clone(), Script::new(way));
            next.step(actor, &mut script);
            ways.append(&mut script.others);
            let number = run.iter().filter(|step| step.name.0 == actor).count();
            let name = (actor, number, script.chosen);
            run.push(Step { name, touches: script.touches });
            go_on(&next, run, over);
            run.pop();
        }
    }
}

fn trace(run: &[Step]) -> Trace {
    let mut trace = Trace::new();
    for (place, later) in run.iter().enumerate() {
        let earlier = run[..=place].iter().filter(|earlier| !commute(earlier, later));
        trace.extend(earlier.map(|earlier| (earlier.name.clone(), later.name.clone())));
    }
    trace
}

fn commute(a: &Step, b: &Step) -> bool {
    let clash = |x: &(Object, Access), y: &(Object, Access)| {
        x.0 == y.0 && (x.1 == Access::Write || y.1 == Access::Write || x.1 != y.1)
    };
    a.name.0 != b.name.0 && !a.touches.iter().any(|x| b.touches.iter().any(|y| clash(x, y)))
}

/// Chooses as it was told, and where it was not, the first way; the others are for later.
struct Script {
    told: Vec<usize>,
    chosen: Vec<usize>,
    others: Vec<Vec<usize>>,
    touches: Vec<(Object, Access)>,
}

impl Script {
    fn new(told: Vec<usize>) -> Self {
        Self { told, chosen: Vec::new(), others: Vec::new(), touches: Vec::new() }
    }
}

impl Choice for Script {
    fn next(&mut self, _: &[Actor]) -> usize {
        unreachable!("whose step it is was chosen outside")
    }

    fn choose(&mut self, ways: usize, _: Kind) -> usize {
        let way = self.told.get(self.chosen.len()).copied();
        if way.is_none() {
            let others = (1..ways).map(|way| [&self.chosen[..], &[way]].concat());
            self.others.extend(others);
        }
        self.chosen.push(way.unwrap_or(0));
        way.unwrap_or(0)
    }

    fn touch(&mut self, object: Object, access: Access) {
        self.touches.push((object, access));
    }
}
