//! Random numbers that depend only on the seed and the tick, never on the division of the stream into pieces.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The random numbers of one tick: the ChaCha8 stream numbered `tick` under a key made from `seed`. Any
/// tick's numbers can be had without those of the ticks before it.
pub(crate) struct TickRng(ChaCha8Rng);

impl TickRng {
    pub(crate) fn new(seed: u64, tick: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(tick);
        Self(rng)
    }

    /// Uniform in 0..1, in steps of 2⁻⁵³.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in `low`..`high`.
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// One of `low`..=`high`, each as likely as the other.
    pub(crate) fn whole(&mut self, low: u32, high: u32) -> u32 {
        low + (self.unit() * f64::from(high - low + 1)) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_fixed_and_differ() {
        let first = |seed, tick| TickRng::new(seed, tick).unit();
        assert_eq!(first(1, 5), first(1, 5));
        assert_ne!(first(1, 5), first(1, 6));
        assert_ne!(first(1, 5), first(2, 5));
        let mut rng = TickRng::new(9, 9);
        let all: Vec<u32> = (0..2000).map(|_| rng.whole(1, 20)).collect();
        assert!((1..=20).all(|n| (50..=160).contains(&all.iter().filter(|v| **v == n).count())));
        assert!(all.iter().all(|n| (1..=20).contains(n)));
    }
}
