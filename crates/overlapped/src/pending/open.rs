use std::{path::Path, sync::Arc};

use super::{Ask, Gate, Pending};
use crate::{
    buf::PathText,
    handle::Owned,
    op::{Goal, Op, Open, OpenHow, Plan, c_path},
    port::Port,
};

/// Opens `path` and turns the handle into what `make` makes of it.
pub(crate) fn open<T: 'static>(
    port: &Port,
    how: OpenHow,
    path: &Path,
    make: impl FnOnce(Owned) -> T + Send + 'static,
) -> Pending<'static, Open<T>> {
    let op = Op::Open(how);
    let (text, trouble) = c_path(path);
    let shard = Arc::clone(port.shard_for(&op));
    let ask = Ask {
        shard: &shard,
        op,
        plan: Plan::new(Goal::Once),
        request: Open { path: PathText(text), make: Box::new(make) },
        holder: None,
        fixed: None,
    };
    Pending::start_by(Gate::unless(trouble.or(how.trouble())), ask)
}
