//! Predictions of trained members for the training films, and curves to compare with the films' own sound.

use crate::dataset::{AudioFeatures, TickSpan};
use crate::model::controls::OUTPUTS;
use crate::model::follow::{Follow, FollowedBrain, Follower};
use crate::model::member::{MemberConfig, Predictor};
use crate::model::member_streams::MemberStreams;
use crate::model::training::film_features::PICTURE_BATCH;
use crate::model::training::trainer::EnsembleTrainer;
use rayon::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

/// A true curve and the predicted one.
pub(super) type OnsetCurves = (Vec<f64>, Vec<f64>);

/// Ticks before and after a span that members are given, too, so that they have something to remember.
const CONTEXT_TICKS: usize = 150;

impl EnsembleTrainer<'_> {
    /// Predictions of a brain for whole films, `[ticks, 69]` each. Tells `advance` how many ticks are done.
    pub(super) fn predict(
        &self,
        members: &[(MemberConfig, Predictor)],
        known: FollowedBrain<'_>,
        lag: i32,
        advance: &(dyn Fn(u64) + Sync),
    ) -> Vec<Vec<f32>> {
        let done = AtomicU64::new(0);
        let films = || {
            members
                .iter()
                .filter(|(c, _)| c.usage.includes(false))
                .map(|(config, predictor)| (config, predictor))
        };
        let width = self.features.width();
        self.films
            .par_iter()
            .map(|film| {
                let mut member_streams = MemberStreams::new(films(), width, &self.scaler)
                    .advanced(lag)
                    .led_by(Follower::new(known, Follow::Auto, false));
                let (mut rows, mut visual) = (Vec::new(), vec![0.0; PICTURE_BATCH * width]);
                let ticks: Vec<usize> = (0..film.visual.ticks()).collect();
                for ticks in ticks.chunks(PICTURE_BATCH) {
                    for (tick, visual) in ticks.iter().zip(visual.chunks_exact_mut(width)) {
                        film.visual.fill(*tick, std::slice::from_ref(&(0..width)), visual);
                    }
                    member_streams.push(&visual[..ticks.len() * width], &mut rows);
                    let ticks = ticks.len() as u64;
                    advance(done.fetch_add(ticks, Ordering::Relaxed) + ticks);
                }
                member_streams.finish(&mut rows);
                rows
            })
            .collect()
    }

    /// True and predicted curves of loudness and onsets over some spans, end to end.
    pub(super) fn curves(&self, spans: &[TickSpan], predicted: &[f32]) -> [OnsetCurves; 2] {
        let audio = |number: fn(&AudioFeatures) -> &[f32]| -> Vec<f64> {
            let all = spans.iter().flat_map(|span| &number(&self.films[span.film].audio)[span.ticks.clone()]);
            all.map(|x| f64::from(*x)).collect()
        };
        let curve = |number: &dyn Fn(&[f32]) -> f32| -> Vec<f64> {
            predicted.chunks_exact(OUTPUTS).map(|row| f64::from(number(row))).collect()
        };
        [
            (audio(|h| &h.loudness), curve(&|row| self.scaler.loudness_db(row))),
            (audio(|h| &h.flux), curve(&|row| self.scaler.onset(row))),
        ]
    }

    /// Predictions of members for some spans, end to end, each with but a little context.
    pub(super) fn predict_spans(
        &self,
        spans: &[TickSpan],
        members: &[&(MemberConfig, Predictor)],
    ) -> Vec<f32> {
        let width = self.features.width();
        let predict = |span: &TickSpan| {
            let visual = &self.films[span.film].visual;
            let context = span.ticks.start.saturating_sub(CONTEXT_TICKS)
                ..(span.ticks.end + CONTEXT_TICKS).min(visual.ticks());
            let mut numbers = vec![0.0; context.len() * width];
            for (tick, numbers) in context.clone().zip(numbers.chunks_exact_mut(width)) {
                visual.fill(tick, std::slice::from_ref(&(0..width)), numbers);
            }
            let pairs = members.iter().map(|(config, predictor)| (config, predictor));
            let (mut member_streams, mut rows) = (MemberStreams::new(pairs, width, &self.scaler), Vec::new());
            member_streams.push(&numbers, &mut rows);
            member_streams.finish(&mut rows);
            rows[(span.ticks.start - context.start) * OUTPUTS..][..span.ticks.len() * OUTPUTS].to_vec()
        };
        spans.par_iter().flat_map_iter(predict).collect()
    }
}

/// The rows of some spans out of those of whole films, end to end.
pub(super) fn rows_of_spans(predicted: &[Vec<f32>], spans: &[TickSpan]) -> Vec<f32> {
    let part = |span: &TickSpan| &predicted[span.film][span.ticks.start * OUTPUTS..span.ticks.end * OUTPUTS];
    spans.iter().flat_map(part).copied().collect()
}
