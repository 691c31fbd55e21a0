//! What was registered is forgotten in time: a descriptor that is closed is closed for everybody,
//! and locked memory has a limit.

use std::{io::Read, thread};

use overlapped::{
    BufPool, Port,
    backend::Kind,
    fs::{File, OpenOptions},
};
use rustix::{
    io::Errno,
    pipe::{PipeFlags, pipe_with},
    process::{Resource, getrlimit},
    thread::{CapabilitySet, capabilities, set_capabilities},
};

use overlapped_sim::conformance::{
    Env, Verdict, table,
    tools::{LONG, block_on, eventually, must, numbered},
};

table! {
    System "C1" a_registered_descriptor_that_is_closed_is_closed_for_all;
    System "C1" a_runtime_that_ends_forgets_what_it_registered;
    System "C1" a_descriptor_comes_out_of_a_runtime_once_it_is_forgotten;
    System "C15" a_pool_beyond_the_limit_of_locked_memory_is_a_plain_one;
    System "C15" files_of_the_kernel_are_read_into_registered_memory;
}

/// A pipe's reader, and its writer as a registered file. The reader sees the end once nobody has
/// the writer any more, a table of the kernel included.
fn watched(port: &Port) -> (std::fs::File, File) {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).expect("a pipe");
    let file = File::from_owned(port, writer);
    let _or_not = file.register();
    (reader.into(), file)
}

fn is_open(reader: &mut std::fs::File) -> bool {
    match reader.read(&mut [0]) {
        Ok(n) => n > 0,
        Err(error) => error.raw_os_error() == Some(Errno::AGAIN.raw_os_error()),
    }
}

fn a_registered_descriptor_that_is_closed_is_closed_for_all(env: &Env) {
    let port = env.port();
    let (mut dropped, file) = watched(&port);
    assert!(is_open(&mut dropped));
    drop(file);
    eventually("dropped is closed", || !is_open(&mut dropped));

    let (mut closed, file) = watched(&port);
    file.close().wait().expect("nothing is owed");
    eventually("closed is closed", || !is_open(&mut closed));

    let (mut given, file) = watched(&port);
    let handle = block_on(file.into_parts()).handle;
    assert!(is_open(&mut given), "it was given out");
    drop(handle);
    eventually("what was given out is nobody else's", || !is_open(&mut given));

    let (mut left, file) = watched(&port);
    drop((file, port));
    eventually("nor does a port that goes keep it", || !is_open(&mut left));
}

fn a_runtime_that_ends_forgets_what_it_registered(env: &Env) {
    let runtime = env.runtime();
    let port = runtime.port().clone();
    let (mut reader, file) = watched(&port);
    let pool = BufPool::new(&port, 1, 100).expect("a pool");
    drop(runtime);
    let buf = pool.get().expect("one");
    thread::spawn(move || drop((file, pool, buf))).join().expect("no panic");
    eventually("it is closed, though the port is there", || !is_open(&mut reader));
    assert!(BufPool::new(&port, 1, 100).expect("a pool").fallback().is_some());
}

fn a_descriptor_comes_out_of_a_runtime_once_it_is_forgotten(env: &Env) {
    let runtime = env.runtime();
    let port = runtime.port().clone();
    for awaited in [true, false] {
        let (mut reader, file) = watched(&port);
        let elsewhere = thread::spawn(move || {
            let parts = file.into_parts();
            drop(if awaited { block_on(parts) } else { parts.wait() });
            // The runtime's thread did it before the descriptor came.
            assert!(!is_open(&mut reader));
        });
        runtime.block_on(async {
            while !elsewhere.is_finished() {
                port.sleep(std::time::Duration::from_millis(1)).await.expect("a sleep");
            }
        });
        elsewhere.join().expect("no panic");
    }
}

/// Ports that this thread makes are under the limit of locked memory, even root's.
fn without_privilege() {
    let mut sets = capabilities(None).expect("this thread's capabilities");
    sets.effective.remove(CapabilitySet::IPC_LOCK);
    set_capabilities(None, sets).expect("fewer capabilities");
}

fn a_pool_beyond_the_limit_of_locked_memory_is_a_plain_one(env: &Env) -> Verdict {
    without_privilege();
    let port = env.port();
    let limit = getrlimit(Resource::Memlock).current.unwrap_or(u64::MAX);
    if limit > 64 << 20 {
        return Verdict::Skip(format!("{limit} bytes may be locked here"));
    }
    let len = 1 << 20;
    let count = (limit as usize).div_ceil(len) + 1;
    let pool = BufPool::new(&port, count, len).expect("a pool");
    let why = pool.fallback().expect("more than may be locked");
    if port.backend() == Kind::Uring {
        assert_eq!(why.raw_os_error(), Some(Errno::NOMEM.raw_os_error()), "{why}");
        assert!(why.to_string().contains("ulimit -l"), "{why}");
    }
    let file = env.file(&port, 0);
    let mut buf = pool.get().expect("a buffer");
    buf.copy_from_slice(&numbered(5, len));
    let done = must(file.write_all_at(buf, 0)).expect("a write");
    let read = must(file.read_at(pool.get().unwrap(), 0)).expect("a read");
    assert_eq!((read.n, &read.buf[..]), (len, &done.buf[..]));
    Verdict::Pass
}

fn files_of_the_kernel_are_read_into_registered_memory(env: &Env) {
    let port = env.port();
    let pool = BufPool::new(&port, 1, 300 << 10).expect("a pool");
    for path in ["/proc/self/environ", "/proc/self/status", "/proc/version", "/dev/zero"] {
        let options = OpenOptions::new().read(true).open(&port, path);
        let file = must(options).expect("the kernel's own files");
        let _or_not = file.register();
        let plain = must(file.read_at(vec![1; 300 << 10], 0)).map_err(|failed| failed.error);
        let pooled = must(file.read_at(pool.get().unwrap(), 0)).map_err(|failed| failed.error);
        match (plain, pooled) {
            (Ok(plain), Ok(pooled)) => {
                let same = plain.n > 0 && pooled.n > 0;
                assert!(same && plain.buf[..9] == pooled.buf[..9], "{path}");
            }
            (Err(plain), Err(pooled)) => assert_eq!(plain.cause(), pooled.cause(), "{path}"),
            (plain, pooled) => panic!("{path}: {plain:?}, {pooled:?}"),
        }
    }
    assert_eq!(port.shutdown(LONG).leaked, 0);
}
