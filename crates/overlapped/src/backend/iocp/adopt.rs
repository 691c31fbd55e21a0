//! A handle is bound to the port when it is adopted, or it cannot be.

use std::sync::Arc;

use super::packets::{self, CompletionPort};
use crate::{
    backend::{
        Attempt, Cheap, Owned,
        win32::{calls::Way, manners::Manner, shared::Shared},
    },
    handle::{Raw, win32},
};

pub(super) struct Binds {
    pub(super) port: Arc<CompletionPort>,
    pub(super) shared: Arc<Shared>,
}

impl Binds {
    fn bind(&self, handle: &Owned, may_skip: impl FnOnce(Raw) -> bool) {
        self.shared.manners.adopt(handle, |raw| self.manner(raw, may_skip(raw)));
    }

    /// One that skips packets already and must not would leave some calls without an end.
    fn manner(&self, raw: Raw, may_skip: bool) -> Manner {
        if !may_skip && win32::skips_packets(raw) {
            return Manner::Workers;
        }
        match self.port.bind(raw) {
            Ok(()) => {
                Manner::Calls(Way::Packet { skips: may_skip && packets::skip_on_success(raw) })
            }
            Err(_) => Manner::Workers,
        }
    }
}

impl Cheap for Binds {
    /// The OS tells at once what it has at once: there is nothing to try beforehand.
    fn read_at(&self, _from: &Owned, _at: u64, _into: &mut [u8]) -> Attempt {
        Attempt::Never
    }

    fn adopt(&self, handle: &Owned) {
        self.bind(handle, packets::may_skip);
    }

    /// What such a call says at once is not that it is over, nor with how much.
    fn adopt_device(&self, handle: &Owned) {
        self.bind(handle, |_| false);
    }
}
