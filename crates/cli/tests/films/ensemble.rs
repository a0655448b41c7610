//! The networks with memory on a real film: sound in time with the picture, no buzz, and silence where nothing is to be
//! seen.

use crate::footage::{find, needs};
use crate::support::{decode_sound, ffmpeg, judge, packets_md5, refuse, succeed};
use libtest_mimic::Trial;
use std::ffi::OsStr;
use std::path::Path;

pub fn trials() -> Vec<Trial> {
    vec![
        needs(
            &[BACH, POPEYE],
            "ensemble::a_pianos_notes_come_with_the_hands_and_nothing_comes_from_nothing",
            a_pianos_notes,
        ),
        needs(&[CRYSTAL, POPEYE], "ensemble::what_a_brain_can_not_do_is_said", what_a_brain_can_not_do),
    ]
}

const BACH: &str = "films/piano-bach.mp4";
const CRYSTAL: &str = "films/crystal.mp4";
const POPEYE: &str = "films/popeye_sinbad_T01-2.mkv";
const HELD_OUT: [&str; 2] = ["--held-out", "every5th"];

/// A brain with what every test of it needs, made once.
fn brain(home: &Path, film: &Path, more: &[&str]) -> serde_json::Value {
    let brain = home.join("a.brain");
    let words = ["train", film.to_str().unwrap(), "-o", brain.to_str().unwrap(), "--quiet", "--json"];
    serde_json::from_slice(&succeed(home, &[&words, more].concat()).stdout).unwrap()
}

fn render(home: &Path, film: &Path, out: &Path, more: &[&str]) {
    let brain = home.join("a.brain");
    let words =
        ["render", brain.to_str().unwrap(), film.to_str().unwrap(), "-o", out.to_str().unwrap(), "--quiet"];
    succeed(home, &[&words, more].concat());
}

/// Mean level in dB below full scale.
fn level(sound: &[f32]) -> f64 {
    let power = sound.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / sound.len() as f64;
    10.0 * power.max(1e-12).log10()
}

fn a_pianos_notes() {
    let home = tempfile::tempdir().unwrap();
    let film = find(BACH);
    let said = brain(home.path(), &film, &[]);
    println!("{}", said["verdict"]);

    // On blocks that training did not see. The floors lie below the spread of seeds; chance is 0.07 and 0.28.
    for (more, onset, loudness) in [(&[][..], 0.33, 0.50), (&["--live"], 0.28, 0.40)] {
        let out = home.path().join("out.wav");
        render(home.path(), &film, &out, &[more, &["--force"]].concat());
        let said = judge(&film, &out, &HELD_OUT);
        println!("{more:?}: {said}");
        let figure = |name: &str| said[name].as_f64().unwrap();
        assert!(figure("onset_r") >= onset && figure("loudness_r") >= loudness, "{said}");
        assert!(figure("comb_db") <= figure("comb_ref_db") + 1.0, "{said}");
        // The sound's own rate, not that of the analysis.
        assert!(decode_sound(&out, 44_100).len().abs_diff((126.6 * 44_100.0) as usize) < 22_050);
    }

    // Grains of the same sound follow the picture, too, and are the same again for the same seed only.
    let grains = |seed: &str| {
        let out = home.path().join("grains.wav");
        render(home.path(), &film, &out, &["--synth", "granular", "--seed", seed, "--force"]);
        (judge(&film, &out, &HELD_OUT), std::fs::read(&out).unwrap())
    };
    let ((said, sound), (_, again), (_, other)) = (grains("1"), grains("1"), grains("2"));
    println!("granular: {said}");
    let figure = |name: &str| said[name].as_f64().unwrap();
    assert!(figure("onset_r") >= 0.25 && figure("loudness_r") >= 0.50, "{said}");
    assert!(figure("comb_db") <= figure("comb_ref_db") + 1.0, "{said}");
    assert!(sound == again && sound != other);

    // Another film's picture is untouched, and the same brain makes the same sound.
    let other = find(POPEYE);
    let (one, two) = (home.path().join("one.mkv"), home.path().join("two.mkv"));
    render(home.path(), &other, &one, &[]);
    render(home.path(), &other, &two, &[]);
    assert_eq!(packets_md5(&other, "v"), packets_md5(&one, "v"));
    assert_eq!(packets_md5(&one, "a"), packets_md5(&two, "a"));

    // Black, white, a fade and flicker near black, at whatever loudness is asked for.
    for (name, source) in [
        ("black", "color=black:size=320x240:rate=24"),
        ("white", "color=white:size=320x240:rate=24"),
        ("fade", "color=white:size=320x240:rate=24,fade=out:st=2:d=3:color=black"),
        ("flicker", "color=black:size=320x240:rate=24,geq=lum='16+mod(N*7,9)':cb=128:cr=128"),
    ] {
        let (film, out) = (home.path().join("still.mp4"), home.path().join("still.wav"));
        let words = ["-f", "lavfi", "-i", source, "-t", "8", "-pix_fmt", "yuv420p"].map(OsStr::new);
        ffmpeg(&[&words[..], &[film.as_os_str()]].concat());
        for synth in ["mosaic", "granular"] {
            render(home.path(), &film, &out, &["--force", "--synth", synth]);
            let level = level(&decode_sound(&out, 22_050));
            println!("{name}, {synth}: {level:.1} dBFS");
            assert!(level <= -60.0, "{name} sounds at {level:.1} dBFS with {synth}");
        }
    }

    let inspected = succeed(home.path(), &["inspect", home.path().join("a.brain").to_str().unwrap()]).stdout;
    let inspected = String::from_utf8(inspected).unwrap();
    assert!(
        inspected.contains("gru, gru, gru, tcn, tcn, tcn, memory of ") && inspected.contains("44100 Hz"),
        "{inspected}"
    );
}

fn what_a_brain_can_not_do() {
    let home = tempfile::tempdir().unwrap();
    let film = find(CRYSTAL);
    brain(home.path(), &film, &["--steps", "5", "--no-live", "--no-sound"]);
    let (brain, out) = (home.path().join("a.brain"), home.path().join("out.wav"));
    let words = ["render", brain.to_str().unwrap(), film.to_str().unwrap(), "-o", out.to_str().unwrap()];
    let with = |synth| refuse(home.path(), &[&words[..], &["--synth", synth]].concat());
    for synth in ["mosaic", "granular"] {
        assert!(with(synth).contains("no sound to play with"));
    }
    for synth in ["raw", "windowed", "granular-2015"] {
        assert!(with(synth).contains("says no samples"));
    }
    let silent = home.path().join("silent.wav");
    ffmpeg(&["-f", "lavfi", "-i", "anullsrc", "-t", "1", silent.to_str().unwrap()]);
    let lent =
        |file: &Path| refuse(home.path(), &[&words[..], &["--phase", file.to_str().unwrap()]].concat());
    assert!(lent(&find(POPEYE)).contains("has no sound"));
    assert!(lent(&silent).contains("no phases to lend"));
    assert!(!out.exists());

    // A memory compares motion and appearance; who looks for colours alone has nothing to compare.
    let other = home.path().join("other.brain");
    let (from, to) = (film.to_str().unwrap(), other.to_str().unwrap());
    let colours = ["train", from, "-o", to, "--see", "colour", "--net", "memory"];
    assert!(refuse(home.path(), &colours).contains("nothing to learn with") && !other.exists());

    // What it describes can still be made audible.
    let clicks = home.path().join("clicks.wav");
    // Fifty clicks a second, for a second, at another rate than the brain's.
    ffmpeg(&[
        "-f",
        "lavfi",
        "-i",
        "aevalsrc=0.9*lt(mod(n\\,882)\\,1):s=44100",
        "-t",
        "1",
        clicks.to_str().unwrap(),
    ]);
    let mut sounds = Vec::new();
    for phase in ["rtpghi", "griffin-lim", "random-walk", clicks.to_str().unwrap()] {
        succeed(home.path(), &[&words[..], &["--loudness", "off", "--force", "--phase", phase]].concat());
        sounds.push(decode_sound(&out, 22_050));
    }
    // All of them make the same sound, of which only the borrower repeats fifty times a second, to the end.
    let repeats = |sound: &[f32]| {
        let product: f64 = sound[441..].iter().zip(sound).map(|(a, b)| f64::from(a * b)).sum();
        product / sound.iter().map(|x| f64::from(x * x)).sum::<f64>()
    };
    for (k, sound) in sounds.iter().enumerate() {
        let (level, halves) = (level(sound), sound.split_at(sound.len() / 2));
        let repeats = [repeats(halves.0), repeats(halves.1)];
        println!("{k}: {level:.1} dB, repeats {repeats:.2?}");
        assert!((level - self::level(&sounds[0])).abs() < 0.5, "{level} dB");
        assert!(repeats.iter().all(|r| if k == 3 { *r > 0.6 } else { *r < 0.4 }), "{repeats:?}");
    }
}
