//! What was chosen, in order, and the short token that stands for it.

use std::{fmt, str::FromStr};

/// The choices of a run, where there was more than one way: of how many, which.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tape {
    choices: Vec<(u32, u32)>,
}

impl Tape {
    /// No choices yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a choice, and gives it back. One way is no choice.
    pub fn push(&mut self, ways: usize, chosen: usize) -> usize {
        if ways > 1 {
            self.choices.push((ways as u32, chosen as u32));
        }
        chosen
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.choices.clear();
    }

    /// The choices: of how many ways, which.
    pub fn choices(&self) -> &[(u32, u32)] {
        &self.choices
    }

    /// The same with the choice at `place` replaced.
    pub(super) fn with(&self, place: usize, chosen: u32) -> Self {
        let mut choices = self.choices.clone();
        choices[place].1 = chosen;
        Self { choices }
    }

    /// The same with the plain way in all of `places`.
    pub(super) fn plain(&self, places: std::ops::Range<usize>) -> Self {
        let mut choices = self.choices.clone();
        choices[places].iter_mut().for_each(|(_, chosen)| *chosen = 0);
        Self { choices }
    }

    /// How many choices were not the plain way.
    pub fn deviations(&self) -> usize {
        self.choices.iter().filter(|(_, chosen)| *chosen > 0).count()
    }

    /// A number that depends on how many ways there were, and when.
    fn shape(&self) -> u32 {
        let mix = |hash: u32, (ways, _): &(u32, u32)| (hash ^ ways).wrapping_mul(0x0100_0193);
        // What comes after the last choice that is not the plain way is not in the token.
        self.choices[..self.significant()].iter().fold(0x811c_9dc5, mix)
    }

    fn significant(&self) -> usize {
        self.choices.iter().rposition(|(_, chosen)| *chosen > 0).map_or(0, |last| last + 1)
    }

    /// The token that replays this.
    pub fn token(&self) -> Token {
        let shape = self.shape();
        let check = (shape ^ (shape >> 10) ^ (shape >> 20)) & 0x3ff;
        let mut packed = Some(0_u128);
        for (ways, chosen) in self.choices[..self.significant()].iter().rev() {
            let more = |value: u128| value.checked_mul(u128::from(*ways));
            packed = packed.and_then(more).and_then(|value| value.checked_add(u128::from(*chosen)));
        }
        let script = match packed {
            Some(packed) => Script::Packed(packed),
            None => Script::Deviations(
                (0..)
                    .zip(&self.choices)
                    .filter(|(_, (_, chosen))| *chosen > 0)
                    .map(|(place, (_, chosen))| (place, *chosen))
                    .collect(),
            ),
        };
        Token { script, check: Some(check) }
    }

    /// Whether `token` was made of a run like this one.
    pub fn fits(&self, token: &Token) -> bool {
        token.check.is_none() || self.token().check == token.check
    }
}

/// A schedule, short enough to be pasted: `z0a` is the seed's bug.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub(super) script: Script,
    check: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Script {
    /// The choices as the digits of one number, the first the lowest.
    Packed(u128),
    /// The places where the plain way was not taken.
    Deviations(Vec<(u32, u32)>),
    /// What a seed decides.
    Seed(u64),
    /// What another run has chosen.
    Tape(Tape),
}

impl Token {
    /// The schedule that a seed decides.
    pub fn seed(seed: u64) -> Self {
        Self { script: Script::Seed(seed), check: None }
    }
}

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.script {
            Script::Packed(value) => {
                let mut digits = Vec::new();
                let mut left = *value;
                while left > 0 {
                    digits.push(DIGITS[(left % 32) as usize]);
                    left /= 32;
                }
                f.write_str("z")?;
                digits.iter().rev().try_for_each(|digit| write!(f, "{}", *digit as char))?;
            }
            Script::Deviations(places) => {
                f.write_str("d")?;
                for (index, (place, chosen)) in places.iter().enumerate() {
                    let dash = if index > 0 { "-" } else { "" };
                    write!(f, "{dash}{place}:{chosen}")?;
                }
                f.write_str("-")?;
            }
            Script::Seed(seed) => write!(f, "s{seed:x}")?,
            Script::Tape(tape) => return tape.token().fmt(f),
        }
        if let Some(check) = self.check {
            let digit = |place: u32| DIGITS[(check >> place & 31) as usize] as char;
            write!(f, "{}{}", digit(5), digit(0))?;
        }
        Ok(())
    }
}

impl FromStr for Token {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is no token; it looks like `z0a`, `s4f2` or `d17:2-31:1-a0`");
        let (sort, rest) = text.split_at_checked(1).ok_or_else(wrong)?;
        if sort == "s" {
            let seed = u64::from_str_radix(rest, 16).map_err(|_| wrong())?;
            return Ok(Self::seed(seed));
        }
        let (body, check) =
            rest.len().checked_sub(2).and_then(|at| rest.split_at_checked(at)).ok_or_else(wrong)?;
        let check = number(check).ok_or_else(wrong)? as u32;
        let script = match sort {
            "z" => Script::Packed(number(body).ok_or_else(wrong)?),
            "d" => Script::Deviations(deviations(body).ok_or_else(wrong)?),
            _ => return Err(wrong()),
        };
        Ok(Self { script, check: Some(check) })
    }
}

fn number(text: &str) -> Option<u128> {
    text.bytes().try_fold(0_u128, |value, byte| {
        let digit = DIGITS.iter().position(|digit| *digit == byte.to_ascii_lowercase())?;
        value.checked_mul(32)?.checked_add(digit as u128)
    })
}

fn deviations(text: &str) -> Option<Vec<(u32, u32)>> {
    let text = text.strip_suffix('-')?;
    let pair = |pair: &str| {
        let (place, chosen) = pair.split_once(':')?;
        Some((place.parse().ok()?, chosen.parse().ok()?))
    };
    text.split('-').map(pair).collect()
}
