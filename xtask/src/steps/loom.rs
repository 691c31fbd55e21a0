//! loom: every interleaving, within a bound, of the models whose names start with `loom_`.

use super::counted;
use crate::Result;
use crate::command::cargo;

pub(crate) fn run(args: &[String]) -> Result<String> {
    // Names are alternatives to libtest: with one from the command line, `loom_` must go.
    let models = if args.is_empty() { "loom_" } else { "" };
    let count = cargo(&format!("test --release -p overlapped --lib {models} --"))
        .env_flags("RUSTFLAGS", "--cfg loom")
        .env_default("LOOM_MAX_PREEMPTIONS", "3")
        .target_dir("loom")
        .run_tests(args)?;
    counted(count)
}
