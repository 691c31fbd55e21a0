//! A handle is bound to the port when it is adopted, or it cannot be.

use std::sync::Arc;

use super::packets::{self, CompletionPort};
use crate::{
    backend::{
        Attempt, Cheap, Owned,
        win32::{calls::Way, manners::Manner, shared::Shared},
    },
    handle::{self, Raw},
};

pub(super) struct Binds {
    pub(super) port: Arc<CompletionPort>,
    pub(super) shared: Arc<Shared>,
}

impl Binds {
    fn bind(&self, handle: &Owned, skips: impl FnOnce(Raw) -> bool) {
        if handle.is_simulated() {
            return;
        }
        let raw = handle::raw(handle);
        let manner = match self.port.bind(raw) {
            Ok(()) => Manner::Calls(Way::Packet { skips: skips(raw) }),
            Err(_) => Manner::Workers,
        };
        self.shared.manners.note(raw, manner);
    }
}

impl Cheap for Binds {
    /// The OS tells at once what it has at once: there is nothing to try beforehand.
    fn read_at(&self, _from: &Owned, _at: u64, _into: &mut [u8]) -> Attempt {
        Attempt::Never
    }

    fn adopt(&self, handle: &Owned) {
        self.bind(handle, packets::skip_on_success);
    }

    /// What such a call says at once is not that it is over, nor with how much.
    fn adopt_device(&self, handle: &Owned) {
        self.bind(handle, |_| false);
    }
}
