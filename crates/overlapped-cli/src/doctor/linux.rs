//! What Linux says about itself, about this process and about a file system.

use std::{
    fs,
    io::{self, IoSliceMut},
    os::fd::OwnedFd,
    path::Path,
};

use overlapped::backend::Kind;
use rustix::{
    io::{Errno, ReadWriteFlags, preadv2},
    system::uname,
};

pub(super) use super::limits::all as limits;

use super::finding::Finding;
use crate::trouble::shown;

/// The first choice, where it works.
pub(super) const BEST: Kind = Kind::Uring;
pub(super) const THREADS_NEED: &str =
    "see the limits of processes and descriptors (ulimit -u, ulimit -n)";

const DISABLED: &str = "/proc/sys/kernel/io_uring_disabled";
const ALLOW: &str =
    "allow io_uring_setup, io_uring_enter and io_uring_register in the profile of the sandbox";

pub(super) fn system() -> Finding {
    let uname = uname();
    let release = uname.release().to_string_lossy();
    let text = format!("Linux {release} on {}", uname.machine().to_string_lossy());
    if version(&release).is_some_and(|version| version < (5, 11)) {
        let text = format!("{text}, too old for io_uring");
        return Finding::problem("system", text, "take Linux 5.11 or newer");
    }
    Finding::ok("system", text)
}

fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => Some((major, minor)),
        _ => None,
    }
}

/// What may stand between this process and io_uring.
pub(super) fn sandbox(uring_works: bool) -> Vec<Finding> {
    vec![disabled(&switch(), uring_works), seccomp(filter(), uring_works)]
}

/// The value of the system's switch.
fn switch() -> io::Result<String> {
    Ok(fs::read_to_string(DISABLED)?.trim().to_owned())
}

fn disabled(switch: &io::Result<String>, uring_works: bool) -> Finding {
    let about = "io_uring_disabled";
    let next = format!("as root: sysctl kernel.{about}=0");
    let value = match switch {
        Ok(value) => value.as_str(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Finding::ok(about, "this system has no such switch (it came with Linux 6.6)");
        }
        Err(error) => return Finding::note(about, format!("cannot be read: {error}")),
    };
    match value {
        "0" => Finding::ok(about, "0, every process may use io_uring"),
        "1" => {
            let text = "1, only CAP_SYS_ADMIN and the group kernel.io_uring_group may use io_uring";
            if uring_works {
                Finding::note(about, text)
            } else {
                Finding::problem(about, text, format!("join that group, or {next}"))
            }
        }
        "2" => Finding::problem(about, "2, no process may use io_uring", next),
        _ => Finding::note(about, format!("{value}, which is unknown")),
    }
}

/// The seccomp mode of this process: 0 none, 1 strict, 2 filtered.
fn filter() -> Option<u32> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let mode = status.lines().find_map(|line| line.strip_prefix("Seccomp:"))?;
    mode.trim().parse().ok()
}

fn seccomp(mode: Option<u32>, uring_works: bool) -> Finding {
    match mode {
        None => Finding::note("seccomp", "/proc/self/status does not say"),
        Some(0) => Finding::ok("seccomp", "no filter on this process"),
        Some(_) if uring_works => {
            Finding::ok("seccomp", "this process is filtered, and io_uring is allowed")
        }
        Some(_) => Finding::note("seccomp", "this process is filtered"),
    }
}

pub(super) fn no_best(reason: &str) -> Finding {
    blame(reason, switch().ok().as_deref(), filter())
}

/// Who forbids io_uring. The library gives the reason as text; the OS's number is in it.
fn blame(reason: &str, switch: Option<&str>, filter: Option<u32>) -> Finding {
    let refused = ["(os error 1)", "(os error 13)", "(os error 38)"];
    let refused = refused.iter().any(|code| reason.contains(code));
    let switched_off = reason.contains("(os error 1)") && matches!(switch, Some("1" | "2"));
    let (text, next) = if switched_off {
        (format!("forbidden by {DISABLED}: {reason}"), "see io_uring_disabled above")
    } else if refused && filter.is_some_and(|mode| mode > 0) {
        (format!("forbidden by the seccomp filter of this process: {reason}"), ALLOW)
    } else if reason.contains("(os error 12)") {
        (reason.to_owned(), "see memlock below")
    } else if reason.contains("(os error 24)") || reason.contains("(os error 23)") {
        (reason.to_owned(), "see nofile below")
    } else {
        (
            reason.to_owned(),
            "take Linux 5.11 or newer with CONFIG_IO_URING, or ask its administrator",
        )
    };
    Finding::problem("io_uring", text, next)
}

pub(super) fn file_system(dir: &Path) -> Finding {
    let known = fs::canonicalize(dir).ok().and_then(|real| {
        let table = fs::read_to_string("/proc/self/mountinfo").ok()?;
        mount_of(&real, &table)
    });
    match known {
        Some((point, name)) => {
            let (dir, point) = (shown(dir), shown(Path::new(&point)));
            Finding::ok("directory", format!("{dir} is on {name}, mounted at {point}"))
        }
        None => Finding::note("directory", format!("{} is on an unknown file system", shown(dir))),
    }
}

/// The mount that holds `path`, and its type. The last of several at one point covers the others.
fn mount_of(path: &Path, table: &str) -> Option<(String, String)> {
    let mounts = table.lines().filter_map(|line| {
        let (place, source) = line.split_once(" - ")?;
        let point = unescape(place.split(' ').nth(4)?);
        Some((point, source.split(' ').next()?.to_owned()))
    });
    mounts.filter(|(point, _)| path.starts_with(point)).max_by_key(|(point, _)| point.len())
}

/// The kernel writes what would split a line as three octal digits.
fn unescape(point: &str) -> String {
    let codes = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    codes.iter().fold(point.to_owned(), |text, (code, plain)| text.replace(code, plain))
}

/// The file has just been written, so its bytes are in the cache.
pub(super) fn nowait(file: &OwnedFd) -> Finding {
    let mut byte = [0];
    let read = preadv2(file, &mut [IoSliceMut::new(&mut byte)], 0, ReadWriteFlags::NOWAIT);
    match read {
        Ok(_) => Finding::ok("NOWAIT", "a read of cached bytes never waits (RWF_NOWAIT)"),
        Err(Errno::AGAIN) => Finding::note(
            "NOWAIT",
            "supported (RWF_NOWAIT), but bytes just written were not served from the cache",
        ),
        Err(Errno::OPNOTSUPP) => {
            let text = "not on this file system: each read goes through the backend";
            Finding::note("NOWAIT", text)
        }
        Err(errno) => Finding::note("NOWAIT", format!("cannot be used: {errno}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_version_is_its_first_two_numbers() {
        assert_eq!(version("6.18.44-generic"), Some((6, 18)));
        assert_eq!(version("5.11-rc1"), Some((5, 11)));
        assert_eq!(version("unknown"), None);
    }

    #[test]
    fn the_longest_mount_point_holds_a_path_and_the_last_one_covers_it() {
        let table = "\
            1 0 8:1 / / rw - ext4 /dev/a rw\n\
            2 1 0:5 / /data\\040x rw shared:1 - tmpfs none rw\n\
            3 1 0:6 / /data\\040x rw - btrfs none rw\n";
        let of = |path: &str| mount_of(Path::new(path), table).unwrap().1;
        assert_eq!(of("/data x/y"), "btrfs");
        assert_eq!(of("/data xy"), "ext4");
    }

    #[test]
    fn who_forbids_io_uring_is_named() {
        let told = |reason, switch, filter| blame(reason, Some(switch), Some(filter)).to_string();
        assert!(told("no (os error 1)", "0", 2).contains("seccomp filter of this process"));
        assert!(told("no (os error 38)", "0", 2).contains("seccomp filter of this process"));
        assert!(told("no (os error 1)", "2", 2).contains(DISABLED));
        assert!(told("no (os error 12)", "0", 2).contains("memlock below"));
        assert!(!told("no (os error 38)", "0", 0).contains("seccomp"));
    }
}
