//! Judging: trainings of the same kind say how sure the figures are, and an interrupted one leaves nothing.

mod support;

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use support::report::{assert_form, assert_further, report, run, version, words};
use support::{ffmpeg, follow, kinophone, small_film};

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
