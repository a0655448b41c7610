//! Phases for spectra of which only the magnitudes are known.
//!
//! | source of phase | uses | a sine stays a sine | a click stays a click | cost a frame |
//! |---|---|---|---|---|
//! | [`Rtpghi`] | this frame and two before | yes | yes | logarithms and a heap |
//! | [`GriffinLim`] | all frames | yes | yes | two transforms an iteration |
//! | [`RandomWalk`] | this frame | a narrow noise | no | a random number a bin |
//! | [`BorrowedPhase`] | another sound | as the other sound | as the other sound | one transform |
//!
//! Phases are those of [`Stft`](crate::stft::Stft): a frame's transform begins at its first sample, half a
//! frame before the sample that it is centred on, so an impulse in the middle of frame m has the phase πk in
//! bin k.

pub mod griffin_lim;
pub mod rtpghi;
pub mod simple;
#[cfg(test)]
mod tests;

use crate::stft::Spectrogram;
use realfft::num_complex::Complex32;
use serde::{Deserialize, Serialize};

/// The source of the phases of a magnitude spectrogram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// From the slopes of the magnitudes, frame by frame (Průša and Søndergaard 2016).
    #[default]
    Rtpghi,
    /// From iterations over long blocks: [`GriffinLim`](crate::spectral::GriffinLim).
    GriffinLim,
    /// Every bin at its own frequency with jitter.
    RandomWalk,
    /// From another sound.
    #[serde(rename = "lent")]
    Borrowed,
}

/// A source of phases frame by frame, without look-ahead.
pub trait CausalPhase: Send {
    /// Computes the phases of the next frame: `spectrum` becomes a frame of [`Stft`](crate::stft::Stft) with
    /// these `magnitudes` (at least 0, one a bin). No allocation.
    fn next(&mut self, magnitudes: &[f32], spectrum: &mut [Complex32]);
    /// Back to the state before the first frame.
    fn reset(&mut self);
}

/// Magnitudes of the frames of a short-time Fourier transform.
#[derive(Clone, Debug, PartialEq)]
pub struct Magnitudes {
    /// Bins a frame: size / 2 + 1.
    pub bins: usize,
    /// Frame after frame, `frames × bins`, at least 0.
    pub data: Vec<f32>,
}

impl Magnitudes {
    /// |X| of every bin.
    pub fn of(spectrogram: &Spectrogram) -> Self {
        Self { bins: spectrogram.bins, data: spectrogram.data.iter().map(|x| x.norm()).collect() }
    }

    /// The frames in order.
    pub fn frames(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.data.chunks_exact(self.bins)
    }

    /// These magnitudes with phases from `source`.
    pub fn with_phases(&self, source: &mut dyn CausalPhase) -> Spectrogram {
        let mut data = vec![Complex32::default(); self.data.len()];
        for (frame, spectrum) in self.frames().zip(data.chunks_exact_mut(self.bins)) {
            source.next(frame, spectrum);
        }
        Spectrogram { bins: self.bins, data }
    }
}
