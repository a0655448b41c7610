//! `kinophone demo`: two films drawn by Kinophone itself, a brain from the first, a soundtrack for the second.

use crate::context::Context;
use crate::report::{self, Failure, Outcome};
use crate::{train, values};
use clap::Args;
use kinophone::classic::{ClassicConfig, ClassicTrained, ClassicTraining, RunFiles};
use kinophone::dataset::{self, Corpus, HoldOut, PrepareOptions, Shard};
use kinophone::etude::{self, Etude, EtudeConfig, EtudeScore};
use kinophone::media::{DecodeSound, Ffmpeg};
use kinophone::render::{self, RenderPlan, ResolvedSynth, SynthRequest};
use kinophone::soundtrack::OutputOptions;
use kinophone::storage::Overwrite;
use kinophone::{Error, Result, plot};
use kinophone_dsp::frames::FrameSynthConfig;
use kinophone_dsp::units::{FrameRate, SampleRate, TickGrid};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  The whole way, in about two minutes on two cores:
    kinophone demo

  Elsewhere, with other films:
    kinophone demo -o /tmp/etudes --seed 7

  With longer films, and at most five minutes of training:
    kinophone demo --seconds 180 --minutes 5

It prints what to open.";

/// Options of `demo`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct DemoArgs {
    /// The folder for films, brain and soundtrack, created if missing; what an earlier demo left there is replaced
    #[arg(long, short, value_name = "DIR", default_value = "kinophone-demo")]
    pub output: PathBuf,
    /// Length of the film to learn from, in seconds
    #[arg(long, value_name = "N", default_value_t = 75, value_parser = clap::value_parser!(u32).range(20..=3600))]
    pub seconds: u32,
    /// Train for at most so many minutes
    #[arg(long, value_name = "M", default_value = "1", value_parser = values::positive)]
    pub minutes: f32,
    /// Other films, another brain
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

/// Draws, learns, renders, measures, and tells what to open.
pub fn run(args: &DemoArgs, context: &Context) -> Result<Outcome, Failure> {
    std::fs::create_dir_all(&args.output).map_err(|e| Error::io("created", &args.output, e))?;
    let stage = Stage { ffmpeg: context.ffmpeg()?, folder: &args.output, context };
    let lesson = stage.draw("etude-1", EtudeConfig::shapes(args.seconds, 2 * args.seed + 1))?;
    let test = stage.draw("etude-2", EtudeConfig::shapes(TEST_SECONDS, 2 * args.seed + 2))?;
    let trained = stage.learn(&lesson.film, args)?;
    let played = stage.play(&test)?;
    let score = stage.score(&test, &played)?;
    stage.look(&test, &played)?;
    context.end_progress();
    context.report.result(|| as_json(args, &played, &score), || as_text(&played, &test, &score))?;
    Ok(if trained.interrupted { Outcome::Interrupted } else { Outcome::Done })
}

/// Length of the film that gets a soundtrack.
const TEST_SECONDS: u32 = 30;

/// Passes over the etude: with the step size falling to its end, enough to learn every shape's sound.
const EPOCHS: u32 = 30;

/// A drawn film with the truth about it.
struct Drawn {
    film: PathBuf,
    etude: Etude,
}

/// The surroundings of the demo: ffmpeg, the folder, the context.
struct Stage<'a> {
    ffmpeg: Ffmpeg,
    folder: &'a Path,
    context: &'a Context,
}

impl Stage<'_> {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn draw(&self, name: &str, config: EtudeConfig) -> Result<Drawn> {
        let etude = Etude::new(config)?;
        let film = self.path(&format!("{name}.mp4"));
        etude.write(&self.ffmpeg, &film, self.context.task())?;
        etude.write_truth(&self.path(&format!("{name}.json")), Overwrite::Replace)?;
        Ok(Drawn { film, etude })
    }

    /// A classic brain. Nothing is held out: the second film is the test.
    fn learn(&self, film: &Path, args: &DemoArgs) -> Result<ClassicTrained> {
        let corpus = self.path("corpus");
        let options = PrepareOptions { require_sound: true, ..PrepareOptions::default() };
        let prepared =
            dataset::prepare(&self.ffmpeg, &[film.to_owned()], &corpus, &options, self.context.task())?;
        let shards = prepared.iter().map(|p| Shard::open(&p.shard)).collect::<Result<Vec<_>>>()?;
        let corpus = Corpus { shards };
        // The demo starts from the beginning each time; a run left by an earlier one is its own to remove.
        let run = self.path("etude.brain.run");
        if run.is_dir() {
            train::remove_run_state(&run)?;
        }
        std::fs::create_dir_all(&run).map_err(|e| Error::io("created", &run, e))?;
        let files = RunFiles { run, resume: false };
        let trained = train::train_classic(corpus, brain_config(), train_config(args), &files, self.context)?;
        trained.brain.save(&self.path("etude.brain"), Overwrite::Replace)?;
        Ok(trained)
    }

    fn play(&self, test: &Drawn) -> Result<PathBuf> {
        let output = self.path("etude-2-kinophone.mp4");
        let plan = RenderPlan {
            // An etude's tones keep their phase from frame to frame, and so do the blocks of a brain that learned them: end to
            // end they are exact, where windows at random times would make the tones flutter.
            synth: SynthRequest::Exactly(ResolvedSynth::Blocks(FrameSynthConfig::Raw)),
            ..RenderPlan::new(
                self.path("etude.brain"),
                test.film.clone(),
                OutputOptions::alone(output.clone(), Overwrite::Replace),
            )
        };
        render::render(&self.ffmpeg, &plan, self.context.task())?;
        Ok(output)
    }

    /// Compares what is in the finished file with the truth.
    fn score(&self, test: &Drawn, played: &Path) -> Result<EtudeScore> {
        let rate = test.etude.config.sound_rate;
        Ok(etude::score(&test.etude.events, &self.sound_of(played, rate)?, rate))
    }

    /// Pictures to compare: the etude's own sound and the brain's, over the same time.
    fn look(&self, test: &Drawn, played: &Path) -> Result<()> {
        let rate = test.etude.config.sound_rate;
        for (film, name) in [(test.film.as_path(), "etude-2-own.png"), (played, "etude-2-kinophone.png")] {
            let picture = plot::spectrogram(&self.sound_of(film, rate)?, rate);
            plot::write_png(&picture, &self.path(name), Overwrite::Replace)?;
        }
        Ok(())
    }

    fn sound_of(&self, film: &Path, rate: SampleRate) -> Result<Vec<f32>> {
        let mut stream = self.ffmpeg.decode_sound(film, &DecodeSound { track: 0, rate, channels: 1 })?;
        let (mut sound, mut part) = (Vec::new(), vec![0.0; 1 << 16]);
        loop {
            match stream.read(&mut part)? {
                0 => return Ok(sound),
                got => sound.extend_from_slice(&part[..got]),
            }
        }
    }
}

fn brain_config() -> ClassicConfig {
    let grid = TickGrid {
        tick: FrameRate::new(30, 1).expect("30 is a frame rate"),
        rate: SampleRate::new(22_050).expect("22050 is a sample rate"),
    };
    ClassicConfig::new(grid, 64, &[1000])
}

fn train_config(args: &DemoArgs) -> ClassicTraining {
    ClassicTraining {
        epochs: EPOCHS,
        minutes: Some(args.minutes),
        patience: 0,
        seed: args.seed,
        hold_out: HoldOut::None,
        ..ClassicTraining::default()
    }
}

fn as_json(args: &DemoArgs, played: &Path, score: &EtudeScore) -> Value {
    json!({
        "folder": report::lossy(&args.output),
        "film": report::lossy(played),
        "events": score.events,
        "hits": score.hits,
        "contrast_db": score.contrast_db(),
        "invented": score.invented,
    })
}

fn as_text(played: &Path, test: &Drawn, score: &EtudeScore) -> String {
    let folder = played.parent().unwrap_or(Path::new("."));
    format!(
        "Of {} events in a film that the brain never saw, {} sound within 33 ms of their picture.\n\
         Where nothing happens it is {:.0} dB quieter.\n\n\
         Open these:\n  {}   the second etude with the brain's sound\n  {}   the same with its own sound, which the \
         brain never heard\n  {}   spectrograms of both\n",
        score.events,
        score.hits,
        score.contrast_db(),
        played.display(),
        test.film.display(),
        folder.join("etude-2-*.png").display(),
    )
}
