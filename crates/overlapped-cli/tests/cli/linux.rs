//! What other systems do not have: permission bits, such devices, a limit of descriptors.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::Command,
};

use rustix::process::geteuid;

use super::support::{COMMAND, Dir, backends, command, read, run, run_into, skip};

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
fn a_character_device_is_read_in_order() {
    for backend in backends() {
        let ran = read(Path::new("/dev/zero"), &format!("--len 17 --hex --backend {backend}"));
        let zeros = "00 ".repeat(16);
        let dump = format!("00000000  {zeros} {}\n", ".".repeat(16));
        assert!(ran.text().starts_with(&dump), "{ran:?}");
        assert!(ran.text().contains("\n00000010  00 "), "{ran:?}");
        assert_eq!(ran.line(), "read /dev/zero: done, 17 bytes; nothing in flight");
    }
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
fn what_cannot_be_printed_is_told() {
    let Ok(full) = fs::OpenOptions::new().write(true).open("/dev/full") else {
        return skip("there is no /dev/full here");
    };
    let dir = Dir::new();
    let path = dir.file("data", b"0123456789");
    let ran = run_into(command("read").arg(&path), full.into());
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let told = "No space left on device (os error 28); see where it goes\n";
    assert!(ran.err.ends_with(told), "{ran:?}");
}

#[test]
fn a_directory_that_takes_no_file_is_a_problem_with_a_next_step() {
    let ran = run(command("doctor").arg("/proc"));
    if ran.code == Some(2) {
        return skip("there is no /proc here");
    }
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let text = ran.text();
    let line = text.lines().find(|line| line.starts_with("problem  directory: "));
    let line = line.unwrap_or_else(|| panic!("no problem in {text}"));
    assert!(line.ends_with("; next: name a directory that you may write to"), "{line}");
}

#[test]
fn a_process_without_descriptors_is_told_that_nothing_works_and_why() {
    let mut shell = Command::new("sh");
    let ran = run(shell.args(["-c", "ulimit -n 4; exec \"$0\" doctor /"]).arg(COMMAND));
    let text = ran.text();
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(text.ends_with("The library cannot work here.\n"), "{text}");
    assert!(text.contains("\nproblem  nofile: 4 descriptors"), "{text}");
    assert!(text.contains("; next: raise it: ulimit -n\n"), "{text}");
}
