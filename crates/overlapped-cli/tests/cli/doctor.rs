//! `overlapped doctor` on a machine as it is.

use std::fs;

use super::support::{Dir, LOOKED_AT, backends, command, run, word};

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
    for about in LOOKED_AT {
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
    let told = format!("{}; name a directory that exists", word(2));
    let ran = run(command("doctor").arg(&path));
    ran.is_refused(2, &format!("doctor {}: {told}", path.display()));

    let path = dir.file("data", b"data");
    let told = "it is not a directory; name the one it is in";
    let ran = run(command("doctor").arg(&path));
    ran.is_refused(2, &format!("doctor {}: {told}", path.display()));
}
