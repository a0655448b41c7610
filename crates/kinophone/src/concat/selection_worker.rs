//! TODO module docs

use crate::concat::lookahead::Lookahead;
use crate::concat::shot_sources::AllowedSources;
use crate::concat::target::PendingTick;
use kinophone_dsp::concat::{Constraints, MosaicConfig, UnitDescriptors, UnitSelector};
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};

/// Ticks that may wait for the choice on its thread.
const WAITING: usize = 256;

/// A chooser at work.
pub(crate) enum SelectionWorker {
    /// Here: an answer must not wait.
    Here(Box<UnitSelector>),
    /// On a thread of its own, beside what is played: the exact choice answers late anyway, and always the same.
    Apart { targets: Option<SyncSender<SelectionRequest>>, chosen: Receiver<Vec<u32>> },
}

/// What is looked for, what is not to be found, and among which recordings.
type SelectionRequest = (Box<[f32]>, Vec<Range<u32>>, AllowedSources);

impl SelectionWorker {
    pub(crate) fn new(units: &Arc<UnitDescriptors>, config: &MosaicConfig, when: Lookahead) -> Self {
        let mut chooser = match when {
            Lookahead::Exactly => UnitSelector::exact(units.clone(), config),
            Lookahead::After(0) => return Self::Here(Box::new(UnitSelector::greedy(units.clone(), config))),
            Lookahead::After(delay) => {
                return Self::Here(Box::new(UnitSelector::lookahead(units.clone(), config, delay)));
            }
        };
        let (targets, coming) = sync_channel::<SelectionRequest>(WAITING);
        let (decided, chosen) = channel();
        std::thread::spawn(move || {
            let mut found = Vec::new();
            for (target, taken, allowed) in coming {
                chooser.push_on(
                    &target,
                    &Constraints { only: allowed.as_deref(), avoid: &taken },
                    &mut found,
                );
                // Whoever has gone does not want it any more.
                if !found.is_empty() && decided.send(std::mem::take(&mut found)).is_err() {
                    return;
                }
            }
            chooser.finish(&mut found);
            let _ = decided.send(found);
        });
        Self::Apart { targets: Some(targets), chosen }
    }

    /// Takes a tick, and appends the units of those that are decided.
    pub(crate) fn push(&mut self, open: &PendingTick, found: &mut Vec<u32>) {
        let PendingTick { wanted, taken, allowed, .. } = open;
        match self {
            Self::Here(chooser) => {
                let terms = Constraints { only: allowed.as_deref(), avoid: taken };
                chooser.push_on(&wanted.target, &terms, found);
            }
            Self::Apart { targets, chosen } => {
                if let Some(targets) = targets {
                    // It is there until there are no more targets.
                    let _ = targets.send((wanted.target.clone(), taken.clone(), allowed.clone()));
                }
                found.extend(chosen.try_iter().flatten());
            }
        }
    }

    /// After the last tick.
    pub(crate) fn finish(&mut self, found: &mut Vec<u32>) {
        match self {
            Self::Here(chooser) => chooser.finish(found),
            Self::Apart { targets, chosen } => {
                *targets = None;
                found.extend(chosen.iter().flatten());
            }
        }
    }
}
