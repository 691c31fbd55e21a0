//! io_uring: a ring that the threads of a process share, or one that a thread has to itself.
//!
//! An entry becomes 64 bits of `user_data` when its SQE is pushed, and an entry again at its final
//! CQE. In between the ring owns it: a failing `enter` after the push changes nothing about that,
//! the SQE stays queued and goes with the next `enter`.

mod bell;
mod encode;
mod enter;
mod reap;
mod ring;
mod stat;
mod submit;
mod tables;

use std::{io, sync::Arc, time::Duration};

use io_uring::{IoUring, Probe, opcode};

use super::{Backend, Bell, Features, Kind, RealClock, Submit};
use bell::EventBell;
use enter::Enter;
use reap::UringReap;
use submit::UringSubmit;

/// Entries of the submission queue: as many as are handed over at a time.
const SQ_ENTRIES: u32 = 256;
/// Entries of the completion queue. When it overflows the kernel keeps the rest (FEAT_NODROP).
const CQ_ENTRIES: u32 = 4096;

/// Low bits of `user_data`: zero is an entry, the rest is this backend's own.
const TAG_MASK: u64 = 0x3f;
const TAG_CANCEL: u64 = 1;
const TAG_WAKE: u64 = 2;

/// Opens a ring and proves it with a real operation; or why it cannot be used, and what to change.
pub(crate) fn open() -> Result<Backend, String> {
    let (ring, flags) = build(&SHARED_FLAGS).map_err(|error| explain(&error))?;
    let missing = check(&ring)?;
    let (sq, cq) = ring::sides(ring);
    backend(UringSubmit::new(sq), UringReap::new(cq), None, missing, flags)
}

/// As [`open`], for the calling thread alone; `deferred` as [`crate::Builder::deferred`] says.
pub(crate) fn open_local(deferred: bool) -> Result<Backend, String> {
    let wanted = if deferred { &DEFERRED_FLAGS[..] } else { &LOCAL_FLAGS[..] };
    let (ring, mut flags) = build(wanted).map_err(|error| explain(&error))?;
    let missing = check(&ring)?;
    let enter = Enter::new(&ring);
    flags.extend(enter.is_registered().then_some("REGISTERED_RING"));
    flags.extend(enter.has_no_iowait().then_some("NO_IOWAIT"));
    let bell = Arc::new(EventBell::new().map_err(|error| explain(&error))?);
    let (sq, cq) = ring::own_sides(ring, enter);
    let reap = UringReap::with_bell(cq, Arc::clone(&bell));
    backend(UringSubmit::new(sq), reap, Some(bell), missing, flags)
}

fn backend(
    mut submit: UringSubmit,
    mut reap: UringReap,
    bell: Option<Arc<EventBell>>,
    missing: Vec<&'static str>,
    flags: Vec<&'static str>,
) -> Result<Backend, String> {
    match &bell {
        Some(bell) => bell.ring(),
        None => submit.wake(),
    }
    prove(&mut reap)?;
    Ok(Backend {
        features: Features { missing, flags, ..Features::all_native(Kind::Uring) },
        submit: Box::new(submit),
        reap: Box::new(reap),
        clock: Box::new(RealClock::default()),
        cheap: None,
        simulator: None,
        bell: bell.map(|bell| bell as Arc<dyn Bell>),
    })
}

type Flag = (&'static str, fn(&mut io_uring::Builder));

const SUBMIT_ALL: Flag = ("SUBMIT_ALL", |ring| set(ring.setup_submit_all()));
const COOP_TASKRUN: Flag = ("COOP_TASKRUN", |ring| set(ring.setup_coop_taskrun()));
const SINGLE_ISSUER: Flag = ("SINGLE_ISSUER", |ring| set(ring.setup_single_issuer()));
const DEFER_TASKRUN: Flag = ("DEFER_TASKRUN", |ring| set(ring.setup_defer_taskrun()));
const NO_SQARRAY: Flag = ("NO_SQARRAY", |ring| set(ring.setup_no_sqarray()));

/// The builder's methods give it back.
fn set(_builder: &mut io_uring::Builder) {}

/// The newest first: a kernel that lacks one is tried without it.
const SHARED_FLAGS: [Flag; 1] = [SUBMIT_ALL];

/// From Linux 6.6, 6.0, 5.19 and 5.18.
const LOCAL_FLAGS: [Flag; 4] = [NO_SQARRAY, SINGLE_ISSUER, COOP_TASKRUN, SUBMIT_ALL];

/// From Linux 6.6, 6.1, 6.0, 5.19 and 5.18.
const DEFERRED_FLAGS: [Flag; 5] =
    [NO_SQARRAY, DEFER_TASKRUN, SINGLE_ISSUER, COOP_TASKRUN, SUBMIT_ALL];

/// Builds a ring with as many of `flags` as this kernel takes; and which those are.
fn build(flags: &[Flag]) -> io::Result<(IoUring, Vec<&'static str>)> {
    let mut builder = IoUring::builder();
    builder.setup_clamp().setup_cqsize(CQ_ENTRIES);
    flags.iter().for_each(|(_, set)| set(&mut builder));
    match (builder.build(SQ_ENTRIES), flags.split_first()) {
        (Ok(ring), _) => Ok((ring, flags.iter().map(|(name, _)| *name).collect())),
        (Err(error), Some((_, older))) if error.raw_os_error() == Some(EINVAL) => build(older),
        (Err(error), _) => Err(error),
    }
}

const EINVAL: i32 = 22;

/// Whether the ring is new enough; which operations it lacks.
fn check(ring: &IoUring) -> Result<Vec<&'static str>, String> {
    if !ring.params().is_feature_ext_arg() || !ring.params().is_feature_nodrop() {
        return Err("io_uring of this kernel is too old; 5.11 or newer is needed".to_owned());
    }
    missing(ring).map_err(|error| explain(&error))
}

/// A real operation there and back: a sandbox may allow the set-up and forbid the rest.
fn prove(reap: &mut UringReap) -> Result<(), String> {
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
