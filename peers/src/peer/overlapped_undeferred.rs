//! The local port under its runtime, whose completions come with the thread's next system call.

use overlapped::{Port, Runtime};

use super::overlapped_local;
use crate::{Job, Lacks, Meter};

pub(super) fn run(job: &Job, meter: &mut Meter) -> Result<(), Lacks> {
    overlapped_local::run_on(Runtime::with(Port::builder().deferred(false)), job, meter)
}
