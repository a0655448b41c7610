//! Features of sound, tick by tick: the targets of brains, and the descriptors by which recorded sound is found.

use kinophone_dsp::mel::MelBank;
use kinophone_dsp::metrics::{BANDS, RATE};
use kinophone_dsp::stft::PowerSpectrum;
use kinophone_dsp::units::{SampleRate, TickGrid};
use kinophone_dsp::window::{Form, Window};
use rayon::prelude::*;

/// Samples of the transform that [`measure`](kinophone_dsp::metrics) uses, too.
const TRANSFORM: usize = 2048;
const LOWEST_HZ: f64 = 30.0;
/// Band powers are cut off here.
pub(crate) const MIN_BAND_POWER: f64 = 1e-5;
/// Loudness is cut off here, in dB.
pub(crate) const FLOOR_DB: f32 = -70.0;
/// Below this, in dB, a tick counts as silent.
pub(crate) const SILENT_DB: f32 = -60.0;
/// Ticks that one thread describes at a time.
const CHUNK: usize = 64;

/// Features of the sound of a stretch of ticks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AudioFeatures {
    /// log10 band power, `[ticks, 64]`.
    pub mel: Vec<f32>,
    /// In dB below full scale, at least −70.
    pub loudness: Vec<f32>,
    /// Rise of the bands over the tick before; 0 in the first tick.
    pub flux: Vec<f32>,
}

impl AudioFeatures {
    /// Describes ticks `first..first + ticks` of mono sound at 22 050 Hz, which `read` gives from any sample on.
    pub fn analyze(grid: TickGrid, first: i64, ticks: usize, read: impl Fn(i64, &mut [f32]) + Sync) -> Self {
        let rate = SampleRate::new(RATE).expect("a constant within the range");
        let bank = MelBank::new(rate, TRANSFORM, BANDS, LOWEST_HZ, f64::from(RATE) / 2.0);
        let mut heard = Self { mel: vec![0.0; ticks * BANDS], loudness: vec![0.0; ticks], flux: Vec::new() };
        let hop = f64::from(RATE) / grid.tick.as_f64();
        let room = || (PowerSpectrum::new(TRANSFORM, Window::Hann, Form::Symmetric), Vec::new());
        let parts =
            heard.mel.par_chunks_mut(CHUNK * BANDS).zip(heard.loudness.par_chunks_mut(CHUNK)).enumerate();
        parts.for_each_init(room, |(spectrum, sound), (chunk, (mel, loudness))| {
            for (k, (mel, loudness)) in mel.chunks_exact_mut(BANDS).zip(loudness).enumerate() {
                let tick = first + (chunk * CHUNK + k) as i64;
                let span = grid.start_sample(tick)..grid.start_sample(tick + 1);
                // Rounded as `measure::log_mel` does.
                let middle = ((tick as f64 + 0.5) * hop).round_ties_even() as i64;
                let begin = middle - TRANSFORM as i64 / 2;
                sound.resize(TRANSFORM, 0.0);
                read(begin, sound);
                let power = spectrum.of(sound, 0);
                for (out, p) in mel.iter_mut().zip(bank.apply(power)) {
                    *out = p.max(MIN_BAND_POWER).log10() as f32;
                }
                let own = &sound[(span.start - begin) as usize..(span.end - begin) as usize];
                let mean = own.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / own.len().max(1) as f64;
                *loudness = (10.0 * mean.log10()).max(f64::from(FLOOR_DB)) as f32;
            }
        });
        heard.find_flux();
        heard
    }

    /// Finds the flux from the bands.
    pub(crate) fn find_flux(&mut self) {
        self.flux = vec![0.0; self.loudness.len()];
        for (flux, pair) in self.flux.iter_mut().skip(1).zip(self.mel.windows(2 * BANDS).step_by(BANDS)) {
            let (before, now) = pair.split_at(BANDS);
            *flux = now.iter().zip(before).map(|(b, a)| (b - a).max(0.0)).sum();
        }
    }

    /// True if a tick is below −60 dB.
    pub fn is_silent(&self, tick: usize) -> bool {
        self.loudness[tick] < SILENT_DB
    }
}
