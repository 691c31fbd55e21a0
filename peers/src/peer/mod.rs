//! Each peer, set up as a user would set it up at its best. One file each; a new one is a line in
//! [`ALL`].

mod a10;
mod compio;
mod glommio;
mod monoio;
mod overlapped_async;
mod overlapped_local;
mod overlapped_registered;
mod overlapped_scope;
mod overlapped_shared;
mod overlapped_tokio;
mod overlapped_undeferred;
mod pread;
mod preadv2;
mod raw;
mod raw_registered;
mod tokio_blocking;
mod tokio_fs;
mod tokio_uring;

use crate::{Job, Lacks, Meter};

/// A library, or a face of one.
pub struct Peer {
    /// As on the command line.
    pub name: &'static str,
    /// How it is set up.
    pub setup: &'static str,
    /// The package whose version is told.
    pub package: Option<&'static str>,
    /// Runs a workload, or says that the peer has none such.
    pub run: fn(&Job, &mut Meter) -> Result<(), Lacks>,
}

/// The name of the loop that everything is compared with.
pub const RAW: &str = "raw";

/// All peers, in the order of the tables.
pub const ALL: &[Peer] = &[
    Peer {
        name: RAW,
        setup: "a loop on the ring itself: one thread, SINGLE_ISSUER, DEFER_TASKRUN, \
                SUBMIT_ALL, NO_SQARRAY, registered ring descriptor; waits for one completion, \
                takes all that are there, starts as many anew",
        package: Some("io-uring"),
        run: raw::run,
    },
    Peer {
        name: "raw-registered",
        setup: "the same loop with registered buffers and a registered file",
        package: Some("io-uring"),
        run: raw_registered::run,
    },
    Peer {
        name: "overlapped-local",
        setup: "`Runtime::new()`: SINGLE_ISSUER, DEFER_TASKRUN, SUBMIT_ALL, NO_SQARRAY, NO_IOWAIT, \
                registered ring descriptor; a task for each chain",
        package: Some("overlapped"),
        run: overlapped_local::run,
    },
    Peer {
        name: "overlapped-undeferred",
        setup: "the same without DEFER_TASKRUN (`Builder::deferred(false)`), with COOP_TASKRUN",
        package: Some("overlapped"),
        run: overlapped_undeferred::run,
    },
    Peer {
        name: "overlapped-registered",
        setup: "as overlapped-local, with a `BufPool` and `File::register`",
        package: Some("overlapped"),
        run: overlapped_registered::run,
    },
    Peer {
        name: "overlapped-shared",
        setup: "`Port::builder().build()`, one plain thread that starts operations and blocks in \
                `wait` for the oldest",
        package: Some("overlapped"),
        run: overlapped_shared::run,
    },
    Peer {
        name: "overlapped-scope",
        setup: "the same port, buffers from the stack; one `scope` for each batch of the depth",
        package: Some("overlapped"),
        run: overlapped_scope::run,
    },
    Peer {
        name: "overlapped-tokio",
        setup: "the same port under tokio's multi-thread runtime; a task for each chain",
        package: Some("overlapped"),
        run: overlapped_tokio::run,
    },
    Peer {
        name: "pread",
        setup: "`std`: `read_at` and `write_at` on one plain thread, one after the other",
        package: None,
        run: pread::run,
    },
    Peer {
        name: "preadv2",
        setup: "the system call with `RWF_NOWAIT` on one plain thread, one after the other: what the \
                library's inline reads are made of",
        package: None,
        run: preadv2::run,
    },
    Peer {
        name: "tokio-fs",
        setup: "multi-thread runtime, `tokio::fs::File`, `seek` and `read_exact`; a task and a \
                file for each chain",
        package: Some("tokio"),
        run: tokio_fs::run,
    },
    Peer {
        name: "tokio-blocking",
        setup: "multi-thread runtime, `spawn_blocking` with `read_at` of `std`; a task for each \
                chain",
        package: Some("tokio"),
        run: tokio_blocking::run,
    },
    Peer {
        name: "tokio-uring",
        setup: "SINGLE_ISSUER, COOP_TASKRUN, SUBMIT_ALL (with DEFER_TASKRUN it hangs at direct \
                reads); a task for each chain",
        package: Some("tokio-uring"),
        run: tokio_uring::run,
    },
    Peer {
        name: "compio",
        setup: "SINGLE_ISSUER, DEFER_TASKRUN; a task for each chain",
        package: Some("compio"),
        run: compio::run,
    },
    Peer {
        name: "monoio",
        setup: "SINGLE_ISSUER, COOP_TASKRUN, SUBMIT_ALL (DEFER_TASKRUN is no faster); a task for \
                each chain",
        package: Some("monoio"),
        run: monoio::run,
    },
    Peer {
        name: "glommio",
        setup: "`LocalExecutor`, ring depth 512; `BufferedFile`, and `DmaFile` for direct I/O; a \
                task for each chain",
        package: Some("glommio"),
        run: glommio::run,
    },
    Peer {
        name: "a10",
        setup: "single issuer, deferred task run; `FuturesUnordered`, the ring polled when none \
                is ready",
        package: Some("a10"),
        run: a10::run,
    },
];

/// The peer of that name.
pub fn find(name: &str) -> Option<&'static Peer> {
    ALL.iter().find(|peer| peer.name == name)
}
