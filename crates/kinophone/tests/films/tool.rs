//! ffmpeg through the library, and by itself.

use kinophone::dsp::units::SampleRate;
use kinophone::media::{AudioTracks, Decode, DecodeSound, Decoded, Ffmpeg, Picture};
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

/// `KINOPHONE_FFMPEG` lets these tests run with another ffmpeg.
pub fn ffmpeg() -> &'static Ffmpeg {
    static FFMPEG: OnceLock<Ffmpeg> = OnceLock::new();
    FFMPEG.get_or_init(|| Ffmpeg::locate(None).unwrap())
}

/// Runs ffmpeg itself; `args` are split at spaces, `files` are put in for `{}`, in turn.
pub fn make(args: &str, files: &[&Path]) -> Vec<u8> {
    let mut files = files.iter();
    let mut command = Command::new(ffmpeg().program());
    command.args(["-nostdin", "-v", "error", "-y"]);
    for word in args.split_whitespace() {
        match word {
            "{}" => command.arg(files.next().unwrap()),
            word => command.arg(word),
        };
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{args}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

pub fn decode(film: &Path, how: &Decode) -> kinophone::Result<(Vec<Picture>, Decoded)> {
    let mut stream = ffmpeg().decode(film, how)?;
    let pictures = stream.by_ref().collect::<kinophone::Result<Vec<_>>>()?;
    Ok((pictures, stream.finish()?))
}

pub fn grey(size: u32) -> Decode {
    Decode { size, colour: false }
}

/// The first samples of a film's sound in mono.
pub fn sound_of(film: &Path, rate: SampleRate, samples: usize) -> Vec<f32> {
    let mut stream = ffmpeg()
        .decode_sound(film, &DecodeSound { tracks: AudioTracks::Default, rate, channels: 1 })
        .unwrap();
    let mut sound = vec![0.0; samples];
    let got = stream.read(&mut sound).unwrap();
    sound.truncate(got);
    sound
}
