//! A brain of either kind, as a file holds it: the ensemble of today, or a network of 2015.

use crate::Result;
use crate::classic::{ClassicBrain, Imported};
use crate::dataset::{HeldOutFilm, HoldOut};
use crate::ledger::{Source, Terms};
use crate::model::Ensemble;
use crate::storage::Overwrite;
use crate::tensor_file::{self, Form};
use kinophone_dsp::units::TickGrid;
use std::path::Path;

/// A brain of either kind, as a file holds it.
pub enum Brain {
    /// One network, picture to samples: the method of 2015.
    Classic(Box<ClassicBrain>),
    /// Members that predict descriptions of sound, and the sound to play with.
    Ensemble(Box<Ensemble>),
}

impl Brain {
    /// Reads and checks a brain file: structure, checksum, finite weights.
    pub fn load(path: &Path) -> Result<Self> {
        let raw = tensor_file::open(path, &[Form::Brain, Form::Ensemble])?;
        let brain = match raw.form {
            Form::Ensemble => raw.contents().and_then(Ensemble::check).map(|b| Self::Ensemble(Box::new(b))),
            _ => raw.contents().and_then(ClassicBrain::check).map(|b| Self::Classic(Box::new(b))),
        };
        brain.map_err(|e| e.at(path))
    }

    /// The films it learned from.
    pub fn ledger(&self) -> &[Source] {
        match self {
            Self::Classic(brain) => brain.ledger(),
            Self::Ensemble(brain) => brain.ledger(),
        }
    }

    /// Replaces the terms of a film of the ledger, where it has that many. A brain that is saved then has another id.
    pub fn set_terms(&mut self, film: usize, terms: Terms) {
        match self {
            Self::Classic(brain) => brain.set_terms(film, terms),
            Self::Ensemble(brain) => brain.set_terms(film, terms),
        }
    }

    /// Writes the brain.
    pub fn save(&self, path: &Path, overwrite: Overwrite) -> Result<()> {
        match self {
            Self::Classic(brain) => brain.save(path, overwrite),
            Self::Ensemble(brain) => brain.save(path, overwrite),
        }
    }

    /// The file of another program that it was taken from, where it did not learn here; its ledger is empty then.
    pub fn imported(&self) -> Option<&Imported> {
        match self {
            Self::Classic(brain) => brain.imported(),
            Self::Ensemble(_) => None,
        }
    }

    /// Short name of its content: BLAKE3 over description and weights, 64 hexadecimal digits.
    pub fn id(&self) -> &str {
        match self {
            Self::Classic(brain) => brain.id(),
            Self::Ensemble(brain) => brain.id(),
        }
    }

    /// Blocks of its films that it never saw; none where nobody knows, as of brains of 2015.
    pub fn hold_out(&self) -> HoldOut {
        match self {
            Self::Classic(brain) => brain.training().map_or(HoldOut::None, |training| training.hold_out),
            Self::Ensemble(brain) => brain.training().hold_out,
        }
    }

    /// Films that were held out of its training as a whole; they are not in its ledger.
    pub fn held_out_films(&self) -> &[HeldOutFilm] {
        match self {
            Self::Classic(_) => &[],
            Self::Ensemble(brain) => &brain.training().held_out_films,
        }
    }

    /// The seed of its training; `None` where nobody knows.
    pub fn seed(&self) -> Option<u64> {
        match self {
            Self::Classic(brain) => brain.training().map(|training| training.seed),
            Self::Ensemble(brain) => Some(brain.training().seed),
        }
    }

    /// Tick, and the rate of the sound that it predicts.
    pub fn grid(&self) -> TickGrid {
        match self {
            Self::Classic(brain) => brain.config().grid,
            Self::Ensemble(brain) => brain.config().grid,
        }
    }

    /// Side of the square pictures that it takes.
    pub fn size(&self) -> u32 {
        match self {
            Self::Classic(brain) => brain.config().size,
            Self::Ensemble(brain) => brain.config().size,
        }
    }

    /// True if it uses colour.
    pub fn colour(&self) -> bool {
        match self {
            Self::Classic(brain) => brain.config().colour,
            Self::Ensemble(brain) => brain.features().colour(),
        }
    }
}
