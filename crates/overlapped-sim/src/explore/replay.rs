use super::{Access, Actor, Choice, Kind, Object, Search, Tape, Token, random::Dice, tape::Script};

/// One run, as a token says.
#[derive(Debug)]
pub struct Replay {
    script: Script,
    /// The digits that are left of a packed token.
    left: u128,
    dice: Dice,
    tape: Tape,
    begun: bool,
    diverged: bool,
}

impl Replay {
    /// The run that `token` stands for.
    pub fn new(token: &Token) -> Self {
        let script = token.script.clone();
        let left = if let Script::Packed(left) = script { left } else { 0 };
        let dice = Dice::new(if let Script::Seed(seed) = script { seed } else { 0 });
        Self { script, left, dice, tape: Tape::new(), begun: false, diverged: false }
    }

    /// The run that took these choices; where they end, the plain way goes on.
    pub fn of(tape: &Tape) -> Self {
        let dice = Dice::new(0);
        let script = Script::Tape(tape.clone());
        Self { script, left: 0, dice, tape: Tape::new(), begun: false, diverged: false }
    }
}

impl Choice for Replay {
    fn next(&mut self, enabled: &[Actor]) -> usize {
        self.choose(enabled.len(), Kind::Pick)
    }

    fn choose(&mut self, n: usize, _: Kind) -> usize {
        if n < 2 {
            return 0;
        }
        let wanted = match &self.script {
            Script::Packed(_) => {
                let digit = (self.left % n as u128) as usize;
                self.left /= n as u128;
                digit
            }
            Script::Deviations(places) => {
                let here = self.tape.choices().len() as u32;
                let place = places.iter().find(|(place, _)| *place == here);
                place.map_or(0, |(_, chosen)| *chosen as usize)
            }
            Script::Seed(_) => self.dice.below(n),
            Script::Tape(tape) => {
                let place = self.tape.choices().len();
                tape.choices().get(place).map_or(0, |(_, chosen)| *chosen as usize)
            }
        };
        self.diverged |= wanted >= n;
        self.tape.push(n, wanted.min(n - 1))
    }

    fn touch(&mut self, _: Object, _: Access) {}
}

impl Search for Replay {
    fn begin(&mut self) -> bool {
        !std::mem::replace(&mut self.begun, true)
    }

    fn end(&mut self) {}

    fn tape(&self) -> &Tape {
        &self.tape
    }

    /// The token is of another program, or something outside decides.
    fn diverged(&self) -> bool {
        self.diverged || self.left > 0
    }
}
