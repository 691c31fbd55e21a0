//! What makes no sense gets one line: the operation, the path, what is wrong, what to do next.

use std::path::Path;

use super::support::{Dir, THROUGH_A_FILE, command, read, run, word};

#[test]
fn a_value_that_makes_no_sense_is_told() {
    let len = "is not a number of bytes from 1 to 1073741824; choose one in that range";
    let at = "is not a number of bytes from 0 to 9223372036854775807; choose one in that range";
    let time = "is not a duration; write it as 300ms, 1s or \"1m 30s\"";
    let table = [
        ("--len", "-5", len),
        ("--len", "0", len),
        ("--len", "1073741825", len),
        ("--len", "99999999999999999999999999", len),
        ("--len", "many", len),
        ("--len", "", len),
        ("--at", "-1", at),
        ("--at", "9223372036854775808", at),
        ("--at", "start", at),
        ("--timeout", "soon", time),
        ("--timeout", "-1s", time),
        ("--timeout", "1", time),
        ("--timeout", "", time),
        ("--backend", "epoll", "is unknown; choose auto, io_uring, IOCP or threads"),
    ];
    let dir = Dir::new();
    let path = dir.file("data", b"data");
    for (option, value, told) in table {
        let ran = run(command("read").arg(&path).arg(option).arg(value));
        ran.is_refused(2, &format!("read {}: {option} {value:?} {told}", path.display()));
    }
}

#[test]
fn a_missing_file_is_told() {
    let dir = Dir::new();
    let path = dir.path("nothing");
    let told = format!("{}; check the path", word(2));
    read(&path, "").is_refused(1, &format!("read {}: {told}", path.display()));
    read(Path::new(""), "").is_refused(2, "read \"\": the path is empty; name a file");
}

#[test]
fn a_path_through_a_file_is_told() {
    let dir = Dir::new();
    let path = dir.file("data", b"data").join("below");
    let (code, next) = THROUGH_A_FILE;
    let told = format!("{}; {next}", word(code));
    read(&path, "").is_refused(1, &format!("read {}: {told}", path.display()));
}

#[test]
fn a_directory_is_told() {
    let dir = Dir::new();
    let path = dir.path(".");
    let told = "it is a directory; name a file in it";
    read(&path, "").is_refused(1, &format!("read {}: {told}", path.display()));
}

#[test]
fn a_path_with_a_line_break_still_gives_one_line() {
    let dir = Dir::new();
    let path = dir.path("two\nlines");
    let ran = read(&path, "");
    assert!(ran.line().starts_with("read \""), "{ran:?}");
    assert!(ran.line().contains("two\\nlines"), "{ran:?}");
}

#[test]
fn the_help_tells_every_exit_code_and_shows_examples() {
    let help = run(command("read").arg("--help")).text();
    for code in ["  0  done", "  1  failed", "  2  ", "  3  timed out", "  4  ", "  5  "] {
        assert!(help.contains(code), "{code:?} is not in {help}");
    }
    assert!(help.contains("Examples:\n"), "{help}");
    assert!(run(command("doctor").arg("--help")).text().contains("Examples:\n"));
}
