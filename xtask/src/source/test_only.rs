//! What only `cfg(test)` builds have: the lines of items under it, and the names of module files.

use super::{is_ident, is_punct};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use std::ops::RangeInclusive;
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token};

#[derive(Default)]
pub(crate) struct TestOnly {
    /// The whole file.
    pub(crate) whole: bool,
    pub(crate) lines: Vec<RangeInclusive<usize>>,
    /// Of each `#[cfg(test)] mod name;`, the name, behind those of the modules around it.
    pub(crate) modules: Vec<String>,
}

impl TestOnly {
    pub(crate) fn new(file: &syn::File, tokens: &TokenStream) -> TestOnly {
        let mut found = TestOnly { whole: is_test_file(&file.attrs), ..TestOnly::default() };
        found.walk(tokens, "");
        found
    }

    fn walk(&mut self, tokens: &TokenStream, path: &str) {
        let trees: Vec<_> = tokens.clone().into_iter().collect();
        let mut i = 0;
        while i < trees.len() {
            if let Some(end) = self.test_item(&trees[i..], path) {
                i += end;
                continue;
            }
            if let TokenTree::Group(group) = &trees[i] {
                match module_before(&trees[..i]) {
                    Some(name) => self.walk(&group.stream(), &format!("{path}{name}/")),
                    None => self.walk(&group.stream(), path),
                }
            }
            i += 1;
        }
    }

    /// If an item for tests starts here, takes note of it and gives the number of its tokens.
    fn test_item(&mut self, trees: &[TokenTree], path: &str) -> Option<usize> {
        let [hash, TokenTree::Group(attribute), ..] = trees else {
            return None;
        };
        if !is_punct(hash, '#') || !is_test_attribute(attribute) {
            return None;
        }
        let last = trees.iter().position(ends_item).unwrap_or(trees.len() - 1);
        let lines = hash.span().start().line..=trees[last].span().end().line;
        self.lines.push(lines);
        if is_punct(&trees[last], ';') {
            self.modules.extend(module_before(&trees[..last]).map(|name| format!("{path}{name}")));
        }
        Some(last + 1)
    }
}

fn ends_item(tree: &TokenTree) -> bool {
    let is_body = |group: &Group| group.delimiter() == Delimiter::Brace;
    is_punct(tree, ';') || matches!(tree, TokenTree::Group(group) if is_body(group))
}

fn module_before(trees: &[TokenTree]) -> Option<String> {
    match trees {
        [.., keyword, TokenTree::Ident(name)] if is_ident(keyword, "mod") => Some(name.to_string()),
        _ => None,
    }
}

fn is_test_file(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| is_test_meta(&attr.meta))
}

fn is_test_attribute(group: &Group) -> bool {
    syn::parse2::<Meta>(group.stream()).is_ok_and(|meta| is_test_meta(&meta))
}

/// `#[test]`, or a `#[cfg(..)]` that cannot hold without `test`.
fn is_test_meta(meta: &Meta) -> bool {
    match meta {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("cfg") => {
            list.parse_args().is_ok_and(|c| needs_test(&c))
        }
        _ => false,
    }
}

fn needs_test(condition: &Meta) -> bool {
    let Meta::List(list) = condition else {
        return condition.path().is_ident("test");
    };
    let parse = Punctuated::<Meta, Token![,]>::parse_terminated;
    let Ok(parts) = list.parse_args_with(parse) else {
        return false;
    };
    if list.path.is_ident("all") {
        parts.iter().any(needs_test)
    } else {
        list.path.is_ident("any") && !parts.is_empty() && parts.iter().all(needs_test)
    }
}

#[cfg(test)]
mod tests {
    use crate::source::{Source, mark_test_files};

    fn source(path: &str, text: &str) -> Source {
        Source::parse(path, text.to_owned()).unwrap()
    }

    #[test]
    fn lines_under_cfg_test_are_for_tests() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n";
        let file = source("crates/x/src/a.rs", text);
        let lines: Vec<_> = (1..=6).filter(|&line| file.is_test(line)).collect();
        assert_eq!(lines, [2, 3, 4, 5]);
    }

    #[test]
    fn a_condition_that_can_hold_without_test_is_not_for_tests() {
        let is_test = |condition: &str| {
            let text = format!("#[cfg({condition})]\nmod m {{}}\n");
            source("crates/x/src/a.rs", &text).is_test(2)
        };
        assert!(
            is_test("test") && is_test("all(test, loom)") && is_test("any(test, all(test, a))")
        );
        assert!(!is_test("not(test)") && !is_test("any(test, loom)") && !is_test("loom"));
    }

    #[test]
    fn module_files_under_cfg_test_are_for_tests() {
        let mut sources = [
            source("crates/x/src/lib.rs", "mod a;\n#[cfg(test)]\nmod b;\n"),
            source("crates/x/src/a.rs", "#[cfg(all(test, loom))]\npub(crate) mod models;\n"),
            source("crates/x/src/a/models.rs", ""),
            source("crates/x/src/a/model.rs", ""),
            source("crates/x/src/b/mod.rs", ""),
            source("crates/x/src/c.rs", "#![cfg(test)]\n"),
            source("crates/x/tests/t.rs", ""),
        ];
        mark_test_files(&mut sources);
        let tests: Vec<_> = sources.iter().map(Source::is_test_file).collect();
        assert_eq!(tests, [false, false, true, false, true, true, true]);
    }
}
