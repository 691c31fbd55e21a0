use super::{Access, Actor, Choice, Kind, Object, Search, Tape};

/// The first runs, before any search: everything as late as possible, everything at once, and each
/// way of each choice once while the rest goes the plain way. Most bugs show here.
#[derive(Debug, Default)]
pub struct Extreme {
    run: usize,
    /// The choices in the first run: of how many ways, and whether the program goes on or not.
    seen: Vec<usize>,
    tape: Tape,
    place: usize,
}

/// How many runs are there beside those that take one choice otherwise.
const MANNERS: usize = 3;
/// How many choices are taken otherwise, one at a time.
const SINGLES: usize = 32;

impl Extreme {
    /// None taken yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The choice and the way that this run takes otherwise.
    fn single(&self) -> Option<(usize, usize)> {
        let mut number = self.run.checked_sub(MANNERS + 1)?;
        for (place, ways) in self.seen.iter().enumerate() {
            if number < ways - 1 {
                return Some((place, number + 1));
            }
            number -= ways - 1;
        }
        None
    }

    fn decide(&mut self, n: usize, actor: bool) -> usize {
        if n < 2 {
            return 0;
        }
        let place = self.place;
        self.place += 1;
        if self.run == 1 && self.seen.len() < SINGLES {
            self.seen.push(n);
        }
        let chosen = match self.run {
            1 => 0,
            // Whoever else can go on does.
            2 if actor => n - 1,
            // They take turns.
            3 if actor => place % 2,
            _ => match self.single() {
                Some((single, way)) if single == place => way.min(n - 1),
                _ => 0,
            },
        };
        self.tape.push(n, chosen)
    }
}

impl Choice for Extreme {
    fn next(&mut self, enabled: &[Actor]) -> usize {
        self.decide(enabled.len(), true)
    }

    fn choose(&mut self, n: usize, _: Kind) -> usize {
        self.decide(n, false)
    }

    fn touch(&mut self, _: Object, _: Access) {}
}

impl Search for Extreme {
    fn begin(&mut self) -> bool {
        self.run += 1;
        self.place = 0;
        self.tape.clear();
        self.run <= MANNERS || self.single().is_some()
    }

    fn end(&mut self) {}

    fn tape(&self) -> &Tape {
        &self.tape
    }
}
