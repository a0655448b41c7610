//! Evaluation of a brain: its soundtracks compared with the films' own, on footage that it was not trained
//! on, beside baselines.
//!
//! A film that the brain was trained on is evaluated on the ten-second blocks that were held out; any other
//! film is evaluated as a whole. Each version of a film's sound is compared frame by frame with the film's
//! own ([`kinophone_dsp::metrics`]):
//!
//! | version | is |
//! |---|---|
//! | `ours` | the brain, with the synth that suits it |
//! | `live` | the same with the networks for live use, without lookahead |
//! | `rolled` | ours, moved to other pictures: the level that the statistics of the sound reach by themselves |
//! | `mean` | noise with the mean spectrum of the training sound |
//! | `silence` | digital silence |
//! | `classic` | a network of 2015, trained on the same films and split |
//!
//! The result is a [`Report`], and a folder with it as `report.json` and as one page that needs no other
//! file. None of the figures replaces listening, so the page plays every version.

mod baseline;
mod card;
mod context;
mod curves;
mod date;
mod evaluate;
mod figures;
mod film;
mod further;
mod gallery;
mod naming;
mod page;
mod pictures;
mod plan;
mod prose;
mod report;
mod retraining;
mod shown_film;
mod sound;
mod still;
mod timbre;
mod versions;

pub use card::{Card, card};
pub use evaluate::evaluate;
pub use gallery::{Gallery, GalleryCell, GalleryPlan, make_gallery};
pub use plan::EvalPlan;
pub use report::{Figures, FilmReport, FurtherMeasures, MeasuredBesideChance, Report, Version};
