//! A Rust file as `tidy` and `unsafe_doc` see it: its text, its comments and its tokens, and
//! which of it is only there for tests.

/// Comments and strings told apart from code.
mod scan;
/// What only `cfg(test)` builds have.
mod test_only;
/// Every use of the keyword `unsafe`.
pub(crate) mod unsafe_sites;
/// Why each of them is sound.
mod proofs;
/// The paths that a file names.
pub(crate) mod paths;

use crate::{Result, workspace};
use proc_macro2::{TokenStream, TokenTree};
use scan::Scan;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use test_only::TestOnly;

/// The folders of a crate that hold Rust files.
const FOLDERS: &[&str] = &["src", "tests", "benches", "examples"];

/// Tests that are there for others to run.
const SUITE: &str = "crates/overlapped-sim/src/conformance/";

pub(crate) struct Source {
    /// From the workspace's root, with forward slashes.
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) scan: Scan,
    pub(crate) tokens: TokenStream,
    pub(crate) syntax: syn::File,
    test_only: TestOnly,
    attribute_lines: BTreeSet<usize>,
}

/// All files of `bench`, `crates/*` and `xtask`, in the order of their paths.
pub(crate) fn load() -> Result<Vec<Source>> {
    let root = workspace::root();
    let mut crates = vec![root.join("bench"), root.join("xtask")];
    for entry in fs::read_dir(root.join("crates"))? {
        crates.push(entry?.path());
    }
    let mut paths = Vec::new();
    for folder in crates.iter().flat_map(|own| FOLDERS.iter().map(|folder| own.join(folder))) {
        rust_files(&folder, &mut paths)?;
    }
    paths.sort();
    let sources = paths.iter().map(|path| Source::parse(path, workspace::read(path)?));
    let mut sources = sources.collect::<Result<Vec<_>>>()?;
    mark_test_files(&mut sources);
    Ok(sources)
}

fn rust_files(folder: &Path, paths: &mut Vec<String>) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            rust_files(&path, paths)?;
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            let relative = path.strip_prefix(workspace::root())?;
            paths.push(relative.to_string_lossy().replace('\\', "/"));
        }
    }
    Ok(())
}

/// A file that its parent declares under `#[cfg(test)]` is for tests as a whole.
pub(crate) fn mark_test_files(sources: &mut [Source]) {
    let stems: Vec<String> = sources.iter().flat_map(Source::test_file_stems).collect();
    for source in sources {
        let below = |stem: &String| {
            let rest = source.path.strip_prefix(stem.as_str());
            rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        };
        source.test_only.whole |= stems.iter().any(below);
    }
}

impl Source {
    pub(crate) fn parse(path: &str, text: String) -> Result<Source> {
        let scan = Scan::new(&text);
        let bad = |line, error| format!("{path}:{line}: {error}");
        let tokens: TokenStream = text
            .parse()
            .map_err(|e: proc_macro2::LexError| bad(e.span().start().line, e.to_string()))?;
        let syntax: syn::File =
            syn::parse2(tokens.clone()).map_err(|e| bad(e.span().start().line, e.to_string()))?;
        let test_only = TestOnly::new(&syntax, &tokens);
        let attribute_lines = attribute_lines(&tokens);
        Ok(Source { path: path.to_owned(), text, scan, tokens, syntax, test_only, attribute_lines })
    }

    /// Whether that line is compiled only for tests.
    pub(crate) fn is_test(&self, line: usize) -> bool {
        self.is_test_file() || self.test_only.lines.iter().any(|range| range.contains(&line))
    }

    /// Whether the file is an integration test or a part of the conformance suite, or its parent
    /// declares it under `cfg(test)`.
    pub(crate) fn is_test_file(&self) -> bool {
        let suite = self.path.starts_with(SUITE);
        self.test_only.whole || suite || self.folder() == Some("tests")
    }

    /// Whether the file is part of a crate's `src`.
    pub(crate) fn is_src(&self) -> bool {
        self.folder() == Some("src")
    }

    /// Whether the file is in one of the crates that are for users, as `xtask` is not.
    pub(crate) fn is_ours_to_ship(&self) -> bool {
        self.path.starts_with("crates/")
    }

    /// Whether that line belongs to an attribute.
    pub(crate) fn is_attribute(&self, line: usize) -> bool {
        self.attribute_lines.contains(&line)
    }

    /// The folder below the crate's own: `src`, `tests`, …
    fn folder(&self) -> Option<&str> {
        let below = match self.path.strip_prefix("crates/") {
            Some(rest) => rest.split_once('/')?.1,
            None => self.path.split_once('/')?.1,
        };
        Some(below.split_once('/')?.0)
    }

    /// Paths, without `.rs`, of the modules that this file declares for tests only.
    fn test_file_stems(&self) -> Vec<String> {
        let (folder, file) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        let own = match file {
            "mod.rs" | "lib.rs" | "main.rs" => folder.to_owned(),
            _ => format!("{folder}/{}", file.trim_end_matches(".rs")),
        };
        self.test_only.modules.iter().map(|module| format!("{own}/{module}")).collect()
    }
}

fn attribute_lines(tokens: &TokenStream) -> BTreeSet<usize> {
    let mut lines = BTreeSet::new();
    let trees: Vec<_> = tokens.clone().into_iter().collect();
    for (i, tree) in trees.iter().enumerate() {
        let TokenTree::Group(group) = tree else {
            continue;
        };
        lines.extend(attribute_lines(&group.stream()));
        let before = trees[..i].iter().rev().find(|tree| !is_punct(tree, '!'));
        if before.is_some_and(|tree| is_punct(tree, '#')) {
            lines.extend(group.span_open().start().line..=group.span_close().end().line);
        }
    }
    lines
}

pub(crate) fn is_punct(tree: &TokenTree, c: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == c)
}

pub(crate) fn is_ident(tree: &TokenTree, name: &str) -> bool {
    matches!(tree, TokenTree::Ident(ident) if ident == name)
}
