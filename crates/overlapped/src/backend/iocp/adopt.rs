//! How a handle is served. That is settled when it is adopted: it is bound to the port, or it
//! cannot be.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use super::{Shared, packets};
use crate::{
    backend::{Attempt, Cheap, Owned, win32::calls::Target},
    handle::{self, Raw, win32},
};

/// How a handle is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// By overlapped calls whose packets come to the port; `skips`: but for a success at once.
    Packets { skips: bool },
    /// By workers: it is synchronous, or bound to another port.
    Workers,
}

/// What is known of a handle.
#[derive(Clone, Copy)]
pub(super) struct Known {
    pub(super) manner: Manner,
    pub(super) target: Target,
    /// It has offsets; asked without one it moves on from where it stands.
    pub(super) is_disk: bool,
    /// One of no bytes is one, too.
    pub(super) has_messages: bool,
}

impl Known {
    fn new(raw: Raw, manner: Manner) -> Self {
        let (is_disk, has_messages) = (win32::is_disk(raw), win32::has_messages(raw));
        Self { manner, target: Target::of(raw), is_disk, has_messages }
    }
}

/// The handles that were adopted. A number that the OS gives out again is adopted again before any
/// operation carries it.
#[derive(Default)]
pub(super) struct Manners(Mutex<HashMap<Raw, Known>>);

impl Manners {
    /// What is known of a handle; one that was never adopted is the workers'.
    pub(super) fn of(&self, raw: Raw) -> Known {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&raw).copied().unwrap_or_else(|| Known::new(raw, Manner::Workers))
    }

    fn note(&self, raw: Raw, known: Known) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(raw, known);
    }
}

impl Cheap for Shared {
    /// The OS tells at once what it has at once: there is nothing to try beforehand.
    fn read_at(&self, _from: &Owned, _at: u64, _into: &mut [u8]) -> Attempt {
        Attempt::Never
    }

    fn adopt(&self, handle: &Owned) {
        if handle.is_simulated() {
            return;
        }
        let raw = handle::raw(handle);
        let manner = match self.port.bind(raw) {
            Ok(()) => Manner::Packets { skips: packets::skip_on_success(raw) },
            Err(_) => Manner::Workers,
        };
        self.manners.note(raw, Known::new(raw, manner));
    }
}
