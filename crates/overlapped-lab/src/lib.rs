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

#[expect(dead_code, reason = "calls whose programs are still to be written: rings, AIO, the pool")]
mod calls;
mod driver;
mod judge;
mod machine;
mod memory;
mod narrate;
#[expect(dead_code, reason = "as for the calls")]
mod objects;
#[expect(dead_code, reason = "as for the calls")]
mod op;
#[expect(dead_code, reason = "as for the calls")]
mod program;
pub mod programs;
mod report;
mod rules;
mod subsystem;
mod watch;
mod world;

pub use judge::{Harm, Outcome, Verdict};
pub use machine::Machine;
pub use program::*;
pub use report::{Report, fine_rules, usual_rules};
pub use rules::*;
