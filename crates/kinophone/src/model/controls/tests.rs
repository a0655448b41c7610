use crate::model::controls::*;
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
            *x = usize::try_from(start + k as i64).ok().and_then(|i| sound.get(i)).copied().unwrap_or(0.0);
        }
    }
}

#[test]
fn ticks_are_described_as_the_measures_do() {
    let sound = sound(4);
    let audio = AudioFeatures::analyze(grid(), 0, 120, read(&sound));
    let mel = measure::log_mel(&sound, 30.0, 120);
    let loudness = measure::frame_loudness(&sound, RATE, 30.0, 120);
    for tick in 0..120 {
        for (ours, theirs) in audio.mel[tick * BANDS..].iter().zip(&mel[tick]) {
            assert!((f64::from(*ours) - theirs).abs() < 1e-5, "{tick}");
        }
        assert!((f64::from(audio.loudness[tick]) - loudness[tick]).abs() < 0.01);
    }
    let later = AudioFeatures::analyze(grid(), 50, 20, read(&sound));
    assert_eq!(later.mel, audio.mel[50 * BANDS..70 * BANDS]);
}

#[test]
fn targets_are_scaled_and_know_clicks_and_silence() {
    let mut sound = sound(8);
    sound.extend(vec![0.0; 4 * RATE as usize]);
    let audio = AudioFeatures::analyze(grid(), 0, 360, read(&sound));
    let ticks: Vec<u32> = (0..360).collect();
    let scaler = ControlScaler::fit(&[(&audio, &ticks)]);
    let rows: Vec<[f32; OUTPUTS]> = (0..360)
        .map(|tick| {
            let mut row = [0.0; OUTPUTS];
            scaler.target(&audio, tick, &mut row);
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
    scaler.target_of_silence(&mut silence);
    let mut faded = rows[100];
    scaler.fade_to_silence(&mut faded, 1.0);
    assert!(scaler.silence(&faded) > 0.999 && (scaler.loudness_db(&faded) + 70.0).abs() < 1e-3);
    scaler.fade_to_silence(&mut faded, 0.0);
    let mut half = [0.0; OUTPUTS];
    scaler.fade_to_silence(&mut half, 0.5);
    assert!(
        (scaler.silence(&half) - 0.75).abs() < 1e-5
            && (half[LOUDNESS] - silence[LOUDNESS] / 2.0).abs() < 1e-6
    );
    assert!(silence.iter().zip(&rows[300]).all(|(a, b)| (a - b).abs() < 1e-4));
    assert!((scaler.loudness_db(&rows[300]) + 70.0).abs() < 1e-3);
}

#[test]
fn what_is_matched_is_scaled_to_other_sounds() {
    let listen = |gain: f32| {
        let quiet: Vec<f32> = sound(4).iter().map(|x| gain * x).collect();
        AudioFeatures::analyze(grid(), 0, 120, read(&quiet))
    };
    let (loud, quiet) = (listen(1.0), listen(0.5));
    let ticks: Vec<u32> = (0..120).collect();
    let scaler = ControlScaler::fit(&[(&loud, &ticks)]);
    let theirs = [(&quiet, &ticks[..])];
    let matched =
        |tone, loudness, onset| scaler.adapted_to(&theirs, DescriptorMatching { tone, loudness, onset });
    assert_eq!(matched(false, false, false), scaler);
    let row = |scaler: &ControlScaler, audio: &AudioFeatures| {
        let mut row = [0.0; OUTPUTS];
        scaler.target(audio, 60, &mut row);
        row
    };
    let (loud_row, all) = (row(&scaler, &loud), scaler.adapted_to(&theirs, DescriptorMatching::ALL));
    // Half of the amplitude is 6 dB less, and means the same among quiet sounds; near silence both end at the floor.
    assert!((scaler.loudness_db(&loud_row) - all.loudness_db(&loud_row) - 6.02).abs() < 0.2);
    assert!((row(&all, &quiet)[LOUDNESS] - loud_row[LOUDNESS]).abs() < 0.02);
    let (toned, levelled) = (matched(true, false, false), matched(false, true, false));
    assert_eq!(row(&toned, &quiet)[..BANDS], row(&all, &quiet)[..BANDS]);
    assert_eq!(row(&toned, &quiet)[LOUDNESS..], row(&scaler, &quiet)[LOUDNESS..]);
    assert_eq!(row(&levelled, &quiet)[..BANDS], row(&scaler, &quiet)[..BANDS]);
    assert_eq!(row(&levelled, &quiet)[LOUDNESS], row(&all, &quiet)[LOUDNESS]);
}

#[test]
fn a_unit_is_nearest_to_the_row_that_says_it() {
    let sound = sound(8);
    let audio = AudioFeatures::analyze(grid(), 0, 240, read(&sound));
    let ticks: Vec<u32> = (0..240).collect();
    let scaler = ControlScaler::fit(&[(&audio, &ticks)]);
    let mut units = vec![0.0; 240 * DESCRIPTOR];
    units.chunks_exact_mut(DESCRIPTOR).enumerate().for_each(|(t, out)| scaler.unit(&audio, t, out));
    let mut row = [0.0; OUTPUTS];
    scaler.target(&audio, 77, &mut row);
    let (mut bands, mut again) = ([0.0; BANDS], [0.0; BANDS]);
    scaler.bands(&row, &mut bands);
    scaler.unit_bands(&units[77 * DESCRIPTOR..], &mut again);
    assert!(bands.iter().zip(again).all(|(a, b)| (a - b).abs() < 1e-4));
    row[PEAK] = if row[PEAK] > 0.5 { 20.0 } else { -20.0 };
    let wanted = scaler.frame(&row).descriptor;
    let distance = |unit: &[f32]| unit.iter().zip(&wanted).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
    let best = units.chunks_exact(DESCRIPTOR).map(distance).enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
    assert!(best.unwrap().1 < 1e-6 && distance(&units[77 * DESCRIPTOR..][..DESCRIPTOR]) < 1e-6);
    // What rises on the whole is what rose, and with clicks more than without.
    let rises: Vec<f32> = (0..240)
        .map(|tick| {
            scaler.target(&audio, tick, &mut row);
            row[PEAK] = if row[PEAK] > 0.5 { 20.0 } else { -20.0 };
            scaler.rise(scaler.onset(&row))
        })
        .collect();
    let mean = |numbers: &[f32]| numbers.iter().sum::<f32>() / numbers.len() as f32;
    assert!((mean(&rises) / mean(&audio.flux) - 1.0).abs() < 0.1, "{} {}", mean(&rises), mean(&audio.flux));
    let errors: f32 = rises.iter().zip(&audio.flux).map(|(a, b)| (a - b).powi(2)).sum();
    let all: f32 = audio.flux.iter().map(|x| (x - mean(&audio.flux)).powi(2)).sum();
    assert!(errors < 0.2 * all, "{errors} of {all}");
}
