//! Judging: the figures of the report are those of an independent judge, baselines know nothing, and what
//! can't be judged is refused in words.

mod support;

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use support::{ffmpeg, kinophone, refuse, shared, small_film, succeed};

/// Words of a command line; no path here holds a space.
fn words(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

fn run(home: &Path, line: &str) -> Value {
    let output = succeed(home, &words(&format!("{line} --quiet --json")));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn report(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("report.json")).unwrap()).unwrap()
}

fn judge(shared: &Path, reference: &Path, generated: &Path, more: &[&str]) -> Value {
    let judge = Command::new("python3")
        .arg(shared.join("peers/judge.py"))
        .args(more)
        .args([reference, generated])
        .output()
        .unwrap();
    assert!(judge.status.success(), "judge.py: {}", String::from_utf8_lossy(&judge.stderr));
    serde_json::from_slice(&judge.stdout).unwrap()
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

fn version<'a>(film: &'a Value, key: &str) -> &'a Value {
    let versions = film["versions"].as_array().unwrap();
    versions.iter().find(|version| version["key"] == key).unwrap_or_else(|| panic!("no {key}"))
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Insists on the form of a report, to the last key, and that every number is one.
fn assert_form(report: &Value) {
    let set = |line: &'static str| line.split(' ').collect::<BTreeSet<&str>>();
    assert_eq!(keys(report), set("schema kinophone made brain words films folds seeds stillness growth"),);
    assert_eq!(
        keys(&report["brain"]),
        set("name id kind hold_out seed learned_from trained_seconds prospects")
    );
    assert_eq!(report["schema"], 1);
    for film in report["films"].as_array().unwrap() {
        assert_eq!(
            keys(film),
            set("name learned fps seconds stretches chance original versions strip strip_step strip_count")
        );
        assert_eq!(
            keys(&film["original"]),
            set("audio spectrogram loudness_db onset comb_db level_db spectrum_db")
        );
        let fps = film["fps"].as_f64().unwrap();
        let frames = (film["seconds"].as_f64().unwrap() * fps).round() as usize;
        let stretches = film["stretches"].as_array().unwrap();
        let length = |s: &Value| s["to"].as_f64().unwrap() - s["from"].as_f64().unwrap();
        let total: f64 = stretches.iter().map(length).sum();
        assert!((total * fps - frames as f64).abs() < 0.01, "{stretches:?}");
        let strip = film["strip_count"].as_f64().unwrap() * film["strip_step"].as_f64().unwrap();
        assert!((strip - total).abs() <= film["strip_step"].as_f64().unwrap(), "{strip} for {total}");
        assert!(film["strip"].as_str().unwrap().starts_with("data:image/jpeg;base64,/9j/"));
        let tracks = film["versions"].as_array().unwrap().iter().chain([&film["original"]]);
        for track in tracks {
            for curve in ["loudness_db", "onset"] {
                let values = track[curve].as_array().unwrap();
                assert!(values.len() == frames && values.iter().all(Value::is_f64), "{curve}");
            }
            let audible = track["key"] != "silence";
            assert_eq!(track["audio"].is_string(), audible, "{}", track["key"]);
            if audible {
                assert!(track["audio"].as_str().unwrap().starts_with("data:audio/mp4;base64,"));
                let png = track["spectrogram"].as_str().unwrap();
                assert!(png.starts_with("data:image/png;base64,iVBORw0KGgo"));
            }
        }
        for version in film["versions"].as_array().unwrap() {
            assert_eq!(
                keys(version),
                set("key title about baseline audio spectrogram loudness_db onset measures lags comb")
            );
            assert_eq!(
                keys(&version["measures"]),
                set("onset_r loudness_r logmel_l1 onset_lag_frames comb_db level_db")
            );
            let lags: Vec<i64> =
                version["lags"].as_array().unwrap().iter().map(|l| l[0].as_i64().unwrap()).collect();
            assert_eq!(lags, (-15..=15).collect::<Vec<_>>());
        }
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

#[test]
fn a_report_says_what_an_independent_judge_says() {
    let Some(shared) = shared() else { return };
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let film = shared.join("data/films/piano-bach.mp4");
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
    let independent = judge(&shared, &film, &sound, &["--held-out", "every5th"]);
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

    // A report is not replaced unasked. The film need not be named while it is prepared; its figures are the
    // same but for the 16 bits of the prepared sound.
    let again = format!("eval {brain_name} -o {folder_name}");
    assert!(refuse(home, &words(&again)).contains("exists already"));
    run(home, &format!("{again} --force"));
    let prepared = report(&folder);
    assert_form(&prepared);
    assert_agrees(&prepared["films"][0], &independent);
    assert!(!folder.join("sound").exists());
}

#[test]
fn a_film_that_was_never_seen_is_judged_whole_and_in_stereo_too() {
    let Some(shared) = shared() else { return };
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let (crystal, frog) = (shared.join("data/films/crystal.mp4"), shared.join("data/films/frog.mp4"));
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
    assert_agrees(film, &judge(&shared, &frog, &home.join("r/sound/frog.mp4.ours.wav"), &[]));

    // Its own film it knows by heart.
    let said = refuse(home, &words(&format!("eval {} {a} -o {}", at("b"), at("none"))));
    assert!(said.contains("was learned whole by this brain") && said.contains("--hold-out none"), "{said}");
    let said = refuse(home, &words(&format!("eval {} -o {}", at("b"), at("none"))));
    assert!(said.contains("was learned whole"), "{said}");
    let said = refuse(home, &words(&format!("eval {} {b} -o {} --growth", at("b"), at("none"))));
    assert!(said.contains("held nothing out"), "{said}");

    // What is no film to judge on, or no brain.
    let short = shared.join("data/edge/os_test1_ac3_0.7s.mp4");
    let mute = shared.join("data/edge/VP9-tractor_noaudio.webm");
    fs::write(home.join("text"), "no brain").unwrap();
    fs::write(home.join("cut"), &fs::read(home.join("b")).unwrap()[..100_000]).unwrap();
    for (brain, film, what) in [
        ("b", short.as_path(), "too short to judge"),
        ("b", &mute, "has no sound, so there is nothing to compare"),
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

#[test]
fn trainings_of_the_same_kind_say_how_sure_the_figures_are() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    small_film(&home.join("film.mp4"), 52);
    let at = |name: &str| home.join(name).to_str().unwrap().to_owned();
    run(home, &format!("train {} -o {} --steps 3 --no-live --size 64", at("film.mp4"), at("b")));
    let line = format!("eval {} -o {} --folds 5 --seeds 2 --growth", at("b"), at("r"));
    let told = run(home, &line);
    let said = report(&home.join("r"));
    assert_form(&said);
    let folds = said["folds"]["rows"].as_array().unwrap();
    assert_eq!(folds.iter().map(|row| row["fold"].as_u64().unwrap()).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    let figure = |row: &Value| row["loudness_r"].as_f64().unwrap();
    let mean = folds.iter().map(figure).sum::<f64>() / 5.0;
    assert!((figure(&said["folds"]["mean"]) - mean).abs() < 1e-9);
    assert!(figure(&said["folds"]["low"]) <= mean && mean <= figure(&said["folds"]["high"]));
    // The brain itself is the fold that it left out, the first seed, and the whole of the footage.
    let own = version(&said["films"][0], "ours")["measures"]["loudness_r"]["value"].as_f64().unwrap();
    let (seeds, growth) = (said["seeds"]["rows"].as_array().unwrap(), said["growth"].as_array().unwrap());
    for row in [&folds[4], &seeds[0], &growth[2]] {
        assert!((figure(row) - own).abs() < 1e-9, "{row}: {own}");
    }
    assert_eq!((&seeds[0]["seed"], &seeds[1]["seed"]), (&1.into(), &2.into()));
    assert!(figure(&seeds[1]) != own, "another seed is another brain");
    // A quarter and a half of the footage, as nearly as whole blocks of ten seconds allow.
    let seconds: Vec<f64> = growth.iter().map(|row| row["seconds"].as_f64().unwrap()).collect();
    assert!((40.0..=41.5).contains(&seconds[2]), "{seconds:?}");
    for (part, share) in seconds.iter().zip([0.25, 0.5]) {
        assert!((part - share * seconds[2]).abs() <= 5.0, "{seconds:?}");
    }
    assert_eq!(told["growth"], said["growth"]);
    let learned = said["brain"]["trained_seconds"].as_f64().unwrap();
    assert!((learned - seconds[2]).abs() < 0.1, "{learned} instead of {seconds:?}");
    // Whether more would help was tried out in training, too, and the report says so.
    let prospects = said["brain"]["prospects"]["words"].as_str().unwrap();
    assert!(said["words"].as_str().unwrap().ends_with(prospects), "{}", said["words"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_nothing_half_written() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    small_film(&home.join("film.mp4"), 52);
    let at = |name: &str| home.join(name).to_str().unwrap().to_owned();
    run(home, &format!("train {} -o {} --steps 1 --no-live --size 64", at("film.mp4"), at("b")));
    fs::create_dir(home.join("out")).unwrap();
    let mut child = kinophone(home)
        .args(words(&format!("eval {} -o {} --seeds 9", at("b"), at("out/r"))))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The first soundtrack under its temporary name: the work is under way.
    let under_way = || {
        let parts = fs::read_dir(home.join("out")).unwrap().map(|e| e.unwrap().path());
        parts.into_iter().any(|part| part.join("work/ours.wav").exists())
    };
    while !under_way() {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert_eq!(fs::read_dir(home.join("out")).unwrap().count(), 0, "something was left: {said}");
}

#[test]
fn a_gallery_plays_every_brain_to_every_film() {
    let Some(shared) = shared() else { return };
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let at = |name: &str| home.join(name).to_str().unwrap().to_owned();
    let crystal = shared.join("data/films/crystal.mp4");
    // The second film is HEVC, which browsers do not play, and has a name that a link would have to escape.
    let odd = home.join("test #1 50%.mp4");
    fs::copy(shared.join("data/edge/ae_testsrc-hevc.mp4"), &odd).unwrap();
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
