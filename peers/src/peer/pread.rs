//! What a program does without any library.

use std::os::unix::fs::FileExt;

use crate::{Job, Lacks, Lane, Meter, Page, Work, files, job::lacks};

pub(super) fn run(job: &Job, meter: &mut Meter) -> Result<(), Lacks> {
    let mut page = Page::default();
    match job.work {
        Work::Null(_) => {
            let file = files::null();
            let bytes = [0; 8];
            meter.measure(|ops| {
                for at in Lane::new(0, ops) {
                    file.write_at(&bytes, at).expect("the null device takes all");
                }
            });
        }
        Work::Cached(_) | Work::Direct(1) => {
            let direct = matches!(job.work, Work::Direct(_));
            let file = if direct { job.files.open_direct() } else { job.files.open_cached() };
            meter.measure(|ops| {
                for at in Lane::new(0, ops) {
                    file.read_exact_at(&mut page, at).expect("the file is that long");
                }
            });
        }
        _ => return lacks(),
    }
    Ok(())
}
