//! How an ensemble learns: look, listen, train every member, weigh, judge.

pub mod calibration;
pub mod config;
pub mod data_checks;
pub mod learning_curve;
pub mod sampling;
pub mod step_budget;
pub mod validation;

use crate::dataset::{AudioFeatures, FilmTicks, TickDataset, TickSpan};
use crate::ledger::Source;
use crate::model::controls::{ControlScaler, OUTPUTS, losses};
use crate::model::descriptor::{DESCRIPTOR, UNIT};
use crate::model::ensemble::{Ensemble, EnsembleConfig, EnsembleDescription, UnitFeatures};
use crate::model::features::config::ViewConfig;
use crate::model::features::stream::{Augmentation, FeatureStream};
use crate::model::features::{CLIP, FramePair, VisualFeatures};
use crate::model::inference::MemberStreams;
use crate::model::knn::KnnRegressor;
use crate::model::member::{MemberConfig, MemberUse, Predictor, PredictorConfig};
use crate::model::training::calibration::{Calibration, TRIALS};
use crate::model::training::config::{EnsembleTraining, MemberKind};
use crate::model::training::data_checks::FootageStats;
use crate::model::training::learning_curve::{OnsetCurves, rounded};
use crate::model::training::sampling::{QuantizedFeatures, TrainingWindows};
use crate::model::training::step_budget::{NetworkBudget, PROBE, StepBudget};
use crate::model::training::validation::ValidationScore;
use crate::model::training_audio::TrainingAudio;
use crate::task::Task;
use crate::{Error, Kind, Result};
use kinophone_dsp::metrics::correlation;
use kinophone_nn::sequence::{Architecture, HyperParams, Loss, LossKind, SequenceNet, SequenceTrainer};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;
use std::ops::Range;
use std::time::Instant;

/// Windows a step, and ticks a window.
const WINDOWS: usize = 16;
const TICKS: usize = 128;
/// Ticks at the beginning of a window whose errors do not count, since a network has no memory yet.
const LEAD: usize = 16;
/// Deviation of the noise on what members see in training.
const NOISE: f32 = 0.1;
/// Steps in which the step size rises.
const WARM_UP: u32 = 20;
/// By how many ticks the recurrent members for films look ahead.
const AHEAD: usize = 10;
/// Pictures that are looked at together.
const BATCH: usize = 128;
/// In this share of windows the scene looks strange throughout: what describes the picture is moved by numbers of this
/// deviation, so that networks learn to rely on motion where they do not know the scene.
const STRANGE: f32 = 0.3;
const STRANGENESS: f32 = 1.5;
/// From this correlation of onsets on validation blocks on, onsets count fully when sound is chosen.
const PREDICTABLE: f64 = 0.2;
/// From this correlation of loudness on validation blocks on, the picture tells the sound, as in drawn sound: what looks
/// alike sounds alike, down to its pitch.
const TOLD: f64 = 0.9;
/// What the distance between pictures then weighs, and otherwise.
const PICTURE_TELLS: f32 = 1.5;
const PICTURE_HELPS: f32 = 0.5;

/// Trains an ensemble on dataset of one hop at 22 050 Hz. Ctrl-C (the task's cancel flag) ends it with what was learned so
/// far, once there is something; `true` says so.
pub fn train(
    dataset: &TickDataset,
    training: EnsembleTraining,
    ledger: Vec<Source>,
    task: Task<'_>,
) -> Result<(Ensemble, bool)> {
    let begun = Instant::now();
    let lesson = EnsembleTrainer::prepare(dataset, training, task)?;
    let configs = lesson.members();
    if configs.is_empty() {
        let what = "there is nothing to learn with: a memory compares motion and appearance, and neither is looked for";
        return Err(Error::new(Kind::Invalid, what)
            .help("add motion or appearance to --see, or a network to --net, such as tcn"));
    }
    let networks = configs.iter().filter(|config| config.is_network()).count() as f64 + TRIALS;
    let mut pace = StepBudget::new(lesson.training.steps, lesson.training.minutes, begun, networks);
    let trial = lesson.try_out(&configs, &mut pace)?;
    let configs = trial.suited(configs);
    let mut members = Vec::new();
    for (i, config) in configs.iter().enumerate() {
        // Whoever interrupts gets what has been learned by then: at least the first member.
        if task.cancel.is_cancelled() && !members.is_empty() {
            break;
        }
        let what = format!("training member {} of {}", i + 1, configs.len());
        let allowance = pace.next(f64::from(config.is_network()));
        members.push(lesson.learn(&what, i, config, &lesson.lessons, allowance)?.0);
    }
    let interrupted = task.cancel.is_cancelled();
    Ok((lesson.finish(members, trial, ledger), interrupted))
}

/// Everything that training needs, in memory.
struct EnsembleTrainer<'a> {
    dataset: &'a TickDataset,
    training: EnsembleTraining,
    task: Task<'a>,
    eye: VisualFeatures,
    voice: ControlScaler,
    reels: Vec<FilmFeatures>,
    /// Training rows.
    lessons: Vec<TickSpan>,
    /// What the films lack to be learned from.
    lacks: Vec<String>,
}

/// A film: what the eye saw, and what was heard.
struct FilmFeatures {
    seen: QuantizedFeatures,
    /// The same, filmed in other ways.
    variations: Vec<QuantizedFeatures>,
    heard: AudioFeatures,
}

/// Filmed from a little elsewhere, by another light, or in a mirror.
fn variation(seed: u64, number: u32) -> Augmentation {
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0x7a51_a710);
    random.set_stream(u64::from(number));
    let mut around = |by: f32| random.random_range(-by..=by);
    Augmentation {
        moved: (around(0.08), around(0.08)),
        scale: around(0.15).exp(),
        contrast: around(0.25).exp(),
        brightness: around(0.05),
        mirrored: number.is_multiple_of(2),
    }
}

impl<'a> EnsembleTrainer<'a> {
    fn prepare(dataset: &'a TickDataset, training: EnsembleTraining, task: Task<'a>) -> Result<Self> {
        let reels: Vec<FilmTicks<'_>> = dataset.films().collect();
        task.watcher.stage("learning what to look at", "pictures", None);
        let pictures = training_pictures(dataset);
        if pictures.is_empty() {
            return Err(Error::new(
                Kind::Empty,
                "there is nothing to learn from: no two pictures follow each other",
            )
            .help("give films that are longer than a few seconds"));
        }
        let neighbours = |i: usize| {
            let (reel, k) = pictures[i];
            let shard = reels[reel].shard;
            FramePair {
                before: shard.picture(k - 1),
                now: shard.picture(k),
                side: shard.size() as usize,
                colour: shard.colour(),
            }
        };
        let eye = VisualFeatures::fit(&training.see, pictures.len(), neighbours, training.seed);
        task.cancel.check()?;
        let all: u64 = reels.iter().map(|reel| reel.shard.pictures() as u64).sum();
        task.watcher.stage("looking", "pictures", Some(all * u64::from(1 + training.variations)));
        let mut known = Vec::new();
        let mut done = 0;
        for reel in &reels {
            let seen = look(&eye, dataset, reel, Augmentation::NONE, task, &mut done)?;
            let variations = (0..training.variations)
                .map(|i| look(&eye, dataset, reel, variation(training.seed, i), task, &mut done))
                .collect::<Result<Vec<_>>>()?;
            let heard =
                AudioFeatures::analyze(dataset.grid(), reel.first_tick, reel.ticks as usize, |start, out| {
                    dataset.read_sound(reel.number, start, out);
                });
            known.push(FilmFeatures { seen, variations, heard });
            dataset.release();
        }
        let lessons = dataset.training().to_vec();
        let ticks: Vec<Vec<u32>> = (0..known.len())
            .map(|reel| {
                let own = lessons.iter().filter(|run| run.film == reel);
                own.flat_map(|run| run.ticks.clone()).map(|tick| tick as u32).collect()
            })
            .collect();
        let lacks = FootageStats::of(&eye.config()[0], &known, &lessons).lacks();
        if !lacks.is_empty() {
            task.watcher.warn(&format!("there is little to learn from these films: {}", lacks.join("; ")));
        }
        let voice = ControlScaler::fit(
            &known.iter().zip(&ticks).map(|(k, t)| (&k.heard, &t[..])).collect::<Vec<_>>(),
        );
        Ok(Self { dataset, training, task, eye, voice, reels: known, lessons, lacks })
    }

    /// Those of each kind for films, then those for live use alone.
    fn members(&self) -> Vec<MemberConfig> {
        let ways: &[bool] = if self.training.live { &[false, true] } else { &[false] };
        let kinds = &self.training.members;
        ways.iter().flat_map(|live| kinds.iter().flat_map(|kind| self.of_kind(*kind, *live))).collect()
    }

    /// A network of each kind for each view; a recurrent one that sees nothing but motion in the part that moves; a convolutional
    /// one that sees all views together. What is not there to be seen has no member.
    fn of_kind(&self, kind: MemberKind, live: bool) -> Vec<MemberConfig> {
        let plays = match live {
            _ if kind.looks_ahead() => {
                if live {
                    MemberUse::Live
                } else {
                    MemberUse::Films
                }
            }
            true => return Vec::new(),
            false if self.training.live => MemberUse::Both,
            false => MemberUse::Films,
        };
        let (past, weight) = (self.training.see.past, kind.weight());
        let views = self.views();
        // The last number is the contrast, by which silence is known.
        let all = 0..self.eye.width() - 1;
        let together = (views.len() > 1).then_some(all.clone());
        let networks = |sees: Vec<Range<usize>>, ahead: usize, shape: &dyn Fn(usize) -> Architecture| {
            let network = |sees: Range<usize>| {
                let mind = PredictorConfig::Net(shape(sees.len() * (past + 1)));
                MemberConfig { mind, sees: vec![sees], ahead, past, plays, weight }
            };
            sees.into_iter().filter(|sees| !sees.is_empty()).map(network).collect()
        };
        match kind {
            MemberKind::Gru => {
                let motion = 0..self.eye.config().first().map_or(0, ViewConfig::of_differences);
                let sees = views.into_iter().chain([motion]).collect();
                networks(sees, if live { 0 } else { AHEAD }, &|inputs| Architecture::gru(inputs, OUTPUTS))
            }
            MemberKind::Tcn => {
                let sees = together.into_iter().chain(views).collect();
                networks(sees, 0, &|inputs| Architecture::tcn(inputs, OUTPUTS, live))
            }
            MemberKind::Mlp => networks(vec![all], 0, &|inputs| Architecture::mlp(inputs, OUTPUTS)),
            MemberKind::Memory => {
                let mut sees: Vec<Range<usize>> = Vec::new();
                for &(number, _) in self.eye.portrayed() {
                    match sees.last_mut() {
                        Some(range) if range.end == number => range.end += 1,
                        _ => sees.push(number..number + 1),
                    }
                }
                let mind = PredictorConfig::Memory { ticks: 0 };
                let member = MemberConfig { mind, sees, ahead: 0, past: 0, plays, weight };
                if member.inputs() > 0 { vec![member] } else { Vec::new() }
            }
        }
    }

    /// Which of the eye's numbers are of each view.
    fn views(&self) -> Vec<Range<usize>> {
        let mut from = 0;
        let range = |view: &ViewConfig| {
            from += view.width();
            from - view.width()..from
        };
        self.eye.config().iter().map(range).collect()
    }

    /// Trains the quickest members without a part of the training film, and sees how they do there: how sure of itself an
    /// ensemble is about what it did not learn, whether onsets can be predicted at all, and whether more would help.
    fn try_out(&self, configs: &[MemberConfig], pace: &mut StepBudget) -> Result<Calibration> {
        let (rest, aside) = set_aside(&self.lessons);
        let allowance = pace.next(1.0);
        if rest.is_empty() || aside.is_empty() {
            return Ok(Calibration::default());
        }
        let convolutional =
            |config: &&MemberConfig| matches!(config.mind, PredictorConfig::Net(Architecture::Tcn { .. }));
        let network = |config: &&MemberConfig| config.is_network();
        let films = || configs.iter().filter(|config| config.plays.plays(false));
        let quickest = films().find(convolutional).or(films().find(network));
        let others = films().filter(|config| !network(config));
        let tried = quickest.into_iter().chain(others).enumerate();
        let learned: Vec<_> = tried
            .map(|(i, config)| self.learn("trying out", configs.len() + i, config, &rest, allowance))
            .collect::<Result<_>>()?;
        let (members, steps): (Vec<_>, Vec<u32>) = learned.into_iter().unzip();
        let said = part_of(&self.predict(&members), &aside);
        let [loudness_r, onset_r] =
            self.curves(&aside, &said).map(|(truth, said)| correlation(&truth, &said));
        // Held-out blocks may say how good something is, as long as they shape nothing.
        let judged: Vec<TickSpan> =
            aside.into_iter().chain(self.dataset.held_out().iter().cloned()).collect();
        let prospects = self.prospects(configs.len(), &members, &steps, &rest, &judged)?;
        pace.next(TRIALS - 1.0);
        Ok(Calibration { onset_r, loudness_r, said, prospects })
    }

    /// Teaches one member. Gives it with the steps that it was planned to have, if it learns by steps.
    fn learn(
        &self,
        what: &str,
        number: usize,
        config: &MemberConfig,
        lessons: &[TickSpan],
        allowance: NetworkBudget,
    ) -> Result<((MemberConfig, Predictor), u32)> {
        let steps = config.is_network().then_some(u64::from(allowance.steps));
        self.task.watcher.stage(what, "steps", steps);
        let mut planned = 0;
        let mind = match &config.mind {
            PredictorConfig::Net(shape) => {
                let (net, steps) = self.network(number, config, shape, lessons, allowance)?;
                planned = steps;
                Predictor::Net(net)
            }
            PredictorConfig::Memory { .. } => {
                let weights = self.eye.portrayed().iter().map(|(_, weight)| *weight).collect();
                let mut places: Vec<(usize, usize)> =
                    lessons.iter().flat_map(|run| run.ticks.clone().map(|tick| (run.film, tick))).collect();
                let shows = |(reel, tick): &(usize, usize)| self.reels[*reel].seen.shows(*tick);
                if places.iter().any(shows) {
                    places.retain(shows);
                }
                let example = |k: usize, x: &mut [f32], y: &mut [f32]| {
                    let (reel, tick) = places[k];
                    self.look_at(&self.reels[reel].seen, config, tick, x);
                    self.voice.target(&self.reels[reel].heard, tick, y);
                };
                Predictor::Memory(KnnRegressor::of(places.len(), weights, &example))
            }
        };
        Ok(((MemberConfig { mind: mind.config(), ..config.clone() }, mind), planned))
    }

    /// What a member is given for a tick.
    fn look_at(&self, seen: &QuantizedFeatures, config: &MemberConfig, tick: usize, x: &mut [f32]) {
        for (back, x) in x.chunks_exact_mut(config.width()).enumerate() {
            seen.fill((tick + config.ahead).saturating_sub(back), &config.sees, x);
        }
    }

    fn network(
        &self,
        number: usize,
        config: &MemberConfig,
        shape: &Architecture,
        lessons: &[TickSpan],
        allowance: NetworkBudget,
    ) -> Result<(SequenceNet, u32)> {
        let seed = self.training.seed.wrapping_mul(1000).wrapping_add(number as u64);
        let recipe = HyperParams { noise: NOISE, lead: LEAD, ..HyperParams::new(shape, seed) };
        let loss = |(weight, logistic)| Loss {
            kind: if logistic { LossKind::Logistic } else { LossKind::Square },
            weight,
        };
        let mut trainer = SequenceTrainer::new(shape, &losses().map(loss), &recipe)?;
        let mut windows = TrainingWindows::new(shape.inputs());
        let (begun, mut steps, mut step) = (Instant::now(), allowance.steps, 0);
        while step < steps && !self.task.cancel.is_cancelled() {
            if step == PROBE {
                steps = allowance.plan(step, begun.elapsed());
            }
            self.draw(config, lessons, seed, step, &mut windows);
            let loss = trainer.step(&windows.batch(), self.rate(step, steps))?;
            if !loss.is_finite() {
                return Err(Error::diverged("says numbers that are not finite"));
            }
            self.task.watcher.advance(u64::from(step) + 1);
            if step % 10 == 9 {
                self.task.watcher.figure(&format!("loss {loss:.3}"));
            }
            step += 1;
        }
        Ok((trainer.net(), steps))
    }

    /// Rises, then falls along a cosine to 0.
    fn rate(&self, step: u32, steps: u32) -> f32 {
        let (step, steps) = (f64::from(step), f64::from(steps));
        let rise = ((step + 1.0) / f64::from(WARM_UP)).min(1.0);
        let fall = 0.5 * (1.0 + (std::f64::consts::PI * step / steps).cos());
        (f64::from(self.training.lr) * rise * fall) as f32
    }

    /// Fills a batch with windows out of the training ticks.
    fn draw(
        &self,
        config: &MemberConfig,
        lessons: &[TickSpan],
        seed: u64,
        step: u32,
        windows: &mut TrainingWindows,
    ) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(1 + u64::from(step));
        let total: usize = lessons.iter().map(|run| run.ticks.len()).sum();
        for window in 0..WINDOWS {
            let mut place = random.random_range(0..total);
            let run = lessons.iter().find(|run| match place.checked_sub(run.ticks.len()) {
                Some(rest) => {
                    place = rest;
                    false
                }
                None => true,
            });
            let Some(run) = run else { continue };
            let first = run.ticks.start + random.random_range(0..=run.ticks.len().saturating_sub(TICKS));
            let seen = match random.random_range(0..=self.training.variations as usize) {
                0 => &self.reels[run.film].seen,
                i => &self.reels[run.film].variations[i - 1],
            };
            let strange = (random.random::<f32>() < STRANGE).then(|| self.strangeness(config, &mut random));
            for k in 0..TICKS {
                let tick = first + k;
                let there = tick < run.ticks.end;
                let (x, y, counts) = windows.at(window, k);
                *counts = there && seen.shows(tick);
                self.look_at(seen, config, tick, x);
                if let Some(strange) = &strange {
                    let by = strange.iter().cycle();
                    x.iter_mut().zip(by).for_each(|(x, by)| *x = (*x + by).clamp(-CLIP, CLIP));
                }
                if there {
                    self.voice.target(&self.reels[run.film].heard, tick, y);
                } else {
                    y.fill(0.0);
                }
            }
        }
    }

    /// By what a member's view of a scene is moved.
    fn strangeness(&self, config: &MemberConfig, random: &mut ChaCha8Rng) -> Vec<f32> {
        let mut moved = Vec::new();
        for view in self.eye.config() {
            moved.extend(vec![0.0; view.of_motion()]);
            let by = (0..view.of_appearance()).map(|_| -> f32 { StandardNormal.sample(random) });
            moved.extend(by.map(|x| STRANGENESS * x));
        }
        config.sees.iter().flat_map(|range| &moved[range.clone()]).copied().collect()
    }

    /// What members say of whole films.
    fn predict(&self, members: &[(MemberConfig, Predictor)]) -> Vec<Vec<f32>> {
        let films =
            || members.iter().filter(|(c, _)| c.plays.plays(false)).map(|(config, mind)| (config, mind));
        let width = self.eye.width();
        self.reels
            .par_iter()
            .map(|known| {
                let mut choir = MemberStreams::new(films(), width, &self.voice);
                let (mut rows, mut seen) = (Vec::new(), vec![0.0; BATCH * width]);
                let ticks: Vec<usize> = (0..known.seen.ticks()).collect();
                for ticks in ticks.chunks(BATCH) {
                    for (tick, seen) in ticks.iter().zip(seen.chunks_exact_mut(width)) {
                        known.seen.fill(*tick, std::slice::from_ref(&(0..width)), seen);
                    }
                    choir.hear(&seen[..ticks.len() * width], &mut rows);
                }
                choir.finish(&mut rows);
                rows
            })
            .collect()
    }

    /// Loudness and onsets as they were heard in some stretches, end to end, and as `said` has them.
    fn curves(&self, runs: &[TickSpan], said: &[f32]) -> [OnsetCurves; 2] {
        let heard = |number: fn(&AudioFeatures) -> &[f32]| -> Vec<f64> {
            let all = runs.iter().flat_map(|run| &number(&self.reels[run.film].heard)[run.ticks.clone()]);
            all.map(|x| f64::from(*x)).collect()
        };
        let curve = |number: &dyn Fn(&[f32]) -> f32| -> Vec<f64> {
            said.chunks_exact(OUTPUTS).map(|row| f64::from(number(row))).collect()
        };
        [
            (heard(|h| &h.loudness), curve(&|row| self.voice.loudness_db(row))),
            (heard(|h| &h.flux), curve(&|row| self.voice.onset(row))),
        ]
    }

    fn finish(
        mut self,
        members: Vec<(MemberConfig, Predictor)>,
        trial: Calibration,
        ledger: Vec<Source>,
    ) -> Ensemble {
        self.task.watcher.stage("judging", "dataset", None);
        let said = self.predict(&members);
        let predictable = trial.is_predictable();
        self.voice.calibrate(&trial.said, if predictable { 1.0 } else { 0.3 }, trial.is_told());
        let held_out = self.dataset.held_out();
        let judged = !held_out.is_empty();
        let verdict =
            judged.then(|| ValidationScore::of(&self, held_out, &part_of(&said, held_out)).verdict());
        let learned: usize = self.lessons.iter().map(|run| run.ticks.len()).sum();
        let trained_seconds = Some(rounded(learned as f64 / self.dataset.grid().tick.as_f64()));
        let picture = if trial.is_told() { PICTURE_TELLS } else { PICTURE_HELPS };
        let (units, material) = self.material(picture);
        let (members, minds): (Vec<_>, Vec<_>) = members.into_iter().unzip();
        let config = EnsembleConfig {
            grid: self.dataset.grid(),
            size: self.dataset.films().map(|reel| reel.shard.size()).max().unwrap_or(64),
            views: self.eye.config(),
            members,
            voice: self.voice,
            jump: if predictable { 1.0 } else { 4.0 },
            shape: trial.shape(),
            picture,
            material: material.as_ref().map(|m| m.config().clone()),
        };
        let (training, lacks, prospects) = (self.training, self.lacks, trial.prospects);
        let about =
            EnsembleDescription { config, training, ledger, verdict, trained_seconds, lacks, prospects };
        Ensemble::new(about, self.eye, minds, units, material)
    }

    /// The sound of all ticks that are not held out; `weight` is that of pictures.
    fn material(&self, weight: f32) -> (UnitFeatures, Option<TrainingAudio>) {
        if !self.training.keep_sound {
            return (UnitFeatures::default(), None);
        }
        let material = TrainingAudio::of_training_ticks(self.dataset);
        let mut units = UnitFeatures::default();
        let width = self.eye.width();
        let mut seen = vec![0.0; width];
        for run in self.dataset.training() {
            let heard = &self.reels[run.film].heard;
            for tick in run.ticks.clone() {
                let mut descriptor = [0.0; UNIT];
                let (sound, picture) = descriptor.split_at_mut(DESCRIPTOR);
                self.voice.unit(heard, tick, sound);
                self.reels[run.film].seen.fill(tick, std::slice::from_ref(&(0..width)), &mut seen);
                self.eye.portrait(&seen, picture);
                picture.iter_mut().for_each(|x| *x *= weight);
                units.descriptors.extend(descriptor);
                units.loudness.push(heard.loudness[tick]);
            }
        }
        (units, Some(material))
    }
}

/// Film and number of the pictures of training ticks that have one before them, each once.
fn training_pictures(dataset: &TickDataset) -> Vec<(usize, usize)> {
    let mut pictures = Vec::new();
    for (film, tick) in dataset.training().iter().flat_map(TickSpan::places) {
        let picture = (film, dataset.film(film).picture(tick));
        if picture.1 > 0 && pictures.last() != Some(&picture) {
            pictures.push(picture);
        }
    }
    pictures
}

/// What the eye sees of a film, from its first tick to its last.
pub(crate) fn look(
    eye: &VisualFeatures,
    dataset: &TickDataset,
    reel: &FilmTicks<'_>,
    by: Augmentation,
    task: Task<'_>,
    done: &mut u64,
) -> Result<QuantizedFeatures> {
    let shard = reel.shard;
    let tick = dataset.grid().tick;
    let side = shard.size() as usize;
    let mut gaze = FeatureStream::new(eye, side, shard.colour(), tick, reel.first_tick, BATCH).varied(
        side,
        shard.colour(),
        by,
    );
    let (mut rows, mut numbers) = (Vec::new(), Vec::new());
    let keep = |rows: &mut Vec<f32>, numbers: &mut Vec<i16>| {
        numbers.extend(QuantizedFeatures::new(eye.width(), rows).numbers);
        rows.clear();
    };
    for k in 0..shard.pictures() {
        let end = if k + 1 < shard.pictures() { shard.time(k + 1) } else { shard.end() };
        gaze.show(shard.picture(k), shard.time(k), end, &mut rows);
        *done += 1;
        if k % BATCH == BATCH - 1 {
            task.cancel.check()?;
            task.watcher.advance(*done);
            keep(&mut rows, &mut numbers);
        }
        if k % 4096 == 4095 {
            shard.release();
        }
    }
    gaze.finish(reel.first_tick + i64::from(reel.ticks), &mut rows);
    keep(&mut rows, &mut numbers);
    Ok(QuantizedFeatures { width: eye.width(), numbers })
}

/// The rows of some stretches out of those of whole films, end to end.
fn part_of(said: &[Vec<f32>], runs: &[TickSpan]) -> Vec<f32> {
    let part = |run: &TickSpan| &said[run.film][run.ticks.start * OUTPUTS..run.ticks.end * OUTPUTS];
    runs.iter().flat_map(part).copied().collect()
}

/// Sets the fourth tenth of all ticks aside, and keeps a second of distance.
fn set_aside(lessons: &[TickSpan]) -> (Vec<TickSpan>, Vec<TickSpan>) {
    const DISTANCE: usize = 30;
    let total: usize = lessons.iter().map(|run| run.ticks.len()).sum();
    let (from, to) = (total * 3 / 10, total * 4 / 10);
    let (mut rest, mut aside, mut before) = (Vec::new(), Vec::new(), 0);
    for run in lessons {
        let place = |at: usize| (run.ticks.start + at.saturating_sub(before)).min(run.ticks.end);
        let (start, end) = (place(from), place(to));
        let keep = |ticks: Range<usize>, into: &mut Vec<TickSpan>| {
            if !ticks.is_empty() {
                into.push(TickSpan { film: run.film, ticks });
            }
        };
        if start < end {
            keep(run.ticks.start..start.saturating_sub(DISTANCE), &mut rest);
            keep(start..end, &mut aside);
            keep(end + DISTANCE..run.ticks.end, &mut rest);
        } else {
            keep(run.ticks.clone(), &mut rest);
        }
        before += run.ticks.len();
    }
    (rest, aside)
}
