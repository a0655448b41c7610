//! Kills of the real program, early and late: what is left is the old state or the new one, and a training that is resumed
//! ends in the same brain as an undisturbed one. That no step of writing a file leaves a half-written one is tested where
//! files are written, step by step (`kinophone::storage`).

mod support;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use support::{Home, kinophone, small_film};

/// When the program is killed, in parts of its usual time.
const MOMENTS: [f64; 4] = [0.2, 0.5, 0.8, 0.95];

/// Kills the program at a moment.
fn kill(home: &Home, line: &str, moment: Duration) {
    let mut child = kinophone(home.0.path());
    let mut child = child.args(home.words(line)).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(moment);
    // SIGKILL: nothing of ours runs after it.
    let _ = child.kill();
    child.wait().unwrap();
}

/// How long the program takes undisturbed.
fn usual(home: &Home, line: &str) -> Duration {
    let start = Instant::now();
    home.succeed(line);
    start.elapsed()
}

/// The shards in a folder, by name.
fn shards(folder: &Path) -> HashMap<PathBuf, Vec<u8>> {
    let named = |path: PathBuf| (path.file_name().unwrap().into(), fs::read(&path).unwrap());
    support::shards(folder).into_iter().map(named).collect()
}

#[test]
fn a_killed_prepare_leaves_whole_shards_and_goes_on() {
    let home = Home::new();
    (0..3).for_each(|i| small_film(&home.at(&format!("{i}.mp4")), 6 + i));
    let line = |corpus: &str| format!("prepare @0.mp4 @1.mp4 @2.mp4 -o @{corpus} --quiet");
    let usual = usual(&home, &line("good"));
    let truth = shards(&home.at("good"));
    assert_eq!(truth.len(), 3);
    for moment in MOMENTS {
        kill(&home, &line("hurt"), usual.mul_f64(moment));
        for (name, bytes) in shards(&home.at("hurt")) {
            assert!(truth.get(&name) == Some(&bytes), "at {moment}: {} is not whole", name.display());
        }
        if moment == MOMENTS[1] {
            fs::remove_dir_all(home.at("hurt")).unwrap_or(());
        }
    }
    home.succeed(&line("hurt"));
    assert!(shards(&home.at("hurt")) == truth, "a resumed prepare differs from an undisturbed one");
}

#[test]
fn a_killed_training_is_resumed_exactly() {
    let home = Home::new();
    small_film(&home.at("film.mp4"), 20);
    let line = |brain: &str| {
        format!("train @film.mp4 -o @{brain} --layers 200 --epochs 12 --patience 0 --resume --quiet")
    };
    // The film is prepared first, so that it is the training that is killed.
    home.succeed("train @film.mp4 -o @first --layers 10 --epochs 1 --quiet");
    let usual = usual(&home, &line("good"));
    let truth = fs::read(home.at("good")).unwrap();
    for moment in MOMENTS {
        // Short lives, so that one brain is killed many times before it is done.
        kill(&home, &line("hurt"), usual.mul_f64(0.7 * moment));
        if let Ok(bytes) = fs::read(home.at("hurt")) {
            assert!(bytes == truth, "at {moment}: a brain was left that is not whole");
            fs::remove_file(home.at("hurt")).unwrap();
        }
    }
    home.succeed(&line("hurt"));
    assert!(fs::read(home.at("hurt")).unwrap() == truth, "a resumed brain differs from an undisturbed one");
}

#[test]
fn a_killed_render_leaves_the_old_file_or_the_new_one() {
    let home = Home::new();
    small_film(&home.at("film.mp4"), 20);
    home.succeed("train @film.mp4 -o @tiny.brain --layers 100 --epochs 1 --quiet");
    let line = "render @tiny.brain @film.mp4 -o @out.mp4 --force --quiet";
    let usual = usual(&home, line);
    let out = home.at("out.mp4");
    let truth = fs::read(&out).unwrap();
    for (round, moment) in MOMENTS.into_iter().enumerate() {
        let old = (round % 2 == 1).then(|| b"the old one".to_vec());
        match &old {
            Some(old) => fs::write(&out, old).unwrap(),
            None => fs::remove_file(&out).unwrap(),
        }
        kill(&home, line, usual.mul_f64(moment));
        let left = fs::read(&out).ok();
        assert!(left == old || left.as_ref() == Some(&truth), "at {moment}: half a file, or none");
        fs::write(&out, "to be removed").unwrap();
    }
    home.succeed(line);
    assert!(fs::read(&out).unwrap() == truth);
}
