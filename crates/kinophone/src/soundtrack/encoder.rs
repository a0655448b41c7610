//! TODO module docs

use crate::media::{Encode, Ffmpeg};
use crate::soundtrack::format::TRUE_PEAK_CEILING_DB;
use crate::soundtrack::mixdown::{CODEC_HEADROOM_DB, PARTS, unsupported};
use crate::{Error, Kind, Result};
use kinophone_dsp::loudness::Limiter;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

/// A file being written on a thread of its own: its peaks are limited, and it is encoded, while the film is read on. Dropping
/// it before its end leaves no whole file, and no encoder running.
pub(crate) struct EncoderThread {
    /// Sound to come: none is the end, and the sender's own end, without one, that it is not wanted any more.
    sound: Option<SyncSender<Option<Vec<f32>>>>,
    writer: Option<JoinHandle<Result<()>>>,
}

impl EncoderThread {
    pub(crate) fn begin(ffmpeg: &Ffmpeg, encode: &Encode) -> Result<Self> {
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

    pub(crate) fn add(&mut self, sound: &[f32]) -> Result<()> {
        self.send(Some(sound.to_vec()))
    }

    pub(crate) fn finish(mut self) -> Result<()> {
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

impl Drop for EncoderThread {
    fn drop(&mut self) {
        self.sound = None;
        if let Some(writer) = self.writer.take() {
            // Whoever gives up has an error of his own to tell.
            let _ = writer.join();
        }
    }
}
