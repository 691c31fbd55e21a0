//! Every schedule that differs in an order that matters, once: dynamic partial-order reduction with
//! source sets and sleep sets (Abdulla et al. 2014; Flanagan and Godefroid 2005; Godefroid 1996).
//!
//! The stack of [`Frame`]s is the run itself. After a run, pairs of steps that touched the same
//! thing and could have come the other way round are looked for; where the first of them was taken,
//! somebody else is to go first in a later run. An actor whose ways have all been tried at a state
//! sleeps there, and below, until a step touches what its own would: what it would show has been
//! shown.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{Access, Actor, Choice, Kind, Object, Search, Tape, places::Places, races::Races};

/// The exhaustive search. Depth first; the same runs in the same order each time.
#[derive(Debug, Default)]
pub struct Reduced {
    /// The steps of the run; beyond `live` they are room for later ones.
    pub(super) frames: Vec<Frame>,
    pub(super) live: usize,
    /// How many steps this run has taken.
    depth: usize,
    /// How many choices inside the step it has made.
    inside: usize,
    actors: Vec<Actor>,
    numbers: FxHashMap<Actor, u32>,
    races: Races,
    /// Who waited in vain at the end, and for what.
    blocked: Vec<(u32, Touch)>,
    begun: bool,
    /// From this step on the run shows nothing that another has not shown. It goes on all the same:
    /// what its actors turn out to touch may tell who should have gone first before.
    redundant: Option<usize>,
    /// All orders, one by one.
    naive: bool,
    /// How many times a run may turn away from the default.
    bound: Option<u32>,
    bounded: bool,
    tape: Tape,
}

/// A state and the step that was taken from it.
#[derive(Debug, Default)]
pub(super) struct Frame {
    /// Who could go on, by number.
    pub(super) enabled: Vec<u32>,
    /// The place in `enabled` of who did.
    pub(super) chosen: usize,
    /// The places that are to be tried, tried ones included.
    pub(super) wanted: Places,
    tried: Places,
    /// Who need not be tried, and what their steps touch.
    pub(super) asleep: Vec<(u32, Arc<[Touch]>)>,
    /// The choices inside the step: of how many ways, which.
    choices: Vec<(u32, u32)>,
    pub(super) touches: Vec<Touch>,
    /// What the step touched with the other choices inside.
    others: Vec<Touch>,
}

/// A step's touch of an object.
pub(super) type Touch = (Object, Access);

/// What comes before the first step.
const ROOT: Actor = Actor(u32::MAX);

impl Reduced {
    /// Every order that matters.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every order, one by one: only for very small systems, and to check the other.
    pub fn naive() -> Self {
        Self { naive: true, ..Self::default() }
    }

    /// Every order that matters and turns away from the default at most so many times.
    pub fn within(deviations: u32) -> Self {
        Self { bound: Some(deviations), ..Self::default() }
    }

    fn number(&mut self, actor: Actor) -> u32 {
        let Self { actors, numbers, .. } = self;
        *numbers.entry(actor).or_insert_with(|| {
            actors.push(actor);
            actors.len() as u32 - 1
        })
    }

    /// A step of the part of the run that is taken again.
    fn again(&mut self, enabled: &[Actor]) -> usize {
        let frame = &mut self.frames[self.depth];
        let known = frame.enabled.iter().map(|number| self.actors[*number as usize]);
        if !known.eq(enabled.iter().copied()) {
            diverged(self.depth, &format!("{:?}", frame.enabled), &format!("{enabled:?}"));
        }
        frame.touches.clear();
        frame.chosen
    }

    /// A step that no run has come to before.
    fn first(&mut self, enabled: &[Actor]) -> usize {
        if self.live == self.frames.len() {
            self.frames.push(Frame::default());
        }
        let (before, rest) = self.frames.split_at_mut(self.live);
        let frame = &mut rest[0];
        frame.reset();
        if let Some(before) = before.last() {
            before.sleepers(&mut frame.asleep);
        }
        for actor in enabled {
            let number = self.number(*actor);
            self.frames[self.live].enabled.push(number);
        }
        let frame = &mut self.frames[self.live];
        let awake = |place: &usize| !frame.is_asleep(frame.enabled[*place]);
        let awake = (0..enabled.len()).find(awake);
        if awake.is_none() {
            self.redundant.get_or_insert(self.live);
        }
        let chosen = awake.unwrap_or(0);
        frame.chosen = chosen;
        if self.naive {
            frame.wanted.insert_all(enabled.len());
        } else {
            frame.wanted.insert(chosen);
        }
        self.live += 1;
        chosen
    }

    /// Turns to what is to be tried next; `false` if there is nothing.
    fn turn(&mut self) -> bool {
        while self.live > 0 {
            let deviations = self.frames[..self.live - 1].iter().filter(|f| f.chosen > 0).count();
            let frame = &mut self.frames[self.live - 1];
            if frame.next_inside() {
                return true;
            }
            let number = frame.enabled[frame.chosen];
            let mut touches = std::mem::take(&mut frame.others);
            touches.append(&mut frame.touches);
            touches.sort_unstable_by_key(|(object, access)| (*object, *access as u8));
            touches.dedup();
            frame.tried.insert(frame.chosen);
            if !self.naive {
                frame.asleep.push((number, touches.into()));
            }
            while let Some(place) = frame.wanted.first_without(&frame.tried) {
                frame.tried.insert(place);
                if self.bound.is_some_and(|bound| place > 0 && deviations as u32 >= bound) {
                    self.bounded = true;
                } else if !frame.is_asleep(frame.enabled[place]) {
                    frame.chosen = place;
                    frame.choices.clear();
                    return true;
                }
            }
            self.live -= 1;
        }
        false
    }
}

impl Frame {
    fn reset(&mut self) {
        self.enabled.clear();
        self.chosen = 0;
        self.wanted.clear();
        self.tried.clear();
        self.asleep.clear();
        self.choices.clear();
        self.touches.clear();
        self.others.clear();
    }

    pub(super) fn is_asleep(&self, number: u32) -> bool {
        self.asleep.iter().any(|(asleep, _)| *asleep == number)
    }

    /// Who still sleeps after this step.
    fn sleepers(&self, out: &mut Vec<(u32, Arc<[Touch]>)>) {
        let number = self.enabled[self.chosen];
        let undisturbed = |(asleep, touches): &&(u32, Arc<[Touch]>)| {
            *asleep != number && !depend(touches, &self.touches)
        };
        out.extend(self.asleep.iter().filter(undisturbed).cloned());
    }

    /// The next combination of the choices inside the step.
    fn next_inside(&mut self) -> bool {
        let more = self.choices.iter().rposition(|(ways, chosen)| chosen + 1 < *ways);
        let Some(place) = more else {
            return false;
        };
        self.choices[place].1 += 1;
        self.choices.truncate(place + 1);
        self.others.append(&mut self.touches);
        true
    }
}

/// Whether two steps do not commute.
pub(super) fn depend(a: &[Touch], b: &[Touch]) -> bool {
    a.iter().any(|(object, access)| {
        b.iter().any(|(other, theirs)| object == other && conflict(*access, *theirs))
    })
}

pub(super) fn conflict(a: Access, b: Access) -> bool {
    match (a, b) {
        (Access::Read, Access::Read) | (Access::Add, Access::Add) => false,
        (Access::Read | Access::Write | Access::Add, _) => true,
    }
}

fn diverged(place: usize, was: &str, is: &str) -> ! {
    panic!(
        "step {place} was a choice among {was} and is now one among {is}: something outside the \
         simulator decides, such as the order of a HashMap, Instant::now or a thread"
    )
}

impl Choice for Reduced {
    fn next(&mut self, enabled: &[Actor]) -> usize {
        let again = self.depth < self.live;
        let chosen = if again { self.again(enabled) } else { self.first(enabled) };
        self.depth += 1;
        self.inside = 0;
        self.tape.push(enabled.len(), chosen)
    }

    fn choose(&mut self, n: usize, _: Kind) -> usize {
        if n < 2 {
            return 0;
        }
        let choices = &mut self.frames[self.depth - 1].choices;
        if self.inside == choices.len() {
            choices.push((n as u32, 0));
        }
        let (ways, chosen) = choices[self.inside];
        if ways as usize != n {
            diverged(self.depth - 1, &format!("{ways} ways"), &format!("{n}"));
        }
        self.inside += 1;
        self.tape.push(n, chosen as usize)
    }

    fn touch(&mut self, object: Object, access: Access) {
        let touches = &mut self.frames[self.depth - 1].touches;
        if !touches.contains(&(object, access)) {
            touches.push((object, access));
        }
    }

    fn blocked(&mut self, actor: Actor, object: Object, access: Access) {
        if !self.naive {
            let number = self.number(actor);
            self.blocked.push((number, (object, access)));
        }
    }
}

impl Search for Reduced {
    fn begin(&mut self) -> bool {
        if std::mem::replace(&mut self.begun, true) && !self.turn() {
            return false;
        }
        (self.depth, self.redundant) = (0, None);
        self.tape.clear();
        // What the program does before its first step has a frame, too.
        self.next(&[ROOT]);
        true
    }

    fn end(&mut self) {
        if self.naive {
            return;
        }
        let real = self.redundant.unwrap_or(self.live);
        self.races.find(&mut self.frames[..self.live], self.actors.len(), real);
        // A step that could not be taken races like one that was.
        while let Some((number, touch)) = self.blocked.pop() {
            if self.frames.len() == self.live {
                self.frames.push(Frame::default());
            }
            let frame = &mut self.frames[self.live];
            frame.reset();
            frame.enabled.push(number);
            frame.touches.push(touch);
            self.races.find_one(&mut self.frames[..=self.live]);
        }
        self.live = real;
    }

    fn tape(&self) -> &Tape {
        &self.tape
    }

    fn was_redundant(&self) -> bool {
        self.redundant.is_some()
    }

    fn was_bounded(&self) -> bool {
        self.bounded
    }
}
