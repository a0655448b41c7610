//! The metrics against figures of an independent implementation, and their edge cases.

use crate::metrics::*;
use std::f64::consts::PI;

const SECS: usize = 52;
const N: usize = SECS * RATE as usize;

/// Noise in −0.5..0.5 from a linear congruential generator (D. Knuth, TAOCP 2, section 3.3.4, table 1, line
/// 16), because any language makes the same.
fn congruential_noise(n: usize, mut state: u32) -> Vec<f64> {
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1u32 << 24) - 0.5
    };
    (0..n).map(|_| next()).collect()
}

/// Decaying tones with some noise, one every 0.37 s.
fn reference() -> Vec<f32> {
    let noise = congruential_noise(N, 1);
    let sample = |n: usize| {
        let t = n as f64 / f64::from(RATE);
        let note = (t / 0.37).floor();
        let since = t - note * 0.37;
        let amplitude = 0.05 + 0.4 * (1.0 + note % 5.0) / 5.0 * (-since * 9.0).exp();
        amplitude * ((2.0 * PI * 220.0 * (1.0 + note % 7.0) * since).sin() + 0.3 * noise[n])
    };
    (0..N).map(|n| sample(n) as f32).collect()
}

/// The reference two frames late, with noise that repeats every 735 samples and noise that does not.
fn generated(reference: &[f32]) -> Vec<f32> {
    let (buzz, noise) = (congruential_noise(735, 2), congruential_noise(N, 3));
    let sample = |n: usize| {
        let late = if n < 1470 { 0.0 } else { 0.6 * f64::from(reference[n - 1470]) };
        let swell = 1.0 + (n as f64 / f64::from(RATE) / 3.0).floor() % 2.0;
        late + 0.1 * buzz[n % 735] * swell + 0.02 * noise[n]
    };
    (0..N).map(|n| sample(n) as f32).collect()
}

fn assert_near(name: &str, got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() <= tolerance, "{name}: {got} instead of {want}");
}

/// The expected figures come from the Python (numpy) program with which the earlier experiments were
/// measured. It was run once on these two signals, written as 32-bit WAV at 22 050 Hz, with `--fps 30`, then
/// with `--held-out every5th` added, then with `--fps 23.976`. It prints four decimals of correlations and
/// distance, two of levels, all of the combs.
#[test]
fn figures_are_those_of_the_earlier_implementation() {
    let reference = reference();
    let generated = generated(&reference);
    let all = |_: usize| true;
    let runs = [
        (
            compare(&reference, &generated, 30.0, all),
            1560,
            2,
            [0.3542, 0.7879, 0.5456],
            [20.7524128, 3.4680875],
            [-23.58, -22.42],
        ),
        (
            compare(&reference, &generated, 30.0, every_fifth_block(30.0)),
            300,
            2,
            [0.3784, 0.8094, 0.5389],
            [20.7524128, 3.4680875],
            [-23.46, -22.31],
        ),
        (
            compare(&reference, &generated, 23.976, all),
            1246,
            -7,
            [0.3601, 0.6235, 0.5455],
            [6.5967512, 3.3674485],
            [-23.56, -22.37],
        ),
    ];
    for (
        got,
        frames,
        lag,
        [loudness_r, onset_r, distance],
        [comb, comb_reference],
        [level, level_reference],
    ) in runs
    {
        let got = got.unwrap();
        assert_eq!((got.frames, got.onset_lag_frames), (frames, lag));
        assert_near("loudness_r", got.loudness_r, loudness_r, 1e-4);
        assert_near("onset_r", got.onset_r, onset_r, 1e-4);
        assert_near("logmel_l1", got.logmel_l1, distance, 1e-4);
        assert_near("comb", got.comb_db.unwrap(), comb, 1e-4);
        assert_near("comb of the reference", got.comb_reference_db.unwrap(), comb_reference, 1e-4);
        assert_near("level", got.level_db, level, 0.0051);
        assert_near("level of the reference", got.level_reference_db, level_reference, 0.0051);
    }
    // A short sound goes through the shorter transform; from the same program's function.
    assert_near("short comb", comb_prominence(&generated[..40_000], RATE, 30.0).unwrap(), 14.876_378_3, 1e-4);
}

#[test]
fn a_sound_agrees_with_itself() {
    let reference = &reference()[..10 * RATE as usize];
    let quieter: Vec<f32> = reference.iter().map(|x| 0.5 * x).collect();
    let got = compare(reference, &quieter, 30.0, |_| true).unwrap();
    assert_eq!((got.onset_lag_frames, got.frames), (0, 300));
    assert_near("loudness_r", got.loudness_r, 1.0, 1e-6);
    assert_near("onset_r", got.onset_r, 1.0, 1e-6);
    assert_near("logmel_l1", got.logmel_l1, 0.0, 1e-3);
    assert_near("level", got.level_db - got.level_reference_db, -6.0206, 1e-3);
}

#[test]
fn without_frames_there_is_no_figure() {
    let silence = vec![0.0; 5 * RATE as usize];
    assert_eq!(compare(&[], &[], 30.0, |_| true), None);
    assert_eq!(compare(&silence, &silence, 30.0, |_| false), None);
    assert_eq!(compare(&silence[..2000], &silence, 30.0, |_| true), None);
    let got = compare(&silence, &silence, 30.0, |_| true).unwrap();
    assert_eq!((got.comb_db, got.loudness_r, got.level_db), (None, 0.0, -70.0));
    assert_eq!(comb_prominence(&silence[..1000], RATE, 30.0), None);
}
