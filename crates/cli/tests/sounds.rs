//! Libraries of sounds, and soundtracks made of them.

mod support;

use kinophone::dataset::Shard;
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
        ("render @b @film.mp4 -o @o.wav --sounds @tone.wav", "not a library of sounds"),
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

/// The only shard of a library.
fn shard_of(home: &Home, library: &str) -> Shard {
    let [path] = &support::shards(&home.at(library))[..] else { panic!("not one shard in {library}") };
    Shard::open(path).unwrap()
}

/// Recordings as they come out of machines: each is kept whole, and what was changed is said.
#[test]
fn recordings_are_kept_as_they_were_recorded() {
    let home = Home::new();
    let tone = "sin(2*PI*330*t)";
    let take = |name: &str, source: &str, more: &[&str]| -> (Shard, String) {
        record(&home.at(name), source, more);
        let (_, told) = home.run(&format!("sounds @{name} -o @{name}.lib"));
        (shard_of(&home, &format!("{name}.lib")), told)
    };
    let levels = |shard: &Shard| -> (f32, usize) {
        let sound = shard.sound().unwrap();
        let values: std::collections::BTreeSet<i16> = sound.samples.iter().copied().collect();
        let peak = sound.samples.iter().map(|s| (f32::from(*s) * sound.step()).abs()).fold(0.0, f32::max);
        (peak, values.len())
    };
    // At −70 dBFS in 24 bits, of which 16 would leave 21 values.
    let (faint, told) = take(
        "faint.wav",
        &format!("aevalsrc=0.000316*{tone}*(1+0.2*sin(3*t)):s=48000"),
        &["-c:a", "pcm_s24le"],
    );
    let (peak, values) = levels(&faint);
    assert!((peak / 3.79e-4 - 1.0).abs() < 0.02 && values > 5000, "{peak}: {values} values");
    assert_eq!(told, "");
    // Floating point at +9.5 dBFS.
    let (loud, _) = take("loud.wav", &format!("aevalsrc=3*{tone}:s=48000"), &["-c:a", "pcm_f32le"]);
    assert!((levels(&loud).0 - 3.0).abs() < 0.01, "{:?}", levels(&loud));
    // Opposite polarity, and a constant offset under silence.
    let (opposed, told) = take(
        "opposed.wav",
        &format!("aevalsrc=0.3*{tone}*lt(mod(t\\,2)\\,1)|-0.3*{tone}*lt(mod(t\\,2)\\,1):s=48000"),
        &[],
    );
    assert!(opposed.sound().unwrap().opposed && told.contains("opposite polarity"), "{told}");
    home.run("revoice @opposed.wav --sounds @opposed.wav.lib -o @opposed-again.wav");
    // Its two channels cancel out in a mix, too.
    home.run("sounds @opposed-again.wav -o @again.lib");
    assert!(levels(&shard_of(&home, "again.lib")).0 > 0.1);
    let (offset, told) =
        take("offset.wav", &format!("aevalsrc=0.02+0.3*{tone}*lt(mod(t\\,2)\\,1):s=48000"), &[]);
    assert!(told.contains("a constant offset of 0.0200"), "{told}");
    let sound = offset.sound().unwrap();
    let still = &sound.samples[72_000..90_000];
    assert!(still.iter().all(|s| (f32::from(*s) * sound.step()).abs() < 1e-4), "the offset is still there");
    // Cut off while it was copied.
    record(&home.at("whole.flac"), "anoisesrc=a=0.3:r=44100", &[]);
    let bytes = std::fs::read(home.at("whole.flac")).unwrap();
    std::fs::write(home.at("cut.flac"), &bytes[..bytes.len() / 2]).unwrap();
    let (_, told) = home.run("sounds @cut.flac -o @cut");
    assert!(told.contains("cut.flac is not as it should be"), "{told}");
}

/// Clicks of 12 ms sound, too; a library of silence alone is refused.
#[test]
fn the_shortest_sounds_are_played() {
    let home = Home::new();
    std::fs::create_dir(home.at("clicks")).unwrap();
    for hz in [900, 1800, 3600] {
        let source = format!("aevalsrc=0.7*exp(-300*t)*sin(2*PI*{hz}*t):s=48000");
        let file = home.at(&format!("clicks/{hz}.wav"));
        ffmpeg(&["-f", "lavfi", "-i", &source, "-t", "0.012", file.to_str().unwrap()]);
    }
    home.run("sounds @clicks -o @lib");
    home.draw("film.mkv", "testsrc2=s=96x64:r=25", "sine=330:beep_factor=3:r=48000", "3");
    home.run("revoice @film.mkv --sounds @lib -o @out.wav");
    let sound = decode_sound(&home.at("out.wav"), RATE);
    assert!(sound.iter().any(|x| x.abs() > 0.01), "digital silence");
    std::fs::create_dir(home.at("nothing")).unwrap();
    record(&home.at("nothing/silence.wav"), "anullsrc=r=48000:cl=mono", &[]);
    let (_, told) = home.run("sounds @nothing -o @silent");
    assert!(told.contains("nothing sounds in it"), "{told}");
    let said = home.refuse("revoice @film.mkv --sounds @silent -o @no.wav");
    assert!(said.contains("nothing but silence"), "{said}");
}
