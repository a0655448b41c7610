//! Judging real films: the figures of the report are those of an independent judge, baselines know nothing, and what can't be
//! judged is refused in words.

use crate::footage::{find, needs};
use crate::support::report::{assert_form, report, run, version, words};
use crate::support::{self, ffmpeg, judge, kinophone, refuse, succeed};
use libtest_mimic::Trial;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const BACH: &str = "films/piano-bach.mp4";
const CRYSTAL: &str = "films/crystal.mp4";
const FROG: &str = "films/frog.mp4";
const SHORT: &str = "edge/os_test1_ac3_0.7s.mp4";
const MUTE: &str = "edge/VP9-tractor_noaudio.webm";
const HEVC: &str = "edge/ae_testsrc-hevc.mp4";

pub fn trials() -> Vec<Trial> {
    vec![
        needs(&[BACH], "eval::a_report_says_what_an_independent_judge_says", a_report),
        needs(
            &[CRYSTAL, FROG, SHORT, MUTE],
            "eval::a_film_that_was_never_seen_is_judged_whole_and_in_stereo_too",
            a_film_never_seen,
        ),
        needs(&[CRYSTAL, HEVC], "eval::a_gallery_plays_every_brain_to_every_film", a_gallery),
    ]
}

/// Insists that the brain's figures in a film's report are the judge's.
fn assert_agrees(film: &Value, judged: &Value) {
    let measures = &version(film, "ours")["measures"];
    let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("no number: {value}"));
    let lag = number(&measures["onset_lag_frames"]) / number(&film["fps"]);
    for (name, ours, theirs) in [
        ("onset_r", number(&measures["onset_r"]["value"]), &judged["onset_r"]),
        ("loudness_r", number(&measures["loudness_r"]["value"]), &judged["loudness_r"]),
        ("logmel_l1", number(&measures["logmel_l1"]["value"]), &judged["logmel_l1"]),
        ("comb", number(&measures["comb_db"]), &judged["comb_db"]),
        ("comb of the original", number(&film["original"]["comb_db"]), &judged["comb_ref_db"]),
        ("lag", lag, &judged["onset_lag_s"]),
    ] {
        assert!((ours - number(theirs)).abs() <= 1e-3, "{name}: {ours} instead of {theirs}");
    }
    // The judge rounds levels to hundredths.
    for (ours, theirs) in [
        (&measures["level_db"], &judged["level_db"]),
        (&film["original"]["level_db"], &judged["level_ref_db"]),
    ] {
        assert!((number(ours) - number(theirs)).abs() <= 0.0051, "level: {ours} instead of {theirs}");
    }
}

/// Writes sound that a page holds into a file, to be played.
fn unpack(uri: &str, to: &Path) {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0u32, 0);
    for letter in uri.split_once(',').unwrap().1.bytes().filter(|b| *b != b'=') {
        bits = bits << 6 | letters.iter().position(|l| *l == letter).unwrap() as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    fs::write(to, bytes).unwrap();
}

fn a_report() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let film = find(BACH);
    let (brain, folder) = (home.join("a.brain"), home.join("report"));
    let [film_name, brain_name, folder_name] = [&film, &brain, &folder].map(|p| p.to_str().unwrap());
    run(home, &format!("train {film_name} -o {brain_name} --steps 40 --no-live"));

    let told = run(home, &format!("eval {brain_name} {film_name} -o {folder_name} --keep-sound"));
    let said = report(&folder);
    assert_form(&said);
    let judged = &said["films"][0];
    assert_eq!((&judged["learned"], &judged["seconds"]), (&true.into(), &20.0.into()));
    assert_eq!(
        judged["stretches"],
        serde_json::json!([{"from": 40.0, "to": 50.0}, {"from": 90.0, "to": 100.0}])
    );
    let sound = folder.join("sound/piano-bach.mp4.ours.wav");
    let independent = judge(&film, &sound, &["--held-out", "every5th"]);
    assert_agrees(judged, &independent);

    // Silence knows nothing, noise hardly more, and two blocks make no interval.
    let silence = &version(judged, "silence")["measures"];
    let nothing = serde_json::json!({"value": 0.0, "low": null, "high": null});
    assert_eq!((&silence["onset_r"], &silence["loudness_r"]), (&nothing, &nothing));
    assert!(silence["comb_db"].is_null() && silence["level_db"] == -70.0);
    let mean = &version(judged, "mean")["measures"];
    assert!(mean["loudness_r"]["value"].as_f64().unwrap().abs() < 0.15, "{mean}");
    assert_ne!(
        version(judged, "rolled")["measures"]["onset_r"],
        version(judged, "ours")["measures"]["onset_r"]
    );
    assert!(said["words"].as_str().unwrap().contains("no interval can be given"), "{}", said["words"]);
    assert_eq!(said["stillness"].as_array().unwrap().len(), 5);
    assert_eq!((&told["words"], &told["stillness"]), (&said["words"], &said["stillness"]));

    // What is heard on the page is the judged part, and it can be decoded.
    for track in [&judged["original"], version(judged, "ours"), version(judged, "mean")] {
        let file = home.join("heard.mp4");
        unpack(track["audio"].as_str().unwrap(), &file);
        let samples = support::decode_sound(&file, 22_050).len();
        assert!(samples.abs_diff(20 * 22_050) < 2100, "{samples}");
    }

    // The page holds the figures, and needs nothing from elsewhere.
    let page = fs::read_to_string(folder.join("index.html")).unwrap();
    let inside = page.split_once("const report = ").unwrap().1;
    let first = serde_json::Deserializer::from_str(inside).into_iter::<Value>().next().unwrap();
    assert_eq!(first.unwrap(), said);
    // The only address is the name of SVG's vocabulary, which nobody fetches.
    assert_eq!(page.matches("://").count(), page.matches("\"http://www.w3.org/2000/svg\"").count());
    let names: BTreeSet<_> = fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["index.html", "report.json", "sound"].map(Into::into).into());

    // A report is not replaced unasked. The film need not be named while it is prepared; its figures are the same but for
    // the 16 bits of the prepared sound.
    let again = format!("eval {brain_name} -o {folder_name}");
    assert!(refuse(home, &words(&again)).contains("exists already"));
    run(home, &format!("{again} --force"));
    let prepared = report(&folder);
    assert_form(&prepared);
    assert_agrees(&prepared["films"][0], &independent);
    assert!(!folder.join("sound").exists());
}

fn a_film_never_seen() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let (crystal, frog) = (find(CRYSTAL), find(FROG));
    let [a, b] = [&crystal, &frog].map(|p| p.to_str().unwrap());
    let at = |name: &str| home.join(name).to_str().unwrap().to_owned();
    run(home, &format!("train {a} -o {} --steps 5 --hold-out none", at("b")));
    run(home, &format!("eval {} {b} -o {} --keep-sound --loudness off", at("b"), at("r")));
    let said = report(&home.join("r"));
    assert_form(&said);
    let film = &said["films"][0];
    assert_eq!((&film["name"], &film["learned"]), (&"frog.mp4".into(), &false.into()));
    for key in ["ours", "live"] {
        assert!(home.join(format!("r/sound/frog.mp4.{key}.wav")).is_file(), "{key}");
    }
    assert_agrees(film, &judge(&frog, &home.join("r/sound/frog.mp4.ours.wav"), &[]));

    // Its own film it knows by heart.
    let said = refuse(home, &words(&format!("eval {} {a} -o {}", at("b"), at("none"))));
    assert!(said.contains("was learned whole by this brain") && said.contains("--hold-out none"), "{said}");
    let said = refuse(home, &words(&format!("eval {} -o {}", at("b"), at("none"))));
    assert!(said.contains("was learned whole"), "{said}");
    let said = refuse(home, &words(&format!("eval {} {b} -o {} --growth", at("b"), at("none"))));
    assert!(said.contains("held nothing out"), "{said}");

    // What is no film to judge on, or no brain.
    let short = find(SHORT);
    let mute = find(MUTE);
    fs::write(home.join("text"), "no brain").unwrap();
    fs::write(home.join("cut"), &fs::read(home.join("b")).unwrap()[..100_000]).unwrap();
    for (brain, film, what) in [
        ("b", short.as_path(), "too short to evaluate"),
        ("b", &mute, "has no sound to compare"),
        ("b", Path::new("missing.mp4"), "does not exist"),
        ("text", &frog, "text is"),
        ("cut", &frog, "cut is"),
        ("missing", &frog, "missing does not exist"),
    ] {
        let line = format!("eval {} {} -o {}", at(brain), film.display(), at("none"));
        let said = refuse(home, &words(&line)).replace("\n", " ");
        assert!(said.contains(what), "{line}: {said}");
        assert!(!home.join("none").exists());
    }

    // Only its own kind of folder is ever replaced.
    fs::create_dir(home.join("mine")).unwrap();
    fs::write(home.join("mine/diary"), "dear").unwrap();
    let said = refuse(home, &words(&format!("eval {} {b} -o {} --force", at("b"), at("mine"))));
    assert!(said.contains("other things in it"), "{said}");
    assert_eq!(fs::read(home.join("mine/diary")).unwrap(), b"dear");
}

fn a_gallery() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let at = |name: &str| home.join(name).to_str().unwrap().to_owned();
    let crystal = find(CRYSTAL);
    // The second film is HEVC, which browsers do not play, and has a name that a link would have to escape.
    let odd = home.join("test #1 50%.mp4");
    fs::copy(find(HEVC), &odd).unwrap();
    let crystal_name = crystal.to_str().unwrap();
    run(
        home,
        &format!("train {crystal_name} -o {} --steps 5 --no-live --hold-out none", at("crystal.brain")),
    );
    run(home, &format!("train {crystal_name} -o {} --layers 20 --epochs 1 --hold-out none", at("old")));
    let line = format!(
        "gallery {} {crystal_name} {} -o {} --synth mosaic,spectral,windowed --quiet",
        at("old"),
        at("crystal.brain"),
        at("g")
    );
    let line: Vec<&str> = words(&line).into_iter().chain([odd.to_str().unwrap()]).collect();
    let told: Value =
        serde_json::from_slice(&succeed(home, &[&line[..], &["--json"]].concat()).stdout).unwrap();
    let said: Value = serde_json::from_slice(&fs::read(home.join("g/gallery.json")).unwrap()).unwrap();
    assert_eq!(said["brains"][0]["synths"], serde_json::json!(["windowed"]));
    assert_eq!(said["brains"][1]["synths"], serde_json::json!(["mosaic", "spectral"]));
    assert_eq!(
        (&said["brains"][0]["kind"], &said["brains"][1]["kind"]),
        (&"classic".into(), &"ensemble".into())
    );
    let cells = said["cells"].as_array().unwrap();
    assert_eq!((cells.len(), told["cells"].as_array().unwrap().len()), (6, 6));
    for cell in cells {
        let name = cell["file"].as_str().unwrap();
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b)), "{name}");
        let file = home.join("g").join(name);
        let film = &said["films"][cell["film"].as_u64().unwrap() as usize];
        let facts = run(home, &format!("inspect {}", file.display()));
        assert_eq!(facts["facts"]["picture"]["codec"], "h264", "{facts}");
        assert_eq!(facts["facts"]["sounds"][0]["codec"], "aac");
        let seconds = cell["seconds"].as_f64().unwrap();
        assert!((seconds - film["seconds"].as_f64().unwrap()).abs() < 0.1, "{cell}");
        assert!(support::decode_sound(&file, 22_050).len().abs_diff((seconds * 22_050.0) as usize) < 2100);
        assert!(cell["spectrogram"].as_str().unwrap().starts_with("data:image/png;base64,"));
        // As many pictures as the film has.
        let count = |path: &Path| support::packets(path, "0:v:0").len();
        let own = if film["name"] == "crystal.mp4" { &crystal } else { &odd };
        assert_eq!(count(&file), count(own), "{name}");
    }
    let page = fs::read_to_string(home.join("g/index.html")).unwrap();
    for cell in cells {
        assert!(page.contains(cell["file"].as_str().unwrap()));
    }
    assert!(!page.contains("src=\"http") && !page.contains("href=\"http"));
    assert!(!home.join("g/work").exists());
    assert!(refuse(home, &line).contains("exists already"));

    // What does not go together is said before any work.
    let refused = |more: &str| {
        let line = format!("gallery {} {crystal_name} -o {} {more}", at("old"), at("none"));
        refuse(home, &words(line.trim_end()))
    };
    assert!(refused("--synth mosaic").contains("none of the chosen synths"));
    fs::write(home.join("bad.brain"), "no brain").unwrap();
    assert!(refused(&at("bad.brain")).contains("bad.brain is"));
    let silent = home.join("sound.wav");
    ffmpeg(&["-f", "lavfi", "-i", "sine", "-t", "1", silent.to_str().unwrap()]);
    assert!(refused(silent.to_str().unwrap()).contains("has no picture"));
    let only = kinophone(home)
        .args(words(&format!("gallery {} {} -o {}", at("old"), at("old"), at("none"))))
        .output();
    assert_eq!(only.unwrap().status.code(), Some(2));
    assert!(!home.join("none").exists());
}
