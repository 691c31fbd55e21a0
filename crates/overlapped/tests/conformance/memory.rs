//! Memory in flight belongs to the kernel, whatever the program does: direct reads, whose bytes
//! come by DMA, are abandoned in every way, and no byte may be written after its buffer's end.

use std::{thread, time::Duration};

use overlapped::{AlignedBuf, Builder, Port};

use overlapped_sim::conformance::{
    Env, Verdict, table,
    tools::{block_on, must},
};

use super::storms::{self, AFTERMATH, Storm};
use crate::probe::Remains;

table! {
    System "C3" direct_reads_and_writes_with_aligned_memory;
    System "C1" dropped_reads_are_not_written_late;
    System "C2" a_port_dropped_in_the_middle_writes_nothing_late;
    System "C9" a_shutdown_in_the_middle_writes_nothing_late_and_counts_all;
    System "C9" a_port_that_leaks_writes_nothing_late;
    System "C9" outcomes_come_though_the_port_was_left_to_leak;
    System "C10" a_scope_left_in_the_middle_lends_no_longer;
}

const COUNT: usize = 16;
const LEN: usize = 1 << 18;

/// A port, with a storm under way on it; or why not.
fn storm(env: &Env, change: fn(Builder) -> Builder) -> Result<(Port, Storm), Verdict> {
    let port = env.port_with(change);
    let path = env.path("direct");
    storms::prepare(&port, &path, COUNT * LEN).map_err(Verdict::Skip)?;
    let file = storms::open(&port, &path).expect("it was opened before");
    let storm = storms::start(&file, COUNT, LEN);
    Ok((port, storm))
}

/// Nothing is written after the buffers are released: not then, not when all are, not later.
fn judge(storm: &Storm) -> Verdict {
    assert_eq!(storm.drained(), 0, "bytes written late, at the drain");
    thread::sleep(AFTERMATH);
    assert_eq!(storm.written_late(), 0, "bytes written late, {AFTERMATH:?} after the drain");
    Verdict::Pass
}

fn direct_reads_and_writes_with_aligned_memory(env: &Env) -> Verdict {
    let port = env.port();
    let path = env.path("direct");
    if let Err(reason) = storms::prepare(&port, &path, 1 << 16) {
        return Verdict::Skip(reason);
    }
    let mut options = overlapped::fs::OpenOptions::new();
    let open = options.read(true).write(true).direct(true).open(&port, &path);
    let file = must(open).expect("a file");
    let asked = file.alignment().expect("what direct I/O asks for");
    assert!(asked.memory.is_power_of_two() && asked.offset.is_power_of_two(), "{asked:?}");
    let len = 8192.max(2 * asked.offset);
    let mut buf = AlignedBuf::new(len, asked.memory);
    (0..).zip(buf.iter_mut()).for_each(|(i, byte)| *byte = i as u8);
    let done = must(file.write_at(buf, len as u64)).expect("a direct write");
    assert_eq!(done.n, len);
    let read = must(file.read_at(AlignedBuf::new(len, asked.memory), len as u64));
    let read = read.expect("a direct read");
    assert_eq!((read.n, &read.buf[..]), (len, &done.buf[..]));
    // What is not aligned is refused by most systems; the buffer comes back from it.
    if let Err(failed) = must(file.read_at(vec![9; 100], 1)) {
        assert_eq!(
            (failed.error.kind(), failed.buf),
            (std::io::ErrorKind::InvalidInput, vec![9; 100])
        );
    }
    Verdict::Pass
}

fn dropped_reads_are_not_written_late(env: &Env) -> Verdict {
    let (port, mut storm) = match storm(env, |settings| settings) {
        Ok(begun) => begun,
        Err(skip) => return skip,
    };
    storm.abandon();
    let verdict = judge(&storm);
    assert!(port.in_flight().is_empty());
    verdict
}

fn a_port_dropped_in_the_middle_writes_nothing_late(env: &Env) -> Verdict {
    let (port, mut storm) = match storm(env, |settings| settings) {
        Ok(begun) => begun,
        Err(skip) => return skip,
    };
    drop(port);
    storm.abandon();
    judge(&storm)
}

fn a_shutdown_in_the_middle_writes_nothing_late_and_counts_all(env: &Env) -> Verdict {
    let (port, mut storm) = match storm(env, |settings| settings) {
        Ok(begun) => begun,
        Err(skip) => return skip,
    };
    let flying = port.in_flight().len();
    let report = port.shutdown(Duration::from_secs(30));
    assert_eq!(report.leaked, 0, "a disk answers in time");
    assert!(report.drained <= flying, "{report:?}, of {flying}");
    assert!(storm.reads.iter().all(overlapped::Pending::is_over), "drained is over");
    storm.abandon();
    judge(&storm)
}

fn a_port_that_leaks_writes_nothing_late(env: &Env) -> Verdict {
    // It does not wait for the kernel at all.
    let hasty = |settings: Builder| settings.drain_bound(Duration::ZERO);
    let (port, mut storm) = match storm(env, hasty) {
        Ok(begun) => begun,
        Err(skip) => return skip,
    };
    drop(storm.reads.drain(..));
    drop(port);
    thread::sleep(AFTERMATH);
    // What is still not released is leaked, which is allowed; what is released must be left alone.
    storm.remains.retain(Remains::is_released);
    judge(&storm)
}

fn outcomes_come_though_the_port_was_left_to_leak(env: &Env) -> Verdict {
    let hasty = |settings: Builder| settings.drain_bound(Duration::ZERO);
    let (port, mut storm) = match storm(env, hasty) {
        Ok(begun) => begun,
        Err(skip) => return skip,
    };
    drop(port);
    // Time for the bound to pass: half of them are waited for, and half awaited.
    thread::sleep(Duration::from_millis(5));
    for (i, read) in storm.reads.drain(..).enumerate() {
        let outcome = if i % 2 == 0 { must(read) } else { block_on(read) };
        let _ = outcome.map_err(|failed| assert!(failed.error.is_cancelled(), "{failed}"));
    }
    judge(&storm)
}

fn a_scope_left_in_the_middle_lends_no_longer(env: &Env) -> Verdict {
    let port = env.port();
    let path = env.path("direct");
    if let Err(reason) = storms::prepare(&port, &path, COUNT * LEN) {
        return Verdict::Skip(reason);
    }
    let file = storms::open(&port, &path).expect("it was opened before");
    let mut rooms: Vec<_> = (0..COUNT).map(|_| AlignedBuf::new(LEN, 4096)).collect();
    port.scope(|s| {
        for (i, room) in rooms.iter_mut().enumerate() {
            std::mem::forget(s.read_at(&file, room, (i * LEN) as u64));
        }
    });
    // Ours again, so what is written now stays.
    rooms.iter_mut().for_each(|room| room.fill(9));
    thread::sleep(AFTERMATH);
    assert!(rooms.iter().all(|room| room.iter().all(|&byte| byte == 9)), "written late");
    Verdict::Pass
}
