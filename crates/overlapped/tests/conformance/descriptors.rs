//! Descriptors: none is leaked, and none is closed while an operation uses it.

use std::{
    os::fd::AsRawFd,
    path::{Path, PathBuf},
};

use overlapped::{
    fs::{File, OpenOptions},
    pipe::Reader,
};

use overlapped_sim::conformance::{
    Env, table,
    tools::{block_on, bytes, eventually, land, must, numbered},
};

table! {
    System "C7" a_dropped_open_leaves_no_descriptor;
    System "C7" an_open_dropped_after_its_landing_leaves_no_descriptor;
    System "C7" an_open_refused_by_a_closed_port_leaves_no_descriptor;
    System "C1" a_descriptor_stays_open_while_its_operations_fly;
    System "C4" a_descriptor_goes_in_and_comes_out;
    System "C9" dropped_ports_leave_no_descriptor;
}

/// How many descriptors of this process name `path`.
fn open(path: &Path) -> usize {
    let all = std::fs::read_dir("/proc/self/fd").expect("Linux lists the descriptors");
    // One may be closed while the list is read.
    let targets = all.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    targets.filter(|target| target == path).count()
}

/// A file that exists, under a name that only this case uses.
fn prepared(env: &Env) -> PathBuf {
    let path = env.path("watched").to_path_buf();
    std::fs::write(&path, numbered(0, 1000)).expect("a file");
    path.canonicalize().expect("its path")
}

fn a_dropped_open_leaves_no_descriptor(env: &Env) {
    let port = env.port();
    let path = prepared(env);
    for _ in 0..300 {
        drop(File::open(&port, &path));
        drop(OpenOptions::new().read(true).open(&port, &path));
    }
    eventually("nothing is in flight", || port.in_flight().is_empty());
    eventually("no descriptor is left", || open(&path) == 0);
}

fn an_open_dropped_after_its_landing_leaves_no_descriptor(env: &Env) {
    let port = env.port();
    let path = prepared(env);
    for _ in 0..50 {
        let opening = File::open(&port, &path);
        land(&port, &opening);
        assert_eq!(open(&path), 1, "it is open, though nobody has it");
        drop(opening);
        assert_eq!(open(&path), 0);
    }
    // Completed at the kernel, and dropped before anybody looked.
    for _ in 0..50 {
        let opening = File::open(&port, &path);
        eventually("it is open", || open(&path) == 1);
        drop(opening);
        eventually("it is closed again", || open(&path) == 0);
    }
}

fn an_open_refused_by_a_closed_port_leaves_no_descriptor(env: &Env) {
    let port = env.port();
    let path = prepared(env);
    let opening: Vec<_> = (0..100).map(|_| File::open(&port, &path)).collect();
    assert_eq!(port.shutdown(overlapped_sim::conformance::tools::LONG).leaked, 0);
    for open in opening {
        // A port that is shut down still hands over what it opened.
        let _ = open.wait().map_err(|error| assert!(error.is_cancelled(), "{error}"));
    }
    eventually("no descriptor is left", || open(&path) == 0);
}

fn a_descriptor_stays_open_while_its_operations_fly(env: &Env) {
    let port = env.port();
    let path = prepared(env);
    let file = must(File::open(&port, &path)).expect("a file");
    let reads: Vec<_> = (0..50).map(|i| file.read_at(vec![0; 100], i)).collect();
    drop(file);
    for (i, read) in reads.into_iter().enumerate() {
        assert_eq!(bytes(must(read)), numbered(i, 100));
    }
    eventually("the last one has closed it", || open(&path) == 0);

    let (reader, writer) = env.pipe(&port);
    let read = reader.read(vec![0; 5]);
    drop(reader);
    // Its number must not name another file while the read waits at it.
    let others: Vec<_> = (0..20).map(|_| must(File::open(&port, &path)).unwrap()).collect();
    must(writer.write_all(numbered(0, 5))).expect("the read still holds its end");
    assert_eq!(bytes(must(read)), numbered(0, 5));
    drop(others);
}

fn a_descriptor_goes_in_and_comes_out(env: &Env) {
    let port = env.port();
    let path = prepared(env);
    let file = std::fs::File::open(&path).expect("a file");
    let number = file.as_raw_fd();
    let file = File::from_owned(&port, file);
    assert_eq!(bytes(must(file.read_at(vec![0; 5], 5))), numbered(5, 5));
    let parts = block_on(file.into_parts());
    assert_eq!((parts.handle.as_raw_fd(), open(&path)), (number, 1));
    let reader = Reader::from_owned(&port, parts.handle);
    assert_eq!(bytes(must(reader.read(vec![0; 5]))), numbered(0, 5), "a stream from its start");
    drop(reader.into_parts());
    eventually("parts that nobody takes are closed", || open(&path) == 0);
}

fn dropped_ports_leave_no_descriptor(env: &Env) {
    let path = prepared(env);
    for _ in 0..20 {
        let port = env.port();
        let file = must(File::open(&port, &path)).expect("a file");
        let (reader, _writer) = env.pipe(&port);
        drop((file.read_at(vec![0; 100], 0), reader.read(vec![0; 5])));
        drop(File::open(&port, &path));
    }
    eventually("no descriptor is left", || open(&path) == 0);
}
