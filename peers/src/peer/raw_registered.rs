//! The raw loop with what a ring can know beforehand: its buffers and its file.

use std::{fs::File, os::fd::AsRawFd};

use io_uring::{opcode, types::Fixed};

use super::raw::Ring;
use crate::{Job, Lacks, Lane, Meter, Page, Work, job::lacks, page::SIZE};

pub(super) fn run(job: &Job, meter: &mut Meter) -> Result<(), Lacks> {
    match job.work {
        Work::Cached(depth) => transfer(&job.files.open_cached(), depth, false, meter),
        Work::Direct(depth) => transfer(&job.files.open_direct(), depth, false, meter),
        Work::Write(depth) => transfer(&job.files.open_direct(), depth, true, meter),
        _ => return lacks(),
    }
    Ok(())
}

fn transfer(file: &File, depth: usize, writes: bool, meter: &mut Meter) {
    let mut ring = Ring::new();
    let mut pages: Vec<Page> = (0..depth).map(|_| Page::default()).collect();
    let addresses: Vec<*mut u8> = pages.iter_mut().map(|page| page.as_mut_ptr()).collect();
    let piece = |&start: &*mut u8| libc::iovec { iov_base: start.cast(), iov_len: SIZE };
    let pieces: Vec<libc::iovec> = addresses.iter().map(piece).collect();
    // SAFETY: the pages live longer than the ring.
    unsafe { ring.0.submitter().register_buffers(&pieces) }.expect("memlock is high enough");
    ring.0.submitter().register_files(&[file.as_raw_fd()]).expect("a file can be registered");
    meter.measure(|ops| {
        let mut lane = Lane::new(0, ops);
        ring.drive(depth, ops, |slot| {
            let at = lane.next().expect("as many offsets as operations");
            let (start, len, index) = (addresses[slot], SIZE as u32, slot as u16);
            if writes {
                opcode::WriteFixed::new(Fixed(0), start, len, index).offset(at).build()
            } else {
                opcode::ReadFixed::new(Fixed(0), start, len, index).offset(at).build()
            }
        });
    });
    drop(ring);
    drop(pages);
}
