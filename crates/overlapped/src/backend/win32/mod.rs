//! What mechanisms on Windows have in common; no mechanism itself.
//!
//! * [`submit`] and [`shared`] are the half where operations go in, and what it shares with the
//!   other, of a mechanism that makes overlapped calls; [`manners`] is what is known of a handle.
//! * [`flights`] keeps what the OS has: entries, each with its OVERLAPPED.
//! * [`calls`] are the overlapped calls, and the one that waits for its end; those of [`sockets`]
//!   are Winsock's.
//! * [`work`] is the pool of threads for what has no overlapped form, [`perform`] what they do, and
//!   [`interrupt`] how they are got out of it.
//! * [`routine`] is how a thread hears of calls that no port tells of.
//! * [`done`] is what is over without a word from the OS, until somebody reaps it.

pub(super) mod calls;
pub(super) mod done;
pub(super) mod event;
pub(super) mod flights;
mod interrupt;
pub(super) mod manners;
mod perform;
mod reserve;
pub(super) mod routine;
pub(super) mod shared;
mod sockets;
mod stat;
pub(super) mod submit;
pub(super) mod work;

use super::{Cause, Completion, Entry};

/// The OS's own word.
fn os(code: u32) -> Cause {
    Cause::Os(code as i32)
}

/// Answers an entry that a cancel has reached before anything was done for it.
pub(super) fn cancelled(entry: Entry) -> Completion {
    Completion { entry, answer: Err(Cause::Os(crate::error::ECANCELED)) }
}

pub(super) const NO_PLACE: Cause = Cause::Unsupported(
    "a file that is open for overlapped I/O has no place where it stands; use fs::File",
);
