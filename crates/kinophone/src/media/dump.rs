//! Facts of a film where ffprobe is missing: read from what `ffmpeg -i FILM` prints for people (FFmpeg's
//! `libavformat/dump.c`). Rates come rounded to two decimals and lengths to hundredths of a second; starts
//! come from the first packets. Tests hold it against ffprobe.

use crate::Result;
use crate::media::process::{self, Ending};
use crate::media::raw_probe::{
    RawProbe, RawStream, StreamKind, clock_time_of, clockwise, fault, first_packet, has_places, time_of,
};
use crate::media::{Ffmpeg, input};
use kinophone_dsp::units::SampleRate;
use std::ffi::OsString;
use std::path::Path;

/// Each start costs a run of ffmpeg: a film with more sound tracks than this gets zero for the others.
const STARTS: usize = 8;

/// Lines that are read: streams come after the chapters, of three lines and their tags each.
const LINES: usize = 20_000;

pub(crate) fn from_ffmpeg(ffmpeg: &Ffmpeg, path: &Path) -> Result<RawProbe> {
    let mut args = input::common();
    args.extend(input::words(&["-nostdin", "-v", "info"]));
    args.extend(input::guards());
    args.extend([OsString::from("-i"), input::url(path)?]);
    let outcome = process::listen(&ffmpeg.program, args, ffmpeg.stall, LINES)?;
    // Without an output ffmpeg always fails, after it has said what the file is.
    let raw = parse(&outcome.lines);
    let mut raw = match (&outcome.ending, raw) {
        (Ending::Success | Ending::Failed(_), Some(raw)) => raw,
        _ => return Err(fault(&outcome, path)),
    };
    let timed = raw.streams.iter_mut().filter(|s| s.kind == StreamKind::Sound).take(STARTS);
    for stream in timed {
        stream.start = first_packet(ffmpeg, path, stream.index)?;
    }
    Ok(raw)
}

fn parse(lines: &[String]) -> Option<RawProbe> {
    let start = lines.iter().position(|line| line.starts_with("Input #0, "))?;
    let title = lines[start].strip_prefix("Input #0, ")?;
    let mut raw = RawProbe { container: title.split(", from '").next()?.to_owned(), ..RawProbe::default() };
    let mut is_own = true;
    for line in &lines[start + 1..] {
        if let Some(stream) = line.trim_start().strip_prefix("Stream #0:") {
            raw.streams.push(stream_of(stream)?);
        } else if let Some(times) = line.strip_prefix("  Duration: ") {
            // What follows has tags of its own: chapters, programs, streams.
            is_own = false;
            raw.duration = times.split(',').next().and_then(clock_time_of);
            raw.start =
                times.split("start: ").nth(1).and_then(|rest| time_of(rest.split(',').next()?.trim()));
        } else if line.trim_start().starts_with("Chapter #0:") {
            raw.chapters += 1;
        } else if let Some(stream) = raw.streams.last_mut() {
            detail(stream, line.trim());
        } else if is_own {
            tag(&mut raw.tags, line);
        }
    }
    Some(raw)
}

/// "0[0x1](eng): Video: h264 (High) (avc1 / 0x31637661), yuv420p(tv, bt709), 1920x1080 [SAR 1:1], 24 fps
/// (default)"
fn stream_of(text: &str) -> Option<RawStream> {
    let (label, rest) = text.split_once(": ")?;
    let (kind, facts) = rest.split_once(": ").unwrap_or((rest, ""));
    let index: String = label.chars().take_while(char::is_ascii_digit).collect();
    let language = label.split_once('(').and_then(|(_, tail)| tail.split(')').next());
    let fields = outside_parentheses(facts);
    let mut stream = RawStream {
        index: index.parse().ok()?,
        codec: facts.split([' ', ',']).next().unwrap_or_default().to_owned(),
        language: language.filter(|l| *l != "und").map(str::to_owned),
        still: facts.contains("(attached pic)") || facts.contains("(timed thumbnails)"),
        default: facts.contains("(default)"),
        ..RawStream::default()
    };
    match kind {
        "Video" => picture(&mut stream, &fields),
        "Audio" => sound(&mut stream, &fields),
        "Subtitle" => stream.kind = StreamKind::Subtitle,
        "Attachment" => stream.kind = StreamKind::Attachment,
        _ => {}
    }
    Some(stream)
}

fn picture(stream: &mut RawStream, fields: &[String]) {
    stream.kind = StreamKind::Picture;
    stream.pixel_format =
        fields.get(1).and_then(|f| f.split(['(', ' ']).next()).unwrap_or_default().to_owned();
    for field in fields {
        let word = field.split(' ').next().unwrap_or_default();
        if let Some((width, height)) = word.split_once('x')
            && let (Ok(width), Ok(height)) = (width.parse(), height.parse())
        {
            stream.size = (width, height);
        }
        if field.split(' ').nth(1) == Some("fps") {
            stream.frame_rate = word.parse().ok();
        }
    }
}

fn sound(stream: &mut RawStream, fields: &[String]) {
    stream.kind = StreamKind::Sound;
    let Some(at) = fields.iter().position(|field| field.split(' ').nth(1) == Some("Hz")) else { return };
    stream.sample_rate =
        fields[at].split(' ').next().and_then(|hz| hz.parse().ok()).and_then(|hz| SampleRate::new(hz).ok());
    let layout = fields.get(at + 1);
    stream.channels = layout.map_or(0, |layout| channels_of(layout));
    stream.layout = layout.filter(|layout| has_places(layout)).cloned();
}

/// "mono", "stereo", "5.1(side)", "4 channels"; an unknown name counts as stereo, since everything is mixed
/// to that.
fn channels_of(layout: &str) -> u32 {
    let name = layout.split(['(', ' ']).next().unwrap_or_default();
    match name {
        "mono" => 1,
        "quad" => 4,
        "hexagonal" => 6,
        "octagonal" => 8,
        "hexadecagonal" => 16,
        _ if layout.contains(" channels") => name.parse().unwrap_or(2),
        // "5.1" and "7.1.4" are sums.
        _ => name
            .split('.')
            .map(str::parse::<u32>)
            .sum::<Result<u32, _>>()
            .ok()
            .filter(|&n| n > 0)
            .unwrap_or(2),
    }
}

/// Fields between commas, where commas inside parentheses or brackets do not count.
fn outside_parentheses(text: &str) -> Vec<String> {
    let (mut fields, mut depth) = (vec![String::new()], 0_i32);
    for letter in text.chars() {
        match letter {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ',' if depth <= 0 => {
                fields.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(field) = fields.last_mut() {
            field.push(letter);
        }
    }
    fields.iter().map(|field| field.trim().to_owned()).collect()
}

/// A line under a stream: its side data and tags.
fn detail(stream: &mut RawStream, line: &str) {
    if let Some(angle) = line.strip_prefix("displaymatrix: rotation of ") {
        stream.rotation = angle.split(' ').next().and_then(|a| a.parse().ok()).map_or(0, clockwise);
    }
    match line.split_once(':').map(|(key, value)| (key.trim(), value.trim())) {
        Some(("DURATION", value)) => stream.end = clock_time_of(value),
        Some((key, value)) if key.eq_ignore_ascii_case("timecode") => {
            stream.timecode = Some(value.to_owned())
        }
        Some(("enc_key_id", _)) => stream.encrypted = true,
        Some(("mimetype", value)) => stream.mime_type = Some(value.to_owned()),
        _ => {}
    }
}

/// A line of the container's tags: "    title           : A film", continued by "                    : second
/// line".
fn tag(tags: &mut Vec<(String, String)>, line: &str) {
    let Some((key, value)) = line.strip_prefix("    ").and_then(|line| line.split_once(": ")) else { return };
    match (key.trim(), tags.last_mut()) {
        ("", Some((_, text))) => {
            text.push('\n');
            text.push_str(value);
        }
        ("", None) => {}
        (key, _) => tags.push((key.to_owned(), value.to_owned())),
    }
}
