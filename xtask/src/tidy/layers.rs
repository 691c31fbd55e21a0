//! Imports point down only.
//!
//! Code inside macros counts; comments, strings and what only tests have do not.

use super::Finding;
use crate::source::{Source, paths};

const ROOT: &str = "crates/overlapped/src/";

/// The rank of each module at the library's root. A module may name those of lower rank, and
/// itself; neighbours of one rank do not know each other.
const RANKS: &[(&str, u8)] = &[
    ("device", 8),
    ("fs", 8),
    ("net", 8),
    ("pipe", 8),
    ("time", 8),
    ("runtime", 8),
    ("lane", 7),
    ("scope", 7),
    ("pending", 6),
    ("port", 5),
    ("backend", 4),
    ("iocb", 3),
    ("op", 2),
    ("buf", 1),
    ("handle", 0),
    ("error", 0),
    ("sync", 0),
];

/// `lib.rs` itself: what is named at the root is a re-export of something that has its own place.
const TOP: u8 = 9;

/// Mechanisms that know nothing of one another; only `DRIVER` chooses among them.
const BACKENDS: &[&str] = &["uring", "pool", "null", "iocp", "apc", "threads"];
const DRIVER: &str = "driver";

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let Some(module) = module_of(&source.path) else {
        return Vec::new();
    };
    if source.is_test_file() {
        return Vec::new();
    }
    if rank(&module[0]).is_none() {
        let message = format!("module `{}` has no rank; see RANKS in {}", module[0], file!());
        return vec![Finding::new(&source.path, 1, message)];
    }
    let paths = paths::named(&source.tokens, &module, &["backend"]);
    let in_code = paths.iter().filter(|path| !source.is_test(path.line));
    let wrong = in_code.filter_map(|path| Some((path.line, judge(&path.from, &path.to)?)));
    wrong.map(|(line, message)| Finding::new(&source.path, line, message)).collect()
}

/// `backend/uring/ring.rs` is `backend::uring::ring`; `lib.rs` is exempt and gives `None`.
fn module_of(path: &str) -> Option<Vec<String>> {
    let path = path.strip_prefix(ROOT)?.strip_suffix(".rs")?;
    let path = path.strip_suffix("/mod").unwrap_or(path);
    (path != "lib").then(|| path.split('/').map(str::to_owned).collect())
}

fn rank(module: &str) -> Option<u8> {
    RANKS.iter().find(|(name, _)| *name == module).map(|(_, rank)| *rank)
}

/// What is wrong with `module` naming `target`, if anything.
fn judge(module: &[String], target: &[String]) -> Option<String> {
    let own = &module[0];
    let Some(other) = target.first() else {
        return Some(format!("`{own}` names the root of the library: name the module itself"));
    };
    let own_rank = rank(own)?;
    let Some(rank) = rank(other) else {
        return Some(format!(
            "`{own}` (rank {own_rank}) names `crate::{other}`, which is of rank {TOP}: \
             name the module that defines it"
        ));
    };
    if rank > own_rank {
        return Some(format!(
            "`{own}` (rank {own_rank}) names `{other}` (rank {rank}): an arrow up"
        ));
    }
    if rank == own_rank && own != other {
        return Some(format!("`{own}` names `{other}`: neighbours of rank {rank} must not"));
    }
    judge_backend(module, target)
}

fn judge_backend(module: &[String], target: &[String]) -> Option<String> {
    let [first, backend, ..] = target else {
        return None;
    };
    if first != "backend" || !BACKENDS.contains(&backend.as_str()) {
        return None;
    }
    let allowed = matches!(module, [a, b, ..] if a == "backend" && (b == backend || b == DRIVER));
    let who = module.join("::");
    (!allowed).then(|| format!("`{who}` names the backend `{backend}`: only `{DRIVER}` may"))
}

#[cfg(test)]
mod tests {
    use super::super::planted::{lines, source};
    use super::check;

    fn bad_lines(file: &str, text: &str) -> Vec<usize> {
        lines(&check(&source(&format!("crates/overlapped/src/{file}"), text)))
    }

    #[test]
    fn arrows_down_and_within_are_fine() {
        assert_eq!(bad_lines("fs.rs", "use crate::{op::Read, pending, port::{self, Port}};"), []);
        assert_eq!(
            bad_lines("iocb/mod.rs", "use crate::iocb::entry; use super::op; use self::x;"),
            []
        );
        assert_eq!(
            bad_lines("port/drive.rs", "use super::Port; use super::super::iocb::Entry;"),
            []
        );
        assert_eq!(bad_lines("lib.rs", "pub use crate::fs::File;"), []);
        assert_eq!(bad_lines("op/mod.rs", "use std::fs::File; fn f() { time::now() }"), []);
    }

    #[test]
    fn an_arrow_up_is_found_however_it_is_written() {
        assert_eq!(bad_lines("iocb/mod.rs", "\nuse crate::port::Port;"), [2]);
        assert_eq!(bad_lines("iocb/mod.rs", "use crate::{\n    op::Op,\n    port::Port,\n};"), [3]);
        assert_eq!(bad_lines("iocb/mod.rs", "use crate::{\n    op,\n    port,\n};"), [3]);
        assert_eq!(bad_lines("iocb/mod.rs", "fn f(p: &crate::port::Port) {}"), [1]);
        assert_eq!(bad_lines("iocb/pool.rs", "use super::super::port::Port;"), [1]);
        assert_eq!(bad_lines("iocb/pool.rs", "mod a { use super::super::super::port; }"), [1]);
        assert_eq!(bad_lines("op.rs", "use super::port::Port;"), [1]);
        assert_eq!(bad_lines("sync.rs", "macro_rules! m { () => { $crate::error::Error } }"), [1]);
        assert_eq!(bad_lines("buf.rs", "fn f() { assert!(crate::port::X) }"), [1]);
        assert_eq!(bad_lines("scope.rs", "pub(crate) use crate::fs as x;"), [1]);
    }

    #[test]
    fn the_root_is_above_all() {
        assert_eq!(bad_lines("port.rs", "use crate::File;"), [1]);
        assert_eq!(bad_lines("port.rs", "use super::*;"), [1]);
        assert_eq!(bad_lines("fs.rs", "use crate::{File, op};"), [1]);
        assert_eq!(bad_lines("port.rs", "use crate::*;"), [1]);
    }

    #[test]
    fn neighbours_do_not_know_each_other() {
        assert_eq!(bad_lines("net/tcp.rs", "use crate::fs::File;"), [1]);
        assert_eq!(bad_lines("fs.rs", "use crate::time::Timer;"), [1]);
        assert_eq!(bad_lines("error.rs", "use crate::handle::Handle;"), [1]);
    }

    #[test]
    fn only_the_driver_names_backends() {
        assert_eq!(bad_lines("backend/driver.rs", "use super::uring::Ring; use super::pool;"), []);
        assert_eq!(
            bad_lines("backend/uring/sq.rs", "use crate::backend::uring::cq; use super::x;"),
            []
        );
        assert_eq!(bad_lines("backend/uring/sq.rs", "use crate::backend::pool::Pool;"), [1]);
        assert_eq!(bad_lines("backend/null.rs", "use super::{Submit, uring::Ring};"), [1]);
        assert_eq!(bad_lines("backend/mod.rs", "mod uring;\nuse uring::Ring;"), [2]);
        assert_eq!(
            bad_lines("backend/mod.rs", "mod uring;\npub(crate) use self::uring::Ring;"),
            [2]
        );
        assert_eq!(bad_lines("port/mod.rs", "use crate::backend::{Submit, uring::Ring};"), [1]);
        assert_eq!(
            bad_lines("port/mod.rs", "use crate::backend;\nfn f() { backend::pool::new() }"),
            [2]
        );
    }

    #[test]
    fn comments_strings_and_tests_are_exempt() {
        assert_eq!(
            bad_lines("op.rs", "/// See [`crate::port::Port`].\n// crate::port::x\nfn f() {}"),
            []
        );
        assert_eq!(bad_lines("op.rs", "const X: &str = \"crate::port::x\";"), []);
        assert_eq!(bad_lines("op.rs", "#[cfg(test)]\nmod tests { use crate::port::Port; }"), []);
        assert_eq!(bad_lines("op.rs", "#[cfg(not(test))]\nmod m { use crate::port::Port; }"), [2]);
    }

    #[test]
    fn a_module_without_a_rank_is_found() {
        assert_eq!(bad_lines("util.rs", ""), [1]);
        assert_eq!(bad_lines("util/mod.rs", ""), [1]);
    }
}
