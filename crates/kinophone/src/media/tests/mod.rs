//! The media module against real and made films. References: films that ffmpeg made from exact expressions,
//! ffprobe's list of frames, and ffmpeg's own stream hashes.

pub mod clock;
pub mod films;
pub mod hostile;
pub mod pixels;
pub mod stream;
pub mod writing;

use crate::media::{Decode, DecodeSound, Decoded, Ffmpeg, Picture};
use kinophone_dsp::units::SampleRate;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// `KINOPHONE_FFMPEG` lets these tests run with another ffmpeg.
fn ffmpeg() -> &'static Ffmpeg {
    static FFMPEG: OnceLock<Ffmpeg> = OnceLock::new();
    FFMPEG.get_or_init(|| Ffmpeg::locate(None).unwrap())
}

/// The folder of shared films; without it a test prints a note and passes, except where CI is set.
fn shared() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("KINOPHONE_SHARED").map_or(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var_os("CI").is_none(), "the shared films are missing: set KINOPHONE_SHARED");
    eprintln!("skipped: no shared films in {}; set KINOPHONE_SHARED", folder.display());
    None
}

/// Every film in a folder of the shared data.
fn films_in(folder: &str) -> Vec<PathBuf> {
    let Some(shared) = shared() else { return Vec::new() };
    let entries = std::fs::read_dir(shared.join("data").join(folder)).unwrap();
    let mut films: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).collect();
    films.retain(|f| f.extension().is_some_and(|e| ["mp4", "mkv", "webm", "ts"].iter().any(|x| e == *x)));
    films.sort();
    films
}

/// Runs ffmpeg itself; `args` are split at spaces, `files` are put in for `{}`, in turn.
fn make(args: &str, files: &[&Path]) -> Vec<u8> {
    let mut files = files.iter();
    let mut command = Command::new(ffmpeg().program());
    command.args(["-nostdin", "-v", "error", "-y"]);
    for word in args.split_whitespace() {
        match word {
            "{}" => command.arg(files.next().unwrap()),
            word => command.arg(OsStr::new(word)),
        };
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{args}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The option that keeps uneven times, by the name that this version knows.
fn uneven() -> &'static str {
    if ffmpeg().number >= (5, 1) { "-fps_mode passthrough" } else { "-vsync passthrough" }
}

fn decode(film: &Path, how: &Decode) -> crate::Result<(Vec<Picture>, Decoded)> {
    let mut stream = ffmpeg().decode(film, how)?;
    let pictures = stream.by_ref().collect::<crate::Result<Vec<_>>>()?;
    Ok((pictures, stream.finish()?))
}

fn grey(size: u32) -> Decode {
    Decode { size, colour: false, sound: None }
}

/// All of a film's sound in mono.
fn sound_of(film: &Path, rate: u32) -> Vec<f32> {
    let how = DecodeSound { track: 0, rate: SampleRate::new(rate).unwrap(), channels: 1 };
    let mut stream = ffmpeg().decode_sound(film, &how).unwrap();
    let (mut sound, mut block) = (Vec::new(), [0.0; 4096]);
    loop {
        let n = stream.read(&mut block).unwrap();
        sound.extend_from_slice(&block[..n]);
        if n < block.len() {
            assert_eq!(stream.read(&mut block).unwrap(), 0);
            return sound;
        }
    }
}
