//! Trainings of the same kind as the brain's own: other parts held out, other seeds, less footage; and the method of 2015 on
//! the same films.
//!
//! They have the brain's settings, except that networks for live use are left out: what is judged here plays films.

use crate::brain::Brain;
use crate::classic::{self, ClassicConfig, ClassicTraining, DatasetRows, RowSplit, RunFiles};
use crate::dataset::{Corpus, HoldOut, Shard, TickDataset, TickSpan};
use crate::eval::curves::{self, Curves, Kept};
use crate::eval::report::{Figures, FoldRow, Folds, GrowthRow, SeedRow, Seeds};
use crate::eval::subject::{self, Subject};
use crate::eval::{EvalContext, EvalPlan, EvalPlayer};
use crate::model::{self, Ensemble, EnsembleTraining};
use crate::render::GivenPictures;
use crate::storage::Overwrite;
use crate::{Error, Kind, Result};

/// Side of the pictures that networks of 2015 see; those with memory look at the shard's own.
const SIZE: u32 = 64;
/// The five rules that leave every block out once, by the number that they leave.
const FOLDS: [HoldOut; 5] =
    [HoldOut::Fold0, HoldOut::Fold1, HoldOut::Fold2, HoldOut::Fold3, HoldOut::Every5th];
/// Parts of the footage from which growth is seen.
const SHARES: [f64; 3] = [0.25, 0.5, 1.0];

/// What came of all further trainings.
pub(crate) struct RetrainingPlan {
    pub(crate) folds: Option<Folds>,
    pub(crate) seeds: Option<Seeds>,
    pub(crate) growth: Option<Vec<GrowthRow>>,
}

/// Refuses what can't be done, before any work.
pub(crate) fn check(brain: &Brain, how: &EvalPlan) -> Result<()> {
    let refused = |what: &str, help: &str| Err(Error::new(Kind::Invalid, what).at(&how.brain).help(help));
    let asked =
        [(how.folds.is_some(), "--folds"), (how.seeds.is_some(), "--seeds"), (how.growth, "--growth")];
    let Some((_, option)) = asked.iter().find(|(is, _)| *is) else { return Ok(()) };
    if matches!(brain, Brain::Classic(_)) {
        return refused(
            &format!("is a network of 2015, which is not trained again for {option}"),
            &format!("leave {option} out, or judge a brain of the preset ensemble"),
        );
    }
    if brain.hold_out() == HoldOut::None && (how.seeds.is_some() || how.growth) {
        return refused(
            "held nothing out, so other trainings can't be judged on the same film",
            "use --folds 5, or train it again without --hold-out none",
        );
    }
    Ok(())
}

pub(crate) fn all(bench: &EvalContext<'_>, subjects: &[Subject]) -> Result<RetrainingPlan> {
    let how = bench.how;
    let nothing = RetrainingPlan { folds: None, seeds: None, growth: None };
    let Brain::Ensemble(brain) = bench.brain else { return Ok(nothing) };
    if how.folds.is_none() && how.seeds.is_none() && !how.growth {
        return Ok(nothing);
    }
    let school = Retrainer::open(bench, brain, subjects)?;
    Ok(RetrainingPlan {
        folds: how.folds.map(|count| school.folds(count)).transpose()?,
        seeds: how.seeds.map(|count| school.seeds(count)).transpose()?,
        growth: how.growth.then(|| school.growth()).transpose()?,
    })
}

/// Where brains like the one in question are trained and judged.
struct Retrainer<'a> {
    bench: &'a EvalContext<'a>,
    brain: &'a Ensemble,
    subjects: &'a [Subject],
    /// All that it learned from, with their own sound.
    films: Vec<(Shard, Curves)>,
}

impl<'a> Retrainer<'a> {
    fn open(bench: &'a EvalContext<'a>, brain: &'a Ensemble, subjects: &'a [Subject]) -> Result<Self> {
        let mut films = Vec::new();
        for shard in subject::lessons(bench.brain, subjects, &bench.how.cache)? {
            let known = subjects.iter().find(|s| s.shard.source().blake3 == shard.source().blake3);
            let sound = match known {
                Some(subject) => bench.original(subject)?,
                None => crate::eval::sound_of_shard(&shard),
            };
            films.push((shard, Curves::of(&sound, bench.fps())));
        }
        Ok(Self { bench, brain, subjects, films })
    }

    /// The brain's own settings.
    fn training(&self) -> EnsembleTraining {
        EnsembleTraining { live: false, ..self.brain.training().clone() }
    }

    /// Trains on a share of the footage. Gives the player and the seconds that it learned from.
    fn train(&self, training: EnsembleTraining, share: f64, number: usize) -> Result<(EvalPlayer, f64)> {
        let EvalContext { task, scratch, .. } = *self.bench;
        let dataset = self.dataset(&training, share)?;
        let seconds = TickSpan::total(dataset.training()) as f64 / self.bench.fps();
        let ledger = self.brain.ledger().to_vec();
        let (brain, interrupted) = model::train(&dataset, training, ledger, task)?;
        if interrupted {
            return Err(Error::interrupted());
        }
        let file = scratch.join(format!("{number}.brain"));
        brain.save(&file, Overwrite::Replace)?;
        Ok((EvalPlayer { file, size: brain.config().size, colour: brain.features().colour() }, seconds))
    }

    fn dataset(&self, training: &EnsembleTraining, share: f64) -> Result<TickDataset> {
        let shards = subject::lessons(self.bench.brain, self.subjects, &self.bench.how.cache)?;
        let corpus = Corpus { shards };
        let options = training.dataset_options(self.brain.config().grid);
        let mut dataset = TickDataset::new(corpus, &options, self.bench.scratch, self.bench.task)?;
        if share < 1.0 {
            dataset.keep_training_share(share);
        }
        Ok(dataset)
    }

    /// Plays to all films, and judges on the blocks that the rule holds out: the mean over films, by their length. `None`
    /// where no film has such a block.
    fn judge(&self, player: &EvalPlayer, rule: HoldOut) -> Result<Option<Figures>> {
        let bench = self.bench;
        let mut sum = MeanScore::default();
        for (shard, reference) in &self.films {
            let pictures = GivenPictures::of(shard, player.size, player.colour)?;
            let name = shard.source().name.clone();
            let how = (false, bench.how.loudness);
            let file = bench.playback().render(player, &name, pictures, how, "again.wav")?;
            let generated = Curves::of(&bench.listen(&file, shard.time(0))?, bench.fps());
            let frames = reference.frames().min(generated.frames());
            let kept = Kept::new(frames, bench.fps(), |block| rule.holds(block));
            if let Some(scores) = curves::score(reference, &generated, &kept) {
                sum.add(&scores.measures.into(), kept.frames.len() as f64);
            }
        }
        Ok(sum.mean())
    }

    fn folds(&self, count: usize) -> Result<Folds> {
        let own = self.brain.training().hold_out;
        // The brain's own rule comes first, for its training is there already.
        let mut rules: Vec<(u32, HoldOut)> = (0..).zip(FOLDS).collect();
        rules.sort_by_key(|(_, rule)| *rule != own);
        rules.truncate(count);
        rules.sort_by_key(|(number, _)| *number);
        let mut rows = Vec::new();
        for (done, (fold, rule)) in rules.into_iter().enumerate() {
            self.bench.task.watcher.say(&format!("fold {} of {count}", done + 1));
            let player = if rule == own {
                self.bench.player()
            } else {
                let training = EnsembleTraining { hold_out: rule, ..self.training() };
                self.train(training, 1.0, done)?.0
            };
            rows.extend(self.judge(&player, rule)?.map(|figures| FoldRow { fold, figures }));
        }
        let figures: Vec<Figures> = rows.iter().map(|row| row.figures).collect();
        let Some((mean, low, high)) = spread(&figures) else {
            return Err(Error::new(Kind::Empty, "the films are too short for a cross-validation")
                .help("leave --folds out; five folds need fifty seconds of film or more"));
        };
        Ok(Folds { count: rows.len(), rows, mean, low, high })
    }

    fn seeds(&self, count: usize) -> Result<Seeds> {
        let own = self.brain.training();
        let mut rows = Vec::new();
        for k in 0..count {
            self.bench.task.watcher.say(&format!("seed {} of {count}", k + 1));
            let seed = own.seed.wrapping_add(k as u64);
            let player = match k {
                0 => self.bench.player(),
                _ => self.train(EnsembleTraining { seed, ..self.training() }, 1.0, k)?.0,
            };
            rows.extend(self.judge(&player, own.hold_out)?.map(|figures| SeedRow { seed, figures }));
        }
        let figures: Vec<Figures> = rows.iter().map(|row| row.figures).collect();
        let Some((mean, low, high)) = spread(&figures) else { return Err(no_held_out()) };
        Ok(Seeds { rows, mean, low, high })
    }

    fn growth(&self) -> Result<Vec<GrowthRow>> {
        let own = self.brain.training().hold_out;
        let mut rows = Vec::new();
        for (k, share) in SHARES.into_iter().enumerate() {
            self.bench.task.watcher.say(&format!("{:.0} % of the footage", 100.0 * share));
            let (player, seconds) = if share < 1.0 {
                self.train(self.training(), share, k)?
            } else {
                let dataset = self.dataset(&self.training(), share)?;
                (self.bench.player(), TickSpan::total(dataset.training()) as f64 / self.bench.fps())
            };
            let figures = self.judge(&player, own)?.ok_or_else(no_held_out)?;
            rows.push(GrowthRow { seconds: crate::eval::rounded(seconds, 1), figures });
        }
        Ok(rows)
    }
}

fn no_held_out() -> Error {
    Error::new(Kind::Empty, "no film that it learned from has a block of ten seconds that was held out")
        .help("leave --seeds and --growth out, or train on longer films")
}

/// Trains a network of 2015 with its own usual settings on the films and blocks that the brain learned from.
pub(crate) fn train_classic(bench: &EvalContext<'_>, subjects: &[Subject]) -> Result<EvalPlayer> {
    let EvalContext { task, scratch, how, .. } = *bench;
    let shards = subject::lessons(bench.brain, subjects, &how.cache)?;
    let config = ClassicConfig::new(bench.brain.grid(), SIZE, &crate::classic::preset("classic")?);
    let training = ClassicTraining { hold_out: bench.brain.hold_out(), ..ClassicTraining::default() };
    let options = config.row_options(&training);
    let corpus = Corpus { shards };
    let ledger = corpus.sources();
    let rows = DatasetRows::new(corpus, &options, scratch, task)?;
    let files = RunFiles { run: scratch.join("classic.run"), resume: false };
    std::fs::create_dir_all(&files.run).map_err(|e| Error::io("made", &files.run, e))?;
    let trained = classic::train(config, training, ledger, &rows, RowSplit::of(&rows), &files, task)?;
    if trained.interrupted {
        return Err(Error::interrupted());
    }
    let file = scratch.join("classic.brain");
    trained.brain.save(&file, Overwrite::Replace)?;
    Ok(EvalPlayer { file, size: SIZE, colour: false })
}

impl From<crate::eval::report::ReportMeasures> for Figures {
    fn from(m: crate::eval::report::ReportMeasures) -> Self {
        Self {
            onset_r: m.onset_r.value,
            loudness_r: m.loudness_r.value,
            logmel_l1: m.logmel_l1.value,
            comb_db: m.comb_db,
        }
    }
}

impl Figures {
    fn numbers(&self) -> [Option<f64>; 4] {
        [Some(self.onset_r), Some(self.loudness_r), Some(self.logmel_l1), self.comb_db]
    }

    fn from_numbers(numbers: [Option<f64>; 4]) -> Self {
        let [onset_r, loudness_r, logmel_l1] = [0, 1, 2].map(|k| numbers[k].unwrap_or(0.0));
        Self { onset_r, loudness_r, logmel_l1, comb_db: numbers[3] }
    }
}

/// A weighted mean of figures; of combs that of those that there are.
#[derive(Default)]
struct MeanScore {
    sums: [f64; 4],
    weights: [f64; 4],
}

impl MeanScore {
    fn add(&mut self, figures: &Figures, weight: f64) {
        for (k, number) in figures.numbers().into_iter().enumerate() {
            if let Some(number) = number {
                self.sums[k] += weight * number;
                self.weights[k] += weight;
            }
        }
    }

    fn mean(&self) -> Option<Figures> {
        let number = |k: usize| (self.weights[k] > 0.0).then(|| self.sums[k] / self.weights[k]);
        (self.weights[0] > 0.0).then(|| Figures::from_numbers([0, 1, 2, 3].map(number)))
    }
}

/// Student's t for 95 %, by degrees of freedom from 1 on.
const STUDENT: [f64; 10] = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];

/// The mean of trainings and its interval of 95 % by Student's t, which takes them for draws of one normal distribution.
/// `None` with fewer than two.
fn spread(rows: &[Figures]) -> Option<(Figures, Figures, Figures)> {
    let freedom = rows.len().checked_sub(1).filter(|n| *n > 0)?;
    let t = STUDENT.get(freedom - 1).copied().unwrap_or(1.96);
    let column = |k: usize| rows.iter().filter_map(move |row| row.numbers()[k]).collect::<Vec<f64>>();
    let mean = |k: usize| {
        let values = column(k);
        (values.len() == rows.len()).then(|| curves::mean(&values))
    };
    let half = |k: usize| {
        let (values, mean) = (column(k), mean(k)?);
        let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
        Some(t * (squares / freedom as f64 / rows.len() as f64).sqrt())
    };
    let end = |sign: f64| [0, 1, 2, 3].map(|k| Some(mean(k)? + sign * half(k)?));
    Some((
        Figures::from_numbers([0, 1, 2, 3].map(mean)),
        Figures::from_numbers(end(-1.0)),
        Figures::from_numbers(end(1.0)),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(x: f64) -> Figures {
        Figures { onset_r: x, loudness_r: 2.0 * x, logmel_l1: 0.5, comb_db: Some(x) }
    }

    #[test]
    fn the_interval_of_a_mean_is_students() {
        // For 1, 2, 3, 4, 5: mean 3, standard error 0.70711, t 2.776.
        let rows: Vec<Figures> = [1.0, 2.0, 3.0, 4.0, 5.0].map(figures).into();
        let (mean, low, high) = spread(&rows).unwrap();
        assert!((mean.onset_r - 3.0).abs() < 1e-12 && (mean.loudness_r - 6.0).abs() < 1e-12);
        assert!((high.onset_r - 3.0 - 1.962_94).abs() < 1e-4 && (low.onset_r - 3.0 + 1.962_94).abs() < 1e-4);
        assert_eq!((low.logmel_l1, high.logmel_l1, mean.comb_db), (0.5, 0.5, Some(3.0)));
        assert!(spread(&rows[..1]).is_none());
        let silent = Figures { comb_db: None, ..figures(1.0) };
        assert_eq!(spread(&[figures(1.0), silent]).unwrap().0.comb_db, None);
    }

    #[test]
    fn films_count_by_their_length() {
        let mut mean = MeanScore::default();
        assert!(mean.mean().is_none());
        mean.add(&figures(1.0), 30.0);
        mean.add(&Figures { comb_db: None, ..figures(0.0) }, 10.0);
        assert_eq!(mean.mean().unwrap(), Figures { comb_db: Some(1.0), ..figures(0.75) });
    }
}
