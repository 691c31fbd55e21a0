use std::fmt;

use anstyle::{AnsiColor, Style};

/// One thing that was looked at, as one line.
pub(super) struct Finding {
    level: Level,
    /// What was looked at, in one word.
    about: &'static str,
    text: String,
    /// What to do about it.
    next: Option<String>,
}

#[derive(Clone, Copy)]
enum Level {
    Ok,
    /// Worth knowing; nothing needs to be changed.
    Note,
    /// It costs speed or does not work at all.
    Problem,
}

impl Finding {
    pub(super) fn ok(about: &'static str, text: impl Into<String>) -> Self {
        Self::new(Level::Ok, about, text.into(), None)
    }

    pub(super) fn note(about: &'static str, text: impl Into<String>) -> Self {
        Self::new(Level::Note, about, text.into(), None)
    }

    pub(super) fn problem(
        about: &'static str,
        text: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self::new(Level::Problem, about, text.into(), Some(next.into()))
    }

    fn new(level: Level, about: &'static str, text: String, next: Option<String>) -> Self {
        Self { level, about, text, next }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let style = self.level.style();
        write!(f, "{style}{:<8}{style:#} {}: {}", self.level.word(), self.about, self.text)?;
        match &self.next {
            Some(next) => write!(f, "; next: {next}"),
            None => Ok(()),
        }
    }
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Problem => "problem",
        }
    }

    fn style(self) -> Style {
        let color = match self {
            Self::Ok => AnsiColor::Green,
            Self::Note => AnsiColor::Yellow,
            Self::Problem => AnsiColor::Red,
        };
        color.on_default()
    }
}
