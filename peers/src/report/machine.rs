//! Where and when it was measured.

use std::{
    fs,
    path::Path,
    process::Command,
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

/// A file of this repository, by its path from the manifest.
pub fn beside(path: &str) -> Option<String> {
    let here = std::env::var_os("CARGO_MANIFEST_DIR")?;
    fs::read_to_string(Path::new(&here).join(path)).ok()
}

/// One line for each fact.
pub fn facts(dir: &Path) -> Vec<(&'static str, String)> {
    let processor = cpuinfo("model name").unwrap_or_else(|| "unknown".to_owned());
    let virtual_machine = cpuinfo("flags").is_some_and(|flags| flags.contains("hypervisor"));
    let inside = if virtual_machine { ", in a virtual machine" } else { "" };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let memory = meminfo().map_or_else(|| "unknown".to_owned(), |gib| format!("{gib:.0} GiB"));
    vec![
        ("date", date()),
        ("processor", format!("{processor}, {cores} processors{inside}")),
        ("memory", memory),
        ("kernel", format!("Linux {}", kernel())),
        ("file system", file_system(dir).unwrap_or_else(|| "unknown".to_owned())),
        ("compiler", compiler()),
    ]
}

fn cpuinfo(key: &str) -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn meminfo() -> Option<f64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let kib: f64 = text.lines().next()?.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0 / 1024.0)
}

/// The release's numbers, without what its builder added.
fn kernel() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    release.trim().split('-').next().unwrap_or_default().to_owned()
}

/// The type of the file system that holds `dir`: the mount with the longest path above it.
fn file_system(dir: &Path) -> Option<String> {
    let dir = dir.canonicalize().ok()?;
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let fields = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let above = fields.filter(|mount| mount.len() > 2 && dir.starts_with(mount[1]));
    above.max_by_key(|mount| mount[1].len()).map(|mount| mount[2].to_owned())
}

fn compiler() -> String {
    let output = Command::new("rustc").arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    text.ok().and_then(|text| Some(text.split_once(" (")?.0.to_owned())).unwrap_or_default()
}

/// Today in UTC, as in 2026-01-31.
fn date() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let (year, month, day) = civil(since.as_secs() / 86_400);
    format!("{year}-{month:02}-{day:02}")
}

/// Days since 1970 as year, month and day. The era of 400 years begins in March.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = (era * 400 + year, if month < 10 { month + 3 } else { month - 9 });
    (year + u64::from(month <= 2), month, day)
}

/// The version of a package, as in the lock file.
pub fn version(package: &str) -> Option<&'static str> {
    let lock = include_str!("../../Cargo.lock");
    let entry = format!("\nname = \"{package}\"\nversion = \"");
    // Of several the last is the newest.
    let after = lock.rsplit_once(&entry)?.1;
    after.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::civil;

    #[test]
    fn days_are_dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(20_453), (2025, 12, 31));
    }
}
