//! The raw laboratory: Win32's objects and calls over simulated memory, a slow device driver and
//! the I/O subsystem. Programs that safe Rust cannot express run here, under every schedule.
//!
//! ```
//! use overlapped_lab::{programs, usual_rules};
//!
//! let seed = programs::find("seed").expect("it is built in");
//! let report = seed.explore(usual_rules());
//! assert_eq!((report.timelines, report.bad()), (837, 581));
//! let fixed = seed.fix().expect("there is a fix").explore(usual_rules());
//! assert_eq!(fixed.bad(), 0);
//! ```
#![forbid(unsafe_code)]

mod calls;
mod driver;
mod judge;
mod machine;
mod memory;
pub mod mirror;
mod narrate;
mod objects;
mod op;
mod program;
pub mod programs;
mod report;
mod rules;
mod schedules;
mod subsystem;
mod tasks;
mod watch;
mod why;
mod world;

pub use judge::{Harm, Outcome, Verdict};
pub use machine::Machine;
pub use program::*;
pub use report::{Report, fine_rules, usual_rules};
pub use rules::*;
pub use schedules::{SCHEDULES, Schedule};
pub use tasks::{Calls, Frame, Task, next_run_of_tasks};
pub use why::{Everywhere, Why};
