//! What the library calls for a read of cached data, without the library.

use std::os::fd::AsRawFd;

use crate::{Job, Lacks, Lane, Meter, Page, Work, job::lacks, page::SIZE};

pub(super) fn run(job: &Job, meter: &mut Meter) -> Result<(), Lacks> {
    let Work::Cached(_) = job.work else {
        return lacks();
    };
    let file = job.files.open_cached();
    let mut page = Page::default();
    meter.measure(|ops| {
        for at in Lane::new(0, ops) {
            let piece = libc::iovec { iov_base: page.as_mut_ptr().cast(), iov_len: SIZE };
            // SAFETY: the piece is the page, which is borrowed exclusively for the call.
            let n = unsafe {
                libc::preadv2(file.as_raw_fd(), &raw const piece, 1, at as i64, libc::RWF_NOWAIT)
            };
            assert_eq!(n, SIZE as isize, "the file is that long, and in the page cache");
        }
    });
    Ok(())
}
