//! The local port under its runtime: a place that is kept until there is one. What is needed is
//! `Tasks` for that runtime and a call of `overlapped_async::run`, as in `overlapped_tokio`.

use crate::{Job, Lacks, Meter};

pub(super) fn run(_job: &Job, _meter: &mut Meter) -> Result<(), Lacks> {
    Err(Lacks("not there yet".to_owned()))
}
