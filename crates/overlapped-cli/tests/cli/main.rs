//! The command, run as a user runs it. Every run has a bound: what hangs is ended and fails.
//!
//! What this machine cannot do (no io_uring, no pseudo-terminals, only root) is skipped with a
//! line on standard error that says so.
#![cfg(target_os = "linux")]

mod bad_input;
mod doctor;
mod forbidden;
mod lab;
mod outcome;
mod stream;
mod support;
