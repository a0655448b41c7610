//! `kinophone demo`: two films drawn by Kinophone itself, the default brain from the first, a soundtrack for the second.
//!
//! All of it is made in a folder beside the one that was asked for, which appears whole or not at all.

mod browser;

use crate::context::Context;
use crate::report::{self, Failure, Outcome, append};
use crate::train::TrainArgs;
use crate::values;
use clap::{Args, Command, FromArgMatches};
use kinophone::dataset::{self, Corpus, Shard, TickDataset};
use kinophone::dsp::units::SampleRate;
use kinophone::etude::{self, Etude, EtudeConfig, EtudeScore};
use kinophone::eval::{self, EvalPlan};
use kinophone::media::{AudioTracks, DecodeSound, Ffmpeg};
use kinophone::model;
use kinophone::plot;
use kinophone::render::{self, LoudnessMode, RenderPlan};
use kinophone::soundtrack::OutputOptions;
use kinophone::storage::{AtomicFolder, Overwrite, write_atomically};
use kinophone::{Error, Kind, Result};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  The whole way, in about two minutes on two cores:
    kinophone demo

  Elsewhere, with other films:
    kinophone demo -o etudes --seed 7

  With a longer film to learn from, and at most five minutes of training:
    kinophone demo --seconds 360 --minutes 5

It prints what to open, and on a desktop offers to open the report.";

/// Options of `demo`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct DemoArgs {
    /// The folder for films, brain, soundtrack and report; one that an earlier demo made is replaced, no other ever is
    #[arg(long, short, value_name = "DIR", default_value = "kinophone-demo")]
    pub output: PathBuf,
    /// Length of the film to learn from, in seconds
    #[arg(long, value_name = "N", default_value_t = 180, value_parser = clap::value_parser!(u32).range(20..=3600))]
    pub seconds: u32,
    /// Train for at most so many minutes [default: no limit]
    #[arg(long, value_name = "M", value_parser = values::positive)]
    pub minutes: Option<f32>,
    /// Other films, and so another brain
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=MAX_SEED))]
    pub seed: u64,
    /// Only print what to open, never offer to open it
    #[arg(long)]
    pub no_open: bool,
}

/// The largest seed: each demo takes two seeds for its films.
const MAX_SEED: u64 = u64::MAX / 2 - 1;
/// Length of the film that gets a soundtrack, in seconds.
const TEST_SECONDS: u32 = 30;

/// The file by which a demo's folder is known.
const MARK: &str = "demo.json";
const BRAIN: &str = "etude.brain";
const OWN_PICTURE: &str = "etude-2-own.png";
const PLAYED: &str = "etude-2-kinophone.mp4";
const PLAYED_PICTURE: &str = "etude-2-kinophone.png";
const REPORT: &str = "report";

/// Draws, learns, renders, measures, and tells what to open.
pub fn run(args: &DemoArgs, context: &Context) -> Result<Outcome, Failure> {
    let score = make(args, context).map_err(with_way_on)?;
    context.end_progress();
    let mut told = false;
    context.report.result(
        || as_json(&args.output, &score),
        || {
            told = true;
            as_text(&args.output, &score)
        },
    )?;
    if told && !args.no_open {
        browser::offer(&page(&args.output));
    }
    Ok(Outcome::Done)
}

/// Makes the folder.
fn make(args: &DemoArgs, context: &Context) -> Result<EtudeScore> {
    if args.output.file_name().is_none() {
        return Err(Error::new(Kind::Exists, "can't be replaced by a new folder")
            .at(&args.output)
            .help("give the name of a folder inside it, such as kinophone-demo"));
    }
    let folder = AtomicFolder::create(&args.output, Overwrite::Replace, MARK)?;
    let demo = Demo { ffmpeg: context.ffmpeg()?, folder: folder.path(), context };
    let score = demo.whole(args).map_err(|e| folder.named(e))?;
    folder.commit()?;
    Ok(score)
}

/// Adds the advice for Ctrl-C; other errors bring their own.
fn with_way_on(error: Error) -> Error {
    if error.kind() == Kind::Interrupted {
        return error.help("nothing half-written was left; the same command starts again");
    }
    error
}

/// A drawn film with the truth about it.
struct DrawnEtude {
    film: PathBuf,
    etude: Etude,
}

/// The surroundings of every step of the demo.
struct Demo<'a> {
    ffmpeg: Ffmpeg,
    /// The folder under its temporary name.
    folder: &'a Path,
    context: &'a Context,
}

impl Demo<'_> {
    /// All steps, from the first picture to the report.
    fn whole(&self, args: &DemoArgs) -> Result<EtudeScore> {
        let work = self.path("work");
        std::fs::create_dir(&work).map_err(|e| Error::io("created", &work, e))?;
        let lesson = self.draw("etude-1", EtudeConfig::shapes(args.seconds, 2 * args.seed + 1))?;
        let test = self.draw("etude-2", EtudeConfig::shapes(TEST_SECONDS, 2 * args.seed + 2))?;
        self.learn(&lesson.film, args, &work)?;
        self.play(&test)?;
        let score = self.score(&test)?;
        self.look(&test)?;
        self.evaluate(&test, &work)?;
        std::fs::remove_dir_all(&work).map_err(|e| Error::io("removed", &work, e))?;
        self.mark(args, &score)?;
        Ok(score)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn draw(&self, name: &str, config: EtudeConfig) -> Result<DrawnEtude> {
        let etude = Etude::new(config)?;
        let film = self.path(&format!("{name}.mp4"));
        etude.write(&self.ffmpeg, &film, self.context.task())?;
        etude.write_truth(&self.path(&format!("{name}.json")), Overwrite::Refuse)?;
        Ok(DrawnEtude { film, etude })
    }

    /// Trains the brain of `kinophone train`.
    fn learn(&self, film: &Path, args: &DemoArgs, work: &Path) -> Result<()> {
        let task = self.context.task();
        let training_args = default_training(film, &self.path(BRAIN), args);
        let options = training_args.pictures.prepare_options(training_args.size(), true);
        let prepared = dataset::prepare(&self.ffmpeg, &[film.to_owned()], work, &options, task)?;
        let shards = prepared.iter().map(|p| Shard::open(&p.shard)).collect::<Result<Vec<_>>>()?;
        let corpus = Corpus { shards };
        let training = training_args.ensemble_training();
        let options = training.dataset_options(training_args.grid());
        let dataset = TickDataset::new(corpus, &options, work, task)?;
        match model::train(&dataset, training, dataset.sources(), task)? {
            (_, true) => Err(Error::interrupted()),
            (brain, false) => brain.save(&self.path(BRAIN), Overwrite::Refuse),
        }
    }

    /// The soundtrack of `kinophone render`.
    fn play(&self, test: &DrawnEtude) -> Result<()> {
        let output = OutputOptions::alone(self.path(PLAYED), Overwrite::Refuse);
        let plan = RenderPlan::new(self.path(BRAIN), test.film.clone(), output);
        render::render(&self.ffmpeg, &plan, self.context.task())?;
        Ok(())
    }

    /// Compares what is in the finished file with the truth.
    fn score(&self, test: &DrawnEtude) -> Result<EtudeScore> {
        let rate = test.etude.config.sound_rate;
        Ok(etude::score(&test.etude.events, &self.sound_of(&self.path(PLAYED), rate)?, rate))
    }

    /// Pictures to compare: the etude's own sound and the brain's, over the same time.
    fn look(&self, test: &DrawnEtude) -> Result<()> {
        let rate = test.etude.config.sound_rate;
        for (film, name) in [(&test.film, OWN_PICTURE), (&self.path(PLAYED), PLAYED_PICTURE)] {
            let picture = plot::spectrogram(&self.sound_of(film, rate)?, rate);
            plot::write_png(&picture, &self.path(name), Overwrite::Refuse)?;
        }
        Ok(())
    }

    fn sound_of(&self, film: &Path, rate: SampleRate) -> Result<Vec<f32>> {
        let mut stream = self
            .ffmpeg
            .decode_sound(film, &DecodeSound { tracks: AudioTracks::Default, rate, channels: 1 })?;
        let (mut sound, mut part) = (Vec::new(), vec![0.0; 1 << 16]);
        loop {
            match stream.read(&mut part)? {
                0 => return Ok(sound),
                got => sound.extend_from_slice(&part[..got]),
            }
        }
    }

    /// The report of `kinophone eval`.
    fn evaluate(&self, test: &DrawnEtude, work: &Path) -> Result<()> {
        let examination = EvalPlan {
            brain: self.path(BRAIN),
            films: vec![test.film.clone()],
            output: self.path(REPORT),
            overwrite: Overwrite::Refuse,
            cache: work.to_owned(),
            seed: 0,
            loudness: LoudnessMode::Usual,
            classic: false,
            folds: None,
            leave_one_film_out: false,
            seeds: None,
            growth: false,
            keep_sound: false,
        };
        eval::evaluate(&self.ffmpeg, &examination, self.context.task())?;
        Ok(())
    }

    /// Writes the figures, and by them marks the folder as a demo's.
    fn mark(&self, args: &DemoArgs, score: &EtudeScore) -> Result<()> {
        let mut about = json!({
            "kinophone": env!("CARGO_PKG_VERSION"),
            "seconds": args.seconds,
            "seed": args.seed,
        });
        append(&mut about, figures(score));
        write_atomically(&self.path(MARK), Overwrite::Refuse, format!("{about:#}\n").as_bytes())
    }
}

/// The options of `kinophone train FILM -o BRAIN`, with whatever defaults they have.
fn default_training(film: &Path, brain: &Path, args: &DemoArgs) -> TrainArgs {
    let mut words: Vec<OsString> = ["train"].map(OsString::from).to_vec();
    if let Some(minutes) = args.minutes {
        words.extend(["--minutes".into(), minutes.to_string().into()]);
    }
    words.extend(["--output".into(), brain.into(), "--".into(), film.into()]);
    let matches = TrainArgs::augment_args(Command::new("train")).try_get_matches_from(words);
    let args = matches.and_then(|matches| TrainArgs::from_arg_matches(&matches));
    args.unwrap_or_else(|e| unreachable!("a command line of ours does not parse: {e}"))
}

/// The page of the report.
fn page(folder: &Path) -> PathBuf {
    folder.join(REPORT).join("index.html")
}

fn figures(score: &EtudeScore) -> Value {
    json!({
        "events": score.events,
        "hits": score.hits,
        "contrast_db": score.contrast_db(),
        "invented": score.invented,
    })
}

fn as_json(folder: &Path, score: &EtudeScore) -> Value {
    let mut result = json!({
        "folder": report::lossy(folder),
        "film": report::lossy(&folder.join(PLAYED)),
        "report": report::lossy(&page(folder)),
    });
    append(&mut result, figures(score));
    result
}

fn as_text(folder: &Path, score: &EtudeScore) -> String {
    let shown = [
        (folder.join(PLAYED), "the second film with the brain's sound"),
        (folder.join(PLAYED_PICTURE), "the spectrogram of that sound"),
        (folder.join(OWN_PICTURE), "the spectrogram of the film's own sound, which the brain never heard"),
        (page(folder), "the report: all versions to listen to, figures, baselines"),
    ];
    let wide = shown.iter().map(|(path, _)| path.display().to_string().chars().count()).max().unwrap_or(0);
    let shown: String = shown
        .iter()
        .map(|(path, about)| format!("  {:wide$}   {about}\n", path.display().to_string()))
        .collect();
    format!(
        "Of {} events in a film that the brain never saw, {} sound within 33 ms of their picture.\n\
         Where nothing happens, it is {:.0} dB quieter.\n\n\
         Open these:\n{shown}",
        score.events,
        score.hits,
        score.contrast_db(),
    )
}
