//! What the process may have at most.

use rustix::process::{Resource, Rlimit, getrlimit};

use super::finding::Finding;

/// Fewer descriptors than this are soon used up.
const FEW_FILES: u64 = 1024;

/// `uring`: why io_uring cannot be used, if it cannot.
pub(super) fn all(uring: Option<&String>) -> [Finding; 2] {
    [memory(uring), files(getrlimit(Resource::Nofile))]
}

fn memory(uring: Option<&String>) -> Finding {
    let limit = getrlimit(Resource::Memlock).current;
    let text = format!("{} of memory may be locked", limit.map_or("any amount".into(), size));
    // The library gives reasons as text; the OS's number is in it.
    if uring.is_some_and(|reason| reason.contains("(os error 12)")) {
        let next = "raise it: ulimit -l, or LimitMEMLOCK of the service";
        return Finding::problem("memlock", format!("{text}, too little for io_uring"), next);
    }
    Finding::ok("memlock", text)
}

fn files(limit: Rlimit) -> Finding {
    let shown = |n: Option<u64>| n.map_or("any number".to_owned(), |n| n.to_string());
    let (now, most) = (shown(limit.current), shown(limit.maximum));
    let text = format!("{now} descriptors may be open; the limit can be raised to {most}");
    if limit.current.is_some_and(|now| now < FEW_FILES) {
        return Finding::problem("nofile", text, "raise it: ulimit -n");
    }
    Finding::ok("nofile", text)
}

fn size(bytes: u64) -> String {
    const UNITS: [(u32, &str); 3] = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let unit = UNITS.iter().find(|(shift, _)| bytes >= 1 << shift && bytes % (1 << shift) == 0);
    match unit {
        Some((shift, name)) => format!("{} {name}", bytes >> shift),
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn a_size_keeps_every_byte() {
        assert_eq!(size(8 << 20), "8 MiB");
        assert_eq!(size(65536), "64 KiB");
        assert_eq!(size(1025), "1025 bytes");
        assert_eq!(size(0), "0 bytes");
    }
}
