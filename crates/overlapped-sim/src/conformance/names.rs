//! Names of files, and what an error says about them.

use std::{io, path::Path};

use overlapped::{
    Cause, Port,
    fs::{self, File, OpenOptions},
};

use super::{
    Env, table,
    tools::{block_on, bytes, eventually, must, numbered},
    words,
};

table! {
    Bytes "C3" a_missing_file_is_told_by_operation_path_and_cause;
    Bytes "C3" a_failure_keeps_the_code_of_the_os;
    Bytes "C3" an_error_converts_and_keeps_its_words;
    Bytes "C3" a_path_with_a_nul_is_refused;
    Bytes "C3" a_file_is_renamed_and_removed;
    Bytes "C3" a_file_outlives_its_name;
    Bytes "C3" a_directory_is_made_and_removed;
    Bytes "C7" an_abandoned_rename_runs_to_its_end;
}

fn a_missing_file_is_told_by_operation_path_and_cause(env: &Env) {
    let port = env.port();
    let path = env.path("missing");
    let error = must(File::open(&port, &path)).expect_err("nothing is there");
    assert_eq!(error.raw_os_error(), Some(words::MISSING));
    assert_eq!(error.operation(), "open");
    let text = error.to_string();
    let (quoted, cause) = (format!("{path:?}"), io::Error::from_raw_os_error(words::MISSING));
    for part in ["open", &quoted, &cause.to_string(), port.backend().name()] {
        assert!(text.contains(part), "{text:?} names {part:?}");
    }
    assert_eq!(text.lines().count(), 1);
    let error = must(fs::rename(&port, path, env.path("other"))).expect_err("nothing is there");
    assert!(error.to_string().contains(&quoted), "{error}");
}

fn a_failure_keeps_the_code_of_the_os(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 10);
    let path = env.path("file");
    read_a_directory(&port, path.parent().unwrap());

    let reading = must(File::open(&port, &path)).expect("a file");
    let failed = must(reading.write_at(vec![7; 8], 0)).expect_err("open for reading");
    assert_eq!((failed.error.raw_os_error(), failed.buf), (Some(words::READ_ONLY), vec![7; 8]));

    let below = must(File::open(&port, path.join("below"))).expect_err("a file has no below");
    assert_eq!(below.cause(), Cause::Os(words::THROUGH_A_FILE));
    assert_eq!(must(file.metadata()).expect("metadata").len, 10);
}

#[cfg(not(windows))]
fn read_a_directory(port: &Port, path: &Path) {
    let dir = must(File::open(port, path)).expect("a directory opens");
    let failed = must(dir.read_at(vec![7; 8], 0)).expect_err("a directory is not read");
    assert_eq!((failed.error.raw_os_error(), failed.buf), (Some(words::DIRECTORY), vec![7; 8]));
}

/// Here it is not even opened.
#[cfg(windows)]
fn read_a_directory(port: &Port, path: &Path) {
    let error = must(File::open(port, path)).expect_err("a directory does not open");
    assert_eq!(error.raw_os_error(), Some(words::DIRECTORY));
}

fn an_error_converts_and_keeps_its_words(env: &Env) {
    let port = env.port();
    let missing = must(File::open(&port, env.path("missing"))).expect_err("nothing is there");
    let words = missing.to_string();
    let converted = std::io::Error::from(missing);
    assert_eq!(converted.kind(), std::io::ErrorKind::NotFound);
    assert_eq!(converted.to_string(), words);
}

fn a_path_with_a_nul_is_refused(env: &Env) {
    let port = env.port();
    let path = env.path("cut\0off");
    let mut creating = OpenOptions::new();
    let create = creating.write(true).create(true).open(&port, &path);
    let error = must(create).expect_err("no file has such a name");
    assert!(matches!(error.cause(), Cause::Invalid(_)), "{error}");
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    assert!(error.to_string().contains("NUL"), "says what is wrong: {error}");
    assert!(error.to_string().contains("leave it out"), "says what to do: {error}");
    assert!(!env.exists("cut"), "nothing was made under half the name");
    let renamed = must(fs::rename(&port, env.path("a"), &path));
    assert!(matches!(renamed.expect_err("as above").cause(), Cause::Invalid(_)));
    for made in [must(fs::create_dir(&port, &path)), must(fs::remove_file(&port, &path))] {
        assert!(matches!(made.expect_err("as above").cause(), Cause::Invalid(_)));
    }
    assert!(must(fs::metadata(&port, &path)).is_err());
}

fn a_file_is_renamed_and_removed(env: &Env) {
    let port = env.port();
    drop(env.file(&port, 10));
    let (from, to) = (env.path("file"), env.path("renamed"));
    drop(must(File::create(&port, &to)).expect("a file in the way"));
    must(fs::rename(&port, &from, &to)).expect("a new name");
    assert!(!env.exists("file"));
    let renamed = must(File::open(&port, &to)).expect("the new name");
    assert_eq!(bytes(must(renamed.read_at(vec![0; 10], 0))), numbered(0, 10));
    block_on(renamed.close()).expect("nothing is owed");
    must(fs::remove_file(&port, &to)).expect("a removal");
    assert!(!env.exists("renamed"));
    let again = must(fs::remove_file(&port, &to)).expect_err("it is gone");
    assert_eq!(again.raw_os_error(), Some(words::MISSING));
}

fn a_file_outlives_its_name(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 10);
    must(fs::rename(&port, env.path("file"), env.path("renamed"))).expect("a new name");
    assert_eq!(bytes(must(file.read_at(vec![0; 10], 0))), numbered(0, 10));
    must(fs::remove_file(&port, env.path("renamed"))).expect("a removal");
    assert!(!env.exists("renamed"));
    assert_eq!(bytes(must(file.read_at(vec![0; 10], 0))), numbered(0, 10));
}

fn a_directory_is_made_and_removed(env: &Env) {
    let port = env.port();
    let dir = env.path("directory");
    must(fs::create_dir(&port, &dir)).expect("a directory");
    let again = must(fs::create_dir(&port, &dir)).expect_err("it exists");
    assert_eq!(again.raw_os_error(), Some(words::TAKEN));
    let inside = dir.join("file");
    drop(must(File::create(&port, &inside)).expect("a file inside"));
    let full = must(fs::remove_dir(&port, &dir)).expect_err("it is not empty");
    assert_eq!((full.operation(), full.raw_os_error()), ("remove_dir", Some(words::NOT_EMPTY)));
    let wrong = must(fs::remove_file(&port, &dir)).expect_err("it is no file");
    assert_eq!(wrong.raw_os_error(), Some(words::DIRECTORY));
    must(fs::remove_file(&port, &inside)).expect("a removal");
    must(fs::remove_dir(&port, &dir)).expect("a removal");
    assert!(!env.exists("directory"));
}

fn an_abandoned_rename_runs_to_its_end(env: &Env) {
    let port = env.port();
    drop(env.file(&port, 10));
    let (from, to) = (env.path("file"), env.path("renamed"));
    drop(fs::rename(&port, &from, &to));
    eventually("the file has its new name", || env.exists("renamed") && !env.exists("file"));
}
