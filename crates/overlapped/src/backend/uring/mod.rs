//! io_uring: one ring, shared by the threads of a process.
//!
//! An entry becomes 64 bits of `user_data` when its SQE is pushed, and an entry again at its final
//! CQE. In between the ring owns it: a failing `enter` after the push changes nothing about that,
//! the SQE stays queued and goes with the next `enter`.

mod encode;
mod reap;
mod ring;
mod stat;
mod submit;

use std::{io, sync::Arc, time::Duration};

use io_uring::{IoUring, Probe, opcode};

use super::{Backend, Features, Kind, RealClock, Submit};
use reap::UringReap;
use submit::UringSubmit;

/// Entries of the submission queue. Each submission is handed over at once, so it is only as long
/// as a burst of cancels.
const SQ_ENTRIES: u32 = 256;
/// Entries of the completion queue. When it overflows the kernel keeps the rest (FEAT_NODROP).
const CQ_ENTRIES: u32 = 4096;

/// Low bits of `user_data`: zero is an entry, the rest is this backend's own.
const TAG_MASK: u64 = 0x3f;
const TAG_CANCEL: u64 = 1;
const TAG_WAKE: u64 = 2;

/// Opens a ring and proves it with a real operation; or why it cannot be used, and what to change.
pub(crate) fn open() -> Result<Backend, String> {
    let ring = build().map_err(|error| explain(&error))?;
    if !ring.params().is_feature_ext_arg() || !ring.params().is_feature_nodrop() {
        return Err("io_uring of this kernel is too old; 5.11 or newer is needed".to_owned());
    }
    let missing = missing(&ring).map_err(|error| explain(&error))?;
    let (sq, cq) = ring::sides(Arc::new(ring));
    let mut submit = UringSubmit::new(sq);
    let mut reap = UringReap::new(cq);
    prove(&mut submit, &mut reap)?;
    Ok(Backend {
        features: Features { missing, cancels_running: false, ..Features::all_native(Kind::Uring) },
        submit: Box::new(submit),
        reap: Box::new(reap),
        clock: Box::new(RealClock),
        cheap: None,
    })
}

fn build() -> io::Result<IoUring> {
    let with_submit_all = IoUring::builder()
        .setup_clamp()
        .setup_submit_all()
        .setup_cqsize(CQ_ENTRIES)
        .build(SQ_ENTRIES);
    match with_submit_all {
        // Before 5.18 there is no SUBMIT_ALL, which only matters for malformed entries.
        Err(error) if error.raw_os_error() == Some(22) => {
            IoUring::builder().setup_clamp().setup_cqsize(CQ_ENTRIES).build(SQ_ENTRIES)
        }
        other => other,
    }
}

/// A real operation there and back: a sandbox may allow the set-up and forbid the rest.
fn prove(submit: &mut UringSubmit, reap: &mut UringReap) -> Result<(), String> {
    submit.wake();
    let answered = reap.prove(Duration::from_secs(1)).map_err(|error| explain(&error))?;
    if answered { Ok(()) } else { Err("io_uring accepts operations but does none".to_owned()) }
}

/// Which operations this kernel's io_uring lacks; the port's threads do them instead.
fn missing(ring: &IoUring) -> io::Result<Vec<&'static str>> {
    let mut probe = Probe::new();
    ring.submitter().register_probe(&mut probe)?;
    let wanted = [
        (opcode::Ftruncate::CODE, "set_len"),
        (opcode::Fallocate::CODE, "allocate"),
        (opcode::Statx::CODE, "metadata"),
        (opcode::OpenAt::CODE, "open"),
        (opcode::RenameAt::CODE, "rename"),
        (opcode::UnlinkAt::CODE, "remove_file"),
        (opcode::UnlinkAt::CODE, "remove_dir"),
        (opcode::MkDirAt::CODE, "create_dir"),
    ];
    let lacks = |(code, name)| (!probe.is_supported(code)).then_some(name);
    Ok(wanted.into_iter().filter_map(lacks).collect())
}

fn explain(error: &io::Error) -> String {
    let next = match error.raw_os_error() {
        Some(1) => "forbidden: see /proc/sys/kernel/io_uring_disabled and the seccomp filter",
        Some(13) => "forbidden by a security module",
        Some(38) => "not in this kernel, or hidden by a seccomp filter",
        Some(12) => "no memory: raise the memlock limit (ulimit -l)",
        Some(24 | 23) => "no file descriptors left: raise the limit (ulimit -n)",
        Some(22) => "this kernel's io_uring is too old; 5.11 or newer is needed",
        _ => "unexpected",
    };
    format!("io_uring cannot be used: {error} ({next})")
}
