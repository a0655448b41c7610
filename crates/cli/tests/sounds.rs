//! Libraries of sounds, and soundtracks made of them.

mod support;

use kinophone_dsp::stft::PowerSpectrum;
use kinophone_dsp::window::{Form, Window};
use serde_json::Value;
use std::path::Path;
use support::{Home, decode_sound, ffmpeg, packets_md5, small_film};

const RATE: u32 = 22_050;
const QUICK: &str = "--steps 20 --no-live --net tcn,memory";

/// A sound of this ffmpeg source.
fn record(file: &Path, source: &str, more: &[&str]) {
    let words = [&["-f", "lavfi", "-i", source, "-t", "6"], more, &[file.to_str().unwrap()]].concat();
    ffmpeg(&words);
}

/// Share of the energy within 80 Hz of one of these frequencies.
fn share_near(sound: &[f32], places: &[f64]) -> f64 {
    let n = 4096;
    let mut spectrum = PowerSpectrum::new(n, Window::Hann, Form::Periodic);
    let (mut near, mut all) = (0.0, 0.0);
    for start in (0..sound.len().saturating_sub(n)).step_by(n) {
        for (k, power) in spectrum.of(sound, start as i64).iter().enumerate() {
            let hz = k as f64 * f64::from(RATE) / n as f64;
            all += power;
            near += if places.iter().any(|place| (hz - place).abs() < 80.0) { *power } else { 0.0 };
        }
    }
    near / all
}

/// A folder with two tones (one in a folder below, at another rate and in stereo), and what is no sound.
fn tones(home: &Home) {
    std::fs::create_dir_all(home.at("tones/below")).unwrap();
    let swelling = |hz: u32| format!("aevalsrc=0.3*sin(2*PI*{hz}*t)*(0.2+0.8*mod(t\\,1)):s=44100");
    record(&home.at("tones/low.wav"), &swelling(1500), &["-ar", "22050"]);
    record(&home.at("tones/below/high.flac"), &swelling(3000), &["-ac", "2"]);
    std::fs::write(home.at("tones/notes.txt"), "recorded in May").unwrap();
    std::fs::write(home.at("tones/.hidden.wav"), "not for us").unwrap();
}

#[test]
fn a_library_gives_a_film_its_voice() {
    let home = Home::new();
    tones(&home);
    let (said, told) = home.run("sounds @tones -o @lib --licence CC0-1.0 --author A.Toner");
    assert_eq!(said["sources"].as_array().unwrap().len(), 2, "{said}");
    assert!(told.contains("notes.txt") && !told.contains(".hidden"), "{told}");
    // Again: everything is there.
    let (again, _) = home.run("sounds @tones -o @lib");
    assert!(again["sources"].as_array().unwrap().iter().all(|source| source["skipped"] == true), "{again}");
    let shard = said["sources"][0]["shard"].as_str().unwrap();
    let (facts, _) = home.run(&format!("inspect {shard}"));
    assert!(facts.to_string().contains("CC0-1.0") && facts.to_string().contains("A.Toner"), "{facts}");
    home.run("inspect @lib --pictures @drawn");

    small_film(&home.at("film.mp4"), 8);
    home.run(&format!("train @film.mp4 -o @b {QUICK}"));
    let places = [1500.0, 3000.0];
    assert!(share_near(&home.play("b", "film.mp4", ""), &places) < 0.2, "the film has tones of its own");
    for more in [
        "",
        " --unmatched",
        " --unmatched=tone,onset",
        " --synth granular",
        " --tone 0 --attack 0",
        " --live --delay 0",
    ] {
        if more.contains("--live") {
            home.run("train @film.mp4 -o @b --force --steps 20 --net tcn,memory");
        }
        let sound = home.play("b", "film.mp4", &format!(" --sounds @lib{more}"));
        let share = share_near(&sound, &places);
        println!("{more}: {share:.3}");
        assert!(share > 0.9, "{more}: {share}");
    }

    let line = "render @b @film.mp4 --sounds @lib --force";
    let (rendered, _) = home.run(&format!("{line} -o @out.mp4"));
    assert_eq!((&rendered["rate"], &rendered["channels"]), (&44_100.into(), &2.into()), "{rendered}");
    assert_eq!(rendered["sounds"].as_array().unwrap().len(), 2, "{rendered}");
    let tags = ffmpeg(&["-i", home.at("out.mp4").to_str().unwrap(), "-f", "ffmetadata", "-"]);
    let tags = String::from_utf8(tags).unwrap();
    assert!(tags.contains("low.wav") && tags.contains("high.flac"), "{tags}");
    assert_eq!(packets_md5(&home.at("out.mp4"), "v"), packets_md5(&home.at("film.mp4"), "v"));
    home.run(&format!("{line} -o @a.wav"));
    home.run(&format!("{line} -o @b.wav"));
    assert!(std::fs::read(home.at("a.wav")).unwrap() == std::fs::read(home.at("b.wav")).unwrap());
}

#[test]
fn a_brain_without_its_own_sound_plays_with_others_and_films_are_sounds_too() {
    let home = Home::new();
    tones(&home);
    small_film(&home.at("film.mp4"), 8);
    home.run(&format!("train @film.mp4 -o @b {QUICK} --no-sound"));
    home.run("sounds @tones/low.wav -o @lib");
    assert!(share_near(&home.play("b", "film.mp4", " --sounds @lib"), &[1500.0]) > 0.9);
    // A corpus of films is a library as well.
    home.run("prepare @film.mp4 -o @corpus");
    let own = decode_sound(&home.at("film.mp4"), RATE);
    let ours = home.play("b", "film.mp4", " --sounds @corpus");
    assert!(share_near(&ours, &[330.0, 1320.0]) > 0.8 * share_near(&own, &[330.0, 1320.0]));
}

#[test]
fn a_score_accounts_for_every_instant() {
    let home = Home::new();
    tones(&home);
    small_film(&home.at("film.mp4"), 8);
    home.run(&format!("train @film.mp4 -o @b {QUICK}"));
    home.run("sounds @tones -o @lib --licence CC0-1.0");
    let line = "render @b @film.mp4 -o @out.wav --force --sounds @lib --tone 0 --attack 0 --score";
    let (rendered, _) = home.run(&format!("{line} @s.json"));
    home.run(&format!("{line} @s.csv"));
    let score: Value = serde_json::from_slice(&std::fs::read(home.at("s.json")).unwrap()).unwrap();
    let pieces = score["pieces"].as_array().unwrap();
    let number = |value: &Value| value.as_f64().unwrap();
    let mut until = 0.0;
    for piece in pieces {
        assert!((number(&piece["at"]) - until).abs() < 1e-3, "{piece} after {until}");
        until = number(&piece["at"]) + number(&piece["seconds"]);
    }
    assert!((until - number(&rendered["seconds"])).abs() < 0.034, "{until} of {}", rendered["seconds"]);
    assert_eq!(std::fs::read_to_string(home.at("s.csv")).unwrap().lines().count(), 1 + pieces.len());

    // Each source sounds where the score says so: the tones are told apart by their pitch.
    let sound = decode_sound(&home.at("out.wav"), RATE);
    let sources = score["sources"].as_array().unwrap();
    let long = pieces.iter().filter(|piece| number(&piece["seconds"]) > 0.4);
    let mut heard = 0;
    for piece in long {
        let at = |secs: f64| ((number(&piece["at"]) + secs) * f64::from(RATE)) as usize;
        let part = &sound[at(0.05)..at(number(&piece["seconds"]) - 0.05).min(sound.len())];
        let name = sources[piece["source"].as_u64().unwrap() as usize]["name"].as_str().unwrap();
        let place = if name == "low.wav" { 1500.0 } else { 3000.0 };
        let share = share_near(part, &[place]);
        assert!(share > 0.9, "{share} at {piece}, {name}");
        // The level is what the score says, up to the swelling of the tone within the piece.
        let power = part.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / part.len() as f64;
        let off = 10.0 * power.log10() - number(&piece["level_db"]);
        assert!(off.abs() < 4.0, "{off} dB off at {piece}");
        heard += 1;
    }
    assert!(heard > 2, "{pieces:?}");

    let credits = |file: &str| {
        let (credits, _) = home.run(&format!("credits {file}"));
        credits["credits"].as_array().unwrap().clone()
    };
    let all = credits("@s.json");
    let share: f64 = all.iter().map(|credit| number(&credit["share"])).sum();
    let seconds: f64 = all.iter().map(|credit| number(&credit["seconds"])).sum();
    assert!((share - 1.0).abs() < 1e-9 && (seconds - until).abs() < 1e-6, "{all:?}");
    assert!(all.iter().all(|credit| credit["source"]["licence"] == "CC0-1.0"), "{all:?}");
    let words = String::from_utf8(home.succeed("credits @s.json").stdout).unwrap();
    assert!(words.contains("(CC0-1.0)") && words.contains("% of the sound"), "{words}");

    // Whoever is taken out of the library is not heard and not named any more.
    let gone = sources.iter().find(|source| source["name"] == "low.wav").unwrap();
    let shard = format!("lib/{}-sound.safetensors", gone["blake3"].as_str().unwrap());
    std::fs::remove_file(home.at(&shard)).unwrap();
    home.run(&format!("{line} @s.json"));
    let left = credits("@s.json");
    assert!(left.len() == 1 && left[0]["source"]["name"] == "high.flac", "{left:?}");

    assert!(home.refuse("credits @s.csv").contains("is no score"));
    home.run("train @film.mp4 -o @classic --layers 8 --epochs 1");
    for line in [
        "render @classic @film.mp4 -o @o.wav --score @o.json",
        "render @b @film.mp4 -o @o.wav --score @o.json --synth spectral",
    ] {
        assert!(home.refuse(line).contains("no score to write"), "{line}");
    }
    assert!(!home.at("o.json").exists() && !home.at("o.wav").exists());
}

#[test]
fn what_is_no_library_is_refused_with_advice() {
    let home = Home::new();
    small_film(&home.at("film.mp4"), 4);
    home.run(&format!("train @film.mp4 -o @b {QUICK}"));
    std::fs::create_dir_all(home.at("empty")).unwrap();
    record(&home.at("silence.wav"), "anullsrc=r=22050", &[]);
    record(&home.at("tone.wav"), "sine=440", &[]);
    home.run("sounds @silence.wav -o @silent");
    home.run("sounds @tone.wav -o @lib");
    for (line, what) in [
        ("render @b @film.mp4 -o @o.wav --sounds @nowhere", "nowhere"),
        ("render @b @film.mp4 -o @o.wav --sounds @empty", "holds no sound"),
        ("render @b @film.mp4 -o @o.wav --sounds @silent", "nothing but silence"),
        ("render @b @film.mp4 -o @o.wav --sounds @tone.wav", "is a file"),
        ("render @b @film.mp4 -o @o.wav --sounds @lib --synth spectral", "draws sound by itself"),
        ("sounds @empty -o @other", "no file with sound"),
        ("sounds @nowhere -o @other", "nowhere"),
        ("train @lib -o @c", "alone"),
    ] {
        let said = home.refuse(line);
        assert!(said.contains(what), "{line}: {said}");
    }
    assert!(!home.at("o.wav").exists());
    home.run("train @film.mp4 -o @classic --layers 8 --epochs 1");
    assert!(
        home.refuse("render @classic @film.mp4 -o @o.wav --sounds @lib").contains("says its sound itself")
    );
    // A source that was damaged since is named.
    let shard = std::fs::read_dir(home.at("lib")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&shard).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&shard, bytes).unwrap();
    let said = home.refuse("render @b @film.mp4 -o @o.wav --sounds @lib");
    assert!(said.contains("checksum") && said.contains("-sound.safetensors"), "{said}");
}
