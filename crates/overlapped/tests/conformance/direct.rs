//! Past the page cache: many reads as one, and transfers with buffers of pools.

use std::io::ErrorKind;

use overlapped::{
    BufPool, PoolBuf, Port,
    fs::{File, OpenOptions},
};
use overlapped_sim::conformance::{
    Env, Verdict, table,
    tools::{block_on, bytes, eventually, must, numbered},
};

use super::storms;

table! {
    System "C3" ranges_are_read_past_the_page_cache;
    System "C1" direct_transfers_with_pool_buffers;
}

/// Opens `file` past the page cache, if the file system can.
fn direct(env: &Env, port: &Port) -> Result<File, String> {
    let file = env.file(port, 1 << 20);
    file.sync_all().wait().expect("a sync");
    let opened = OpenOptions::new().read(true).direct(true).open(port, env.path("file")).wait();
    opened.map_err(|error| format!("no direct I/O here: {error}"))
}

fn ranges_are_read_past_the_page_cache(env: &Env) -> Verdict {
    let port = env.port();
    let file = match direct(env, &port) {
        Ok(file) => file,
        Err(reason) => return Verdict::Skip(reason),
    };
    // The last is cut off by the end of the file.
    let mut ranges: Vec<_> = (0..100).map(|i| ((i * 37 % 250) * 4096, 4096 << (i % 3))).collect();
    ranges.push(((1 << 20) - 4096, 8192));
    let expect = |(offset, len): (u64, usize)| {
        numbered(offset as usize, len.min((1 << 20) - offset as usize))
    };
    for depth in [1, 16, 1000] {
        let outcomes = file.read_ranges(&ranges, depth).wait();
        let awaited = block_on(file.read_ranges(&ranges, depth));
        for (outcome, &range) in outcomes.into_iter().chain(awaited).zip(ranges.iter().cycle()) {
            assert_eq!(bytes(outcome), expect(range));
        }
    }
    // What is not aligned is for the OS to judge, and its neighbours do not mind.
    let mut outcomes = file.read_ranges(&[(0, 4096), (1, 4095), (4096, 4096)], 3).wait();
    assert_eq!(bytes(outcomes.remove(2)), numbered(4096, 4096));
    match outcomes.remove(1) {
        Err(failed) => assert_eq!(failed.error.kind(), ErrorKind::InvalidInput, "{failed}"),
        Ok(done) => assert_eq!(done.buf[..done.n], numbered(1, done.n)),
    }
    assert_eq!(bytes(outcomes.remove(0)), numbered(0, 4096));
    Verdict::Pass
}

/// A buffer with the bytes that belong at `from`.
fn filled(pool: &BufPool, from: usize) -> PoolBuf {
    let mut buf = pool.get().expect("one is there");
    let len = buf.len();
    buf.copy_from_slice(&numbered(from, len));
    buf
}

fn direct_transfers_with_pool_buffers(env: &Env) -> Verdict {
    let port = env.port();
    let path = env.path("direct");
    if let Err(reason) = storms::prepare(&port, &path, 1 << 20) {
        return Verdict::Skip(reason);
    }
    let mut options = OpenOptions::new();
    let file = must(options.read(true).write(true).direct(true).open(&port, &path)).unwrap();
    let _or_not = file.register();
    let pool = BufPool::new(&port, 8, 16 << 10).expect("a pool");
    for round in 0..4 {
        let at = |i: usize| (i * (16 << 10)) as u64;
        let writes: Vec<_> =
            (0..8).map(|i| file.write_all_at(filled(&pool, round + i), at(i))).collect();
        writes.into_iter().for_each(|write| drop(must(write).expect("a direct write")));
        let reads: Vec<_> = (0..8).map(|i| file.read_at(pool.get().unwrap(), at(i))).collect();
        for (i, read) in reads.into_iter().enumerate() {
            let read = must(read).expect("a direct read");
            assert_eq!(bytes(Ok(read)), numbered(round + i, 16 << 10));
        }
    }
    let reads: Vec<_> = (0..8).map(|i| file.read_at(pool.get().unwrap(), i << 14)).collect();
    drop((pool, reads, file));
    eventually("nothing is in flight", || port.in_flight().is_empty());
    Verdict::Pass
}
