//! The choice of an OS is made between items: a function with a `cfg` in its middle is two
//! functions of which each machine compiles, and tests, only one.

use super::Finding;
use crate::source::{Source, is_ident, is_punct};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

const WORDS: &[&str] = &["target_os", "target_family", "target_env", "unix", "windows"];

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut lines = Vec::new();
    if source.path.starts_with("crates/overlapped/src/") {
        walk(&source.tokens, false, &mut lines);
    }
    let message = "an OS is chosen inside a function; choose between items";
    lines.into_iter().map(|line| Finding::new(&source.path, line, message)).collect()
}

fn walk(tokens: &TokenStream, in_body: bool, lines: &mut Vec<usize>) {
    let trees: Vec<_> = tokens.clone().into_iter().collect();
    let mut awaits_body = false;
    for (i, tree) in trees.iter().enumerate() {
        // `fn` before a name: a function, where `fn(` is a type.
        let is_fn = is_ident(tree, "fn") && matches!(trees.get(i + 1), Some(TokenTree::Ident(_)));
        awaits_body = (awaits_body || is_fn) && !is_punct(tree, ';');
        let TokenTree::Group(group) = tree else {
            continue;
        };
        let is_body = awaits_body && group.delimiter() == Delimiter::Brace;
        awaits_body &= !is_body;
        if in_body && is_cfg(&trees[..i]) && names_os(group) {
            lines.push(group.span_open().start().line);
        }
        walk(&group.stream(), in_body || is_body, lines);
    }
}

/// `cfg`, `cfg_attr` and `cfg!` before a group.
fn is_cfg(before: &[TokenTree]) -> bool {
    let name = before.iter().rev().find(|tree| !is_punct(tree, '!'));
    name.is_some_and(|tree| is_ident(tree, "cfg") || is_ident(tree, "cfg_attr"))
}

fn names_os(group: &Group) -> bool {
    group.stream().into_iter().any(|tree| match &tree {
        TokenTree::Group(inner) => names_os(inner),
        tree => WORDS.iter().any(|word| is_ident(tree, word)),
    })
}

#[cfg(test)]
mod tests {
    use super::super::planted::{lines, source};
    use super::check;

    fn bad_lines(text: &str) -> Vec<usize> {
        lines(&check(&source("crates/overlapped/src/backend/driver.rs", text)))
    }

    #[test]
    fn an_os_chosen_inside_a_function_is_found() {
        assert_eq!(bad_lines("fn f() {\n#[cfg(unix)]\ng(); }"), [2]);
        assert_eq!(bad_lines("fn f() {\nif cfg!(windows) {} }"), [2]);
        assert_eq!(
            bad_lines(
                "impl A { fn f(&self) -> [u8; 4] {\n#[cfg(not(target_os = \"linux\"))]\ng() } }"
            ),
            [2]
        );
        assert_eq!(bad_lines("fn f() { g(|| {\n#[cfg(all(loom, unix))]\nh() }) }"), [2]);
        assert_eq!(bad_lines("fn f() { match x {\n#[cfg_attr(windows, a)]\n_ => {} } }"), [2]);
        assert_eq!(bad_lines("fn f() {}\nfn g() {\n#[cfg(windows)] return; }"), [3]);
    }

    #[test]
    fn an_os_chosen_between_items_is_fine() {
        assert_eq!(bad_lines("#[cfg(unix)]\nmod uring;\n#[cfg(windows)]\nfn f() {}"), []);
        assert_eq!(bad_lines("impl A {\n#[cfg(unix)]\nfn f() {} }"), []);
        assert_eq!(bad_lines("struct S { f: fn(u8) }\n#[cfg(unix)]\nimpl S {}"), []);
        assert_eq!(bad_lines("trait T { fn f();\n#[cfg(unix)]\nfn g() {} }"), []);
    }

    #[test]
    fn other_conditions_are_fine() {
        assert_eq!(bad_lines("fn f() {\n#[cfg(feature = \"tracing\")]\ng(); cfg!(loom); }"), []);
        assert_eq!(bad_lines("fn f() { let s = \"#[cfg(unix)]\"; /* #[cfg(unix)] */ }"), []);
    }
}
