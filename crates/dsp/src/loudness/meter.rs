//! The meter of integrated loudness and true peak, streaming.

use crate::loudness::{UnsupportedSound, check, decibels};
use crate::units::SampleRate;
use ebur128::{EbuR128, Mode};

/// Measures integrated loudness (ITU-R BS.1770-4, EBU R 128) and true peak of a stream, in constant memory.
///
/// Gating blocks are kept as a histogram in steps of 0.1 LU, which bounds the memory and costs at most 0.05
/// LU. Mono counts as one loudspeaker, as ffmpeg's `ebur128` counts it by default.
pub struct Meter {
    meter: EbuR128,
    channels: usize,
}

impl Meter {
    /// A meter for interleaved sound of 1 or 2 channels.
    pub fn new(rate: SampleRate, channels: usize) -> Result<Self, UnsupportedSound> {
        check(rate, channels)?;
        let mode = Mode::I | Mode::HISTOGRAM | Mode::TRUE_PEAK;
        let meter = EbuR128::new(channels as u32, rate.hz(), mode)
            .map_err(|_| UnsupportedSound { channels, hz: rate.hz() })?;
        Ok(Self { meter, channels })
    }

    /// Takes the next frames, full scale ±1; an incomplete frame at the end is left out. Samples that are not
    /// finite count as 0: they would stay in the meter's filters for ever.
    pub fn push(&mut self, interleaved: &[f32]) {
        let whole = &interleaved[..interleaved.len() - interleaved.len() % self.channels];
        let taken = if whole.iter().all(|x| x.is_finite()) {
            self.meter.add_frames_f32(whole)
        } else {
            let clean: Vec<f32> = whole.iter().map(|x| if x.is_finite() { *x } else { 0.0 }).collect();
            self.meter.add_frames_f32(&clean)
        };
        taken.expect("only whole frames are given");
    }

    /// Integrated loudness in LUFS; `None` where no part of 400 ms lies above the gate of −70 LUFS.
    pub fn integrated(&self) -> Option<f64> {
        self.meter.loudness_global().ok().filter(|lufs| lufs.is_finite())
    }

    /// The highest true peak of all channels in dB relative to full scale; `None` for digital silence.
    pub fn true_peak(&self) -> Option<f64> {
        let peaks = (0..self.channels as u32).filter_map(|c| self.meter.true_peak(c).ok());
        let peak = peaks.fold(0.0, f64::max);
        (peak > 0.0).then(|| decibels(peak))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    fn stereo_sine(rate: u32, hz: f64, level_db: f64, secs: f64) -> Vec<f32> {
        let n = (f64::from(rate) * secs) as usize;
        let a = crate::loudness::amplitude(level_db);
        (0..2 * n).map(|k| (a * (2.0 * PI * hz * (k / 2) as f64 / f64::from(rate)).sin()) as f32).collect()
    }

    fn measured(rate: u32, x: &[f32]) -> Meter {
        let mut meter = Meter::new(SampleRate::new(rate).unwrap(), 2).unwrap();
        x.chunks(998).for_each(|piece| meter.push(piece));
        meter
    }

    fn close(level: Option<f64>, expected: f64) -> bool {
        level.is_some_and(|db| (db - expected).abs() < 0.1)
    }

    #[test]
    fn the_minimum_requirements_of_tech_3341_are_met() {
        // EBU Tech 3341 (2016), table 1, cases 1 to 3: 1 kHz stereo sines, ±0.1 LU.
        let sine = |db, secs| stereo_sine(48_000, 1000.0, db, secs);
        assert!(close(measured(48_000, &sine(-23.0, 20.0)).integrated(), -23.0));
        assert!(close(measured(48_000, &sine(-33.0, 20.0)).integrated(), -33.0));
        let three = [sine(-36.0, 10.0), sine(-23.0, 60.0), sine(-36.0, 10.0)].concat();
        assert!(close(measured(48_000, &three).integrated(), -23.0));
        assert!(close(measured(22_050, &stereo_sine(22_050, 1000.0, -23.0, 20.0)).integrated(), -23.0));
    }

    #[test]
    fn a_peak_between_samples_is_seen() {
        // A quarter of the sample rate at 45°: samples reach 0.707 of the wave's amplitude (Tech 3341, case
        // 16: +0.2 −0.4 dB). It fades in, because an abrupt beginning overshoots.
        let fade = |k: i32| (f64::from(k) / 9600.0).min(1.0);
        let wave = |k: i32| 0.5 * fade(k) * (PI / 2.0 * f64::from(k / 2) + PI / 4.0).sin();
        let x: Vec<f32> = (0..48_000).map(|k| wave(k) as f32).collect();
        let peak = measured(48_000, &x).true_peak().unwrap();
        assert!((-6.42..=-5.82).contains(&peak), "{peak}");
    }

    #[test]
    fn silence_has_no_loudness_and_bad_samples_are_silence() {
        let meter = measured(48_000, &vec![0.0; 96_000]);
        assert_eq!((meter.integrated(), meter.true_peak()), (None, None));
        let faint = measured(48_000, &stereo_sine(48_000, 1000.0, -80.0, 3.0));
        assert_eq!(faint.integrated(), None);
        assert!(close(faint.true_peak(), -80.0));
        let mut bad = stereo_sine(48_000, 1000.0, -23.0, 20.0);
        (bad[1000], bad[2001]) = (f32::NAN, f32::INFINITY);
        assert!(close(measured(48_000, &bad).integrated(), -23.0));
        assert!(Meter::new(SampleRate::new(48_000).unwrap(), 3).is_err());
        assert!(Meter::new(SampleRate::new(48_000).unwrap(), 0).is_err());
        assert!(Meter::new(SampleRate::new(7).unwrap(), 1).is_err());
    }
}
