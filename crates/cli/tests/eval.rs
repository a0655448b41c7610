//! Judging: trainings of the same kind say how sure the figures are, and an interrupted one leaves nothing.

mod support;

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use support::report::{assert_form, assert_further, report, run, version, words};
use support::{Home, ffmpeg, follow, kinophone, small_film};

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

/// Two films of twelve seconds in the folder `films`, one of which sounds low and the other high.
fn two_films() -> Home {
    let home = Home::new();
    fs::create_dir(home.at("films")).unwrap();
    for (name, picture, hz) in [("low", "testsrc2", 330), ("high", "mandelbrot", 990)] {
        let picture = format!("{picture}=size=128x96:rate=25");
        let sound = format!("sine=frequency={hz}:beep_factor=2");
        home.draw(&format!("films/{name}.mkv"), &picture, &sound, "12");
    }
    home
}

/// Power of a sound at a frequency, by Goertzel's method; the sound is at 22 050 Hz.
fn power_at(sound: &[f32], hz: f64) -> f64 {
    let k = 2.0 * (std::f64::consts::TAU * hz / 22_050.0).cos();
    let (a, b) = sound.iter().fold((0.0, 0.0), |(a, b), x| (f64::from(*x) + k * a - b, a));
    a * a + b * b - k * a * b
}

#[test]
fn a_held_out_film_is_judged_whole_and_not_in_the_brain() {
    let home = two_films();
    let train = "train @films -o @b --steps 3 --no-live --size 64";
    for (more, what) in [
        ("--hold-out-film tall", "the films are high.mkv, low.mkv"),
        ("--hold-out-film low --hold-out-film high.mkv", "no film to learn from"),
        ("--preset classic --hold-out-film low", "no effect on the networks of 2015"),
    ] {
        let line = train.replace("--steps 3 --no-live", more);
        let output = kinophone(home.0.path()).args(home.words(&line)).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(what), "{more}: {said}");
    }
    assert!(!home.at("cache").exists(), "films were prepared for nothing");

    let (said, _) = home.run(&format!("{train} --hold-out none --hold-out-film high"));
    assert_eq!(said["verdict"]["seconds"], 12.0);
    let words = said["verdict"]["words"].as_str().unwrap();
    assert!(words.starts_with("On 12 seconds of film that it never saw (all of high.mkv), "), "{words}");
    assert_eq!(said["trained_seconds"], 12.0);
    let (facts, _) = home.run("inspect @b");
    let names =
        |films: &Value| films.as_array().unwrap().iter().map(|f| f["name"].clone()).collect::<Vec<_>>();
    assert_eq!(
        (names(&facts["ledger"]), names(&facts["training"]["held_out_films"])),
        (vec!["low.mkv".into()], vec!["high.mkv".into()])
    );
    let sound = home.play("b", "films/high.mkv", "");
    let [low, high] = [330.0, 990.0].map(|hz| power_at(&sound, hz));
    assert!(low > 100.0 * high, "{low} at 330 Hz, {high} at 990 Hz");

    // It is evaluated on that film, as on one that it does not know, without being told.
    home.run("eval @b -o @r");
    let said = report(&home.at("r"));
    assert_form(&said);
    let films = said["films"].as_array().unwrap();
    assert_eq!(
        (films.len(), &films[0]["name"], &films[0]["learned"]),
        (1, &"high.mkv".into(), &false.into())
    );
    assert_eq!(
        (&films[0]["seconds"], &said["brain"]["held_out_films"][0]),
        (&12.0.into(), &"high.mkv".into())
    );
    let refused = home.refuse("eval @b -o @none --leave-one-film-out");
    assert!(
        refused.contains("was trained on one film") && refused.contains("two films or more"),
        "{refused}"
    );
}

#[test]
fn every_film_is_left_out_once() {
    let home = two_films();
    home.run("train @films -o @b --steps 3 --no-live --size 64");
    // Films of twelve seconds have no held-out block, but can be left out.
    assert!(home.refuse("eval @b -o @none").contains("too short to have a part"));
    let (told, _) = home.run("eval @b -o @r --leave-one-film-out");
    let said = report(&home.at("r"));
    assert_form(&said);
    assert_eq!(told["leave_one_film_out"], said["leave_one_film_out"]);
    let left_out = &said["leave_one_film_out"];
    let rows = left_out["rows"].as_array().unwrap();
    let mut names: Vec<&str> = rows.iter().map(|row| row["film"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["high.mkv", "low.mkv"]);
    let figure = |row: &Value| row["logmel_l1"].as_f64().unwrap();
    let mean = rows.iter().map(figure).sum::<f64>() / 2.0;
    assert!((figure(&left_out["mean"]) - mean).abs() < 1e-9);
    assert!(figure(&left_out["low"]) <= mean && mean <= figure(&left_out["high"]));
    assert!(rows.iter().all(|row| row["seconds"] == 12.0), "{rows:?}");
    assert!(said["words"].as_str().unwrap().contains("2 films"), "{}", said["words"]);
    // A brain of low tones plays low to high ones: their spectra differ more than those of a brain that knows both.
    assert!(rows.iter().all(|row| figure(row) > 0.2), "{rows:?}");
}

/// A film that is neither square nor of 30 pictures a second, in limited range, whose picture moves in bursts.
fn film_of_bursts(path: &Path) {
    let picture =
        "color=c=gray:size=160x90:rate=24,geq=lum='128+90*lt(mod(T,1.3),0.3)*sin(40*T+X/9)':cb=128:cr=128";
    let sound = "aevalsrc='0.4*sin(2*PI*300*t)*exp(-6*mod(t,1.3))+0.01*random(0)':s=44100";
    let arguments =
        ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, "-t", "23.7", "-c:v", "libx264"];
    let rest = ["-preset", "ultrafast", "-c:a", "aac", path.to_str().unwrap()];
    ffmpeg(&[&arguments[..], &rest[..]].concat());
}

/// Insists that both correlations with motion and their chances are the judge's.
fn assert_follows(further: &Value, judged: &Value) {
    for name in ["loudness_motion", "onset_motion"] {
        let ours = &further[format!("{name}_r")];
        for (ours, theirs) in
            [("value", "r"), ("chance", "chance")].map(|(a, b)| (&ours[a], format!("{name}_{b}")))
        {
            let (ours, theirs) = (ours.as_f64().unwrap(), judged[&theirs].as_f64().unwrap());
            assert!((ours - theirs).abs() < 1e-3, "{name}: {ours} instead of {theirs}");
        }
    }
}

#[test]
fn what_moves_is_followed_as_the_independent_judge_says() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    small_film(&home.join("film.mp4"), 52);
    film_of_bursts(&home.join("other.mp4"));
    let at = |name: &str| home.join(name).to_str().unwrap().to_owned();
    run(home, &format!("train {} -o {} --steps 3 --no-live --size 64", at("film.mp4"), at("b.brain")));
    let line = format!("eval {} {} -o {} --keep-sound", at("b.brain"), at("other.mp4"), at("r"));
    let told = run(home, &line);
    let said = report(&home.join("r"));
    assert_form(&said);
    let film = &said["films"][0];
    let ours = &version(film, "ours")["further"];
    let judged = follow(&home.join("other.mp4"), &home.join("r/sound/other.mp4.ours.wav"));
    let of_original = follow(&home.join("other.mp4"), &home.join("other.mp4"));
    assert_follows(ours, &judged);
    assert_follows(&film["original"]["further"], &of_original);
    // The film's own sound goes with its bursts, whatever an untrained brain may do.
    assert!(of_original["loudness_motion_r"].as_f64().unwrap() > 0.4, "{of_original}");
    assert_eq!(&told["films"][0]["versions"][0]["further"], ours);
    // A mosaic tells its splices; of noise there are none.
    assert!(ours["splices"].is_u64() && version(film, "mean")["further"]["splices"].is_null());
    let silence = &version(film, "silence")["further"];
    assert_eq!(
        (&silence["onset_accuracy"]["value"], &silence["onset_ap"]["value"]),
        (&0.0.into(), &0.0.into())
    );
    // What moves leads in a film that a brain of three steps does not know.
    assert!(!version(film, "ours")["led"].as_array().unwrap().is_empty());

    // From the cache alone there are no pictures to follow, and a gallery has the figures, too.
    run(home, &format!("eval {} -o {}", at("b.brain"), at("own")));
    let own = report(&home.join("own"));
    assert!(version(&own["films"][0], "ours")["further"]["loudness_motion_r"].is_null());
    run(home, &format!("gallery {} {} -o {}", at("b.brain"), at("other.mp4"), at("g")));
    let text = fs::read(home.join("g/gallery.json")).unwrap();
    let cell = serde_json::from_slice::<Value>(&text).unwrap()["cells"][0].clone();
    assert_further(&cell["further"]);
    let (here, there) = (&cell["further"]["loudness_motion_r"]["value"], &ours["loudness_motion_r"]["value"]);
    // Its sound is compressed, theirs is not.
    assert!((here.as_f64().unwrap() - there.as_f64().unwrap()).abs() < 0.02, "{here} {there}");
    assert_eq!(cell["learned"], false);
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
