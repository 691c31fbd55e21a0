//! A simulated kernel for [`overlapped`], and explorers that try every order and every shape of
//! completions.
#![doc = include_str!("../../../docs/schedules.md")]
#![forbid(unsafe_code)]

mod check;
pub mod conformance;
pub mod explore;
mod kernel;
mod machine;
mod net;
mod quiet;
mod report;
mod run;
mod sim;
mod tasks;
mod threads;
pub mod timeline;
mod why;

pub use check::{Check, explore, replay, run};
pub use kernel::Faults;
pub use net::{Net, NoNet};
pub use report::{Failure, Report};
pub use sim::Sim;
pub use tasks::Task;
pub use threads::{Thread, Threads};
pub use why::Why;
