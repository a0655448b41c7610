//! Command lines of ffmpeg: the part up to the film, and times.

use crate::media::input;
use crate::{Error, Kind, Result};
use kinophone_dsp::units::MediaTime;
use std::ffi::OsString;
use std::path::Path;

/// Limit of plausible times (31 years); times beyond it are damage.
pub(crate) const MAX_TIME_US: i64 = 1_000_000_000_000_000;

/// The command line up to and including the film; `codec_options` are for its decoders.
///
/// `-copyts` and an offset of our own instead of ffmpeg's default: that one begins the clock of some formats
/// at the earliest stream *in use*, so that pictures and sound decoded apart would lie on different clocks.
pub(crate) fn opening(path: &Path, zero: MediaTime, codec_options: &[&str]) -> Result<Vec<OsString>> {
    let mut args = input::common();
    args.extend(input::words(&[
        "-nostdin",
        "-nostats",
        "-v",
        "error",
        "-max_error_rate",
        "1",
        "-copyts",
        "-y",
    ]));
    args.extend(input::words(codec_options));
    args.extend(input::guards());
    args.extend(input::words(&["-itsoffset", &seconds(MediaTime(-zero.0))]));
    args.extend([OsString::from("-i"), input::url(path)?]);
    Ok(args)
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
