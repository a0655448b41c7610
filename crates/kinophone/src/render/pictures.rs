//! Sources of a render's pictures: a shard of the film, ffmpeg, read ahead on a thread, or the caller.

use crate::dataset::{self, PictureReducer, Shard};
use crate::media::{Decode, Decoded, Ffmpeg, Picture};
use crate::render::plan::RenderPlan;
use crate::task::Task;
use crate::worker::Worker;
use crate::{Error, Kind, Result};
use kinophone_dsp::units::MediaTime;
use std::sync::mpsc::{Receiver, sync_channel};

/// Pictures read ahead of the brain: half a megabyte at 64 × 64 grey.
const MAX_AHEAD: usize = 128;

/// Pictures of the brain's size and colour that are at hand, with their times on a film's clock, in order.
pub struct GivenPictures<'a> {
    pictures: Box<dyn Iterator<Item = Picture> + 'a>,
    /// When the last picture ceases to be shown.
    pub(crate) end: MediaTime,
}

impl<'a> GivenPictures<'a> {
    /// Pictures that the caller makes. Their times increase strictly, and `end` lies after the last one.
    pub fn drawn(pictures: impl Iterator<Item = Picture> + 'a, end: MediaTime) -> Self {
        Self { pictures: Box::new(pictures), end }
    }

    /// Pictures of a shard, reduced to `size` pixels a side, and to grey where `colour` says so. Fails with `Kind::Invalid`
    /// where the shard has less.
    pub fn of(shard: &'a Shard, size: u32, colour: bool) -> Result<Self> {
        if shard.size() < size || colour && !shard.colour() {
            let problem = format!("has pictures of {} pixels a side, too poor for this brain", shard.size());
            return Err(Error::new(Kind::Invalid, problem).at(shard.path()).help("prepare the film again"));
        }
        let reducer = PictureReducer::new(shard.size(), shard.colour(), size, colour);
        let same = shard.size() == size && shard.colour() == colour;
        let numbers = size as usize * size as usize * if colour { 3 } else { 1 };
        let (mut line, mut reduced) = (Vec::new(), vec![0.0; numbers]);
        let picture = move |k: usize| {
            if k % 4096 == 4095 {
                shard.release();
            }
            let time = shard.time(k);
            if same {
                return Picture { time, pixels: shard.picture(k).to_vec() };
            }
            reducer.reduce(shard.picture(k), &mut line, &mut reduced);
            Picture { time, pixels: reduced.iter().map(|x| (x * 255.0).round() as u8).collect() }
        };
        Ok(Self { pictures: Box::new((0..shard.pictures()).map(picture)), end: shard.end() })
    }
}

/// Pictures with their times, in order, wherever they come from.
pub(crate) enum TimedPictures<'a> {
    Given(GivenPictures<'a>),
    Shard { shard: Box<Shard>, next: usize },
    Film { pictures: Receiver<Result<Picture>>, reader: Worker<Decoded> },
}

impl TimedPictures<'_> {
    /// Pictures of the film, from its shard where there is one.
    pub(crate) fn open(
        ffmpeg: &Ffmpeg,
        plan: &RenderPlan,
        size: u32,
        colour: bool,
        task: Task<'_>,
    ) -> Result<Self> {
        if let Some(folder) = &plan.corpus
            && let Some(shard) = dataset::find(folder, &plan.film, size, colour, task)?
        {
            return Ok(Self::Shard { shard: Box::new(shard), next: 0 });
        }
        let mut stream = ffmpeg.decode(&plan.film, &Decode { size, colour })?;
        let (sender, pictures) = sync_channel(MAX_AHEAD);
        let reader = Worker::spawn("picture", move || {
            for picture in stream.by_ref() {
                if sender.send(picture).is_err() {
                    // The render stopped; dropping the stream ends ffmpeg.
                    return Err(Error::interrupted());
                }
            }
            drop(sender);
            stream.finish()
        })?;
        Ok(Self::Film { pictures, reader })
    }

    /// True if they come from a shard.
    pub(crate) fn are_prepared(&self) -> bool {
        matches!(self, Self::Shard { .. })
    }

    /// The next picture; `None` after the last one.
    pub(crate) fn next(&mut self) -> Result<Option<Picture>> {
        match self {
            Self::Given(given) => Ok(given.pictures.next()),
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

    /// Facts about the pictures, after the last one.
    pub(crate) fn finish(self) -> Result<Decoded> {
        match self {
            Self::Film { pictures, mut reader } => {
                drop(pictures);
                reader.join()
            }
            Self::Shard { shard, .. } => Ok(Decoded {
                pictures: shard.pictures() as u64,
                end: shard.end(),
                complaints: shard.complaints().pictures.iter().cloned().collect(),
            }),
            Self::Given(given) => Ok(Decoded { pictures: 0, end: given.end, complaints: Vec::new() }),
        }
    }
}
