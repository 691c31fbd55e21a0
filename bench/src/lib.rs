//! What is timed by `cargo bench -p bench` and counted by `cargo xtask counts`.
//!
//! Each function sets something up and gives a *round*: a closure that performs some operations and
//! has nothing in flight at its end. What a round itself does is little beside what it measures.

mod reads;
mod tasks;
mod turns;
mod writes;

pub use reads::{cached_read, pread};
pub use tasks::{ROW, tasks};
pub use turns::taking_turns;
pub use writes::{awaited, blocking, dropped, lent};

use overlapped::{Port, backend};

/// A port that completes everything and moves nothing: what is left is the library.
pub fn null_port() -> Port {
    Port::with_backend(backend::null())
}
