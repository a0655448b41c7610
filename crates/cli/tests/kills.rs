//! A hundred kills at random moments: what is left is the old state or the new one, and a resumed training
//! ends in the same brain as an undisturbed one.

mod support;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use support::{kinophone, small_film, succeed};

/// Starts the program, kills it after a random part of `usual`; true if it had finished by itself.
fn kill_sometime(home: &Path, args: &[&str], usual: Duration, rng: &mut ChaCha8Rng) -> bool {
    let mut child = kinophone(home).args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(usual.mul_f64(rng.random_range(0.0..1.1)));
    let finished = child.try_wait().unwrap().is_some();
    // SIGKILL: nothing of ours runs after it.
    let _ = child.kill();
    child.wait().unwrap();
    finished
}

/// All files with that ending in a folder, by name.
fn files(folder: &Path, ending: &str) -> HashMap<PathBuf, Vec<u8>> {
    let Ok(entries) = fs::read_dir(folder) else { return HashMap::new() };
    entries
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == ending))
        .map(|p| (p.file_name().unwrap().into(), fs::read(&p).unwrap()))
        .collect()
}

fn timed(run: impl FnOnce()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

#[test]
fn prepare_survives_34_kills() {
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    let films: Vec<String> = (0..3).map(|i| path(&format!("film{i}.mp4"))).collect();
    for (i, film) in films.iter().enumerate() {
        small_film(Path::new(film), 6 + i as u32);
    }
    let args = |corpus: &str| {
        [&["prepare"], &films.iter().map(String::as_str).collect::<Vec<_>>()[..], &["-o", corpus, "--quiet"]]
            .concat()
            .iter()
            .map(|s| s.to_string())
            .collect::<Vec<_>>()
    };
    let (good, hurt) = (path("good"), path("hurt"));
    let usual = timed(|| drop(succeed(home.path(), &args(&good))));
    let truth = files(Path::new(&good), "safetensors");
    assert_eq!(truth.len(), 3);

    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for round in 0..34 {
        let args = args(&hurt);
        kill_sometime(home.path(), &args.iter().map(String::as_str).collect::<Vec<_>>(), usual, &mut rng);
        for (name, bytes) in files(Path::new(&hurt), "safetensors") {
            assert!(truth.get(&name) == Some(&bytes), "round {round}: {} is not whole", name.display());
        }
        if round % 5 == 4 {
            fs::remove_dir_all(&hurt).unwrap_or(());
        }
    }
    succeed(home.path(), &args(&hurt));
    assert!(
        files(Path::new(&hurt), "safetensors") == truth,
        "a resumed prepare differs from an undisturbed one"
    );
}

#[test]
fn training_survives_33_kills_and_resumes_exactly() {
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    let film = path("film.mp4");
    small_film(Path::new(&film), 30);
    let args = |brain: &str| -> Vec<String> {
        [
            "train",
            &film,
            "-o",
            brain,
            "--layers",
            "200",
            "--epochs",
            "16",
            "--patience",
            "0",
            "--resume",
            "--quiet",
        ]
        .map(String::from)
        .to_vec()
    };
    let (good, hurt) = (path("good.brain"), path("hurt.brain"));
    succeed(home.path(), &args(&good)); // fills the film cache, too
    fs::remove_file(&good).unwrap();
    fs::remove_dir_all(format!("{good}.run")).unwrap();
    let usual = timed(|| drop(succeed(home.path(), &args(&good))));
    let truth = fs::read(&good).unwrap();

    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let (mut kills, mut finished) = (0, 0);
    while kills < 33 {
        let args = args(&hurt);
        // Short lives, so that one brain is killed many times before it is done.
        if kill_sometime(
            home.path(),
            &args.iter().map(String::as_str).collect::<Vec<_>>(),
            usual.mul_f64(0.6),
            &mut rng,
        ) {
            assert!(
                fs::read(&hurt).unwrap() == truth,
                "after {kills} kills the brain differs from an undisturbed one"
            );
            fs::remove_file(&hurt).unwrap();
            fs::remove_dir_all(format!("{hurt}.run")).unwrap();
            finished += 1;
        } else {
            kills += 1;
            if Path::new(&hurt).exists() {
                assert!(fs::read(&hurt).unwrap() == truth, "a brain was left that is not whole");
                fs::remove_file(&hurt).unwrap();
            }
        }
        assert!(finished < 100, "the kills come too late to disturb anything");
    }
    succeed(home.path(), &args(&hurt));
    assert!(fs::read(&hurt).unwrap() == truth, "a resumed brain differs from an undisturbed one");
}

#[test]
fn render_survives_33_kills() {
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    let (film, brain) = (path("film.mp4"), path("tiny.brain"));
    small_film(Path::new(&film), 30);
    succeed(home.path(), &["train", &film, "-o", &brain, "--layers", "100", "--epochs", "1", "--quiet"]);
    fs::remove_dir_all(home.path().join("cache")).unwrap(); // so that the film is decoded each time
    let args = |out: &str| -> Vec<String> {
        ["render", &brain, &film, "-o", out, "--force", "--quiet"].map(String::from).to_vec()
    };
    let folder = home.path().join("out");
    fs::create_dir(&folder).unwrap();
    let out = folder.join("out.mp4").to_str().unwrap().to_owned();
    let usual = timed(|| drop(succeed(home.path(), &args(&out))));
    let truth = fs::read(&out).unwrap();

    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for round in 0..33 {
        if round % 2 == 0 {
            fs::remove_file(&out).unwrap_or(());
        } else {
            fs::write(&out, b"the old one").unwrap();
        }
        let args = args(&out);
        kill_sometime(home.path(), &args.iter().map(String::as_str).collect::<Vec<_>>(), usual, &mut rng);
        match fs::read(&out) {
            Ok(bytes) => assert!(
                bytes == truth || (round % 2 == 1 && bytes == b"the old one"),
                "round {round}: half a file"
            ),
            Err(_) => assert!(round % 2 == 0, "round {round}: the old file is gone"),
        }
    }
}
