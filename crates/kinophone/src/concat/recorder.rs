//! What a collage plays, written down as it is played.

use crate::concat::unit_database::UnitDatabase;
use crate::model::DescriptorLayout;
use crate::score::{ClipEvent, SelectionReason};
use crate::soundtrack::PlayedClips;
use kinophone_dsp::concat::{Clip, MosaicConfig, SelectedUnit};
use std::collections::VecDeque;
use std::ops::Range;

/// Ticks that are remembered for grains: no grain sounds further from its cause.
const MEMORY: usize = 256;

/// Joins what was chosen, tick by tick, to what is made of it.
pub(crate) struct ScoreRecorder {
    /// Whether pieces are grains, many a tick, instead of runs of ticks.
    grains: bool,
    /// Whether they are wanted, and not only their sums.
    keep: bool,
    layer: u32,
    /// Ticks of which pieces may still come, from this one on.
    ticks: VecDeque<RecordedTick>,
    first: i64,
    before: Option<u32>,
}

struct RecordedTick {
    unit: u32,
    /// Mean square that its sound should have.
    power: f64,
    /// Whether it does not continue the one before.
    jump: bool,
    /// Squared distances in each range of the descriptor, where pieces are wanted.
    distances: [f32; 5],
}

impl ScoreRecorder {
    pub(crate) fn new(grains: bool, keep: bool, layer: u32) -> Self {
        Self { grains, keep, layer, ticks: VecDeque::new(), first: 0, before: None }
    }

    /// Writes down the next tick; `target` is what was looked for.
    pub(crate) fn push(
        &mut self,
        choice: &SelectedUnit,
        stock: &UnitDatabase<'_>,
        config: &MosaicConfig,
        target: &[f32],
    ) {
        let gate = f64::from(choice.gate_amplitude(config));
        let loudness = f64::from(stock.units.loudness_db(choice.unit) + choice.gain_db(&stock.units, config));
        let jump = self.before.is_some_and(|before| !stock.units.continues(before, choice.unit));
        self.before = Some(choice.unit);
        self.ticks.push_back(RecordedTick {
            unit: choice.unit,
            power: gate * gate * 10f64.powf(loudness / 10.0),
            jump,
            distances: if self.keep {
                distances(&stock.layout, target, &stock.weighed(stock.descriptor(choice.unit)))
            } else {
                [0.0; 5]
            },
        });
    }

    /// Takes what was made of them.
    pub(crate) fn take(&mut self, cuts: &mut Vec<Clip>, stock: &UnitDatabase<'_>, played: &mut PlayedClips) {
        let grid = stock.sound.grid();
        for cut in cuts.drain(..) {
            let Some((film, tick)) = stock.sound.place(cut.unit as usize) else { continue };
            let (loudness_db, why) = if self.grains {
                let why = if self.keep { self.cause(&cut, stock) } else { None };
                (stock.units.loudness_db(cut.unit), why)
            } else {
                self.run(&cut, stock)
            };
            let place = grid.start_sample(tick) + cut.offset;
            let mut piece = ClipEvent::of(&cut, film, place, grid.rate, loudness_db, why);
            piece.layer = self.layer;
            played.tally.add(&piece);
            if self.keep {
                played.pieces.push(piece);
            }
        }
        if self.grains {
            let done = self.ticks.len().saturating_sub(MEMORY);
            self.ticks.drain(..done);
            self.first += done as i64;
        }
    }

    /// The tick whose grain this is: the nearest that has its unit.
    fn cause(&self, cut: &Clip, stock: &UnitDatabase<'_>) -> Option<SelectionReason> {
        let grid = stock.sound.grid();
        let middle = cut.at + cut.frames / 2;
        let distance = |number: i64| (grid.start_sample(number) + grid.start_sample(1) / 2 - middle).abs();
        let ticks = (self.first..).zip(&self.ticks).filter(|(_, tick)| tick.unit == cut.unit);
        ticks.min_by_key(|(number, _)| distance(*number)).map(|(_, tick)| why(tick.distances, tick.jump))
    }

    /// The ticks of a run are over: the power of what it is made of, in dB, and why it is there.
    fn run(&mut self, cut: &Clip, stock: &UnitDatabase<'_>) -> (f32, Option<SelectionReason>) {
        let grid = stock.sound.grid();
        let end = cut.at + cut.frames;
        let (mut power, mut count, mut jump, mut sums) = (0.0, 0.0, false, [0.0; 5]);
        while grid.start_sample(self.first) < end
            && let Some(tick) = self.ticks.pop_front()
        {
            self.first += 1;
            jump |= count == 0.0 && tick.jump;
            count += 1.0;
            power += tick.power;
            sums.iter_mut().zip(tick.distances).for_each(|(sum, distance)| *sum += distance);
        }
        if count == 0.0 {
            return (-120.0, None);
        }
        let level = 10.0 * (power / count).max(1e-12).log10();
        // The envelope's own power is added again where the piece is made.
        let own = 10.0 * cut.power().max(1e-12).log10();
        let why = self.keep.then(|| why(sums.map(|sum| sum / count as f32), jump));
        ((level - own) as f32, why)
    }
}

/// Squared distances between two descriptors in tone, loudness, onset, picture and pitch.
fn distances(layout: &DescriptorLayout, target: &[f32], unit: &[f32]) -> [f32; 5] {
    let squared = |range: Range<usize>| {
        let pairs = target[range.clone()].iter().zip(&unit[range]);
        pairs.map(|(a, b)| (a - b) * (a - b)).sum()
    };
    layout.ranges().map(squared)
}

fn why(distances: [f32; 5], jump: bool) -> SelectionReason {
    let short = |x: f32| (x * 1e4).round() / 1e4;
    let distance: f32 = distances.iter().sum();
    let [tone, loudness, onset, picture, pitch] =
        distances.map(|part| short(part / distance.max(f32::MIN_POSITIVE)));
    SelectionReason { distance: short(distance), jump, tone, loudness, onset, picture, pitch }
}
