//! The local port under its runtime, with completions that wait until the thread asks for them.

use overlapped::{Port, Runtime};

use super::overlapped_local;
use crate::{Job, Lacks, Meter};

pub(super) fn run(job: &Job, meter: &mut Meter) -> Result<(), Lacks> {
    overlapped_local::run_on(Runtime::with(Port::builder().deferred(true)), job, meter)
}
