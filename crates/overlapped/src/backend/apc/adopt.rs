//! Which handles may have routines. That one is bound to a port is not to be seen: its calls are
//! refused.

use std::sync::Arc;

use crate::{
    backend::{
        Attempt, Cheap, Owned,
        win32::{calls::Way, manners::Manner, routine::Notes, shared::Shared},
    },
    handle::{Raw, win32},
};

pub(super) struct Adopts {
    pub(super) notes: Arc<Notes>,
    pub(super) shared: Arc<Shared>,
}

impl Adopts {
    /// A call on a synchronous handle would block; and whether a part of a message has a routine is
    /// not the same on all systems.
    fn manner(&self, raw: Raw) -> Manner {
        match win32::is_overlapped(raw) && !win32::has_messages(raw) {
            true => Manner::Calls(Way::Routine(Arc::clone(&self.notes))),
            false => Manner::Workers,
        }
    }
}

impl Cheap for Adopts {
    /// A success at once has a routine, too.
    fn read_at(&self, _from: &Owned, _at: u64, _into: &mut [u8]) -> Attempt {
        Attempt::Never
    }

    fn adopt(&self, handle: &Owned) {
        self.shared.manners.adopt(handle, |raw| self.manner(raw));
    }
}
