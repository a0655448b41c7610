//! A member of an ensemble: what it is, what it has learned, and how it answers as a film goes by.

use crate::Result;
use crate::model::controls::OUTPUTS;
use crate::model::knn::{KnnBuffers, KnnRegressor};
use kinophone_nn::sequence::{Architecture, SequenceNet, SequenceStream};
use kinophone_nn::tensors::Tensors;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::ops::Range;

/// A member, and what it is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberConfig {
    /// Of what kind.
    pub mind: PredictorConfig,
    /// Which of the eye's numbers it sees.
    pub sees: Vec<Range<usize>>,
    /// By how many ticks the newest that it sees is ahead of its answer.
    pub ahead: usize,
    /// How many ticks before the newest it sees, too.
    pub past: usize,
    /// To what it plays.
    pub plays: MemberUse,
    /// What its kind weighs beside others ([`MemberConfig::shares`]).
    pub weight: f32,
}

/// To what a member plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberUse {
    /// To films, of which it knows what comes.
    Films,
    /// Live: it knows nothing but the past.
    Live,
    /// To both, since it never knows what comes.
    Both,
}

impl MemberUse {
    /// Whether it plays live, or to films.
    pub fn plays(self, live: bool) -> bool {
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
    /// What sounded when it looked alike.
    Memory {
        /// Ticks that it remembers.
        ticks: usize,
    },
}

/// What a member has learned.
pub(crate) enum Predictor {
    Net(SequenceNet),
    Memory(KnnRegressor),
}

impl MemberConfig {
    /// Numbers of one tick.
    pub fn width(&self) -> usize {
        self.sees.iter().map(ExactSizeIterator::len).sum()
    }

    /// Numbers that it is given for an answer: those of all ticks that it sees.
    pub fn inputs(&self) -> usize {
        self.width() * (self.past + 1)
    }

    /// Whether it learns by steps.
    pub fn is_network(&self) -> bool {
        matches!(self.mind, PredictorConfig::Net(_))
    }

    /// What the answers of those who play together weigh, all together 1. Networks are of one kind and share its weight.
    pub(crate) fn shares(together: &[&Self]) -> Vec<f32> {
        let networks = together.iter().filter(|member| member.is_network()).count() as f32;
        let weight =
            |member: &&Self| if member.is_network() { member.weight / networks } else { member.weight };
        let total: f32 = together.iter().map(weight).sum();
        together.iter().map(|member| weight(member) / total).collect()
    }

    /// Whether it fits an eye of so many numbers a tick; the words complete "has a member that …".
    pub(crate) fn check(&self, seen: usize) -> Result<(), &'static str> {
        if self.sees.iter().any(|range| range.start > range.end || range.end > seen) {
            return Err("sees what there is not");
        }
        // A minute is more than any member looks back.
        if self.past > 2000 || self.ahead > 2000 {
            return Err("looks too far");
        }
        let fits = match &self.mind {
            PredictorConfig::Net(shape) => {
                shape.check().is_ok() && shape.inputs() == self.inputs() && shape.outputs() == OUTPUTS
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
            Self::Memory(memory) => PredictorConfig::Memory { ticks: memory.memories() },
        }
    }

    pub(crate) fn save(&self, name: &str, into: &mut Tensors) {
        match self {
            Self::Net(net) => {
                for tensor in net.save() {
                    into.put(&format!("{name}.{}", tensor.name), &tensor.shape, tensor.values);
                }
            }
            Self::Memory(memory) => memory.save(name, into),
        }
    }

    pub(crate) fn restore(config: &MemberConfig, name: &str, from: &Tensors) -> Result<Self> {
        let inputs = config.inputs();
        Ok(match &config.mind {
            PredictorConfig::Net(shape) => {
                Self::Net(SequenceNet::restore(shape, &from.with_prefix(&format!("{name}.")))?)
            }
            PredictorConfig::Memory { ticks } => {
                Self::Memory(KnnRegressor::restore(*ticks, inputs, name, from)?)
            }
        })
    }

    fn thought(&self) -> PredictorState<'_> {
        match self {
            Self::Net(net) => PredictorState::Net(net.stream()),
            Self::Memory(memory) => PredictorState::Memory(memory, KnnBuffers::default()),
        }
    }
}

/// A mind at work.
enum PredictorState<'a> {
    Net(SequenceStream),
    Memory(&'a KnnRegressor, KnnBuffers),
}

impl PredictorState<'_> {
    /// Takes some ticks `[n, inputs]`, writes the answers that there are by now `[up to n, 69]`, and says how many.
    fn think(&mut self, inputs: &[f32], out: &mut [f32]) -> usize {
        match self {
            Self::Net(stream) => return stream.push_all(inputs, out),
            Self::Memory(memory, room) => memory.say(room, inputs, out),
        }
        out.len() / OUTPUTS
    }
}

/// A member and its answers that wait for those of the others.
pub(crate) struct MemberStream<'a> {
    config: &'a MemberConfig,
    /// What its answers weigh beside those of the others.
    share: f32,
    thought: PredictorState<'a>,
    /// The newest ticks, as many as it looks back and those that are new: `[ticks, width]`.
    recent: Vec<f32>,
    inputs: Vec<f32>,
    said: Vec<f32>,
    /// Answers still to be dropped: those for ticks before the first.
    early: usize,
    answers: VecDeque<f32>,
}

impl<'a> MemberStream<'a> {
    pub(crate) fn new(config: &'a MemberConfig, mind: &'a Predictor, share: f32) -> Self {
        Self {
            config,
            share,
            thought: mind.thought(),
            recent: Vec::new(),
            inputs: Vec::new(),
            said: Vec::new(),
            early: config.ahead,
            answers: VecDeque::new(),
        }
    }

    /// Ticks that it has answered and that were not taken.
    pub(crate) fn answered(&self) -> usize {
        self.answers.len() / OUTPUTS
    }

    /// Adds its next answer to `row`, by its share.
    pub(crate) fn add(&mut self, row: &mut [f32; OUTPUTS]) {
        row.iter_mut().zip(self.answers.drain(..OUTPUTS)).for_each(|(sum, x)| *sum += self.share * x);
    }

    /// Takes what the eye saw in some ticks, `[n, width]` rows of `width` numbers.
    pub(crate) fn hear(&mut self, seen: &[f32], width: usize) {
        let sees = &self.config.sees;
        let mut rows = seen.chunks_exact(width).map(|row| sees.iter().flat_map(|range| &row[range.clone()]));
        if self.recent.is_empty() {
            // Before the first picture it looked the same.
            let first: Vec<f32> = rows.clone().next().into_iter().flatten().copied().collect();
            (0..self.reach()).for_each(|_| self.recent.extend(&first));
        }
        rows.by_ref().for_each(|row| self.recent.extend(row));
        self.think();
    }

    /// Ticks that it looks back, and at least one, which it may have to repeat at the end.
    fn reach(&self) -> usize {
        self.config.past.max(1)
    }

    fn think(&mut self) {
        let (width, reach) = (self.config.width(), self.reach());
        let new = (self.recent.len() / width.max(1)).saturating_sub(reach);
        self.inputs.clear();
        for tick in reach..reach + new {
            for back in 0..=self.config.past {
                self.inputs.extend_from_slice(&self.recent[(tick - back) * width..][..width]);
            }
        }
        self.recent.drain(..new * width);
        self.said.resize(new * OUTPUTS, 0.0);
        let done = self.thought.think(&self.inputs, &mut self.said);
        self.keep(done);
    }

    fn keep(&mut self, done: usize) {
        let early = done.min(self.early);
        self.early -= early;
        self.answers.extend(&self.said[early * OUTPUTS..done * OUTPUTS]);
    }

    /// After the last tick: what it still owes, as if the last picture stood still.
    pub(crate) fn finish(&mut self) {
        let width = self.config.width();
        let Some(begin) = self.recent.len().checked_sub(width) else { return };
        let last = self.recent[begin..].to_vec();
        (0..self.config.ahead).for_each(|_| self.recent.extend(&last));
        self.think();
        if let (PredictorState::Net(stream), PredictorConfig::Net(shape)) =
            (&mut self.thought, &self.config.mind)
        {
            self.said.resize(shape.delay() * OUTPUTS, 0.0);
            let owed = stream.finish(&mut self.said);
            self.keep(owed);
        }
    }
}
