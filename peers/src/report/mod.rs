//! The measurement of all peers, and what is written about it.

pub mod chart;
pub mod fio;
pub mod goals;
pub mod machine;
pub mod markdown;
pub mod plan;
pub mod results;
pub mod runner;

pub use results::{Results, Row, Spread};
pub use runner::Runner;
