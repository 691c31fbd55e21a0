//! What must not be left behind in a source file.

use super::Finding;
use crate::source::{Source, is_ident, is_punct};
use proc_macro2::{TokenStream, TokenTree};

const MACROS: &[&str] = &["todo", "unimplemented", "dbg"];
const NOTES: &[&str] = &["FIXME", "XXX"];
const COLUMNS: usize = 100;

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |line, message: String| findings.push(Finding::new(&source.path, line, message));
    for (line, text) in (1..).zip(source.text.lines()) {
        if text.contains('\t') {
            add(line, "a tab".to_owned());
        }
        // Neither an address nor a table's row can be broken over two lines.
        let one_piece = text.contains("://") || is_table_row(text);
        if text.chars().count() > COLUMNS && !one_piece {
            add(line, format!("more than {COLUMNS} columns"));
        }
    }
    let code = (1..).zip(&source.scan.code).map(|(line, text)| (line, text.as_str()));
    let comments = source.scan.comments.iter().map(|c| (c.line, c.text.as_str()));
    for (line, text) in code.chain(comments) {
        for note in NOTES.iter().filter(|note| has_word(text, note)) {
            add(line, format!("`{note}`: do it, or write an issue"));
        }
    }
    left_behind(&source.tokens, &mut add);
    findings
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| c != '_' && !c.is_alphanumeric()).any(|found| found == word)
}

fn left_behind(tokens: &TokenStream, add: &mut impl FnMut(usize, String)) {
    let trees: Vec<_> = tokens.clone().into_iter().collect();
    for (i, tree) in trees.iter().enumerate() {
        let line = tree.span().start().line;
        let next = trees.get(i + 1);
        if next.is_some_and(|next| is_punct(next, '!')) {
            let found = MACROS.iter().find(|name| is_ident(tree, name));
            found.into_iter().for_each(|name| add(line, format!("`{name}!`")));
        }
        if is_punct(tree, '#') && next.is_some_and(is_ignore) {
            add(line, "an ignored test: a skip is told by the test itself".to_owned());
        }
        if let TokenTree::Group(group) = tree {
            left_behind(&group.stream(), add);
        }
    }
}

fn is_ignore(tree: &TokenTree) -> bool {
    let TokenTree::Group(group) = tree else {
        return false;
    };
    group.stream().into_iter().next().is_some_and(|first| is_ident(&first, "ignore"))
}

fn is_table_row(text: &str) -> bool {
    let doc = text.trim_start();
    let doc = doc.strip_prefix("//!").or_else(|| doc.strip_prefix("///"));
    doc.is_some_and(|doc| doc.trim_start().starts_with('|'))
}

#[cfg(test)]
mod tests {
    use super::super::planted::{lines, source};
    use super::check;

    fn bad_lines(text: &str) -> Vec<usize> {
        lines(&check(&source("crates/x/src/a.rs", text)))
    }

    #[test]
    fn each_offender_is_found() {
        assert_eq!(bad_lines("fn f() {\n    todo!()\n}"), [2]);
        assert_eq!(bad_lines("fn f() { unimplemented!() }"), [1]);
        assert_eq!(bad_lines("fn f() { g(dbg!(1)) }"), [1]);
        assert_eq!(bad_lines("\n// FIXME later\nfn f() {}"), [2]);
        assert_eq!(bad_lines("/* a\n XXX: b */"), [2]);
        assert_eq!(bad_lines("#[test]\n#[ignore = \"slow\"]\nfn f() {}"), [2]);
        assert_eq!(bad_lines("mod tests { #[ignore] fn f() {} }"), [1]);
        assert_eq!(bad_lines("fn f() {\n\tg() }"), [2]);
        assert_eq!(bad_lines(&format!("// {}", "x".repeat(98))), [1]);
    }

    #[test]
    fn what_only_looks_like_one_is_fine() {
        assert_eq!(bad_lines("// todo!() and dbg!(x) in prose\nfn todo() {}"), []);
        assert_eq!(bad_lines("const S: &str = \"FIXME XXX todo!()\"; fn xxx() {}"), []);
        assert_eq!(bad_lines("#[cfg_attr(miri, ignore)]\nfn ignore() {}"), []);
        assert_eq!(bad_lines(&format!("// {}", "é".repeat(97))), []);
        assert_eq!(bad_lines(&format!("// https://{}", "x".repeat(98))), []);
    }
}
