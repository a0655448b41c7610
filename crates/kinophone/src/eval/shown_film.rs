//! A film of a gallery, analysed once for the soundtracks of all brains.

use crate::eval::curves::{Curves, EvaluatedFrames, frames_with_picture};
use crate::eval::further::{self, Analysed, FineAnalysis};
use crate::eval::report::FurtherMeasures;
use crate::eval::sound::{self, measure_rate};
use crate::media::Ffmpeg;
use crate::soundtrack::RenderTrace;
use crate::task::Task;
use crate::{Error, Kind, Result};
use kinophone_dsp::units::MediaTime;
use std::path::Path;

/// The motion of a film's pictures and its own sound, as far as they can be had.
pub(crate) struct ShownFilmAnalysis {
    motion: Option<Vec<f64>>,
    original: Option<(Vec<f32>, FineAnalysis)>,
}

impl ShownFilmAnalysis {
    /// A gallery needs neither: what can't be decoded is not measured, which is told.
    pub(crate) fn of(ffmpeg: &Ffmpeg, film: &Path, has_sound: bool, task: Task<'_>) -> Result<Self> {
        let original = if has_sound { or_told(sound::decode(ffmpeg, film, task), task)? } else { None };
        let original = original.map(|sound| {
            let fine = FineAnalysis::of(&sound);
            (sound, fine)
        });
        Ok(Self { motion: or_told(ffmpeg.motion(film, task), task)?, original })
    }

    /// The further measures of a soundtrack over the whole film. It begins with the first picture, which is shown from `begin` on;
    /// `fps` is its brain's tick.
    pub(crate) fn measure(
        &self,
        soundtrack: &[f32],
        (begin, fps): (MediaTime, f64),
        trace: Option<&RenderTrace>,
    ) -> FurtherMeasures {
        let measures = self.compared(soundtrack, (begin, fps), trace);
        match &self.motion {
            Some(motion) => further::with_following(measures, motion, soundtrack),
            None => measures,
        }
    }

    fn compared(
        &self,
        soundtrack: &[f32],
        (begin, fps): (MediaTime, f64),
        trace: Option<&RenderTrace>,
    ) -> FurtherMeasures {
        let Some((original, fine)) = &self.original else { return FurtherMeasures::default() };
        let delay = measure_rate().sample_at(begin).max(0) as usize;
        let sound = [&vec![0.0; delay], soundtrack].concat();
        let (reference, curves) = (Curves::of(original, fps), Curves::of(&sound, fps));
        let total = reference.frames().min(curves.frames());
        let frames = EvaluatedFrames::new(frames_with_picture(begin, total, fps), fps, |_| true);
        let jumps = trace.and_then(|trace| trace.jumps.as_ref());
        let splices: Option<Vec<f64>> =
            jumps.map(|jumps| jumps.iter().map(|secs| secs + begin.as_secs_f64()).collect());
        further::compared(
            Analysed { curves: &reference, fine },
            Analysed { curves: &curves, fine: &FineAnalysis::of(&sound) },
            &frames,
            splices.as_deref(),
        )
    }
}

/// The result, or `None` with a warning; an interruption stays an error.
fn or_told<T>(result: Result<T>, task: Task<'_>) -> Result<Option<T>> {
    let told = |e: Error| match e.kind() {
        Kind::Interrupted => Err(e),
        _ => {
            task.watcher.warn(&format!("it is not measured: {e}"));
            Ok(None)
        }
    };
    result.map(Some).or_else(told)
}
