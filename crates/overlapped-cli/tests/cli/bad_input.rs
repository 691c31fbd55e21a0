//! What makes no sense gets one line: the operation, the path, what is wrong, what to do next.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::Command,
};

use rustix::process::geteuid;

use super::support::{COMMAND, Dir, command, read, run};

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
        ("--backend", "epoll", "is unknown; choose auto, io_uring or threads"),
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
    let told = "No such file or directory (os error 2); check the path";
    read(&path, "").is_refused(1, &format!("read {}: {told}", path.display()));
    read(Path::new(""), "").is_refused(2, "read \"\": the path is empty; name a file");
}

#[test]
fn a_path_through_a_file_is_told() {
    let dir = Dir::new();
    let path = dir.file("data", b"data").join("below");
    let told = "Not a directory (os error 20); check the path: a part of it is not a directory";
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
fn an_offset_of_a_stream_is_told() {
    let dir = Dir::new();
    let fifo = dir.fifo("fifo");
    let told = "--at needs offsets, and a pipe or FIFO is a stream; leave --at out";
    read(&fifo, "--at 0").is_refused(2, &format!("read {}: {told}", fifo.display()));
    let told = "--at needs offsets, and a terminal or character device is a stream; leave --at out";
    read(Path::new("/dev/zero"), "--at 7").is_refused(2, &format!("read /dev/zero: {told}"));
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
fn a_file_that_may_not_be_read_is_told() {
    let dir = Dir::new();
    let path = dir.file("secret", b"data");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o0)).unwrap();
    let ran = if geteuid().is_root() {
        // Root may read everything; nobody else may reach the command where it was built. If this
        // process made the copy, its other children could have it open for writing as they start.
        let copy = dir.path("overlapped");
        assert_eq!(run(Command::new("cp").arg(COMMAND).arg(&copy)).code, Some(0));
        let nobody = 65534;
        run(Command::new(copy).arg("read").arg(&path).uid(nobody).gid(nobody))
    } else {
        read(&path, "")
    };
    let told = "Permission denied (os error 13); look at its permissions with ls -l, \
                and at those above it";
    ran.is_refused(1, &format!("read {}: {told}", path.display()));
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
