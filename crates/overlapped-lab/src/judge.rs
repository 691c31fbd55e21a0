//! Judgement by cause: what was done to memory that was not lent, what was handed out, who waits
//! for ever. Whether the program notices is another matter.

use std::fmt;

/// What went wrong in a run, as a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Harm(u8);

impl Harm {
    /// Nothing.
    pub const NONE: Harm = Harm(0);
    /// `C`: the I/O wrote (or sent) memory that was not lent to it.
    pub const CORRUPTS: Harm = Harm(1);
    /// `D`: a routine, a packet or a callback was handed a pointer to memory that is gone.
    pub const DANGLES: Harm = Harm(2);
    /// `H`: a thread waits, and nobody is left to wake it.
    pub const HANGS: Harm = Harm(4);
    /// `L`: bytes were taken from a stream, and the program threw them away.
    pub const LOSES: Harm = Harm(8);
    /// `M`: a cancel or a result reached an operation that was not meant.
    pub const MISTAKES: Harm = Harm(16);
    /// Not a cause but a symptom: a function saw its own locals changed.
    pub const NOTICED: Harm = Harm(32);

    /// All causes with their letters and names.
    pub const CAUSES: [(Harm, char, &'static str); 5] = [
        (Harm::CORRUPTS, 'C', "corrupts memory"),
        (Harm::DANGLES, 'D', "hands out freed memory"),
        (Harm::HANGS, 'H', "hangs"),
        (Harm::LOSES, 'L', "loses data"),
        (Harm::MISTAKES, 'M', "takes one operation for another"),
    ];

    /// Whether all of `other` is in it.
    #[must_use]
    pub const fn has(self, other: Harm) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both.
    #[must_use]
    pub const fn and(self, other: Harm) -> Harm {
        Harm(self.0 | other.0)
    }

    /// Without the symptom: the causes alone.
    #[must_use]
    pub const fn causes(self) -> Harm {
        Harm(self.0 & !Harm::NOTICED.0)
    }

    /// Whether it is worse than correct: any cause but lost data, which a program may accept.
    #[must_use]
    pub const fn is_bad(self) -> bool {
        self.causes().0 & !Harm::LOSES.0 != 0
    }

    pub(crate) fn add(&mut self, other: Harm) {
        self.0 |= other.0;
    }
}

/// The letters of the causes, or `OK`.
impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.causes() == Harm::NONE {
            return f.write_str("OK");
        }
        let letters = Harm::CAUSES.iter().filter(|(cause, ..)| self.has(*cause));
        letters.map(|(_, letter, _)| *letter).try_for_each(|letter| write!(f, "{letter}"))
    }
}

/// The operation whose outcome is judged: the first.
pub(crate) const JUDGED: u8 = 0;

/// How the operation that a program is about came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// It never started, or failed at once.
    NotStarted,
    /// It is still in flight at the end.
    InFlight,
    /// Nobody cancelled it.
    InTime,
    /// It was cancelled.
    Cancelled,
    /// It failed otherwise.
    Failed,
    /// A cancel was asked for, and it succeeded in spite of that.
    TooLate,
}

/// The judgement of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Verdict {
    /// What went wrong.
    pub harm: Harm,
    /// How the first operation came out.
    pub outcome: Outcome,
}
