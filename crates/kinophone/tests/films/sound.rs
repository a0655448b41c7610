//! Films whose picture begins late, is turned, or begins between key frames: the first sample is the first picture's.

use crate::footage::{find, needs};
use crate::tool::{decode, ffmpeg, grey, sound_of};
use kinophone::dsp::units::SampleRate;
use kinophone::media::{Encode, SoundCodec};
use libtest_mimic::Trial;
use std::path::Path;

const FILMS: [&str; 4] = [
    "edge/ae_testsrc_with_attachment.mkv",
    "edge/no-initial-keyframe.ts",
    "edge/rotate-buck-bunny_51.mp4",
    "edge/bear-vp9-opus.webm",
];
const RATE: u32 = 48_000;
const CLICKS: [usize; 3] = [4800, 30_000, 70_001];

pub fn trials() -> Vec<Trial> {
    let trial =
        |path| needs(&[path], format!("sound::begins_with::{path}"), move || begins_with(&find(path)));
    FILMS.into_iter().map(trial).collect()
}

/// Gives a film two seconds of silence with three clicks.
fn click(film: &Path, output: &Path) {
    let picture = ffmpeg().probe(film).unwrap().picture.unwrap();
    let plan = Encode {
        output: output.to_owned(),
        extension: "mp4".to_owned(),
        codec: SoundCodec::Aac,
        rate: SampleRate::new(RATE).unwrap(),
        channels: 1,
        picture: Some((film.to_owned(), picture)),
        tags: Vec::new(),
        room: None,
    };
    let mut sound = vec![0.0; 2 * RATE as usize];
    CLICKS.iter().for_each(|&at| sound[at] = 0.9);
    let mut encoder = ffmpeg().encode(&plan).unwrap();
    sound.chunks(735).try_for_each(|block| encoder.write(block)).unwrap();
    encoder.finish().unwrap();
}

fn begins_with(film: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.mp4");
    click(film, &output);
    let [source, facts] = [film, &output].map(|film| ffmpeg().probe(film).unwrap().picture.unwrap());
    let [(before, _), (pictures, _)] = [film, &output].map(|film| decode(film, &grey(16)).unwrap());
    assert_eq!(pictures.len(), before.len());
    assert!(pictures.iter().zip(&before).all(|(a, b)| a.pixels == b.pixels));
    let moved: Vec<i64> =
        pictures.iter().zip(&before).map(|(a, b)| b.time.0 - a.time.0 - source.start.0).collect();
    assert!(moved.iter().all(|m| m.abs() <= 100), "{moved:?}");
    assert_eq!(facts.rotation, source.rotation);
    let sound = sound_of(&output, SampleRate::new(RATE).unwrap(), 2 * RATE as usize);
    let start = facts.start.as_secs_f64() * f64::from(RATE);
    for at in CLICKS {
        let near = at - 2400..at + 2400;
        let loudest = near.max_by(|&a, &b| sound[a].abs().total_cmp(&sound[b].abs())).unwrap();
        assert!((loudest as f64 - at as f64 - start).abs() <= 1.0, "the click at {at} is at {loudest}");
    }
}
