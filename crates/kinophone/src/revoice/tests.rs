use crate::concat::{Lookahead, SelectionConfig};
use crate::dataset::PrepareOptions;
use crate::media::Ffmpeg;
use crate::model::DescriptorMatching;
use crate::render::{LibraryRequest, LoudnessMode};
use crate::revoice::{RevoicePlan, revoice};
use crate::sound_library::{self, Segmentation};
use crate::soundtrack::OutputOptions;
use crate::storage::Overwrite;
use crate::task::{Cancel, Quiet, Task};
use crate::worker::tests::killing;
use kinophone_dsp::spectral::BandMatcherConfig;
use std::path::Path;

const HZ: u32 = 22_050;

/// A mono WAV of three seconds: a tone that begins anew four times a second.
fn recording() -> Vec<u8> {
    let frames = 3 * HZ;
    let mut wav = Vec::from(*b"RIFF");
    wav.extend((36 + 2 * frames).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend(HZ.to_le_bytes());
    wav.extend((2 * HZ).to_le_bytes());
    wav.extend(b"\x02\0\x10\0data");
    wav.extend((2 * frames).to_le_bytes());
    for frame in 0..frames {
        let (t, since) = (frame as f32 / HZ as f32, (frame % (HZ / 4)) as f32 / HZ as f32);
        let x = 0.5 * (t * 440.0 * std::f32::consts::TAU).sin() * (-8.0 * since).exp();
        wav.extend(((x * 32767.0) as i16).to_le_bytes());
    }
    wav
}

fn plan(folder: &Path) -> RevoicePlan {
    RevoicePlan {
        film: folder.join("tone.wav"),
        sounds: LibraryRequest { folder: folder.join("library"), matched: DescriptorMatching::ALL },
        output: OutputOptions {
            scores: vec![folder.join("score.json")],
            ..OutputOptions::alone(folder.join("out.wav"), Overwrite::Refuse)
        },
        selection: SelectionConfig::default(),
        tune: 0.0,
        shape: BandMatcherConfig::default(),
        lookahead: Lookahead::WholeFilm,
        loudness: LoudnessMode::Usual,
        corpus: folder.join("corpus"),
    }
}

/// The names of all files in a folder.
fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_thread_that_dies_is_an_error_and_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("tone.wav"), recording()).unwrap();
    let ffmpeg = Ffmpeg::locate(None).unwrap();
    let cancel = Cancel::default();
    let task = Task { watcher: &Quiet, cancel: &cancel };
    let options = PrepareOptions::default();
    let (recordings, library) = ([folder.join("tone.wav")], folder.join("library"));
    let prepared =
        sound_library::prepare(&ffmpeg, &recordings, &library, Segmentation::default(), &options, task)
            .unwrap();
    assert!(prepared.iter().all(Result::is_ok));
    let plan = plan(folder);
    for name in ["selection", "encoder"] {
        let error = killing(name, || revoice(&ffmpeg, &plan, task)).unwrap_err();
        let expected = format!("the {name} thread ended unexpectedly: killed by a test");
        assert_eq!((error.to_string(), error.advice().is_some()), (expected, true));
        assert_eq!(files(folder), ["corpus", "library", "tone.wav"]);
    }
    let revoiced = revoice(&ffmpeg, &plan, task).unwrap();
    assert!((revoiced.soundtrack.seconds - 3.0).abs() < 0.1, "{}", revoiced.soundtrack.seconds);
    assert_eq!(files(folder), ["corpus", "library", "out.wav", "score.json", "tone.wav"]);
}
