//! Facts of a film: from ffprobe's JSON, or from what ffmpeg prints where ffprobe is missing (see `dump`).

use crate::media::joined::is_joined;
use crate::media::mpeg::is_cut_off;
use crate::media::process::{self, Ending};
use crate::media::raw_probe::{
    RawProbe, RawStream, StreamKind, clock_time_of, clockwise, fault, first_packet, has_places, time_of,
};
use crate::media::scrambled::is_scrambled;
use crate::media::track_stream::Stamps;
use crate::media::{Ffmpeg, FilmFacts, FilmTimecode, PictureFacts, SoundFacts, boxes, dump, input};
use crate::{Error, Kind, Result};
use kinophone_dsp::units::{MediaTime, SampleRate};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

/// A film's facts, with those that only other files of `media` need.
pub(crate) struct Examined {
    pub(crate) facts: FilmFacts,
    /// Beginning of the film's clock in the file's own timestamps.
    pub(crate) zero: MediaTime,
    /// End of the picture stream on the film's clock, as the container claims.
    pub(crate) picture_end: Option<MediaTime>,
    /// True where pictures are stored in another order than they are shown in (B-frames).
    pub(crate) reordered: bool,
    /// True where it carries Content Credentials (C2PA).
    pub(crate) credentials: bool,
    /// Parts beside its pictures and its sound.
    pub(crate) parts: OtherParts,
    /// True where its last packet is not whole.
    pub(crate) cut_off: bool,
    /// True where another recording follows it in its file.
    pub(crate) joined: bool,
}

/// See [`Examined`].
pub(crate) struct OtherParts {
    /// Tracks of pictures, the one that is used included.
    pub(crate) pictures: usize,
    pub(crate) chapters: usize,
    pub(crate) subtitles: usize,
    pub(crate) covers: usize,
    pub(crate) attachments: usize,
}

impl Examined {
    /// The meaning of the film's timestamps.
    pub(crate) fn stamps(&self) -> Stamps {
        Stamps::of(&self.facts.container, self.facts.picture.is_some())
    }

    /// What is not as it should be of the file, and ffmpeg does not say.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let complaints = [
            (self.cut_off, "it ends within a packet, so it was cut off"),
            (self.joined, "another recording was joined to its end, which players do not read"),
        ];
        complaints.into_iter().filter(|(said, _)| *said).map(|(_, words)| words.to_owned()).collect()
    }
}

pub(crate) fn examine(ffmpeg: &Ffmpeg, path: &Path) -> Result<Examined> {
    let bytes = input::check(path)?;
    let boxes = boxes::look(path);
    if boxes.encrypted || is_scrambled(path) {
        return Err(encrypted(path));
    }
    if boxes.cut_off {
        return Err(Error::new(Kind::WrongKind, "is cut off within the description of its tracks")
            .at(path)
            .help("copy it again; if a recording broke off, tools that rebuild such descriptions may help"));
    }
    let raw = match &ffmpeg.ffprobe {
        Some(ffprobe) => from_ffprobe(ffmpeg, ffprobe, path)?,
        None => dump::from_ffmpeg(ffmpeg, path)?,
    };
    if raw.streams.iter().any(|stream| stream.encrypted) {
        return Err(encrypted(path));
    }
    let zero = raw.start.unwrap_or_default();
    let best = best_picture(&raw.streams);
    if best.is_none() && !raw.streams.iter().any(|s| s.kind == StreamKind::Sound) {
        return Err(Error::new(Kind::WrongKind, "has neither pictures nor sound")
            .at(path)
            .help("name a film; if it was cut off while copying, copy it again"));
    }
    let mut picture = best.map(|stream| picture_facts(ffmpeg, path, stream, zero)).transpose()?;
    if let (Some(picture), Some(stream)) = (&mut picture, best) {
        picture.timecode = timecode_of(stream, &raw);
    }
    let reordered = best.is_some_and(|stream| stream.reordered);
    let picture_end = best.and_then(|stream| stream.end).map(|end| end - zero);
    let keeps_places =
        Stamps::of(&raw.container, best.is_some()) == Stamps::None || raw.container.starts_with("mov,");
    let sounds = raw.streams.iter().filter_map(|stream| sound_facts(stream, zero, keeps_places)).collect();
    // Matroska counts its length from time zero, wherever it begins.
    let early =
        if raw.container.starts_with("matroska") { zero.max(MediaTime::ZERO) } else { MediaTime::ZERO };
    let (credentials, parts) = (boxes.credentials || credentials(&raw.streams), other_parts(&raw));
    let facts = FilmFacts {
        container: raw.container,
        duration: raw.duration.map(|length| (length - early).max(MediaTime::ZERO)),
        bytes,
        picture,
        sounds,
        tags: bounded(raw.tags),
    };
    let cut_off = facts.container.starts_with("mpeg") && is_cut_off(path, bytes);
    let joined = is_joined(path);
    Ok(Examined { facts, zero, picture_end, reordered, credentials, parts, cut_off, joined })
}

fn encrypted(path: &Path) -> Error {
    Error::new(Kind::WrongKind, "is encrypted").at(path).help(
        "name a copy that is not; with the key of an MP4, ffmpeg makes one: ffmpeg -decryption_key KEY -i FILM -c copy CLEAR.mp4",
    )
}

/// True where Content Credentials are attached, as in Matroska.
fn credentials(streams: &[RawStream]) -> bool {
    streams.iter().any(|stream| stream.mime_type.as_deref() == Some("application/c2pa"))
}

fn other_parts(raw: &RawProbe) -> OtherParts {
    let of_kind = |kind| raw.streams.iter().filter(|stream| stream.kind == kind).count();
    OtherParts {
        pictures: raw.streams.iter().filter(|s| s.kind == StreamKind::Picture && !s.still).count(),
        chapters: raw.chapters,
        subtitles: of_kind(StreamKind::Subtitle),
        covers: raw.streams.iter().filter(|stream| stream.still).count(),
        attachments: of_kind(StreamKind::Attachment),
    }
}

/// The stream that ffmpeg itself would choose: most pixels, a stream marked as default before others, the
/// first of equals (FFmpeg's manual, "Automatic stream selection"; the weight is that of its source). A picture in the codec of a still
/// is taken for a cover where there is any other: Matroska does not mark covers among its tracks.
fn best_picture(streams: &[RawStream]) -> Option<&RawStream> {
    const DEFAULT_WEIGHT: u64 = 5_000_000;
    const STILL_CODECS: [&str; 6] = ["png", "mjpeg", "bmp", "webp", "tiff", "gif"];
    let films =
        streams.iter().filter(|s| s.kind == StreamKind::Picture && !s.still && s.size.0 > 0 && s.size.1 > 0);
    let worth =
        |s: &RawStream| u64::from(s.size.0) * u64::from(s.size.1) + u64::from(s.default) * DEFAULT_WEIGHT;
    let is_cover = |s: &RawStream| STILL_CODECS.contains(&s.codec.as_str());
    films.min_by_key(|s| (is_cover(s), std::cmp::Reverse(worth(s))))
}

fn picture_facts(ffmpeg: &Ffmpeg, path: &Path, stream: &RawStream, zero: MediaTime) -> Result<PictureFacts> {
    // Packets before the first key frame are neither decoded nor copied; pictures of an edit list's lead-in
    // are not shown.
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
        timecode: None,
    })
}

/// The timecode of a picture stream: its own, that of a timecode stream, or that of the container (Matroska, MXF).
fn timecode_of(picture: &RawStream, raw: &RawProbe) -> Option<FilmTimecode> {
    let of_stream = |s: &&RawStream| s.kind == StreamKind::Other && s.timecode.is_some();
    let counter = raw.streams.iter().find(of_stream);
    let of_file = || raw.tags.iter().find(|(key, _)| key.eq_ignore_ascii_case("timecode"));
    let label = picture.timecode.as_ref().or(counter.and_then(|s| s.timecode.as_ref()));
    let label = label.or_else(|| of_file().map(|(_, label)| label))?;
    // Anybody's text: a timecode has eleven characters.
    (label.len() <= 16)
        .then(|| FilmTimecode { label: label.clone(), rate: counter.and_then(|s| s.frame_rate) })
}

/// Facts of a sound track. Where the container does not keep the places of channels, they are those that films usually have.
fn sound_facts(stream: &RawStream, zero: MediaTime, keeps_places: bool) -> Option<SoundFacts> {
    const CUSTOMARY: [&str; 6] = ["2.1", "4.0", "5.0", "5.1", "6.1", "7.1"];
    let customary =
        || CUSTOMARY.get((stream.channels as usize).wrapping_sub(3)).map(|name| (*name).to_owned());
    let guess = || if keeps_places { None } else { customary() };
    (stream.kind == StreamKind::Sound).then_some(SoundFacts {
        stream: stream.index,
        codec: stream.codec.clone(),
        rate: stream.sample_rate?,
        channels: stream.channels.max(1),
        start: (stream.start.unwrap_or(zero) - zero).max(MediaTime::ZERO),
        layout: stream.layout.clone().or_else(guess),
        language: stream.language.clone(),
        title: stream.title.clone(),
        default: stream.default,
    })
}

fn from_ffprobe(ffmpeg: &Ffmpeg, ffprobe: &Path, path: &Path) -> Result<RawProbe> {
    let mut args = input::common();
    args.extend(input::words(&[
        "-v",
        "error",
        "-show_format",
        "-show_streams",
        "-show_chapters",
        "-of",
        "json",
    ]));
    // The first packets too: in all but damaged films they tell where the picture begins, without another
    // process.
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
    #[serde(default)]
    chapters: Vec<serde::de::IgnoredAny>,
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
    channel_layout: Option<String>,
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
        if self.format.format_name == "ogg" || self.streams.len() == 1 {
            // Ogg keeps the film's title and licence in its streams; and of a recording whatever its only track says. The
            // language is the track's own.
            for (key, value) in self.streams.iter().flat_map(|s| s.tags.clone()).filter_map(text_tag) {
                if !key.eq_ignore_ascii_case("language")
                    && !tags.iter().any(|(known, _)| known.eq_ignore_ascii_case(&key))
                {
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
            chapters: self.chapters.len(),
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
                Some("subtitle") => StreamKind::Subtitle,
                Some("attachment") => StreamKind::Attachment,
                _ => StreamKind::Other,
            },
            start,
            end,
            language: tag("language").filter(|l| *l != "und").map(str::to_owned),
            title: tag("title").map(str::to_owned),
            layout: self.channel_layout.clone().filter(|layout| has_places(layout)),
            still: set("attached_pic") || set("timed_thumbnails") || set("still_image"),
            default: set("default"),
            size: (self.width, self.height),
            frame_rate: self.avg_frame_rate.as_deref().and_then(|rate| rate.parse().ok()),
            timecode: tag("timecode").map(str::to_owned),
            rotation: clockwise(turn),
            reordered: self.has_b_frames > 0,
            opens_with_key: false,
            sample_rate: self.sample_rate.as_deref().and_then(|hz| SampleRate::new(hz.parse().ok()?).ok()),
            channels: self.channels,
            // Matroska's way; ISO files are told by their boxes.
            encrypted: tag("enc_key_id").is_some(),
            mime_type: tag("mimetype").map(str::to_owned),
            codec: self.codec_name.unwrap_or_default(),
            pixel_format: self.pix_fmt.unwrap_or_default(),
        }
    }
}

fn text_tag((key, value): (String, serde_json::Value)) -> Option<(String, String)> {
    value.as_str().map(|text| (key, text.to_owned()))
}

/// Tags are anybody's text: enough of them to be useful, no more than fits beside a film.
fn bounded(tags: Vec<(String, String)>) -> Vec<(String, String)> {
    let short = |text: String| text.chars().take(2000).collect::<String>();
    tags.into_iter().take(100).map(|(key, value)| (short(key), short(value))).collect()
}
