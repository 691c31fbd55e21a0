//! Why a run went wrong, in words.

use std::fmt;

use crate::{
    explore::{Kind, Reason, Turn},
    kernel::Log,
};

/// Why a run went wrong, as found by running it again with one thing otherwise. Shown, it is one
/// sentence or two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The order of two steps: had they come the other way round, the run would be correct.
    Order {
        /// The step that came first.
        earlier: String,
        /// The step that should have.
        later: String,
        /// How many of the runs that go on from there by chance are correct: of so many, so many.
        fine: (u32, u32),
    },
    /// What a device did in one step: a fault, a short transfer, a cancel that came too late.
    Device {
        /// The step.
        step: String,
        /// What it was about.
        kind: Kind,
    },
    /// Whichever two of its steps are turned round, it goes wrong: it is not the timing.
    NoRace,
}

impl Why {
    pub(crate) fn of(reason: Option<Reason>, log: &Log) -> Self {
        let Some(Reason { turn, tried, fine }) = reason else {
            return Self::NoRace;
        };
        match turn {
            Turn::Order { earlier, actor, later } => {
                let later = match later {
                    Some(later) => log.told(later),
                    None => log.name(actor).unwrap_or("somebody else").to_owned() + " was over",
                };
                Self::Order { earlier: log.told(earlier), later, fine: (tried, fine) }
            }
            Turn::Way { step, kind, .. } => Self::Device { step: log.told(step), kind },
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order { earlier, later, fine: (tried, fine) } => write!(
                f,
                "`{earlier}` came before `{later}`; the other way round this run is correct, and \
                 so are {fine} of {tried} that go on from there by chance"
            ),
            Self::Device { step, kind } => {
                let what = match kind {
                    Kind::Fault => "a fault was injected",
                    Kind::Length => "only a part was moved",
                    Kind::Latency => "it took longer",
                    Kind::Outcome => "a cancel was not heeded: it is a request",
                    Kind::Survivor => "not everything survived that was not synced",
                    Kind::Pick => "another one was picked",
                    Kind::Program => "the program chose otherwise",
                };
                write!(f, "in `{step}` {what}; without that this run is correct")
            }
            Self::NoRace => f.write_str(
                "not the timing: whichever two of its steps are turned round, it goes wrong",
            ),
        }
    }
}
