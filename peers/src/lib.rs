//! The same workloads on `overlapped` and on its neighbours.
//!
//! `peer` (one process, one measurement) runs one [`Job`] on one [peer]; `run` starts it
//! over and over, pair by pair with the raw loop, and writes the [report].

pub mod alloc;
pub mod files;
pub mod job;
pub mod lane;
pub mod meter;
pub mod page;
pub mod peer;
pub mod report;

pub use files::Files;
pub use job::{Job, Lacks, Work};
pub use lane::Lane;
pub use meter::{Meter, Sample};
pub use page::Page;
