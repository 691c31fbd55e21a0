//! Why a timeline goes wrong: the two steps whose order decided it, found by running it again with
//! that order turned round, and then asked of every timeline.

use std::fmt;

use crate::{Code, Harm, Verdict, machine::Who};
use overlapped_sim::{
    explore::{
        Choice, Limits, Model, Reason, Record, Replay, Search, Sums, Tape, Turn, next_run, walk,
    },
    timeline::{Event, LaneKind, Timeline},
};

/// Why the simplest bad timeline of a program goes wrong. Shown, it is one sentence or two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// Had the two steps come the other way round, this timeline would be correct.
    Order {
        /// The step that came first.
        earlier: String,
        /// The step that should have.
        later: String,
        /// The operation that the other step is of, if it is none of the program's.
        of: Option<String>,
        /// What the same order does to all timelines, if the first step is the program's and the
        /// other an operation's.
        everywhere: Option<Everywhere>,
        /// A debugger has its breakpoint at the first step, and so turns the order round itself.
        at_breakpoint: bool,
    },
    /// What a device or the I/O subsystem chose in this step.
    Device {
        /// The step.
        step: String,
    },
    /// Whichever two steps are turned round, it goes wrong.
    NoRace {
        /// And so does every other timeline.
        always: bool,
    },
}

/// All timelines in which a step waits until an operation is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Everywhere {
    /// The operation.
    pub op: String,
    /// How many there are.
    pub timelines: u128,
    /// How many of them go wrong.
    pub bad: u128,
}

impl Why {
    /// Of the run that `tape` stands for, which `timeline` tells.
    pub(crate) fn of(code: &Code, sums: &Sums<Verdict>, tape: &Tape, timeline: &Timeline) -> Self {
        let told = |step| {
            let event = event(timeline, step);
            event.map_or_else(
                || "a clock that nobody looks at".to_owned(),
                |event| event.text.clone(),
            )
        };
        match reason(code, tape).map(|reason| reason.turn) {
            Some(Turn::Order { earlier, later: Some(later), .. }) => {
                let op = op_of(timeline, later);
                let call = call_at(code, tape, earlier);
                let everywhere = op.zip(call).map(|(op, (t, pc))| everywhere(code, t, pc, op));
                Self::Order {
                    earlier: told(earlier),
                    later: told(later),
                    of: op.map(|op| code.ops[usize::from(op)].name.clone()),
                    everywhere,
                    at_breakpoint: call.is_some_and(|(_, pc)| code.instrs[usize::from(pc)].stop),
                }
            }
            Some(Turn::Way { step, .. }) => Self::Device { step: told(step) },
            // A run of the laboratory goes on to its end: nobody is still to come.
            Some(Turn::Order { later: None, .. }) | None => {
                Self::NoRace { always: sums.count(|verdict| is_fine(*verdict)) == 0 }
            }
        }
    }
}

fn is_fine(verdict: Verdict) -> bool {
    verdict.harm.causes() == Harm::NONE
}

fn event(timeline: &Timeline, step: usize) -> Option<&Event> {
    timeline.events.iter().find(|event| event.step == step)
}

/// The operation that a step is of, if it is a device's.
fn op_of(timeline: &Timeline, step: usize) -> Option<u8> {
    let event = event(timeline, step)?;
    let device = timeline.lanes[event.lane].kind != LaneKind::Program;
    event.op.filter(|_| device).map(|op| op as u8 - 1)
}

fn reason(code: &Code, tape: &Tape) -> Option<Reason> {
    let mut record = Record::new(tape);
    next_run(&code.machine(), &mut record)?;
    record.steps().reason(|mut turned| {
        let verdict = next_run(&code.machine(), &mut turned);
        !turned.diverged() && verdict.is_some_and(is_fine)
    })
}

/// The thread that takes this step of a run, and its call; nothing if a device or a clock does.
fn call_at(code: &Code, tape: &Tape, step: usize) -> Option<(u8, u8)> {
    let (mut machine, mut replay, mut enabled) = (code.machine(), Replay::of(tape), Vec::new());
    replay.begin();
    for taken in 1.. {
        enabled.clear();
        machine.enabled(&mut enabled);
        if enabled.is_empty() {
            return None;
        }
        let actor = enabled[replay.next(&enabled)];
        match Who::of(actor) {
            Who::Thread(t) if taken == step => {
                return Some((t, machine.world.threads[usize::from(t)].pc));
            }
            _ if taken == step => return None,
            _ => machine.step(actor, &mut replay),
        }
    }
    None
}

fn everywhere(code: &Code, thread: u8, pc: u8, op: u8) -> Everywhere {
    let sums = walk(&code.with_order(thread, pc, op), Limits::default());
    let op = code.ops[usize::from(op)].name.clone();
    let timelines = sums.total();
    Everywhere { op, timelines, bad: timelines - sums.count(|verdict| is_fine(*verdict)) }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order { earlier, later, of, everywhere, .. } => {
                let of = of.as_ref().map(|op| format!(" of {op}")).unwrap_or_default();
                write!(
                    f,
                    "`{earlier}` came before `{later}`{of}; the other way round it is correct"
                )?;
                let Some(Everywhere { op, timelines, bad }) = everywhere else {
                    return Ok(());
                };
                let all = match timelines {
                    1 => "the one timeline".to_owned(),
                    _ => format!("the {timelines} timelines"),
                };
                match bad {
                    0 => write!(f, ", as in {all} in which it waits until {op} is over"),
                    _ => write!(
                        f,
                        "; of {all} in which it waits until {op} is over {bad} go wrong otherwise"
                    ),
                }
            }
            Self::Device { step } => {
                write!(f, "what was chosen in `{step}`; otherwise it is correct")
            }
            Self::NoRace { always: true } => {
                f.write_str("not the timing: every timeline goes wrong")
            }
            Self::NoRace { always: false } => f.write_str(
                "no two steps alone: whichever are turned round, it goes wrong, so or otherwise",
            ),
        }
    }
}
