//! Our sound beside a film's untouched picture, or alone, into a file.

use crate::media::process::{Guarded, Launch, Outcome, Process};
use crate::media::{Encode, Ffmpeg, PictureFacts, SoundCodec, arguments, containers, input, probe};
use crate::{Error, Kind, Result};
use kinophone_dsp::units::{MediaTime, SampleRate};
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ChildStdin;

/// Number of bytes of samples that are written at once.
const CHUNK: usize = 1 << 16;

/// Takes samples, writes the file. Dropping it before [`Encoder::finish`] ends the process; what it has
/// written by then is no whole file.
pub struct Encoder {
    process: Process,
    /// `None` once the input has ended.
    stdin: Option<Guarded<ChildStdin>>,
    pending: Vec<u8>,
    output: PathBuf,
}

pub(crate) fn encode(ffmpeg: &Ffmpeg, plan: &Encode) -> Result<Encoder> {
    check(plan)?;
    let mut args = input::common();
    args.extend(input::words(&["-nostdin", "-nostats", "-v", "error", "-y"]));
    let mut jump = false;
    if let Some((path, picture)) = &plan.picture {
        let film = probe::examine(ffmpeg, path)?;
        if plan.extension == "avi" && film.reordered {
            return Err(unfit(plan, picture, "with its B-frames "));
        }
        jump = film.stamps().jump();
        args.extend(picture_input(path, picture, film.zero, jump)?);
    }
    args.extend(input::words(&[
        "-itsoffset",
        &arguments::seconds(early_opus(ffmpeg, plan.codec, &plan.extension)),
    ]));
    args.extend(raw_sound(plan.rate, plan.channels));
    args.extend(input::words(&["-protocol_whitelist", "pipe", "-i", "pipe:0"]));
    match &plan.picture {
        Some((_, picture)) => args.extend(picture_copy(picture, &plan.extension)),
        None => args.extend(input::words(&["-map", "0:0"])),
    }
    args.extend(sound_codec(ffmpeg, plan.codec, &plan.extension, plan.channels)?);
    for (key, value) in &plan.tags {
        args.extend(input::words(&["-metadata", &format!("{key}={value}")]));
    }
    if let Some(text) = &plan.room {
        let key = containers::own_tags(&plan.extension).credits;
        args.extend(input::words(&["-metadata", &format!("{key}={text}")]));
        if plan.extension == "mkv" {
            // A checksum of the tags would be wrong when the room is filled.
            args.extend(input::words(&["-write_crc32", "0"]));
        }
    }
    args.extend(container(ffmpeg, plan.codec, &plan.extension, plan.rate));
    args.push(input::url(&plan.output)?);
    args.extend(arguments::shared_clock(jump));
    let grows = Some(plan.output.clone());
    let launch = Launch { program: &ffmpeg.program, args, input: true, stall: ffmpeg.stall, grows };
    let (process, stdin, _) = Process::start(launch)?;
    Ok(Encoder { process, stdin, pending: Vec::with_capacity(2 * CHUNK), output: plan.output.clone() })
}

fn check(plan: &Encode) -> Result<()> {
    let extension = &plan.extension;
    if containers::muxer(extension).is_none() {
        let known: Vec<_> = containers::extensions().collect();
        return Err(Error::new(
            Kind::Invalid,
            format!("would be a .{extension}, which Kinophone does not write"),
        )
        .at(&plan.output)
        .help(format!("choose one of: {}", known.join(", "))));
    }
    if !plan.codec.fits(extension) {
        return Err(Error::new(
            Kind::Invalid,
            format!("can't hold {} sound in a .{extension}", name(plan.codec)),
        )
        .at(&plan.output)
        .help(format!("containers that can: {}", containers::takers_of_sound(plan.codec).join(", "))));
    }
    if !(1..=2).contains(&plan.channels) {
        return Err(
            Error::new(Kind::Invalid, format!("can't have {} channels", plan.channels)).at(&plan.output)
        );
    }
    match &plan.picture {
        Some((_, picture)) if !containers::takes_picture(extension, &picture.codec) => {
            Err(unfit(plan, picture, ""))
        }
        _ => Ok(()),
    }
}

fn unfit(plan: &Encode, picture: &PictureFacts, why: &str) -> Error {
    let mut takers = containers::takers_of_picture(&picture.codec);
    takers.retain(|extension| *extension != plan.extension);
    let what = format!("can't take the film's {} picture {why}into a .{}", picture.codec, plan.extension);
    let help = match takers.is_empty() {
        false => format!("the picture is copied as it is; containers that fit: {}", takers.join(", ")),
        true => "no container takes it as it is; make a film of it first: ffmpeg -i FILM -pix_fmt yuv420p film.mkv".to_owned(),
    };
    Error::new(Kind::Invalid, what).at(&plan.output).help(help)
}

/// Shifts the film so that its first picture is at time zero, where our first sample is; `zero` is the beginning of its clock, and where
/// timestamps may `jump` ffmpeg takes that away itself (see [`arguments::opening`]). `genpts` gives packets of old AVI files the times
/// that other containers demand.
fn picture_input(film: &Path, picture: &PictureFacts, zero: MediaTime, jump: bool) -> Result<Vec<OsString>> {
    let mut args = input::guards();
    if !jump {
        args.extend(input::words(&["-copyts"]));
    }
    let begins = if jump { picture.start } else { zero + picture.start };
    let offset = arguments::seconds(MediaTime(-begins.0));
    args.extend(input::words(&["-fflags", "+genpts", "-itsoffset", &offset, "-i"]));
    args.push(input::url(film)?);
    Ok(args)
}

fn picture_copy(picture: &PictureFacts, extension: &str) -> Vec<OsString> {
    let map = format!("0:{}", picture.stream);
    let mut args = input::words(&["-map", &map, "-map", "1:0", "-c:v", "copy", "-map_chapters", "0"]);
    if picture.codec == "hevc" && matches!(extension, "mp4" | "m4v" | "mov") {
        // Apple's players take HEVC under this name alone.
        args.extend(input::words(&["-tag:v", "hvc1"]));
    }
    args
}

/// Options that say what raw samples are; the input itself follows.
pub(crate) fn raw_sound(rate: SampleRate, channels: u32) -> Vec<OsString> {
    input::words(&["-f", "f32le", "-ar", &rate.hz().to_string(), "-ac", &channels.to_string()])
}

/// By how much sound must be late to come out on time. FFmpeg before 6 moves every *other* stream of a
/// Matroska file late by Opus's encoder delay (312 samples of 48 kHz) instead of writing Opus early; with
/// Opus that much late from the outset it has nothing to move, and the delay that it does declare takes the
/// lateness away again.
pub(crate) fn early_opus(ffmpeg: &Ffmpeg, codec: SoundCodec, extension: &str) -> MediaTime {
    let misplaced =
        ffmpeg.number < (6, 0) && codec == SoundCodec::Opus && matches!(extension, "mkv" | "webm");
    MediaTime(if misplaced { 6_500 } else { 0 })
}

/// Options that choose the sound's encoder.
pub(crate) fn sound_codec(
    ffmpeg: &Ffmpeg,
    codec: SoundCodec,
    extension: &str,
    channels: u32,
) -> Result<Vec<OsString>> {
    let bits = |per_channel: u32| (per_channel * channels).to_string();
    Ok(match codec {
        // The quick search at 128 kbit/s a channel, each channel by itself, is nearer to the sound than the
        // thorough one at 96 (mean distance of log10 mel bands 0.016 and 0.027 in stereo), in half of the
        // time, which is much beside decoding the film.
        SoundCodec::Aac => {
            let quick = ["-c:a", "aac", "-aac_coder", "fast", "-aac_ms", "0", "-aac_is", "0", "-b:a"];
            let mut words = input::words(&quick);
            words.push(bits(128_000).into());
            words
        }
        SoundCodec::Opus if ffmpeg.has_encoder("libopus")? => {
            input::words(&["-c:a", "libopus", "-b:a", &bits(64_000)])
        }
        SoundCodec::Opus => input::words(&["-c:a", "opus", "-b:a", &bits(64_000), "-strict", "experimental"]),
        SoundCodec::Flac if extension == "flac" => {
            input::words(&["-c:a", "flac", "-sample_fmt", "s32", "-bits_per_raw_sample", "24"])
        }
        // FLAC in MP4 counts as experimental before FFmpeg 5.
        SoundCodec::Flac => input::words(&["-c:a", "flac", "-sample_fmt", "s16", "-strict", "experimental"]),
        SoundCodec::Pcm => input::words(&["-c:a", "pcm_s16le"]),
    })
}

/// Options that choose the container.
pub(crate) fn container(
    ffmpeg: &Ffmpeg,
    codec: SoundCodec,
    extension: &str,
    rate: SampleRate,
) -> Vec<OsString> {
    let muxer = containers::muxer(extension).unwrap_or(extension);
    match muxer {
        // The index goes to the front, so that a browser can begin before it has the whole file.
        "mp4" | "mov" => input::words(&["-movflags", "+faststart", "-f", muxer]),
        "wav" => input::words(&["-rf64", "auto", "-f", muxer]),
        // AAC begins with 1024 samples of priming before time zero. FFmpeg before 5.1 notices only after it
        // has written the first pictures that Matroska has no times below zero, and moves the rest late; so
        // all is late from the outset.
        "matroska" if ffmpeg.number < (5, 1) && codec == SoundCodec::Aac => {
            let priming = arguments::seconds(rate.time_of(1024));
            input::words(&["-output_ts_offset", &priming, "-f", muxer])
        }
        _ => input::words(&["-f", muxer]),
    }
}

fn name(codec: SoundCodec) -> &'static str {
    match codec {
        SoundCodec::Aac => "AAC",
        SoundCodec::Opus => "Opus",
        SoundCodec::Flac => "FLAC",
        SoundCodec::Pcm => "PCM",
    }
}

/// The error of a film that could not be read to its end: ffmpeg copies what it got, and calls that success.
fn cut_off(outcome: &Outcome) -> Option<Error> {
    let broken = outcome.lines.iter().any(|line| line.ends_with(": Input/output error"));
    broken.then(|| {
        Error::new(Kind::Io, "could not be written whole: ffmpeg met an input/output error")
            .help("is the film's disk, and the output's, still there? check both, and try again")
    })
}

impl Encoder {
    /// Interleaved samples, −1..1. Fails where ffmpeg has ended: with `Kind::DiskFull` where there was no
    /// room.
    pub fn write(&mut self, samples: &[f32]) -> Result<()> {
        for part in samples.chunks(CHUNK / size_of::<f32>()) {
            self.pending.extend(part.iter().flat_map(|sample| sample.to_le_bytes()));
            if self.pending.len() >= CHUNK {
                self.hand_over()?;
            }
        }
        Ok(())
    }

    /// Ends the input and waits until the file is complete.
    pub fn finish(mut self) -> Result<()> {
        self.hand_over()?;
        self.stdin = None;
        let outcome = self.process.wait()?;
        match outcome.error("writing it").or_else(|| cut_off(&outcome)) {
            Some(error) => Err(error.at(&self.output)),
            None => Ok(()),
        }
    }

    fn hand_over(&mut self) -> Result<()> {
        let Some(stdin) = &mut self.stdin else { return Err(self.failure(None)) };
        let written = stdin.write_all(&self.pending);
        self.pending.clear();
        written.map_err(|cause| self.failure(Some(cause)))
    }

    /// ffmpeg takes no more: asks it why.
    fn failure(&mut self, cause: Option<std::io::Error>) -> Error {
        self.stdin = None;
        let error = match self.process.wait() {
            Ok(outcome) => outcome.error("writing it"),
            Err(error) => Some(error),
        };
        let error = error.unwrap_or_else(|| {
            Error::new(Kind::Tool, "was ended by ffmpeg before all sound was written")
                .help("`kinophone doctor` checks ffmpeg; another version of it may do better")
        });
        match cause {
            Some(cause) => error.at(&self.output).because(cause),
            None => error.at(&self.output),
        }
    }
}
