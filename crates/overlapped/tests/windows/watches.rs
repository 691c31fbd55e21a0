//! What has changed in a directory.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use overlapped::{
    Pending, Port, Runtime,
    fs::{Action, Changes, WatchOptions, Watcher},
    request::Watch,
};

use super::{
    each, runtimes,
    servers::{A_WHILE, ABORTED},
};

/// A directory of its own, removed at the end.
struct Dir(PathBuf);

impl Dir {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("overlapped-watch-{}-{number}", process::id()));
        let _of_an_older_run = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn make(&self, name: &str) {
        drop(fs::File::create(self.0.join(name)).unwrap());
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _gone_already = fs::remove_dir_all(&self.0);
    }
}

/// Tells names only.
fn watch(port: &Port, dir: &Dir) -> Watcher {
    let mut options = WatchOptions::new();
    options.contents(false).lengths(false).open(port, &dir.0).wait().unwrap()
}

fn told(changes: Changes) -> Vec<(Action, String)> {
    match changes {
        Changes::Told(changes) => {
            let slashes = |path: &Path| path.to_str().unwrap().replace('\\', "/");
            changes.iter().map(|change| (change.action, slashes(&change.path))).collect()
        }
        Changes::Lost => panic!("there was room"),
    }
}

/// The next so many changes, over as many calls as they take.
fn next(watcher: &Watcher, count: usize) -> Vec<(Action, String)> {
    let mut all = Vec::new();
    while all.len() < count {
        all.extend(told(watcher.next().wait().unwrap()));
    }
    all
}

fn change(action: Action, path: &str) -> (Action, String) {
    (action, path.to_owned())
}

/// The OS has taken over the first call: from here on changes are noted. Where a worker makes it,
/// that is not told, and may take a while on a machine with much to do.
fn begin(next: Pending<'static, Watch>) -> Pending<'static, Watch> {
    next.wait_timeout(10 * A_WHILE).expect_err("nothing has changed")
}

#[test]
fn changes_are_told_in_order_with_their_names() {
    each(|port| {
        let dir = Dir::new();
        let watcher = watch(port, &dir);
        let first = begin(watcher.next());
        // Wine sees below what has come after the watch.
        fs::create_dir(dir.0.join("below")).unwrap();
        assert_eq!(told(first.wait().unwrap()), [change(Action::Added, "below")]);
        // While nobody asks they are noted.
        dir.make("name");
        fs::rename(dir.0.join("name"), dir.0.join("Übergröße")).unwrap();
        dir.make("below/name");
        fs::remove_file(dir.0.join("Übergröße")).unwrap();
        let expected = [
            change(Action::Added, "name"),
            change(Action::OldName, "name"),
            change(Action::NewName, "Übergröße"),
            change(Action::Added, "below/name"),
            change(Action::Removed, "Übergröße"),
        ];
        assert_eq!(next(&watcher, 5), expected);
    });
}

#[test]
fn what_is_not_asked_for_is_not_told() {
    each(|port| {
        let dir = Dir::new();
        fs::create_dir(dir.0.join("below")).unwrap();
        let mut options = WatchOptions::new();
        let watcher = options.tree(false).file_names(false).open(port, &dir.0).wait().unwrap();
        let first = begin(watcher.next());
        dir.make("below/name");
        dir.make("name");
        let first = begin(first);
        fs::write(dir.0.join("name"), "content").unwrap();
        assert_eq!(told(first.wait().unwrap())[0], change(Action::Modified, "name"));
    });
}

#[test]
fn what_is_no_directory_is_not_watched() {
    each(|port| {
        let dir = Dir::new();
        dir.make("file");
        let error = Watcher::open(port, dir.0.join("file")).wait().unwrap_err();
        assert_eq!(error.raw_os_error(), Some(267), "{error}");
        let error = Watcher::open(port, dir.0.join("missing")).wait().unwrap_err();
        assert_eq!(error.raw_os_error(), Some(2), "{error}");
    });
}

// [C3] too many changes are told as such, never as none, and the watcher goes on.
#[test]
fn more_changes_than_room_are_told_as_lost() {
    each(|port| {
        let dir = Dir::new();
        let mut options = WatchOptions::new();
        let watcher = options.contents(false).room(0).open(port, &dir.0).wait().unwrap();
        let first = begin(watcher.next());
        dir.make("first");
        first.wait().unwrap();
        // There is always something to be told, so no call waits for ever.
        let mut numbers = 0_u64..;
        loop {
            for number in numbers.by_ref().take(300) {
                dir.make(&format!("a-name-of-some-length-{number}"));
            }
            match watcher.next().wait().unwrap() {
                Changes::Told(changes) => assert!(!changes.is_empty(), "no news, no change"),
                Changes::Lost => break,
            }
        }
        // What is left of it may come in any number of calls.
        let mut more = watcher.next();
        loop {
            match more.wait_timeout(A_WHILE * 5) {
                Ok(changes) => drop(changes.unwrap()),
                Err(quiet) => break drop(quiet),
            }
            more = watcher.next();
        }
        while port.stats().in_flight > 0 {
            thread::yield_now();
        }
        let last = begin(watcher.next());
        dir.make("last");
        assert_eq!(told(last.wait().unwrap()), [change(Action::Added, "last")]);
    });
}

// [C5] [C6] cancelled it has told nothing, and nothing is lost.
#[test]
fn a_cancelled_call_leaves_the_changes_to_the_next() {
    each(|port| {
        let dir = Dir::new();
        let watcher = watch(port, &dir);
        let first = begin(watcher.next());
        let first = thread::spawn(move || {
            first.cancel();
            first
        });
        let error = first.join().unwrap().wait().unwrap_err();
        assert_eq!(error.raw_os_error(), ABORTED, "{error}");
        dir.make("between");
        assert_eq!(next(&watcher, 1), [change(Action::Added, "between")]);
    });
}

// [C7] what an abandoned call was told is told to the next, in order, once.
#[test]
fn an_abandoned_call_loses_no_change() {
    each(|port| {
        let dir = Dir::new();
        let watcher = watch(port, &dir);
        let mut expected = Vec::new();
        drop(begin(watcher.next()));
        for number in 0..60 {
            let name = format!("{number}");
            let waits = [watcher.next(), watcher.next()];
            dir.make(&name);
            expected.push(change(Action::Added, &name));
            if number % 2 == 0 {
                while !waits[0].is_over() {
                    thread::yield_now();
                }
            }
            let [first, second] = waits;
            match number % 3 {
                0 => drop((first, second)),
                _ => drop((second, first)),
            }
        }
        assert_eq!(next(&watcher, expected.len()), expected);
    });
}

// [C9] who waits for changes is drained with the port.
#[test]
fn a_port_that_ends_ends_its_watches() {
    each(|port| {
        let dirs: Vec<_> = (0..10).map(|_| Dir::new()).collect();
        let watchers: Vec<_> = dirs.iter().map(|dir| watch(port, dir)).collect();
        let waits: Vec<_> = watchers.iter().map(|watcher| begin(watcher.next())).collect();
        let report = port.shutdown(Duration::from_secs(20));
        assert_eq!((report.drained, report.leaked), (10, 0));
        for wait in waits {
            assert!(wait.wait().unwrap_err().is_cancelled());
        }
    });
}

// [C1] [C2] it outlives the thread that started it, and the watcher.
#[test]
fn a_call_outlives_its_thread_and_its_watcher() {
    each(|port| {
        let dir = Dir::new();
        let watcher = watch(port, &dir);
        let first = thread::spawn(move || watcher.next()).join().unwrap();
        let first = begin(first);
        dir.make("late");
        assert_eq!(told(first.wait().unwrap()), [change(Action::Added, "late")]);
    });
}

#[test]
fn a_runtime_watches() {
    runtimes().iter().for_each(watch_there);
}

fn watch_there(runtime: &Runtime) {
    let dir = Dir::new();
    let port = runtime.port().clone();
    runtime.block_on(async {
        let watcher = Watcher::open(&port, &dir.0).await.unwrap();
        let next = watcher.next();
        port.sleep(A_WHILE).await.unwrap();
        dir.make("name");
        assert_eq!(told(next.await.unwrap())[0], change(Action::Added, "name"));
    });
}
