//! An operation of several steps: whole transfers, a write with its sync, a wait before a read.
//!
//! A backend performs one step and says how it went; [`Plan::step`] decides whether the operation
//! is over. So every backend, simulated ones included, continues partial writes, restarts what the
//! OS interrupted unasked and waits for a non-blocking handle in the same way (C15).

use super::{Interest, Op, Value};
use crate::{
    buf::lent::{Fixed, Memory},
    error::{Cause, EAGAIN, ECANCELED, EINTR},
};

/// How often a step that the OS gave up unasked is tried again before its word is taken.
const PATIENCE: u8 = 16;

/// When an operation counts as done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// After one transfer, however short.
    Once,
    /// When every byte has moved.
    All,
    /// When every byte has moved and has reached the device.
    AllThenSync { data_only: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Wait,
    Act,
    Sync,
}

/// Where an operation of several steps stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    goal: Goal,
    phase: Phase,
    retries: u8,
    /// The handle's place in a table of the backend.
    pub(crate) fixed: Option<Fixed>,
    pub(crate) moved: usize,
    /// There was more than room for it: the last step got a part of a message.
    pub(crate) more: bool,
}

/// What to do after a step.
#[derive(Debug)]
pub(crate) enum Next {
    Again,
    Over(Result<Value, Cause>),
}

const LIE: Next = Next::Over(Err(Cause::Unsupported(
    "the backend counted more bytes than it was asked for: a bug in it",
)));

impl Plan {
    #[inline]
    pub(crate) fn new(goal: Goal) -> Self {
        Self { goal, phase: Phase::Act, retries: 0, fixed: None, moved: 0, more: false }
    }

    /// A plan that first waits until the handle is ready.
    pub(crate) fn wait_first(goal: Goal) -> Self {
        Self { phase: Phase::Wait, ..Self::new(goal) }
    }

    /// The plan for a handle that is registered with the backend.
    #[inline]
    pub(crate) fn on(self, fixed: Option<Fixed>) -> Self {
        Self { fixed, ..self }
    }

    pub(crate) fn act_now(&mut self) {
        self.phase = Phase::Act;
    }

    /// Whether it is over only when every byte has moved.
    #[inline]
    pub(crate) fn is_whole(&self) -> bool {
        self.goal != Goal::Once
    }

    #[inline]
    pub(crate) fn has_steps(&self) -> bool {
        self.goal != Goal::Once || self.phase != Phase::Act
    }

    /// The step that `op` stands before.
    #[inline]
    pub(crate) fn current(&self, op: Op) -> Op {
        match (self.phase, op) {
            (Phase::Wait, Op::Read { from: of, .. }) => {
                Op::Poll { of, interest: Interest::Readable }
            }
            (Phase::Wait, Op::Write { to: of, .. }) => {
                Op::Poll { of, interest: Interest::Writable }
            }
            (Phase::Sync, Op::Write { to: of, .. }) => {
                Op::Sync { of, data_only: self.goal == Goal::AllThenSync { data_only: true } }
            }
            (_, Op::Read { from, at: Some(at) }) => {
                Op::Read { from, at: Some(at + self.moved as u64) }
            }
            (_, Op::Write { to, at: Some(at) }) => {
                Op::Write { to, at: Some(at + self.moved as u64) }
            }
            (_, op) => op,
        }
    }

    // [C15] one place decides for every backend what a step's answer means.
    /// Takes the answer to the current step. `cancelled`: a cancel was requested, which counts if
    /// it failed. `orphan`: nobody will take the outcome, so an abandoned write must not stop
    /// half-way.
    #[inline]
    pub(crate) fn step(
        &mut self,
        op: Op,
        memory: &mut Memory,
        answer: Result<Value, Cause>,
        cancelled: bool,
        orphan: bool,
    ) -> Next {
        if let (Ok(Value::Count(n)), false, true) = (&answer, orphan, self.is_plain()) {
            // Nearly all operations: one step, and somebody waits for it.
            return self.once(op, memory, *n);
        }
        match answer {
            // The OS gives up unasked when the thread that issued the operation exits (C2).
            Err(Cause::Os(EINTR | ECANCELED)) if !cancelled && self.retries < PATIENCE => {
                self.retries += 1;
                Next::Again
            }
            Err(Cause::Os(EAGAIN)) if self.phase == Phase::Act && is_stream(op) => {
                self.phase = Phase::Wait;
                Next::Again
            }
            Err(cause) => Next::Over(Err(cause)),
            Ok(_) if self.phase == Phase::Wait => {
                self.phase = Phase::Act;
                Next::Again
            }
            Ok(_) if self.phase == Phase::Sync => Next::Over(Ok(Value::Count(self.moved))),
            Ok(Value::Handle(handle)) => Next::Over(Ok(Value::Handle(handle))),
            Ok(Value::Count(n)) => self.counted(op, memory, n, false, orphan),
            // [C3] a part of a message is a success with bytes.
            Ok(Value::Part(n)) => self.counted(op, memory, n, true, orphan),
        }
    }

    /// Whether one transfer, however short, is all.
    #[inline]
    fn is_plain(&self) -> bool {
        self.goal == Goal::Once && self.phase == Phase::Act
    }

    /// The answer to the only step.
    #[inline]
    fn once(&mut self, op: Op, memory: &Memory, n: usize) -> Next {
        if moves_on(op) {
            if n > memory.len() {
                return LIE;
            }
            self.moved += n;
            return Next::Over(Ok(Value::Count(self.moved)));
        }
        answered(op, memory, n)
    }

    fn counted(&mut self, op: Op, memory: &mut Memory, n: usize, more: bool, orphan: bool) -> Next {
        self.more = more;
        match op {
            _ if moves_on(op) => self.transferred(op, memory, n, orphan),
            _ => answered(op, memory, n),
        }
    }

    fn transferred(&mut self, op: Op, memory: &mut Memory, n: usize, orphan: bool) -> Next {
        let empty = memory.len() == 0;
        if n > memory.len() {
            return LIE;
        }
        memory.advance(n);
        self.retries = 0;
        self.moved += n;
        let is_write = matches!(op, Op::Write { .. });
        // An abandoned write must not stop half-way; an abandoned read must not take any more.
        let whole = if orphan { is_write } else { self.goal != Goal::Once };
        match self.goal {
            _ if !whole => Next::Over(Ok(Value::Count(self.moved))),
            Goal::AllThenSync { .. } if memory.len() == 0 => {
                self.phase = Phase::Sync;
                Next::Again
            }
            _ if empty || memory.len() == 0 => Next::Over(Ok(Value::Count(self.moved))),
            _ if n == 0 && is_write => Next::Over(Err(Cause::WriteZero)),
            _ if n == 0 => Next::Over(Err(Cause::UnexpectedEnd)),
            _ => Next::Again,
        }
    }
}

/// Whether it takes from a stream or a file, or gives to it, as many bytes as it says.
#[inline]
fn moves_on(op: Op) -> bool {
    matches!(op, Op::Read { .. } | Op::Write { .. } | Op::Watch { .. })
}

/// The answer to an operation that does not.
fn answered(op: Op, memory: &Memory, n: usize) -> Next {
    if matches!(op, Op::Control { .. }) && n > memory.len() {
        LIE
    } else {
        Next::Over(Ok(Value::Count(n)))
    }
}

fn is_stream(op: Op) -> bool {
    matches!(op, Op::Read { at: None, .. } | Op::Write { at: None, .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buf::{Drain, Fill, Lend};

    const WRITE: Op = Op::Write { to: 3, at: Some(100) };
    const STREAM: Op = Op::Read { from: 3, at: None };

    fn count(n: usize) -> Result<Value, Cause> {
        Ok(Value::Count(n))
    }

    // [C3] a short count is not an error, and a whole write survives it.
    #[test]
    fn a_whole_write_continues_where_the_short_one_ended_and_then_syncs() {
        let mut buf = Drain(vec![0u8; 10]);
        let mut memory = buf.memory().0;
        let mut plan = Plan::new(Goal::AllThenSync { data_only: true });
        assert!(matches!(plan.step(WRITE, &mut memory, count(4), false, false), Next::Again));
        assert_eq!(plan.current(WRITE), Op::Write { to: 3, at: Some(104) });
        assert_eq!(memory.len(), 6);
        assert!(matches!(plan.step(WRITE, &mut memory, count(6), false, false), Next::Again));
        assert_eq!(plan.current(WRITE), Op::Sync { of: 3, data_only: true });
        let over = plan.step(WRITE, &mut memory, count(0), false, false);
        assert!(matches!(over, Next::Over(Ok(Value::Count(10)))));
    }

    // [C7] an abandoned write runs to its end though it asked for one transfer only.
    #[test]
    fn an_abandoned_write_does_not_stop_half_way() {
        let mut buf = Drain(vec![0u8; 10]);
        let mut memory = buf.memory().0;
        let mut plan = Plan::new(Goal::Once);
        assert!(matches!(plan.step(WRITE, &mut memory, count(4), false, true), Next::Again));
        let over = plan.step(WRITE, &mut memory, count(6), false, true);
        assert!(matches!(over, Next::Over(Ok(Value::Count(10)))));
    }

    #[test]
    fn a_part_of_a_message_is_a_count_and_there_is_more() {
        let mut buf = Fill(vec![0u8; 10]);
        let mut memory = buf.memory().0;
        let mut plan = Plan::new(Goal::Once);
        let over = plan.step(STREAM, &mut memory, Ok(Value::Part(10)), false, false);
        assert!(matches!(over, Next::Over(Ok(Value::Count(10)))));
        assert!(plan.more);
        // The end of the message, for who wants the buffer full.
        let mut memory = buf.memory().0;
        let mut plan = Plan::new(Goal::All);
        assert!(matches!(
            plan.step(STREAM, &mut memory, Ok(Value::Part(4)), false, false),
            Next::Again
        ));
        assert!(matches!(plan.step(STREAM, &mut memory, count(6), false, false), Next::Over(_)));
        assert_eq!((plan.more, plan.moved), (false, 10));
    }

    #[test]
    fn a_stream_that_says_again_is_waited_for() {
        let mut buf = Fill(vec![0u8; 10]);
        let mut memory = buf.memory().0;
        let mut plan = Plan::new(Goal::Once);
        let again = Err(Cause::Os(EAGAIN));
        assert!(matches!(plan.step(STREAM, &mut memory, again, false, false), Next::Again));
        assert_eq!(plan.current(STREAM), Op::Poll { of: 3, interest: Interest::Readable });
        assert!(matches!(plan.step(STREAM, &mut memory, count(1), false, false), Next::Again));
        assert_eq!(plan.current(STREAM), STREAM);
    }

    #[test]
    fn what_the_os_gave_up_unasked_is_tried_again_but_not_for_ever() {
        let mut buf = Fill(vec![0u8; 10]);
        let mut memory = buf.memory().0;
        let mut plan = Plan::new(Goal::Once);
        for _ in 0..PATIENCE {
            let gone = Err(Cause::Os(ECANCELED));
            assert!(matches!(plan.step(STREAM, &mut memory, gone, false, false), Next::Again));
        }
        let gone = Err(Cause::Os(ECANCELED));
        let over = plan.step(STREAM, &mut memory, gone, false, false);
        assert!(matches!(over, Next::Over(Err(Cause::Os(ECANCELED)))));
    }

    // [C5] what was cancelled on request is over.
    #[test]
    fn what_was_cancelled_on_request_is_over() {
        let mut buf = Fill(vec![0u8; 10]);
        let mut memory = buf.memory().0;
        let gone = Err(Cause::Os(ECANCELED));
        let over = Plan::new(Goal::Once).step(STREAM, &mut memory, gone, true, false);
        assert!(matches!(over, Next::Over(Err(Cause::Os(ECANCELED)))));
    }
}
