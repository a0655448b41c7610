//! Outputs in odd places: long names, links, devices, folders that can't be written to, names that somebody else is writing,
//! hundreds of sources, and a standard output that nobody reads.
#![cfg(unix)]

mod support;

use kinophone::dataset::{ShardWriter, SoundTrack};
use kinophone::dsp::units::{MediaTime, SampleRate};
use kinophone::ledger::{Source, Terms};
use kinophone::media::FilmFacts;
use kinophone::storage::{Overwrite, Reservation};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use support::{Home, kinophone, small_film, tiny_brain};

/// Adds a recording of a third of a second to a library.
fn add_recording(library: &Path, number: usize, name: String, hz: u32) {
    let facts = FilmFacts {
        container: "wav".to_owned(),
        duration: None,
        bytes: 1,
        picture: None,
        sounds: Vec::new(),
        tags: Vec::new(),
    };
    let blake3 = format!("{number:064x}");
    let path = library.join(format!("{blake3}-sound.safetensors"));
    let source = Source { name, blake3, terms: Terms::default(), facts };
    let rate = SampleRate::new(hz).unwrap();
    let pitch = 200.0 + number as f32;
    let wave = |i: u32| (9000.0 * (i as f32 * pitch * std::f32::consts::TAU / hz as f32).sin()) as i16;
    let sound: Vec<u8> = (0..hz / 3).flat_map(|i| wave(i).to_le_bytes()).collect();
    let shard = ShardWriter::create(&path, Overwrite::Refuse, 1, false, source).unwrap();
    let track = SoundTrack {
        rate,
        channels: 1,
        samples: u64::from(hz / 3),
        exponent: 0,
        opposed: false,
        data: &mut &sound[..],
    };
    shard.finish(MediaTime(333_333), Some(track)).unwrap();
}

/// Their names together are longer than an argument may be, and they are more than the files that may be open.
#[test]
fn hundreds_of_recordings_with_long_names_need_few_open_files_and_short_arguments() {
    let home = Home::new();
    small_film(&home.at("film.mp4"), 2);
    fs::create_dir(home.at("lib")).unwrap();
    for number in 0..560 {
        let hz = if number == 0 { 22_050 } else { 16_000 };
        add_recording(&home.at("lib"), number, format!("{number:0>250}.wav"), hz);
    }
    for line in ["texture @film.mp4 --sounds @lib -o @a.mp4", "revoice @film.mp4 --sounds @lib -o @b.mkv"] {
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -n 100; exec \"$0\" \"$@\""]).arg(env!("CARGO_BIN_EXE_kinophone"));
        command.env("KINOPHONE_CACHE", home.at("cache")).args(home.words(line)).arg("--quiet");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let (credits, _) = home.run("credits @b.mkv");
    assert!(credits["credits"].as_array().unwrap().len() > 1, "{credits}");
}

/// Whatever is named, and by whatever way it leads to an input: the input stays as it is.
#[test]
fn no_output_destroys_an_input() {
    let home = Home::new();
    small_film(&home.at("film.mp4"), 2);
    fs::create_dir(home.at("lib")).unwrap();
    add_recording(&home.at("lib"), 0, "a.wav".to_owned(), 22_050);
    let brain = tiny_brain(home.0.path());
    fs::rename(brain, home.at("brain")).unwrap();
    let shard = fs::read_dir(home.at("lib")).unwrap().next().unwrap().unwrap().path();
    fs::write(home.at("m.csv"), home.succeed("texture --print-mapping drone").stdout).unwrap();
    symlink("film.mp4", home.at("a.mp4.credits.txt")).unwrap();
    symlink(&shard, home.at("b.mp4.credits.txt")).unwrap();
    fs::hard_link(home.at("film.mp4"), home.at("same.mp4")).unwrap();
    for folder in ["s.sources", "pictures", "linked"] {
        fs::create_dir(home.at(folder)).unwrap();
    }
    fs::write(home.at("s.sources/sources.txt"), "").unwrap();
    fs::copy(home.at("film.mp4"), home.at("s.sources/f.mp4")).unwrap();
    fs::write(home.at("pictures/texture.png"), "mine").unwrap();
    symlink("../film.mp4", home.at("linked/texture.png")).unwrap();
    home.succeed("prepare @film.mp4 -o @corpus --quiet");
    let own = fs::read_dir(home.at("corpus")).unwrap().next().unwrap().unwrap().path();
    home.succeed("gallery @brain @film.mp4 -o @gallery --quiet");
    fs::copy(home.at("film.mp4"), home.at("gallery/my.mp4")).unwrap();
    fs::copy(home.at("brain"), home.at("gallery/my.brain")).unwrap();
    let kept = [
        "film.mp4",
        "m.csv",
        "s.sources/f.mp4",
        "pictures/texture.png",
        "gallery/my.mp4",
        "gallery/my.brain",
    ];
    let contents = || {
        let files = kept.iter().map(|name| home.at(name)).chain([shard.clone(), own.clone()]);
        files.map(|file| fs::read(file).unwrap()).collect::<Vec<_>>()
    };
    let before = contents();
    let texture = "texture @film.mp4 --sounds @lib";
    for (line, said) in [
        (format!("{texture} -o @a.mp4"), "is both the input and the output"),
        (format!("{texture} -o @b.mp4"), "which is an input"),
        (format!("{texture} -o @same.mp4"), "is both the input and the output"),
        (format!("{texture} -o @c.wav --mapping @m.csv --score @m.csv"), "is both the input and the output"),
        ("texture @s.sources/f.mp4 --sounds @lib -o @c.wav --score @s.csd".to_owned(), "holds the input"),
        (format!("{texture} -o @c.wav --pictures @pictures"), "is no PNG"),
        (format!("{texture} -o @c.wav --pictures @linked"), "is no PNG"),
        ("gallery @gallery/my.brain @film.mp4 -o @gallery".to_owned(), "holds the input"),
        ("gallery @brain @gallery/my.mp4 -o @gallery".to_owned(), "holds the input"),
        ("eval @gallery/my.brain @film.mp4 -o @gallery".to_owned(), "holds the input"),
        (format!("train @corpus -o {}", own.display()), "which a brain can't replace"),
    ] {
        let refused = home.refuse(&format!("{line} --force"));
        assert!(refused.contains(said), "{line}: {refused}");
        assert!(contents() == before, "{line}");
    }
}

#[test]
fn names_may_be_as_long_as_the_disk_allows() {
    let home = Home::new();
    small_film(&home.at("film.mp4"), 2);
    fs::create_dir(home.at("lib")).unwrap();
    add_recording(&home.at("lib"), 0, "a.wav".to_owned(), 22_050);
    for length in [245, 251, 255] {
        let name = format!("{}.wav", "n".repeat(length - 4));
        home.succeed(&format!("revoice @film.mp4 --sounds @lib -o @{name} --quiet"));
        assert!(home.at(&name).is_file(), "{length}");
        let credits = fs::read_dir(home.0.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let credits: Vec<_> =
            credits.filter(|name| name.to_string_lossy().ends_with(".credits.txt")).collect();
        assert_eq!(credits.len(), 1, "{length}: {credits:?}");
        assert!(
            home.refuse(&format!("revoice @film.mp4 --sounds @lib -o @{name}")).contains("exists already")
        );
        fs::remove_file(home.at(&name)).unwrap();
        fs::remove_file(home.at(credits[0].to_str().unwrap())).unwrap();
    }
    let before = fs::read_dir(home.0.path()).unwrap().count();
    let long = "n".repeat(252);
    for line in [
        format!("revoice @film.mp4 --sounds @lib -o @{long}.wav"),
        format!("revoice @film.mp4 --sounds @lib -o @out.wav --score @{long}.csd"),
        format!("revoice @film.mp4 --sounds @lib -o @out.wav --score @{}.csd", &long[..250]),
        format!("train @film.mp4 -o @{long} --layers 10 --epochs 1"),
        format!("train @film.mp4 -o @{long}.brain"),
    ] {
        assert!(home.refuse(&line).contains("too long for the disk"), "{line}");
    }
    assert_eq!(fs::read_dir(home.0.path()).unwrap().count(), before, "work was done before the refusal");
}

#[test]
fn an_output_through_a_link_is_written_where_the_link_leads() {
    let home = Home::new();
    let brain = tiny_brain(home.0.path());
    fs::create_dir(home.at("disk")).unwrap();
    fs::write(home.at("disk/there.wav"), "old").unwrap();
    symlink("disk/there.wav", home.at("there.wav")).unwrap();
    symlink(home.at("disk/new.wav"), home.at("new.wav")).unwrap();
    let line = |name: &str| {
        format!("render @{} @tiny.mp4 -o @{name} --quiet", brain.file_name().unwrap().to_str().unwrap())
    };
    assert!(home.refuse(&line("there.wav")).contains("exists already"));
    for name in ["there.wav", "new.wav"] {
        home.succeed(&(line(name) + " --force"));
        assert!(home.at(name).is_symlink(), "{name} was replaced");
        assert!(fs::read(home.at("disk").join(name)).unwrap().starts_with(b"RIFF"), "{name}");
    }
    assert_eq!(fs::read_dir(home.at("disk")).unwrap().count(), 2);
    // Nor is a device ever renamed away.
    symlink("/dev/null", home.at("null.wav")).unwrap();
    assert!(home.refuse(&(line("null.wav") + " --force")).contains("is a device"));
}

#[test]
fn folders_that_can_not_be_written_to_are_named_with_the_way_out() {
    let home = Home::new();
    small_film(&home.at("film.mp4"), 2);
    fs::create_dir(home.at("lib")).unwrap();
    add_recording(&home.at("lib"), 0, "a.wav".to_owned(), 22_050);
    add_recording(&home.at("lib"), 1, "b.wav".to_owned(), 16_000);
    let refused = |variable: &str, line: &str| {
        let output =
            kinophone(home.0.path()).args(home.words(line)).env(variable, "/dev/null/x").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(variable) && !said.contains("os error"), "{said}");
    };
    refused("KINOPHONE_CACHE", "train @film.mp4 -o @a.brain --layers 10 --epochs 1");
    refused("KINOPHONE_CACHE", "train @film.mp4 -o @a.brain");
    refused("TMPDIR", "revoice @film.mp4 --sounds @lib -o @a.wav");
    let left: Vec<_> = fs::read_dir(home.0.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    // What revoice heard of the film is kept for the next time.
    assert!(
        left.iter().all(|name| ["film.mp4", "lib", "cache"].iter().any(|known| name == known)),
        "{left:?}"
    );
}

#[test]
fn failed_work_leaves_no_empty_folders() {
    let home = Home::new();
    fs::write(home.at("film.mp4"), "no film").unwrap();
    for line in [
        "prepare @film.mp4 -o @far/corpus",
        "sounds @film.mp4 -o @far/library",
        "train @film.mp4 -o @a.brain --layers 10",
        "inspect @film.mp4 --pictures @far/look",
    ] {
        home.refuse(line);
        let left: Vec<_> =
            fs::read_dir(home.0.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(left.iter().all(|name| name == "film.mp4" || name == "cache"), "{line}: {left:?}");
    }
    small_film(&home.at("film.mp4"), 3);
    home.succeed("train @film.mp4 -o @a.brain --steps 3 --no-live --net tcn --quiet");
    assert!(!home.at("a.brain.run").exists(), "an ensemble has no checkpoints");
}

#[test]
fn a_name_that_somebody_is_writing_to_is_refused_before_the_work() {
    let home = Home::new();
    // No film: whoever begins to work fails with another error.
    fs::write(home.at("film.mp4"), "no film").unwrap();
    fs::write(home.at("brain"), "no brain").unwrap();
    for (output, line) in [
        ("out.mp4", "render @brain @film.mp4 -o @out.mp4"),
        ("out.csv", "render @brain @film.mp4 -o @out.mp4 --score @out.csv"),
        ("new", "train @film.mp4 -o @new"),
        ("new", "eval @brain @film.mp4 -o @new"),
        ("new", "demo -o @new"),
    ] {
        let held = Reservation::of(&home.at(output)).unwrap();
        assert!(home.refuse(line).contains("is being written by another kinophone"), "{line}");
        drop(held);
    }
    assert!(!home.refuse("render @brain @film.mp4 -o @out.mp4").contains("another kinophone"));
    let mut left: Vec<_> =
        fs::read_dir(home.0.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["brain", "film.mp4"]);
}

/// Runs it with a standard output that nobody reads; what it said, and its exit code.
fn unread(home: &Home, line: &str) -> (String, Option<i32>) {
    let mut child = kinophone(home.0.path());
    let mut child =
        child.args(home.words(line)).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    (String::from_utf8(output.stderr).unwrap(), output.status.code())
}

#[test]
fn data_that_nobody_reads_is_no_success_and_no_panic() {
    let home = Home::new();
    tiny_brain(home.0.path());
    for line in ["inspect @tiny.mp4", "inspect @tiny.brain --json", "man", "completions bash", "doctor"] {
        assert_eq!(unread(&home, line), (String::new(), Some(1)), "{line}");
    }
    assert_eq!(unread(&home, "--help").1, Some(1));
    let (said, code) = unread(&home, "render @tiny.brain @tiny.mp4 -o @out.wav --json --quiet");
    assert!(code == Some(1) && (said.is_empty() || said.contains("files are whole")), "{said}");
    assert!(home.at("out.wav").is_file());
}
