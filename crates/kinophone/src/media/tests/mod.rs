//! The media module against made films (real ones: `tests/films`). References: films that ffmpeg made from exact expressions, ffprobe's
//! list of frames, and ffmpeg's own stream hashes.

mod clock;
mod hostile;
mod odd;
mod pixels;
mod stream;
mod writing;

use super::{AudioTracks, Decode, DecodeSound, Decoded, Ffmpeg, Picture};
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
    Decode { size, colour: false }
}

/// All of a film's sound in mono.
fn sound_of(film: &Path, rate: u32) -> Vec<f32> {
    sound(film, AudioTracks::Default, rate, 1).0
}

/// All of some tracks' sound, and what was said of it.
fn sound(film: &Path, tracks: AudioTracks, rate: u32, channels: u32) -> (Vec<f32>, Vec<String>) {
    let how = DecodeSound { tracks, rate: SampleRate::new(rate).unwrap(), channels };
    let mut stream = ffmpeg().decode_sound(film, &how).unwrap();
    let (mut sound, mut block) = (Vec::new(), [0.0; 4096]);
    loop {
        let n = stream.read(&mut block).unwrap();
        sound.extend_from_slice(&block[..n]);
        if n < block.len() {
            assert_eq!(stream.read(&mut block).unwrap(), 0);
            return (sound, stream.complaints());
        }
    }
}
