//! `unsafe` stands in named islands only, each use with its proof.

use super::Finding;
use crate::source::Source;
use crate::source::unsafe_sites::{Kind, Site, keywords, sites};
use syn::punctuated::Punctuated;
use syn::{AttrStyle, Attribute, Expr, Meta, Token};

pub(crate) struct Island {
    /// `root.rs`, or all files below `root/`.
    pub(crate) root: &'static str,
    /// Why safe code cannot do what is done there.
    pub(crate) why: &'static str,
}

/// Where the keyword may stand.
pub(crate) const ISLANDS: &[Island] = &[
    Island {
        root: "crates/overlapped/src/buf",
        why: "tells how far a buffer has been filled, and lends its address",
    },
    Island {
        root: "crates/overlapped/src/iocb",
        why: "one block, owned by its two halves, freed by the last of them",
    },
    Island {
        root: "crates/overlapped/src/backend/uring",
        why: "turns an entry into an address that the kernel gets, and back",
    },
    Island {
        root: "crates/overlapped/src/backend/win32",
        why: "calls Win32, and keeps an entry together with its OVERLAPPED",
    },
    Island {
        root: "crates/overlapped/src/backend/iocp",
        why: "makes a completion port, and dequeues its packets",
    },
    Island {
        root: "crates/overlapped/src/backend/apc",
        why: "queues a routine that gets a thread up",
    },
    Island {
        root: "crates/overlapped/src/device",
        why: "a control code may have a driver touch any memory",
    },
    Island {
        root: "crates/overlapped/src/handle/win32",
        why: "asks Win32 what a handle is, and makes a pipe",
    },
    Island {
        root: "crates/overlapped/src/backend/pool/fd",
        why: "borrows a descriptor that an operation in flight keeps open",
    },
    Island {
        root: "crates/overlapped/src/backend/clock",
        why: "reads the clock of the last tick, which `std` does not offer",
    },
    Island {
        root: "crates/overlapped/src/sync/guarded",
        why: "a lock that one thread owns is a flag and no atomic",
    },
    Island {
        root: "crates/overlapped/src/sync/slot",
        why: "a thread's number that is there until the thread is gone",
    },
    Island {
        root: "crates/overlapped/src/runtime/waker",
        why: "a waker that is a number, and neither owns nor counts anything",
    },
    Island {
        root: "crates/overlapped/tests/support",
        why: "system calls that no crate offers safely, and a counting allocator",
    },
    Island {
        root: "crates/overlapped-lab/tests/mirror/real",
        why: "Win32's own calls, which the laboratory mirrors",
    },
];

impl Island {
    pub(crate) fn holds(&self, path: &str) -> bool {
        let rest = path.strip_prefix(self.root);
        rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
    }
}

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |line, message| findings.push(Finding::new(&source.path, line, message));
    let keywords = keywords(&source.tokens);
    if !ISLANDS.iter().any(|island| island.holds(&source.path)) {
        for &line in &keywords {
            add(line, format!("`unsafe` outside the islands; see ISLANDS in {}", file!()));
        }
    }
    let sites = sites(source);
    if sites.len() != keywords.len() {
        add(1, "an `unsafe` of a kind that unsafe_sites.rs does not know".to_owned());
    }
    for site in sites {
        if let Some(message) = unproven(&site) {
            add(site.line, message);
        }
    }
    findings
}

fn unproven(site: &Site) -> Option<String> {
    let owed = site.kind.owes()?;
    if site.proof.is_some() {
        return None;
    }
    let place = match site.kind {
        Kind::Fn | Kind::Trait => "in its documentation",
        _ => "directly above",
    };
    Some(format!("unsafe {} without `{owed}` {place}", site.kind))
}

/// Each island's file with `unsafe` re-opens it with a reason, itself or by a module above it that
/// is part of the island.
pub(super) fn check_reasons(sources: &[Source]) -> Vec<Finding> {
    let with_unsafe = sources.iter().filter(|source| !keywords(&source.tokens).is_empty());
    let silent = with_unsafe.filter(|source| {
        let island = ISLANDS.iter().find(|island| island.holds(&source.path));
        island.is_some_and(|island| !is_reasoned(source, island, sources))
    });
    let message =
        "`unsafe` without `#![expect(unsafe_code, reason = \"..\")]` at the top of the file";
    silent.map(|source| Finding::new(&source.path, 1, message)).collect()
}

fn is_reasoned(source: &Source, island: &Island, sources: &[Source]) -> bool {
    let above = |other: &&Source| {
        let folder = other.path.strip_suffix("mod.rs").map(str::to_owned);
        let folder = folder.unwrap_or_else(|| format!("{}/", other.path.trim_end_matches(".rs")));
        island.holds(&other.path) && (other.path == source.path || source.path.starts_with(&folder))
    };
    sources.iter().filter(above).any(|other| other.syntax.attrs.iter().any(reopens))
}

fn reopens(attr: &Attribute) -> bool {
    let Meta::List(list) = &attr.meta else {
        return false;
    };
    let is_level = list.path.is_ident("expect") || list.path.is_ident("allow");
    let parse = Punctuated::<Meta, Token![,]>::parse_terminated;
    let Ok(parts) = list.parse_args_with(parse) else {
        return false;
    };
    let names_lint = parts.iter().any(|part| part.path().is_ident("unsafe_code"));
    matches!(attr.style, AttrStyle::Inner(_))
        && is_level
        && names_lint
        && parts.iter().any(is_reason)
}

fn is_reason(part: &Meta) -> bool {
    let Meta::NameValue(meta) = part else {
        return false;
    };
    let Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &meta.value else {
        return false;
    };
    meta.path.is_ident("reason") && !text.value().trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::super::planted::{lines, source};
    use super::{check, check_reasons};

    const PROVEN: &str = "fn f() {\n// SAFETY: because\nunsafe { g() } }";

    #[test]
    fn unsafe_in_an_island_with_a_proof_is_fine() {
        assert_eq!(check(&source("crates/overlapped/src/buf.rs", PROVEN)), []);
        assert_eq!(check(&source("crates/overlapped/src/backend/uring/sq.rs", PROVEN)), []);
    }

    #[test]
    fn unsafe_elsewhere_is_found() {
        assert_eq!(lines(&check(&source("crates/overlapped/src/port/mod.rs", PROVEN))), [3]);
        assert_eq!(lines(&check(&source("crates/overlapped/src/buffer.rs", PROVEN))), [3]);
        assert_eq!(lines(&check(&source("crates/overlapped/tests/it/fs.rs", PROVEN))), [3]);
        let in_macro = "macro_rules! m { () => {\n// SAFETY: because\nunsafe { g() } } }";
        assert_eq!(lines(&check(&source("crates/overlapped/src/fs.rs", in_macro))), [3]);
        let words = "// unsafe\nconst S: &str = \"unsafe\"; #[allow(unsafe_code)] fn f() {}";
        assert_eq!(check(&source("crates/overlapped/src/fs.rs", words)), []);
    }

    #[test]
    fn unsafe_without_a_proof_is_found() {
        let bad = |text| lines(&check(&source("crates/overlapped/src/iocb/mod.rs", text)));
        assert_eq!(bad("fn f() {\nunsafe { g() } }"), [2]);
        assert_eq!(bad("unsafe impl Send for A {}"), [1]);
        assert_eq!(bad("/// Does.\nunsafe fn f() {}"), [2]);
        assert_eq!(bad("/// Is.\nunsafe trait T {}"), [2]);
        assert_eq!(bad("macro_rules! m { () => {\nunsafe { g() } } }"), [2]);
        assert_eq!(bad("type F = unsafe fn();"), []);
    }

    #[test]
    fn an_unknown_kind_is_found() {
        let text = "#[cfg_attr(unix, unsafe(no_mangle))] fn f() {}";
        assert_eq!(lines(&check(&source("crates/overlapped/src/buf.rs", text))), [1]);
    }

    #[test]
    fn an_island_must_give_its_reason() {
        let silent = |path: &str, text: &str, above: &str| {
            let above = source("crates/overlapped/src/iocb/mod.rs", above);
            let text = format!("{text}\n{PROVEN}");
            check_reasons(&[above, source(path, &text)]).len() == 1
        };
        let reason = "#![expect(unsafe_code, reason = \"so\")]";
        let pool = "crates/overlapped/src/iocb/pool.rs";
        assert!(silent(pool, "", ""));
        assert!(silent(pool, "#![expect(unsafe_code)]", ""));
        assert!(silent(pool, "#![allow(unsafe_code, reason = \" \")]", ""));
        assert!(silent(pool, "#![expect(dead_code, reason = \"so\")]", ""));
        assert!(silent(pool, "#[expect(unsafe_code, reason = \"so\")] mod m {}", ""));
        assert!(silent("crates/overlapped/src/buf.rs", "", reason));
        assert!(!silent(pool, reason, ""));
        assert!(!silent(pool, "", reason));
    }
}
