//! Sound out of a film, on the film's clock.

use crate::media::probe::{self, Examined};
use crate::media::process::{self, Launch};
use crate::media::track_stream::{Stamps, TrackStream};
use crate::media::tracks::ChannelMix;
use crate::media::{AudioTracks, DecodeSound, Ffmpeg, SoundFacts, arguments, input};
use crate::{Error, Kind, Result, storage};
use kinophone_dsp::metrics as measure;
use kinophone_dsp::units::{MediaTime, SampleRate};
use std::ffi::OsString;
use std::path::Path;
use tempfile::NamedTempFile;

/// Interleaved f32 samples from ffmpeg. Dropping it ends the process.
pub struct SoundStream {
    tracks: Vec<TrackStream>,
    channels: usize,
    /// Samples of one track.
    part: Vec<f32>,
    /// What is known of the file not to be as it should be.
    complaints: Vec<String>,
    /// The end of a recording as its container claims.
    claim: Option<MediaTime>,
    /// True where it may not end later either: FLACs that are joined lose sound at the joint.
    exact: bool,
}

/// Containers without a length, for which ffmpeg guesses one from the size of the file.
const ESTIMATED: [&str; 6] = ["aac", "ac3", "eac3", "dts", "dtshd", "loas"];

/// A recording may end so much before its container says without a word, in microseconds: lossy codecs pad theirs.
const MAX_DEVIATION_US: i64 = 500_000;

pub(crate) fn decode(
    ffmpeg: &Ffmpeg,
    path: &Path,
    film: &Examined,
    how: &DecodeSound,
) -> Result<SoundStream> {
    if !(1..=2).contains(&how.channels) {
        return Err(Error::new(
            Kind::Invalid,
            format!("sound in {} channels can't be decoded", how.channels),
        )
        .help("ask for 1 or 2"));
    }
    let tracks = how.tracks.facts(path, &film.facts)?;
    // Two tracks are a pair of microphones; each is one channel.
    let channels = if tracks.len() == 2 { 1 } else { how.channels };
    let stamps = film.stamps();
    let tracks = tracks
        .into_iter()
        .map(|track| {
            let filter = format!("{}:rematrix_maxval=1", resampling(how.rate));
            start(ffmpeg, path, film.zero, track, (stamps, how.rate, channels), &filter)
        })
        .collect::<Result<_>>()?;
    Ok(SoundStream::of(tracks, how.channels, film))
}

/// Mono at the measures' rate. The mixing down is ffmpeg's own, which for decoders that say floating point is
/// 3 dB louder than ours: that can clip in a file, but figures are comparable only where everybody's are made
/// so.
pub(crate) fn decode_for_measures(ffmpeg: &Ffmpeg, path: &Path) -> Result<SoundStream> {
    let film = probe::examine(ffmpeg, path)?;
    let track = AudioTracks::Default.facts(path, &film.facts)?[0];
    let rate = SampleRate::new(measure::RATE).expect("the rate of the measures is in range");
    let shape = (film.stamps(), rate, 1);
    let tracks = vec![start(ffmpeg, path, film.zero, track, shape, &resampling(rate))?];
    Ok(SoundStream::of(tracks, 1, &film))
}

fn resampling(rate: SampleRate) -> String {
    format!("aresample={}", rate.hz())
}

/// Starts decoding a track.
fn start(
    ffmpeg: &Ffmpeg,
    path: &Path,
    zero: MediaTime,
    track: &SoundFacts,
    (stamps, rate, channels): (Stamps, SampleRate, u32),
    resampling: &str,
) -> Result<TrackStream> {
    let mut args = arguments::opening(path, zero, stamps.jump(), decoder_options(track))?;
    args.extend(track_output(0, track, channels, resampling));
    args.push("pipe:1".into());
    args.extend(arguments::shared_clock(stamps.jump()));
    let launch = Launch { program: &ffmpeg.program, args, input: false, stall: ffmpeg.stall, grows: None };
    TrackStream::start(launch, path, rate, channels as usize, stamps)
}

/// Options of the decoder. Without the first it compares no checksums (of FLAC); without the second it takes six channels without places for
/// 5.1, and drops the fourth as its subwoofer.
fn decoder_options(track: &SoundFacts) -> &'static [&'static str] {
    let all = &["-err_detect", "crccheck", "-guess_layout_max", "0"];
    if track.mix() == ChannelMix::Usual { &all[..2] } else { all }
}

/// The options of an output that takes a track of an input; the file follows. `rematrix_maxval=1` in `resampling` mixes down at a level
/// that can't clip, whatever the format (FFmpeg's manual, "Resampler Options").
fn track_output(input: usize, track: &SoundFacts, channels: u32, resampling: &str) -> Vec<OsString> {
    let layout = if channels == 1 { "mono" } else { "stereo" };
    let filter = format!(
        "{}{resampling},aformat=sample_fmts=flt:channel_layouts={layout}",
        panning(track.mix(), track.channels, channels)
    );
    let mut args = input::words(&["-map", &format!("{input}:{}", track.stream), "-af", &filter]);
    args.extend(input::words(&["-output_ts_offset", &arguments::lift(), "-map_metadata", "-1"]));
    args.extend(input::words(&["-map_chapters", "-1", "-c:a", "pcm_f32le", "-f", "nut"]));
    args
}

/// Bytes of all recordings that are decoded by one process, at most.
const MAX_TOGETHER_BYTES: u64 = 32 << 20;

/// Decodes the sound of several short recordings by one process, since starting it takes longer than decoding them; scratch files go to
/// `folder`. `None` where they are better decoded one by one: because they are long or more than a sound alone, or because ffmpeg
/// complained, and it could not be said of which.
pub(crate) fn decode_together(
    ffmpeg: &Ffmpeg,
    recordings: &[(&Path, &Examined, &DecodeSound)],
    folder: &Path,
) -> Result<Option<Vec<SoundStream>>> {
    let bytes: u64 = recordings.iter().map(|(_, film, _)| film.facts.bytes).sum();
    let plain = |(_, film, _): &(&Path, &Examined, &DecodeSound)| {
        film.stamps() == Stamps::None && film.facts.picture.is_none() && film.facts.sounds.len() == 1
    };
    if recordings.len() < 2 || bytes > MAX_TOGETHER_BYTES || !recordings.iter().all(plain) {
        return Ok(None);
    }
    let mut args = input::common();
    args.extend(arguments::quiet());
    for (path, film, _) in recordings {
        args.extend(input::words(decoder_options(&film.facts.sounds[0])));
        args.extend(input::guards());
        args.extend([OsString::from("-i"), input::url(path)?]);
    }
    let mut files = Vec::new();
    for (number, (_, film, how)) in recordings.iter().enumerate() {
        let file = storage::scratch(folder)?;
        let resampling = format!("{}:rematrix_maxval=1", resampling(how.rate));
        args.extend(track_output(number, &film.facts.sounds[0], how.channels, &resampling));
        args.push(input::url(file.path())?);
        files.push(file);
    }
    let (_, outcome) = process::run(&ffmpeg.program, args, ffmpeg.stall, 0)?;
    if outcome.error("decoding recordings").is_some() || !outcome.complaints().is_empty() {
        return Ok(None);
    }
    let stream = |(file, (path, film, how)): (NamedTempFile, &(&Path, &Examined, &DecodeSound))| {
        let track = TrackStream::of_file(file, path, (how.rate, how.channels as usize), Stamps::None);
        SoundStream::of(vec![track], how.channels, film)
    };
    Ok(Some(files.into_iter().zip(recordings).map(stream).collect()))
}

/// The filter that mixes channels for which ffmpeg has no places.
fn panning(mix: ChannelMix, from: u32, to: u32) -> String {
    let side = |channels: &mut dyn Iterator<Item = u32>| {
        let channels: Vec<u32> = channels.collect();
        let share = 1.0 / channels.len().max(1) as f64;
        channels.iter().map(|c| format!("{share:.9}*c{c}")).collect::<Vec<_>>().join("+")
    };
    match (mix, to) {
        (ChannelMix::Usual, _) => String::new(),
        (ChannelMix::Omnidirectional, 1) => "pan=mono|c0=c0,".to_owned(),
        (ChannelMix::Omnidirectional, _) => "pan=stereo|c0=c0|c1=c0,".to_owned(),
        (ChannelMix::Alternating, 1) => format!("pan=mono|c0={},", side(&mut (0..from))),
        (ChannelMix::Alternating, _) => {
            format!(
                "pan=stereo|c0={}|c1={},",
                side(&mut (0..from).step_by(2)),
                side(&mut (1..from).step_by(2))
            )
        }
    }
}

impl SoundStream {
    fn of(tracks: Vec<TrackStream>, channels: u32, film: &Examined) -> Self {
        let facts = &film.facts;
        let claims = facts.picture.is_none() && !ESTIMATED.contains(&&*facts.container);
        let claim = facts.duration.filter(|_| claims);
        Self {
            tracks,
            channels: channels as usize,
            part: Vec::new(),
            complaints: film.complaints(),
            claim,
            exact: facts.container == "flac",
        }
    }

    /// Fills `out` as far as samples come; fewer than `out.len()` only at the end, 0 after it. `out` holds whole frames. Fails with
    /// `Kind::Tool` where ffmpeg crashed, with `Kind::Damaged` where nothing could be decoded or timestamps jump too far to be true,
    /// and with `Kind::Stalled` where it hung.
    pub fn read(&mut self, out: &mut [f32]) -> Result<usize> {
        if let [track] = &mut self.tracks[..] {
            return track.read(out);
        }
        let (channels, pair) = (self.channels, self.tracks.len() == 2);
        let frames = out.len() / channels;
        let share = if pair && channels == 2 { 1.0 } else { 1.0 / self.tracks.len() as f32 };
        out.fill(0.0);
        let mut longest = 0;
        for (number, track) in self.tracks.iter_mut().enumerate() {
            let width = if pair { 1 } else { channels };
            self.part.resize(frames * width, 0.0);
            let got = track.read(&mut self.part)? / width;
            longest = longest.max(got);
            for (out, part) in out.chunks_exact_mut(channels).zip(self.part.chunks_exact(width)).take(got) {
                match (pair, channels) {
                    (true, 2) => out[number] = part[0],
                    _ => out.iter_mut().zip(part).for_each(|(out, part)| *out += share * part),
                }
            }
        }
        Ok(longest * channels)
    }

    /// Everything that did not decode as it should have, or was left out, a line each: so far, or after the end in all.
    pub fn complaints(&self) -> Vec<String> {
        let of_tracks = self.tracks.iter().flat_map(TrackStream::complaints);
        of_tracks.chain(self.complaints.iter().cloned()).chain(self.deviation()).collect()
    }

    /// A remark on a recording that does not end where its container claims.
    fn deviation(&self) -> Option<String> {
        let ends = self.tracks.iter().map(TrackStream::end_of_sound).collect::<Option<Vec<_>>>()?;
        let (claim, end) = (self.claim?, ends.into_iter().max()?);
        let short = claim.0 - end.0;
        let differs = short > MAX_DEVIATION_US || self.exact && -short > MAX_DEVIATION_US;
        differs.then(|| format!("it claims to end at {claim} and ends at {end}"))
    }
}
