//! The scenario on turmoil's simulated io_uring. It is driven without turmoil itself, which would
//! only add hosts and ticks: time is set where the program sleeps.

use std::{
    io,
    os::fd::AsRawFd,
    sync::{Arc, Mutex},
    time::Duration,
};

use turmoil_fs::{Fs, FsConfig, shim::std::fs as sim_fs};
use turmoil_io_uring::{
    IoUring,
    host::{EnterCtx, IoUringHostState, enter},
    opcode, types,
};

use crate::rounds::{Bench, Ran, Table};

const READ: u64 = 1;
const CANCEL: u64 = 2;
const LEN: usize = 64;

/// One host, and the time on it.
struct Host {
    fs: Fs,
    rings: Arc<Mutex<IoUringHostState>>,
}

impl Host {
    fn new(seed: u64) -> Self {
        let mut config = FsConfig::default();
        // Around the timeout: half of the reads are late.
        let latency = config.io_latency();
        latency.min_latency(Duration::ZERO).max_latency(Duration::from_secs(2)).distribution(0.7);
        let fs = Fs::builder().config(config).seed(seed).build();
        Self { fs, rings: Arc::default() }
    }

    fn at<T>(&self, now: Duration, body: impl FnOnce() -> T) -> T {
        self.fs.set_now(now);
        let _fs = self.fs.enter();
        let _rings = enter(&self.rings, EnterCtx { now });
        body()
    }
}

/// What the ring has told by now.
fn reap(ring: &mut IoUring) -> Vec<(u64, i32)> {
    let mut queue = ring.completion();
    queue.sync();
    queue.map(|entry| (entry.user_data(), entry.result())).collect()
}

/// Whether the read wrote bytes that had become the next function's.
fn corrupts(seed: u64) -> io::Result<bool> {
    let host = Host::new(seed);
    // The bytes of a stack frame: the buffer's, and then the victim's.
    let mut frame = [0_u8; LEN];
    let pointer = frame.as_mut_ptr();
    let (file, mut ring) = host.at(Duration::ZERO, || {
        sim_fs::write("/data", [7; LEN])?;
        let file = sim_fs::File::open("/data")?;
        let mut ring = IoUring::new(8)?;
        let read = opcode::Read::new(types::Fd(file.as_raw_fd()), pointer, LEN as u32);
        // SAFETY: the frame outlives the ring, which goes before this function ends.
        unsafe { ring.submission().push(&read.build().user_data(READ)) }
            .map_err(io::Error::other)?;
        ring.submit()?;
        io::Result::Ok((file, ring))
    })?;
    host.at(Duration::from_secs(1), || {
        if reap(&mut ring).iter().any(|(data, _)| *data == READ) {
            return Ok(());
        }
        let cancel = opcode::AsyncCancel::new(READ).build().user_data(CANCEL);
        // SAFETY: a cancel lends no memory.
        unsafe { ring.submission().push(&cancel) }.map_err(io::Error::other)?;
        ring.submit().map(|_| ())
    })?;
    // `return`, and the victim begins.
    // SAFETY: `frame` is here, and nothing else uses it in this moment.
    unsafe { pointer.write_bytes(0, LEN) };
    host.at(Duration::from_secs(10), || {
        reap(&mut ring);
        drop((ring, file));
    });
    Ok(frame.iter().any(|byte| *byte != 0))
}

fn run(count: u64, seed: u64) -> Ran {
    let mut ran = Ran { count, ..Ran::default() };
    for number in 0..count {
        if corrupts(seed + number).expect("the simulated ring works") {
            ran.bad += 1;
            ran.first.get_or_insert(number + 1);
        }
    }
    ran
}

pub(crate) fn benches() -> [Bench; 1] {
    [Bench {
        table: Table::Chance,
        name: "turmoil-io-uring, seeds",
        own: false,
        run,
        count: 50_000,
        whole: None,
    }]
}
