//! Programs of a few instructions, on a few threads.

use std::rc::Rc;

use overlapped_sim::explore::{Access, Actor, Choice, Kind, Model, Object};

/// An instruction. Variables and locks are numbered; each thread has one register.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Do {
    /// The register becomes the variable.
    Read(usize),
    /// The variable becomes a number.
    Write(usize, u8),
    /// The variable grows by one; nobody looks.
    Add(usize),
    /// The variable becomes the register and one.
    Store(usize),
    /// Waits until the variable is not 0.
    Await(usize),
    /// Waits until the lock is free, and takes it.
    Lock(usize),
    Unlock(usize),
    /// The register becomes one of so many numbers.
    Choose(usize),
    /// Skips the next instruction if the variable is 0.
    SkipIfZero(usize),
    /// Touches nothing that others touch.
    Local,
}

pub(crate) struct Program {
    pub(crate) name: String,
    threads: Code,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    threads: Vec<Thread>,
    variables: [u8; 6],
    locks: [bool; 3],
    code: Same,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Thread {
    at: usize,
    register: u8,
}

type Code = Rc<Vec<Vec<Do>>>;

/// The code, which is the same in all states of a program.
#[derive(Clone, Debug)]
struct Same(Code);

impl PartialEq for Same {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Same {}

impl std::hash::Hash for Same {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

/// What is left at the end: the registers, the variables, and whether somebody waits for ever.
pub(crate) type Outcome = (Vec<u8>, [u8; 6], bool);

impl Program {
    pub(crate) fn start(&self) -> State {
        let thread = |_: &Vec<Do>| Thread { at: 0, register: 0 };
        State {
            threads: self.threads.iter().map(thread).collect(),
            variables: [0; 6],
            locks: [false; 3],
            code: Same(Rc::clone(&self.threads)),
        }
    }
}

impl State {
    fn next(&self, thread: usize) -> Option<Do> {
        self.code.0[thread].get(self.threads[thread].at).copied()
    }
}

const LOCKS: u32 = 100;

impl Model for State {
    type Verdict = Outcome;

    fn enabled(&self, out: &mut Vec<Actor>) {
        let can = |thread: &usize| match self.next(*thread) {
            None => false,
            Some(Do::Await(variable)) => self.variables[variable] != 0,
            Some(Do::Lock(lock)) => !self.locks[lock],
            Some(_) => true,
        };
        let threads = (0..self.threads.len()).filter(can);
        out.extend(threads.map(|thread| Actor(thread as u32)));
    }

    fn step(&mut self, actor: Actor, choice: &mut impl Choice) {
        let thread = actor.0 as usize;
        let instruction = self.next(thread).expect("it can go on");
        let variable = |number: usize| Object(number as u32);
        let lock = |number: usize| Object(LOCKS + number as u32);
        self.threads[thread].at += 1;
        match instruction {
            Do::Read(x) => {
                choice.touch(variable(x), Access::Read);
                self.threads[thread].register = self.variables[x];
            }
            Do::Write(x, value) => {
                choice.touch(variable(x), Access::Write);
                self.variables[x] = value;
            }
            Do::Add(x) => {
                choice.touch(variable(x), Access::Add);
                self.variables[x] += 1;
            }
            Do::Store(x) => {
                choice.touch(variable(x), Access::Write);
                self.variables[x] = self.threads[thread].register + 1;
            }
            Do::Await(x) => choice.touch(variable(x), Access::Read),
            Do::Lock(number) => {
                choice.touch(lock(number), Access::Write);
                self.locks[number] = true;
            }
            Do::Unlock(number) => {
                choice.touch(lock(number), Access::Write);
                self.locks[number] = false;
            }
            Do::Choose(ways) => {
                self.threads[thread].register = choice.choose(ways, Kind::Program) as u8;
            }
            Do::SkipIfZero(x) => {
                choice.touch(variable(x), Access::Read);
                self.threads[thread].at += usize::from(self.variables[x] == 0);
            }
            Do::Local => {}
        }
    }

    fn blocked(&self, choice: &mut impl Choice) {
        for thread in 0..self.threads.len() {
            let actor = Actor(thread as u32);
            match self.next(thread) {
                Some(Do::Await(x)) => choice.blocked(actor, Object(x as u32), Access::Read),
                Some(Do::Lock(x)) => choice.blocked(actor, Object(LOCKS + x as u32), Access::Write),
                _ => {}
            }
        }
    }

    fn verdict(&self) -> Outcome {
        let stuck = (0..self.threads.len()).any(|thread| self.next(thread).is_some());
        let registers = self.threads.iter().map(|thread| thread.register).collect();
        (registers, self.variables, stuck)
    }
}

use Do::{Add, Await, Choose, Local, Lock, Read, SkipIfZero, Store, Unlock, Write};

pub(crate) fn programs() -> Vec<Program> {
    let all: &[(&'static str, &'static [&'static [Do]])] = &[
        ("one thread", &[&[Write(0, 1), Read(0), Local]]),
        ("strangers", &[&[Write(0, 1), Write(0, 2)], &[Write(1, 1), Write(1, 2)], &[Local]]),
        ("two writers", &[&[Write(0, 1)], &[Write(0, 2)]]),
        ("three writers", &[&[Write(0, 1)], &[Write(0, 2)], &[Write(0, 3)]]),
        ("readers and a writer", &[&[Write(0, 1)], &[Read(0)], &[Read(0)], &[Read(0)]]),
        ("a lost update", &[&[Read(0), Store(0)], &[Read(0), Store(0)]]),
        ("three lost updates", &[&[Read(0), Store(0)], &[Read(0), Store(0)], &[Read(0), Store(0)]]),
        ("counters commute", &[&[Add(0), Add(0)], &[Add(0), Add(0)], &[Add(0)]]),
        ("a counter is read", &[&[Add(0)], &[Add(0)], &[Read(0)]]),
        ("store buffering", &[&[Write(0, 1), Read(1)], &[Write(1, 1), Read(0)]]),
        ("message passing", &[&[Write(0, 7), Write(1, 1)], &[Read(1), Local, Read(0)]]),
        ("a message is awaited", &[&[Write(0, 7), Write(1, 1)], &[Await(1), Read(0)]]),
        ("nobody sends", &[&[Local, Read(1)], &[Await(1)]]),
        ("a relay", &[&[Write(0, 1)], &[Await(0), Write(1, 1)], &[Await(1), Read(0)]]),
        (
            "two wait for one",
            &[&[Write(0, 1)], &[Await(0), Add(1)], &[Await(0), Add(1)], &[Read(1)]],
        ),
        (
            "a lock",
            &[&[Lock(0), Read(0), Store(0), Unlock(0)], &[Lock(0), Read(0), Store(0), Unlock(0)]],
        ),
        (
            "three share a lock",
            &[
                &[Lock(0), Write(0, 1), Unlock(0)],
                &[Lock(0), Write(0, 2), Unlock(0)],
                &[Lock(0), Write(0, 3), Unlock(0)],
            ],
        ),
        (
            "two locks the wrong way round",
            &[&[Lock(0), Lock(1), Unlock(1), Unlock(0)], &[Lock(1), Lock(0), Unlock(0), Unlock(1)]],
        ),
        ("a lock that is kept, and a look", &[&[Lock(1), Add(1)], &[Read(1), Lock(1)]]),
        ("a lock that is kept, and two looks", &[&[Lock(1), Add(1), Read(1)], &[Read(1), Lock(1)]]),
        (
            "a lock that is kept, and a stranger",
            &[&[Local], &[Lock(1), Add(1)], &[Add(0), Read(1), Lock(1)]],
        ),
        ("a lock that is kept,", &[&[Lock(0), Read(0)], &[Local, Lock(0), Store(0)]]),
        (
            "a lock around a wait",
            &[&[Lock(0), Await(0), Unlock(0)], &[Local, Lock(0), Write(0, 1), Unlock(0)]],
        ),
        ("a choice", &[&[Choose(3), Store(0)], &[Read(0)]]),
        ("two choices", &[&[Choose(2), Store(0)], &[Choose(3), Store(0)], &[Read(0)]]),
        ("a branch", &[&[Write(0, 1)], &[SkipIfZero(0), Write(1, 5), Read(1)], &[Write(1, 2)]]),
        (
            "a request, its device, and a cancel",
            &[
                // The program: starts, cancels, waits, looks.
                &[Write(0, 1), Write(1, 1), Await(2), Read(3)],
                // The device: takes it, moves bytes unless it was cancelled, says so.
                &[Await(0), SkipIfZero(1), Write(4, 1), Write(3, 9), Write(2, 1)],
            ],
        ),
        (
            "a frame that ends too early",
            &[
                &[Write(0, 1), Write(1, 1), Write(5, 1), Read(3)],
                &[Await(0), SkipIfZero(1), Write(4, 1), Read(5), Store(3)],
            ],
        ),
        (
            "who wakes whom",
            &[
                &[Write(0, 1), Await(1), Write(2, 1)],
                &[Await(0), Write(1, 1)],
                &[Write(0, 2), Read(2)],
            ],
        ),
    ];
    let owned = |(name, threads): &(&str, &[&[Do]])| Program {
        name: (*name).to_owned(),
        threads: Rc::new(threads.iter().map(|thread| thread.to_vec()).collect()),
    };
    all.iter().map(owned).collect()
}

/// A program of two or three threads of up to three instructions, drawn by `below`.
pub(crate) fn drawn(mut below: impl FnMut(usize) -> usize) -> Program {
    let threads = 2 + below(2);
    let mut thread = |_| {
        let len = 1 + below(3);
        (0..len).map(|_| instruction(&mut below)).collect()
    };
    let threads: Vec<Vec<Do>> = (0..threads).map(&mut thread).collect();
    Program { name: format!("{threads:?}"), threads: Rc::new(threads) }
}

fn instruction(below: &mut impl FnMut(usize) -> usize) -> Do {
    match below(12) {
        0 | 1 => Read(below(2)),
        2 | 3 => Write(below(2), below(2) as u8),
        4 => Add(below(2)),
        5 => Store(below(2)),
        6 => Await(below(2)),
        7 => Lock(below(2)),
        8 => Unlock(below(2)),
        9 => Choose(2),
        10 => SkipIfZero(below(2)),
        _ => Local,
    }
}

/// So many threads, of which the first and the last write to one variable, and the rest touch
/// nothing that others touch.
pub(crate) fn crowd(threads: usize) -> Program {
    let mut all = vec![vec![Local]; threads];
    (all[0], all[threads - 1]) = (vec![Write(0, 1)], vec![Write(0, 2)]);
    Program { name: format!("{threads} threads"), threads: Rc::new(all) }
}
