//! Handles that are not what they should be, and calls that are none of ours: there is always an
//! outcome, and it is the OS's.

use std::{env, fs, io::Write, os::windows::fs::OpenOptionsExt, process, time::Duration};

use overlapped::{
    Cause, Error, Port,
    backend::Owned,
    fs::{File, OpenOptions},
    pipe::{self, Reader, Writer},
};

use super::{
    port,
    servers::fresh_name,
    threads,
    watchdog::Watchdog,
    win32::{self, OwnWay},
};

/// Nothing lasts so long.
const LONG: Duration = Duration::from_secs(60);

/// `ERROR_ACCESS_DENIED`
const DENIED: Option<i32> = Some(5);

/// `FILE_FLAG_BACKUP_SEMANTICS`: without it no directory is opened.
const DIRECTORIES: u32 = 0x0200_0000;

// [C2] a handle that was taken apart stays bound, and so our port gets packets that are not ours.
#[test]
fn the_programs_own_calls_on_a_handle_that_was_ours() {
    let _watch = Watchdog::set("calls of the program's own", LONG);
    let port = port();
    let (reader, writer) = pipe::pair(&port).unwrap();
    let (ours, to_ours) = pipe::pair(&port).unwrap();
    let handle = reader.into_parts().wait().handle.into_os().unwrap();
    for round in 0..100 {
        for way in [OwnWay::Event, OwnWay::TaggedEvent, OwnWay::Handle] {
            let (read, mut bytes) = (ours.read(vec![0; 1]), [0; 3]);
            let write = || drop(writer.write_all(b"own".to_vec()).wait().unwrap());
            let n = win32::read_of_own(&handle, way, &mut bytes, write).unwrap();
            assert_eq!((n, &bytes), (3, b"own"), "{way:?}");
            to_ours.write_all(vec![round]).wait().unwrap();
            assert_eq!(read.wait().unwrap().buf, [round]);
        }
    }
    let idle = ours.read(vec![0; 1]);
    assert_eq!(port.shutdown(LONG).leaked, 0);
    assert!(idle.wait().unwrap_err().error.is_cancelled());
}

// [C3] its owner may have told it to send no packets of what succeeds at once.
#[test]
fn a_handle_that_skips_packets_already() {
    for port in [port(), threads()] {
        let _watch = Watchdog::set(&format!("packets are skipped on {}", port.backend()), LONG);
        for make in [win32::message_pipe, win32::byte_pipe] {
            let name = fresh_name();
            let server = make(&name).unwrap();
            win32::skip_packets(&server);
            let mut client = fs::OpenOptions::new().read(true).write(true).open(&name).unwrap();
            let reader = Reader::from_owned(&port, server);
            for round in 0..10 {
                // It is there before the read, which succeeds at once.
                client.write_all(&[round; 4]).unwrap();
                let read = reader.read(vec![0; 4]).wait_timeout(LONG / 3).expect("it ends");
                assert_eq!(read.unwrap().buf, [round; 4]);
            }
        }
    }
}

/// What comes of everything that can be asked of a handle: of each verb its name and an error, if
/// there was one.
fn ask_all(port: &Port, handle: impl Fn() -> Owned) -> Vec<(&'static str, Option<Error>)> {
    let file = File::from_owned(port, handle());
    let reader = Reader::from_owned(port, handle());
    let writer = Writer::from_owned(port, handle());
    vec![
        ("read", reader.read(vec![0; 10]).wait().map_err(|failed| failed.error).err()),
        ("write", writer.write(vec![0; 10]).wait().map_err(|failed| failed.error).err()),
        ("read_at", file.read_at(vec![0; 10], 0).wait().map_err(|failed| failed.error).err()),
        ("write_at", file.write_at(vec![0; 10], 0).wait().map_err(|failed| failed.error).err()),
        ("set_len", file.set_len(10).wait().err()),
        ("sync_all", file.sync_all().wait().err()),
    ]
}

// [C3] whatever its number means.
#[test]
fn what_is_no_handle_and_what_is_no_file() {
    const NOBODYS: isize = 0x7fff_fff0;
    for port in [port(), threads()] {
        let _watch = Watchdog::set(&format!("no handles on {}", port.backend()), LONG);
        for number in [-1, 0, NOBODYS] {
            for (verb, error) in ask_all(&port, || win32::no_handle(number).into()) {
                assert!(error.is_some(), "{verb} of {number}");
            }
        }
        for (verb, error) in ask_all(&port, || win32::event().into()) {
            assert!(error.is_some(), "{verb} of an event");
        }
        assert_eq!(port.shutdown(LONG).leaked, 0);
    }
}

// [C3]
#[test]
fn what_one_may_not_do() {
    let path = env::temp_dir().join(format!("overlapped-{}-rights", process::id()));
    fs::write(&path, vec![7; 100]).unwrap();
    for port in [port(), threads()] {
        let _watch = Watchdog::set(&format!("rights on {}", port.backend()), LONG);
        let only = |options: &mut fs::OpenOptions, flags| {
            let options = options.custom_flags(flags).share_mode(7);
            options.open(&path).unwrap().into()
        };
        for flags in [0, win32::OVERLAPPED_FILE] {
            let reads = ask_all(&port, || only(fs::OpenOptions::new().read(true), flags));
            for (verb, error) in reads {
                let code = error.and_then(|error| error.raw_os_error());
                assert!(verb != "write_at" || code == DENIED, "{verb}: {code:?}");
                assert!(verb != "set_len" || code.is_some(), "{verb}");
                assert!(verb != "read_at" || code.is_none(), "{verb}: {code:?}");
            }
            let writes = ask_all(&port, || only(fs::OpenOptions::new().write(true), flags));
            for (verb, error) in writes {
                let code = error.and_then(|error| error.raw_os_error());
                assert!(verb != "read_at" || code == DENIED, "{verb}: {code:?}");
                assert!(verb != "write_at" && verb != "set_len" || code.is_none(), "{verb}");
            }
        }
        let directory = || {
            let mut options = fs::OpenOptions::new();
            let options = options.read(true).custom_flags(DIRECTORIES | win32::OVERLAPPED_FILE);
            options.open(env::temp_dir()).unwrap().into()
        };
        for (verb, error) in ask_all(&port, directory) {
            assert!(error.is_some() || verb == "sync_all", "{verb} of a directory");
        }
    }
    fs::remove_file(&path).unwrap();
}

#[test]
fn what_swallows_everything() {
    for port in [port(), threads()] {
        let _watch = Watchdog::set(&format!("NUL on {}", port.backend()), LONG);
        let reader = Reader::open(&port, "NUL").wait().unwrap();
        let writer = Writer::open(&port, "NUL").wait().unwrap();
        let plain = Reader::from_owned(&port, fs::File::open("NUL").unwrap());
        for _ in 0..3 {
            assert_eq!(reader.read(vec![0; 10]).wait().unwrap().n, 0);
            assert_eq!(writer.write_all(vec![0; 10]).wait().unwrap().n, 10);
            assert_eq!(plain.read(vec![0; 10]).wait().unwrap().n, 0);
        }
    }
}

// [C5] a console may have nothing to say, or there is none.
#[test]
fn a_console() {
    for port in [port(), threads()] {
        let _watch = Watchdog::set(&format!("a console on {}", port.backend()), LONG);
        let Ok(console) = Reader::open(&port, "CONIN$").wait() else { continue };
        if let Err(read) = console.read(vec![0; 10]).wait_timeout(Duration::from_millis(20)) {
            read.cancel();
            let _outcome = read.wait_timeout(LONG).expect("a cancel ends it");
        }
    }
}

// [C3] two offsets beyond all files mean the end and the current place to the OS.
#[test]
fn an_offset_that_is_none() {
    let path = env::temp_dir().join(format!("overlapped-{}-offsets", process::id()));
    fs::write(&path, vec![7; 100]).unwrap();
    for port in [port(), threads()] {
        let file = OpenOptions::new().read(true).write(true).open(&port, &path).wait().unwrap();
        for offset in [u64::MAX, u64::MAX - 1, 1 << 63] {
            let failed = file.write_at(vec![0; 10], offset).wait().unwrap_err();
            assert!(matches!(failed.error.cause(), Cause::Invalid(_)), "{}", failed.error);
        }
        let far = file.read_at(vec![0; 10], i64::MAX as u64 - 100).wait();
        assert_eq!(far.map_or(0, |done| done.n), 0);
        assert_eq!(file.metadata().wait().unwrap().len, 100);
    }
    fs::remove_file(&path).unwrap();
}
