//! The proofs: `SAFETY:` comments, and `# Safety` sections of documentation.

use super::Source;
use syn::{Attribute, Expr, Meta};

impl Source {
    /// The text behind `SAFETY:` in a comment on that line or directly above it; attributes may
    /// stand between.
    pub(super) fn safety_comment(&self, line: usize) -> Option<String> {
        let same_line: Vec<_> = self.plain_comments(line).collect();
        safety_text(&same_line).or_else(|| safety_text(&self.comments_above(line)))
    }

    fn comments_above(&self, line: usize) -> Vec<&str> {
        let mut texts = Vec::new();
        for above in (1..line).rev() {
            let code_is_blank = self.scan.code[above - 1].trim().is_empty();
            let comments: Vec<_> = self.plain_comments(above).collect();
            if code_is_blank && !comments.is_empty() {
                texts.splice(0..0, comments);
            } else if !self.is_attribute(above) {
                break;
            }
        }
        texts
    }

    fn plain_comments(&self, line: usize) -> impl Iterator<Item = &str> {
        let on_line = self.scan.comments.iter().filter(move |c| c.line == line && !c.doc);
        on_line.map(|comment| comment.text.as_str())
    }
}

fn safety_text(comments: &[&str]) -> Option<String> {
    let all = comments.join(" ");
    let (_, proof) = all.split_once("SAFETY:")?;
    non_empty(proof)
}

/// The text of the section `# Safety` of an item's documentation.
pub(super) fn safety_section(attrs: &[Attribute]) -> Option<String> {
    let docs: Vec<_> = attrs.iter().filter_map(doc_line).collect();
    let lines = docs.iter().flat_map(|doc| doc.lines()).map(str::trim);
    let below = lines.skip_while(|line| *line != "# Safety").skip(1);
    let section: Vec<_> = below.take_while(|line| !line.starts_with("# ")).collect();
    non_empty(&section.join(" "))
}

fn doc_line(attr: &Attribute) -> Option<String> {
    let Meta::NameValue(meta) = &attr.meta else {
        return None;
    };
    let Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &meta.value else {
        return None;
    };
    meta.path.is_ident("doc").then(|| text.value())
}

fn non_empty(text: &str) -> Option<String> {
    let text = one_line(text);
    (!text.is_empty()).then_some(text)
}

pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use crate::source::Source;
    use crate::source::unsafe_sites::sites;

    fn proof(text: &str) -> Option<String> {
        let source = Source::parse("crates/x/src/a.rs", text.to_owned()).unwrap();
        sites(&source).remove(0).proof
    }

    #[test]
    fn a_proof_stands_directly_above_the_block_or_its_statement() {
        let ok = Some("it is so, and so".to_owned());
        assert_eq!(proof("fn f() {\n// SAFETY: it is so,\n// and so\nunsafe { g() } }"), ok);
        assert_eq!(proof("fn f() {\n// SAFETY: it is so, and so\nlet x =\nunsafe { g() }; }"), ok);
        assert_eq!(proof("fn f() { h(/* SAFETY: it is so, and so */ unsafe { g() }) }"), ok);
        assert_eq!(
            proof("// SAFETY: it is so, and so\n#[cfg(\nunix)]\nunsafe impl A for B {}"),
            ok
        );
        assert_eq!(
            proof("fn f() { match x {\n// SAFETY: it is so, and so\n_ => unsafe { g() } } }"),
            ok
        );
    }

    #[test]
    fn a_proof_elsewhere_is_none() {
        assert_eq!(proof("fn f() {\n// SAFETY: far\n\nunsafe { g() } }"), None);
        assert_eq!(proof("// SAFETY: of the function\nfn f() {\nunsafe { g() } }"), None);
        assert_eq!(proof("fn f() {\n// SAFETY: used up\nh();\nunsafe { g() } }"), None);
        assert_eq!(proof("fn f() {\n// SAFETY:\nunsafe { g() } }"), None);
        assert_eq!(proof("fn f() {\n// it is safe\nunsafe { g() } }"), None);
        assert_eq!(proof("/// SAFETY: in the docs\nunsafe impl A for B {}"), None);
    }

    #[test]
    fn functions_and_traits_prove_in_their_documentation() {
        let text = "/// Takes.\n///\n/// # Safety\n/// Only\n/// once.\n/// # Errors\n/// No.\n";
        assert_eq!(proof(&format!("{text}unsafe fn f() {{}}")), Some("Only once.".to_owned()));
        assert_eq!(proof(&format!("{text}unsafe trait T {{}}")), Some("Only once.".to_owned()));
        assert_eq!(proof("/// Takes.\nunsafe fn f() {}"), None);
        assert_eq!(proof("// SAFETY: no section\nunsafe fn f() {}"), None);
    }
}
