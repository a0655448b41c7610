//! Films with no sound, or with several, into a corpus.

use crate::footage::{find, needs};
use crate::tool::ffmpeg;
use kinophone::dataset::{PrepareOptions, Prepared, Shard, prepare};
use kinophone::media::AudioTracks;
use kinophone::task::{Cancel, Quiet, Task};
use kinophone::{Kind, Result};
use libtest_mimic::Trial;
use std::path::Path;

const MUTE: &str = "edge/VP9-tractor_noaudio.webm";
const TWO: &str = "edge/nasa_13013_2video_2audio.mp4";

pub fn trials() -> Vec<Trial> {
    vec![
        needs(&[MUTE], "prepare::a_silent_film_is_for_rendering_and_an_error_for_training", a_silent_film),
        needs(
            &[TWO],
            "prepare::a_sound_track_that_is_not_there_is_an_error_that_lists_those_that_are",
            a_sound_track_that_is_not_there,
        ),
    ]
}

fn options() -> PrepareOptions {
    PrepareOptions { size: 64, colour: false, require_sound: true, ..PrepareOptions::default() }
}

fn run(name: &str, folder: &Path, options: &PrepareOptions) -> Result<Vec<Prepared>> {
    prepare(ffmpeg(), &[find(name)], folder, options, Task { watcher: &Quiet, cancel: &Cancel::default() })
}

fn a_silent_film() {
    let folder = tempfile::tempdir().unwrap();
    let refused = || run(MUTE, folder.path(), &options()).unwrap_err().kind();
    assert_eq!(refused(), Kind::NoSound);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let tolerant = PrepareOptions { require_sound: false, ..options() };
    let prepared = run(MUTE, folder.path(), &tolerant).unwrap();
    assert!(Shard::open(&prepared[0].shard).unwrap().sound().is_none());
    assert_eq!(refused(), Kind::NoSound, "there, but silent");
}

fn a_sound_track_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let track = |number| {
        let audio_tracks = AudioTracks::one(number);
        run(TWO, folder.path(), &PrepareOptions { audio_tracks, ..options() })
    };
    let error = track(2).unwrap_err();
    assert_eq!(error.kind(), Kind::NoSound);
    assert!(error.advice().is_some_and(|a| a.contains("0 (") && a.contains("1 (")), "{:?}", error.advice());
    assert!(track(1).unwrap()[0].shard.to_string_lossy().ends_with("-track1.safetensors"));
}
