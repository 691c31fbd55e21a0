//! Making a failing schedule simple: as few turns away from the default as will do, and as early an
//! end as can be.

use super::Tape;

/// How many tries are made.
const TRIES: usize = 4000;

/// The simplest tape that `fails`, starting from one that does. `fails` runs a tape, of which it
/// may need only a beginning or go on beyond it, and gives what was really chosen if the run failed
/// in the same way.
pub fn shrink(from: Tape, mut fails: impl FnMut(&Tape) -> Option<Tape>) -> Tape {
    let mut best = from;
    let mut tries = 0;
    loop {
        let before = best.clone();
        let mut width = best.choices().len().next_power_of_two();
        while width > 0 && tries < TRIES {
            let mut place = 0;
            while place < best.choices().len() && tries < TRIES {
                let end = (place + width).min(best.choices().len());
                if best.choices()[place..end].iter().any(|(_, chosen)| *chosen > 0) {
                    tries += 1;
                    attempt(&mut best, |tape| tape.plain(place..end), &mut fails);
                }
                place += width;
            }
            width /= 2;
        }
        for place in 0..best.choices().len() {
            let Some((_, chosen)) = best.choices().get(place).copied() else {
                break;
            };
            for lower in 1..chosen {
                tries += 1;
                if tries > TRIES || attempt(&mut best, |tape| tape.with(place, lower), &mut fails) {
                    break;
                }
            }
        }
        if cost(&best) >= cost(&before) || tries >= TRIES {
            return best;
        }
    }
}

fn attempt(
    best: &mut Tape,
    change: impl FnOnce(&Tape) -> Tape,
    fails: &mut impl FnMut(&Tape) -> Option<Tape>,
) -> bool {
    match fails(&change(best)) {
        Some(tape) if cost(&tape) < cost(best) => {
            *best = tape;
            true
        }
        _ => false,
    }
}

/// Fewest turns away first, then the shortest, then the lowest.
fn cost(tape: &Tape) -> (usize, usize, &[(u32, u32)]) {
    (tape.deviations(), tape.choices().len(), tape.choices())
}
