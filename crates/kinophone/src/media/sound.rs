//! Sound out of a film, on the film's clock.

use crate::media::process::{Ending, Guarded, Launch, Process};
use crate::media::{DecodeSound, Ffmpeg, FilmFacts, SoundFacts, SoundTo, arguments, input, probe};
use crate::{Error, Kind, Result};
use kinophone_dsp::metrics as measure;
use kinophone_dsp::units::{MediaTime, SampleRate};
use std::ffi::OsString;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::ChildStdout;

/// The highest rate that is kept.
const MAX_RATE_HZ: u32 = 48_000;

/// Interleaved f32 samples from ffmpeg. Dropping it ends the process.
pub struct SoundStream {
    process: Process,
    source: BufReader<Guarded<ChildStdout>>,
    film: PathBuf,
    bytes: Vec<u8>,
    heard: bool,
    ended: bool,
}

pub(crate) fn decode(ffmpeg: &Ffmpeg, path: &Path, how: &DecodeSound) -> Result<SoundStream> {
    if !(1..=2).contains(&how.channels) {
        return Err(Error::new(
            Kind::Invalid,
            format!("sound in {} channels can't be decoded", how.channels),
        )
        .help("ask for 1 or 2"));
    }
    let film = probe::examine(ffmpeg, path)?;
    let track = track(path, &film.facts, how.track)?;
    let filter = on_the_clock(track, how.rate, how.channels, "flt");
    start(ffmpeg, path, film.zero, filter)
}

/// Mono at the measures' rate. The mixing down is ffmpeg's own, which for decoders that say floating point is
/// 3 dB louder than ours: that can clip in a file, but figures are comparable only where everybody's are made
/// so.
pub(crate) fn decode_for_measures(ffmpeg: &Ffmpeg, path: &Path, index: usize) -> Result<SoundStream> {
    let film = probe::examine(ffmpeg, path)?;
    let track = track(path, &film.facts, index)?;
    let map = format!("0:{}", track.stream);
    let rate = measure::RATE.to_string();
    let mut options = input::words(&["-map", &map, "-af", "aresample=async=1:first_pts=0"]);
    options.extend(input::words(&["-ac", "1", "-ar", &rate]));
    start(ffmpeg, path, film.zero, options)
}

fn start(ffmpeg: &Ffmpeg, path: &Path, zero: MediaTime, options: Vec<OsString>) -> Result<SoundStream> {
    let mut args = arguments::opening(path, zero, &[])?;
    args.extend(options);
    args.extend(input::words(&["-f", "f32le", "pipe:1"]));
    let launch = Launch { program: &ffmpeg.program, args, input: false, stall: ffmpeg.stall, grows: None };
    let (process, _, stdout) = Process::start(launch)?;
    let source = BufReader::with_capacity(1 << 16, stdout);
    Ok(SoundStream { process, source, film: path.to_owned(), bytes: Vec::new(), heard: false, ended: false })
}

/// The options that write a track into a file of 16-bit samples, with the rate and channels they will have.
pub(crate) fn file_output(
    path: &Path,
    facts: &FilmFacts,
    to: &SoundTo,
) -> Result<(Vec<OsString>, SampleRate, u32)> {
    let track = track(path, facts, to.track)?;
    let rate = SampleRate::new(track.rate.hz().min(MAX_RATE_HZ)).unwrap_or(track.rate);
    let channels = track.channels.min(2);
    let mut args = on_the_clock(track, rate, channels, "s16");
    args.extend(input::words(&["-f", "s16le"]));
    args.push(input::url(&to.file)?);
    Ok((args, rate, channels))
}

/// The filter that lays a track on the film's clock.
///
/// `first_pts=0` pads or trims so that the first sample is time zero. `async=1` fills gaps and drops overlaps
/// once they exceed `min_hard_comp`: 15 ms is below half a tick of 1/30 s and above the jitter of containers
/// that count milliseconds. Nothing is ever stretched. `rematrix_maxval=1` mixes down at a level that can't
/// clip, whatever the format (FFmpeg's manual, "Resampler Options").
fn on_the_clock(track: &SoundFacts, rate: SampleRate, channels: u32, format: &str) -> Vec<OsString> {
    let layout = if channels == 1 { "mono" } else { "stereo" };
    let filter = format!(
        "aresample={}:async=1:min_comp=0.00001:min_hard_comp=0.015:first_pts=0:rematrix_maxval=1,\
         aformat=sample_fmts={format}:channel_layouts={layout}",
        rate.hz()
    );
    input::words(&["-map", &format!("0:{}", track.stream), "-af", &filter])
}

fn track<'a>(path: &Path, facts: &'a FilmFacts, index: usize) -> Result<&'a SoundFacts> {
    facts.sounds.get(index).ok_or_else(|| match facts.sounds.len() {
        0 => Error::new(Kind::NoSound, "has no sound").at(path).help("name a film that has sound"),
        1 => Error::new(Kind::NoSound, format!("has one sound track, number 0, and no number {index}"))
            .at(path)
            .help("leave --audio-track out"),
        n => Error::new(
            Kind::NoSound,
            format!("has {n} sound tracks, number 0 to {}, and no number {index}", n - 1),
        )
        .at(path)
        .help("choose another --audio-track"),
    })
}

impl SoundStream {
    /// Fills `out` as far as samples come; fewer than `out.len()` only at the end, 0 after it. Fails with
    /// `Kind::Tool` where ffmpeg crashed or nothing could be decoded, and with `Kind::Stalled` where it hung.
    pub fn read(&mut self, out: &mut [f32]) -> Result<usize> {
        const SAMPLE: usize = size_of::<f32>();
        if self.ended {
            return Ok(0);
        }
        self.bytes.resize(out.len() * SAMPLE, 0);
        let filled = self.fill().map_err(|e| Error::io("decoded", &self.film, e))?;
        for (sample, bytes) in out.iter_mut().zip(self.bytes[..filled].as_chunks::<SAMPLE>().0) {
            *sample = f32::from_le_bytes(*bytes);
        }
        self.heard |= filled > 0;
        if filled < self.bytes.len() {
            self.end()?;
        }
        Ok(filled / SAMPLE)
    }

    fn fill(&mut self) -> io::Result<usize> {
        let mut filled = 0;
        while filled < self.bytes.len() {
            match self.source.read(&mut self.bytes[filled..])? {
                0 => break,
                n => filled += n,
            }
        }
        Ok(filled)
    }

    fn end(&mut self) -> Result<()> {
        self.ended = true;
        let outcome = self.process.wait()?;
        let partial = matches!(outcome.ending, Ending::Failed(_)) && self.heard;
        match outcome.error("decoding its sound") {
            Some(error) if !partial => Err(error.at(&self.film)),
            _ => Ok(()),
        }
    }
}
