//! Tags, turn, chapters and protection of films: what is theirs stays or is said to be lost, and what is ours is told from it.

mod support;

use std::path::Path;
use std::process::Command;
use support::{Home, ffmpeg, small_film};

const OWNER: [(&str, &str); 6] = [
    ("title", "A Film"),
    ("artist", "A. Owner"),
    ("date", "1999"),
    ("copyright", "(c) 1999 A. Owner"),
    ("comment", "Shot by hand"),
    ("license", "CC-BY-4.0"),
];
const KEY: &str = "76a6c65c5ea762046bd749a2e632ccbb";
const KEY_ID: &str = "a7e61c373e219033c21091fa607bf3b8";
const CREDENTIALS: [u8; 16] =
    [0xd8, 0xfe, 0xc3, 0xd6, 0x1b, 0x0e, 0x48, 0x3c, 0x92, 0x97, 0x58, 0x28, 0x87, 0x7e, 0xc4, 0x81];

/// A library, a film without tags in .mp4, and the same with tags and chapters in .mkv.
fn archive() -> Home {
    let home = Home::new();
    let source = "sine=frequency=300:duration=3,tremolo=f=3:d=0.9";
    ffmpeg(&["-f", "lavfi", "-i", source, home.at("tone.wav").to_str().unwrap()]);
    home.run("sounds @tone.wav -o @lib --licence CC0-1.0");
    small_film(&home.at("plain.mp4"), 2);
    let mut about = ";FFMETADATA1\n".to_owned();
    OWNER.iter().for_each(|(key, text)| about += &format!("{key}={text}\n"));
    for (from, to, title) in [(0, 1000, "One"), (1000, 2000, "Two")] {
        about += &format!("[CHAPTER]\nTIMEBASE=1/1000\nSTART={from}\nEND={to}\ntitle={title}\n");
    }
    std::fs::write(home.at("about.txt"), about).unwrap();
    copy(&home, "plain.mp4 -i @about.txt -map 0 -map_metadata 1 -map_chapters 1", "film.mkv");
    home
}

/// Copies the streams of a film with other words for ffmpeg.
fn copy(home: &Home, words: &str, name: &str) {
    let words = home.words(&format!("-i @{words} -c copy @{name}"));
    ffmpeg(&words);
}

/// A film's tags as ffprobe tells them, and the number of its chapters.
fn about(film: &Path) -> (Vec<(String, String)>, usize) {
    let words = ["-v", "error", "-show_entries", "format_tags", "-show_chapters", "-of", "json"];
    let output = Command::new("ffprobe").args(words).arg(film).output().unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let tags = answer["format"]["tags"].as_object().unwrap().iter();
    let tags = tags.map(|(key, text)| (key.to_lowercase(), text.as_str().unwrap().to_owned())).collect();
    (tags, answer["chapters"].as_array().unwrap().len())
}

#[test]
fn a_films_tags_and_chapters_stay_and_what_a_container_can_not_keep_is_said() {
    let home = archive();
    ffmpeg(&home.words("-i @film.mkv -c:v mpeg4 -bf 0 -c:a pcm_s16le -map_metadata 0 @film.avi"));
    for (extension, film, lost) in [
        ("mkv", "film.mkv", &[][..]),
        ("mp4", "film.mkv", &["license"]),
        ("mov", "film.mkv", &["license"]),
        ("avi", "film.avi", &[]),
    ] {
        let name = format!("out.{extension}");
        let (_, said) = home.run(&format!("texture @{film} --sounds @lib -o @{name}"));
        let (tags, chapters) = about(&home.at(&name));
        let (had, _) = about(&home.at(film));
        let text = |key: &str| tags.iter().find(|(known, _)| known == key).map_or("", |(_, text)| text);
        for (key, owner) in OWNER.iter().filter(|(key, _)| had.iter().any(|(known, _)| known == key)) {
            let kept = text(key).lines().next() == Some(owner);
            assert_eq!(kept, !lost.contains(key), "{name}: {key} is {:?}", text(key));
            let told = said.contains(&format!("does not carry the film's tag {key}, which a .mkv keeps"));
            assert_eq!(told, !kept, "{name}: {said}");
        }
        assert_eq!(said.lines().count(), lost.len(), "{name}: {said}");
        assert_eq!(chapters, if extension == "avi" { 0 } else { 2 }, "{name}");
        // Ours stand under their own names, or below the owner's.
        let free = extension == "mkv";
        assert_eq!(text("copyright").lines().count(), if free { 1 } else { 2 }, "{tags:?}");
        let made = if free { text("kinophone") } else { text("comment").lines().nth(1).unwrap() };
        assert!(made.starts_with("Sound made by Kinophone "), "{name}: {tags:?}");
        let (credits, _) = home.run(&format!("credits @{name}"));
        assert_eq!(credits["credits"][0]["source"]["licence"], "CC0-1.0", "{name}: {credits}");

        // A soundtrack that serves as a film has its owner's licence, and not our credits for one.
        home.run(&format!("prepare @{name} -o @corpus"));
        let (known, _) = home.run(&format!("inspect @{}", shard(&home)));
        let licence = if lost.is_empty() && extension == "mkv" { "CC-BY-4.0" } else { "(c) 1999 A. Owner" };
        assert_eq!(known["source"]["licence"], licence, "{name}: {known}");
        std::fs::remove_dir_all(home.at("corpus")).unwrap();

        // Again, with its output for a film: what the first run wrote is gone.
        let again = format!("again.{extension}");
        home.run(&format!("texture @{name} --sounds @lib -o @{again}"));
        let (tags, _) = about(&home.at(&again));
        let all = tags.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join("\n");
        assert_eq!(all.matches("kinophone_credits").count(), 1, "{again}: {tags:?}");
        assert_eq!(all.matches("Sound made by Kinophone").count(), 1, "{again}: {tags:?}");
    }
}

/// The name of the only shard of the corpus.
fn shard(home: &Home) -> String {
    let mut names = std::fs::read_dir(home.at("corpus")).unwrap().map(|e| e.unwrap().file_name());
    let name = names.find(|name| name.to_string_lossy().ends_with(".safetensors")).unwrap();
    format!("corpus/{}", name.to_str().unwrap())
}

#[test]
fn chapters_subtitles_and_credentials_that_are_lost_are_said() {
    let home = archive();
    std::fs::write(home.at("s.srt"), "1\n00:00:00,000 --> 00:00:01,000\nHello\n").unwrap();
    std::fs::write(home.at("m.c2pa"), "manifest").unwrap();
    let attach = "-attach @m.c2pa -metadata:s:t mimetype=application/c2pa";
    ffmpeg(&home.words(&format!(
        "-i @film.mkv -i @s.srt -map 0 -map 1 {attach} -c:v mpeg4 -bf 0 -c:a copy -c:s srt @full.mkv"
    )));
    let (_, said) = home.run("texture @full.mkv --sounds @lib -o @out.avi");
    let parts = "out.avi does not carry the film's 2 chapters, 1 subtitle track, 1 attached file";
    assert!(said.contains(parts), "{said}");
    assert_eq!(said.matches("Content Credentials (C2PA)").count(), 1, "{said}");
    let mut signed = std::fs::read(home.at("plain.mp4")).unwrap();
    signed.extend([&40u32.to_be_bytes()[..], b"uuid", &CREDENTIALS, &[0; 16]].concat());
    std::fs::write(home.at("signed.mp4"), signed).unwrap();
    for name in ["out.mp4", "out.mkv"] {
        let (_, said) = home.run(&format!("texture @signed.mp4 --sounds @lib -o @{name}"));
        let lost = format!("warning: {name} does not carry the film's Content Credentials (C2PA)");
        assert!(said.starts_with(&lost) && said.lines().count() == 1, "{said}");
    }
    // Sound alone is another work.
    let (_, said) = home.run("texture @full.mkv --sounds @lib -o @out.wav");
    assert_eq!(said, "");
}

#[test]
fn a_turn_that_is_lost_is_said() {
    let home = archive();
    ffmpeg(&home.words("-i @plain.mp4 -c:v mpeg4 -bf 0 @straight.mov"));
    copy(&home, "straight.mov -metadata:s:v rotate=90", "turned.mov");
    let turned = |name: &str| {
        let words = ["-v", "error", "-select_streams", "v", "-show_entries", "stream_side_data=rotation"];
        let output = Command::new("ffprobe").args(words).arg(home.at(name)).output().unwrap();
        String::from_utf8(output.stdout).unwrap().contains("rotation=")
    };
    if !turned("turned.mov") {
        // FFmpeg from 6 on says it otherwise.
        ffmpeg(&home.words("-display_rotation 90 -i @straight.mov -c copy @turned.mov"));
    }
    for name in ["out.mp4", "out.mov", "out.mkv", "out.avi"] {
        let (_, said) = home.run(&format!("texture @turned.mov --sounds @lib -o @{name}"));
        let told = said.contains(&format!("{name} does not keep the film's turn by "))
            && said.contains("which a .mp4 or .mov keeps: players show it unturned");
        assert_eq!(told, !turned(name), "{name}: {said}");
        assert!(turned(name) || !matches!(name, "out.mp4" | "out.mov"), "{name}");
    }
}

/// An element of EBML, whose length takes eight bytes.
fn element(id: &[u8], content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u64 | 1 << 56).to_be_bytes();
    [id, &length, content].concat()
}

/// A film in WebM of one picture, encrypted as browsers know it.
fn encrypted_webm() -> Vec<u8> {
    let key = element(&[0x47, 0xe2], &[7; 16]);
    let encryption = element(&[0x50, 0x35], &[element(&[0x47, 0xe1], &[5]), key].concat());
    let encoding = [
        element(&[0x50, 0x31], &[0]),
        element(&[0x50, 0x32], &[1]),
        element(&[0x50, 0x33], &[1]),
        encryption,
    ];
    let encodings = element(&[0x6d, 0x80], &element(&[0x62, 0x40], &encoding.concat()));
    let size = element(&[0xe0], &[element(&[0xb0], &[64]), element(&[0xba], &[48])].concat());
    let track = [
        element(&[0xd7], &[1]),
        element(&[0x73, 0xc5], &[1]),
        element(&[0x83], &[1]),
        element(&[0x86], b"V_VP8"),
        size,
        encodings,
    ];
    let tracks = element(&[0x16, 0x54, 0xae, 0x6b], &element(&[0xae], &track.concat()));
    let info = element(&[0x15, 0x49, 0xa9, 0x66], &element(&[0x2a, 0xd7, 0xb1], &[0x0f, 0x42, 0x40]));
    let block = element(&[0xa3], &[&[0x81, 0, 0, 0x80][..], &[9; 40]].concat());
    let cluster = element(&[0x1f, 0x43, 0xb6, 0x75], &[element(&[0xe7], &[0]), block].concat());
    let head = element(&[0x1a, 0x45, 0xdf, 0xa3], &element(&[0x42, 0x82], b"webm"));
    [head, element(&[0x18, 0x53, 0x80, 0x67], &[info, tracks, cluster].concat())].concat()
}

#[test]
fn an_encrypted_film_is_said_to_be_one_and_nothing_is_made() {
    let home = archive();
    let scheme = format!("-encryption_scheme cenc-aes-ctr -encryption_key {KEY} -encryption_kid {KEY_ID}");
    copy(&home, &format!("plain.mp4 {scheme}"), "locked.mp4");
    std::fs::write(home.at("locked.webm"), encrypted_webm()).unwrap();
    copy(&home, "plain.mp4", "clear.ts");
    std::fs::write(home.at("locked.ts"), scrambled(&home.at("clear.ts"))).unwrap();
    let brain = support::tiny_brain(home.0.path());
    let before = names(&home);
    for film in ["locked.mp4", "locked.webm", "locked.ts"] {
        for line in [
            "prepare @FILM -o @new",
            "train @FILM -o @new",
            "render @BRAIN @FILM -o @new.mp4",
            "render @BRAIN @FILM -o @new.wav",
            "revoice @FILM --sounds @lib -o @new.mp4",
            "texture @FILM --sounds @lib -o @new.mp4",
            "sounds @FILM -o @new",
            "inspect @FILM",
        ] {
            let line = line.replace("FILM", film).replace("@BRAIN", brain.to_str().unwrap());
            let said = home.refuse(&line);
            assert!(said.contains(&format!("{film} is encrypted")), "{line}: {said}");
            assert!(said.contains("-decryption_key"), "{line}: {said}");
            assert_eq!(names(&home), before, "{line}");
        }
    }
}

/// Until ledgers carry credits on, it must at least be known that they are not carried.
#[test]
fn a_soundtrack_of_others_sounds_that_becomes_a_source_says_whose_it_was() {
    let home = archive();
    home.succeed("texture @plain.mp4 --sounds @lib -o @made.mp4 --quiet");
    for line in ["sounds @made.mp4 -o @again", "prepare @made.mp4 -o @corpus", "sounds @made.mp4 -o @again"] {
        let said = String::from_utf8(home.succeed(line).stderr).unwrap();
        assert!(said.contains("made.mp4 has a soundtrack made by Kinophone"), "{line}: {said}");
    }
}

/// A broadcast whose pictures and sound are scrambled: its tables stay as they are.
fn scrambled(clear: &Path) -> Vec<u8> {
    let mut bytes = std::fs::read(clear).unwrap();
    for packet in bytes.chunks_exact_mut(188).filter(|packet| packet[1] & 0x1f == 1) {
        packet[3] |= 0x80;
        let content = if packet[3] & 0x20 == 0 { 4 } else { 5 + usize::from(packet[4]) };
        packet[content.min(188)..].iter_mut().for_each(|byte| *byte ^= 0x5a);
    }
    bytes
}

fn names(home: &Home) -> Vec<String> {
    let names = std::fs::read_dir(home.0.path()).unwrap().map(|e| e.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.retain(|name| name != "cache");
    names.sort();
    names
}
