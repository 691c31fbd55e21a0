//! Some of those who could go on at a state, by their place in the list.

/// A set of places, however many there are.
#[derive(Debug, Default)]
pub(super) struct Places(Vec<u64>);

impl Places {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn insert(&mut self, place: usize) {
        if self.0.len() <= place / 64 {
            self.0.resize(place / 64 + 1, 0);
        }
        self.0[place / 64] |= 1 << (place % 64);
    }

    /// All places of a list of this length.
    pub(super) fn insert_all(&mut self, len: usize) {
        (0..len).for_each(|place| self.insert(place));
    }

    pub(super) fn contains(&self, place: usize) -> bool {
        self.0.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
    }

    /// The first that is here and not in `other`.
    pub(super) fn first_without(&self, other: &Self) -> Option<usize> {
        let others = other.0.iter().chain(std::iter::repeat(&0));
        let mut left = (0..).zip(&self.0).zip(others).map(|((word, here), other)| {
            let left = here & !other;
            (left != 0).then(|| word * 64 + left.trailing_zeros() as usize)
        });
        left.find_map(|first| first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_beyond_a_word_are_kept_apart() {
        let (mut wanted, mut tried) = (Places::default(), Places::default());
        assert_eq!(wanted.first_without(&tried), None);
        for place in [200, 3, 64, 63] {
            wanted.insert(place);
        }
        for place in [3, 63, 64, 200] {
            assert!(wanted.contains(place) && !wanted.contains(place + 64));
            assert_eq!(wanted.first_without(&tried), Some(place));
            tried.insert(place);
        }
        assert_eq!(wanted.first_without(&tried), None);
        wanted.clear();
        wanted.insert_all(130);
        assert!(wanted.contains(129) && !wanted.contains(130) && !wanted.contains(200));
        assert_eq!(wanted.first_without(&Places::default()), Some(0));
    }
}
