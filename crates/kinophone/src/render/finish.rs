//! From the synth's samples to the finished sound: mix, measure, gain, limiter, encoder.

use super::{Format, TRUE_PEAK_CEILING_DB};
use crate::media::{DecodeSound, Encode, Ffmpeg, FilmFacts, SoundStream};
use crate::storage;
use crate::task::Task;
use crate::{Error, Kind, Result};
use kinophone_dsp::loudness::{Limiter, Meter, UnsupportedSound, amplitude};
use kinophone_dsp::resample::Resampler;
use kinophone_dsp::units::{MediaTime, SampleRate};
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

/// The gain towards the target loudness goes no higher: what a brain says to a black film is meant to stay quiet.
const MOST_GAIN_DB: f64 = 30.0;

/// Encoders that lose information overshoot the samples they were given; the limiter leaves them this much room.
const CODEC_HEADROOM_DB: f64 = 0.5;

/// Samples that are read, scaled and encoded at once.
const CHUNK: usize = 1 << 14;
/// Parts of sound that may wait for the encoder: a few seconds of it while a film is read.
const PARTS: usize = 128;

/// The film's own sound, to be mixed under ours.
pub(crate) struct Original {
    pub(crate) rate: SampleRate,
    pub(crate) channels: u32,
    track: usize,
    gain: f32,
}

impl Original {
    /// Sound track `track` of `film`, to be heard at `db`.
    pub(crate) fn find(facts: &FilmFacts, film: &Path, track: usize, db: f64) -> Result<Self> {
        let sound = facts.sounds.get(track).ok_or_else(|| {
            Error::new(Kind::NoSound, format!("has no sound track {track} to keep")).at(film).help(format!(
                "the film has {} sound tracks, counted from 0; leave --keep-original out",
                facts.sounds.len()
            ))
        })?;
        let rate = if sound.rate.hz() > 48_000 {
            SampleRate::new(48_000).expect("48 kHz is in range")
        } else {
            sound.rate
        };
        Ok(Self { rate, channels: sound.channels.min(2), track, gain: amplitude(db) as f32 })
    }
}

/// The soundtrack on its way from the synth into the file.
///
/// Where its level stays as it is, every sample goes on through the limiter to the encoder as it comes. Where it is to have a
/// certain loudness, the gain is known when the last sample is: until then it is kept in a scratch file.
pub(crate) struct Sketch<'a> {
    ffmpeg: &'a Ffmpeg,
    encode: Encode,
    format: Format,
    resampler: Option<Resampler>,
    under: Option<(SoundStream, f32)>,
    way: Way,
    resampled: Vec<f32>,
    frame: Vec<f32>,
}

/// See [`Sketch`].
enum Way {
    /// The encoder starts with the first samples.
    Straight(Option<Written>),
    Measured(Box<Scratch>),
}

/// Sound that is complete but for its gain: interleaved f32.
struct Scratch {
    path: PathBuf,
    file: BufWriter<tempfile::NamedTempFile>,
    meter: Meter,
    target: f64,
}

/// A file being written on a thread of its own: its peaks are limited, and it is encoded, while the film is read on. Dropping
/// it before its end leaves no whole file, and no encoder running.
struct Written {
    /// Sound to come: none is the end, and the sender's own end, without one, that it is not wanted any more.
    sound: Option<SyncSender<Option<Vec<f32>>>>,
    writer: Option<JoinHandle<Result<()>>>,
}

impl<'a> Sketch<'a> {
    /// Of what `encode` says; `target` is the loudness that it shall have, in LUFS.
    pub(crate) fn new(
        ffmpeg: &'a Ffmpeg,
        encode: Encode,
        format: Format,
        target: Option<f64>,
        folder: &Path,
    ) -> Result<Self> {
        let resampler = (format.rate != format.synth_rate)
            .then(|| Resampler::interleaved(format.synth_rate, format.rate, format.synth_channels as usize));
        let way = match target {
            None => Way::Straight(None),
            Some(target) => Way::Measured(Box::new(Scratch::new(folder, &format, target)?)),
        };
        Ok(Self {
            ffmpeg,
            encode,
            format,
            resampler,
            under: None,
            way,
            resampled: Vec::new(),
            frame: Vec::new(),
        })
    }

    /// From now on mixes the film's own sound under what is added; its sample at `begin` meets our first.
    pub(crate) fn lay_under(&mut self, film: &Path, original: &Original, begin: MediaTime) -> Result<()> {
        let how =
            DecodeSound { track: original.track, rate: self.format.rate, channels: self.format.channels };
        let mut stream = self.ffmpeg.decode_sound(film, &how)?;
        let mut skip = self.format.rate.sample_at(begin).max(0) as usize * self.format.channels as usize;
        let mut waste = vec![0.0; CHUNK];
        while skip > 0 {
            let len = skip.min(CHUNK);
            let got = stream.read(&mut waste[..len])?;
            if got == 0 {
                break;
            }
            skip -= got;
        }
        self.under = Some((stream, original.gain));
        Ok(())
    }

    /// Adds interleaved samples of the synth.
    pub(crate) fn add(&mut self, sound: &[f32]) -> Result<()> {
        match &mut self.resampler {
            None => self.mix(sound),
            Some(resampler) => {
                let mut out = std::mem::take(&mut self.resampled);
                out.clear();
                resampler.push(sound, &mut out);
                let result = self.mix(&out);
                self.resampled = out;
                result
            }
        }
    }

    /// After the last samples.
    pub(crate) fn end(&mut self) -> Result<()> {
        if let Some(mut resampler) = self.resampler.take() {
            let mut out = Vec::new();
            resampler.finish(&mut out);
            self.mix(&out)?;
        }
        // The original may sound on past the last picture; that part is not wanted, so its process ends here.
        self.under = None;
        Ok(())
    }

    /// Spreads the synth's channels over those of the result, adds the original, and sends it on.
    fn mix(&mut self, sound: &[f32]) -> Result<()> {
        let (own, channels) = (self.format.synth_channels as usize, self.format.channels as usize);
        for part in sound.chunks(CHUNK * own) {
            self.frame.clear();
            let spread =
                |frame: &[f32]| (0..channels).map(|c| frame[c.min(frame.len() - 1)]).collect::<Vec<_>>();
            self.frame.extend(part.chunks_exact(own).flat_map(spread));
            if let Some((stream, gain)) = &mut self.under {
                let mut own = vec![0.0; self.frame.len()];
                let got = read_fully(stream, &mut own)?;
                for (x, y) in self.frame.iter_mut().zip(&own[..got]) {
                    *x += *gain * y;
                }
            }
            match &mut self.way {
                Way::Measured(scratch) => scratch.add(&self.frame)?,
                Way::Straight(Some(written)) => written.add(&self.frame)?,
                Way::Straight(none) => {
                    none.insert(Written::begin(self.ffmpeg, &self.encode)?).add(&self.frame)?;
                }
            }
        }
        Ok(())
    }

    /// Completes the file. Returns the loudness before the gain and the gain, in LUFS and dB, where it has one.
    pub(crate) fn write(self, task: Task<'_>) -> Result<(Option<f64>, f64)> {
        match self.way {
            Way::Measured(scratch) => scratch.write(self.ffmpeg, &self.encode, task),
            Way::Straight(written) => {
                // Of a film without ticks there is a file without samples.
                match written {
                    Some(written) => written.finish()?,
                    None => Written::begin(self.ffmpeg, &self.encode)?.finish()?,
                }
                Ok((None, 0.0))
            }
        }
    }
}

impl Scratch {
    fn new(folder: &Path, format: &Format, target: f64) -> Result<Self> {
        let scratch = storage::scratch(folder)?;
        Ok(Self {
            path: scratch.path().to_owned(),
            file: BufWriter::with_capacity(1 << 18, scratch),
            meter: Meter::new(format.rate, format.channels as usize).map_err(unsupported)?,
            target,
        })
    }

    fn add(&mut self, sound: &[f32]) -> Result<()> {
        self.meter.push(sound);
        self.file.write_all(bytemuck::cast_slice(sound)).map_err(|e| Error::io("written", &self.path, e))
    }

    /// Gain, limiter, encoder.
    fn write(self, ffmpeg: &Ffmpeg, encode: &Encode, task: Task<'_>) -> Result<(Option<f64>, f64)> {
        let loudness = self.meter.integrated();
        let gain_db = loudness.map_or(0.0, |now| (self.target - now).min(MOST_GAIN_DB));
        let gain = amplitude(gain_db) as f32;
        let failed = |e| Error::io("read", &self.path, e);
        let mut scratch =
            self.file.into_inner().map_err(|e| Error::io("written", &self.path, e.into_error()))?;
        let bytes = scratch.as_file().metadata().map_err(failed)?.len();
        scratch.as_file_mut().seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut sound = BufReader::with_capacity(1 << 18, scratch.as_file());

        let channels = encode.channels as usize;
        let mut written = Written::begin(ffmpeg, encode)?;
        let second = 4 * channels as u64 * u64::from(encode.rate.hz());
        task.watcher.stage("writing", "seconds", Some(bytes / second));
        let mut samples = vec![0f32; CHUNK * channels];
        let mut done = 0u64;
        while done < bytes {
            task.cancel.check()?;
            let len = (((bytes - done) / 4) as usize).min(samples.len());
            sound.read_exact(bytemuck::cast_slice_mut(&mut samples[..len])).map_err(failed)?;
            samples[..len].iter_mut().for_each(|x| *x *= gain);
            written.add(&samples[..len])?;
            done += 4 * len as u64;
            task.watcher.advance(done / second);
        }
        written.finish()?;
        Ok((loudness, gain_db))
    }
}

impl Written {
    fn begin(ffmpeg: &Ffmpeg, encode: &Encode) -> Result<Self> {
        let headroom = if encode.codec.is_lossless() { 0.0 } else { CODEC_HEADROOM_DB };
        let ceiling = TRUE_PEAK_CEILING_DB - headroom;
        let mut limiter =
            Limiter::new(encode.rate, encode.channels as usize, ceiling).map_err(unsupported)?;
        let mut encoder = ffmpeg.encode(encode)?;
        let (sound, parts) = sync_channel::<Option<Vec<f32>>>(PARTS);
        let writer = std::thread::spawn(move || {
            let mut limited = Vec::new();
            while let Ok(part) = parts.recv() {
                limited.clear();
                let Some(part) = part else {
                    limiter.finish(&mut limited);
                    encoder.write(&limited)?;
                    return encoder.finish();
                };
                limiter.push(&part, &mut limited);
                encoder.write(&limited)?;
            }
            Ok(())
        });
        Ok(Self { sound: Some(sound), writer: Some(writer) })
    }

    fn add(&mut self, sound: &[f32]) -> Result<()> {
        self.send(Some(sound.to_vec()))
    }

    fn finish(mut self) -> Result<()> {
        self.send(None)?;
        self.outcome()
    }

    fn send(&mut self, part: Option<Vec<f32>>) -> Result<()> {
        match self.sound.as_ref().map(|sound| sound.send(part)) {
            Some(Ok(())) => Ok(()),
            // The writer has ended before its time, and says why.
            _ => self.outcome(),
        }
    }

    fn outcome(&mut self) -> Result<()> {
        let ended = || Err(Error::new(Kind::Tool, "the writing thread ended unexpectedly"));
        self.writer.take().map_or_else(ended, |writer| writer.join().unwrap_or_else(|_| ended()))
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        self.sound = None;
        if let Some(writer) = self.writer.take() {
            // Whoever gives up has an error of his own to tell.
            let _ = writer.join();
        }
    }
}

fn unsupported(cause: UnsupportedSound) -> Error {
    Error::new(Kind::Invalid, cause.to_string()).help("train a brain at 8000 to 192000 Hz")
}

fn read_fully(stream: &mut SoundStream, out: &mut [f32]) -> Result<usize> {
    let mut filled = 0;
    while filled < out.len() {
        match stream.read(&mut out[filled..])? {
            0 => break,
            got => filled += got,
        }
    }
    Ok(filled)
}
