//! The programs that are built in: the seed, its fixes, the exercises and their variants, each with
//! the verdict that the semantics give it under every schedule.

mod aio;
mod contexts;
mod incidents;
mod mistakes;
mod packets;
mod pool;
mod ports;
mod reuse;
mod rings;
mod routines;
mod seed;
mod threads;

use crate::{Code, Rules};

/// A program with what is to be said about it.
#[derive(Clone, Copy)]
pub struct Program {
    /// What it is called on the command line.
    pub name: &'static str,
    /// Its number among the variants, as in `V4`.
    pub variant: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    /// The letters of what can go wrong in it, or `OK`: `C`orrupts memory, hands out freed memory
    /// (`D`), `H`angs, `L`oses data, `M`istakes one operation for another.
    pub verdict: &'static str,
    /// The rule that it breaks or keeps.
    pub rule: &'static str,
    /// Why it goes as it goes.
    pub cause: &'static str,
    /// What to do instead.
    pub cure: &'static str,
    /// Where it has happened, told neutrally.
    pub incident: &'static str,
    /// The program that heals it.
    pub fixed: Option<&'static str>,
    write: fn(Rules) -> Code,
}

impl Program {
    /// The program itself, by these rules.
    #[must_use]
    pub fn code(&self, rules: Rules) -> Code {
        (self.write)(rules)
    }
}

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Program> {
    let rooms = [
        seed::PROGRAMS,
        routines::PROGRAMS,
        contexts::PROGRAMS,
        ports::PROGRAMS,
        packets::PROGRAMS,
        mistakes::PROGRAMS,
        reuse::PROGRAMS,
        threads::PROGRAMS,
        pool::PROGRAMS,
        rings::PROGRAMS,
        incidents::PROGRAMS,
        aio::PROGRAMS,
    ];
    rooms.into_iter().flatten()
}

/// The program of that name.
pub fn find(name: &str) -> Option<&'static Program> {
    all().find(|program| program.name == name)
}
