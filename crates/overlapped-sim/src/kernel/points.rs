//! Points: where the program has just started or asked for something, or waits. Whoever can go on
//! there is a candidate; the choice falls on one, which takes a step, and so on, until it falls on
//! the thread that came to the point.

use std::sync::{Arc, MutexGuard};

use super::{
    Kernel, State, Time, Trouble, Wait, here,
    numbers::{self, PROGRAM},
    threads::unwind,
};
use crate::explore::{Access, Actor};

/// Who can go on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Candidate {
    /// A thread, with the place of one of its tasks if it runs some; it may have waited in vain
    /// until then.
    Thread {
        thread: usize,
        task: usize,
        at: Time,
    },
    /// An operation in flight, by its place; not before then.
    Operation {
        place: usize,
        at: Time,
    },
    Service {
        place: usize,
        at: Time,
    },
    /// Whoever types on a terminal.
    Typist {
        place: usize,
        at: Time,
    },
}

/// How often a thread that is unwound may wait in its destructors.
const PATIENCE: u32 = 10_000;

impl Kernel {
    /// The calling thread is at a point; which of its candidates the choice fell on.
    ///
    /// # Panics
    ///
    /// If it is no thread of this simulation: then something outside decides.
    pub(crate) fn point(self: &Arc<Self>, wait: Wait) -> usize {
        self.point_in(self.lock(), wait).1
    }

    /// As [`point`](Self::point), for who has the state, and wants it back.
    pub(crate) fn point_in<'a>(
        self: &'a Arc<Self>,
        mut state: MutexGuard<'a, State>,
        wait: Wait,
    ) -> (MutexGuard<'a, State>, usize) {
        let Some(me) = here() else {
            drop(state);
            panic!("a thread that is not simulated uses a simulated port: use Sim::thread");
        };
        if state.ended {
            return (state, 0);
        }
        if state.trouble.is_some() {
            return (self.give_up(state, wait), 0);
        }
        let before = std::mem::replace(&mut state.threads[me].wait, wait);
        let (mut state, chosen) = self.go_round(state, me);
        state.threads[me].wait = before;
        let Some(chosen) = chosen.filter(|_| state.trouble.is_none()) else {
            return (self.give_up(state, wait), 0);
        };
        state.touch(PROGRAM, Access::Write);
        (state, chosen)
    }

    /// A point where the program waits for nothing.
    pub(crate) fn pass(self: &Arc<Self>) {
        self.point(Wait::Nothing);
    }

    /// As a point where the program waits for nothing, but where it can be unwound.
    pub(crate) fn yield_now(self: &Arc<Self>) {
        let (state, _) = self.point_in(self.lock(), Wait::Nothing);
        let troubled = state.trouble.is_some();
        drop(state);
        if troubled && !std::thread::panicking() {
            unwind();
        }
    }

    /// Lets others take steps until the choice falls on `me`, which has the turn: on which of its
    /// tasks. `None` if the simulation is over.
    pub(super) fn go_round<'a>(
        self: &'a Arc<Self>,
        mut state: MutexGuard<'a, State>,
        me: usize,
    ) -> (MutexGuard<'a, State>, Option<usize>) {
        loop {
            if let Some(chosen) = state.threads[me].chosen.take() {
                return (state, Some(chosen));
            }
            if state.trouble.is_some() {
                return (state, None);
            }
            let Some(candidate) = state.candidate(me) else {
                if state.is_finished(me) {
                    return (state, Some(0));
                }
                state.hang();
                continue;
            };
            state.moves += u64::from(!matches!(candidate, Candidate::Service { .. }));
            match candidate {
                Candidate::Operation { place, at } => {
                    self.pass_time(&mut state, at);
                    self.step(&mut state, place);
                }
                Candidate::Typist { place, at } => {
                    self.pass_time(&mut state, at);
                    state.is_typed(place);
                }
                Candidate::Service { place, at } => {
                    self.pass_time(&mut state, at);
                    // It calls wakers and executes wills, which the program may see.
                    state.touch(PROGRAM, Access::Write);
                    drop(state);
                    self.serve(place);
                    state = self.lock();
                }
                Candidate::Thread { thread, task, at } => {
                    self.pass_time(&mut state, at);
                    state.threads[thread].chosen = Some(task);
                    state.threads[thread].notified = false;
                    if thread != me {
                        // The turn comes back when the choice has fallen on this one, or when a
                        // thread has ended and leaves the choice to it.
                        state = self.hand_over(state, me, thread);
                    }
                }
            }
        }
    }

    /// The simulation is over for the calling thread: it is unwound where it waits, and nowhere
    /// else, as nowhere else a port expects it. If it is unwound already, its destructors find that
    /// everything in flight was cancelled.
    fn give_up<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        wait: Wait,
    ) -> MutexGuard<'a, State> {
        if wait == Wait::Nothing {
            return state;
        }
        if !std::thread::panicking() {
            drop(state);
            unwind();
        }
        state.cancel_all();
        state.patience += 1;
        let vain = matches!(wait, Wait::Park { .. } | Wait::Task | Wait::Join { .. });
        if vain && state.patience > PATIENCE {
            eprintln!("a destructor waits for what never comes, in a simulation that is over");
            std::process::abort();
        }
        state
    }
}

impl State {
    /// Who goes on; `None` if nobody can.
    fn candidate(&mut self, me: usize) -> Option<Candidate> {
        let mut candidates = std::mem::take(&mut self.candidates);
        self.candidates(me, &mut candidates);
        let chosen = (!candidates.is_empty()).then(|| candidates[self.pick(&candidates)]);
        self.candidates = candidates;
        chosen
    }

    /// Which of `candidates` goes on: an index.
    fn pick(&mut self, candidates: &[Candidate]) -> usize {
        let mut actors = std::mem::take(&mut self.enabled);
        actors.clear();
        actors.extend(candidates.iter().map(|candidate| self.actor(*candidate)));
        let chosen = self.choice.next(&actors);
        let taker = self.log.is_traced().then(|| self.taker(candidates[chosen]));
        self.log.step(actors[chosen], self.now, taker);
        self.enabled = actors;
        chosen
    }

    /// Who takes a step, in words.
    fn taker(&self, candidate: Candidate) -> String {
        let (thread, task, at) = match candidate {
            Candidate::Operation { place, .. } => return format!("#{}", self.flying[place].number),
            Candidate::Typist { .. } => return "whoever types".to_owned(),
            Candidate::Service { .. } => return "a port's background thread".to_owned(),
            Candidate::Thread { thread, task, at } => (&self.threads[thread], task, at),
        };
        let in_vain = match thread.wait {
            Wait::Reap { queue, until } => {
                let queue = &self.queues[queue];
                queue.landed.is_empty() && !queue.woken && until.is_some_and(|until| until <= at)
            }
            Wait::Park { until } => !thread.notified && until.is_some_and(|until| until <= at),
            _ => false,
        };
        match thread.wait {
            Wait::Task if thread.ready[task] > 0 => {
                format!("task {} of {}", thread.ready[task], thread.name)
            }
            _ if in_vain => format!("{} waits no longer", thread.name),
            _ => thread.name.to_string(),
        }
    }

    fn actor(&self, candidate: Candidate) -> Actor {
        match candidate {
            Candidate::Thread { thread, task, .. } => match self.threads[thread].wait {
                Wait::Task => numbers::task(thread, self.threads[thread].ready[task]),
                _ => numbers::thread(thread),
            },
            Candidate::Operation { place, .. } => self.flying[place].actor,
            Candidate::Service { place, .. } => self.service_actor(place),
            Candidate::Typist { place, .. } => numbers::typist(place),
        }
    }

    /// Everybody who can go on, the default first: the thread at the point, what is in flight in
    /// the order of its coming, ports to be served, other threads; and last who would wait in vain.
    fn candidates(&mut self, me: usize, out: &mut Vec<Candidate>) {
        out.clear();
        let bound = self.bound();
        self.thread_candidates(me, bound, out);
        for (place, flying) in self.flying.iter().enumerate() {
            let (earliest, _) = flying.window;
            if earliest <= bound && earliest < Time::MAX {
                out.push(Candidate::Operation { place, at: earliest });
            }
        }
        let services = self.services_due().filter(|(.., at)| *at <= bound);
        let services = services.filter(|(place, ..)| !self.is_in_vain(*place));
        out.extend(services.map(|(place, _, at)| Candidate::Service { place, at }));
        // Nobody types for a program that is over.
        if !self.is_finished(me) {
            let typists = self.typists().filter(|(_, at)| *at <= bound);
            out.extend(typists.map(|(place, at)| Candidate::Typist { place, at }));
        }
        for thread in (0..self.threads.len()).filter(|thread| *thread != me) {
            self.thread_candidates(thread, bound, out);
        }
        if out.is_empty() {
            let services = self.services_due().filter(|(.., at)| *at <= bound);
            out.extend(services.map(|(place, _, at)| Candidate::Service { place, at }));
        }
        // Who only waits in vain comes last, and of those the first whose time is over.
        let vain = |candidate: &Candidate| match candidate {
            Candidate::Thread { at, .. }
            | Candidate::Service { at, .. }
            | Candidate::Typist { at, .. }
                if *at > self.now =>
            {
                *at
            }
            _ => 0,
        };
        if out.iter().any(|candidate| vain(candidate) > 0) {
            out.sort_by_key(vain);
        }
    }

    /// Nothing may happen later than this: something else must have happened by then.
    fn bound(&mut self) -> Time {
        let mut bound = Time::MAX;
        for place in 0..self.flying.len() {
            // What waits for a pipe may go on from now on, or not any more.
            let able = self.is_able(place);
            let latest = self.flying[place].note_window(self.now, able);
            bound = bound.min(latest);
        }
        for thread in 0..self.threads.len() {
            bound = bound.min(self.ready_at(thread).unwrap_or(Time::MAX));
        }
        bound = self.typists().fold(bound, |bound, (_, at)| bound.min(at));
        self.services_due().fold(bound, |bound, (.., at)| bound.min(at))
    }

    /// When the thread can go on, if nothing else happens.
    fn ready_at(&self, number: usize) -> Option<Time> {
        let thread = &self.threads[number];
        match thread.wait {
            _ if thread.over => None,
            Wait::Nothing => Some(self.now),
            Wait::Task => (!thread.ready.is_empty()).then_some(self.now),
            Wait::Join { thread } => self.threads[thread].over.then_some(self.now),
            Wait::End => None,
            Wait::Park { .. } if thread.notified => Some(self.now),
            Wait::Park { until } => until.map(|until| until.max(self.now)),
            Wait::Reap { queue, until } => {
                let queue = &self.queues[queue];
                if !queue.landed.is_empty() || queue.woken {
                    return Some(self.now);
                }
                until.map(|until| until.max(self.now))
            }
        }
    }

    fn thread_candidates(&self, thread: usize, bound: Time, out: &mut Vec<Candidate>) {
        let Some(at) = self.ready_at(thread).filter(|at| *at <= bound) else {
            return;
        };
        let tasks = match self.threads[thread].wait {
            Wait::Task => self.threads[thread].ready.len(),
            _ => 1,
        };
        out.extend((0..tasks).map(|task| Candidate::Thread { thread, task, at }));
    }

    /// Nobody can go on, and time would not help.
    fn hang(&mut self) {
        let waits = self.threads.iter().filter(|thread| !thread.over).map(|thread| {
            let what = match thread.wait {
                Wait::Nothing | Wait::End => "the others to be over".to_owned(),
                Wait::Reap { .. } => {
                    "a completion, and nothing is in flight that could come".into()
                }
                Wait::Park { .. } => "somebody to get it up".to_owned(),
                Wait::Task => "a task to be woken".to_owned(),
                Wait::Join { thread } => {
                    format!("the end of {}", self.threads[thread].name)
                }
            };
            (thread.name.to_string(), what)
        });
        let stuck = self.flying.iter().map(|flying| {
            let what = "its other end: no bytes, no room, and nobody there moves";
            (format!("#{} {}", flying.number, flying.entry.op().name()), what.to_owned())
        });
        let waits = waits.chain(stuck).collect();
        self.fail(Trouble::Hang(waits));
    }

    /// Nobody has anything left to do, and nobody waits for it but the thread that ends the run.
    fn is_finished(&self, me: usize) -> bool {
        let ends = self.threads[me].wait == Wait::End;
        ends && self.flying.is_empty() && self.another_thread(me).is_none()
    }

    /// The first thread beside `me` that is not over.
    pub(super) fn another_thread(&self, me: usize) -> Option<usize> {
        (0..self.threads.len()).find(|thread| *thread != me && !self.threads[*thread].over)
    }
}
