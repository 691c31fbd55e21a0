//! Every line of the contract is held by code and by a test, and each says so by a mark.
//!
//! A mark is `[C5]` in a comment; in the case tables of tests, the string `"C5"` is one, too.

use super::Finding;
use crate::source::Source;
use std::collections::BTreeMap;

pub(super) const PAGE: &str = "docs/contract.md";

/// `C1` to `C16`: a line that vanishes from the page is a promise broken in silence.
const LINES: u32 = 16;

pub(super) fn check(page: &str, sources: &[Source], exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let sections = sections(page);
    let marks: Vec<_> = sources.iter().flat_map(marks).collect();
    let mut findings = numbering(&sections);
    findings.extend(sections.iter().filter_map(|section| unheld(section, &marks)));
    findings.extend(unknown(&marks));
    findings.extend(dead_links(page, exists));
    findings
}

struct Section {
    number: u32,
    line: usize,
    /// It says itself what is owed.
    owed: bool,
}

/// `## C5 — …` up to the next heading of that level.
fn sections(page: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut inside = false;
    for (line, text) in (1..).zip(page.lines()) {
        if let Some(heading) = text.strip_prefix("## ") {
            let number = heading.split_whitespace().next().and_then(number);
            inside = number.is_some();
            sections.extend(number.map(|number| Section { number, line, owed: false }));
        } else if inside && text.starts_with("Owed:") {
            if let Some(section) = sections.last_mut() {
                section.owed = true;
            }
        }
    }
    sections
}

/// 5, for `C5`.
fn number(name: &str) -> Option<u32> {
    let digits = name.strip_prefix('C')?;
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok())?
}

fn numbering(sections: &[Section]) -> Vec<Finding> {
    let mut lines: BTreeMap<u32, Vec<usize>> = (1..=LINES).map(|n| (n, Vec::new())).collect();
    for section in sections {
        lines.entry(section.number).or_default().push(section.line);
    }
    let wrong = lines.iter().filter_map(|(&n, lines)| match lines.as_slice() {
        [] => Some(Finding::new(PAGE, 1, format!("no heading `## C{n} — …`"))),
        [_] if n <= LINES && n > 0 => None,
        [_] => {
            let message = format!("C{n} is beyond C{LINES}; see LINES in {}", file!());
            Some(Finding::new(PAGE, lines[0], message))
        }
        [_, second, ..] => Some(Finding::new(PAGE, *second, format!("a second C{n}"))),
    });
    wrong.collect()
}

struct Mark {
    number: u32,
    path: String,
    line: usize,
    in_test: bool,
}

fn marks(source: &Source) -> Vec<Mark> {
    if !source.is_ours_to_ship() {
        return Vec::new();
    }
    let mark = |number, line| Mark {
        number,
        path: source.path.clone(),
        line,
        in_test: source.is_test(line),
    };
    let comments = source.scan.comments.iter();
    let in_comments = comments.flat_map(|c| bracketed(&c.text).map(|n| mark(n, c.line)));
    let strings = source.scan.strings.iter();
    let in_tables = strings.filter_map(|s| Some(mark(number(&s.text)?, s.line)));
    let in_tables = in_tables.filter(|mark| mark.in_test);
    let all = in_comments.chain(in_tables);
    all.filter(|mark| mark.in_test || source.is_src()).collect()
}

/// The numbers of all `[C5]` in a text.
fn bracketed(text: &str) -> impl Iterator<Item = u32> {
    text.split('[').skip(1).filter_map(|rest| number(rest.split_once(']')?.0))
}

fn unheld(section: &Section, marks: &[Mark]) -> Option<Finding> {
    let n = section.number;
    let held = |in_test| marks.iter().any(|mark| mark.number == n && mark.in_test == in_test);
    let missing = match (held(false), held(true)) {
        (true, true) => return None,
        (false, true) => "code",
        (true, false) => "test",
        (false, false) => "code and no test",
    };
    let message = format!("C{n} is held by no {missing}: mark it `[C{n}]`, or say `Owed: …` here");
    (!section.owed).then(|| Finding::new(PAGE, section.line, message))
}

fn unknown(marks: &[Mark]) -> Vec<Finding> {
    let beyond = marks.iter().filter(|mark| !(1..=LINES).contains(&mark.number));
    let message = |mark: &Mark| format!("the contract has no line C{}", mark.number);
    beyond.map(|mark| Finding::new(&mark.path, mark.line, message(mark))).collect()
}

/// Files that the page links to and that are not there. Links are relative to `docs/`.
fn dead_links(page: &str, exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, text) in (1..).zip(page.lines()) {
        for target in links(text).filter(|target| !target.contains("://")) {
            let path = target.split('#').next().unwrap_or_default();
            if !path.is_empty() && !exists(&format!("docs/{path}")) {
                findings.push(Finding::new(PAGE, line, format!("there is no file `{path}`")));
            }
        }
    }
    findings
}

/// The targets of `[text](target)` and of `[name]: target`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let inline = text.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
    let definition = text.strip_prefix('[').and_then(|rest| Some(rest.split_once("]: ")?.1));
    inline.chain(definition).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::super::planted::source;
    use super::{LINES, check};
    use crate::source::Source;

    /// A page where all is owed but for the sections given.
    fn page(sections: &[(u32, &str)]) -> String {
        let text =
            |n| sections.iter().find(|(own, _)| *own == n).map_or("Owed: all.", |(_, text)| text);
        (1..=LINES).map(|n| format!("## C{n} — a promise\n\n{}\n", text(n))).collect()
    }

    fn messages(page: &str, sources: &[Source]) -> Vec<String> {
        let findings = check(page, sources, |path| path == "docs/../crates/x/src/a.rs");
        findings.iter().map(ToString::to_string).collect()
    }

    fn code(text: &str) -> Source {
        source("crates/x/src/a.rs", text)
    }

    fn test(text: &str) -> Source {
        source("crates/x/tests/a.rs", text)
    }

    #[test]
    fn a_line_held_by_code_and_test_is_fine() {
        let page = page(&[(5, "held")]);
        assert_eq!(messages(&page, &[code("// so [C5] [C6]"), test("// [C5] so")]), [""; 0]);
        assert_eq!(
            messages(&page, &[code("/// so [C5]\nfn f() {}"), test("const C: &str = \"C5\";")]),
            [""; 0]
        );
        assert_eq!(
            messages(&page, &[code("// [C5]\n#[cfg(test)]\nmod tests {\n// [C5]\n}")]),
            [""; 0]
        );
    }

    #[test]
    fn a_line_without_a_mark_is_found() {
        let page = page(&[(5, "held")]);
        let only = |sources: &[Source], missing: &str| {
            let found = messages(&page, sources);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains(&format!("held by no {missing}:")), "{found:?}");
        };
        only(&[test("// [C5]")], "code");
        only(&[code("// [C5]")], "test");
        only(&[], "code and no test");
        only(&[code("// C5, C[5], [C 5], [C5, C6] [D5]"), test("// [C5]")], "code");
        only(
            &[code("const X: &str = \"[C5]\";"), test("const X: &str = \"C5 \"; // [C5]")],
            "code",
        );
        only(&[code("const X: &str = \"C5\";"), test("// [C5]")], "code");
        only(&[source("xtask/src/a.rs", "// [C5]"), test("// [C5]")], "code");
        only(&[source("crates/x/examples/a.rs", "// [C5]"), test("// [C5]")], "code");
    }

    #[test]
    fn a_mark_without_a_line_is_found() {
        let found = messages(&page(&[]), &[code("\n// [C17]"), test("const X: &str = \"C0\";")]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("crates/x/src/a.rs:2: the contract has no line C17"));
    }

    #[test]
    fn wrong_numbering_is_found() {
        assert_eq!(messages("", &[]).len(), LINES as usize);
        let gone = page(&[]).replace("## C7 —", "## Seven —");
        assert_eq!(messages(&gone, &[]), ["docs/contract.md:1: no heading `## C7 — …`"]);
        let twice = page(&[]) + "## C7 — again\nOwed: x\n";
        assert!(messages(&twice, &[])[0].contains("a second C7"));
        let beyond = page(&[]) + "## C17 — more\nOwed: x\n";
        assert!(messages(&beyond, &[])[0].contains("beyond C16"));
    }

    #[test]
    fn owed_counts_only_in_its_own_section() {
        let page = page(&[(5, "held\n## Notes\nOwed: not C5.")]);
        assert_eq!(messages(&page, &[]).len(), 1);
    }

    #[test]
    fn links_to_missing_files_are_found() {
        let good = "[a](../crates/x/src/a.rs#L1) [b](https://example.org/x) [c](#c5)\nOwed: x";
        assert_eq!(messages(&page(&[(5, good)]), &[]), [""; 0]);
        let bad = "[a](../crates/x/src/b.rs) and [b](gone.md)\n[c]: gone-too.md\nOwed: x";
        assert_eq!(messages(&page(&[(5, bad)]), &[]).len(), 3);
    }
}
