//! Files of every kind in every place that takes one: what does not belong there is called what it is, once, with the advice that
//! helps; and nothing is made.

mod support;

use support::{Home, ffmpeg, kinophone, small_film};

/// Everything that somebody may name by mistake.
const KINDS: [&str; 16] = [
    "film.mp4",
    "silent.mp4",
    "sound.wav",
    "folder",
    "empty",
    "brain",
    "classic.brain",
    "shard.safetensors",
    "library",
    "mute",
    "score.json",
    "text.txt",
    "still.png",
    "anim.webp",
    "img%03d.png",
    "missing",
];

/// A command with a place for each kind, and for the kinds that do not belong there what is said and advised.
struct Place {
    line: &'static str,
    right: &'static [&'static str],
    said: &'static [(&'static str, &'static str, &'static str)],
}

const FILM: [(&str, &str, &str); 9] = [
    ("brain", "is a brain, not a film", "kinophone render BRAIN FILM"),
    ("classic.brain", "is a brain, not a film", "kinophone render BRAIN FILM"),
    (
        "shard.safetensors",
        "is a shard of a corpus or library, not a film",
        "name the film or recording itself",
    ),
    ("score.json", "is a score, not a film", "name the film"),
    ("text.txt", "is a text, not a film", "name a film itself"),
    ("still.png", "is an image, not a film", "ffmpeg -loop 1 -i still.png"),
    ("anim.webp", "is an image, not a film", "magick anim.webp film.mkv"),
    ("img%03d.png", "does not exist", "ffmpeg -framerate 25 -i img%03d.png"),
    ("missing", "does not exist", "check the name"),
];

const ONE_FILM: [(&str, &str, &str); 3] = [
    ("folder", "is a folder, not a film", "name the films inside it"),
    ("empty", "is a folder, not a film", "name the films inside it"),
    ("library", "is a corpus or library, not a film", "--sounds plays with a library"),
];

const BRAIN: [(&str, &str, &str); 9] = [
    ("film.mp4", "is a film or a recording, not a brain", "the brain comes first"),
    ("sound.wav", "is a film or a recording, not a brain", "the brain comes first"),
    ("folder", "is a folder, not a brain", "'kinophone train' has made"),
    ("library", "is a corpus or library, not a brain", "'kinophone train' has made"),
    ("shard.safetensors", "is a corpus shard, not a brain", "'kinophone train' has made"),
    ("score.json", "is a score, not a brain", "'kinophone train' has made"),
    ("text.txt", "is a text, not a brain", "'kinophone train' has made"),
    ("still.png", "is an image, not a brain", "'kinophone train' has made"),
    ("missing", "does not exist", "check the name"),
];

const LIBRARY: [(&str, &str, &str); 10] = [
    ("film.mp4", "is a film or a recording, not a library", "kinophone sounds film.mp4 -o LIBRARY"),
    ("sound.wav", "is a film or a recording, not a library", "kinophone sounds sound.wav -o LIBRARY"),
    ("brain", "is a brain, not a library", "'kinophone sounds' has made"),
    (
        "shard.safetensors",
        "is a shard of a corpus or library, not a library",
        "name the folder that it lies in",
    ),
    ("score.json", "is a score, not a library", "'kinophone sounds' has made"),
    ("text.txt", "is a text, not a library", "'kinophone sounds' has made"),
    ("folder", "holds no sound", "kinophone sounds folder -o LIBRARY"),
    ("empty", "holds no sound", "kinophone sounds empty -o LIBRARY"),
    ("mute", "holds nothing but silence", "in which something sounds"),
    ("missing", "does not exist", "check the name"),
];

const PLACES: [Place; 25] = [
    Place { line: "prepare X -o new", right: &["film.mp4", "silent.mp4", "folder"], said: &FILM },
    Place { line: "sounds X -o new", right: &["film.mp4", "sound.wav", "folder"], said: &FILM },
    Place {
        line: "train X -o new",
        right: &["film.mp4", "folder", "shard.safetensors"],
        said: &FILM_TO_LEARN,
    },
    Place { line: "render X film.mp4 -o new.wav", right: &["brain", "classic.brain"], said: &BRAIN },
    Place { line: "eval X film.mp4 -o new", right: &[], said: &BRAIN },
    Place { line: "render brain X -o new.mp4", right: &["film.mp4", "silent.mp4"], said: &FILM },
    Place { line: "render brain X -o new.mp4", right: &["film.mp4", "silent.mp4"], said: &ONE_FILM },
    Place { line: "revoice X --sounds library -o new.mkv", right: &["film.mp4"], said: &FILM },
    Place { line: "texture X --sounds library -o new.mp4", right: &["film.mp4", "silent.mp4"], said: &FILM },
    Place {
        line: "texture X --sounds library -o new.mp4",
        right: &["film.mp4", "silent.mp4"],
        said: &ONE_FILM,
    },
    Place { line: "render brain film.mp4 -o new.wav --sounds X", right: &["library"], said: &LIBRARY },
    Place { line: "revoice film.mp4 --sounds X -o new.wav", right: &["library"], said: &LIBRARY },
    Place { line: "texture film.mp4 --sounds X -o new.wav", right: &["library"], said: &LIBRARY },
    Place { line: "texture film.mp4 --sounds library -o new.wav --mapping X", right: &[], said: &[] },
    Place { line: "credits X", right: &["score.json"], said: &[] },
    Place { line: "import X -o new", right: &[], said: &[] },
    Place {
        line: "render brain film.mp4 -o new.wav --synth spectral --phase X",
        right: &["film.mp4", "sound.wav"],
        said: &FILM,
    },
    Place { line: "gallery X film.mp4 -o new", right: &["brain", "classic.brain"], said: &[] },
    Place { line: "gallery brain X -o new", right: &["film.mp4", "silent.mp4"], said: &GALLERY },
    Place { line: "inspect X", right: &INSPECTED, said: &[] },
    Place { line: "inspect film.mp4 --ffmpeg X", right: &[], said: &[] },
    Place { line: "texture film.mp4 --sounds library -o X", right: &[], said: &[] },
    Place { line: "texture film.mp4 --sounds library -o new.wav --score X", right: &[], said: &[] },
    Place { line: "train film.mp4 -o X", right: &["missing", "img%03d.png"], said: &TAKEN },
    Place { line: "sounds sound.wav -o X", right: &FOLDERS, said: &[] },
];

/// Names that are taken, and must stay what they are.
const TAKEN: [(&str, &str, &str); 2] = [("film.mp4", "", "another name"), ("brain", "exists", "--force")];

const FOLDERS: [&str; 6] = ["folder", "empty", "library", "mute", "missing", "img%03d.png"];

const INSPECTED: [&str; 8] =
    ["film.mp4", "silent.mp4", "sound.wav", "brain", "classic.brain", "shard.safetensors", "library", "mute"];

const GALLERY: [(&str, &str, &str); 2] = [
    ("still.png", "is an image, not a film", "ffmpeg -loop 1"),
    ("library", "is a corpus or library, not a film", "name a film"),
];

const FILM_TO_LEARN: [(&str, &str, &str); 3] = [
    ("silent.mp4", "has no sound", "learn from films with sound"),
    ("brain", "is a brain, not a film", "kinophone render BRAIN FILM"),
    ("still.png", "is an image, not a film", "ffmpeg -loop 1 -i still.png"),
];

/// One of everything.
fn drawer() -> Home {
    let home = Home::new();
    small_film(&home.at("film.mp4"), 4);
    let draw = |line: &str| drop(ffmpeg(&home.words(line)));
    draw("-i @film.mp4 -an -c copy @silent.mp4");
    draw("-i @film.mp4 -vn @sound.wav");
    draw("-f lavfi -i anullsrc=duration=3 @quiet.wav");
    draw("-i @film.mp4 -frames:v 1 @still.png");
    std::fs::write(
        home.at("anim.webp"),
        b"RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\x3f\0\0\x3f\0\0ANIM\x06\0\0\0\0\0\0\0\0\0",
    )
    .unwrap();
    std::fs::write(home.at("text.txt"), "only words\n").unwrap();
    std::fs::create_dir(home.at("folder")).unwrap();
    std::fs::create_dir(home.at("empty")).unwrap();
    std::fs::copy(home.at("film.mp4"), home.at("folder/film.mp4")).unwrap();
    home.succeed("train @film.mp4 -o @classic.brain --layers 50 --epochs 1 --quiet");
    home.succeed("train @film.mp4 -o @brain --net memory --variations 1 --quiet");
    home.succeed("sounds @sound.wav -o @library --quiet");
    home.succeed("sounds @quiet.wav -o @mute --quiet");
    home.succeed("prepare @film.mp4 -o @corpus --quiet");
    let shard = std::fs::read_dir(home.at("corpus")).unwrap().next().unwrap().unwrap().path();
    std::fs::rename(shard, home.at("shard.safetensors")).unwrap();
    home.succeed("texture @film.mp4 --sounds @library -o @scored.wav --score @score.json --quiet");
    home
}

#[test]
fn what_does_not_belong_in_a_place_is_called_what_it_is() {
    let home = drawer();
    let names = |home: &Home| {
        let names = std::fs::read_dir(home.0.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.filter(|name| name != "cache").collect();
        names.sort();
        names
    };
    let before = names(&home);
    let mut wrong = Vec::new();
    for Place { line, right, said } in PLACES {
        for kind in KINDS.iter().filter(|kind| !right.contains(kind)) {
            let line = line.split(' ').map(|word| if word == "X" { kind } else { word });
            let line: Vec<&str> = line.collect();
            let output = kinophone(home.0.path())
                .current_dir(home.0.path())
                .args(&line)
                .arg("--quiet")
                .output()
                .unwrap();
            let text = String::from_utf8(output.stderr).unwrap();
            let shown = format!("{}: {:?} {text}", line.join(" "), output.status.code());
            let errors = text.lines().filter(|line| line.starts_with("  x ")).count();
            let helps = text.matches("\n  help: ").count();
            let named = text.lines().any(|line| line.starts_with("  x ") && line.contains(kind));
            let is_clear = matches!(output.status.code(), Some(1 | 2))
                && (errors, helps) == (1, 1)
                && (named || line[0] == "eval");
            let wanted = said.iter().find(|(known, ..)| known == kind);
            let is_right = wanted.is_none_or(|(_, what, help)| text.contains(what) && text.contains(help));
            if !is_clear || !is_right || names(&home) != before {
                wrong.push(shown);
            }
        }
    }
    assert!(wrong.is_empty(), "{} are not as they should be:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn moving_images_get_a_soundtrack_or_the_command_that_makes_films_of_them() {
    let home = Home::new();
    ffmpeg(&home.words("-f lavfi -i testsrc2=size=64x48:rate=10 -t 1 @a.gif"));
    ffmpeg(&home.words("-f lavfi -i testsrc2=size=64x48:rate=10 -t 1 -f apng @a.apng"));
    ffmpeg(&home.words("-f lavfi -i sine=frequency=300:duration=2,tremolo=f=3:d=0.9 @tone.flac"));
    home.succeed("sounds @tone.flac -o @lib --quiet");
    home.succeed("texture @a.gif --sounds @lib -o @out.mkv --quiet");
    let said = home.refuse("texture @a.gif --sounds @lib -o @out.mp4");
    assert!(said.contains("gif picture") && said.contains("containers that fit: mov, mkv"), "{said}");
    home.succeed("texture @a.apng --sounds @lib -o @out.wav --quiet");
    let said = home.refuse("texture @a.apng --sounds @lib -o @new.mkv");
    assert!(
        said.contains("apng picture") && said.contains("ffmpeg -i FILM -pix_fmt yuv420p film.mkv"),
        "{said}"
    );
}

#[test]
fn a_short_film_is_not_advised_what_training_refuses() {
    let home = Home::new();
    small_film(&home.at("film.mp4"), 4);
    home.succeed("train @film.mp4 -o @brain --net memory --variations 1 --quiet");
    let said = home.refuse("eval @brain -o @report");
    assert!(
        said.contains("too short") && !said.contains("fold0") && said.contains("a minute or more"),
        "{said}"
    );
}

#[cfg(unix)]
#[test]
fn a_terminal_gets_nothing_to_obey_from_a_name() {
    let home = Home::new();
    let name = "a\u{1b}[2J\u{7}b\u{9b}c\u{202e}d\ne.mp4";
    small_film(&home.at(name), 2);
    ffmpeg(
        &home.words("-f lavfi -i sine=frequency=300:duration=2 -metadata title=x\u{1b}]0;y\u{7} @tone.flac"),
    );
    home.succeed("sounds @tone.flac -o @lib");
    let path = |name: &str| home.at(name).to_str().unwrap().to_owned();
    let words = |line: &str| {
        line.split(' ')
            .map(|word| match word {
                "FILM" => path(name),
                "OUT" => path("a\u{1b}out\n.wav"),
                other => other.replace('@', &format!("{}/", home.0.path().display())),
            })
            .collect::<Vec<_>>()
    };
    for line in [
        "texture FILM --sounds @lib -o OUT --force",
        "credits OUT",
        "prepare FILM -o @corpus",
        "inspect FILM",
        "inspect @lib",
        "render FILM FILM -o OUT",
        "texture FILM --sounds FILE\u{1b} -o OUT --force",
        "texture FILM --sing\u{1b}",
    ] {
        let output = kinophone(home.0.path()).args(words(line)).output().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        let wrong = |c: char| (c.is_control() && !matches!(c, '\n' | '\t')) || c == '\u{202e}';
        assert!(!text.contains(wrong) && !text.contains("d\ne.mp4"), "{line}: {text:?}");
        assert!(!text.is_empty(), "{line}");
    }
}
