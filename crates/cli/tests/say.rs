//! Output formats of networks of 2015: samples, magnitudes, magnitudes and phases.

mod support;

use kinophone::brain::Brain;
use kinophone::classic::ClassicRenderer;
use kinophone_dsp::frames::FrameSynthConfig;
use kinophone_dsp::stft::PowerSpectrum;
use kinophone_dsp::units::MediaTime;
use kinophone_dsp::window::{Form, Window};
use std::f64::consts::{PI, TAU};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use support::{decode_sound, ffmpeg, refuse, succeed};

/// Seconds in which the left half is bright sound at 450 Hz, those of the right half at 1020 Hz. Ticks hold
/// whole waves.
const TONES: [f64; 2] = [450.0, 1020.0];
const SECONDS: usize = 16;
const RATE: f64 = 22_050.0;

/// Half of the picture is bright: the left one in even seconds, the right one in odd ones.
fn film(home: &Path) -> PathBuf {
    let film = home.join("halves.mkv");
    let picture = "color=black:size=64x64:rate=30,format=gray,geq=lum='if(eq(gte(X\\,32)\\,mod(floor(N/30)\\,2))\\,220\\,20)'";
    let [low, high] = TONES;
    let sound = format!("aevalsrc='0.3*sin(2*PI*t*if(mod(floor(t)\\,2)\\,{high}\\,{low}))':s={RATE}");
    let length = SECONDS.to_string();
    let words = [
        "-f",
        "lavfi",
        "-i",
        picture,
        "-f",
        "lavfi",
        "-i",
        &sound,
        "-t",
        &length,
        "-c:v",
        "ffv1",
        "-c:a",
        "pcm_s16le",
    ];
    let words: Vec<&OsStr> = words.iter().map(OsStr::new).chain([film.as_os_str()]).collect();
    ffmpeg(&words);
    film
}

fn brain(home: &Path, film: &Path, say: &str) -> PathBuf {
    let brain = home.join(format!("{say}.brain"));
    let words = ["train", film.to_str().unwrap(), "-o", brain.to_str().unwrap(), "--quiet", "--say", say];
    let more = "--layers 40 --epochs 60 --lr 0.003 --silence 0 --hold-out none";
    succeed(home, &words.into_iter().chain(more.split(' ')).collect::<Vec<_>>());
    brain
}

fn rendered(home: &Path, brain: &Path, film: &Path, more: &[&str]) -> Vec<f32> {
    let out = home.join("out.wav");
    let words = ["render", brain.to_str().unwrap(), film.to_str().unwrap(), "-o", out.to_str().unwrap()];
    succeed(home, &[&words[..], &["--quiet", "--force", "--loudness", "off"], more].concat());
    decode_sound(&out, RATE as u32)
}

/// The strongest frequency in Hz and the level in dB, in the middle of every second.
fn tones(sound: &[f32]) -> Vec<(f64, f64)> {
    let size = 8192;
    let mut spectrum = PowerSpectrum::new(size, Window::Hann, Form::Periodic);
    let middle = |second: usize| ((second as f64 + 0.5) * RATE) as usize - size / 2;
    (0..SECONDS)
        .map(|second| {
            let from = middle(second);
            let power = spectrum.of(sound, from as i64);
            let top = (0..power.len()).max_by(|a, b| power[*a].total_cmp(&power[*b])).unwrap();
            let square: f64 = sound[from..from + size].iter().map(|x| f64::from(*x).powi(2)).sum();
            (top as f64 * RATE / size as f64, 10.0 * (square / size as f64).log10())
        })
        .collect()
}

#[test]
fn a_tones_spectrum_is_learned_and_sounds_at_its_pitch() {
    let home = tempfile::tempdir().unwrap();
    let film = film(home.path());
    let of_film = tones(&decode_sound(&film, RATE as u32));
    // A bin of the frames is 21.5 Hz wide, in which a random walk goes its way.
    for (say, more, near) in [
        ("stft", &[][..], 12.0),
        ("stft", &["--phase", "griffin-lim"], 12.0),
        ("stft", &["--phase", "random-walk"], 22.0),
        ("stft-phase", &["--synth", "raw"], 3.0),
        ("stft-phase", &[], 22.0),
    ] {
        let file = home.path().join(format!("{say}.brain"));
        let brain = if file.exists() { file } else { brain(home.path(), &film, say) };
        let heard = tones(&rendered(home.path(), &brain, &film, more));
        println!("{say} {more:?}: {heard:.1?}");
        for (second, ((hz, level), (true_hz, true_level))) in heard.iter().zip(&of_film).enumerate() {
            assert!((true_hz - TONES[second % 2]).abs() < 3.0, "the film is wrong: {true_hz}");
            assert!((hz - true_hz).abs() < near, "{say} {more:?}: {hz} Hz in second {second}, not {true_hz}");
            assert!((level - true_level).abs() < 2.0, "{say} {more:?}: {level} dB in second {second}");
        }
    }

    let said = |brain: &str| {
        let words = ["inspect".to_owned(), home.path().join(brain).to_str().unwrap().to_owned()];
        String::from_utf8(succeed(home.path(), &words).stdout).unwrap()
    };
    assert!(said("stft.brain").contains("513 magnitudes a tick, of 1024 samples"));
    assert!(said("stft-phase.brain").contains("368 magnitudes and phases a tick, of 735 samples"));
    for (say, wrong, why) in [
        ("stft", ["--synth", "raw"], "says magnitudes"),
        ("stft-phase", ["--phase", "rtpghi"], "says blocks"),
    ] {
        let (brain, out) = (home.path().join(format!("{say}.brain")), home.path().join("no.wav"));
        let words = ["render", brain.to_str().unwrap(), film.to_str().unwrap(), "-o", out.to_str().unwrap()];
        let said = refuse(home.path(), &[&words[..], &wrong].concat());
        assert!(said.contains(why) && !out.exists(), "{said}");
    }
}

/// x[n] = 1/N (X[0] + 2 Σ |X[k]| cos(2πkn/N + φ[k])), written out.
#[test]
fn raw_magnitudes_and_phases_are_the_inverse_transform() {
    let home = tempfile::tempdir().unwrap();
    let film = film(home.path());
    let brain = brain(home.path(), &film, "stft-phase");
    let Brain::Classic(brain) = Brain::load(&brain).unwrap() else { panic!("not classic") };
    let picture: Vec<u8> = (0..64 * 64).map(|i| if i % 64 < 32 { 220 } else { 20 }).collect();
    let pixels: Vec<f32> = picture.iter().map(|p| f32::from(*p) / 255.0).collect();
    let mut row = vec![0.0; 736];
    brain.predict(&pixels, &mut row);
    let (magnitudes, phases) = row.split_at(368);
    // The mean square of a row's magnitudes is that of the block; half a turn of phase is 0.1.
    let n = 735.0;
    let block: Vec<f64> = (0..735)
        .map(|i| {
            let wave = |k: usize| {
                let twice: f64 = if k == 0 { 1.0 } else { 2.0 };
                let x = f64::from(magnitudes[k]) * n / (twice * 368.0).sqrt();
                let phase = f64::from(phases[k]) / 0.1 * PI;
                twice / n * x * (TAU * k as f64 * f64::from(i) / n + phase).cos()
            };
            (0..368).map(wave).sum()
        })
        .collect();
    let mut performer = ClassicRenderer::new(&brain, &FrameSynthConfig::Raw);
    performer.show(&picture, MediaTime(200_000));
    let sound = performer.end(MediaTime(200_000)).to_vec();
    assert_eq!(sound.len(), 6 * 735);
    let error =
        sound.iter().zip(block.iter().cycle()).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
    assert!(error < 2e-5 && block.iter().any(|x| x.abs() > 0.2), "{error}");
}
