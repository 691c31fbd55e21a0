//! The command, run as a user runs it. Every run has a bound: what hangs is ended and fails.
//!
//! What this machine cannot do (no io_uring, no pseudo-terminals, only root) is skipped with a
//! line on standard error that says so.
#![cfg(any(target_os = "linux", windows))]

mod bad_input;
mod doctor;
#[cfg(target_os = "linux")]
mod forbidden;
mod lab;
#[cfg(target_os = "linux")]
mod linux;
mod outcome;
#[cfg(windows)]
mod pipes;
#[cfg(target_os = "linux")]
mod stream;
mod support;
