//! Members that a training plans: which kinds, given which visual features, for films or live use.

use crate::model::controls::OUTPUTS;
use crate::model::features::config::ViewConfig;
use crate::model::features::{GENERAL, VisualFeatures};
use crate::model::member::{MemberConfig, MemberUse, PredictorConfig};
use crate::model::training::config::{EnsembleTraining, MemberKind};
use kinophone_nn::sequence::Architecture;
use std::ops::Range;

/// Ticks by which the recurrent members for films look ahead.
const LOOK_AHEAD: usize = 10;

/// Members of each kind for films, then those for live use alone.
pub(super) fn planned_members(training: &EnsembleTraining, features: &VisualFeatures) -> Vec<MemberConfig> {
    let uses: &[bool] = if training.live { &[false, true] } else { &[false] };
    let plan = MemberPlan { training, features };
    let kinds = &training.members;
    uses.iter().flat_map(|live| kinds.iter().flat_map(|kind| plan.of_kind(*kind, *live))).collect()
}

struct MemberPlan<'a> {
    training: &'a EnsembleTraining,
    features: &'a VisualFeatures,
}

impl MemberPlan<'_> {
    /// A network of each kind for each view; a recurrent one that is given nothing but motion in the part that moves; a
    /// convolutional one that is given all views together. Features that are not extracted have no member.
    fn of_kind(&self, kind: MemberKind, live: bool) -> Vec<MemberConfig> {
        let Some(usage) = self.usage(kind, live) else { return Vec::new() };
        let views = self.views();
        // The general numbers are there for what is not learned.
        let all = 0..self.features.width() - GENERAL;
        let together = (views.len() > 1).then_some(all.clone());
        let networks =
            |ranges: Vec<Range<usize>>, ahead: usize, architecture: &dyn Fn(usize) -> Architecture| {
                let network = |range: Range<usize>| self.network(kind, usage, range, ahead, architecture);
                ranges.into_iter().filter(|range| !range.is_empty()).map(network).collect()
            };
        match kind {
            MemberKind::Gru => {
                let motion = 0..self.features.config().first().map_or(0, ViewConfig::of_differences);
                let ranges = views.into_iter().chain([motion]).collect();
                networks(ranges, if live { 0 } else { LOOK_AHEAD }, &|inputs| {
                    Architecture::gru(inputs, OUTPUTS)
                })
            }
            MemberKind::Tcn => {
                let ranges = together.into_iter().chain(views).collect();
                networks(ranges, 0, &|inputs| Architecture::tcn(inputs, OUTPUTS, live))
            }
            MemberKind::Mlp => networks(vec![all], 0, &|inputs| Architecture::mlp(inputs, OUTPUTS)),
            MemberKind::Memory => self.nearest_neighbours(kind, usage).into_iter().collect(),
        }
    }

    /// Use of members of a kind; `None` where another member serves that use already.
    fn usage(&self, kind: MemberKind, live: bool) -> Option<MemberUse> {
        match (kind.looks_ahead(), live) {
            (true, true) => Some(MemberUse::Live),
            (true, false) => Some(MemberUse::Films),
            (false, true) => None,
            (false, false) if self.training.live => Some(MemberUse::Both),
            (false, false) => Some(MemberUse::Films),
        }
    }

    fn network(
        &self,
        kind: MemberKind,
        usage: MemberUse,
        range: Range<usize>,
        ahead: usize,
        architecture: &dyn Fn(usize) -> Architecture,
    ) -> MemberConfig {
        let past = self.training.features.past;
        let predictor = PredictorConfig::Net(architecture(range.len() * (past + 1)));
        MemberConfig { predictor, ranges: vec![range], ahead, past, usage, weight: kind.weight() }
    }

    /// The member that compares embeddings of pictures; `None` where nothing is embedded.
    fn nearest_neighbours(&self, kind: MemberKind, usage: MemberUse) -> Option<MemberConfig> {
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for &(number, _) in self.features.embedding_weights() {
            match ranges.last_mut() {
                Some(range) if range.end == number => range.end += 1,
                _ => ranges.push(number..number + 1),
            }
        }
        let predictor = PredictorConfig::Memory { ticks: 0 };
        let member = MemberConfig { predictor, ranges, ahead: 0, past: 0, usage, weight: kind.weight() };
        (member.inputs() > 0).then_some(member)
    }

    /// Ranges of the visual features that are of each view.
    fn views(&self) -> Vec<Range<usize>> {
        let mut from = 0;
        let range = |view: &ViewConfig| {
            from += view.width();
            from - view.width()..from
        };
        self.features.config().iter().map(range).collect()
    }
}
