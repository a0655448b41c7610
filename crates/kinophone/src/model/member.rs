//! A member of an ensemble: its configuration, its learned part, and its stream of answers.

use crate::Result;
use crate::model::controls::{LOUDNESS, OUTPUTS};
use crate::model::knn::{KnnBuffers, KnnRegressor};
use kinophone_nn::sequence::{Architecture, SequenceNet, SequenceStream};
use kinophone_nn::tensors::Tensors;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::ops::Range;

/// A member, and the features that it is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberConfig {
    /// Its kind.
    #[serde(rename = "mind")]
    pub predictor: PredictorConfig,
    /// Ranges of the visual features that it is given.
    #[serde(rename = "sees")]
    pub ranges: Vec<Range<usize>>,
    /// Ticks by which its newest input is ahead of its answer.
    pub ahead: usize,
    /// Ticks before the newest that it is given, too.
    pub past: usize,
    /// Use for which it answers.
    #[serde(rename = "plays")]
    pub usage: MemberUse,
    /// Weight of its kind beside others (`MemberConfig::shares`).
    pub weight: f32,
}

/// Use for which a member answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberUse {
    /// Films, of which it knows the next ticks.
    Films,
    /// Live use: it knows nothing but the past.
    Live,
    /// Both, since it never looks ahead.
    Both,
}

impl MemberUse {
    /// True if it is for live use, or for films.
    pub fn includes(self, live: bool) -> bool {
        match self {
            Self::Films => !live,
            Self::Live => live,
            Self::Both => true,
        }
    }
}

/// The kind of a member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PredictorConfig {
    /// A network.
    Net(Architecture),
    /// Nearest neighbours.
    Memory {
        /// Ticks that it keeps.
        ticks: usize,
    },
}

/// Learned part of a member.
pub(crate) enum Predictor {
    Net(SequenceNet),
    Memory(KnnRegressor),
}

impl MemberConfig {
    /// Numbers of one tick.
    pub fn width(&self) -> usize {
        self.ranges.iter().map(ExactSizeIterator::len).sum()
    }

    /// Numbers that it is given for an answer: those of all its ticks.
    pub fn inputs(&self) -> usize {
        self.width() * (self.past + 1)
    }

    /// True if it learns by steps.
    pub fn is_network(&self) -> bool {
        matches!(self.predictor, PredictorConfig::Net(_))
    }

    /// Weights of the answers of members that are used together, 1 in all. Networks are of one kind and share its weight.
    pub(crate) fn shares(together: &[&Self]) -> Vec<f32> {
        let networks = together.iter().filter(|member| member.is_network()).count() as f32;
        let weight =
            |member: &&Self| if member.is_network() { member.weight / networks } else { member.weight };
        let total: f32 = together.iter().map(weight).sum();
        together.iter().map(|member| weight(member) / total).collect()
    }

    /// Checks that it fits so many visual features a tick; the words complete "has a member that …".
    pub(crate) fn check(&self, visual: usize) -> Result<(), &'static str> {
        if self.ranges.iter().any(|range| range.start > range.end || range.end > visual) {
            return Err("sees what there is not");
        }
        // A minute is more than any member looks back.
        if self.past > 2000 || self.ahead > 2000 {
            return Err("looks too far");
        }
        let fits = match &self.predictor {
            PredictorConfig::Net(architecture) => {
                architecture.check().is_ok()
                    && architecture.inputs() == self.inputs()
                    && architecture.outputs() == OUTPUTS
            }
            PredictorConfig::Memory { ticks } => *ticks > 0 && self.inputs() > 0,
        };
        if fits && self.weight.is_finite() && self.weight > 0.0 { Ok(()) } else { Err("does not fit") }
    }
}

impl Predictor {
    pub(crate) fn config(&self) -> PredictorConfig {
        match self {
            Self::Net(net) => PredictorConfig::Net(net.architecture().clone()),
            Self::Memory(knn) => PredictorConfig::Memory { ticks: knn.memories() },
        }
    }

    pub(crate) fn save(&self, name: &str, into: &mut Tensors) {
        match self {
            Self::Net(net) => {
                for tensor in net.save() {
                    into.put(&format!("{name}.{}", tensor.name), &tensor.shape, tensor.values);
                }
            }
            Self::Memory(knn) => knn.save(name, into),
        }
    }

    pub(crate) fn restore(config: &MemberConfig, name: &str, from: &Tensors) -> Result<Self> {
        let inputs = config.inputs();
        Ok(match &config.predictor {
            PredictorConfig::Net(architecture) => {
                Self::Net(SequenceNet::restore(architecture, &from.with_prefix(&format!("{name}.")))?)
            }
            PredictorConfig::Memory { ticks } => {
                Self::Memory(KnnRegressor::restore(*ticks, inputs, name, from)?)
            }
        })
    }

    fn state(&self) -> PredictorState<'_> {
        match self {
            Self::Net(net) => PredictorState::Net(net.stream()),
            Self::Memory(knn) => PredictorState::Memory(knn, KnnBuffers::default()),
        }
    }
}

/// State of a predictor in a stream.
enum PredictorState<'a> {
    Net(SequenceStream),
    Memory(&'a KnnRegressor, KnnBuffers),
}

impl PredictorState<'_> {
    /// Takes some ticks `[n, inputs]`, writes the answers that there are by now `[up to n, 69]`, and returns their number.
    fn advance(&mut self, inputs: &[f32], out: &mut [f32]) -> usize {
        match self {
            Self::Net(stream) => return stream.push_all(inputs, out),
            Self::Memory(knn, buffers) => knn.predict(buffers, inputs, out),
        }
        out.len() / OUTPUTS
    }
}

/// A member in a stream, and its answers that wait for those of the others.
pub(crate) struct MemberStream<'a> {
    config: &'a MemberConfig,
    /// Weight of its answers beside those of the others.
    share: f32,
    state: PredictorState<'a>,
    /// The newest ticks, as many as it looks back and the new ones: `[ticks, width]`.
    recent: Vec<f32>,
    inputs: Vec<f32>,
    predicted: Vec<f32>,
    /// Answers still to be dropped: those for ticks before the first.
    early: usize,
    /// Ticks that it is given after the last.
    ahead: usize,
    /// Times that its first answer is given again.
    repeats: usize,
    answers: VecDeque<f32>,
}

impl<'a> MemberStream<'a> {
    pub(crate) fn new(config: &'a MemberConfig, predictor: &'a Predictor, share: f32) -> Self {
        Self {
            config,
            share,
            state: predictor.state(),
            recent: Vec::new(),
            inputs: Vec::new(),
            predicted: Vec::new(),
            early: config.ahead,
            ahead: config.ahead,
            repeats: 0,
            answers: VecDeque::new(),
        }
    }

    /// Before the first tick: gives answers so many ticks earlier than it learned to, or later where that is below 0.
    pub(crate) fn advanced(mut self, ticks: i32) -> Self {
        let (earlier, later) = (ticks.max(0) as usize, ticks.min(0).unsigned_abs() as usize);
        (self.early, self.ahead, self.repeats) = (self.early + earlier, self.ahead + earlier, later);
        self
    }

    /// Ticks that it has answered and that were not taken.
    pub(crate) fn answered(&self) -> usize {
        self.answers.len() / OUTPUTS
    }

    /// The square of the loudness in its next answer, by its share.
    pub(crate) fn squared_loudness(&self) -> f32 {
        self.share * self.answers[LOUDNESS].powi(2)
    }

    /// Adds its next answer to `row`, by its share.
    pub(crate) fn add(&mut self, row: &mut [f32; OUTPUTS]) {
        row.iter_mut().zip(self.answers.drain(..OUTPUTS)).for_each(|(sum, x)| *sum += self.share * x);
    }

    /// Takes the visual features of some ticks, `[n, width]`.
    pub(crate) fn push(&mut self, visual: &[f32], width: usize) {
        let ranges = &self.config.ranges;
        let mut rows =
            visual.chunks_exact(width).map(|row| ranges.iter().flat_map(|range| &row[range.clone()]));
        if self.recent.is_empty() {
            // Before the first picture it looked the same.
            let first: Vec<f32> = rows.clone().next().into_iter().flatten().copied().collect();
            (0..self.reach()).for_each(|_| self.recent.extend(&first));
        }
        rows.by_ref().for_each(|row| self.recent.extend(row));
        self.advance();
    }

    /// Ticks that it looks back, and at least one, which it may have to repeat at the end.
    fn reach(&self) -> usize {
        self.config.past.max(1)
    }

    fn advance(&mut self) {
        let (width, reach) = (self.config.width(), self.reach());
        let new = (self.recent.len() / width.max(1)).saturating_sub(reach);
        self.inputs.clear();
        for tick in reach..reach + new {
            for back in 0..=self.config.past {
                self.inputs.extend_from_slice(&self.recent[(tick - back) * width..][..width]);
            }
        }
        self.recent.drain(..new * width);
        self.predicted.resize(new * OUTPUTS, 0.0);
        let done = self.state.advance(&self.inputs, &mut self.predicted);
        self.keep(done);
    }

    fn keep(&mut self, done: usize) {
        let early = done.min(self.early);
        self.early -= early;
        let new = &self.predicted[early * OUTPUTS..done * OUTPUTS];
        if let Some(first) = new.get(..OUTPUTS) {
            (0..std::mem::take(&mut self.repeats)).for_each(|_| self.answers.extend(first));
        }
        self.answers.extend(new);
    }

    /// After the last tick: computes the answers that are left, as if the last picture stood still.
    pub(crate) fn finish(&mut self) {
        let width = self.config.width();
        let Some(begin) = self.recent.len().checked_sub(width) else { return };
        let last = self.recent[begin..].to_vec();
        (0..self.ahead).for_each(|_| self.recent.extend(&last));
        self.advance();
        if let (PredictorState::Net(stream), PredictorConfig::Net(architecture)) =
            (&mut self.state, &self.config.predictor)
        {
            self.predicted.resize(architecture.delay() * OUTPUTS, 0.0);
            let owed = stream.finish(&mut self.predicted);
            self.keep(owed);
        }
    }
}
