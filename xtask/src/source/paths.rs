//! The paths of its own crate that a file names, in `use` lines and in the midst of code.
//!
//! They are read from tokens, so that those inside macros count, and comments and strings do not.

use super::{is_ident, is_punct};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

type Path = Vec<String>;

/// `to` is named in the module `from`; both are given from the root of the crate.
#[derive(Debug, PartialEq)]
pub(crate) struct Named {
    pub(crate) line: usize,
    pub(crate) from: Path,
    pub(crate) to: Path,
}

/// All paths in the file of `module` that start with `crate`, `self`, `super`, one of its child
/// modules, or a name of `imported`: modules of the root that a `use` may have brought in.
pub(crate) fn named(tokens: &TokenStream, module: &[String], imported: &[&str]) -> Vec<Named> {
    let mut walk = Walk { children: children(tokens), imported, named: Vec::new() };
    walk.tokens(tokens, module);
    walk.named
}

/// The modules declared at the top of a file: `uring::Ring` below `mod uring;` is a path, too.
fn children(tokens: &TokenStream) -> Vec<String> {
    let trees: Vec<_> = tokens.clone().into_iter().collect();
    let pairs = trees.windows(2).filter(|pair| is_ident(&pair[0], "mod"));
    pairs.map(|pair| pair[1].to_string()).collect()
}

struct Walk<'a> {
    children: Vec<String>,
    imported: &'a [&'a str],
    named: Vec<Named>,
}

impl Walk<'_> {
    fn tokens(&mut self, tokens: &TokenStream, module: &[String]) {
        let trees: Vec<_> = tokens.clone().into_iter().collect();
        for (i, tree) in trees.iter().enumerate() {
            match tree {
                // The branches of a path: followed where it starts, or none of ours.
                TokenTree::Group(_) if follows_separator(&trees[..i]) => {}
                TokenTree::Group(group) => match inline_module(&trees[..i]) {
                    Some(name) => self.tokens(&group.stream(), &below(module, &name)),
                    None => self.tokens(&group.stream(), module),
                },
                TokenTree::Ident(_) if starts_path(&trees, i) => self.path(&trees[i..], module),
                _ => {}
            }
        }
    }

    fn path(&mut self, trees: &[TokenTree], module: &[String]) {
        let first = trees[0].to_string();
        let start = match first.as_str() {
            "crate" => Vec::new(),
            "self" => module.to_vec(),
            "super" => parent(module),
            name if self.children.iter().any(|child| child == name) => below(module, name),
            name if self.imported.contains(&name) => vec![first],
            _ => return,
        };
        self.branches(line_of(&trees[0]), start, &trees[1..], module);
    }

    /// Follows `:: name`, `:: super` and `:: { one, another::third }` and notes what is named.
    fn branches(&mut self, mut line: usize, mut to: Path, trees: &[TokenTree], from: &[String]) {
        let mut rest = trees;
        while let [a, b, next, after @ ..] = rest {
            if !is_separator(a, b) {
                break;
            }
            match next {
                TokenTree::Ident(name) if name == "super" => to = parent(&to),
                TokenTree::Ident(name) => to.push(name.to_string()),
                TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                    return self.each(&to, group, from);
                }
                _ => break,
            }
            line = line_of(next);
            rest = after;
        }
        self.named.push(Named { line, from: from.to_vec(), to });
    }

    fn each(&mut self, to: &[String], group: &Group, from: &[String]) {
        let trees: Vec<_> = group.stream().into_iter().collect();
        for element in trees.split(|tree| is_punct(tree, ',')) {
            let Some((first, rest)) = element.split_first() else {
                continue;
            };
            let start = match first {
                TokenTree::Ident(name) if name != "self" => below(to, &name.to_string()),
                _ => to.to_vec(),
            };
            self.branches(line_of(first), start, rest, from);
        }
    }
}

fn inline_module(before: &[TokenTree]) -> Option<String> {
    match before {
        [.., keyword, TokenTree::Ident(name)] if is_ident(keyword, "mod") => Some(name.to_string()),
        _ => None,
    }
}

/// A name before `::` that has none before it.
fn starts_path(trees: &[TokenTree], i: usize) -> bool {
    !follows_separator(&trees[..i]) && matches!(&trees[i + 1..], [a, b, ..] if is_separator(a, b))
}

fn follows_separator(before: &[TokenTree]) -> bool {
    matches!(before, [.., a, b] if is_separator(a, b))
}

fn is_separator(a: &TokenTree, b: &TokenTree) -> bool {
    is_punct(a, ':') && is_punct(b, ':')
}

fn below(module: &[String], name: &str) -> Path {
    [module, &[name.to_owned()]].concat()
}

fn parent(module: &[String]) -> Path {
    module.split_last().map_or_else(Vec::new, |(_, rest)| rest.to_vec())
}

fn line_of(tree: &TokenTree) -> usize {
    tree.span().start().line
}

#[cfg(test)]
mod tests {
    use super::named;

    fn paths(text: &str) -> Vec<(usize, String)> {
        let module = ["a".to_owned(), "b".to_owned()];
        let found = named(&text.parse().unwrap(), &module, &["z"]);
        found.into_iter().map(|path| (path.line, path.to.join("::"))).collect()
    }

    fn one(text: &str) -> String {
        let mut found = paths(text);
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0).1
    }

    #[test]
    fn paths_are_given_from_the_root() {
        assert_eq!(one("use crate::x::Y;"), "x::Y");
        assert_eq!(one("use crate::x::Y as Z;"), "x::Y");
        assert_eq!(one("use self::x::Y;"), "a::b::x::Y");
        assert_eq!(one("use super::x;"), "a::x");
        assert_eq!(one("use super::super::x;"), "x");
        assert_eq!(one("use super::super::*;"), "");
        assert_eq!(one("mod c { mod d { use super::super::super::x; } }"), "a::x");
        assert_eq!(one("mod c; fn f() { c::g() }"), "a::b::c::g");
        assert_eq!(one("fn f() { z::g::<crate>() }"), "z::g");
    }

    #[test]
    fn each_branch_has_its_line() {
        let text = "use crate::{\n  self,\n  x::{Y,\n    z::*},\n  w as v,\n};";
        let expected = [(2, ""), (3, "x::Y"), (4, "x::z"), (5, "w")];
        assert_eq!(paths(text), expected.map(|(line, path)| (line, path.to_owned())));
    }

    #[test]
    fn macros_and_types_name_paths_too() {
        assert_eq!(one("m!(if crate::x::Y {})"), "x::Y");
        assert_eq!(one("macro_rules! m { () => { $crate::x::y() } }"), "x::y");
        assert_eq!(one("fn f(x: Option<&crate::x::Y>) {}"), "x::Y");
    }

    #[test]
    fn other_paths_are_left_alone() {
        let text = "use std::{z::X}; use y::Z; fn f(self) { self.z(); Self::z(); x::crate_() }";
        assert_eq!(paths(text), []);
        assert_eq!(paths("/// [`crate::x`]\n// crate::x\nconst X: &str = \"crate::x::y\";"), []);
        assert_eq!(paths("pub(crate) fn f() {} pub(super) fn g() {}"), []);
    }
}
