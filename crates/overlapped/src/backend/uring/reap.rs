//! The completion half: one state machine for every CQE, in the loop and at shutdown.
#![allow(unsafe_code, reason = "64 bits become an entry again")]

use std::{
    collections::HashMap,
    io,
    os::fd::{FromRawFd, OwnedFd},
    sync::Arc,
    time::{Duration, Instant},
};

use io_uring::{cqueue, opcode, types::Fd};

use super::{TAG_CANCEL, TAG_MASK, TAG_WAKE, bell::EventBell, ring::CqSide, stat};
use crate::{
    backend::{Completion, Entry, Op, Reap, Value},
    error::Cause,
};

/// `POLLIN`.
const POLL_IN: u32 = 1;

pub(super) struct UringReap {
    cq: CqSide,
    /// How other threads get this one up, if the ring belongs to one.
    bell: Option<Hung>,
    /// Results whose operation is not over: a zero-copy send's count, until its notification.
    parts: HashMap<u64, i32>,
    woken: bool,
}

/// A bell, and whether the ring listens for it.
struct Hung {
    bell: Arc<EventBell>,
    armed: bool,
}

/// What one CQE means for the operation that it names.
#[derive(Debug, PartialEq, Eq)]
enum Word {
    /// The kernel's last word: the operation is over with this result.
    Last(i32),
    /// Something was said, and the memory is still in use.
    Part,
    /// The answer to a cancel. It proves nothing: only the target's own last word counts.
    Cancel,
    Wake,
}

impl UringReap {
    pub(super) fn new(cq: CqSide) -> Self {
        Self { cq, bell: None, parts: HashMap::new(), woken: false }
    }

    pub(super) fn with_bell(cq: CqSide, bell: Arc<EventBell>) -> Self {
        Self { bell: Some(Hung { bell, armed: false }), ..Self::new(cq) }
    }

    /// Whether a wake-up arrives within `timeout`.
    pub(super) fn prove(&mut self, timeout: Duration) -> io::Result<bool> {
        self.listen();
        self.cq.enter_for(timeout)?;
        self.drain(&mut Vec::new());
        Ok(std::mem::take(&mut self.woken))
    }

    /// Has the ring listen for the bell, if there is one; whether it does. It is told once for each
    /// time that it is armed.
    fn listen(&mut self) -> bool {
        let Some(hung) = self.bell.as_mut().filter(|hung| !hung.armed) else {
            return true;
        };
        let sqe = opcode::PollAdd::new(Fd(hung.bell.raw()), POLL_IN).build().user_data(TAG_WAKE);
        hung.armed = self.cq.push_bare(&sqe) || {
            // A full queue is handed over, and then has room.
            let _stays_queued = self.cq.enter_for(Duration::ZERO);
            self.cq.push_bare(&sqe)
        };
        hung.armed
    }

    #[inline]
    fn drain(&mut self, out: &mut Vec<Completion>) {
        let Self { cq, parts, woken, .. } = self;
        let mut rang = false;
        cq.drain(|cqe| match read_word(parts, cqe.user_data(), cqe.result(), cqe.flags()) {
            Word::Last(result) => complete(cqe.user_data(), result, out),
            Word::Wake => rang = true,
            Word::Part | Word::Cancel => {}
        });
        if rang {
            *woken = true;
            if let Some(hung) = &mut self.bell {
                hung.bell.quiet();
                hung.armed = false;
            }
        }
    }
}

/// Reads one CQE by its flags, never by its result: a failed zero-copy send has a notification
/// too, and a multishot operation ends with the first CQE that does not announce another.
// [C2] what counts is the last word about an operation, by its flags.
#[inline]
fn read_word(parts: &mut HashMap<u64, i32>, user_data: u64, result: i32, flags: u32) -> Word {
    match user_data & TAG_MASK {
        TAG_CANCEL => return Word::Cancel,
        TAG_WAKE => return Word::Wake,
        _ => {}
    }
    if cqueue::more(flags) {
        parts.entry(user_data).or_insert(result);
        return Word::Part;
    }
    // Nearly always there are none, and a look into an empty map costs as much as all the rest.
    let noted = if parts.is_empty() { None } else { parts.remove(&user_data) };
    if cqueue::notif(flags) { Word::Last(noted.unwrap_or(result)) } else { Word::Last(result) }
}

// A count is written where it is going to lie, which the compiler does only where it knows that
// there is room: what is put together first and moved then is read back in other pieces than it was
// written, and the processor waits for that.
#[inline]
fn complete(bits: u64, result: i32, out: &mut Vec<Completion>) {
    // SAFETY: entries alone have tag zero, `bits` came from `to_bits` when the SQE was pushed,
    // and this is the kernel's last word about it.
    let Some(entry) = (unsafe { Entry::from_bits(bits) }) else {
        return;
    };
    match usize::try_from(result) {
        Ok(count) if out.len() < out.capacity() && !is_special(entry.asked()) => {
            out.push(Completion { entry, answer: Ok(Value::Count(count)) });
        }
        _ => translate(entry, result, out),
    }
}

/// Whether the kernel's word about it is more than a count.
#[inline]
fn is_special(op: &Op) -> bool {
    matches!(
        op,
        Op::Open(_)
            | Op::Stat { .. }
            | Op::Poll { .. }
            | Op::ConnectPipe { .. }
            | Op::Control { .. }
            | Op::Watch { .. }
    )
}

#[cold]
#[inline(never)]
fn translate(mut entry: Entry, result: i32, out: &mut Vec<Completion>) {
    if result < 0 {
        return out.push(Completion { entry, answer: Err(Cause::Os(-result)) });
    }
    if let Some(cause) = entry.asked().of_windows() {
        return out.push(Completion { entry, answer: Err(cause) });
    }
    let value = match entry.asked() {
        // A new handle is owned from the moment it is seen, so no path can leak it (C7).
        Op::Open(_) => {
            // SAFETY: the kernel made this descriptor for this operation, and tells it once.
            let owned = unsafe { OwnedFd::from_raw_fd(result) };
            Value::handle(owned)
        }
        Op::Stat { .. } => {
            stat::decode(&mut entry);
            Value::Count(0)
        }
        // It says for what; there is nothing to count.
        Op::Poll { .. } => Value::Count(0),
        _ => Value::Count(result.unsigned_abs() as usize),
    };
    out.push(Completion { entry, answer: Ok(value) });
}

impl Reap for UringReap {
    fn wait(&mut self, until: Option<Instant>, out: &mut Vec<Completion>) -> io::Result<()> {
        let before = out.len();
        if self.cq.has_some() {
            self.drain(out);
        }
        let found = out.len() > before || std::mem::take(&mut self.woken);
        if found && !self.cq.owes() {
            return Ok(());
        }
        let until = if found || !self.listen() { Some(Instant::now()) } else { until };
        let entered = self.cq.enter(until);
        self.drain(out);
        self.woken = false;
        match entered {
            Ok(()) => Ok(()),
            Err(error) => match error.raw_os_error() {
                // EINTR, ETIME.
                Some(4 | 62) => Ok(()),
                // EBUSY, EAGAIN: about what is queued, which goes next time. Something must be over
                // for that, and the kernel did not come to it.
                Some(16 | 11) => {
                    self.cq.catch_up();
                    self.drain(out);
                    Ok(())
                }
                _ => Err(error),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OP: u64 = 0x1_0000_0040;
    const MORE: u32 = 2;
    const NOTIF: u32 = 8;

    // [C2] a zero-copy send is over at its notification, with the count of its first CQE.
    #[test]
    fn a_zero_copy_send_is_over_at_its_notification() {
        let mut parts = HashMap::new();
        assert_eq!(read_word(&mut parts, OP, 100, MORE), Word::Part);
        assert_eq!(read_word(&mut parts, OP, 0, NOTIF), Word::Last(100));
        assert!(parts.is_empty());
    }

    // [C2] decided by the flag and not by the result: a failed send has a notification too.
    #[test]
    fn a_failed_zero_copy_send_is_over_at_its_notification() {
        let mut parts = HashMap::new();
        assert_eq!(read_word(&mut parts, OP, -125, MORE), Word::Part);
        assert_eq!(read_word(&mut parts, OP, 0, NOTIF), Word::Last(-125));
    }

    #[test]
    fn a_multishot_operation_is_over_when_no_more_is_announced() {
        let mut parts = HashMap::new();
        assert_eq!(read_word(&mut parts, OP, 7, MORE), Word::Part);
        assert_eq!(read_word(&mut parts, OP, 8, MORE), Word::Part);
        assert_eq!(read_word(&mut parts, OP, -105, 0), Word::Last(-105));
    }

    // [C2] the answer to a cancel is never the target's outcome.
    #[test]
    fn a_cancel_has_an_identity_of_its_own() {
        let mut parts = HashMap::new();
        assert_eq!(read_word(&mut parts, TAG_CANCEL, -2, 0), Word::Cancel);
        assert_eq!(read_word(&mut parts, OP, 5, 0), Word::Last(5));
    }
}
