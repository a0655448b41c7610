//! One sound track as it comes out of ffmpeg, laid on the film's clock.
//!
//! ffmpeg gives every packet with its time. Laying them on the clock is ours: ffmpeg's own filter for it begins anew, and pads from zero
//! again, whenever the track changes its rate or channels.

use crate::media::arguments::{LIFT_US, MAX_TIME_US};
use crate::media::nut::NutReader;
use crate::media::outcome::{Ending, Outcome};
use crate::media::process::{Launch, Process};
use crate::{Error, Kind, Result};
use kinophone_dsp::units::{MediaTime, SampleRate};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Times may deviate by as much, in seconds, before sound is put in or left out: below half a tick of 1/30 s, and above the jitter of
/// containers that count milliseconds and of frames whose times ffmpeg has to guess. Nothing is ever stretched.
const TOLERANCE_SECS: f64 = 0.015;
/// A gap beyond this, in seconds, is a damaged timestamp and not silence.
pub(crate) const MAX_GAP_SECS: i64 = 7200;
/// Overlaps of less than this in all, in seconds, are not worth a word.
const MIN_SAID_SECS: f64 = 0.05;

/// The meaning of the timestamps of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stamps {
    /// Times on one clock.
    Clock,
    /// Times that begin anew where a recording was interrupted or another file was joined to it: players go on without a gap.
    Jumping,
    /// None: the file is nothing but sound, one sample after the other, and its times are guessed from the format at its beginning.
    None,
}

impl Stamps {
    /// By ffmpeg's names of the container; `pictures` is true where it holds moving pictures.
    pub(crate) fn of(container: &str, pictures: bool) -> Self {
        const JUMPING: [&str; 4] = ["mpegts", "mpeg", "ogg", "live_flv"];
        const SOUND_ALONE: [&str; 36] = [
            "wav", "w64", "mp3", "flac", "aac", "ac3", "eac3", "ac4", "dts", "dtshd", "truehd", "mlp",
            "aiff", "au", "caf", "amr", "ape", "wv", "tta", "tak", "voc", "mpc", "mpc8", "oma", "loas",
            "latm", "spdif", "sox", "ircam", "pvf", "dsf", "iff", "shn", "adp", "qcp", "wsd",
        ];
        let is = |names: &[&str]| container.split(',').any(|name| names.contains(&name));
        match () {
            () if is(&SOUND_ALONE) || container == "ogg" && !pictures => Self::None,
            () if is(&JUMPING) => Self::Jumping,
            () => Self::Clock,
        }
    }

    /// True if ffmpeg is to join what the timestamps separate.
    pub(crate) fn jump(self) -> bool {
        self == Self::Jumping
    }
}

/// See the module's description.
pub(crate) struct TrackStream {
    /// The process that writes it; `None` where it has ended well already.
    process: Option<Process>,
    reader: NutReader<Box<dyn Read + Send>>,
    film: PathBuf,
    rate: SampleRate,
    channels: usize,
    stamps: Stamps,
    /// Bytes of the packet that is being handed over, and how many of them are done.
    packet: Vec<u8>,
    done: usize,
    /// Frames of silence before it.
    silence: i64,
    /// Frames taken on the clock so far, those of the packet included.
    position: i64,
    begun: bool,
    /// Frames that were left out because they overlap others.
    overlap: i64,
    ended: bool,
    complaints: Vec<String>,
}

impl TrackStream {
    /// Starts the process, which writes interleaved f32 as NUT, at `rate` and with `channels`.
    pub(crate) fn start(
        launch: Launch<'_>,
        film: &Path,
        rate: SampleRate,
        channels: usize,
        stamps: Stamps,
    ) -> Result<Self> {
        let (process, _, stdout) = Process::start(launch)?;
        Ok(Self::reading(Some(process), Box::new(stdout), film, (rate, channels), stamps))
    }

    /// Reads what a process that has ended well wrote into a file.
    pub(crate) fn of_file(
        file: NamedTempFile,
        film: &Path,
        format: (SampleRate, usize),
        stamps: Stamps,
    ) -> Self {
        Self::reading(None, Box::new(file), film, format, stamps)
    }

    fn reading(
        process: Option<Process>,
        source: Box<dyn Read + Send>,
        film: &Path,
        (rate, channels): (SampleRate, usize),
        stamps: Stamps,
    ) -> Self {
        Self {
            process,
            reader: NutReader::new(source),
            film: film.to_owned(),
            rate,
            channels,
            stamps,
            packet: Vec::new(),
            done: 0,
            silence: 0,
            position: 0,
            begun: false,
            overlap: 0,
            ended: false,
            complaints: Vec::new(),
        }
    }

    /// See [`SoundStream::read`](crate::media::SoundStream::read).
    pub(crate) fn read(&mut self, out: &mut [f32]) -> Result<usize> {
        let mut filled = 0;
        while filled < out.len() && !self.ended {
            let rest = &mut out[filled..];
            if self.silence > 0 {
                let frames = self.silence.min((rest.len() / self.channels) as i64);
                if frames == 0 {
                    break;
                }
                rest[..frames as usize * self.channels].fill(0.0);
                self.silence -= frames;
                filled += frames as usize * self.channels;
            } else if self.done < self.packet.len() {
                let samples = self.packet[self.done..].as_chunks::<4>().0;
                let count = samples.len().min(rest.len());
                rest.iter_mut().zip(samples).for_each(|(out, bytes)| *out = f32::from_le_bytes(*bytes));
                self.done += count * size_of::<f32>();
                filled += count;
            } else if !self.next_packet()? {
                self.end()?;
            }
        }
        Ok(filled)
    }

    /// Takes the next packet and finds its place; false at the end.
    fn next_packet(&mut self) -> Result<bool> {
        self.done = 0;
        let time = match self.reader.next(&mut self.packet) {
            Ok(Some(time)) => MediaTime(time.saturating_sub(LIFT_US)),
            // Cut off in the middle of a packet: `end` says why.
            Ok(None) => return Ok(false),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(e) => return Err(Error::io("decoded", &self.film, e)),
        };
        let width = self.channels * size_of::<f32>();
        let frames = (self.packet.len() / width) as i64;
        self.packet.truncate(frames as usize * width);
        let drift = self.drift(time)?;
        self.begun = true;
        if drift >= 0 {
            self.silence = drift;
            self.position += drift + frames;
        } else {
            let skipped = (-drift).min(frames);
            self.done = skipped as usize * width;
            self.position += frames - skipped;
            // Before the film's beginning there is nothing to overlap.
            self.overlap += if self.position > frames { skipped } else { 0 };
        }
        Ok(true)
    }

    /// Frames between the end of the packet before and one of that time; 0 where that is within the tolerance.
    fn drift(&self, time: MediaTime) -> Result<i64> {
        if self.begun && self.stamps == Stamps::None || time.0.abs() > MAX_TIME_US {
            return Ok(0);
        }
        let drift = self.nearest(time) - self.position;
        if drift > MAX_GAP_SECS * i64::from(self.rate.hz()) {
            let (from, to) = (self.rate.time_of(self.position), time);
            return Err(jump("sound", from, to).at(&self.film));
        }
        let tolerated = self.begun && (drift as f64).abs() <= TOLERANCE_SECS * f64::from(self.rate.hz());
        Ok(if tolerated { 0 } else { drift })
    }

    /// The frame that begins nearest to a time, which is exact to the microsecond.
    fn nearest(&self, time: MediaTime) -> i64 {
        let scaled = i128::from(time.0) * i128::from(self.rate.hz());
        (scaled + 500_000).div_euclid(1_000_000) as i64
    }

    fn end(&mut self) -> Result<()> {
        self.ended = true;
        let outcome = self.process.as_mut().map(Process::wait).transpose()?;
        self.complaints = outcome.as_ref().map(Outcome::complaints).unwrap_or_default();
        let overlap = self.overlap as f64 / f64::from(self.rate.hz());
        if overlap >= MIN_SAID_SECS {
            self.complaints.push(format!(
                "{overlap:.1} s of sound whose times lie before those of earlier sound are left out"
            ));
        }
        let Some(outcome) = outcome else { return Ok(()) };
        let failed = matches!(outcome.ending, Ending::Failed(_));
        match outcome.error("decoding its sound") {
            None => Ok(()),
            Some(error) if failed && error.kind() == Kind::Tool => self.undecodable(),
            Some(error) => Err(error.at(&self.film)),
        }
    }

    /// Success where something was decoded, which is used; else the track is damaged.
    fn undecodable(&self) -> Result<()> {
        if self.position > 0 {
            return Ok(());
        }
        let reason = self.complaints.last().map(|line| format!(": {line}")).unwrap_or_default();
        Err(Error::new(Kind::Damaged, format!("has sound that can't be decoded{reason}"))
            .at(&self.film)
            .help("if it plays elsewhere, convert its sound first; if it was cut off while copying, copy it again"))
    }

    /// The end of its sound, once it is reached.
    pub(crate) fn end_of_sound(&self) -> Option<MediaTime> {
        self.ended.then(|| self.rate.time_of(self.position))
    }

    /// See [`SoundStream::complaints`](crate::media::SoundStream::complaints).
    pub(crate) fn complaints(&self) -> Vec<String> {
        match &self.process {
            Some(process) if !self.ended => process.complaints(),
            _ => self.complaints.clone(),
        }
    }
}

/// The error of timestamps that can't be true.
pub(crate) fn jump(what: &str, from: MediaTime, to: MediaTime) -> Error {
    Error::new(Kind::Damaged, format!("has a jump in the times of its {what}, from {from} to {to}"))
        .help("cut it there, or write its times anew: ffmpeg -fflags +igndts+genpts -i FILM -c copy NEW.mkv")
}
