//! What is measured, in the order of the report.

use crate::Work;

/// One workload of the report.
pub struct Item {
    pub work: Work,
    pub title: &'static str,
    /// What it tells, in a sentence or two.
    pub note: &'static str,
    /// Whether it has a panel in the chart.
    pub charted: bool,
    /// Whether fio can do it.
    pub fio: bool,
}

const fn item(work: Work, title: &'static str, note: &'static str) -> Item {
    Item { work, title, note, charted: false, fio: false }
}

const fn charted(work: Work, title: &'static str, note: &'static str) -> Item {
    Item { work, title, note, charted: true, fio: false }
}

const fn files(work: Work, title: &'static str, note: &'static str) -> Item {
    Item { work, title, note, charted: true, fio: true }
}

/// The workloads that are compared with the raw loop.
pub const RATIOS: &[Item] = &[
    charted(
        Work::Null(1),
        "Null device, depth 1",
        "Writes of 8 bytes to the null device: the cheapest operation that every peer offers, so \
         nearly all of it is the way there and back.",
    ),
    charted(Work::Null(32), "Null device, depth 32", ""),
    item(
        Work::Nop(1),
        "The ring's own no-op, depth 1",
        "Only where the interface has one (of compio, one was made with its `OpCode`; of glommio, \
         it is behind the feature `bench`).",
    ),
    item(Work::Nop(32), "The ring's own no-op, depth 32", ""),
    files(
        Work::Cached(1),
        "Cached reads, depth 1",
        "Random reads of 4 KiB of a file of 256 MiB that is in the page cache.",
    ),
    files(Work::Cached(32), "Cached reads, depth 32", ""),
    files(
        Work::Direct(1),
        "Direct reads, depth 1",
        "Random reads of 4 KiB with `O_DIRECT` of a file of 256 MiB.",
    ),
    files(Work::Direct(32), "Direct reads, depth 32", ""),
    files(Work::Direct(128), "Direct reads, depth 128", ""),
    files(
        Work::Write(32),
        "Direct writes, depth 32",
        "Random writes of 4 KiB with `O_DIRECT` over a file that is fully allocated.",
    ),
    item(
        Work::Ranges(128),
        "10,000 ranges of 4 KiB, direct, depth 128",
        "`File::read_ranges`: one call, a new buffer for each range. The raw loop takes one new \
         stretch of memory for all of them.",
    ),
    item(Work::CachedRanges(128), "10,000 ranges of 4 KiB, cached, depth 128", ""),
    item(
        Work::Cancel(10_000),
        "Cancel of 10,000 idle reads",
        "Reads of one pipe (of monoio: of a socket) by 10,000 descriptors; from the first request \
         to the last outcome, for each read.",
    ),
];

/// A deadline around each operation: what it adds to [`PLAIN`].
pub const DEADLINE: Work = Work::Deadline(32);
pub const PLAIN: Work = Work::Null(32);

/// So many idle reads.
pub const FLYING: [usize; 3] = [1_000, 10_000, 100_000];

/// The workloads whose allocations are counted.
pub const ALLOCATIONS: [(Work, &str); 3] = [
    (Work::Null(32), "null device"),
    (Work::Cached(32), "cached read"),
    (Work::Direct(32), "direct read"),
];
