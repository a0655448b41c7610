//! Level of motion of a tick: what things move, and the camera's motion where things move as well.
//!
//! A camera that follows what happens is part of it; one that passes over a scene in which nothing moves is not. So its motion
//! counts by a share that grows with what moves by itself nearby.

use std::collections::VecDeque;

/// Share of the camera's motion that counts where things move, too.
const CAMERA_SHARE: f64 = 0.4;
/// Share of things in all that changes nearby: up to the first the camera's motion counts nothing, from the second on its full share.
/// Measured: at most 0.00001 under a camera over stills, with grain and without; 0.002 and 0.0044 in films of animals and stones that
/// were held in the hand; 0.13 and 0.27 under a camera at rest (docs/experiments.md).
const THINGS_SHARES: (f64, f64) = (0.0003, 0.0012);
/// A sum of changes that is none.
const NOTHING: f64 = 1e-6;
/// Ticks to either side that are nearby: ten seconds. Live, twice as many before.
const NEARBY: usize = 300;

/// What moves in a tick.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct MotionLevel {
    /// log256 of 1 and the amount of motion, 0 to 1.
    pub(super) level: f32,
    /// How much of the motion nearby is that of things, 0 to 1: 0 where the camera alone moves, 1 where nothing does.
    pub(super) things: f32,
}

/// Levels of motion, tick by tick.
pub(super) struct MotionLevels {
    /// Ticks before and after that are nearby.
    nearby: (usize, usize),
    /// Changes of things and of all, in 255ths of a grey level, of which the first is that of tick `first`.
    changes: VecDeque<[f64; 2]>,
    first: usize,
    next: usize,
    /// Sums of the changes nearby, up to tick `counted`, exclusive.
    sums: [f64; 2],
    counted: usize,
}

impl MotionLevels {
    /// `live`: nothing is known of what comes.
    pub(super) fn new(live: bool) -> Self {
        let nearby = if live { (2 * NEARBY, 0) } else { (NEARBY, NEARBY) };
        Self { nearby, changes: VecDeque::new(), first: 0, next: 0, sums: [0.0; 2], counted: 0 }
    }

    /// Takes the general numbers of the next tick.
    pub(super) fn push(&mut self, general: &[f32]) {
        let amount = |level: f32| if level.is_finite() { 256f64.powf(f64::from(level)) - 1.0 } else { 0.0 };
        self.changes.push_back([amount(general[0]), amount(general[1])]);
    }

    /// The level of the next tick. `None` where too little is known, until the film is `finished`.
    pub(super) fn next(&mut self, finished: bool) -> Option<MotionLevel> {
        let (received, (before, after)) = (self.first + self.changes.len(), self.nearby);
        if self.next >= received || !finished && self.next + after >= received {
            return None;
        }
        while self.counted < (self.next + after + 1).min(received) {
            let change = self.changes[self.counted - self.first];
            self.sums.iter_mut().zip(change).for_each(|(sum, x)| *sum += x);
            self.counted += 1;
        }
        while self.first + before < self.next {
            let gone = self.changes.pop_front().unwrap_or_default();
            self.sums.iter_mut().zip(gone).for_each(|(sum, x)| *sum -= x);
            self.first += 1;
        }
        let [things, all] = self.changes[self.next - self.first];
        self.next += 1;
        let nearby = self.things();
        let level = (things + CAMERA_SHARE * nearby * (all - things).max(0.0)).ln_1p() / 256f64.ln();
        Some(MotionLevel { level: level.clamp(0.0, 1.0) as f32, things: nearby as f32 })
    }

    fn things(&self) -> f64 {
        let [things, all] = self.sums;
        if all < NOTHING {
            return 1.0;
        }
        ((things / all - THINGS_SHARES.0) / (THINGS_SHARES.1 - THINGS_SHARES.0)).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(live: bool, film: &[(f32, f32)]) -> Vec<MotionLevel> {
        let mut levels = MotionLevels::new(live);
        let mut found = Vec::new();
        for (things, all) in film {
            levels.push(&[*things, *all]);
            assert!(levels.changes.len() <= 2 * NEARBY + 2, "memory grows with the film");
            found.extend(std::iter::from_fn(|| levels.next(false)));
        }
        found.extend(std::iter::from_fn(|| levels.next(true)));
        assert_eq!(found.len(), film.len());
        found
    }

    #[test]
    fn a_camera_counts_where_things_move() {
        // A camera alone for a minute, then one before things that move now and then.
        let film: Vec<(f32, f32)> =
            (0..3600).map(|k| if k >= 1800 && k % 10 < 2 { (0.3, 0.4) } else { (0.0, 0.4) }).collect();
        for live in [false, true] {
            let found = levels(live, &film);
            let camera = MotionLevel { level: 0.0, things: 0.0 };
            assert!(found[10..1490].iter().all(|found| *found == camera), "{live}");
            assert!(found[2400..].iter().all(|found| found.level > 0.2 && found.things == 1.0), "{live}");
        }
    }

    #[test]
    fn things_count_whatever_the_camera_does() {
        let found = levels(false, &[(0.3, 0.3); 50]);
        assert!(found.iter().all(|found| (found.level - 0.3).abs() < 1e-3), "{found:?}");
        let still = MotionLevel { level: 0.0, things: 1.0 };
        assert!(levels(true, &[(f32::NAN, f32::NAN); 50]).iter().all(|found| *found == still));
        assert!(levels(false, &[(0.0, 0.0); 50]).iter().all(|found| *found == still));
    }
}
