//! Controls: 69 numbers a tick that describe sound, their scales, and the descriptors by which they select sound.
//!
//! | numbers | meaning | learned by |
//! |---|---|---|
//! | 0..64 | log10 power in 64 mel bands, scaled | squared error |
//! | 64 | loudness in dB, scaled | squared error |
//! | 65 | √flux, scaled | squared error |
//! | 66 | whether an onset peaks here | logistic loss |
//! | 67 | flux, scaled | squared error |
//! | 68 | whether it is silent: below −60 dB | logistic loss |
//!
//! Flux is the sum of the rises of all bands over the tick before (`measure::onset_strength`). "Scaled" is to mean 0 and
//! deviation 1 over the training ticks.

#[cfg(test)]
mod tests;

use crate::dataset::{AudioFeatures, FLOOR_DB, MIN_BAND_POWER, SILENT_DB};
use crate::model::descriptor::DESCRIPTOR;
use crate::model::features::scale::FeatureScale;
use kinophone_dsp::metrics::BANDS;
use serde::{Deserialize, Serialize};

/// Controls a tick.
pub const OUTPUTS: usize = BANDS + 5;

/// Place of the loudness among the controls.
pub(crate) const LOUDNESS: usize = BANDS;
const ROOT_FLUX: usize = BANDS + 1;
const PEAK: usize = BANDS + 2;
const FLUX: usize = BANDS + 3;
const GATE: usize = BANDS + 4;

/// An onset peaks where the flux is a local maximum this many deviations above its median.
const PEAK_DEVIATIONS: f32 = 0.5;
/// No tick is more certain of silence than 1 less this.
const MIN_PROBABILITY: f32 = 1e-6;
/// More silence than this is not taken out of a mean: the rest would be noise, and the gate is nearly closed.
const MAX_SILENCE_REMOVED: f32 = 0.75;
/// Divisor of the bands in descriptors: the square root of their number.
const BAND_SCALE: f32 = 8.0;
/// Least deviation of the power in a band, in log10, where one is demanded: 1 dB.
const MIN_BAND_DEVIATION: f32 = 0.1;
/// The same of loudness, in dB.
const MIN_LOUDNESS_DEVIATION: f32 = 1.0;
/// The same of the flux; that of its root goes with it. A band that rises by 1 dB has it.
const MIN_FLUX_DEVIATION: f32 = 0.1;
/// An onset of this strength, in deviations, peaks for certain.
const MAX_STRENGTH: f32 = 4.0;
/// Smallest probability that is estimated.
const MIN_ESTIMATE: f32 = 0.01;

/// Scales by which √flux, flux and the peak become one strength of the onset: each scaled, added, scaled.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OnsetScale {
    parts: [FeatureScale; 3],
    sum: FeatureScale,
}

impl OnsetScale {
    fn of(onsets: &[[f32; 3]]) -> Self {
        let parts = std::array::from_fn(|i| FeatureScale::of(onsets.iter().map(|o| o[i])));
        let bare = Self { parts, sum: FeatureScale { mean: 0.0, deviation: 1.0 } };
        Self { sum: FeatureScale::of(onsets.iter().map(|o| bare.strength(*o))), ..bare }
    }

    fn strength(&self, onset: [f32; 3]) -> f32 {
        let sum: f32 = self.parts.iter().zip(onset).map(|(scale, x)| scale.scaled(x)).sum();
        self.sum.scaled(sum)
    }
}

/// Scales of the controls, from a brain's training sound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ControlScaler {
    mel: Vec<FeatureScale>,
    loudness: FeatureScale,
    root_flux: FeatureScale,
    flux: FeatureScale,
    peak_from: f32,
    /// Scale of true onsets.
    #[serde(rename = "heard")]
    true_onset: OnsetScale,
    /// Scale of predicted onsets, which are less certain.
    #[serde(rename = "said")]
    predicted_onset: OnsetScale,
    /// The flux of an onset of strength 0, and its growth with each deviation.
    rise: [f32; 2],
    /// Weight of an onset against the rest of a descriptor.
    onset_weight: f32,
    /// True if the picture determines the sound so well that silence is either certain or not there.
    #[serde(rename = "told")]
    certain: bool,
}

/// Sound of one tick as a brain asks for it, in physical units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ControlFrame {
    /// Target of the search for units of sound.
    pub descriptor: [f32; DESCRIPTOR],
    /// log10 of the power in each mel band.
    pub bands: [f32; BANDS],
    /// Loudness in dB.
    pub loudness_db: f32,
    /// Strength of the onset, in deviations.
    pub onset: f32,
    /// Flux of the onset: the sum of the rises of all bands over the tick before.
    pub rise: f32,
    /// Probability of silence, 0 to 1.
    pub silence: f32,
}

/// Qualities that are mapped onto the range of other sounds, by mean and deviation, and not searched for as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DescriptorMatching {
    /// The power of each band.
    pub tone: bool,
    /// The loudness.
    pub loudness: bool,
    /// Strength of onsets.
    pub onset: bool,
}

impl DescriptorMatching {
    /// All qualities.
    pub const ALL: Self = Self { tone: true, loudness: true, onset: true };
}

impl ControlScaler {
    /// Scales of some ticks of every stretch of sound.
    pub fn fit(stretches: &[(&AudioFeatures, &[u32])]) -> Self {
        let over = |number: &(dyn Fn(&AudioFeatures, usize) -> f32 + Sync)| {
            let numbers = stretches
                .iter()
                .flat_map(|(audio, ticks)| ticks.iter().map(move |tick| number(audio, *tick as usize)));
            FeatureScale::of(numbers)
        };
        let mel = (0..BANDS).map(|b| over(&|audio, tick| audio.mel[tick * BANDS + b])).collect();
        let mut fluxes: Vec<f32> = stretches
            .iter()
            .flat_map(|(audio, ticks)| ticks.iter().map(|t| audio.flux[*t as usize]))
            .collect();
        fluxes.sort_by(f32::total_cmp);
        let flux = FeatureScale::of(fluxes.iter().copied());
        let median = fluxes.get(fluxes.len() / 2).copied().unwrap_or(0.0);
        let mut new = Self {
            mel,
            loudness: over(&|audio, tick| audio.loudness[tick]),
            root_flux: over(&|audio, tick| audio.flux[tick].sqrt()),
            flux,
            peak_from: median + PEAK_DEVIATIONS * flux.deviation,
            true_onset: OnsetScale::of(&[]),
            predicted_onset: OnsetScale::of(&[]),
            rise: [0.0; 2],
            onset_weight: 1.0,
            certain: false,
        };
        let onsets: Vec<[f32; 3]> = stretches
            .iter()
            .flat_map(|(audio, ticks)| ticks.iter().map(|t| (*audio, *t as usize)))
            .map(|(audio, tick)| new.onset_parts(audio, tick))
            .collect();
        new.true_onset = OnsetScale::of(&onsets);
        new.predicted_onset = new.true_onset;
        // The line of least squares through flux over strength, whose mean is 0 and whose deviation 1.
        let products = onsets
            .iter()
            .zip(stretches.iter().flat_map(|(audio, ticks)| ticks.iter().map(|t| audio.flux[*t as usize])));
        let sum: f64 = products
            .map(|(onset, flux)| f64::from(new.true_onset.strength(*onset)) * f64::from(flux - new.flux.mean))
            .sum();
        new.rise = [new.flux.mean, (sum / onsets.len().max(1) as f64) as f32];
        new
    }

    /// This scaler without deviations that nobody hears. Sound that hardly changes would otherwise put all that differs from it
    /// hundreds of deviations away, where distances lose the digits that tell one sound from another.
    #[must_use]
    pub(crate) fn without_tiny_deviations(mut self) -> Self {
        let widen = |scale: &mut FeatureScale, least: f32| scale.deviation = scale.deviation.max(least);
        self.mel.iter_mut().for_each(|scale| widen(scale, MIN_BAND_DEVIATION));
        widen(&mut self.loudness, MIN_LOUDNESS_DEVIATION);
        widen(&mut self.flux, MIN_FLUX_DEVIATION);
        widen(&mut self.root_flux, MIN_FLUX_DEVIATION.sqrt());
        self
    }

    /// Adapts the scale of predicted onsets to `predicted`, controls of ticks that were not learned, and sets the weight of onsets
    /// and whether the picture determines the sound.
    pub fn calibrate(&mut self, predicted: &[f32], onset_weight: f32, certain: bool) {
        let onsets: Vec<[f32; 3]> = predicted.chunks_exact(OUTPUTS).map(predicted_onset).collect();
        if !onsets.is_empty() {
            self.predicted_onset = OnsetScale::of(&onsets);
        }
        self.onset_weight = onset_weight;
        self.certain = certain;
    }

    /// Writes the true controls of a tick: `[69]`.
    pub fn target(&self, audio: &AudioFeatures, tick: usize, out: &mut [f32]) {
        let mel = &audio.mel[tick * BANDS..][..BANDS];
        for ((out, scale), x) in out.iter_mut().zip(&self.mel).zip(mel) {
            *out = scale.scaled(*x);
        }
        let [root_flux, flux, peak] = self.onset_parts(audio, tick);
        out[LOUDNESS] = self.loudness.scaled(audio.loudness[tick]);
        (out[ROOT_FLUX], out[FLUX], out[PEAK]) = (root_flux, flux, peak);
        out[GATE] = f32::from(audio.loudness[tick] < SILENT_DB);
    }

    /// Writes the controls of silence: `[69]`.
    pub fn target_of_silence(&self, out: &mut [f32]) {
        let floor = MIN_BAND_POWER.log10() as f32;
        let audio = AudioFeatures { mel: vec![floor; BANDS], loudness: vec![FLOOR_DB], flux: vec![0.0] };
        self.target(&audio, 0, out);
    }

    /// Mixes controls with those of silence, by a share of 0 to 1.
    pub fn fade_to_silence(&self, row: &mut [f32], share: f32) {
        if share <= 0.0 {
            return;
        }
        let mut silence = [0.0; OUTPUTS];
        self.target_of_silence(&mut silence);
        // Of logits the probabilities are mixed.
        let mixed =
            |logit: f32, towards: f32| logit_of(logistic(logit) + share * (towards - logistic(logit)));
        let (peak, gate) = (mixed(row[PEAK], 0.0), mixed(row[GATE], 1.0));
        row.iter_mut().zip(silence).for_each(|(x, s)| *x += share * (s - *x));
        (row[PEAK], row[GATE]) = (peak, gate);
    }

    /// The loudness of controls, in deviations.
    pub(crate) fn scaled_loudness(row: &[f32; OUTPUTS]) -> f32 {
        row[LOUDNESS]
    }

    /// The flux of controls, in deviations.
    pub(crate) fn scaled_flux(row: &[f32; OUTPUTS]) -> f32 {
        row[FLUX]
    }

    /// True if the picture determines the sound.
    pub(crate) fn is_certain(&self) -> bool {
        self.certain
    }

    /// Deviation of the loudness of the sound from which the scales are, in dB.
    pub(crate) fn loudness_deviation_db(&self) -> f32 {
        self.loudness.deviation
    }

    /// Sets the loudness of controls, and leads their onset towards another, both in deviations, by a share; by another share
    /// it is certain that something sounds.
    pub(crate) fn lead(
        &self,
        row: &mut [f32; OUTPUTS],
        (loudness, sounding): (f32, f32),
        (onset, share): (f32, f32),
    ) {
        let to = |from: f32, to: f32, share: f32| from + share * (to - from);
        row[LOUDNESS] = loudness;
        row[ROOT_FLUX] = to(row[ROOT_FLUX], onset, share);
        row[FLUX] = to(row[FLUX], onset, share);
        row[PEAK] = logit_of(to(logistic(row[PEAK]), (onset / MAX_STRENGTH).clamp(0.0, 1.0), share));
        row[GATE] = logit_of(to(logistic(row[GATE]), 0.0, sounding));
    }

    /// Controls of a tick on the condition that it is not silent. Learned by squared error, predictions are means over all
    /// possibilities, silence included: E = p S + (1 − p) x, where p is the probability of silence, S the controls of silence, and x
    /// those that are asked for. Played as predicted, a sound whose beginning is a moment uncertain would begin far too quietly, and
    /// be closed by the gate besides. Where the picture does not determine the sound, the prediction as it is: then the mean is the
    /// better guess.
    fn sounding(&self, row: &[f32], out: &mut [f32; OUTPUTS]) {
        let mut silence = [0.0; OUTPUTS];
        self.target_of_silence(&mut silence);
        let share = if self.certain { self.silence(row).min(MAX_SILENCE_REMOVED) } else { 0.0 };
        for ((out, x), s) in out.iter_mut().zip(row).zip(silence) {
            *out = (x - share * s) / (1.0 - share);
        }
        (out[PEAK], out[GATE]) = (row[PEAK], row[GATE]);
    }

    /// Writes the descriptor of a tick of recorded sound: `[66]`.
    pub fn unit(&self, audio: &AudioFeatures, tick: usize, out: &mut [f32]) {
        let mut row = [0.0; OUTPUTS];
        self.target(audio, tick, &mut row);
        self.describe(&row, self.true_onset.strength(self.onset_parts(audio, tick)), out);
    }

    /// Physical quantities of a prediction.
    pub fn frame(&self, row: &[f32]) -> ControlFrame {
        let (controls, mut frame) = self.frame_without_bands(row);
        self.bands(&controls, &mut frame.bands);
        frame
    }

    /// Physical quantities of a prediction that selects among the sounds of another scaler: its bands have the tone that is usual
    /// among those, at the level that is predicted here.
    pub fn frame_among(&self, row: &[f32], sounds: &Self) -> ControlFrame {
        let (controls, mut frame) = self.frame_without_bands(row);
        sounds.bands(&controls, &mut frame.bands);
        let level = (frame.loudness_db - sounds.loudness_db(&controls)) / 10.0;
        frame.bands.iter_mut().for_each(|power| *power += level);
        frame
    }

    fn frame_without_bands(&self, row: &[f32]) -> ([f32; OUTPUTS], ControlFrame) {
        let (mut controls, mut descriptor) = ([0.0; OUTPUTS], [0.0; DESCRIPTOR]);
        self.sounding(row, &mut controls);
        let onset = self.onset(&controls);
        self.describe(&controls, onset, &mut descriptor);
        let frame = ControlFrame {
            descriptor,
            bands: [0.0; BANDS],
            loudness_db: self.loudness_db(&controls),
            onset,
            rise: self.rise(onset),
            silence: self.silence(row),
        };
        (controls, frame)
    }

    fn describe(&self, row: &[f32], onset: f32, out: &mut [f32]) {
        out.iter_mut().zip(&row[..BANDS]).for_each(|(out, z)| *out = z / BAND_SCALE);
        out[BANDS] = 0.5 * row[LOUDNESS];
        out[BANDS + 1] = self.onset_weight * onset;
    }

    /// Writes log10 of the power in every band.
    pub fn bands(&self, row: &[f32], out: &mut [f32; BANDS]) {
        for ((out, scale), z) in out.iter_mut().zip(&self.mel).zip(row) {
            *out = scale.unscaled(*z);
        }
    }

    /// Writes log10 of the power in every band of a unit, from its descriptor ([`ControlScaler::unit`]).
    pub fn unit_bands(&self, descriptor: &[f32], out: &mut [f32; BANDS]) {
        for ((out, scale), x) in out.iter_mut().zip(&self.mel).zip(descriptor) {
            *out = scale.unscaled(BAND_SCALE * x);
        }
    }

    /// Flux of an onset of `strength`, in deviations: never below 0.
    fn rise(&self, strength: f32) -> f32 {
        (self.rise[0] + self.rise[1] * strength).max(0.0)
    }

    /// Mean loudness of the sound from which the scales are, in dB.
    pub fn mean_loudness_db(&self) -> f32 {
        self.loudness.mean
    }

    /// This scaler with the scales of other sounds for the descriptors in `matched`, so that the same numbers mean usual, louder,
    /// brighter … among them. Attacks weigh as much as in this one.
    pub fn adapted_to(&self, stretches: &[(&AudioFeatures, &[u32])], matched: DescriptorMatching) -> Self {
        let (theirs, mut new) = (Self::fit(stretches).without_tiny_deviations(), self.clone());
        if matched.tone {
            new.mel = theirs.mel;
        }
        if matched.loudness {
            new.loudness = theirs.loudness;
        }
        if matched.onset {
            (new.root_flux, new.flux, new.peak_from) = (theirs.root_flux, theirs.flux, theirs.peak_from);
            (new.true_onset, new.predicted_onset, new.rise) =
                (theirs.true_onset, theirs.predicted_onset, theirs.rise);
        }
        new
    }

    /// Loudness in dB.
    pub fn loudness_db(&self, row: &[f32]) -> f32 {
        self.loudness.unscaled(row[LOUDNESS])
    }

    /// Probability of silence, 0 to 1.
    fn silence(&self, row: &[f32]) -> f32 {
        logistic(row[GATE])
    }

    /// Strength of a predicted onset, in deviations.
    pub fn onset(&self, row: &[f32]) -> f32 {
        self.predicted_onset.strength(predicted_onset(row))
    }

    fn onset_parts(&self, audio: &AudioFeatures, tick: usize) -> [f32; 3] {
        let flux = audio.flux[tick];
        let peak = f32::from(is_peak(audio, tick, self.peak_from));
        [self.root_flux.scaled(flux.sqrt()), self.flux.scaled(flux), peak]
    }
}

/// True if an onset peaks in a tick.
fn is_peak(audio: &AudioFeatures, tick: usize, threshold: f32) -> bool {
    let flux = |t: usize| audio.flux.get(t).copied().unwrap_or(0.0);
    let now = flux(tick);
    now > threshold && tick > 0 && now > flux(tick - 1) && now >= flux(tick + 1)
}

fn predicted_onset(row: &[f32]) -> [f32; 3] {
    [row[ROOT_FLUX], row[FLUX], logistic(row[PEAK])]
}

/// Numbers of the controls that are learned by logistic loss, and so are logits.
pub fn logistic_outputs() -> impl Iterator<Item = usize> {
    [PEAK, GATE].into_iter()
}

/// The logit of a probability that was counted or estimated, and so is never quite 0 or 1.
pub fn logit(p: f32) -> f32 {
    let p = p.clamp(MIN_ESTIMATE, 1.0 - MIN_ESTIMATE);
    (p / (1.0 - p)).ln()
}

/// The logit of a probability that was computed.
fn logit_of(p: f32) -> f32 {
    (p.max(MIN_PROBABILITY) / (1.0 - p).max(MIN_PROBABILITY)).ln()
}

fn logistic(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// Weight of an error in each number in training, and whether it is logistic: found by experiment.
pub fn losses() -> [(f32, bool); OUTPUTS] {
    let mut losses = [(1.0 / BANDS as f32, false); OUTPUTS];
    losses[LOUDNESS] = (0.3, false);
    losses[ROOT_FLUX] = (0.5, false);
    losses[PEAK] = (0.5, true);
    losses[FLUX] = (0.5, false);
    losses[GATE] = (0.3, true);
    losses
}
