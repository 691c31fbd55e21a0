//! How a handle is served. That is settled when it is adopted, before any operation carries it:
//! the OS answers questions about a synchronous handle only when no call on it is in flight.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::calls::{Target, Way};
use crate::{
    backend::{Cause, Entry, Op, Owned},
    handle::{self, Raw, win32},
};

/// How a handle is served.
#[derive(Clone)]
pub(crate) enum Manner {
    /// By overlapped calls, of whose end the mechanism hears in this way.
    Calls(Way),
    /// By workers: it is synchronous, or another port's.
    Workers,
}

/// What is known of a handle.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) manner: Manner,
    pub(crate) target: Target,
    /// It has offsets; asked without one it moves on from where it stands.
    is_disk: bool,
    /// One of no bytes is one, too.
    pub(crate) has_messages: bool,
}

/// The handles that were adopted. A number that the OS gives out again is adopted again before any
/// operation carries it.
#[derive(Default)]
pub(crate) struct Manners(Mutex<HashMap<Raw, Known>>);

impl Known {
    fn new(raw: Raw, manner: Manner) -> Self {
        let (is_disk, has_messages) = (win32::is_disk(raw), win32::has_messages(raw));
        Self { manner, target: Target::of(raw), is_disk, has_messages }
    }

    /// Why an operation cannot be asked of it.
    pub(crate) fn refusal(&self, entry: &Entry) -> Option<Cause> {
        let is_message = self.has_messages && matches!(entry.op(), Op::Write { .. });
        if is_message { too_long(entry.len()) } else { None }
    }

    /// Whether the end of its calls is told by packets.
    pub(super) fn has_packets(&self) -> bool {
        matches!(self.manner, Manner::Calls(Way::Packet { .. }))
    }

    /// Whether it stands nowhere, though it has offsets: a file that is open for overlapped I/O.
    pub(super) fn has_no_place(&self) -> bool {
        self.is_disk && matches!(self.manner, Manner::Calls(_))
    }
}

impl Manners {
    /// What is known of a handle; one that was never adopted is the workers'.
    pub(crate) fn of(&self, raw: Raw) -> Known {
        let known = self.lock().get(&raw).cloned();
        known.unwrap_or_else(|| Known::new(raw, Manner::Workers))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Raw, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Settles how a handle is served. A simulated kernel's is none of the OS's.
    pub(crate) fn adopt(&self, handle: &Owned, manner: impl FnOnce(Raw) -> Manner) {
        if !handle.is_simulated() {
            let raw = handle::raw(handle);
            let known = Known::new(raw, manner(raw));
            self.lock().insert(raw, known);
        }
    }
}

/// A message goes out by one call, which counts in 32 bits.
fn too_long(message: usize) -> Option<Cause> {
    let trouble = Cause::Invalid("a message is less than 4 GiB");
    u32::try_from(message).is_err().then_some(trouble)
}

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_no_call_takes_is_not_cut_in_two() {
        assert_eq!(too_long(u32::MAX as usize), None);
        assert!(matches!(too_long(1 << 32), Some(Cause::Invalid(_))));
    }
}
