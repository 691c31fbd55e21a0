//! Steps of a run that could have come the other way round.

use rustc_hash::FxHashMap;

use super::{
    Access, Object,
    reduced::{Frame, conflict},
};

/// Finds them. What it needs for that is kept from run to run, so that nothing is allocated.
#[derive(Debug, Default)]
pub(super) struct Races {
    /// For each step and actor, the last step of that actor, counted from 1, that came before.
    clocks: Vec<u32>,
    actors: usize,
    /// The last step of each actor, counted from 1.
    last: Vec<u32>,
    objects: FxHashMap<Object, Touched>,
    /// What the step that is looked at depends on directly.
    causes: Vec<u32>,
    rivals: Vec<u32>,
    /// Steps from here on show nothing new, or could not be taken.
    real: usize,
    /// Its actor waited until this step was taken.
    waited: Option<u32>,
}

/// The steps that touched an object, in order.
type Touched = Vec<(u32, Access)>;

impl Races {
    /// Looks through a run, and notes in its frames who is to go first in later ones.
    pub(super) fn find(&mut self, frames: &mut [Frame], actors: usize, real: usize) {
        (self.actors, self.real) = (actors, real);
        self.clocks.clear();
        self.clocks.resize(frames.len() * actors, 0);
        self.last.clear();
        self.last.resize(actors, 0);
        self.objects.values_mut().for_each(Vec::clear);
        for step in 0..frames.len() {
            self.look_at(step, frames, true);
            Self::disabled(step, frames);
        }
    }

    /// As [`find`](Self::find), which has looked through all but the last: a step that could not be
    /// taken.
    pub(super) fn find_one(&mut self, frames: &mut [Frame]) {
        let step = frames.len() - 1;
        let me = actor(frames, step as u32);
        if me >= self.actors {
            return;
        }
        let last = self.last[me];
        self.clocks.truncate(step * self.actors);
        self.clocks.resize((step + 1) * self.actors, 0);
        self.look_at(step, frames, false);
        // It has not been taken.
        self.last[me] = last;
        for (object, _) in &frames[step].touches {
            self.objects.entry(*object).or_default().pop();
        }
    }

    fn look_at(&mut self, step: usize, frames: &mut [Frame], taken: bool) {
        self.rivals_of(step as u32, frames, taken);
        self.older_rivals(step as u32, frames);
        for index in 0..self.rivals.len() {
            let rival = self.rivals[index] as usize;
            self.reverse(rival, step, frames);
        }
    }

    fn happens_before(&self, a: u32, b: u32, frames: &[Frame]) -> bool {
        self.clocks[b as usize * self.actors + actor(frames, a)] > a
    }

    /// Works out the clock of `step`, and which earlier steps race with it.
    fn rivals_of(&mut self, step: u32, frames: &[Frame], taken: bool) {
        let me = actor(frames, step);
        self.causes.clear();
        self.rivals.clear();
        for (object, access) in &frames[step as usize].touches {
            let touched = self.objects.entry(*object).or_default();
            conflicts(touched, *access, &mut self.rivals);
        }
        // Who was woken depends on who woke it; the order may be turned round all the same.
        let before = self.last[me];
        if before > 0 {
            self.causes.push(before - 1);
        }
        // A step that could not be taken waited until the end.
        let woken = enabler(me as u32, before, step, frames);
        self.waited = if taken { woken } else { Some(step) };
        self.causes.extend(woken.filter(|_| taken));
        self.rivals.retain(|rival| actor(frames, *rival) != me);
        self.rivals.sort_unstable();
        self.rivals.dedup();
        self.tick(step, me);
        let causes = std::mem::take(&mut self.causes);
        let mut rivals = std::mem::take(&mut self.rivals);
        let all = rivals.clone();
        // What comes before something else that comes before this step cannot be next to it.
        rivals.retain(|rival| {
            let others = all.iter().chain(&causes).filter(|other| *other != rival);
            !others.into_iter().any(|other| self.happens_before(*rival, *other, frames))
        });
        (self.causes, self.rivals) = (causes, rivals);
        for (object, access) in &frames[step as usize].touches {
            self.objects.entry(*object).or_default().push((step, *access));
        }
    }

    /// Rivals beyond those that `step` waited for: a lock is taken after it was let go, but it
    /// might have been taken before the other took it.
    fn older_rivals(&mut self, step: u32, frames: &[Frame]) {
        let number = actor(frames, step) as u32;
        let could = |rival: u32| frames[rival as usize].enabled.contains(&number);
        let Some(waited) = self.waited else {
            return;
        };
        for (object, access) in &frames[step as usize].touches {
            let touched = self.objects.get(object).map_or(&[][..], |touched| touched);
            let theirs = touched.iter().rev().filter(|(rival, theirs)| {
                *rival < waited
                    && actor(frames, *rival) != number as usize
                    && conflict(*access, *theirs)
            });
            let older = theirs.map(|(rival, _)| *rival).find(|rival| could(*rival));
            self.rivals.extend(older);
        }
    }

    fn tick(&mut self, step: u32, me: usize) {
        let (earlier, own) = self.clocks.split_at_mut(step as usize * self.actors);
        let own = &mut own[..self.actors];
        for cause in self.causes.iter().chain(&self.rivals) {
            let theirs = &earlier[*cause as usize * self.actors..][..self.actors];
            own.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine = (*mine).max(*theirs));
        }
        own[me] = step + 1;
        self.last[me] = step + 1;
    }

    /// `later` is to come before `earlier` in some run: somebody who can begin what leads there is
    /// wanted where `earlier` was taken.
    fn reverse(&self, earlier: usize, later: usize, frames: &mut [Frame]) {
        // What does not come after `earlier` comes along; whoever begins it may go first.
        // Of a step that was not really taken here, only what must come before it does.
        let real = later < self.real;
        let between = (earlier + 1..later).filter(|step| {
            !self.happens_before(earlier as u32, *step as u32, frames)
                && (real || self.happens_before(*step as u32, later as u32, frames))
        });
        let path: Vec<usize> = between.chain([later]).collect();
        let mut first = Vec::new();
        for (index, step) in path.iter().enumerate() {
            let begins = !path[..index]
                .iter()
                .any(|before| self.happens_before(*before as u32, *step as u32, frames));
            if begins {
                first.push(actor(frames, *step as u32) as u32);
            }
        }
        let frame = &mut frames[earlier];
        let places = |frame: &Frame, number: &u32| frame.enabled.iter().position(|e| e == number);
        let is_served = |number: &u32| {
            let wanted = places(frame, number).is_some_and(|place| frame.wanted.contains(place));
            wanted || frame.is_asleep(*number)
        };
        if first.iter().any(is_served) {
            return;
        }
        match first.iter().find_map(|number| places(frame, number)) {
            Some(place) => frame.wanted.insert(place),
            // None of them could go on there: whoever can may lead to it.
            None => frame.wanted.insert_all(frame.enabled.len()),
        }
    }

    /// Who could go on before `step` and cannot after it wants to be tried before it.
    fn disabled(step: usize, frames: &mut [Frame]) {
        let Some((frame, after)) = frames[step..].split_first_mut() else {
            return;
        };
        let Some(after) = after.first() else {
            return;
        };
        for place in 0..frame.enabled.len() {
            if place != frame.chosen && !after.enabled.contains(&frame.enabled[place]) {
                frame.wanted.insert(place);
            }
        }
    }
}

/// The steps that conflict with one that touches as `access`, back to the last write.
fn conflicts(touched: &Touched, access: Access, out: &mut Vec<u32>) {
    for (step, theirs) in touched.iter().rev() {
        if conflict(access, *theirs) {
            out.push(*step);
        }
        if *theirs == Access::Write {
            break;
        }
    }
}

fn actor(frames: &[Frame], step: u32) -> usize {
    let frame = &frames[step as usize];
    frame.enabled[frame.chosen] as usize
}

/// The step after which `number` could go on, if that came after its own last one.
fn enabler(number: u32, own: u32, step: u32, frames: &[Frame]) -> Option<u32> {
    (own..step).rev().find(|before| !frames[*before as usize].enabled.contains(&number))
}
