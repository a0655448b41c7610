//! What a brain says: 69 numbers a tick that describe sound, and how they choose sound.
//!
//! | numbers | what | learned by |
//! |---|---|---|
//! | 0..64 | log10 power in 64 mel bands, scaled | squared error |
//! | 64 | loudness in dB, scaled | squared error |
//! | 65 | √flux, scaled | squared error |
//! | 66 | whether an onset peaks here | logistic loss |
//! | 67 | flux, scaled | squared error |
//! | 68 | whether it is silent: below −60 dB | logistic loss |
//!
//! Flux is the sum of what every band rises over the tick before (`measure::onset_strength`). "Scaled" is to mean 0 and
//! deviation 1 over the training ticks.

use crate::dataset::{AudioFeatures, FLOOR_DB, LEAST_BAND_POWER, SILENT_DB};
use crate::model::features::scale::FeatureScale;
use kinophone_dsp::metrics::BANDS;
use serde::{Deserialize, Serialize};

/// Numbers that a brain says a tick.
pub const OUTPUTS: usize = BANDS + 5;

const LOUDNESS: usize = BANDS;
const ROOT_FLUX: usize = BANDS + 1;
const PEAK: usize = BANDS + 2;
const FLUX: usize = BANDS + 3;
const GATE: usize = BANDS + 4;

/// An onset peaks where the flux is a local maximum this many deviations above its median.
const PEAK_DEVIATIONS: f32 = 0.5;
/// No tick is surer of silence than 1 less this.
const LEAST_CHANCE: f32 = 1e-6;
/// More silence than this is not taken out of a mean: what would be left is noise, and the gate is nearly closed.
const MOST_UNDONE: f32 = 0.75;
/// By which the bands are divided when sound is chosen: the square root of how many there are.
const BAND_SCALE: f32 = 8.0;
/// No estimate is surer than this.
const LEAST_ESTIMATE: f32 = 0.01;

/// How √flux, flux and the peak make one number for the onset: each scaled, added, scaled.
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

/// The scales of what a brain says, from its training sound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ControlScaler {
    mel: Vec<FeatureScale>,
    loudness: FeatureScale,
    root_flux: FeatureScale,
    flux: FeatureScale,
    peak_from: f32,
    /// Of the onsets that are heard, and of those that the brain says, which are less sure of themselves.
    heard: OnsetScale,
    said: OnsetScale,
    /// The flux that goes with an onset of strength 0, and by how much more with each deviation.
    rise: [f32; 2],
    /// What an onset weighs against the rest when sound is chosen.
    onset_weight: f32,
    /// Whether pictures tell so well what sounds that it is either there or not.
    told: bool,
}

/// What is mapped onto what other sounds can sound like, by its mean and deviation, and not searched for as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DescriptorMatching {
    /// The power of each band.
    pub tone: bool,
    /// The loudness.
    pub loudness: bool,
    /// How strongly sounds begin.
    pub onset: bool,
}

impl DescriptorMatching {
    /// All of it.
    pub const ALL: Self = Self { tone: true, loudness: true, onset: true };
}

impl ControlScaler {
    /// From the training ticks of every stretch of sound.
    pub fn fit(stretches: &[(&AudioFeatures, &[u32])]) -> Self {
        let over = |number: &(dyn Fn(&AudioFeatures, usize) -> f32 + Sync)| {
            let numbers = stretches
                .iter()
                .flat_map(|(heard, ticks)| ticks.iter().map(move |tick| number(heard, *tick as usize)));
            FeatureScale::of(numbers)
        };
        let mel = (0..BANDS).map(|b| over(&|heard, tick| heard.mel[tick * BANDS + b])).collect();
        let mut fluxes: Vec<f32> = stretches
            .iter()
            .flat_map(|(heard, ticks)| ticks.iter().map(|t| heard.flux[*t as usize]))
            .collect();
        fluxes.sort_by(f32::total_cmp);
        let flux = FeatureScale::of(fluxes.iter().copied());
        let median = fluxes.get(fluxes.len() / 2).copied().unwrap_or(0.0);
        let mut new = Self {
            mel,
            loudness: over(&|heard, tick| heard.loudness[tick]),
            root_flux: over(&|heard, tick| heard.flux[tick].sqrt()),
            flux,
            peak_from: median + PEAK_DEVIATIONS * flux.deviation,
            heard: OnsetScale::of(&[]),
            said: OnsetScale::of(&[]),
            rise: [0.0; 2],
            onset_weight: 1.0,
            told: false,
        };
        let onsets: Vec<[f32; 3]> = stretches
            .iter()
            .flat_map(|(heard, ticks)| ticks.iter().map(|t| (*heard, *t as usize)))
            .map(|(heard, tick)| new.true_onset(heard, tick))
            .collect();
        new.heard = OnsetScale::of(&onsets);
        new.said = new.heard;
        // The line of least squares through flux over strength, whose mean is 0 and whose deviation 1.
        let products = onsets
            .iter()
            .zip(stretches.iter().flat_map(|(heard, ticks)| ticks.iter().map(|t| heard.flux[*t as usize])));
        let sum: f64 = products
            .map(|(onset, flux)| f64::from(new.heard.strength(*onset)) * f64::from(flux - new.flux.mean))
            .sum();
        new.rise = [new.flux.mean, (sum / onsets.len().max(1) as f64) as f32];
        new
    }

    /// Learns how sure of itself the brain is, from rows that it said of ticks that it did not learn, what onsets are then to
    /// weigh, and whether pictures tell what sounds.
    pub fn calibrate(&mut self, said: &[f32], onset_weight: f32, told: bool) {
        let onsets: Vec<[f32; 3]> = said.chunks_exact(OUTPUTS).map(said_onset).collect();
        if !onsets.is_empty() {
            self.said = OnsetScale::of(&onsets);
        }
        self.onset_weight = onset_weight;
        self.told = told;
    }

    /// What the brain should say of a tick: `[69]`.
    pub fn target(&self, heard: &AudioFeatures, tick: usize, out: &mut [f32]) {
        let mel = &heard.mel[tick * BANDS..][..BANDS];
        for ((out, scale), x) in out.iter_mut().zip(&self.mel).zip(mel) {
            *out = scale.scaled(*x);
        }
        let [root_flux, flux, peak] = self.true_onset(heard, tick);
        out[LOUDNESS] = self.loudness.scaled(heard.loudness[tick]);
        (out[ROOT_FLUX], out[FLUX], out[PEAK]) = (root_flux, flux, peak);
        out[GATE] = f32::from(heard.loudness[tick] < SILENT_DB);
    }

    /// What it should say of silence: `[69]`.
    pub fn target_of_silence(&self, out: &mut [f32]) {
        let floor = LEAST_BAND_POWER.log10() as f32;
        let heard = AudioFeatures { mel: vec![floor; BANDS], loudness: vec![FLOOR_DB], flux: vec![0.0] };
        self.target(&heard, 0, out);
    }

    /// Makes a row say silence, by a share of 0 to 1.
    pub fn hush(&self, row: &mut [f32], share: f32) {
        if share <= 0.0 {
            return;
        }
        let mut silence = [0.0; OUTPUTS];
        self.target_of_silence(&mut silence);
        // What is logistic has a probability to be mixed.
        let mixed = |logit: f32, towards: f32| {
            let p = logistic(logit) + share * (towards - logistic(logit));
            (p.max(LEAST_CHANCE) / (1.0 - p).max(LEAST_CHANCE)).ln()
        };
        let (peak, gate) = (mixed(row[PEAK], 0.0), mixed(row[GATE], 1.0));
        row.iter_mut().zip(silence).for_each(|(x, s)| *x += share * (s - *x));
        (row[PEAK], row[GATE]) = (peak, gate);
    }

    /// What a row says of a tick if it is not silent. Learned by squared error, its numbers are means of what may be, silence
    /// among it: E = p S + (1 − p) x, where p is the probability of silence, S what silence is, and x what is asked for. Played
    /// as it is, a sound whose beginning is a moment uncertain would begin far too quietly, and be closed by the gate besides.
    /// Where pictures do not tell as much, the row as it is: then the mean is the better guess, whatever is true.
    pub fn sounding(&self, row: &[f32], out: &mut [f32; OUTPUTS]) {
        let mut silence = [0.0; OUTPUTS];
        self.target_of_silence(&mut silence);
        let share = if self.told { self.silence(row).min(MOST_UNDONE) } else { 0.0 };
        for ((out, x), s) in out.iter_mut().zip(row).zip(silence) {
            *out = (x - share * s) / (1.0 - share);
        }
        (out[PEAK], out[GATE]) = (row[PEAK], row[GATE]);
    }

    /// By which a tick of training sound is found: `[66]`.
    pub fn unit(&self, heard: &AudioFeatures, tick: usize, out: &mut [f32]) {
        let mut row = [0.0; OUTPUTS];
        self.target(heard, tick, &mut row);
        self.describe(&row, self.heard.strength(self.true_onset(heard, tick)), out);
    }

    /// What to look for where the brain says `row`: `[66]`.
    pub fn wanted(&self, row: &[f32], out: &mut [f32]) {
        self.describe(row, self.said.strength(said_onset(row)), out);
    }

    fn describe(&self, row: &[f32], onset: f32, out: &mut [f32]) {
        out.iter_mut().zip(&row[..BANDS]).for_each(|(out, z)| *out = z / BAND_SCALE);
        out[BANDS] = 0.5 * row[LOUDNESS];
        out[BANDS + 1] = self.onset_weight * onset;
    }

    /// log10 of the power that a row says for every band.
    pub fn bands(&self, row: &[f32], out: &mut [f32; BANDS]) {
        for ((out, scale), z) in out.iter_mut().zip(&self.mel).zip(row) {
            *out = scale.unscaled(*z);
        }
    }

    /// log10 of the power in every band of a unit, from what [`ControlScaler::unit`] says of it.
    pub fn unit_bands(&self, descriptor: &[f32], out: &mut [f32; BANDS]) {
        for ((out, scale), x) in out.iter_mut().zip(&self.mel).zip(descriptor) {
            *out = scale.unscaled(BAND_SCALE * x);
        }
    }

    /// The flux that goes with an onset of `strength`, in deviations: never below 0.
    pub fn rise(&self, strength: f32) -> f32 {
        (self.rise[0] + self.rise[1] * strength).max(0.0)
    }

    /// Mean loudness of what was heard, in dB.
    pub fn usual_loudness_db(&self) -> f32 {
        self.loudness.mean
    }

    /// A voice that means by the same numbers what is usual, louder, brighter … among other sounds: what is `matched` is scaled to
    /// theirs. Attacks weigh as much as in this one.
    pub fn among(&self, stretches: &[(&AudioFeatures, &[u32])], matched: DescriptorMatching) -> Self {
        let (theirs, mut new) = (Self::fit(stretches), self.clone());
        if matched.tone {
            new.mel = theirs.mel;
        }
        if matched.loudness {
            new.loudness = theirs.loudness;
        }
        if matched.onset {
            (new.root_flux, new.flux, new.peak_from) = (theirs.root_flux, theirs.flux, theirs.peak_from);
            (new.heard, new.said, new.rise) = (theirs.heard, theirs.said, theirs.rise);
        }
        new
    }

    /// The loudness that a row says, in dB.
    pub fn loudness_db(&self, row: &[f32]) -> f32 {
        self.loudness.unscaled(row[LOUDNESS])
    }

    /// How sure a row is that there is silence, 0 to 1.
    pub fn silence(&self, row: &[f32]) -> f32 {
        logistic(row[GATE])
    }

    /// The onset strength that a row says, in deviations.
    pub fn onset(&self, row: &[f32]) -> f32 {
        self.said.strength(said_onset(row))
    }

    fn true_onset(&self, heard: &AudioFeatures, tick: usize) -> [f32; 3] {
        let flux = heard.flux[tick];
        let peak = f32::from(is_peak(heard, tick, self.peak_from));
        [self.root_flux.scaled(flux.sqrt()), self.flux.scaled(flux), peak]
    }
}

/// Whether an onset peaks in a tick.
fn is_peak(heard: &AudioFeatures, tick: usize, threshold: f32) -> bool {
    let flux = |t: usize| heard.flux.get(t).copied().unwrap_or(0.0);
    let now = flux(tick);
    now > threshold && tick > 0 && now > flux(tick - 1) && now >= flux(tick + 1)
}

fn said_onset(row: &[f32]) -> [f32; 3] {
    [row[ROOT_FLUX], row[FLUX], logistic(row[PEAK])]
}

/// Which of the numbers are learned by logistic loss, and so are said as logits.
pub fn logistic_outputs() -> impl Iterator<Item = usize> {
    [PEAK, GATE].into_iter()
}

/// The logit of a probability that was counted or estimated, and so is never quite 0 or 1.
pub fn logit(p: f32) -> f32 {
    let p = p.clamp(LEAST_ESTIMATE, 1.0 - LEAST_ESTIMATE);
    (p / (1.0 - p)).ln()
}

fn logistic(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// What an error in each number costs in training, and whether it is logistic: the weights of the recipe that was found
/// by experiment.
pub fn losses() -> [(f32, bool); OUTPUTS] {
    let mut losses = [(1.0 / BANDS as f32, false); OUTPUTS];
    losses[LOUDNESS] = (0.3, false);
    losses[ROOT_FLUX] = (0.5, false);
    losses[PEAK] = (0.5, true);
    losses[FLUX] = (0.5, false);
    losses[GATE] = (0.3, true);
    losses
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::descriptor::DESCRIPTOR;
    use kinophone_dsp::metrics as measure;
    use kinophone_dsp::metrics::RATE;
    use kinophone_dsp::units::FrameRate;
    use kinophone_dsp::units::SampleRate;
    use kinophone_dsp::units::TickGrid;

    fn grid() -> TickGrid {
        TickGrid { tick: FrameRate::new(30, 1).unwrap(), rate: SampleRate::new(RATE).unwrap() }
    }

    /// Clicks twice a second over a tone that swells.
    fn sound(seconds: usize) -> Vec<f32> {
        let rate = RATE as usize;
        (0..seconds * rate)
            .map(|n| {
                let t = n as f32 / rate as f32;
                let click =
                    if n % (rate / 2) < 200 { 0.5 * (-((n % (rate / 2)) as f32) / 40.0).exp() } else { 0.0 };
                click + 0.1 * (t / seconds as f32) * (std::f32::consts::TAU * 440.0 * t).sin()
            })
            .collect()
    }

    fn read(sound: &[f32]) -> impl Fn(i64, &mut [f32]) + Sync + '_ {
        |start, out| {
            for (k, x) in out.iter_mut().enumerate() {
                *x =
                    usize::try_from(start + k as i64).ok().and_then(|i| sound.get(i)).copied().unwrap_or(0.0);
            }
        }
    }

    #[test]
    fn ticks_are_described_as_the_measures_do() {
        let sound = sound(4);
        let heard = AudioFeatures::analyze(grid(), 0, 120, read(&sound));
        let mel = measure::log_mel(&sound, 30.0, 120);
        let loudness = measure::frame_loudness(&sound, RATE, 30.0, 120);
        for tick in 0..120 {
            for (ours, theirs) in heard.mel[tick * BANDS..].iter().zip(&mel[tick]) {
                assert!((f64::from(*ours) - theirs).abs() < 1e-5, "{tick}");
            }
            assert!((f64::from(heard.loudness[tick]) - loudness[tick]).abs() < 0.01);
        }
        let later = AudioFeatures::analyze(grid(), 50, 20, read(&sound));
        assert_eq!(later.mel, heard.mel[50 * BANDS..70 * BANDS]);
    }

    #[test]
    fn targets_are_scaled_and_know_clicks_and_silence() {
        let mut sound = sound(8);
        sound.extend(vec![0.0; 4 * RATE as usize]);
        let heard = AudioFeatures::analyze(grid(), 0, 360, read(&sound));
        let ticks: Vec<u32> = (0..360).collect();
        let voice = ControlScaler::fit(&[(&heard, &ticks)]);
        let rows: Vec<[f32; OUTPUTS]> = (0..360)
            .map(|tick| {
                let mut row = [0.0; OUTPUTS];
                voice.target(&heard, tick, &mut row);
                row
            })
            .collect();
        for column in [0, 20, 63, LOUDNESS, ROOT_FLUX, FLUX] {
            let scale = FeatureScale::of(rows.iter().map(|row| row[column]));
            assert!(scale.mean.abs() < 1e-3 && (scale.deviation - 1.0).abs() < 1e-3, "{column}: {scale:?}");
        }
        let peaks: Vec<usize> = (0..360).filter(|t| rows[*t][PEAK] == 1.0).collect();
        assert!(peaks.len() >= 14 && peaks.iter().all(|t| t % 15 <= 1 || t % 15 == 14), "{peaks:?}");
        assert_eq!((rows[100][GATE], rows[300][GATE]), (0.0, 1.0));
        let mut silence = [0.0; OUTPUTS];
        voice.target_of_silence(&mut silence);
        let mut hushed = rows[100];
        voice.hush(&mut hushed, 1.0);
        assert!(voice.silence(&hushed) > 0.999 && (voice.loudness_db(&hushed) + 70.0).abs() < 1e-3);
        voice.hush(&mut hushed, 0.0);
        let mut half = [0.0; OUTPUTS];
        voice.hush(&mut half, 0.5);
        assert!(
            (voice.silence(&half) - 0.75).abs() < 1e-5
                && (half[LOUDNESS] - silence[LOUDNESS] / 2.0).abs() < 1e-6
        );
        assert!(silence.iter().zip(&rows[300]).all(|(a, b)| (a - b).abs() < 1e-4));
        assert!((voice.loudness_db(&rows[300]) + 70.0).abs() < 1e-3);
    }

    #[test]
    fn what_is_matched_is_scaled_to_other_sounds() {
        let listen = |gain: f32| {
            let quiet: Vec<f32> = sound(4).iter().map(|x| gain * x).collect();
            AudioFeatures::analyze(grid(), 0, 120, read(&quiet))
        };
        let (loud, quiet) = (listen(1.0), listen(0.5));
        let ticks: Vec<u32> = (0..120).collect();
        let voice = ControlScaler::fit(&[(&loud, &ticks)]);
        let theirs = [(&quiet, &ticks[..])];
        let matched =
            |tone, loudness, onset| voice.among(&theirs, DescriptorMatching { tone, loudness, onset });
        assert_eq!(matched(false, false, false), voice);
        let row = |voice: &ControlScaler, heard: &AudioFeatures| {
            let mut row = [0.0; OUTPUTS];
            voice.target(heard, 60, &mut row);
            row
        };
        let (said, all) = (row(&voice, &loud), voice.among(&theirs, DescriptorMatching::ALL));
        // Half of the amplitude is 6 dB less, and means the same among quiet sounds; near silence both end at the floor.
        assert!((voice.loudness_db(&said) - all.loudness_db(&said) - 6.02).abs() < 0.2);
        assert!((row(&all, &quiet)[LOUDNESS] - said[LOUDNESS]).abs() < 0.02);
        let (toned, levelled) = (matched(true, false, false), matched(false, true, false));
        assert_eq!(row(&toned, &quiet)[..BANDS], row(&all, &quiet)[..BANDS]);
        assert_eq!(row(&toned, &quiet)[LOUDNESS..], row(&voice, &quiet)[LOUDNESS..]);
        assert_eq!(row(&levelled, &quiet)[..BANDS], row(&voice, &quiet)[..BANDS]);
        assert_eq!(row(&levelled, &quiet)[LOUDNESS], row(&all, &quiet)[LOUDNESS]);
    }

    #[test]
    fn a_unit_is_nearest_to_the_row_that_says_it() {
        let sound = sound(8);
        let heard = AudioFeatures::analyze(grid(), 0, 240, read(&sound));
        let ticks: Vec<u32> = (0..240).collect();
        let voice = ControlScaler::fit(&[(&heard, &ticks)]);
        let mut units = vec![0.0; 240 * DESCRIPTOR];
        units.chunks_exact_mut(DESCRIPTOR).enumerate().for_each(|(t, out)| voice.unit(&heard, t, out));
        let (mut row, mut wanted) = ([0.0; OUTPUTS], [0.0; DESCRIPTOR]);
        voice.target(&heard, 77, &mut row);
        let (mut bands, mut again) = ([0.0; BANDS], [0.0; BANDS]);
        voice.bands(&row, &mut bands);
        voice.unit_bands(&units[77 * DESCRIPTOR..], &mut again);
        assert!(bands.iter().zip(again).all(|(a, b)| (a - b).abs() < 1e-4));
        row[PEAK] = if row[PEAK] > 0.5 { 20.0 } else { -20.0 };
        voice.wanted(&row, &mut wanted);
        let distance = |unit: &[f32]| unit.iter().zip(&wanted).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
        let best =
            units.chunks_exact(DESCRIPTOR).map(distance).enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
        assert!(best.unwrap().1 < 1e-6 && distance(&units[77 * DESCRIPTOR..][..DESCRIPTOR]) < 1e-6);
        // What rises on the whole is what rose, and with clicks more than without.
        let rises: Vec<f32> = (0..240)
            .map(|tick| {
                voice.target(&heard, tick, &mut row);
                row[PEAK] = if row[PEAK] > 0.5 { 20.0 } else { -20.0 };
                voice.rise(voice.onset(&row))
            })
            .collect();
        let mean = |numbers: &[f32]| numbers.iter().sum::<f32>() / numbers.len() as f32;
        assert!(
            (mean(&rises) / mean(&heard.flux) - 1.0).abs() < 0.1,
            "{} {}",
            mean(&rises),
            mean(&heard.flux)
        );
        let errors: f32 = rises.iter().zip(&heard.flux).map(|(a, b)| (a - b).powi(2)).sum();
        let all: f32 = heard.flux.iter().map(|x| (x - mean(&heard.flux)).powi(2)).sum();
        assert!(errors < 0.2 * all, "{errors} of {all}");
    }
}
