//! Schedules with a name: the two that the seed tells, step by step.

use crate::{machine::Who, narrate::tell, programs::Program, rules::Rules};
use overlapped_sim::{
    explore::{Access, Actor, Choice, Kind, Object, Tape, Token},
    timeline::Timeline,
};

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Program,
    Clock,
    Device,
}

/// A schedule that someone has told before us.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// What it is called.
    pub name: &'static str,
    /// What it shows.
    pub about: &'static str,
    turns: &'static [Turn],
}

use Turn::{Clock as T, Device as D, Program as P};

/// The seed's two timelines (2.1 of the semantics), of its first program.
pub const SCHEDULES: [Schedule; 2] = [
    Schedule {
        name: "normal",
        about: "what happens when the program is run outside the debugger",
        // The read; time out; the cancel; return; the next function. Then the driver takes the
        // read, sees the cancel, and the I/O subsystem tells the end.
        turns: &[P, T, P, P, P, P, D, D, D, D, D, P],
    },
    Schedule {
        name: "debugger",
        about: "what is seen in the debugger, stopped at the return statement",
        turns: &[P, T, P, P, D, D, D, D, D, P, P, P],
    },
];

impl Program {
    /// The run that a named schedule decides, and its token.
    ///
    /// # Errors
    ///
    /// If the program cannot run like that.
    pub fn scheduled(
        &self,
        rules: Rules,
        schedule: &Schedule,
    ) -> Result<(Token, Timeline), String> {
        let code = self.code(rules);
        let mut script = Script { turns: schedule.turns.iter(), tape: Tape::new(), wrong: false };
        let mut timeline = tell(code.machine(), &mut script);
        if script.wrong || script.turns.next().is_some() {
            return Err(format!("`{}` cannot run as `{}`", self.name, schedule.name));
        }
        timeline.title = format!("{}: {}", self.name, schedule.about);
        Ok((script.tape.token(), timeline))
    }
}

/// Chooses as a schedule says.
struct Script {
    turns: std::slice::Iter<'static, Turn>,
    tape: Tape,
    wrong: bool,
}

impl Choice for Script {
    fn next(&mut self, enabled: &[Actor]) -> usize {
        let turn = self.turns.next();
        let place = enabled.iter().position(|actor| turn == Some(&turn_of(*actor)));
        self.wrong |= place.is_none();
        self.tape.push(enabled.len(), place.unwrap_or(0))
    }

    fn choose(&mut self, n: usize, _: Kind) -> usize {
        self.tape.push(n, 0)
    }

    fn touch(&mut self, _: Object, _: Access) {}
}

fn turn_of(actor: Actor) -> Turn {
    match Who::of(actor) {
        Who::Thread(_) => Turn::Program,
        Who::Clock(_) | Who::Timer(_) => Turn::Clock,
        Who::Device(_) | Who::Peer(_) => Turn::Device,
    }
}
