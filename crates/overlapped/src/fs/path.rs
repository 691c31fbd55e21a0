//! Operations on names.

use std::{path::Path, sync::Arc};

use crate::{
    buf::{PathPair, PathText, StatOut},
    op::{Goal, MakePath, Op, Operation, Plan, Stat, c_path},
    pending::{Ask, Gate, Pending},
    port::Port,
};

/// What the OS says about the file that `path` names; links are followed. See [statx(2)].
/// Windows has to open it for that: who asks about a named pipe is its client for a moment.
///
/// [statx(2)]: https://man7.org/linux/man-pages/man2/statx.2.html
pub fn metadata(port: &Port, path: impl AsRef<Path>) -> Pending<'static, Stat> {
    let (text, trouble) = c_path(path.as_ref());
    let request = Stat { out: StatOut::new(Some(text)) };
    start(port, Op::Stat { of: None }, request, Gate::unless(trouble))
}

/// Gives the file at `from` the name `to`, replacing what was there. Dropped in flight, it runs to
/// its end. See [rename(2)].
///
/// [rename(2)]: https://man7.org/linux/man-pages/man2/rename.2.html
pub fn rename(
    port: &Port,
    from: impl AsRef<Path>,
    to: impl AsRef<Path>,
) -> Pending<'static, MakePath<PathPair>> {
    let (from, bad_from) = c_path(from.as_ref());
    let (to, bad_to) = c_path(to.as_ref());
    let request = MakePath { paths: PathPair(from, to) };
    start(port, Op::Rename, request, Gate::unless(bad_from.or(bad_to)))
}

/// Removes the name of a file. Dropped in flight, it runs to its end. See [unlink(2)].
///
/// [unlink(2)]: https://man7.org/linux/man-pages/man2/unlink.2.html
pub fn remove_file(port: &Port, path: impl AsRef<Path>) -> Pending<'static, MakePath<PathText>> {
    change(port, Op::Unlink { directory: false }, path.as_ref())
}

/// Removes an empty directory. Dropped in flight, it runs to its end. See [rmdir(2)].
///
/// [rmdir(2)]: https://man7.org/linux/man-pages/man2/rmdir.2.html
pub fn remove_dir(port: &Port, path: impl AsRef<Path>) -> Pending<'static, MakePath<PathText>> {
    change(port, Op::Unlink { directory: true }, path.as_ref())
}

/// Makes a directory with mode `0o777`, before the process's mask. Dropped in flight, it runs to
/// its end. See [mkdir(2)].
///
/// [mkdir(2)]: https://man7.org/linux/man-pages/man2/mkdir.2.html
pub fn create_dir(port: &Port, path: impl AsRef<Path>) -> Pending<'static, MakePath<PathText>> {
    change(port, Op::CreateDir { mode: 0o777 }, path.as_ref())
}

fn change(port: &Port, op: Op, path: &Path) -> Pending<'static, MakePath<PathText>> {
    let (text, trouble) = c_path(path);
    start(port, op, MakePath { paths: PathText(text) }, Gate::unless(trouble))
}

fn start<O: Operation + 'static>(
    port: &Port,
    op: Op,
    request: O,
    gate: Gate,
) -> Pending<'static, O> {
    let shard = Arc::clone(port.shard_for(&op));
    let plan = Plan::new(Goal::Once);
    Pending::start_by(gate, Ask { shard: &shard, op, plan, request, holder: None, fixed: None })
}
