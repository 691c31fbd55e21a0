//! Wakers that are a number: which runtime, which task. They own nothing, so cloning and dropping
//! one costs nothing, and one that comes too late finds nobody.
#![allow(unsafe_code, reason = "a waker is made from an address and a table of functions")]

use std::{
    ptr,
    task::{RawWaker, RawWakerVTable, Waker},
};

/// Which task of which runtime. A number that is used again wakes a stranger for nothing, which a
/// task must stand; it never leaves its own task asleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) runtime: u32,
    pub(super) task: u32,
}

const HALF: u32 = usize::BITS / 2;
const LOW: usize = (1 << HALF) - 1;
/// The last number that a waker can name.
pub(super) const LAST: u32 = LOW as u32;

impl Name {
    fn pack(self) -> usize {
        ((self.runtime as usize & LOW) << HALF) | (self.task as usize & LOW)
    }

    fn unpack(bits: usize) -> Self {
        Self { runtime: (bits >> HALF) as u32, task: (bits & LOW) as u32 }
    }

    /// The waker of this task.
    pub(super) fn waker(self) -> Waker {
        // SAFETY: the functions keep the contract of a waker: the data is a number and no address,
        // so each may be called on any thread, at any time, as often as one likes.
        unsafe { Waker::from_raw(raw(ptr::without_provenance(self.pack()))) }
    }
}

fn raw(data: *const ()) -> RawWaker {
    RawWaker::new(data, &TABLE)
}

static TABLE: RawWakerVTable = RawWakerVTable::new(raw, wake, wake, |_| {});

fn wake(data: *const ()) {
    super::wake(Name::unpack(data.addr()));
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    // [C12] the last number is that of what `block_on` runs.
    #[test]
    fn a_name_is_packed_and_unpacked() {
        for (runtime, task) in [(0, 0), (0, LAST), (LAST, 0), (LAST, LAST), (7, 12)] {
            let name = Name { runtime, task };
            assert_eq!(Name::unpack(name.pack()), name);
        }
    }
}
