//! Comments and strings told apart from code, which neither `syn` nor its tokens do: they drop
//! comments. Rust's lexical grammar is small enough to do it here.

/// A comment; of one that spans lines, each line is one of these.
#[derive(Debug, PartialEq)]
pub(crate) struct Comment {
    pub(crate) line: usize,
    /// Without its slashes and stars, trimmed.
    pub(crate) text: String,
    /// `///`, `//!`, `/**`, `/*!`.
    pub(crate) doc: bool,
}

/// A string literal of any kind, without its quotes, escapes left as they are.
#[derive(Debug, PartialEq)]
pub(crate) struct Text {
    pub(crate) line: usize,
    pub(crate) text: String,
}

#[derive(Default)]
pub(crate) struct Scan {
    /// The lines, comments and literals replaced by spaces. Line `n` is `code[n - 1]`.
    pub(crate) code: Vec<String>,
    pub(crate) comments: Vec<Comment>,
    pub(crate) strings: Vec<Text>,
}

impl Scan {
    pub(crate) fn new(text: &str) -> Scan {
        let mut lexer = Lexer { rest: text, line: 1, code: String::new(), scan: Scan::default() };
        while !lexer.rest.is_empty() {
            lexer.step();
        }
        let Lexer { code, mut scan, .. } = lexer;
        scan.code = code.lines().map(str::to_owned).collect();
        scan
    }
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    code: String,
    scan: Scan,
}

impl<'a> Lexer<'a> {
    fn step(&mut self) {
        let rest = self.rest;
        if rest.starts_with("//") {
            let end = rest.find('\n').unwrap_or(rest.len());
            self.comment(end);
        } else if rest.starts_with("/*") {
            self.comment(block_comment_end(rest));
        } else if let Some(literal) = raw_string(rest) {
            self.string(literal);
        } else if rest.starts_with('"') {
            let end = closing_quote(rest, '"');
            self.string(Literal { end, inner: 1..end.max(2) - 1 });
        } else if rest.starts_with('\'') {
            match char_literal_end(rest) {
                Some(end) => drop(self.take(end, false)),
                None => drop(self.take(1, true)),
            }
        } else {
            self.take(word_end(rest), true);
        }
    }

    fn comment(&mut self, end: usize) {
        let line = self.line;
        let text = self.take(end, false);
        let doc = is_doc(text);
        let inner = text.trim_end_matches("*/");
        self.scan.comments.extend(inner.lines().enumerate().map(|(i, text)| Comment {
            line: line + i,
            text: text.trim().trim_start_matches(['/', '*', '!']).trim().to_owned(),
            doc,
        }));
    }

    fn string(&mut self, literal: Literal) {
        let line = self.line;
        let text = self.take(literal.end, false)[literal.inner].to_owned();
        self.scan.strings.push(Text { line, text });
    }

    /// Moves on by so many bytes, which are code or become spaces.
    fn take(&mut self, bytes: usize, is_code: bool) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        self.line += taken.matches('\n').count();
        let blank = |c| if is_code || c == '\n' { c } else { ' ' };
        self.code.extend(taken.chars().map(blank));
        taken
    }
}

struct Literal {
    end: usize,
    inner: std::ops::Range<usize>,
}

fn is_doc(comment: &str) -> bool {
    let starts = |prefix| comment.starts_with(prefix);
    (starts("///") && !starts("////"))
        || starts("//!")
        || starts("/*!")
        || (starts("/**") && !starts("/***") && !starts("/**/"))
}

/// Block comments nest.
fn block_comment_end(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += char_len(&rest[at..]);
        }
    }
    rest.len()
}

/// `r"…"`, `r#"…"#` and their `b` and `c` kin; not `r#ident`.
fn raw_string(rest: &str) -> Option<Literal> {
    let prefix = ["r", "br", "cr"].into_iter().find(|prefix| rest.starts_with(prefix))?;
    let hashes = rest[prefix.len()..].chars().take_while(|&c| c == '#').count();
    let open = prefix.len() + hashes + 1;
    if rest.as_bytes().get(open - 1) != Some(&b'"') {
        return None;
    }
    let close = format!("\"{}", "#".repeat(hashes));
    let length = rest[open..].find(&close)?;
    Some(Literal { end: open + length + close.len(), inner: open..open + length })
}

/// The end of a literal that starts with its quote, past the closing quote.
fn closing_quote(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return at + 1;
        }
    }
    rest.len()
}

/// `None` for a lifetime or a label.
fn char_literal_end(rest: &str) -> Option<usize> {
    let mut chars = rest.char_indices().skip(1);
    let (_, first) = chars.next()?;
    let (at, second) = chars.next()?;
    match (first, second) {
        ('\\', _) => Some(closing_quote(rest, '\'')),
        (_, '\'') => Some(at + 1),
        _ => None,
    }
}

/// A whole word or number at once, so that the `r` of `for"` is no prefix; else one character.
fn word_end(rest: &str) -> usize {
    let is_word = |c: char| c == '_' || c.is_alphanumeric();
    // The prefix of a raw string has been looked for; here `b"` and `c"` leave their quote behind.
    match rest.find(|c| !is_word(c)).unwrap_or(rest.len()) {
        0 => char_len(rest),
        end => end,
    }
}

fn char_len(rest: &str) -> usize {
    rest.chars().next().map_or(0, char::len_utf8)
}

#[cfg(test)]
mod tests {
    use super::{Comment, Scan};

    fn code(text: &str) -> String {
        Scan::new(text).code.join("\n").split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_and_literals_are_no_code() {
        assert_eq!(code("a /* x /* y */ z */ b // c\nd"), "a b d");
        assert_eq!(
            code(r##"f("unsafe \" x", r#"to"do!"#, b"y", 'z', '\'', '"') + 1"##),
            "f( , , b , , , ) + 1"
        );
    }

    #[test]
    fn lifetimes_labels_and_raw_names_are_code() {
        assert_eq!(code("&'a str; 'l: loop {} r#type 'x' 'é'"), "&'a str; 'l: loop {} r#type");
        assert_eq!(code("for\"x\" bar\"y\""), "for bar");
    }

    #[test]
    fn lines_stay_where_they_were() {
        let scan = Scan::new("/* a\n b */ x\n\"s\n t\" y\n");
        assert!(scan.code[1].ends_with(" x") && scan.code[3].ends_with(" y"));
        assert_eq!((scan.strings[0].line, scan.strings[0].text.as_str()), (3, "s\n t"));
    }

    #[test]
    fn comments_have_their_line_text_and_kind() {
        let scan = Scan::new("//! top\nx /* one\n * two */\n/// doc\n// SAFETY: it is.\n");
        let comment = |line, text: &str, doc| Comment { line, text: text.to_owned(), doc };
        let expected = [
            comment(1, "top", true),
            comment(2, "one", false),
            comment(3, "two", false),
            comment(4, "doc", true),
            comment(5, "SAFETY: it is.", false),
        ];
        assert_eq!(scan.comments, expected);
    }
}
