//! Further trainings like the brain's own: with other parts held out, other seeds, or less footage; and a
//! network of 2015 on the same films.
//!
//! They have the brain's settings, but no networks for live use, which are not evaluated here.

use crate::brain::Brain;
use crate::classic::DatasetRows;
use crate::classic::{self, ClassicConfig, ClassicTraining, RowOptions, RowSplit, RunFiles};
use crate::dataset::{Corpus, HeldOutFilm, HoldOut, Shard, TickDataset, TickSpan};
use crate::eval::context::{EvalContext, EvalPlayer, PlaybackMode};
use crate::eval::curves::{self, Curves, EvaluatedFrames};
use crate::eval::figures::{MeanFigures, MeanInterval, mean_interval, rounded};
use crate::eval::film::{EvalFilm, training_shards};
use crate::eval::naming::distinct;
use crate::eval::plan::EvalPlan;
use crate::eval::report::{
    Figures, FoldRow, Folds, GrowthRow, LeaveOneFilmOut, LeftOutFilmRow, SeedRow, Seeds,
};
use crate::eval::sound;
use crate::model::{self, Ensemble, EnsembleTraining};
use crate::render::GivenPictures;
use crate::storage::Overwrite;
use crate::{Error, Kind, Result};

/// Side of the pictures of the network of 2015; an ensemble takes the shard's own.
const CLASSIC_PICTURE_SIZE: u32 = 64;
/// The five rules that together hold out every block once, by the number of their blocks.
const FOLD_RULES: [HoldOut; 5] =
    [HoldOut::Fold0, HoldOut::Fold1, HoldOut::Fold2, HoldOut::Fold3, HoldOut::Every5th];
/// Shares of the footage on which the effect of more footage is measured.
const FOOTAGE_SHARES: [f64; 3] = [0.25, 0.5, 1.0];

/// The results of all further trainings.
#[derive(Default)]
pub(crate) struct Retrainings {
    pub(crate) folds: Option<Folds>,
    pub(crate) leave_one_film_out: Option<LeaveOneFilmOut>,
    pub(crate) seeds: Option<Seeds>,
    pub(crate) growth: Option<Vec<GrowthRow>>,
}

/// Fails on further trainings that are not possible, before any work.
pub(crate) fn check(brain: &Brain, plan: &EvalPlan) -> Result<()> {
    let refused = |what: &str, help: &str| Err(Error::new(Kind::Invalid, what).at(&plan.brain).help(help));
    let options = [
        (plan.folds.is_some(), "--folds"),
        (plan.leave_one_film_out, "--leave-one-film-out"),
        (plan.seeds.is_some(), "--seeds"),
        (plan.growth, "--growth"),
    ];
    let Some((_, option)) = options.iter().find(|(is, _)| *is) else { return Ok(()) };
    if matches!(brain, Brain::Classic(_)) {
        return refused(
            &format!("is a network of 2015, which {option} does not train again"),
            &format!("leave {option} out, or evaluate a brain of the preset ensemble"),
        );
    }
    if plan.leave_one_film_out && brain.ledger().len() < 2 {
        return refused(
            "was trained on one film, and without it nothing is left to train on",
            "train a brain on two films or more; --folds 5 leaves parts of a film out",
        );
    }
    if brain.hold_out() == HoldOut::None && (plan.seeds.is_some() || plan.growth) {
        return refused(
            "held nothing out of its films, so other trainings can't be evaluated on them",
            "use --folds 5, or train it again without --hold-out none",
        );
    }
    Ok(())
}

/// Trains and evaluates everything that the plan asks for.
pub(crate) fn retrain(context: &EvalContext<'_>, films: &[EvalFilm]) -> Result<Retrainings> {
    let plan = context.plan;
    let Brain::Ensemble(brain) = context.brain else { return Ok(Retrainings::default()) };
    if plan.folds.is_none() && !plan.leave_one_film_out && plan.seeds.is_none() && !plan.growth {
        return Ok(Retrainings::default());
    }
    let retrainer = Retrainer::open(context, brain, films)?;
    Ok(Retrainings {
        folds: plan.folds.map(|count| retrainer.folds(count)).transpose()?,
        leave_one_film_out: plan.leave_one_film_out.then(|| retrainer.leave_one_film_out()).transpose()?,
        seeds: plan.seeds.map(|count| retrainer.seeds(count)).transpose()?,
        growth: plan.growth.then(|| retrainer.growth()).transpose()?,
    })
}

/// Trains and evaluates brains with the settings of the one that is evaluated.
struct Retrainer<'a> {
    context: &'a EvalContext<'a>,
    brain: &'a Ensemble,
    films: &'a [EvalFilm],
    /// All films that the brain was trained on, with their own sound.
    training_films: Vec<(Shard, Curves)>,
}

impl<'a> Retrainer<'a> {
    fn open(context: &'a EvalContext<'a>, brain: &'a Ensemble, films: &'a [EvalFilm]) -> Result<Self> {
        let mut training_films = Vec::new();
        for shard in training_shards(context.brain, films, &context.plan.cache)? {
            let known = films.iter().find(|film| film.shard.source().blake3 == shard.source().blake3);
            let sound = match known {
                Some(film) => context.original(film)?,
                None => sound::of_shard(&shard),
            };
            training_films.push((shard, Curves::of(&sound, context.fps())));
        }
        Ok(Self { context, brain, films, training_films })
    }

    /// The brain's own settings.
    fn training(&self) -> EnsembleTraining {
        EnsembleTraining { live: false, ..self.brain.training().clone() }
    }

    /// Trains on a share of the footage. Returns the player and the seconds that it was trained on.
    fn train(&self, training: EnsembleTraining, share: f64, number: usize) -> Result<(EvalPlayer, f64)> {
        let EvalContext { task, scratch, .. } = *self.context;
        let dataset = self.dataset(&training, share)?;
        let seconds = TickSpan::total(dataset.training()) as f64 / self.context.fps();
        let mut ledger = self.brain.ledger().to_vec();
        ledger.retain(|source| training.held_out_films.iter().all(|film| film.blake3 != source.blake3));
        let (brain, interrupted) = model::train(&dataset, training, ledger, task)?;
        if interrupted {
            return Err(Error::interrupted());
        }
        let file = scratch.join(format!("{number}.brain"));
        brain.save(&file, Overwrite::Replace)?;
        Ok((EvalPlayer { file, size: brain.config().size, colour: brain.features().colour() }, seconds))
    }

    fn dataset(&self, training: &EnsembleTraining, share: f64) -> Result<TickDataset> {
        let shards = training_shards(self.context.brain, self.films, &self.context.plan.cache)?;
        let corpus = Corpus { shards };
        let options = training.dataset_options(self.brain.config().grid);
        let mut dataset = TickDataset::new(corpus, &options, self.context.scratch, self.context.task)?;
        if share < 1.0 {
            dataset.keep_training_share(share);
        }
        Ok(dataset)
    }

    /// Evaluates a player on all films, on the blocks that the rule holds out: the mean over films, weighted
    /// by their length. `None` where no film has such a block.
    fn evaluate(&self, player: &EvalPlayer, rule: HoldOut) -> Result<Option<Figures>> {
        let mut mean = MeanFigures::default();
        for film in &self.training_films {
            if let Some((figures, seconds)) = self.evaluate_film(player, film, |block| rule.holds(block))? {
                mean.add(&figures, seconds);
            }
        }
        Ok(mean.mean())
    }

    /// Evaluates a player on those blocks of a film, and gives the seconds in them. `None` where they are too
    /// short.
    fn evaluate_film(
        &self,
        player: &EvalPlayer,
        (shard, reference): &(Shard, Curves),
        evaluates: impl Fn(i64) -> bool,
    ) -> Result<Option<(Figures, f64)>> {
        let context = self.context;
        let mode = PlaybackMode { live: false, loudness: context.plan.loudness };
        let pictures = GivenPictures::of(shard, player.size, player.colour)?;
        let film = (&shard.source().name[..], pictures);
        let file = context.playback().render(player, film, mode, "again.wav")?;
        let generated = Curves::of(&context.decode(&file, shard.time(0))?, context.fps());
        let common = reference.frames().min(generated.frames());
        let seen = curves::frames_with_picture(shard.time(0), common, context.fps());
        let frames = EvaluatedFrames::new(seen, context.fps(), evaluates);
        let scores = curves::score(reference, &generated, &frames);
        Ok(scores.map(|scores| (Figures::from(&scores.measures), frames.seconds())))
    }

    fn folds(&self, count: usize) -> Result<Folds> {
        let own = self.brain.training().hold_out;
        // The brain's own rule comes first: that training is there already.
        let mut rules: Vec<(u32, HoldOut)> = (0..).zip(FOLD_RULES).collect();
        rules.sort_by_key(|(_, rule)| *rule != own);
        rules.truncate(count);
        rules.sort_by_key(|(number, _)| *number);
        let mut rows = Vec::new();
        for (done, (fold, rule)) in rules.into_iter().enumerate() {
            self.context.task.watcher.say(&format!("fold {} of {count}", done + 1));
            let player = if rule == own {
                self.context.player()
            } else {
                let training = EnsembleTraining { hold_out: rule, ..self.training() };
                self.train(training, 1.0, done)?.0
            };
            rows.extend(self.evaluate(&player, rule)?.map(|figures| FoldRow { fold, figures }));
        }
        let figures: Vec<Figures> = rows.iter().map(|row| row.figures).collect();
        let Some(MeanInterval { mean, low, high }) = mean_interval(&figures) else {
            return Err(Error::new(Kind::Empty, "the films are too short for a cross-validation")
                .help("leave --folds out; five folds need fifty seconds of film or more"));
        };
        Ok(Folds { count: rows.len(), rows, mean, low, high })
    }

    fn leave_one_film_out(&self) -> Result<LeaveOneFilmOut> {
        let films = &self.training_films;
        let names = distinct(films.iter().map(|(shard, _)| shard.source().name.clone()).collect());
        let mut rows = Vec::new();
        for (k, (film, name)) in films.iter().zip(names).enumerate() {
            let watcher = self.context.task.watcher;
            watcher.say(&format!("film {} of {}: without {name}", k + 1, films.len()));
            let player = self.train(self.training_without(&film.0), 1.0, k)?.0;
            match self.evaluate_film(&player, film, |_| true)? {
                Some((figures, seconds)) => {
                    rows.push(LeftOutFilmRow { film: name, seconds: rounded(seconds, 1), figures });
                }
                None => watcher.warn(&format!("{name} is left out: it is too short to be evaluated")),
            }
        }
        let figures: Vec<Figures> = rows.iter().map(|row| row.figures).collect();
        let (mean, low, high) = match (mean_interval(&figures), &figures[..]) {
            (Some(interval), _) => (interval.mean, Some(interval.low), Some(interval.high)),
            (None, [one]) => (*one, None, None),
            (None, _) => {
                return Err(Error::new(Kind::Empty, "the films are too short to be evaluated")
                    .help("leave --leave-one-film-out out, or train on longer films"));
            }
        };
        Ok(LeaveOneFilmOut { rows, mean, low, high })
    }

    /// The brain's own settings, and that film held out.
    fn training_without(&self, film: &Shard) -> EnsembleTraining {
        let source = film.source();
        let left_out = HeldOutFilm { name: source.name.clone(), blake3: source.blake3.clone() };
        EnsembleTraining { held_out_films: vec![left_out], ..self.training() }
    }

    fn seeds(&self, count: usize) -> Result<Seeds> {
        let own = self.brain.training();
        let mut rows = Vec::new();
        for k in 0..count {
            self.context.task.watcher.say(&format!("seed {} of {count}", k + 1));
            let seed = own.seed.wrapping_add(k as u64);
            let player = match k {
                0 => self.context.player(),
                _ => self.train(EnsembleTraining { seed, ..self.training() }, 1.0, k)?.0,
            };
            rows.extend(self.evaluate(&player, own.hold_out)?.map(|figures| SeedRow { seed, figures }));
        }
        let figures: Vec<Figures> = rows.iter().map(|row| row.figures).collect();
        let Some(MeanInterval { mean, low, high }) = mean_interval(&figures) else {
            return Err(no_held_out());
        };
        Ok(Seeds { rows, mean, low, high })
    }

    fn growth(&self) -> Result<Vec<GrowthRow>> {
        let own = self.brain.training().hold_out;
        let mut rows = Vec::new();
        for (k, share) in FOOTAGE_SHARES.into_iter().enumerate() {
            self.context.task.watcher.say(&format!("{:.0} % of the footage", 100.0 * share));
            let (player, seconds) = if share < 1.0 {
                self.train(self.training(), share, k)?
            } else {
                let dataset = self.dataset(&self.training(), share)?;
                (self.context.player(), TickSpan::total(dataset.training()) as f64 / self.context.fps())
            };
            let figures = self.evaluate(&player, own)?.ok_or_else(no_held_out)?;
            rows.push(GrowthRow { seconds: rounded(seconds, 1), figures });
        }
        Ok(rows)
    }
}

fn no_held_out() -> Error {
    Error::new(Kind::Empty, "no film that the brain was trained on has a held-out block of ten seconds")
        .help("leave --seeds and --growth out, or train on longer films")
}

/// Trains a network of 2015 with its own default settings on the films and blocks that the brain was trained
/// on.
pub(crate) fn train_classic(context: &EvalContext<'_>, films: &[EvalFilm]) -> Result<EvalPlayer> {
    let EvalContext { task, scratch, plan, .. } = *context;
    let shards = training_shards(context.brain, films, &plan.cache)?;
    let config = ClassicConfig::new(context.brain.grid(), CLASSIC_PICTURE_SIZE, &classic::preset("classic")?);
    let training = ClassicTraining { hold_out: context.brain.hold_out(), ..ClassicTraining::default() };
    let options = RowOptions::of(&config, &training);
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
    Ok(EvalPlayer { file, size: CLASSIC_PICTURE_SIZE, colour: false })
}
