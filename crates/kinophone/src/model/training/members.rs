//! Training of one member: a network step by step, or a memory of examples.

use crate::dataset::TickSpan;
use crate::model::controls::losses;
use crate::model::knn::KnnRegressor;
use crate::model::member::{MemberConfig, Predictor, PredictorConfig};
use crate::model::training::config::WARM_UP_TICKS;
use crate::model::training::sampling::TrainingWindows;
use crate::model::training::step_budget::WARM_UP;
use crate::model::training::step_budget::{NetworkBudget, PROBE_STEPS};
use crate::model::training::trainer::EnsembleTrainer;
use crate::{Error, Result};
use kinophone_nn::sequence::{Architecture, HyperParams, Loss, LossKind, SequenceNet, SequenceTrainer};
use std::time::Instant;

/// A member that was trained.
pub(super) type TrainedMember = (MemberConfig, Predictor);

/// Deviation of the noise on the inputs of members in training.
const NOISE: f32 = 0.1;

impl EnsembleTrainer<'_> {
    /// Trains one member. Returns it with its planned number of steps, 0 where it does not learn by steps.
    pub(super) fn train_member(
        &self,
        stage: &str,
        number: usize,
        config: &MemberConfig,
        spans: &[TickSpan],
        budget: NetworkBudget,
    ) -> Result<(TrainedMember, u32)> {
        let steps = config.is_network().then_some(u64::from(budget.steps));
        self.task.watcher.stage(stage, "steps", steps);
        let mut planned = 0;
        let predictor = match &config.predictor {
            PredictorConfig::Net(architecture) => {
                let (net, steps) = self.train_network((number, config), architecture, spans, budget)?;
                planned = steps;
                Predictor::Net(net)
            }
            PredictorConfig::Memory { .. } => Predictor::Memory(self.remember(config, spans)),
        };
        Ok(((MemberConfig { predictor: predictor.config(), ..config.clone() }, predictor), planned))
    }

    /// A memory of the spans' ticks, blank ones left out unless all are blank.
    fn remember(&self, config: &MemberConfig, spans: &[TickSpan]) -> KnnRegressor {
        let weights = self.features.embedding_weights().iter().map(|(_, weight)| *weight).collect();
        let mut places: Vec<(usize, usize)> = spans.iter().flat_map(TickSpan::places).collect();
        let shows = |(film, tick): &(usize, usize)| self.films[*film].visual.shows(*tick);
        if places.iter().any(shows) {
            places.retain(shows);
        }
        let example = |k: usize, x: &mut [f32], y: &mut [f32]| {
            let (film, tick) = places[k];
            self.fill_inputs(&self.films[film].visual, config, tick, x);
            self.scaler.target(&self.films[film].audio, tick, y);
        };
        KnnRegressor::of(places.len(), weights, &example)
    }

    fn train_network(
        &self,
        (number, config): (usize, &MemberConfig),
        architecture: &Architecture,
        spans: &[TickSpan],
        budget: NetworkBudget,
    ) -> Result<(SequenceNet, u32)> {
        let seed = self.training.seed.wrapping_mul(1000).wrapping_add(number as u64);
        let hyper_params =
            HyperParams { noise: NOISE, lead: WARM_UP_TICKS, ..HyperParams::new(architecture, seed) };
        let loss = |(weight, logistic)| Loss {
            kind: if logistic { LossKind::Logistic } else { LossKind::Square },
            weight,
        };
        let mut trainer = SequenceTrainer::new(architecture, &losses().map(loss), &hyper_params)?;
        let mut windows = TrainingWindows::new(architecture.inputs());
        let (begun, mut steps, mut step) = (Instant::now(), budget.steps, 0);
        while step < steps && !self.task.cancel.is_cancelled() {
            if step == PROBE_STEPS {
                steps = budget.plan(step, begun.elapsed());
            }
            self.draw_windows(config, spans, (seed, step), &mut windows);
            let loss = trainer.step(&windows.batch(), self.step_size(step, steps))?;
            if !loss.is_finite() {
                return Err(Error::diverged("predicts numbers that are not finite"));
            }
            self.task.watcher.advance(u64::from(step) + 1);
            if step % 10 == 9 {
                self.task.watcher.figure(&format!("loss {loss:.3}"));
            }
            step += 1;
        }
        Ok((trainer.net(), steps))
    }

    /// Step size, which rises and then falls along a cosine to 0.
    fn step_size(&self, step: u32, steps: u32) -> f32 {
        let (step, steps) = (f64::from(step), f64::from(steps));
        let rise = ((step + 1.0) / f64::from(WARM_UP)).min(1.0);
        let fall = 0.5 * (1.0 + (std::f64::consts::PI * step / steps).cos());
        (f64::from(self.training.lr) * rise * fall) as f32
    }
}
