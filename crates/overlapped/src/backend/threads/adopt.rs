//! Which handles are streams that one thread can wait for.

use super::Shared;
use crate::{
    backend::{Attempt, Cheap, Owned, win32::manners::Manner},
    handle::{Raw, win32},
};

impl Shared {
    /// Of messages a worker serves each read: whether a part of one has a routine is not the same
    /// on all systems.
    fn manner(&self, raw: Raw) -> Manner {
        match !win32::is_disk(raw) && !win32::has_messages(raw) && win32::is_overlapped(raw) {
            true => Manner::Calls(self.streams.way()),
            false => Manner::Workers,
        }
    }
}

impl Cheap for Shared {
    /// Nothing is tried beforehand: it might block.
    fn read_at(&self, _from: &Owned, _at: u64, _into: &mut [u8]) -> Attempt {
        Attempt::Never
    }

    fn adopt(&self, handle: &Owned) {
        self.manners.adopt(handle, |raw| self.manner(raw));
    }
}
