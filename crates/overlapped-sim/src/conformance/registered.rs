//! Pools of buffers and registered files: they work as all others do, and say so if they are no
//! more than that.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};

use overlapped::{BufPool, PoolBuf, Port, backend::Kind, fs::File};

use super::{
    Env, table,
    tools::{LONG, MOMENT, block_on, bytes, eventually, must, numbered},
    words, world,
};

table! {
    Bytes "C4" pool_buffers_carry_bytes_there_and_back;
    Bytes "C4" a_pool_buffer_may_be_shorter_than_it_could;
    Bytes "C14" an_exhausted_pool_gives_none_until_one_comes_back;
    Bytes "C1" a_dropped_operation_gives_its_buffer_back;
    Bytes "C1" the_memory_outlives_the_pool_and_the_port;
    Bytes "C15" a_buffer_of_another_ports_pool_works;
    Bytes "C15" a_pool_says_whether_it_is_registered;
    Bytes "C14" places_of_pools_are_used_again;
    Bytes "C15" a_registered_file_does_what_any_file_does;
    Bytes "C4" a_registered_file_comes_apart;
    Bytes "C14" places_of_files_are_used_again;
    Bytes "C13" an_operation_of_a_file_that_went_hits_no_other;
    Bytes "C15" a_runtime_has_pools_and_registered_files;
    Bytes "C1" what_a_runtime_registered_may_go_on_another_thread;
}

/// More than a read copies at once, so that it goes to the backend.
fn len() -> usize {
    world::len(300 << 10)
}

/// More than a table has places.
fn many() -> usize {
    world::rounds(4500)
}

fn pool(port: &Port, count: usize) -> BufPool {
    BufPool::new(port, count, len()).expect("a pool")
}

/// A buffer with the bytes that belong at `from`.
fn filled(pool: &BufPool, from: usize) -> PoolBuf {
    let mut buf = pool.get().expect("one is there");
    let len = buf.len();
    buf.copy_from_slice(&numbered(from, len));
    buf
}

fn is_good(buf: &PoolBuf, from: usize) -> bool {
    buf[..] == numbered(from, buf.len())
}

fn pool_buffers_carry_bytes_there_and_back(env: &Env) {
    let port = env.port();
    let pool = pool(&port, 4);
    let file = env.file(&port, 0);
    for i in 0..3 {
        let done = must(file.write_all_at(filled(&pool, i * len()), (i * len()) as u64));
        assert!(is_good(&done.expect("a write").buf, i * len()), "what went in comes back");
    }
    let reads: Vec<_> = (0..3)
        .map(|i| (i, file.read_exact_at(pool.get().expect("one"), (i * len()) as u64)))
        .collect();
    for (i, read) in reads {
        assert!(is_good(&must(read).expect("a read").buf, i * len()));
    }
    let many = must(file.read_vectored_at(vec![pool.get().unwrap(), pool.get().unwrap()], 0));
    let many = many.expect("a read into several");
    assert!(many.n >= len() && is_good(&many.buf[0], 0));
    let at_the_end = must(file.read_at(pool.get().unwrap(), 3 * len() as u64));
    assert_eq!(at_the_end.expect("the end is no error").n, 0);
    drop(many);
    assert_eq!(pool.available(), 4);
}

fn a_pool_buffer_may_be_shorter_than_it_could(env: &Env) {
    let port = env.port();
    let pool = pool(&port, 1);
    let file = env.file(&port, 0);
    let mut buf = filled(&pool, 0);
    buf.set_len(10);
    let mut buf = must(file.write_all_at(buf, 0)).expect("a short write").buf;
    buf.set_len(0);
    assert_eq!(must(file.write_at(buf, 0)).expect("a write of nothing").n, 0);
    assert_eq!(must(file.metadata()).expect("its length").len, 10);
    let whole = must(file.read_at(pool.get().expect("at full length"), 0)).expect("a read");
    assert_eq!((whole.n, whole.buf.len(), &whole.buf[..10]), (10, len(), &numbered(0, 10)[..]));
    // [C3] the end before the buffer is full is told, and the buffer comes back.
    let failed = must(file.read_exact_at(whole.buf, 0)).expect_err("there are ten bytes");
    assert_eq!((failed.error.moved(), failed.buf.len()), (10, len()));
}

fn an_exhausted_pool_gives_none_until_one_comes_back(env: &Env) {
    let port = env.port();
    let pool = pool(&port, 3);
    let file = env.file(&port, 0);
    let mut out: Vec<_> = (0..3).map(|_| pool.get().expect("three")).collect();
    assert!(pool.get().is_none());
    let write = file.write_at(out.pop().expect("one"), 0);
    assert!(pool.get().is_none(), "what is lent is out");
    drop(must(write));
    out.push(pool.get().expect("it is back"));
    assert!(pool.get().is_none());
    let elsewhere = world::spawn(move || drop(out));
    elsewhere.join();
    assert_eq!((pool.available(), pool.count(), pool.buf_len()), (3, 3, len()));
}

fn a_dropped_operation_gives_its_buffer_back(env: &Env) {
    let port = env.port();
    let pool = pool(&port, 8);
    let file = env.file(&port, 3 * len());
    for _ in 0..world::rounds(20) {
        let reads: Vec<_> = (0..4).map(|i| file.read_at(pool.get().unwrap(), i)).collect();
        let writes: Vec<_> = (0..4).map(|_| file.write_at(filled(&pool, 0), 0)).collect();
        drop((reads, writes));
        eventually("all are back", || pool.available() == 8);
    }
    let closed = env.port();
    let handle = file.into_parts().wait().handle;
    let file = File::from_owned(&closed, handle);
    assert_eq!(closed.shutdown(LONG).leaked, 0);
    let failed = must(file.write_at(filled(&pool, 0), 0)).expect_err("the port is closed");
    assert!(is_good(&failed.buf, 0));
}

fn the_memory_outlives_the_pool_and_the_port(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 0);
    let pool = pool(&port, 8);
    let writes: Vec<_> =
        (0..4).map(|i| file.write_at(filled(&pool, i * len()), (i * len()) as u64)).collect();
    let kept = filled(&pool, 5);
    drop(pool);
    for (i, write) in writes.into_iter().enumerate() {
        assert!(is_good(&must(write).expect("a write").buf, i * len()));
    }
    drop((file, port));
    world::sleep(MOMENT);
    assert!(is_good(&kept, 5), "the port went, the memory did not");
    let port = env.port();
    let file = must(File::create(&port, env.path("another"))).expect("a file");
    let written = must(file.write_at(kept, 0)).expect("a write by a port that came later");
    assert!(is_good(&written.buf, 5));
}

fn a_buffer_of_another_ports_pool_works(env: &Env) {
    let (port, other) = (env.port(), env.port());
    // At the same places, so that taking one for the other would show.
    let pools = [pool(&port, 1), pool(&other, 1)];
    let file = env.file(&port, 0);
    for (from, pool) in (7..).zip(&pools) {
        must(file.write_all_at(filled(pool, from), 0)).expect("a write");
        let read = must(file.read_at(pool.get().unwrap(), 0)).expect("a read");
        assert!(is_good(&read.buf, from));
    }
    let file = must(File::create(&other, env.path("other"))).expect("a file");
    for (from, pool) in (7..).zip(&pools) {
        let written = must(file.write_at(filled(pool, from), 0)).expect("a write");
        assert!(is_good(&written.buf, from));
    }
}

/// Whether this port can register anything here; a kernel may be too old.
fn can_register(port: &Port) -> bool {
    port.backend() == Kind::Uring && BufPool::new(port, 1, 1).unwrap().fallback().is_none()
}

fn a_pool_says_whether_it_is_registered(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 10);
    let pool = pool(&port, 1);
    let registered = file.register();
    match (port.backend(), pool.fallback(), registered) {
        (Kind::Uring, None, Ok(())) => {}
        (Kind::Uring, Some(why), registered) => {
            // It may be so here; then there is a reason of the kernel's.
            assert!(why.raw_os_error().is_some(), "{why}");
            drop(registered);
        }
        (_, Some(why), Err(error)) => {
            assert_eq!((why.operation(), error.operation()), ("register", "register"));
            assert_eq!(why.kind(), std::io::ErrorKind::Unsupported);
            assert!(why.to_string().contains(port.backend().name()), "{why}");
        }
        (kind, fallback, registered) => panic!("{kind}: {fallback:?}, {registered:?}"),
    }
    assert_eq!(port.shutdown(LONG).leaked, 0);
    let late = BufPool::new(&port, 1, 1).expect("a pool of a port that is closed");
    assert!(late.fallback().is_some());
    for (count, len) in [(0, 1), (1, 0), (usize::MAX, usize::MAX)] {
        let error = BufPool::new(&port, count, len).expect_err("no such pool");
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    }
}

fn places_of_pools_are_used_again(env: &Env) {
    let port = env.port();
    let can = can_register(&port);
    let _first = BufPool::new(&port, 1, 1).expect("a pool");
    for i in 0..many() {
        let pool = BufPool::new(&port, 1, 1).expect("a pool");
        assert_eq!(pool.fallback().is_none(), can, "pool {i}: {:?}", pool.fallback());
    }
}

/// Every verb.
fn use_all(file: &File) {
    match must(file.allocate(0, 100)) {
        // Not every file system has room to reserve.
        Err(error) if error.kind() == std::io::ErrorKind::Unsupported => {}
        outcome => outcome.expect("room"),
    }
    must(file.write_all_sync_at(numbered(0, len()), 0, true)).expect("a write with its sync");
    must(file.write_vectored_at(vec![numbered(0, 10), numbered(10, 10)], 0)).expect("a write");
    must(file.sync_all()).expect("a sync");
    must(file.sync_data()).expect("a sync");
    assert_eq!(bytes(must(file.read_exact_at(vec![0; len()], 0))), numbered(0, len()));
    let many = must(file.read_vectored_at(vec![vec![0; len() / 2], vec![0; len() / 2]], 0));
    assert_eq!(many.expect("a read").buf[1], numbered(len() / 2, len() / 2));
    must(file.set_len(len() as u64 / 2)).expect("a length");
    assert_eq!(must(file.metadata()).expect("its status").len, len() as u64 / 2);
    let pool = BufPool::new(file.port(), 1, len()).expect("a pool");
    must(file.write_at(filled(&pool, 3), 0)).expect("a write");
    let read = must(file.read_at(pool.get().unwrap(), 0)).expect("a read");
    assert!(is_good(&read.buf, 3));
}

fn a_registered_file_does_what_any_file_does(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 0);
    let first = file.register();
    assert_eq!(first.is_ok(), file.register().is_ok(), "a second time is the same");
    assert_eq!(first.is_ok(), can_register(&port), "{first:?}");
    use_all(&file);
    // [C15] what may not be done with it is refused as ever.
    must(file.write_all_at(b"x".to_vec(), 0)).expect("a write");
    let path = env.path("file");
    let read_only = must(File::open(&port, path)).expect("a file");
    let _or_not = read_only.register();
    let refused = must(read_only.write_at(vec![1], 0)).expect_err("open for reading");
    assert_eq!(refused.error.raw_os_error(), Some(words::READ_ONLY));
    file.close().wait().expect("nothing is owed");
}

fn a_registered_file_comes_apart(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 0);
    let _or_not = file.register();
    let write = file.write_all_at(numbered(0, len()), 0);
    let parts = file.into_parts().wait();
    assert!(parts.error.is_none());
    must(write).expect("it ran to its end");
    let other = env.port();
    let file = File::from_owned(&other, parts.handle);
    let _or_not = file.register();
    assert_eq!(bytes(must(file.read_at(vec![0; len()], 0))), numbered(0, len()));
    let parts = block_on(file.into_parts());
    let file = File::from_owned(&port, parts.handle);
    use_all(&file);
    block_on(file.close()).expect("nothing is owed");
}

fn places_of_files_are_used_again(env: &Env) {
    let port = env.port();
    let can = can_register(&port);
    let mut handle = env.file(&port, 10).into_parts().wait().handle;
    for i in 0..many() {
        let file = File::from_owned(&port, handle);
        assert_eq!(file.register().is_ok(), can, "file {i}");
        if i % 100 == 0 {
            must(file.write_at(numbered(0, 10), 0)).expect("a write");
        }
        handle = file.into_parts().wait().handle;
    }
    drop(handle);
    for i in 0..world::rounds(100) {
        let file = must(File::open(&port, env.path("file"))).expect("a file");
        assert_eq!(file.register().is_ok(), can, "file {i}");
    }
}

fn an_operation_of_a_file_that_went_hits_no_other(env: &Env) {
    let port = env.port();
    let made = |name: &str, from: usize| {
        let file = must(File::create(&port, env.path(name))).expect("a file");
        must(file.write_all_at(numbered(from, len()), 0)).expect("a write");
        let _or_not = file.register();
        file
    };
    for round in 0..world::rounds(20) {
        let one = made("one", 1);
        let reads: Vec<_> = (0..8).map(|_| one.read_at(vec![0; len()], 0)).collect();
        let write = one.write_all_at(numbered(1, len()), 0);
        drop(one);
        // It takes what is free: a descriptor, a place.
        let two = made("two", 2);
        for read in reads {
            assert_eq!(bytes(must(read)), numbered(1, len()), "round {round}");
        }
        must(write).expect("a write");
        assert_eq!(
            bytes(must(two.read_at(vec![0; len()], 0))),
            numbered(2, len()),
            "round {round}"
        );
    }
}

fn a_runtime_has_pools_and_registered_files(env: &Env) {
    let runtime = env.runtime();
    let port = runtime.port().clone();
    let can = can_register(&port);
    let file = env.file(&port, 0);
    assert_eq!(file.register().is_ok(), can);
    let pool = pool(&port, 4);
    assert_eq!(pool.fallback().is_none(), can, "{:?}", pool.fallback());
    runtime.block_on(async {
        let done = file.write_all_at(filled(&pool, 9), 0).await.expect("a write");
        let read = file.read_at(done.buf, 0).await.expect("a read");
        assert!(is_good(&read.buf, 9));
    });
    use_all(&file);
    runtime.block_on(file.close()).expect("nothing is owed");
    places_come_back(&port, env, can);
}

fn places_come_back(port: &Port, env: &Env, can: bool) {
    for i in 0..many() {
        assert_eq!(BufPool::new(port, 1, 1).unwrap().fallback().is_none(), can, "pool {i}");
    }
    let mut handle = env.file(port, 10).into_parts().wait().handle;
    for i in 0..many() {
        let file = File::from_owned(port, handle);
        assert_eq!(file.register().is_ok(), can, "file {i}");
        handle = file.into_parts().wait().handle;
    }
}

fn what_a_runtime_registered_may_go_on_another_thread(env: &Env) {
    let runtime = env.runtime();
    let port = runtime.port().clone();
    let can = can_register(&port);
    let (give, given) = mpsc::channel::<(File, PoolBuf)>();
    let gone = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&gone);
    let elsewhere = world::spawn(move || {
        for (i, (file, buf)) in std::iter::from_fn(|| world::receive(&given)).enumerate() {
            match i % 3 {
                0 => drop((file, buf)),
                1 => drop((file.into_parts().wait(), buf)),
                _ => {
                    // What it starts there is performed by the runtime's thread.
                    must(file.write_at(buf, 0)).expect("a write");
                    file.close().wait().expect("nothing is owed");
                }
            }
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    let foreign = {
        let port = port.clone();
        world::spawn(move || BufPool::new(&port, 1, 1).unwrap().fallback().is_none())
    };
    let registered = foreign.join();
    assert!(!registered || !can, "another thread may not register");
    runtime.block_on(async {
        for i in 0..many() {
            let file = File::create(&port, env.path("file")).await.expect("a file");
            assert_eq!(file.register().is_ok(), can, "file {i}");
            let pool = BufPool::new(&port, 1, 100).expect("a pool");
            assert_eq!(pool.fallback().is_none(), can, "pool {i}: {:?}", pool.fallback());
            give.send((file, pool.get().expect("one"))).expect("somebody takes it");
            // Not more of them than may be open.
            while i - gone.load(Ordering::SeqCst).min(i) > 16 {
                port.sleep(Duration::from_micros(100)).await.expect("a sleep");
            }
        }
        drop(give);
        while !elsewhere.is_finished() {
            port.sleep(Duration::from_millis(1)).await.expect("a sleep");
        }
    });
    elsewhere.join();
}
