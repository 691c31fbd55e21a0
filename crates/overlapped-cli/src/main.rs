//! The command `overlapped`.
#![forbid(unsafe_code)]

fn main() {}
