//! fio as a referee: what a program that others wrote needs for the same reads and writes.

use std::{path::PathBuf, process::Command};

use crate::{Files, Sample, Work, files::LEN};

/// Its name in the tables.
pub const NAME: &str = "fio";

/// One run, if fio is installed.
pub fn sample(work: Work, files: &Files, millis: u64) -> Result<Sample, String> {
    let (kind, direct, depth, file): (_, _, _, PathBuf) = match work {
        Work::Cached(depth) => ("randread", 0, depth, files.cached()),
        Work::Direct(depth) => ("randread", 1, depth, files.direct()),
        Work::Write(depth) => ("randwrite", 1, depth, files.direct()),
        _ => return Err("not offered".to_owned()),
    };
    let mut command = Command::new("fio");
    command.args(["--name=peer", "--bs=4k", "--ioengine=io_uring", "--output-format=terse"]);
    command.args(["--norandommap", "--gtod_reduce=1", "--time_based", "--invalidate=0"]);
    command.arg(format!("--filename={}", file.display())).arg(format!("--size={LEN}"));
    command.arg(format!("--rw={kind}")).arg(format!("--direct={direct}"));
    command.arg(format!("--iodepth={depth}")).arg(format!("--runtime={millis}ms"));
    let output = command.output().map_err(|_| "not installed".to_owned())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().unwrap_or_default();
    read(line, kind == "randwrite").ok_or_else(|| "fails: its answer cannot be read".to_owned())
}

/// Reads terse output, version 3: field 8 (read) or 49 (written) are operations a second, 88 and
/// 89 are per cent of the time in user and system mode, counted from 1.
fn read(line: &str, writes: bool) -> Option<Sample> {
    let fields: Vec<&str> = line.split(';').collect();
    let number = |at: usize| fields.get(at - 1)?.trim_end_matches('%').parse::<f64>().ok();
    let rate = number(if writes { 49 } else { 8 })?;
    let busy = (number(88)? + number(89)?) / 100.0;
    let nanos = 1e9;
    (rate > 0.0).then(|| Sample {
        ops: rate as u64,
        cpu: (busy * nanos) as u64,
        wall: nanos as u64,
        ..Sample::default()
    })
}
