//! Pairs of picture and sound on a brain's tick, split into training, validation and held-out ones.

use super::Corpus;
use crate::Result;
use crate::brain::Examples;
use crate::task::Task;
use kinophone_dsp::units::TickGrid;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Which blocks of ten seconds no training ever sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HoldOut {
    /// Blocks 4, 9, 14 … of every film.
    Every5th,
    /// Nothing: the brain can't be judged on these films.
    None,
}

/// How pairs are made.
#[derive(Clone, Debug)]
pub struct PairOptions {
    /// Tick and rate of the brain.
    pub grid: TickGrid,
    /// How many hops of sound a pair holds: 1 (the tick's own span) or 2 (twice as long, centred on the tick).
    pub hops: usize,
    /// Pictures of the brain: side and colour. Larger or coloured shards are reduced; smaller or grey ones are an error.
    pub size: u32,
    /// See `size`.
    pub colour: bool,
    /// What is held out.
    pub hold_out: HoldOut,
    /// Seconds of black and, again, of white pictures with silence that join the training pairs; 0 for none.
    pub silence_secs: f32,
    /// Seed of the silence examples and of the validation split.
    pub seed: u64,
}

/// All pairs of a corpus. Row numbers are stable for the same corpus and options.
pub struct Pairs {
    _private: (),
}

impl Pairs {
    /// Resamples the sound to the brain's rate into scratch files in `scratch`, and lays out the pairs.
    pub fn new(corpus: Corpus, options: &PairOptions, scratch: &Path, task: Task<'_>) -> Result<Self> {
        let _ = (corpus, options, scratch, task);
        unimplemented!()
    }
    /// Rows to learn from, silence included.
    pub fn training(&self) -> &[u32] {
        unimplemented!()
    }
    /// Rows for early stopping: whole ten-second blocks out of the training part, never silence.
    pub fn validation(&self) -> &[u32] {
        unimplemented!()
    }
    /// Rows that training never sees; empty under [`HoldOut::None`].
    pub fn held_out(&self) -> &[u32] {
        unimplemented!()
    }
}

impl Examples for Pairs {
    fn picture_len(&self) -> usize {
        unimplemented!()
    }
    fn target_len(&self) -> usize {
        unimplemented!()
    }
    fn fill(&self, rows: &[u32], pictures: &mut [f32], targets: &mut [f32]) {
        let _ = (rows, pictures, targets);
        unimplemented!()
    }
}
