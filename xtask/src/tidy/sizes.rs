//! Sizes, as a report that never fails: a long file or function is a question, not an error.

use crate::source::Source;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

const FILE_LINES: usize = 400;
const FN_LINES: usize = 70;

pub(super) fn report(sources: &[Source]) -> String {
    let shipped: Vec<_> = sources.iter().filter(|s| s.is_ours_to_ship() && s.is_src()).collect();
    let mut sizes: Vec<_> = shipped.iter().map(|source| source.text.lines().count()).collect();
    sizes.sort_unstable();
    let median = sizes.get(sizes.len() / 2).unwrap_or(&0);
    let mut text = format!("{} files in crates/*/src, median {median} lines\n", sizes.len());
    for source in sources {
        let lines = source.text.lines().count();
        if lines > FILE_LINES {
            text += &format!("long file: {} ({lines} lines)\n", source.path);
        }
        for (name, lines) in long_functions(source) {
            text += &format!("long function: {name} in {} ({lines} lines)\n", source.path);
        }
    }
    text
}

fn long_functions(source: &Source) -> Vec<(String, usize)> {
    let mut finder = Finder { long: Vec::new() };
    finder.visit_file(&source.syntax);
    finder.long
}

struct Finder {
    long: Vec<(String, usize)>,
}

impl Finder {
    fn measure(&mut self, sig: &syn::Signature, block: &syn::Block) {
        let lines = block.brace_token.span.close().end().line + 1 - sig.span().start().line;
        if lines > FN_LINES {
            self.long.push((sig.ident.to_string(), lines));
        }
    }
}

impl<'ast> Visit<'ast> for Finder {
    fn visit_item_fn(&mut self, node: &'ast syn::ItemFn) {
        self.measure(&node.sig, &node.block);
        visit::visit_item_fn(self, node);
    }

    fn visit_impl_item_fn(&mut self, node: &'ast syn::ImplItemFn) {
        self.measure(&node.sig, &node.block);
        visit::visit_impl_item_fn(self, node);
    }

    fn visit_trait_item_fn(&mut self, node: &'ast syn::TraitItemFn) {
        if let Some(block) = &node.default {
            self.measure(&node.sig, block);
        }
        visit::visit_trait_item_fn(self, node);
    }
}

#[cfg(test)]
mod tests {
    use super::super::planted::source;
    use super::report;

    #[test]
    fn long_files_and_functions_are_named() {
        let body = |lines| format!("fn f() {{\n{}}}\n", "g();\n".repeat(lines));
        let text = report(&[source("crates/x/src/a.rs", &body(69))]);
        assert!(text.contains("long function: f in crates/x/src/a.rs (71 lines)"), "{text}");
        assert!(!report(&[source("crates/x/src/a.rs", &body(68))]).contains("long"));
        let text = report(&[source("crates/x/src/b.rs", &"\n".repeat(401))]);
        assert!(text.contains("long file: crates/x/src/b.rs (401 lines)"), "{text}");
    }
}
