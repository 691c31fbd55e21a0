//! Where things are.

use crate::Result;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// The folder of the workspace's `Cargo.toml`. It is asked for at run time: two clones may share
/// a target folder, and a path compiled in would be that of the other one.
pub(crate) fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        let xtask = env::var_os("CARGO_MANIFEST_DIR").expect("xtask runs by way of cargo");
        Path::new(&xtask).parent().expect("xtask lies in the workspace").to_owned()
    });
    &ROOT
}

/// Cargo's target folder, for steps that need one of their own inside it.
pub(crate) fn target() -> PathBuf {
    let chosen = env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    root().join(chosen)
}

/// The text of a file, named as people name it: from the root, with forward slashes.
pub(crate) fn read(path: &str) -> Result<String> {
    fs::read_to_string(root().join(path)).map_err(|error| format!("{path}: {error}").into())
}

/// A value of the workspace's `Cargo.toml`, which keeps `key = "value"` on one line.
pub(crate) fn manifest(key: &str) -> Result<String> {
    let text = read("Cargo.toml")?;
    let line = text.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == key).then(|| value.trim().trim_matches('"').to_owned())
    });
    line.ok_or_else(|| format!("Cargo.toml: no `{key}`").into())
}
