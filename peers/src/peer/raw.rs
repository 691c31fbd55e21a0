//! The limit: a loop on the ring, with nothing between it and the kernel.

use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use io_uring::{
    IoUring, opcode, squeue,
    types::{Fd, Timespec},
};

use overlapped::AlignedBuf;

use crate::{Job, Lacks, Lane, Meter, Page, Work, files, job::RANGES, page::SIZE};

const SQ: u32 = 256;
/// Room for every completion of the largest cancel.
const CQ: u32 = 1 << 15;
/// The name of what is not counted.
const ASIDE: u64 = u64::MAX;

pub(super) fn run(job: &Job, meter: &mut Meter) -> Result<(), Lacks> {
    match job.work {
        Work::Nop(depth) => {
            let mut ring = Ring::new();
            meter.measure(|ops| ring.drive(depth, ops, |_| opcode::Nop::new().build()));
        }
        Work::Null(depth) => {
            let mut ring = Ring::new();
            let null = Null::new();
            meter.measure(|ops| ring.drive(depth, ops, |_| null.write()));
        }
        Work::Deadline(depth) => deadline(depth, meter),
        Work::Cached(depth) => read(&job.files.open_cached(), depth, meter),
        Work::Direct(depth) => read(&job.files.open_direct(), depth, meter),
        Work::Write(depth) => write(&job.files.open_direct(), depth, meter),
        Work::Ranges(depth) => ranges(&job.files.open_direct(), depth, meter),
        Work::CachedRanges(depth) => ranges(&job.files.open_cached(), depth, meter),
        Work::Cancel(n) => cancel(n, meter)?,
        Work::Flying(n) => flying(n, meter),
    }
    Ok(())
}

pub(super) struct Ring(pub(super) IoUring);

type Queue<'a> = squeue::SubmissionQueue<'a>;

impl Ring {
    pub(super) fn new() -> Self {
        let mut builder = IoUring::builder();
        builder.setup_single_issuer().setup_defer_taskrun().setup_submit_all();
        builder.setup_cqsize(CQ).setup_no_sqarray();
        Self(builder.build(SQ).expect("the ring's flags need Linux 6.6"))
    }

    /// Does `ops` operations with `depth` in flight; `make` gives the next one of a slot.
    pub(super) fn drive(
        &mut self,
        depth: usize,
        ops: usize,
        mut make: impl FnMut(usize) -> squeue::Entry,
    ) {
        self.drive_by(depth, ops, |sq, slot| push(sq, make(slot).user_data(slot as u64)));
    }

    /// As [`Ring::drive`]; `start` queues the next operation of a slot itself.
    fn drive_by(&mut self, depth: usize, ops: usize, mut start: impl FnMut(&mut Queue<'_>, usize)) {
        let (mut submitter, mut sq, mut cq) = self.0.split();
        submitter.register_ring_fd().expect("a ring can be registered with itself");
        let depth = depth.min(ops);
        (0..depth).for_each(|slot| start(&mut sq, slot));
        let (mut started, mut done) = (depth, 0);
        while done < ops {
            sq.sync();
            submitter.submit_and_wait(1).expect("the ring takes what fits its queue");
            sq.sync();
            cq.sync();
            for cqe in &mut cq {
                if cqe.user_data() == ASIDE {
                    continue;
                }
                assert!(cqe.result() >= 0, "an operation failed: {}", cqe.result());
                done += 1;
                if started < ops {
                    started += 1;
                    start(&mut sq, cqe.user_data() as usize);
                }
            }
        }
        submitter.unregister_ring_fd().expect("it was registered");
    }

    /// Queues one, handing on what is queued if there is no room.
    fn put(&mut self, entry: &squeue::Entry) {
        if self.0.submission().is_full() {
            self.0.submit().expect("the ring takes what fits its queue");
        }
        push(&mut self.0.submission(), entry.clone());
    }
}

fn push(sq: &mut Queue<'_>, entry: squeue::Entry) {
    // SAFETY: every caller keeps buffer and descriptor until the operation is over, or until the
    // process is.
    unsafe { sq.push(&entry) }.expect("the queue is longer than the depth");
}

struct Null {
    file: std::fs::File,
    bytes: [u8; 8],
}

impl Null {
    fn new() -> Box<Self> {
        Box::new(Self { file: files::null(), bytes: [0; 8] })
    }

    fn write(&self) -> squeue::Entry {
        opcode::Write::new(Fd(self.file.as_raw_fd()), self.bytes.as_ptr(), 8).build()
    }
}

/// Each write is linked with a timeout of its own.
fn deadline(depth: usize, meter: &mut Meter) {
    let mut ring = Ring::new();
    let null = Null::new();
    let never = Timespec::new().sec(10);
    let timer = opcode::LinkTimeout::new(&raw const never).build().user_data(ASIDE);
    meter.measure(|ops| {
        ring.drive_by(depth, ops, |sq, slot| {
            push(sq, null.write().flags(squeue::Flags::IO_LINK).user_data(slot as u64));
            push(sq, timer.clone());
        });
    });
}

fn read(file: &impl AsRawFd, depth: usize, meter: &mut Meter) {
    let mut ring = Ring::new();
    let mut pages: Vec<Page> = (0..depth).map(|_| Page::default()).collect();
    let fd = Fd(file.as_raw_fd());
    meter.measure(|ops| {
        let mut lane = Lane::new(0, ops);
        ring.drive(depth, ops, |slot| {
            let at = lane.next().expect("as many offsets as operations");
            opcode::Read::new(fd, pages[slot].as_mut_ptr(), SIZE as u32).offset(at).build()
        });
    });
}

fn write(file: &impl AsRawFd, depth: usize, meter: &mut Meter) {
    let mut ring = Ring::new();
    let pages: Vec<Page> = (0..depth).map(|_| Page::default()).collect();
    let fd = Fd(file.as_raw_fd());
    meter.measure(|ops| {
        let mut lane = Lane::new(0, ops);
        ring.drive(depth, ops, |slot| {
            let at = lane.next().expect("as many offsets as operations");
            opcode::Write::new(fd, pages[slot].as_ptr(), SIZE as u32).offset(at).build()
        });
    });
}

/// All ranges in one new stretch of memory, as a call that gives them back all at once.
fn ranges(file: &impl AsRawFd, depth: usize, meter: &mut Meter) {
    let mut ring = Ring::new();
    let fd = Fd(file.as_raw_fd());
    meter.measure_by(RANGES, |ops| {
        for _ in 0..ops / RANGES {
            let mut all = AlignedBuf::new(RANGES * SIZE, SIZE);
            let mut pages = all.chunks_exact_mut(SIZE).map(<[u8]>::as_mut_ptr);
            let mut lane = Lane::new(0, RANGES);
            ring.drive(depth, RANGES, |_| {
                let at = lane.next().expect("as many offsets as operations");
                let page = pages.next().expect("as many pages as operations");
                opcode::Read::new(fd, page, SIZE as u32).offset(at).build()
            });
        }
    });
}

fn cancel(n: usize, meter: &mut Meter) -> Result<(), Lacks> {
    let mut ring = Ring::new();
    let (readers, _writer) = files::idle_pipe(n).map_err(|e| Lacks(e.to_string()))?;
    let mut buffers = vec![[0_u8; 8]; n];
    for (i, (reader, buffer)) in readers.iter().zip(&mut buffers).enumerate() {
        ring.put(&idle_read(reader, buffer).user_data(i as u64));
    }
    ring.0.submit().expect("the ring takes what fits its queue");
    meter.once(n, || {
        for i in 0..n {
            ring.put(&opcode::AsyncCancel::new(i as u64).build().user_data(ASIDE));
        }
        let mut over = 0;
        while over < n {
            ring.0.submit_and_wait(1).expect("the ring takes what fits its queue");
            over += ring.0.completion().filter(|cqe| cqe.user_data() != ASIDE).count();
        }
    });
    Ok(())
}

fn flying(n: usize, meter: &mut Meter) {
    let mut ring = Ring::new();
    let idle = files::idle();
    let null = Null::new();
    let buffers = meter.heap(n, 8, || {
        let mut buffers = vec![[0_u8; 8]; n].into_boxed_slice();
        for (i, buffer) in buffers.iter_mut().enumerate() {
            ring.put(&idle_read(&idle[i % idle.len()], buffer).user_data(ASIDE));
        }
        ring.0.submit().expect("the ring takes what fits its queue");
        buffers
    });
    meter.measure(|ops| ring.drive(32, ops, |_| null.write()));
    // The process ends with these in flight.
    std::mem::forget((idle, buffers));
}

fn idle_read(fd: &OwnedFd, buffer: &mut [u8; 8]) -> squeue::Entry {
    let fd: RawFd = fd.as_raw_fd();
    opcode::Read::new(Fd(fd), buffer.as_mut_ptr(), 8).offset(u64::MAX).build()
}
