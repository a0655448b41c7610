//! The mix from the synth's samples to the encoder: resampling, the film's own sound, loudness, gain.

use crate::media::{DecodeSound, Encode, Ffmpeg, Film, SoundStream};
use crate::soundtrack::encoder::{EncoderThread, unsupported};
use crate::soundtrack::format::MixFormat;
use crate::soundtrack::original::OriginalSound;
use crate::task::Task;
use crate::{Error, Result, storage};
use kinophone_dsp::loudness::{Meter, amplitude};
use kinophone_dsp::resample::Resampler;
use kinophone_dsp::units::MediaTime;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The highest gain towards the target loudness: a soundtrack to a black film is meant to stay quiet.
const MAX_GAIN_DB: f64 = 30.0;

/// Samples that are read, scaled and encoded at once.
const CHUNK_SAMPLES: usize = 1 << 14;

/// A soundtrack on its way from the synth into the file.
///
/// Where its level stays as it is, every sample goes on through the limiter to the encoder as it comes. Where it is to have a
/// certain loudness, the gain is known only with the last sample: until then the sound is kept in a scratch file.
pub(crate) struct MixStage<'a> {
    ffmpeg: &'a Ffmpeg,
    encode: Encode,
    format: MixFormat,
    resampler: Option<Resampler>,
    /// The film's own sound and its gain.
    under: Option<(SoundStream, f32)>,
    complaints: Vec<String>,
    path: MixPath,
    resampled: Vec<f32>,
    frame: Vec<f32>,
}

/// The two ways to the file, see [`MixStage`].
enum MixPath {
    /// The encoder starts with the first samples.
    Direct(Option<EncoderThread>),
    /// The encoder starts when all of the sound was measured.
    Measured(Box<ScratchMix>),
}

/// Sound that is complete but for its gain: interleaved f32.
struct ScratchMix {
    /// The folder of the scratch file, for errors.
    path: PathBuf,
    file: BufWriter<tempfile::NamedTempFile>,
    meter: Meter,
    target: f64,
}

impl<'a> MixStage<'a> {
    /// `target` is the loudness to be reached, in LUFS; `folder` is for scratch files.
    pub(crate) fn new(
        ffmpeg: &'a Ffmpeg,
        encode: Encode,
        format: MixFormat,
        target: Option<f64>,
        folder: &Path,
    ) -> Result<Self> {
        let resampler = (format.rate != format.synth_rate)
            .then(|| Resampler::interleaved(format.synth_rate, format.rate, format.synth_channels as usize));
        let path = match target {
            None => MixPath::Direct(None),
            Some(target) => MixPath::Measured(Box::new(ScratchMix::new(folder, &format, target)?)),
        };
        Ok(Self {
            ffmpeg,
            encode,
            format,
            resampler,
            under: None,
            complaints: Vec::new(),
            path,
            resampled: Vec::new(),
            frame: Vec::new(),
        })
    }

    /// Mixes the film's own sound under what is added from now on; its sample at `begin` meets our first.
    pub(crate) fn lay_under(
        &mut self,
        film: &Film<'_>,
        original: &OriginalSound,
        begin: MediaTime,
    ) -> Result<()> {
        let DecodeSound { tracks, .. } = original.request.clone();
        let request = DecodeSound { tracks, rate: self.format.rate, channels: self.format.channels };
        let mut stream = film.decode_sound(&request)?;
        let mut to_skip = self.format.rate.sample_at(begin).max(0) as usize * self.format.channels as usize;
        let mut waste = vec![0.0; CHUNK_SAMPLES];
        while to_skip > 0 {
            let len = to_skip.min(CHUNK_SAMPLES);
            let got = stream.read(&mut waste[..len])?;
            if got == 0 {
                break;
            }
            to_skip -= got;
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

    /// Ends the mix after the last samples.
    pub(crate) fn end(&mut self) -> Result<()> {
        if let Some(mut resampler) = self.resampler.take() {
            let mut out = Vec::new();
            resampler.finish(&mut out);
            self.mix(&out)?;
        }
        // The original may sound on past the last picture; that part is not wanted, so its process ends here.
        if let Some((stream, _)) = self.under.take() {
            self.complaints = stream.complaints();
        }
        Ok(())
    }

    /// Spreads the synth's channels over those of the result, adds the original, and sends it on.
    fn mix(&mut self, sound: &[f32]) -> Result<()> {
        let (own, channels) = (self.format.synth_channels as usize, self.format.channels as usize);
        for part in sound.chunks(CHUNK_SAMPLES * own) {
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
            match &mut self.path {
                MixPath::Measured(scratch) => scratch.add(&self.frame)?,
                MixPath::Direct(Some(encoder)) => encoder.add(&self.frame)?,
                MixPath::Direct(none) => {
                    none.insert(EncoderThread::begin(self.ffmpeg, &self.encode)?).add(&self.frame)?;
                }
            }
        }
        Ok(())
    }

    /// Whatever is not as it should be in the film's own sound, as far as it was mixed in; known after the end.
    pub(crate) fn take_complaints(&mut self) -> Vec<String> {
        std::mem::take(&mut self.complaints)
    }

    /// Completes the file. Returns the loudness before the gain and the gain, in LUFS and dB, where it has one.
    pub(crate) fn write(self, task: Task<'_>) -> Result<(Option<f64>, f64)> {
        match self.path {
            MixPath::Measured(scratch) => scratch.write(self.ffmpeg, &self.encode, task),
            MixPath::Direct(encoder) => {
                // Of a film without ticks there is a file without samples.
                match encoder {
                    Some(encoder) => encoder.finish()?,
                    None => EncoderThread::begin(self.ffmpeg, &self.encode)?.finish()?,
                }
                Ok((None, 0.0))
            }
        }
    }
}

impl ScratchMix {
    fn new(folder: &Path, format: &MixFormat, target: f64) -> Result<Self> {
        let scratch = storage::scratch(folder)?;
        Ok(Self {
            path: folder.to_owned(),
            file: BufWriter::with_capacity(1 << 18, scratch),
            meter: Meter::new(format.rate, format.channels as usize).map_err(unsupported)?,
            target,
        })
    }

    fn add(&mut self, sound: &[f32]) -> Result<()> {
        self.meter.push(sound);
        self.file.write_all(bytemuck::cast_slice(sound)).map_err(|e| Error::io("written", &self.path, e))
    }

    /// Applies the gain, and encodes.
    fn write(self, ffmpeg: &Ffmpeg, encode: &Encode, task: Task<'_>) -> Result<(Option<f64>, f64)> {
        let loudness = self.meter.integrated();
        let gain_db = loudness.map_or(0.0, |now| (self.target - now).min(MAX_GAIN_DB));
        let gain = amplitude(gain_db) as f32;
        let failed = |e| Error::io("read", &self.path, e);
        let mut scratch =
            self.file.into_inner().map_err(|e| Error::io("written", &self.path, e.into_error()))?;
        let bytes = scratch.as_file().metadata().map_err(failed)?.len();
        scratch.as_file_mut().seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut sound = BufReader::with_capacity(1 << 18, scratch.as_file());

        let channels = encode.channels as usize;
        let mut encoder = EncoderThread::begin(ffmpeg, encode)?;
        let second = 4 * channels as u64 * u64::from(encode.rate.hz());
        task.watcher.stage("writing", "seconds", Some(bytes / second));
        let mut samples = vec![0f32; CHUNK_SAMPLES * channels];
        let mut done = 0u64;
        while done < bytes {
            task.cancel.check()?;
            let len = (((bytes - done) / 4) as usize).min(samples.len());
            sound.read_exact(bytemuck::cast_slice_mut(&mut samples[..len])).map_err(failed)?;
            samples[..len].iter_mut().for_each(|x| *x *= gain);
            encoder.add(&samples[..len])?;
            done += 4 * len as u64;
            task.watcher.advance(done / second);
        }
        encoder.finish()?;
        Ok((loudness, gain_db))
    }
}

/// Fills `out` as far as the stream goes, and returns how many samples there were.
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
