//! Overlap-add at jittered times: smooth, in time, and without a buzz.

use crate::frames::frame_synth::{FrameSynth, block_start, exact_hop, lead_of_block};
use crate::overlap_add::OverlapAdd;
use crate::setting::Setting;
use crate::tick_rng::TickRng;
use crate::units::TickGrid;
use crate::window::{Form, Window};
use serde::{Deserialize, Serialize};

/// Windows that sound at once on average, where nothing else is asked for.
const DEFAULT_OVERLAP: usize = 4;
/// Least sum of squared windows that a sample is divided by the root of: where less overlaps (the beginning,
/// the end, a rare gap), the sound fades instead of being pulled up.
const MIN_WINDOW_POWER: f32 = 0.25;

/// Settings of `Windowed`, the overlap-add at jittered times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WindowedConfig {
    /// Ticks over which each copy's time is spread, 0 to 1. At 1 the comb at the tick rate vanishes; 0 is
    /// plain overlap-add.
    pub jitter: f32,
    /// Copies of each block, each at its own time, 1 to 32; 0 stands for as many as let four windows sound at
    /// once (four for a block of one hop, two for a block of two).
    pub takes: u32,
    /// Shape of the window over the whole block. It should fall to 0 at its edges.
    pub window: Window,
    /// Seed of the times.
    pub seed: u64,
}

impl Default for WindowedConfig {
    fn default() -> Self {
        Self { jitter: 1.0, takes: 0, window: Window::Hann, seed: 0 }
    }
}

impl WindowedConfig {
    pub(crate) fn settings(&self) -> Vec<Setting> {
        vec![
            Setting::new("jitter", f64::from(self.jitter), 0.0, 1.0),
            Setting::new("takes", f64::from(self.takes), 0.0, 32.0),
        ]
    }
}

/// Each block sounds in several copies under a window, each copy moved by a random time of at most half a
/// tick.
///
/// With times uniform over a whole tick the tick rate and its harmonics are absent from the expected spectrum
/// (see [`frames`](crate::frames)). Copies at different times are as good as uncorrelated above the tick
/// rate, so their powers add, and y = Σ w b / √(Σ w²), with the sums over the windows that really sound at
/// that sample: random crowding and thinning of the windows does not become a flutter of level. A block of
/// one hop is too short for its neighbours to overlap it by half; its copies do that, at their different
/// times.
///
/// The sound of a tick ends half a tick beyond its block on each side, exactly.
pub struct Windowed {
    grid: TickGrid,
    hops: usize,
    takes: usize,
    jitter: f64,
    seed: u64,
    window: Vec<f32>,
    squared: Vec<f32>,
    ones: Vec<f32>,
    lead: i64,
    tick: i64,
    sound: OverlapAdd,
    power: OverlapAdd,
}

impl Windowed {
    /// A synth for blocks of `hops` hops (1 or 2).
    pub fn new(grid: TickGrid, hops: usize, config: &WindowedConfig) -> Self {
        let hops = hops.max(1);
        let jitter = config.settings()[0].clamped();
        let takes = match config.takes {
            // Copies that are not moved are one copy.
            _ if jitter == 0.0 => 1,
            0 => (DEFAULT_OVERLAP / hops).max(1),
            takes => takes.min(32) as usize,
        };
        let window = config.window.coefficients(hops * grid.block_len(), Form::Periodic);
        let half_jitter = (jitter * exact_hop(grid) / 2.0).ceil() as i64;
        Self {
            grid,
            hops,
            takes,
            jitter: jitter * exact_hop(grid),
            seed: config.seed,
            squared: window.iter().map(|w| w * w).collect(),
            ones: vec![1.0; window.len()],
            window,
            lead: lead_of_block(grid, hops) + half_jitter,
            tick: 0,
            sound: OverlapAdd::default(),
            power: OverlapAdd::default(),
        }
    }

    /// Completes the output up to `end`: the sums become sound.
    fn complete(&mut self, end: i64) {
        let from = self.power.completed();
        let length = (end - from).max(0) as usize;
        let (_, power) = self.power.at(from, length);
        let (_, sound) = self.sound.at(from, length);
        sound.iter_mut().zip(power).for_each(|(y, p)| *y /= p.max(MIN_WINDOW_POWER).sqrt());
        self.power.complete(end);
        self.power.drop_ready();
        self.sound.complete(end);
    }
}

impl FrameSynth for Windowed {
    fn push(&mut self, block: &[f32]) {
        let first = block_start(self.grid, self.hops, self.tick);
        let mut rng = TickRng::new(self.seed, self.tick as u64);
        for _ in 0..self.takes {
            let shift = (rng.between(-0.5, 0.5) * self.jitter).round() as i64;
            self.sound.add(first + shift, block, &self.window);
            self.power.add(first + shift, &self.squared, &self.ones);
        }
        self.tick += 1;
        self.complete(self.grid.start_sample(self.tick) - self.lead);
    }

    fn finish(&mut self) {
        self.complete(self.grid.start_sample(self.tick));
    }

    fn ready(&self) -> usize {
        self.sound.ready()
    }

    fn fill(&mut self, out: &mut [f32]) -> usize {
        self.sound.fill(out)
    }

    fn latency(&self) -> usize {
        self.lead as usize
    }

    fn reset(&mut self) {
        self.tick = 0;
        self.sound.reset();
        self.power.reset();
    }
}
