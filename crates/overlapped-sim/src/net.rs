//! The place of the simulated network.
//!
//! The library has no sockets yet, so there is nothing to simulate: [`Sim::net`] says so. What
//! will be here, with the sockets: listeners and connections in virtual time; loss, duplicates,
//! reordered and delayed packets; links that are clogged or cut, one way or both; half-open
//! connections, a reset with data under way, short sends, windows of zero, a full backlog; each of
//! them a choice that costs a budget, as with the disk.

use std::fmt;

use crate::Sim;

/// A simulated network. There is none yet: this type has no value.
#[derive(Clone, Copy, Debug)]
pub enum Net {}

/// Why there is no simulated network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoNet;

impl fmt::Display for NoNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "simulate a network: the library has no sockets yet, so the simulator has no network; \
             use pipe::pair or Sim::fifo between simulated threads",
        )
    }
}

impl std::error::Error for NoNet {}

impl Sim {
    /// The system's network.
    ///
    /// # Errors
    ///
    /// Always, until the library has sockets.
    pub fn net(&self) -> Result<Net, NoNet> {
        Err(NoNet)
    }
}
