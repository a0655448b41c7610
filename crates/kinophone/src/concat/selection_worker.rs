//! Unit selection on the calling thread or beside it.

use crate::Result;
use crate::concat::{AllowedSources, Lookahead, PendingTick};
use crate::worker::Worker;
use kinophone_dsp::concat::{Constraints, MosaicConfig, UnitDescriptors, UnitSelector};
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};

/// Ticks that may wait for the selection thread.
const MAX_WAITING: usize = 256;

/// Selects the units of one layer, tick by tick.
pub(crate) enum SelectionWorker {
    /// On the calling thread: a live answer must not wait.
    Inline(Box<UnitSelector>),
    /// On a thread of its own, beside the synthesis: the exact selection answers late anyway, and always the same.
    Threaded(SelectionThread),
}

/// A selection thread and the channels to and from it.
pub(crate) struct SelectionThread {
    /// `None` after the last tick.
    requests: Option<SyncSender<SelectionRequest>>,
    selected: Receiver<Vec<u32>>,
    worker: Worker<()>,
}

/// A tick as the selection thread gets it.
struct SelectionRequest {
    descriptor: Box<[f32]>,
    /// Units that must not sound.
    avoid: Vec<Range<u32>>,
    allowed: AllowedSources,
}

impl SelectionWorker {
    pub(crate) fn new(
        units: &Arc<UnitDescriptors>,
        config: &MosaicConfig,
        lookahead: Lookahead,
    ) -> Result<Self> {
        let units = units.clone();
        Ok(match lookahead {
            Lookahead::WholeFilm => {
                Self::Threaded(SelectionThread::start(UnitSelector::exact(units, config))?)
            }
            Lookahead::Ticks(0) => Self::Inline(Box::new(UnitSelector::greedy(units, config))),
            Lookahead::Ticks(ticks) => Self::Inline(Box::new(UnitSelector::lookahead(units, config, ticks))),
        })
    }

    /// Takes a tick, and appends the units of those ticks that are decided to `selected`.
    pub(crate) fn push(&mut self, tick: &PendingTick, selected: &mut Vec<u32>) -> Result<()> {
        match self {
            Self::Inline(selector) => {
                let constraints = Constraints { only: tick.allowed.as_deref(), avoid: &tick.taken };
                selector.push_on(&tick.target.descriptor, &constraints, selected);
                Ok(())
            }
            Self::Threaded(thread) => thread.push(tick, selected),
        }
    }

    /// Appends the units of all ticks that were not decided before.
    pub(crate) fn finish(&mut self, selected: &mut Vec<u32>) -> Result<()> {
        match self {
            Self::Inline(selector) => {
                selector.finish(selected);
                Ok(())
            }
            Self::Threaded(thread) => thread.finish(selected),
        }
    }
}

impl SelectionThread {
    fn start(mut selector: UnitSelector) -> Result<Self> {
        let (requests, coming) = sync_channel::<SelectionRequest>(MAX_WAITING);
        let (decided, selected) = channel();
        let worker = Worker::spawn("selection", move || {
            let mut units = Vec::new();
            for SelectionRequest { descriptor, avoid, allowed } in coming {
                let constraints = Constraints { only: allowed.as_deref(), avoid: &avoid };
                selector.push_on(&descriptor, &constraints, &mut units);
                // Without a receiver the soundtrack was given up.
                if !units.is_empty() && decided.send(std::mem::take(&mut units)).is_err() {
                    return Ok(());
                }
            }
            selector.finish(&mut units);
            let _ = decided.send(units);
            Ok(())
        })?;
        Ok(Self { requests: Some(requests), selected, worker })
    }

    fn push(&mut self, tick: &PendingTick, selected: &mut Vec<u32>) -> Result<()> {
        let request = SelectionRequest {
            descriptor: tick.target.descriptor.clone(),
            avoid: tick.taken.clone(),
            allowed: tick.allowed.clone(),
        };
        let sent = self.requests.as_ref().is_some_and(|requests| requests.send(request).is_ok());
        selected.extend(self.selected.try_iter().flatten());
        // The thread takes requests until there are no more: if it does not, it died.
        if sent { Ok(()) } else { Err(self.worker.failure()) }
    }

    fn finish(&mut self, selected: &mut Vec<u32>) -> Result<()> {
        self.requests = None;
        selected.extend(self.selected.iter().flatten());
        // A channel that closes is the end of the film only if the thread ended well.
        self.worker.join()
    }
}
