//! Writes `docs/unsafe.md`: every `unsafe` with its proof, for a reviewer to read at one go.
//!
//! No line numbers: an edit elsewhere in a file must not change the page.

use crate::source::unsafe_sites::{Kind, Site, sites};
use crate::source::{self, Source};
use crate::tidy::islands::{ISLANDS, Island};
use crate::{Result, workspace};
use std::fs;

const PAGE: &str = "docs/unsafe.md";

const HEAD: &str = "# Every `unsafe` of this workspace

Written by `cargo xtask unsafe-doc`; `cargo xtask ci` fails when it is out of date.
`unsafe` is denied in the workspace and re-opened in the islands below, nowhere else.

| island | what needs it | uses |
|---|---|---:|
";

pub(crate) fn run(args: &[String]) -> Result<String> {
    let check = match args {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => return Err("the only argument is `--check`".into()),
    };
    let page = page(&source::load()?);
    if !check {
        fs::write(workspace::root().join(PAGE), page)?;
        return Ok(format!("{PAGE} written"));
    }
    if workspace::read(PAGE)? == page {
        return Ok(String::new());
    }
    Err(format!("{PAGE} is out of date: run `cargo xtask unsafe-doc`").into())
}

fn page(sources: &[Source]) -> String {
    let shipped = sources.iter().filter(|source| source.is_ours_to_ship());
    let files: Vec<_> = shipped.map(|source| (source, listed(source))).collect();
    let count = |island: &Island| {
        let own = files.iter().filter(|(source, _)| island.holds(&source.path));
        own.map(|(_, sites)| sites.len()).sum::<usize>()
    };
    let mut text = HEAD.to_owned();
    for island in ISLANDS {
        text += &format!("| `{}` | {} | {} |\n", island.root, island.why, count(island));
    }
    for (source, sites) in files.iter().filter(|(_, sites)| !sites.is_empty()) {
        text += &format!("\n## `{}`\n\n", source.path);
        text.extend(sites.iter().map(entry));
    }
    text
}

/// All but the type `unsafe fn(..)`, which claims nothing.
fn listed(source: &Source) -> Vec<Site> {
    sites(source).into_iter().filter(|site| site.kind != Kind::FnPointer).collect()
}

fn entry(site: &Site) -> String {
    let proof = match (&site.proof, site.kind) {
        (Some(proof), _) => escaped(proof),
        (None, Kind::FnOfTraitImpl) => "as its trait says".to_owned(),
        (None, _) => "**no proof**".to_owned(),
    };
    let item = if site.item.is_empty() { "the file" } else { &site.item };
    format!("- {}, `{item}`: {proof}\n", site.kind)
}

/// Rustdoc takes the page in, and would see links and tags in a proof. Code spans stay as they are.
fn escaped(text: &str) -> String {
    let spans = text.split('`').enumerate().map(|(i, span)| match i % 2 {
        0 => span.replace('[', r"\[").replace(']', r"\]").replace('<', r"\<"),
        _ => span.to_owned(),
    });
    spans.collect::<Vec<_>>().join("`")
}

#[cfg(test)]
mod tests {
    use super::page;
    use crate::source::Source;

    fn source(path: &str, text: &str) -> Source {
        Source::parse(path, text.to_owned()).unwrap()
    }

    fn iocb(text: &str) -> String {
        page(&[source("crates/overlapped/src/iocb/mod.rs", text)])
    }

    #[test]
    fn each_use_is_listed_with_its_proof() {
        let text = "
            // SAFETY: only the holder, see [C1],
            // has a `Vec<u8>` of <T>.
            unsafe impl Send for Block {}
            /// # Safety
            /// Once.
            unsafe fn take() {}
            fn bare() { unsafe { x() } }
        ";
        let page = iocb(text);
        let proof = r"only the holder, see \[C1\], has a `Vec<u8>` of \<T>.";
        assert!(page.contains(&format!("- impl, `<Block as Send>`: {proof}\n")), "{page}");
        assert!(page.contains("- fn, `take`: Once.\n"), "{page}");
        assert!(page.contains("- block, `bare`: **no proof**\n"), "{page}");
        assert!(page.contains("the last of them | 3 |\n"), "{page}");
    }

    #[test]
    fn edits_elsewhere_do_not_change_the_page() {
        let text = "fn f() {\n// SAFETY: one\n// two\nunsafe { g() } }";
        let moved = "use x;\n\nfn e() {}\nfn f() {\nh();\n// SAFETY: one two\nunsafe { g() } }";
        assert_eq!(iocb(text), iocb(moved));
        assert_ne!(iocb(text), iocb(&text.replace("one", "three")));
    }

    #[test]
    fn files_without_unsafe_are_left_out() {
        assert!(!page(&[source("crates/x/src/a.rs", "fn f() {}")]).contains("crates/x"));
    }
}
