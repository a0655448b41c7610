//! Whose sounds a soundtrack is made of: every piece of it with its place there and in its source.

use super::stock::Stock;
use crate::corpus::Source;
use crate::{Error, Kind, Result};
use kinophone_dsp::synth::mosaic::{Choice, MosaicConfig};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The layout that this code writes, and the newest that it reads.
const VERSION: u32 = 1;

/// What sounds when, and where it comes from. For mosaics: grains lie around the pieces that are named here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// 1.
    pub version: u32,
    /// File name of the film.
    pub film: String,
    /// Name of the brain's content.
    pub brain: String,
    /// Length of the soundtrack in seconds.
    pub seconds: f64,
    /// Those whose sounds are played.
    pub sources: Vec<Credited>,
    /// In the order of time, without gaps.
    pub pieces: Vec<Piece>,
}

/// A source, and its terms as far as they are known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Credited {
    /// File name.
    pub name: String,
    /// BLAKE3 of the file.
    pub blake3: String,
    /// Title.
    pub title: Option<String>,
    /// Author.
    pub author: Option<String>,
    /// Licence.
    pub licence: Option<String>,
    /// Where it comes from.
    pub origin: Option<String>,
}

/// A piece of a source that runs on without a jump.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Piece {
    /// Where it begins in the soundtrack, in seconds; a cross-fade of some milliseconds lies around that.
    pub at: f64,
    /// How long it lasts, in seconds.
    pub seconds: f64,
    /// Number of its source.
    pub source: usize,
    /// Where it begins in the source, in seconds; it may be moved by up to 5 ms to fit what sounded before.
    pub source_at: f64,
    /// Mean of its gain in dB.
    pub gain_db: f32,
    /// Its power on the average, silence of the gate included, in dB: 10 log10 of the mean square.
    pub level_db: f64,
}

/// A source's part of a soundtrack.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Credit {
    /// The source.
    pub source: Credited,
    /// Seconds for which it is played.
    pub seconds: f64,
    /// Its share of the energy of the whole, 0 to 1.
    pub share: f64,
    /// When it is heard first, in seconds.
    pub first: f64,
}

impl Score {
    /// Whose sounds these are: the largest share of the energy first. All shares together are 1, or 0 in a silent soundtrack.
    pub fn credits(&self) -> Vec<Credit> {
        let energy = |piece: &Piece| piece.seconds * 10f64.powf(piece.level_db / 10.0);
        let all: f64 = self.pieces.iter().map(energy).sum();
        let mut credits: Vec<Credit> = Vec::new();
        for (number, source) in self.sources.iter().enumerate() {
            let own: Vec<&Piece> = self.pieces.iter().filter(|piece| piece.source == number).collect();
            let Some(first) = own.first() else { continue };
            credits.push(Credit {
                source: source.clone(),
                seconds: own.iter().map(|piece| piece.seconds).sum(),
                share: own.iter().map(|piece| energy(piece)).sum::<f64>() / all.max(f64::MIN_POSITIVE),
                first: first.at,
            });
        }
        credits.sort_by(|a, b| b.share.total_cmp(&a.share));
        credits
    }

    /// One line a piece, with a heading; times in seconds.
    pub fn csv(&self) -> String {
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let mut text = "at,seconds,source,source_at,gain_db,level_db\n".to_owned();
        for piece in &self.pieces {
            let name = self.sources.get(piece.source).map_or("", |source| &source.name);
            text += &format!(
                "{:.6},{:.6},{},{:.6},{:.2},{:.2}\n",
                piece.at,
                piece.seconds,
                quoted(name),
                piece.source_at,
                piece.gain_db,
                piece.level_db
            );
        }
        text
    }

    /// Reads what was written as JSON.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
        let damaged = |what: String| {
            Error::new(Kind::Damaged, what)
                .at(path)
                .help("name the .json that 'kinophone render --score' wrote")
        };
        let score: Self = serde_json::from_slice(&bytes).map_err(|e| damaged(format!("is no score: {e}")))?;
        if score.version > VERSION {
            return Err(damaged(format!("was written by a newer Kinophone (format {})", score.version)));
        }
        if score.pieces.iter().any(|piece| piece.source >= score.sources.len()) {
            return Err(damaged("names a source that it does not list".to_owned()));
        }
        Ok(score)
    }
}

impl From<&Source> for Credited {
    fn from(source: &Source) -> Self {
        Self {
            name: source.name.clone(),
            blake3: source.blake3.clone(),
            title: source.title.clone(),
            author: source.author.clone(),
            licence: source.licence.clone(),
            origin: source.origin.clone(),
        }
    }
}

/// Pieces as they are chosen, tick by tick.
#[derive(Default)]
pub(super) struct Notation {
    runs: Vec<Run>,
    ticks: i64,
}

struct Run {
    first: i64,
    ticks: i64,
    film: usize,
    /// Tick of the source at which it begins.
    from: i64,
    gain_db: f64,
    energy: f64,
}

impl Notation {
    /// Writes down the next tick.
    pub(super) fn push(&mut self, choice: &Choice, stock: &Stock<'_>, config: &MosaicConfig) {
        let (film, tick) = stock.sound.place(choice.unit as usize).unwrap_or_default();
        let gain_db = f64::from(choice.gain_db(&stock.units, config));
        let gate = f64::from(choice.gate_amplitude(config));
        let loudness = f64::from(stock.units.loudness_db(choice.unit)) + gain_db;
        let energy = gate * gate * 10f64.powf(loudness / 10.0);
        match self.runs.last_mut() {
            Some(run) if run.film == film && run.from + run.ticks == tick => {
                run.ticks += 1;
                run.gain_db += gain_db;
                run.energy += energy;
            }
            _ => self.runs.push(Run { first: self.ticks, ticks: 1, film, from: tick, gain_db, energy }),
        }
        self.ticks += 1;
    }

    /// All of it, of a soundtrack that lasts `seconds`.
    pub(super) fn pieces(&self, stock: &Stock<'_>, seconds: f64) -> Vec<Piece> {
        let grid = stock.sound.grid();
        let time = |tick: i64| grid.start_sample(tick) as f64 / f64::from(grid.rate.hz());
        let piece = |run: &Run| {
            let (at, end) = (time(run.first).min(seconds), time(run.first + run.ticks).min(seconds));
            let ticks = run.ticks as f64;
            Piece {
                at,
                seconds: end - at,
                source: run.film,
                source_at: time(run.from),
                gain_db: (run.gain_db / ticks) as f32,
                level_db: 10.0 * (run.energy / ticks).max(1e-12).log10(),
            }
        };
        self.runs.iter().map(piece).filter(|piece| piece.seconds > 0.0).collect()
    }
}

/// A score of those pieces.
pub(super) fn score(
    film: &Path,
    brain: &str,
    seconds: f64,
    sources: Vec<Credited>,
    pieces: Vec<Piece>,
) -> Score {
    let film = film.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Score { version: VERSION, film, brain: brain.to_owned(), seconds, sources, pieces }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str) -> Credited {
        let none = None::<String>;
        Credited {
            name: name.to_owned(),
            blake3: "0".repeat(64),
            title: none.clone(),
            author: none.clone(),
            licence: none.clone(),
            origin: none,
        }
    }

    fn piece(at: f64, seconds: f64, source: usize, level_db: f64) -> Piece {
        Piece { at, seconds, source, source_at: 1.5, gain_db: -2.0, level_db }
    }

    #[test]
    fn credits_share_out_the_energy() {
        let sources = ["quiet", "unheard", "loud, \"x\""].map(source).to_vec();
        let pieces = vec![piece(0.0, 1.0, 0, -30.0), piece(1.0, 2.0, 2, -20.0), piece(3.0, 1.0, 0, -30.0)];
        let score = score(Path::new("a/film.mp4"), "b", 4.0, sources, pieces);
        let credits = score.credits();
        let told: Vec<(&str, f64, f64)> =
            credits.iter().map(|c| (&*c.source.name, c.seconds, c.first)).collect();
        assert_eq!(told, [("loud, \"x\"", 2.0, 1.0), ("quiet", 2.0, 0.0)]);
        assert!(
            (credits[0].share - 20.0 / 22.0).abs() < 1e-9 && (credits[1].share - 2.0 / 22.0).abs() < 1e-9
        );
        assert_eq!(
            score.csv().lines().nth(2),
            Some("1.000000,2.000000,\"loud, \"\"x\"\"\",1.500000,-2.00,-20.00")
        );
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("s.json");
        std::fs::write(&file, serde_json::to_vec(&score).unwrap()).unwrap();
        assert_eq!(Score::read(&file).unwrap(), score);
        let newer = Score { version: 2, ..score.clone() };
        let lost = Score { sources: Vec::new(), ..score };
        for wrong in [serde_json::to_vec(&newer).unwrap(), serde_json::to_vec(&lost).unwrap(), b"{}".to_vec()]
        {
            std::fs::write(&file, wrong).unwrap();
            assert_eq!(Score::read(&file).unwrap_err().kind(), Kind::Damaged);
        }
    }
}
