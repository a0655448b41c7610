//! Command lines of ffmpeg: the part up to the film, and times.

use crate::media::input;
use crate::{Error, Kind, Result};
use kinophone_dsp::units::MediaTime;
use std::ffi::OsString;
use std::path::Path;

/// Limit of plausible times (31 years); times beyond it are damage.
pub(crate) const MAX_TIME_US: i64 = 1_000_000_000_000_000;

/// NUT has no times below zero, films do (a damaged recording): outputs are shifted up by this, in microseconds, and shifted back as they
/// are read.
pub(crate) const LIFT_US: i64 = 1_000_000_000;

/// [`LIFT_US`] as ffmpeg takes it.
pub(crate) fn lift() -> String {
    seconds(MediaTime(LIFT_US))
}

/// The command line up to and including the film; `codec_options` are for its decoders.
///
/// `-copyts` and an offset of our own instead of ffmpeg's default: that one begins the clock of some formats
/// at the earliest stream *in use*, so that pictures and sound decoded apart would lie on different clocks.
/// Where timestamps may `jump`, ffmpeg has to join what they separate, which it does not under `-copyts`; then
/// [`shared_clock`] keeps pictures and sound together.
pub(crate) fn opening(
    path: &Path,
    zero: MediaTime,
    jump: bool,
    codec_options: &[&str],
) -> Result<Vec<OsString>> {
    let mut args = input::common();
    args.extend(quiet());
    args.extend(input::words(codec_options));
    args.extend(input::guards());
    if !jump {
        args.extend(input::words(&["-copyts", "-itsoffset", &seconds(MediaTime(-zero.0))]));
    }
    args.extend([OsString::from("-i"), input::url(path)?]);
    Ok(args)
}

/// What a process that decodes or copies says. That a packet is corrupt is a mere warning to it; of the others we keep nothing
/// (see `complaints`), and need to know which is which.
pub(crate) fn quiet() -> Vec<OsString> {
    input::words(&["-nostdin", "-nostats", "-v", "level+warning", "-max_error_rate", "1", "-y"])
}

/// Outputs that follow all others where timestamps may `jump`: ffmpeg begins the clock at the earliest stream in use and finds jumps
/// among the streams in use, so all of them are used, for nothing.
pub(crate) fn shared_clock(jump: bool) -> Vec<OsString> {
    if jump {
        input::words(&["-map", "0:v?", "-map", "0:a?", "-c", "copy", "-f", "null", "-"])
    } else {
        Vec::new()
    }
}

/// Decimal seconds, exactly.
pub fn seconds(time: MediaTime) -> String {
    let sign = if time.0 < 0 { "-" } else { "" };
    let micros = time.0.unsigned_abs();
    format!("{sign}{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

pub(crate) fn no_picture(path: &Path) -> Error {
    Error::new(Kind::NoPicture, "has sound but no moving pictures")
        .at(path)
        .help("name a film with a picture")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_exact_and_signed() {
        assert_eq!(seconds(MediaTime(-1)), "-0.000001");
        assert_eq!(seconds(MediaTime(112_711_000)), "112.711000");
    }
}
