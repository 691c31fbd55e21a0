//! Files and devices: bytes, offsets, the end, and what is told about it.

use std::{fs::File, path::Path};

use super::support::{Dir, Idle, NULL, backends, command, read, run};

#[test]
fn a_file_is_read_from_its_start_or_from_an_offset() {
    let dir = Dir::new();
    let path = dir.file("data", b"0123456789");
    for backend in backends() {
        let with = format!("--backend {backend}");
        read(&path, &with).is_done(&path, b"0123456789");
        read(&path, &format!("{with} --at 4 --len 3")).is_done(&path, b"456");
        read(&path, &format!("{with} --at 7 --len 99")).is_done(&path, b"789");
    }
}

#[test]
fn every_byte_of_a_long_file_comes_through() {
    let dir = Dir::new();
    let bytes: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let path = dir.file("long", &bytes);
    for backend in backends() {
        let ran = read(&path, &format!("--backend {backend} --len 4000000"));
        assert!(ran.out == bytes, "{backend}: {} bytes came", ran.out.len());
        assert_eq!(ran.code, Some(0));
    }
}

#[test]
fn the_end_is_done_with_no_byte() {
    let dir = Dir::new();
    let path = dir.file("data", b"0123456789");
    for (path, options) in [(path.as_path(), "--at 10"), (Path::new(NULL), "")] {
        let ran = read(path, options);
        let told = format!(
            "read {}: done, 0 bytes: the end of the input; nothing in flight",
            path.display()
        );
        ran.is_refused(0, &told);
    }
}

#[test]
fn standard_input_is_a_file_that_is_read_where_it_stands_or_at_an_offset() {
    let dir = Dir::new();
    let path = dir.file("data", b"0123456789");
    let ask = |options: &str| {
        let input = File::open(&path).unwrap();
        let mut command = command("read");
        run(command.arg("-").args(options.split_whitespace()).stdin(input))
    };
    assert_eq!(ask("").text(), "0123456789");
    let ran = ask("--at 8");
    assert_eq!(ran.text(), "89");
    assert_eq!(ran.line(), "read standard input: done, 2 bytes; nothing in flight");
}

#[test]
fn the_trace_tells_the_life_of_an_operation_in_order() {
    let dir = Dir::new();
    let file = dir.file("data", b"0123456789");
    for backend in backends() {
        let dir = Dir::new();
        let idle = Idle::new(&dir);
        let ran = read(&file, &format!("--trace --backend {backend}"));
        let steps = ["started", "landed: done, 10 bytes", "buffer returned: 1024", "in flight: 0"];
        tells(&ran.err, backend, &steps);

        let ran = read(idle.path(), &format!("--trace --timeout 100ms --backend {backend}"));
        let steps = [
            "started: read of at most 1024 bytes",
            "pending: 1 in flight; read of 1024 bytes",
            "timed out after 100ms",
            "cancel requested",
            "landed: cancelled, 0 bytes: ",
            "buffer returned: 1024 bytes",
            "in flight: 0 ",
        ];
        let times = tells(&ran.err, backend, &steps);
        let late = times.iter().filter(|ms| **ms >= 100.0).count();
        assert_eq!(late, 5, "what comes after the timeout: {}", ran.err);
    }
}

/// Each step has a line, in this order; the time of each, in milliseconds.
#[track_caller]
fn tells(trace: &str, backend: &str, steps: &[&str]) -> Vec<f64> {
    assert!(trace.contains(&format!("backend: {backend}, as asked for\n")), "{trace}");
    let mut lines = trace.lines();
    let times: Vec<f64> = steps
        .iter()
        .map(|step| {
            let line = lines.find(|line| line.contains(step));
            let line = line.unwrap_or_else(|| panic!("no {step:?} in its place: {trace}"));
            let (time, _) = line.split_once(" ms  ").expect("a step has a time");
            time.trim().parse().expect("a time is a number")
        })
        .collect();
    assert!(times.is_sorted(), "{trace}");
    times
}

// [C5] the outcome is the OS's word, not what was asked for.
#[test]
fn a_cancel_that_comes_too_late_changes_nothing() {
    let dir = Dir::new();
    let path = dir.path("sparse");
    let len = 1 << 26;
    File::create(&path).unwrap().set_len(len).unwrap();
    let mut late = 0;
    for _ in 0..10 {
        // A worker copies so much in more than a millisecond, and cannot be interrupted.
        let ran = read(&path, &format!("--len {len} --timeout 1ms --backend threads"));
        let told = format!(
            "read {}: timed out after 1ms, the cancel came too late: done, {len} bytes; \
             nothing in flight",
            path.display()
        );
        if ran.line() == told {
            late += 1;
            assert_eq!(ran.code, Some(0));
            assert_eq!(ran.out.len() as u64, len);
            break;
        }
    }
    assert_eq!(late, 1, "no cancel in ten came too late");
}
