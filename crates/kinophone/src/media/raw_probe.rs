//! Facts as ffprobe or ffmpeg gives them, in the file's own timestamps.

use crate::media::arguments::MAX_TIME_US;
use crate::media::process::{self, Ending, Outcome};
use crate::media::{Ffmpeg, input};
use crate::{Error, Kind, Result};
use kinophone_dsp::units::{FrameRate, MediaTime, SampleRate};
use std::ffi::OsString;
use std::path::Path;

/// Facts from either way of probing, in the file's own timestamps.
#[derive(Default)]
pub(crate) struct RawProbe {
    pub(crate) container: String,
    pub(crate) start: Option<MediaTime>,
    pub(crate) duration: Option<MediaTime>,
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) streams: Vec<RawStream>,
    pub(crate) chapters: usize,
}

/// See [`RawProbe`].
#[derive(Default)]
pub(crate) struct RawStream {
    pub(crate) index: usize,
    pub(crate) kind: StreamKind,
    pub(crate) codec: String,
    pub(crate) start: Option<MediaTime>,
    pub(crate) end: Option<MediaTime>,
    pub(crate) language: Option<String>,
    pub(crate) title: Option<String>,
    /// See [`SoundFacts::layout`](crate::media::SoundFacts::layout).
    pub(crate) layout: Option<String>,
    /// A cover image or thumbnail beside the film.
    pub(crate) still: bool,
    pub(crate) default: bool,
    /// Width and height, of pictures.
    pub(crate) size: (u32, u32),
    pub(crate) pixel_format: String,
    pub(crate) frame_rate: Option<FrameRate>,
    pub(crate) timecode: Option<String>,
    /// Degrees clockwise.
    pub(crate) rotation: i32,
    pub(crate) reordered: bool,
    /// True where its first packet is known to be a key frame.
    pub(crate) opens_with_key: bool,
    pub(crate) sample_rate: Option<SampleRate>,
    pub(crate) channels: u32,
    /// True where its packets are encrypted.
    pub(crate) encrypted: bool,
    /// The type of an attached file: "application/c2pa".
    pub(crate) mime_type: Option<String>,
}

/// See [`RawStream`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum StreamKind {
    Picture,
    Sound,
    Subtitle,
    /// A file in the file.
    Attachment,
    #[default]
    Other,
}

/// The file's own timestamp of the first packet that a stream copy takes: the first key frame. `None` where
/// the stream has none.
pub(crate) fn first_packet(ffmpeg: &Ffmpeg, path: &Path, stream: usize) -> Result<Option<MediaTime>> {
    let mut args = input::common();
    args.extend(input::words(&["-nostdin", "-nostats", "-v", "error", "-copyts"]));
    args.extend(input::guards());
    args.extend([OsString::from("-i"), input::url(path)?]);
    let map = format!("0:{stream}");
    args.extend(input::words(&["-map", &map, "-c", "copy", "-frames", "1", "-f", "framecrc", "pipe:1"]));
    let (said, outcome) = process::run(&ffmpeg.program, args, ffmpeg.stall, 1 << 16)?;
    match outcome.ending {
        Ending::Stalled(_) | Ending::Crashed(_) => Err(fault(&outcome, path)),
        _ => Ok(first_time(&String::from_utf8_lossy(&said))),
    }
}

/// The error of a run that should have printed facts.
pub(crate) fn fault(outcome: &Outcome, path: &Path) -> Error {
    let fault = outcome
        .error("opening it")
        .filter(|e| !matches!(outcome.ending, Ending::Failed(_)) || e.kind() != Kind::Tool);
    fault.map_or_else(|| input::refusal(path, outcome), |e| e.at(path))
}

/// ffmpeg gives a display matrix's angle anticlockwise, −180 to 180.
pub(crate) fn clockwise(anticlockwise: f64) -> i32 {
    if anticlockwise.is_finite() { (-anticlockwise).round().rem_euclid(360.0) as i32 } else { 0 }
}

/// Seconds with decimals, exactly: "112.711", "-0.007000".
pub(crate) fn time_of(text: &str) -> Option<MediaTime> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole: i64 = whole.parse().ok()?;
    let micros: i64 = format!("{:0<6.6}", fraction).parse().ok()?;
    let time = whole.checked_mul(1_000_000)?.checked_add(micros)?;
    plausible(if negative { -time } else { time })
}

/// "00:01:04.988000000" and "00:00:16.57".
pub(crate) fn clock_time_of(text: &str) -> Option<MediaTime> {
    let mut parts = text.trim().splitn(3, ':');
    let hours: i64 = parts.next()?.parse().ok()?;
    let minutes: i64 = parts.next()?.parse().ok()?;
    let seconds = time_of(parts.next()?)?;
    let whole = hours.checked_mul(60)?.checked_add(minutes)?.checked_mul(60_000_000)?;
    plausible(whole.checked_add(seconds.0)?)
}

/// Times that can be added without overflow; others are damage.
fn plausible(micros: i64) -> Option<MediaTime> {
    (-MAX_TIME_US..=MAX_TIME_US).contains(&micros).then_some(MediaTime(micros))
}

/// Parses framecrc's "#tb 0: 1/12800" and "0, dts, pts, duration, size, checksum".
fn first_time(framecrc: &str) -> Option<MediaTime> {
    let base = framecrc.lines().find_map(|line| line.strip_prefix("#tb 0: "))?;
    let (num, den) = base.trim().split_once('/')?;
    let (num, den) = (num.parse::<i128>().ok()?, den.parse::<i128>().ok()?);
    let packet = framecrc.lines().find(|line| !line.starts_with('#'))?;
    let pts = packet.split(',').nth(2)?.trim().parse::<i64>().ok()?;
    let micros = i128::from(pts).checked_mul(num)?.checked_mul(1_000_000)?.checked_div_euclid(den)?;
    plausible(i64::try_from(micros).ok()?)
}

/// True if this is a name of ffmpeg's for channels with places: "stereo" and not "10 channels" or "unknown".
pub(crate) fn has_places(layout: &str) -> bool {
    !layout.is_empty() && layout != "unknown" && !layout.contains("channels")
}
