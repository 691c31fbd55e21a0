//! A handle is bound to the port when it is adopted, or it cannot be.

use std::sync::Arc;

use super::packets::{self, CompletionPort};
use crate::{
    backend::{
        Attempt, Cheap, Owned,
        win32::{calls::Way, manners::Manner, shared::Shared},
    },
    handle,
};

pub(super) struct Binds {
    pub(super) port: Arc<CompletionPort>,
    pub(super) shared: Arc<Shared>,
}

impl Cheap for Binds {
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
            Ok(()) => Manner::Calls(Way::Packet { skips: packets::skip_on_success(raw) }),
            Err(_) => Manner::Workers,
        };
        self.shared.manners.note(raw, manner);
    }
}
