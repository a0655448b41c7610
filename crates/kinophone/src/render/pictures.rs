//! Where a render's pictures come from: a shard that holds the film already, or ffmpeg, read ahead on a thread.

use super::RenderPlan;
use crate::corpus::{self, Shard};
use crate::media::{Decode, Decoded, Ffmpeg, Picture};
use crate::task::Task;
use crate::{Error, Kind, Result};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

/// Pictures read ahead of the brain: half a megabyte at 64 × 64 grey.
const AHEAD: usize = 128;

/// Pictures with their times, in order.
pub(super) enum TimedPictures {
    Shard { shard: Box<Shard>, next: usize },
    Film { pictures: Receiver<Result<Picture>>, reader: JoinHandle<Result<Decoded>> },
}

impl TimedPictures {
    pub(super) fn open(
        ffmpeg: &Ffmpeg,
        plan: &RenderPlan,
        size: u32,
        colour: bool,
        task: Task<'_>,
    ) -> Result<Self> {
        if let Some(folder) = &plan.corpus
            && let Some(shard) = corpus::find(folder, &plan.film, size, colour, task)?
        {
            return Ok(Self::Shard { shard: Box::new(shard), next: 0 });
        }
        let mut stream = ffmpeg.decode(&plan.film, &Decode { size, colour, sound: None })?;
        let (sender, pictures) = sync_channel(AHEAD);
        let reader = std::thread::spawn(move || {
            for picture in stream.by_ref() {
                if sender.send(picture).is_err() {
                    // The render stopped; dropping the stream ends ffmpeg.
                    return Err(Error::interrupted());
                }
            }
            drop(sender);
            stream.finish()
        });
        Ok(Self::Film { pictures, reader })
    }

    pub(super) fn are_prepared(&self) -> bool {
        matches!(self, Self::Shard { .. })
    }

    pub(super) fn next(&mut self) -> Result<Option<Picture>> {
        match self {
            Self::Film { pictures, .. } => pictures.recv().ok().transpose(),
            Self::Shard { shard, next } => {
                let k = *next;
                *next += 1;
                if k % 4096 == 4095 {
                    shard.release();
                }
                Ok((k < shard.pictures())
                    .then(|| Picture { time: shard.time(k), pixels: shard.picture(k).to_vec() }))
            }
        }
    }

    /// After the last picture.
    pub(super) fn finish(self) -> Result<Decoded> {
        match self {
            Self::Film { pictures, reader } => {
                drop(pictures);
                reader
                    .join()
                    .unwrap_or_else(|_| Err(Error::new(Kind::Tool, "the reading thread ended unexpectedly")))
            }
            Self::Shard { shard, .. } => Ok(Decoded {
                pictures: shard.pictures() as u64,
                end: shard.end(),
                sound: None,
                complaints: Vec::new(),
            }),
        }
    }
}
