//! Chance that can be had again.

/// The same throws for the same seed.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        // Not zero, where it would stay.
        Self(0x9e37_79b9_7f4a_7c15 ^ (seed << 17) ^ 1)
    }

    /// Less than `faces`.
    pub(crate) fn roll(&mut self, faces: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % faces.max(1)
    }
}
