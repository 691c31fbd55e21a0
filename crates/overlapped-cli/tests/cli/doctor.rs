//! `overlapped doctor` on a machine as it is.

use std::fs;

use super::support::{COMMAND, Dir, backends, command, run};

#[test]
fn every_finding_is_one_line_and_the_choice_is_told() {
    let dir = Dir::new();
    let ran = run(command("doctor").arg(dir.path("")));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.err, "");
    let best = backends()[0];
    let text = ran.text();
    assert!(text.ends_with(&format!("The library works here, on {best}.\n")), "{text}");
    assert!(text.contains(&format!(" backend: {best} will be used")), "{text}");
    assert!(text.contains("ok       threads: work"), "{text}");
    for about in ["system", "memlock", "nofile", "directory", "O_DIRECT", "NOWAIT"] {
        assert!(text.contains(&format!(" {about}: ")), "{about} is not in {text}");
    }
    let lines = text.lines().rev().skip(1);
    let levels = ["ok       ", "note     ", "problem  "];
    for line in lines {
        assert!(levels.iter().any(|level| line.starts_with(level)), "{line}");
        assert!(!line.starts_with("problem") || line.contains("; next: "), "{line}");
    }
    assert_eq!(fs::read_dir(dir.path("")).unwrap().count(), 0, "it leaves nothing behind");
}

#[test]
fn a_directory_that_is_none_is_told() {
    let dir = Dir::new();
    let path = dir.path("nothing");
    let told = "No such file or directory (os error 2); name a directory that exists";
    let ran = run(command("doctor").arg(&path));
    ran.is_refused(2, &format!("doctor {}: {told}", path.display()));

    let path = dir.file("data", b"data");
    let told = "it is not a directory; name the one it is in";
    let ran = run(command("doctor").arg(&path));
    ran.is_refused(2, &format!("doctor {}: {told}", path.display()));
}

#[test]
fn a_directory_that_takes_no_file_is_a_problem_with_a_next_step() {
    let ran = run(command("doctor").arg("/proc"));
    if ran.code == Some(2) {
        return super::support::skip("there is no /proc here");
    }
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let text = ran.text();
    let line = text.lines().find(|line| line.starts_with("problem  directory: "));
    let line = line.unwrap_or_else(|| panic!("no problem in {text}"));
    assert!(line.ends_with("; next: name a directory that you may write to"), "{line}");
}

#[test]
fn a_process_without_descriptors_is_told_that_nothing_works_and_why() {
    let mut shell = std::process::Command::new("sh");
    let ran = run(shell.args(["-c", "ulimit -n 4; exec \"$0\" doctor /"]).arg(COMMAND));
    let text = ran.text();
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(text.ends_with("The library cannot work here.\n"), "{text}");
    assert!(text.contains("\nproblem  nofile: 4 descriptors"), "{text}");
    assert!(text.contains("; next: raise it: ulimit -n\n"), "{text}");
}
