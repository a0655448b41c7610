//! Facts of a film: from ffprobe's JSON, or from what ffmpeg prints where ffprobe is missing (see `dump`).

use crate::media::process::{self, Ending, Outcome};
use crate::media::{Ffmpeg, FilmFacts, PictureFacts, SoundFacts, decode, dump, input};
use crate::{Error, Kind, Result};
use kinophone_dsp::units::{FrameRate, MediaTime, SampleRate};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

/// A film's facts and what only this module's neighbours need.
pub(crate) struct Examined {
    pub(crate) facts: FilmFacts,
    /// Where the film's clock begins in the file's own timestamps.
    pub(crate) zero: MediaTime,
    /// When the picture stream ends on the film's clock, as the container claims.
    pub(crate) picture_end: Option<MediaTime>,
    /// Whether pictures are stored in another order than they are shown in (B-frames).
    pub(crate) reordered: bool,
}

/// What either way of probing finds, in the file's own timestamps.
#[derive(Default)]
pub(crate) struct RawProbe {
    pub(crate) container: String,
    pub(crate) start: Option<MediaTime>,
    pub(crate) duration: Option<MediaTime>,
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) streams: Vec<RawStream>,
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
    /// A cover image or thumbnail beside the film.
    pub(crate) still: bool,
    pub(crate) default: bool,
    /// Width and height, of pictures.
    pub(crate) size: (u32, u32),
    pub(crate) pixel_format: String,
    pub(crate) frame_rate: Option<FrameRate>,
    /// Degrees clockwise.
    pub(crate) rotation: i32,
    pub(crate) reordered: bool,
    /// Whether its first packet is known to be a key frame.
    pub(crate) opens_with_key: bool,
    pub(crate) sample_rate: Option<SampleRate>,
    pub(crate) channels: u32,
}

/// See [`RawStream`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum StreamKind {
    Picture,
    Sound,
    #[default]
    Other,
}

pub(crate) fn examine(ffmpeg: &Ffmpeg, path: &Path) -> Result<Examined> {
    let bytes = input::check(path)?;
    let raw = match &ffmpeg.ffprobe {
        Some(ffprobe) => from_ffprobe(ffmpeg, ffprobe, path)?,
        None => dump::from_ffmpeg(ffmpeg, path)?,
    };
    let zero = raw.start.unwrap_or_default();
    let best = best_picture(&raw.streams);
    if best.is_none() && !raw.streams.iter().any(|s| s.kind == StreamKind::Sound) {
        return Err(Error::new(Kind::WrongKind, "has neither pictures nor sound")
            .at(path)
            .help("name a film"));
    }
    let picture = best.map(|stream| picture_facts(ffmpeg, path, stream, zero)).transpose()?;
    let reordered = best.is_some_and(|stream| stream.reordered);
    let picture_end = best.and_then(|stream| stream.end).map(|end| end - zero);
    let sounds = raw.streams.iter().filter_map(|stream| sound_facts(stream, zero)).collect();
    let facts = FilmFacts {
        container: raw.container,
        duration: raw.duration,
        bytes,
        picture,
        sounds,
        tags: bounded(raw.tags),
    };
    Ok(Examined { facts, zero, picture_end, reordered })
}

/// The stream that ffmpeg itself would choose: most pixels, a stream marked as default before others, the first of
/// equals (FFmpeg's manual, "Automatic stream selection"; the weight is that of its source).
fn best_picture(streams: &[RawStream]) -> Option<&RawStream> {
    const DEFAULT_WEIGHT: u64 = 5_000_000;
    let films =
        streams.iter().filter(|s| s.kind == StreamKind::Picture && !s.still && s.size.0 > 0 && s.size.1 > 0);
    let worth =
        |s: &RawStream| u64::from(s.size.0) * u64::from(s.size.1) + u64::from(s.default) * DEFAULT_WEIGHT;
    films.min_by_key(|s| std::cmp::Reverse(worth(s)))
}

fn picture_facts(ffmpeg: &Ffmpeg, path: &Path, stream: &RawStream, zero: MediaTime) -> Result<PictureFacts> {
    // Packets before the first key frame are neither decoded nor copied; pictures of an edit list's lead-in are not shown.
    let first = if stream.opens_with_key { None } else { first_packet(ffmpeg, path, stream.index)? };
    let shown = first.max(stream.start).unwrap_or(zero);
    Ok(PictureFacts {
        stream: stream.index,
        codec: stream.codec.clone(),
        width: stream.size.0,
        height: stream.size.1,
        pixel_format: stream.pixel_format.clone(),
        rate: stream.frame_rate,
        rotation: stream.rotation,
        start: (shown - zero).max(MediaTime::ZERO),
    })
}

fn sound_facts(stream: &RawStream, zero: MediaTime) -> Option<SoundFacts> {
    (stream.kind == StreamKind::Sound).then_some(SoundFacts {
        stream: stream.index,
        codec: stream.codec.clone(),
        rate: stream.sample_rate?,
        channels: stream.channels.max(1),
        start: (stream.start.unwrap_or(zero) - zero).max(MediaTime::ZERO),
        language: stream.language.clone(),
    })
}

/// The file's own timestamp of the first packet that a stream copy takes: the first key frame. `None` where the stream
/// has none.
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

/// Out of framecrc's "#tb 0: 1/12800" and "0, dts, pts, duration, size, checksum".
fn first_time(framecrc: &str) -> Option<MediaTime> {
    let base = framecrc.lines().find_map(|line| line.strip_prefix("#tb 0: "))?;
    let (num, den) = base.trim().split_once('/')?;
    let (num, den) = (num.parse::<i128>().ok()?, den.parse::<i128>().ok()?);
    let packet = framecrc.lines().find(|line| !line.starts_with('#'))?;
    let pts = packet.split(',').nth(2)?.trim().parse::<i64>().ok()?;
    let micros = i128::from(pts).checked_mul(num)?.checked_mul(1_000_000)?.checked_div_euclid(den)?;
    plausible(i64::try_from(micros).ok()?)
}

/// What went wrong in a run that should have told facts.
pub(crate) fn fault(outcome: &Outcome, path: &Path) -> Error {
    let fault = outcome
        .error("opening it")
        .filter(|e| !matches!(outcome.ending, Ending::Failed(_)) || e.kind() != Kind::Tool);
    fault.map_or_else(|| input::refusal(path, outcome), |e| e.at(path))
}

fn from_ffprobe(ffmpeg: &Ffmpeg, ffprobe: &Path, path: &Path) -> Result<RawProbe> {
    let mut args = input::common();
    args.extend(input::words(&["-v", "error", "-show_format", "-show_streams", "-of", "json"]));
    // The first packets too: in all but damaged films they tell where the picture begins, without another process.
    args.extend(input::words(&["-show_packets", "-show_entries", "packet=stream_index,flags"]));
    args.extend(input::words(&["-read_intervals", "%+#20"]));
    args.extend(input::guards());
    args.extend([OsString::from("-i"), input::url(path)?]);
    let (json, outcome) = process::run(ffprobe, args, ffmpeg.stall, 16 << 20)?;
    if outcome.ending != Ending::Success {
        return Err(fault(&outcome, path));
    }
    let answer: Answer = serde_json::from_slice(&json)
        .map_err(|e| Error::new(Kind::Tool, "made ffprobe say something unreadable").at(path).because(e))?;
    Ok(answer.into_raw())
}

/// ffprobe's JSON, as far as it is used. Numbers come as text, and any of them may be missing.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    streams: Vec<ProbeStream>,
    #[serde(default)]
    format: ProbeFormat,
    #[serde(default)]
    packets: Vec<Packet>,
}

#[derive(Deserialize)]
struct Packet {
    stream_index: usize,
    #[serde(default)]
    flags: String,
}

#[derive(Default, Deserialize)]
struct ProbeFormat {
    #[serde(default)]
    format_name: String,
    start_time: Option<String>,
    duration: Option<String>,
    #[serde(default)]
    tags: serde_json::Map<String, serde_json::Value>,
}

#[derive(Deserialize)]
struct ProbeStream {
    index: usize,
    codec_type: Option<String>,
    codec_name: Option<String>,
    start_time: Option<String>,
    duration: Option<String>,
    #[serde(default)]
    width: u32,
    #[serde(default)]
    height: u32,
    pix_fmt: Option<String>,
    #[serde(default)]
    has_b_frames: i32,
    avg_frame_rate: Option<String>,
    sample_rate: Option<String>,
    #[serde(default)]
    channels: u32,
    #[serde(default)]
    disposition: BTreeMap<String, i32>,
    #[serde(default)]
    tags: serde_json::Map<String, serde_json::Value>,
    #[serde(default)]
    side_data_list: Vec<SideData>,
}

#[derive(Deserialize)]
struct SideData {
    rotation: Option<f64>,
}

impl Answer {
    fn into_raw(self) -> RawProbe {
        let mut tags: Vec<(String, String)> = self.format.tags.into_iter().filter_map(text_tag).collect();
        if self.format.format_name == "ogg" {
            // Ogg keeps the film's title and licence in its streams.
            for (key, value) in self.streams.iter().flat_map(|s| s.tags.clone()).filter_map(text_tag) {
                if !tags.iter().any(|(known, _)| known.eq_ignore_ascii_case(&key)) {
                    tags.push((key, value));
                }
            }
        }
        let mut streams: Vec<RawStream> = self.streams.into_iter().map(ProbeStream::into_raw).collect();
        for stream in &mut streams {
            let first = self.packets.iter().find(|packet| packet.stream_index == stream.index);
            stream.opens_with_key = first.is_some_and(|packet| packet.flags.starts_with('K'));
        }
        RawProbe {
            container: self.format.format_name,
            start: self.format.start_time.as_deref().and_then(time_of),
            duration: self.format.duration.as_deref().and_then(time_of),
            tags,
            streams,
        }
    }
}

impl ProbeStream {
    fn into_raw(self) -> RawStream {
        let set = |name: &str| self.disposition.get(name).is_some_and(|&on| on != 0);
        let start = self.start_time.as_deref().and_then(time_of);
        let length = self.duration.as_deref().and_then(time_of);
        let tag = |name: &str| {
            let found = self.tags.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.and_then(|(_, value)| value.as_str())
        };
        // Matroska gives the time of the end as a tag, other containers a length.
        let end =
            length.map(|l| start.unwrap_or_default() + l).or_else(|| tag("DURATION").and_then(clock_time_of));
        let turn = self.side_data_list.iter().find_map(|side| side.rotation).unwrap_or_default();
        RawStream {
            index: self.index,
            kind: match self.codec_type.as_deref() {
                Some("video") => StreamKind::Picture,
                Some("audio") => StreamKind::Sound,
                _ => StreamKind::Other,
            },
            start,
            end,
            language: tag("language").filter(|l| *l != "und").map(str::to_owned),
            still: set("attached_pic") || set("timed_thumbnails") || set("still_image"),
            default: set("default"),
            size: (self.width, self.height),
            frame_rate: self.avg_frame_rate.as_deref().and_then(|rate| rate.parse().ok()),
            rotation: clockwise(turn),
            reordered: self.has_b_frames > 0,
            opens_with_key: false,
            sample_rate: self.sample_rate.as_deref().and_then(|hz| SampleRate::new(hz.parse().ok()?).ok()),
            channels: self.channels,
            codec: self.codec_name.unwrap_or_default(),
            pixel_format: self.pix_fmt.unwrap_or_default(),
        }
    }
}

/// ffmpeg gives a display matrix's angle anticlockwise, −180 to 180.
pub(crate) fn clockwise(anticlockwise: f64) -> i32 {
    if anticlockwise.is_finite() { (-anticlockwise).round().rem_euclid(360.0) as i32 } else { 0 }
}

fn text_tag((key, value): (String, serde_json::Value)) -> Option<(String, String)> {
    value.as_str().map(|text| (key, text.to_owned()))
}

/// Tags are anybody's text: enough of them to be useful, no more than fits beside a film.
fn bounded(tags: Vec<(String, String)>) -> Vec<(String, String)> {
    let short = |text: String| text.chars().take(2000).collect::<String>();
    tags.into_iter().take(100).map(|(key, value)| (short(key), short(value))).collect()
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

/// Times that can be added without a thought; others are damage.
fn plausible(micros: i64) -> Option<MediaTime> {
    (-decode::FURTHEST..=decode::FURTHEST).contains(&micros).then_some(MediaTime(micros))
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
