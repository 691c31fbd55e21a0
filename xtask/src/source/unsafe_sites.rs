//! Every use of the keyword `unsafe`, with the item around it and the proof that goes with it.

use super::proofs::{one_line, safety_section};
use super::{Source, is_ident};
use proc_macro2::{Span, TokenStream, TokenTree};
use std::fmt;
use syn::Attribute;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Block,
    Fn,
    /// A function that a trait declares unsafe: the trait has said what its caller owes.
    FnOfTraitImpl,
    Impl,
    Trait,
    Extern,
    Attribute,
    /// The type `unsafe fn(..)`: nothing is claimed there.
    FnPointer,
    /// Among the tokens of a macro, where blocks and functions cannot be told apart.
    InMacro,
}

pub(crate) struct Site {
    pub(crate) kind: Kind,
    /// The path of the item around it, or its own if it is an item; empty at the top of the file.
    pub(crate) item: String,
    pub(crate) line: usize,
    /// The text behind `SAFETY:` or below `# Safety`, on one line.
    pub(crate) proof: Option<String>,
}

impl Kind {
    /// The word that must introduce its proof, if it needs one.
    pub(crate) fn owes(self) -> Option<&'static str> {
        match self {
            Kind::FnPointer | Kind::FnOfTraitImpl => None,
            Kind::Fn | Kind::Trait => Some("# Safety"),
            _ => Some("SAFETY:"),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Block => "block",
            Kind::Fn | Kind::FnOfTraitImpl => "fn",
            Kind::Impl => "impl",
            Kind::Trait => "trait",
            Kind::Extern => "extern block",
            Kind::Attribute => "attribute",
            Kind::FnPointer => "fn pointer",
            Kind::InMacro => "in a macro",
        })
    }
}

/// All sites of a file in their order there.
pub(crate) fn sites(source: &Source) -> Vec<Site> {
    let mut finder = Finder { source, items: Vec::new(), anchors: Vec::new(), sites: Vec::new() };
    finder.visit_file(&source.syntax);
    finder.sites
}

/// The lines of all `unsafe` tokens. There are as many as sites, or this module overlooks some.
pub(crate) fn keywords(tokens: &TokenStream) -> Vec<usize> {
    let mut lines = Vec::new();
    for tree in tokens.clone() {
        match &tree {
            TokenTree::Group(group) => lines.extend(keywords(&group.stream())),
            tree if is_ident(tree, "unsafe") => lines.push(tree.span().start().line),
            _ => {}
        }
    }
    lines
}

struct Finder<'a> {
    source: &'a Source,
    items: Vec<String>,
    /// First lines of the statements, arms and items around: a comment above them counts, too.
    anchors: Vec<usize>,
    sites: Vec<Site>,
}

impl Finder<'_> {
    fn commented(&mut self, kind: Kind, keyword: Span) {
        let line = keyword.start().line;
        let anchor = self.anchors.last().copied().unwrap_or(line);
        let proof = self.source.safety_comment(line).or_else(|| self.source.safety_comment(anchor));
        self.sites.push(Site { kind, item: self.items.join("::"), line, proof });
    }

    fn documented(&mut self, kind: Kind, keyword: Span, attrs: &[Attribute]) {
        let line = keyword.start().line;
        self.sites.push(Site {
            kind,
            item: self.items.join("::"),
            line,
            proof: safety_section(attrs),
        });
    }

    fn within(&mut self, name: String, visit: impl FnOnce(&mut Self)) {
        self.items.push(name);
        visit(self);
        self.items.pop();
    }

    fn anchored(&mut self, span: Span, visit: impl FnOnce(&mut Self)) {
        self.anchors.push(span.start().line);
        visit(self);
        self.anchors.pop();
    }

    fn signature(&mut self, sig: &syn::Signature, attrs: &[Attribute], kind: Kind) {
        if let Some(keyword) = &sig.unsafety {
            self.documented(kind, keyword.span, attrs);
        }
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_expr_unsafe(&mut self, node: &'ast syn::ExprUnsafe) {
        self.commented(Kind::Block, node.unsafe_token.span);
        visit::visit_expr_unsafe(self, node);
    }

    fn visit_item_fn(&mut self, node: &'ast syn::ItemFn) {
        self.within(node.sig.ident.to_string(), |this| {
            this.signature(&node.sig, &node.attrs, Kind::Fn);
            visit::visit_item_fn(this, node);
        });
    }

    fn visit_item_impl(&mut self, node: &'ast syn::ItemImpl) {
        self.within(impl_name(node), |this| {
            if let Some(keyword) = &node.unsafety {
                this.commented(Kind::Impl, keyword.span);
            }
            let kind = if node.trait_.is_some() { Kind::FnOfTraitImpl } else { Kind::Fn };
            for item in &node.items {
                let syn::ImplItem::Fn(function) = item else {
                    this.visit_impl_item(item);
                    continue;
                };
                this.within(function.sig.ident.to_string(), |this| {
                    this.signature(&function.sig, &function.attrs, kind);
                    visit::visit_impl_item_fn(this, function);
                });
            }
        });
    }

    fn visit_item_trait(&mut self, node: &'ast syn::ItemTrait) {
        self.within(node.ident.to_string(), |this| {
            if let Some(keyword) = &node.unsafety {
                this.documented(Kind::Trait, keyword.span, &node.attrs);
            }
            visit::visit_item_trait(this, node);
        });
    }

    fn visit_trait_item_fn(&mut self, node: &'ast syn::TraitItemFn) {
        self.within(node.sig.ident.to_string(), |this| {
            this.signature(&node.sig, &node.attrs, Kind::Fn);
            visit::visit_trait_item_fn(this, node);
        });
    }

    fn visit_foreign_item_fn(&mut self, node: &'ast syn::ForeignItemFn) {
        self.within(node.sig.ident.to_string(), |this| {
            this.signature(&node.sig, &node.attrs, Kind::Fn);
            visit::visit_foreign_item_fn(this, node);
        });
    }

    fn visit_item_foreign_mod(&mut self, node: &'ast syn::ItemForeignMod) {
        if let Some(keyword) = &node.unsafety {
            self.commented(Kind::Extern, keyword.span);
        }
        visit::visit_item_foreign_mod(self, node);
    }

    fn visit_type_bare_fn(&mut self, node: &'ast syn::TypeBareFn) {
        if let Some(keyword) = &node.unsafety {
            self.commented(Kind::FnPointer, keyword.span);
        }
        visit::visit_type_bare_fn(self, node);
    }

    fn visit_attribute(&mut self, node: &'ast Attribute) {
        if node.path().is_ident("unsafe") {
            self.commented(Kind::Attribute, node.path().span());
        }
        visit::visit_attribute(self, node);
    }

    fn visit_macro(&mut self, node: &'ast syn::Macro) {
        for line in keywords(&node.tokens) {
            let proof = self.source.safety_comment(line);
            let item = self.items.join("::");
            self.sites.push(Site { kind: Kind::InMacro, item, line, proof });
        }
    }

    fn visit_item_mod(&mut self, node: &'ast syn::ItemMod) {
        self.within(node.ident.to_string(), |this| {
            visit::visit_item_mod(this, node);
        });
    }

    fn visit_item_const(&mut self, node: &'ast syn::ItemConst) {
        self.within(node.ident.to_string(), |this| {
            visit::visit_item_const(this, node);
        });
    }

    fn visit_item_static(&mut self, node: &'ast syn::ItemStatic) {
        self.within(node.ident.to_string(), |this| {
            visit::visit_item_static(this, node);
        });
    }

    fn visit_item_macro(&mut self, node: &'ast syn::ItemMacro) {
        let name =
            node.ident.as_ref().map_or_else(|| "macro".to_owned(), |name| format!("{name}!"));
        self.within(name, |this| visit::visit_item_macro(this, node));
    }

    fn visit_item(&mut self, node: &'ast syn::Item) {
        self.anchored(node.span(), |this| visit::visit_item(this, node));
    }

    fn visit_impl_item(&mut self, node: &'ast syn::ImplItem) {
        self.anchored(node.span(), |this| visit::visit_impl_item(this, node));
    }

    fn visit_stmt(&mut self, node: &'ast syn::Stmt) {
        self.anchored(node.span(), |this| visit::visit_stmt(this, node));
    }

    fn visit_arm(&mut self, node: &'ast syn::Arm) {
        self.anchored(node.span(), |this| visit::visit_arm(this, node));
    }

    fn visit_field_value(&mut self, node: &'ast syn::FieldValue) {
        self.anchored(node.span(), |this| visit::visit_field_value(this, node));
    }
}

/// `Block`, or `Drop for Block`.
fn impl_name(node: &syn::ItemImpl) -> String {
    let text = |span: Span| one_line(&span.source_text().unwrap_or_default());
    let own = text(node.self_ty.span());
    match &node.trait_ {
        Some((_, name, _)) => format!("<{own} as {}>", text(name.span())),
        None => own,
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, keywords, sites};
    use crate::source::Source;

    fn found(text: &str) -> Vec<(Kind, String)> {
        let source = Source::parse("crates/x/src/a.rs", text.to_owned()).unwrap();
        let sites = sites(&source);
        assert_eq!(sites.len(), keywords(&source.tokens).len(), "every keyword is classified");
        sites.into_iter().map(|site| (site.kind, site.item)).collect()
    }

    #[test]
    fn every_kind_is_found_with_its_item() {
        let text = "
            unsafe impl Send for Block<u8> {}
            unsafe trait Buf { unsafe fn grow(&mut self); }
            impl Block { unsafe fn take() { unsafe { f() } } }
            impl Buf for Block { unsafe fn grow(&mut self) {} }
            unsafe extern \"C\" { safe fn g(); }
            mod raw { static S: u8 = unsafe { h() }; type F = unsafe fn(); }
            #[unsafe(no_mangle)] fn exported() {}
            macro_rules! m { () => { unsafe { k() } } }
        ";
        let expected = [
            (Kind::Impl, "<Block<u8> as Send>"),
            (Kind::Trait, "Buf"),
            (Kind::Fn, "Buf::grow"),
            (Kind::Fn, "Block::take"),
            (Kind::Block, "Block::take"),
            (Kind::FnOfTraitImpl, "<Block as Buf>::grow"),
            (Kind::Extern, ""),
            (Kind::Block, "raw::S"),
            (Kind::FnPointer, "raw"),
            (Kind::Attribute, "exported"),
            (Kind::InMacro, "m!"),
        ];
        assert_eq!(found(text), expected.map(|(kind, item)| (kind, item.to_owned())));
    }
}
