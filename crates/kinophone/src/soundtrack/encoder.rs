//! The encoder on a thread of its own.

use crate::media::{Encode, Ffmpeg};
use crate::soundtrack::format::TRUE_PEAK_CEILING_DB;
use crate::worker::Worker;
use crate::{Error, Kind, Result};
use kinophone_dsp::loudness::{Limiter, UnsupportedSound};
use std::sync::mpsc::{SyncSender, sync_channel};

/// Room that the limiter leaves to codecs that lose information, since they overshoot the samples they were given.
pub(crate) const CODEC_HEADROOM_DB: f64 = 0.5;

/// Parts of sound that may wait for the encoder: a few seconds of it while a film is read.
const MAX_WAITING_PARTS: usize = 128;

/// A file being written while the film is read on: its peaks are limited, and it is encoded. Dropping it before its end leaves
/// no whole file, and no encoder running.
pub(crate) struct EncoderThread {
    /// Sound to come: `None` is the end, and a closed channel without one means that the file is not wanted any more.
    sound: Option<SyncSender<Option<Vec<f32>>>>,
    worker: Worker<()>,
}

impl EncoderThread {
    pub(crate) fn begin(ffmpeg: &Ffmpeg, encode: &Encode) -> Result<Self> {
        let headroom = if encode.codec.is_lossless() { 0.0 } else { CODEC_HEADROOM_DB };
        let ceiling = TRUE_PEAK_CEILING_DB - headroom;
        let mut limiter =
            Limiter::new(encode.rate, encode.channels as usize, ceiling).map_err(unsupported)?;
        let mut encoder = ffmpeg.encode(encode)?;
        let (sound, parts) = sync_channel::<Option<Vec<f32>>>(MAX_WAITING_PARTS);
        let worker = Worker::spawn("encoder", move || {
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
        })?;
        Ok(Self { sound: Some(sound), worker })
    }

    pub(crate) fn add(&mut self, sound: &[f32]) -> Result<()> {
        self.send(Some(sound.to_vec()))
    }

    pub(crate) fn finish(mut self) -> Result<()> {
        self.send(None)?;
        self.worker.join()
    }

    fn send(&mut self, part: Option<Vec<f32>>) -> Result<()> {
        match self.sound.as_ref().map(|sound| sound.send(part)) {
            Some(Ok(())) => Ok(()),
            _ => Err(self.worker.failure()),
        }
    }
}

impl Drop for EncoderThread {
    fn drop(&mut self) {
        self.sound = None;
        // Whoever gives up has an error already.
        let _ = self.worker.join();
    }
}

/// The error of a rate or of channels that loudness is not defined for.
pub(crate) fn unsupported(cause: UnsupportedSound) -> Error {
    Error::new(Kind::Invalid, cause.to_string()).help("train a brain at 8000 to 192000 Hz")
}
