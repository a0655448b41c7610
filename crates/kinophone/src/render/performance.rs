//! All pictures of a film through a renderer.

use crate::Result;
use crate::render::TimedPictures;
use crate::soundtrack::{OpenOutput, RenderTrace, Renderer, no_picture};
use crate::task::Task;
use kinophone_dsp::units::MediaTime;
use std::path::Path;

/// Facts about a film whose pictures were played.
pub(crate) struct PlayedPictures {
    pub(crate) length: MediaTime,
    pub(crate) ticks: u64,
    /// Mean share of the sound that follows what moves.
    pub(crate) followed: Option<f64>,
    /// Seconds from the end of a tick until its sound is complete.
    pub(crate) latency: f64,
    /// True if pictures came from a shard instead of the film.
    pub(crate) from_corpus: bool,
    pub(crate) complaints: Vec<String>,
    pub(crate) trace: Option<RenderTrace>,
}

/// Plays `pictures` of `film` into `output`; `expected` is the number of ticks, for the progress.
pub(crate) fn perform(
    film: &Path,
    mut pictures: TimedPictures<'_>,
    expected: Option<u64>,
    renderer: &mut dyn Renderer,
    output: &mut OpenOutput<'_>,
    task: Task<'_>,
) -> Result<PlayedPictures> {
    let from_corpus = pictures.are_prepared();
    let name = film.file_name().unwrap_or_default().to_string_lossy().into_owned();
    task.watcher.stage(&format!("playing {name}"), "ticks", expected);
    let mut first = None;
    // A picture is shown until the next one comes.
    let mut shown: Option<Vec<u8>> = None;
    while let Some(picture) = pictures.next()? {
        task.cancel.check()?;
        let begin = *first.get_or_insert(picture.time);
        if shown.is_none() {
            output.lay_under(begin)?;
        }
        if let Some(previous) = shown.replace(picture.pixels) {
            renderer.push(&previous, picture.time - begin, &mut output.mix)?;
            task.watcher.advance(renderer.ticks());
        }
    }
    let decoded = pictures.finish()?;
    let (Some(begin), Some(last)) = (first, shown) else { return Err(no_picture(film)) };
    let length = decoded.end - begin;
    renderer.push(&last, length, &mut output.mix)?;
    renderer.finish(length, &mut output.mix)?;
    task.watcher.advance(renderer.ticks());
    task.warn_of(film, &decoded.complaints);
    let (ticks, followed, latency) = (renderer.ticks(), renderer.followed(), renderer.latency());
    let (complaints, trace) = (decoded.complaints, renderer.take_trace());
    Ok(PlayedPictures { length, ticks, followed, latency, from_corpus, complaints, trace })
}
