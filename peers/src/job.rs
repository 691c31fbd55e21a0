//! What is measured.

use std::{fmt, str::FromStr};

use crate::Files;

/// One workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// An operation that does nothing, at a depth.
    Nop(usize),
    /// Writes of 8 bytes to the null device, at a depth: the cheapest round trip that all offer.
    Null(usize),
    /// The same with a deadline around each, which never comes.
    Deadline(usize),
    /// Random reads of 4 KiB of a file in the page cache, at a depth.
    Cached(usize),
    /// Random reads of 4 KiB past the page cache, at a depth.
    Direct(usize),
    /// Random writes of 4 KiB past the page cache, at a depth.
    Write(usize),
    /// 10,000 ranges past the page cache as one call, at a depth.
    Ranges(usize),
    /// 10,000 ranges in the page cache as one call, at a depth.
    CachedRanges(usize),
    /// So many idle reads of pipes, all cancelled: from the request to the last outcome.
    Cancel(usize),
    /// The null device's round trip at depth 32 beside so many idle reads, and their memory.
    Flying(usize),
}

/// Ranges in one call.
pub const RANGES: usize = 10_000;

/// A workload and what it works on.
pub struct Job {
    pub work: Work,
    pub files: Files,
}

/// A peer does not offer this workload; why.
#[derive(Debug)]
pub struct Lacks(pub String);

/// For what a peer's interface has no place for.
pub fn lacks<T>() -> Result<T, Lacks> {
    Err(Lacks("not offered".to_owned()))
}

impl Work {
    fn parts(self) -> (&'static str, usize) {
        match self {
            Self::Nop(n) => ("nop", n),
            Self::Null(n) => ("null", n),
            Self::Deadline(n) => ("deadline", n),
            Self::Cached(n) => ("cached", n),
            Self::Direct(n) => ("direct", n),
            Self::Write(n) => ("write", n),
            Self::Ranges(n) => ("ranges", n),
            Self::CachedRanges(n) => ("cached-ranges", n),
            Self::Cancel(n) => ("cancel", n),
            Self::Flying(n) => ("flying", n),
        }
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, n) = self.parts();
        write!(f, "{name}-{n}")
    }
}

impl FromStr for Work {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || format!("no workload {text:?}; they look like cached-32");
        let (name, n) = text.rsplit_once('-').ok_or_else(unknown)?;
        let n = n.parse().map_err(|_| unknown())?;
        let make = match name {
            "nop" => Self::Nop,
            "null" => Self::Null,
            "deadline" => Self::Deadline,
            "cached" => Self::Cached,
            "direct" => Self::Direct,
            "write" => Self::Write,
            "ranges" => Self::Ranges,
            "cached-ranges" => Self::CachedRanges,
            "cancel" => Self::Cancel,
            "flying" => Self::Flying,
            _ => return Err(unknown()),
        };
        Ok(make(n))
    }
}
