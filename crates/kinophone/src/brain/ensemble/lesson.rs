//! How an ensemble learns: look, listen, train every member, weigh, judge.

use super::player::Choir;
use super::{Ensemble, EnsembleAbout, EnsembleConfig, EnsembleVerdict, MemberConfig, Units};
use crate::brain::eye::{CLIP, Eye, Gaze, Neighbours, PORTRAIT, See, Variation};
use crate::brain::material::{Material, stretches};
use crate::brain::memory::{Batch, Loss, Measure, Net, Recipe, Shape, Trainer};
use crate::brain::trainer::diverged;
use crate::brain::voice::{DESCRIPTOR, Heard, OUTPUTS, Voice, losses};
use crate::corpus::{HoldOut, Pairs, Reel, Source};
use crate::task::Task;
use crate::{Error, Kind, Result};
use kinophone_dsp::measure::correlation;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::ops::Range;

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
/// Numbers are kept in 16 bits: ±5 deviations in steps of 0.00015.
const STEP: f32 = 5.0 / 32767.0;

/// How an ensemble is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnsembleTraining {
    /// Steps for each member.
    pub steps: u32,
    /// Largest step size.
    pub lr: f32,
    /// Seed of everything random.
    pub seed: u64,
    /// What it looks for in pictures.
    pub see: See,
    /// Kinds of networks.
    pub nets: Vec<NetKind>,
    /// In how many other ways the same film is looked at.
    pub variations: u32,
    /// Whether members for live use are trained, too.
    pub live: bool,
    /// Whether the brain carries its training sound.
    pub keep_sound: bool,
    /// What was held out, for the record.
    pub hold_out: HoldOut,
}

/// A kind of network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetKind {
    /// Recurrent: gated recurrent units.
    Gru,
    /// Convolutional over time.
    Tcn,
    /// Without a memory.
    Mlp,
}

impl NetKind {
    fn shape(self, inputs: usize, live: bool) -> Shape {
        match self {
            Self::Gru => Shape::gru(inputs, OUTPUTS),
            Self::Tcn => Shape::tcn(inputs, OUTPUTS, live),
            Self::Mlp => Shape::mlp(inputs, OUTPUTS),
        }
    }
}

impl Default for EnsembleTraining {
    fn default() -> Self {
        let (see, nets) = (See::default(), vec![NetKind::Gru, NetKind::Tcn]);
        Self {
            steps: 250,
            lr: 2e-3,
            seed: 1,
            see,
            nets,
            variations: 0,
            live: true,
            keep_sound: true,
            hold_out: HoldOut::Every5th,
        }
    }
}

/// Trains an ensemble on pairs of one hop at 22 050 Hz. Ctrl-C (the task's cancel flag) ends it with what was learned so
/// far, once there is something; `true` says so.
pub fn train(
    pairs: &Pairs,
    training: EnsembleTraining,
    ledger: Vec<Source>,
    task: Task<'_>,
) -> Result<(Ensemble, bool)> {
    let mut lesson = Lesson::prepare(pairs, training, task)?;
    let configs = lesson.members();
    let trial = lesson.try_out(&configs)?;
    let mut members = Vec::new();
    for (i, config) in configs.iter().enumerate() {
        task.watcher.stage(
            &format!("training network {} of {}", i + 1, configs.len()),
            "steps",
            Some(u64::from(lesson.training.steps)),
        );
        members.push(lesson.learn(i, config, &lesson.lessons)?);
    }
    let interrupted = task.cancel.is_cancelled();
    Ok((lesson.finish(configs, members, trial, ledger), interrupted))
}

/// How one network did on film that it did not learn.
#[derive(Default)]
struct Trial {
    onset_r: f64,
    loudness_r: f64,
    said: Vec<f32>,
}

/// Everything that training needs, in memory.
struct Lesson<'a> {
    pairs: &'a Pairs,
    training: EnsembleTraining,
    task: Task<'a>,
    eye: Eye,
    voice: Voice,
    reels: Vec<Known>,
    /// Training rows.
    lessons: Vec<Run>,
}

/// A film: what the eye saw, and what was heard.
struct Known {
    seen: Seen,
    /// The same, filmed in other ways.
    variations: Vec<Seen>,
    heard: Heard,
    first_row: u32,
    ticks: u32,
}

/// Filmed from a little elsewhere, by another light, or in a mirror.
fn variation(seed: u64, number: u32) -> Variation {
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0x7a51_a710);
    random.set_stream(u64::from(number));
    let mut around = |by: f32| random.random_range(-by..=by);
    Variation {
        moved: (around(0.08), around(0.08)),
        scale: around(0.15).exp(),
        contrast: around(0.25).exp(),
        brightness: around(0.05),
        mirrored: number.is_multiple_of(2),
    }
}

/// Neighbouring ticks of one film.
struct Run {
    reel: usize,
    ticks: Range<usize>,
}

/// Windows to learn from.
struct Windows {
    inputs: usize,
    x: Vec<f32>,
    y: Vec<f32>,
    counted: Vec<bool>,
}

impl Windows {
    fn new(inputs: usize) -> Self {
        let ticks = WINDOWS * TICKS;
        Self {
            inputs,
            x: vec![0.0; ticks * inputs],
            y: vec![0.0; ticks * OUTPUTS],
            counted: vec![false; ticks],
        }
    }

    /// A tick's input, its target, and whether its error counts.
    fn at(&mut self, window: usize, tick: usize) -> (&mut [f32], &mut [f32], &mut bool) {
        let place = window * TICKS + tick;
        let x = &mut self.x[place * self.inputs..][..self.inputs];
        (x, &mut self.y[place * OUTPUTS..][..OUTPUTS], &mut self.counted[place])
    }

    fn batch(&self) -> Batch<'_> {
        Batch { windows: WINDOWS, frames: TICKS, inputs: &self.x, targets: &self.y, counted: &self.counted }
    }
}

/// Rows of the eye in 16 bits.
struct Seen {
    width: usize,
    numbers: Vec<i16>,
}

impl Seen {
    fn new(width: usize, rows: &[f32]) -> Self {
        Self { width, numbers: rows.iter().map(|x| (x / STEP).round() as i16).collect() }
    }

    fn ticks(&self) -> usize {
        self.numbers.len() / self.width
    }

    fn row(&self, tick: usize) -> &[i16] {
        &self.numbers[tick.min(self.ticks() - 1) * self.width..][..self.width]
    }

    fn fill(&self, tick: usize, sees: &[Range<usize>], out: &mut [f32]) {
        let row = self.row(tick);
        let numbers = sees.iter().flat_map(|range| &row[range.clone()]);
        out.iter_mut().zip(numbers).for_each(|(out, x)| *out = STEP * f32::from(*x));
    }
}

impl<'a> Lesson<'a> {
    fn prepare(pairs: &'a Pairs, training: EnsembleTraining, task: Task<'a>) -> Result<Self> {
        let reels: Vec<Reel<'_>> = pairs.reels().collect();
        task.watcher.stage("learning what to look at", "pictures", None);
        let pictures = training_pictures(pairs, &reels);
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
            Neighbours {
                before: shard.picture(k - 1),
                now: shard.picture(k),
                side: shard.size() as usize,
                colour: shard.colour(),
            }
        };
        let eye = Eye::fit(&training.see, pictures.len(), neighbours, training.seed);
        task.cancel.check()?;
        let all: u64 = reels.iter().map(|reel| reel.shard.pictures() as u64).sum();
        task.watcher.stage("looking", "pictures", Some(all * u64::from(1 + training.variations)));
        let mut known = Vec::new();
        let mut done = 0;
        for reel in &reels {
            let seen = look(&eye, pairs, reel, Variation::NONE, task, &mut done)?;
            let variations = (0..training.variations)
                .map(|i| look(&eye, pairs, reel, variation(training.seed, i), task, &mut done))
                .collect::<Result<Vec<_>>>()?;
            let heard = Heard::listen(pairs.grid(), reel.first_tick, reel.ticks as usize, |start, out| {
                pairs.read_sound(reel.number, start, out);
            });
            known.push(Known { seen, variations, heard, first_row: reel.first_row, ticks: reel.ticks });
            pairs.release();
        }
        let lessons = runs(pairs.training(), &known);
        let ticks: Vec<Vec<u32>> = (0..known.len())
            .map(|reel| {
                let own = lessons.iter().filter(|run| run.reel == reel);
                own.flat_map(|run| run.ticks.clone()).map(|tick| tick as u32).collect()
            })
            .collect();
        let voice =
            Voice::fit(&known.iter().zip(&ticks).map(|(k, t)| (&k.heard, &t[..])).collect::<Vec<_>>());
        Ok(Self { pairs, training, task, eye, voice, reels: known, lessons })
    }

    /// One network of each kind for each view, and a recurrent one that sees nothing but motion in the part that moves.
    fn members(&self) -> Vec<MemberConfig> {
        let mut from = 0;
        let views: Vec<Range<usize>> = self
            .eye
            .config()
            .iter()
            .map(|view| {
                from += view.width();
                from - view.width()..from
            })
            .collect();
        let differences = 0..self.eye.config()[0].of_differences();
        let kinds = &self.training.nets;
        let mut wanted: Vec<(NetKind, &Range<usize>)> = Vec::new();
        for (i, view) in views.iter().enumerate() {
            for kind in kinds {
                wanted.push((*kind, view));
                if i == 0 && *kind == NetKind::Gru && !differences.is_empty() {
                    wanted.push((NetKind::Gru, &differences));
                }
            }
        }
        let member = |(kind, sees): &(NetKind, &Range<usize>), live: bool| {
            let past = self.training.see.past;
            let ahead = if *kind == NetKind::Gru && !live { AHEAD } else { 0 };
            let shape = kind.shape(sees.len() * (1 + past), live);
            MemberConfig { shape, sees: vec![(*sees).clone()], ahead, past, live }
        };
        let film = wanted.iter().map(|wanted| member(wanted, false));
        let live = if self.training.live { &wanted[..] } else { &[] };
        film.chain(live.iter().map(|wanted| member(wanted, true))).collect()
    }

    /// Trains the quickest member without a part of the training film, and sees how it does there: how sure of itself a
    /// network is about what it did not learn, and whether onsets can be predicted at all.
    fn try_out(&mut self, configs: &[MemberConfig]) -> Result<Trial> {
        let quick = configs.iter().find(|config| !config.live && matches!(config.shape, Shape::Tcn { .. }));
        let Some(config) = quick.or(configs.first()) else { return Ok(Trial::default()) };
        let (rest, aside) = set_aside(&self.lessons);
        if rest.is_empty() || aside.is_empty() {
            return Ok(Trial::default());
        }
        self.task.watcher.stage("trying out", "steps", Some(u64::from(self.training.steps)));
        let net = self.learn(configs.len(), config, &rest)?;
        let said = self.predict(std::slice::from_ref(config), &[net]);
        let rows: Vec<u32> = aside
            .iter()
            .flat_map(|run| run.ticks.clone().map(|tick| self.reels[run.reel].first_row + tick as u32))
            .collect();
        let said: Vec<f32> = aside
            .iter()
            .flat_map(|run| &said[run.reel][run.ticks.start * OUTPUTS..run.ticks.end * OUTPUTS])
            .copied()
            .collect();
        let score = Score::of(self, &rows, &said);
        Ok(Trial { onset_r: score.onset_r, loudness_r: score.loudness_r, said })
    }

    fn learn(&self, number: usize, config: &MemberConfig, lessons: &[Run]) -> Result<Net> {
        let seed = self.training.seed.wrapping_mul(1000).wrapping_add(number as u64);
        let recipe = Recipe { noise: NOISE, lead: LEAD, ..Recipe::new(&config.shape, seed) };
        let loss = |(weight, logistic)| Loss {
            measure: if logistic { Measure::Logistic } else { Measure::Square },
            weight,
        };
        let mut trainer = Trainer::new(&config.shape, &losses().map(loss), &recipe)?;
        let mut windows = Windows::new(config.shape.inputs());
        for step in 0..self.training.steps {
            if self.task.cancel.is_cancelled() {
                break;
            }
            self.draw(config, lessons, seed, step, &mut windows);
            let loss = trainer.step(&windows.batch(), self.rate(step))?;
            if !loss.is_finite() {
                return Err(diverged("says numbers that are not finite"));
            }
            self.task.watcher.advance(u64::from(step) + 1);
            if step % 10 == 9 {
                self.task.watcher.figure(&format!("loss {loss:.3}"));
            }
        }
        Ok(trainer.net())
    }

    /// Rises, then falls along a cosine to 0.
    fn rate(&self, step: u32) -> f32 {
        let (step, steps) = (f64::from(step), f64::from(self.training.steps));
        let rise = ((step + 1.0) / f64::from(WARM_UP)).min(1.0);
        let fall = 0.5 * (1.0 + (std::f64::consts::PI * step / steps).cos());
        (f64::from(self.training.lr) * rise * fall) as f32
    }

    /// Fills a batch with windows out of the training ticks.
    fn draw(&self, config: &MemberConfig, lessons: &[Run], seed: u64, step: u32, windows: &mut Windows) {
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
                0 => &self.reels[run.reel].seen,
                i => &self.reels[run.reel].variations[i - 1],
            };
            let strange = (random.random::<f32>() < STRANGE).then(|| self.strangeness(config, &mut random));
            for k in 0..TICKS {
                let tick = first + k;
                let there = tick < run.ticks.end;
                let (x, y, counts) = windows.at(window, k);
                *counts = there;
                // The present, and then the ticks before it.
                let width = x.len() / (1 + config.past);
                for (back, x) in x.chunks_exact_mut(width).enumerate() {
                    seen.fill((tick + config.ahead).saturating_sub(back), &config.sees, x);
                    if let Some(strange) = &strange {
                        x.iter_mut().zip(strange).for_each(|(x, by)| *x = (*x + by).clamp(-CLIP, CLIP));
                    }
                }
                if there {
                    self.voice.target(&self.reels[run.reel].heard, tick, y);
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
    fn predict(&self, configs: &[MemberConfig], members: &[Net]) -> Vec<Vec<f32>> {
        let films = || configs.iter().zip(members).filter(|(config, _)| !config.live);
        let width = self.eye.width();
        self.reels
            .par_iter()
            .map(|known| {
                let mut choir = Choir::new(films(), width, &self.voice);
                let (mut rows, mut seen, all) = (Vec::new(), vec![0.0; width], 0..width);
                for tick in 0..known.seen.ticks() {
                    known.seen.fill(tick, std::slice::from_ref(&all), &mut seen);
                    choir.hear(&seen, &mut rows);
                }
                choir.finish(&mut rows);
                rows
            })
            .collect()
    }

    fn finish(
        mut self,
        members: Vec<MemberConfig>,
        nets: Vec<Net>,
        trial: Trial,
        ledger: Vec<Source>,
    ) -> Ensemble {
        self.task.watcher.stage("judging", "pairs", None);
        let said = self.predict(&members, &nets);
        let pick = |rows: &[u32]| {
            let runs = runs(rows, &self.reels);
            let picked = runs
                .iter()
                .flat_map(|run| &said[run.reel][run.ticks.start * OUTPUTS..run.ticks.end * OUTPUTS]);
            picked.copied().collect::<Vec<f32>>()
        };
        let predictable = trial.onset_r > PREDICTABLE;
        self.voice.calibrate(&trial.said, if predictable { 1.0 } else { 0.3 });
        let rows = self.pairs.held_out();
        let verdict = (!rows.is_empty()).then(|| Score::of(&self, rows, &pick(rows)).verdict());
        let picture = if trial.loudness_r > TOLD { PICTURE_TELLS } else { PICTURE_HELPS };
        let (units, material) = self.material(picture);
        let config = EnsembleConfig {
            grid: self.pairs.grid(),
            size: self.pairs.reels().map(|reel| reel.shard.size()).max().unwrap_or(64),
            views: self.eye.config(),
            members,
            voice: self.voice,
            jump: if predictable { 1.0 } else { 4.0 },
            picture,
            material: material.as_ref().map(|m| m.config().clone()),
        };
        let about = EnsembleAbout { config, training: self.training, ledger, verdict };
        Ensemble::new(about, self.eye, nets, units, material)
    }

    /// The sound of all ticks that are not held out; `weight` is that of pictures.
    fn material(&self, weight: f32) -> (Units, Option<Material>) {
        if !self.training.keep_sound {
            return (Units::default(), None);
        }
        let rows = self.pairs.training();
        let material = Material::gather(self.pairs, stretches(self.pairs, rows));
        let mut units = Units::default();
        let width = self.eye.width();
        let mut seen = vec![0.0; width];
        for run in runs(rows, &self.reels) {
            let heard = &self.reels[run.reel].heard;
            for tick in run.ticks {
                let mut descriptor = [0.0; DESCRIPTOR + PORTRAIT];
                let (sound, picture) = descriptor.split_at_mut(DESCRIPTOR);
                self.voice.unit(heard, tick, sound);
                self.reels[run.reel].seen.fill(tick, std::slice::from_ref(&(0..width)), &mut seen);
                self.eye.portrait(&seen, picture);
                picture.iter_mut().for_each(|x| *x *= weight);
                units.descriptors.extend(descriptor);
                units.loudness.push(heard.loudness[tick]);
            }
        }
        (units, Some(material))
    }
}

/// Pictures of training ticks that have one before them, each once.
fn training_pictures(pairs: &Pairs, reels: &[Reel<'_>]) -> Vec<(usize, usize)> {
    let tick = pairs.grid().tick;
    let mut pictures = Vec::new();
    for (reel, at) in pairs.training().iter().filter_map(|row| pairs.place(*row)) {
        let picture = (reel, reels[reel].shard.picture_at(tick.middle_of(at)));
        if picture.1 > 0 && pictures.last() != Some(&picture) {
            pictures.push(picture);
        }
    }
    pictures
}

/// What the eye sees of a film, from its first tick to its last.
fn look(
    eye: &Eye,
    pairs: &Pairs,
    reel: &Reel<'_>,
    by: Variation,
    task: Task<'_>,
    done: &mut u64,
) -> Result<Seen> {
    let shard = reel.shard;
    let tick = pairs.grid().tick;
    let side = shard.size() as usize;
    let mut gaze =
        Gaze::new(eye, side, shard.colour(), tick, reel.first_tick, BATCH).varied(side, shard.colour(), by);
    let (mut rows, mut numbers) = (Vec::new(), Vec::new());
    let keep = |rows: &mut Vec<f32>, numbers: &mut Vec<i16>| {
        numbers.extend(Seen::new(eye.width(), rows).numbers);
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
    Ok(Seen { width: eye.width(), numbers })
}

/// Rows of films (ascending) as runs of neighbouring ticks; rows of no film are left out.
fn runs(rows: &[u32], reels: &[Known]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for row in rows {
        let reel = reels.partition_point(|reel| reel.first_row <= *row) - 1;
        let tick = (row - reels[reel].first_row) as usize;
        if tick >= reels[reel].ticks as usize {
            continue;
        }
        match runs.last_mut() {
            Some(run) if run.reel == reel && run.ticks.end == tick => run.ticks.end += 1,
            _ => runs.push(Run { reel, ticks: tick..tick + 1 }),
        }
    }
    runs
}

/// Sets the fourth tenth of all ticks aside, and keeps a second of distance.
fn set_aside(lessons: &[Run]) -> (Vec<Run>, Vec<Run>) {
    const DISTANCE: usize = 30;
    let total: usize = lessons.iter().map(|run| run.ticks.len()).sum();
    let (from, to) = (total * 3 / 10, total * 4 / 10);
    let (mut rest, mut aside, mut before) = (Vec::new(), Vec::new(), 0);
    for run in lessons {
        let place = |at: usize| (run.ticks.start + at.saturating_sub(before)).min(run.ticks.end);
        let (start, end) = (place(from), place(to));
        let keep = |ticks: Range<usize>, into: &mut Vec<Run>| {
            if !ticks.is_empty() {
                into.push(Run { reel: run.reel, ticks });
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

/// How well curves follow.
struct Score {
    loudness_r: f64,
    onset_r: f64,
    loudness_by_chance: f64,
    onset_by_chance: f64,
    seconds: f64,
}

impl Score {
    fn of(lesson: &Lesson<'_>, rows: &[u32], said: &[f32]) -> Self {
        let runs = runs(rows, &lesson.reels);
        let heard = |number: fn(&Heard) -> &[f32]| -> Vec<f64> {
            let all = runs.iter().flat_map(|run| &number(&lesson.reels[run.reel].heard)[run.ticks.clone()]);
            all.map(|x| f64::from(*x)).collect()
        };
        let curve = |number: &dyn Fn(&[f32]) -> f32| -> Vec<f64> {
            said.chunks_exact(OUTPUTS).map(|row| f64::from(number(row))).collect()
        };
        let loudness = (heard(|h| &h.loudness), curve(&|row| lesson.voice.loudness_db(row)));
        let onsets = (heard(|h| &h.flux), curve(&|row| lesson.voice.onset(row)));
        Self {
            loudness_r: correlation(&loudness.0, &loudness.1),
            onset_r: correlation(&onsets.0, &onsets.1),
            loudness_by_chance: by_chance(&loudness.0, &loudness.1),
            onset_by_chance: by_chance(&onsets.0, &onsets.1),
            seconds: rows.len() as f64 / lesson.pairs.grid().tick.as_f64(),
        }
    }

    fn verdict(self) -> EnsembleVerdict {
        let rounded = |x: f64| (x * 1e4).round() / 1e4;
        let mut verdict = EnsembleVerdict {
            loudness_r: rounded(self.loudness_r),
            onset_r: rounded(self.onset_r),
            loudness_by_chance: rounded(self.loudness_by_chance),
            onset_by_chance: rounded(self.onset_by_chance),
            seconds: rounded(self.seconds),
            words: String::new(),
        };
        verdict.words = words(&verdict);
        verdict
    }
}

/// The correlation that only one in twenty of the predictions moved in time by a second or more exceeds.
fn by_chance(truth: &[f64], said: &[f64]) -> f64 {
    const LEAST: usize = 30;
    let n = truth.len();
    if n <= 2 * LEAST {
        return 1.0;
    }
    let step = ((n - 2 * LEAST) / 200).max(1);
    let mut scores: Vec<f64> = (LEAST..n - LEAST)
        .step_by(step)
        .map(|shift| {
            let moved: Vec<f64> = (0..n).map(|i| said[(i + shift) % n]).collect();
            correlation(truth, &moved)
        })
        .collect();
    scores.sort_by(f64::total_cmp);
    scores[(scores.len() - 1) * 19 / 20]
}

fn words(v: &EnsembleVerdict) -> String {
    let follows = |r: f64, chance: f64| match r {
        r if r <= chance => "no better than by chance",
        r if r >= 0.6 => "well",
        r if r >= 0.35 => "clearly",
        _ => "loosely, but better than by chance",
    };
    format!(
        "On {:.0} seconds of film that it never saw, its attacks follow the picture {} (correlation {:.2}; chance reaches {:.2}), and its loudness {} ({:.2}; chance reaches {:.2}).{}",
        v.seconds,
        follows(v.onset_r, v.onset_by_chance),
        v.onset_r,
        v.onset_by_chance,
        follows(v.loudness_r, v.loudness_by_chance),
        v.loudness_r,
        v.loudness_by_chance,
        if v.seconds < 60.0 {
            " So little film says it only roughly: differences of 0.1 mean nothing."
        } else {
            ""
        }
    )
}
