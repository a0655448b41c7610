//! All of a texture's sound, from the first shot to the last.

use crate::Result;
use crate::score::ClipEvent;
use crate::soundtrack::PlayedClips;
use crate::task::Task;
use crate::texture::compose::{ClipCause, ComposedClip, Hit, ShotSpan, TextureComposer};
use crate::texture::curves::{CURVE_RATE, Curve, STEP_MICROS, measures, values};
use crate::texture::loudness_curve::LoudnessCurve;
use crate::texture::material::{MIN_CONFIDENCE, TextureMaterial, TextureSounds, UnitReader};
use crate::texture::plan::{DrawnMeasures, ShotPlayed, TexturePlan};
use crate::texture::timeline::FilmTimeline;
use crate::texture::{sections, shots};
use crate::visual::FrameState;
use kinophone_dsp::concat::ClipPlayer;
use kinophone_dsp::metrics::correlation;
use kinophone_dsp::units::MediaTime;

/// Plays a film whose pictures are known.
pub(crate) struct TexturePlayer<'a> {
    pub(crate) plan: &'a TexturePlan,
    pub(crate) sounds: &'a dyn TextureSounds,
    pub(crate) frames: &'a FrameState,
    pub(crate) channels: u32,
    pub(crate) task: Task<'a>,
}

/// A texture that was played.
pub(crate) struct PlayedTexture {
    pub(crate) clips: PlayedClips,
    pub(crate) grains: u64,
    pub(crate) hits: u64,
    pub(crate) follows: f64,
    pub(crate) shots: Vec<ShotPlayed>,
    pub(crate) drawn: DrawnMeasures,
}

/// The sound of clips, handed over as it becomes complete.
struct ClipSound<'a> {
    player: ClipPlayer<UnitReader<'a>>,
    sounds: &'a dyn TextureSounds,
    loudness: LoudnessCurve,
    /// True if clips are kept for a score.
    keep: bool,
    clips: PlayedClips,
    grains: u64,
    hits: u64,
    samples: Vec<f32>,
}

impl TexturePlayer<'_> {
    /// Hands the whole soundtrack to `add` as it comes.
    pub(crate) fn play(&self, add: &mut dyn FnMut(&[f32]) -> Result<()>) -> Result<PlayedTexture> {
        let &Self { plan, sounds, frames, channels, .. } = self;
        let timeline = FilmTimeline { frames, rate: sounds.rate() };
        let (labels, sections) =
            if plan.sections { sections::find(frames) } else { (vec![0; frames.shots.len()], 1) };
        let material = TextureMaterial::new(sounds, sections);
        let spans = shots::spans(&timeline, &material, (&labels, sections), plan);
        let hits = timeline.hits(&plan.mapping);
        let mut sound = ClipSound {
            player: ClipPlayer::new(UnitReader(sounds), channels as usize),
            sounds,
            loudness: LoudnessCurve::new(sounds.rate(), channels as usize),
            keep: !plan.output.scores.is_empty(),
            clips: PlayedClips::default(),
            grains: 0,
            hits: 0,
            samples: Vec::new(),
        };
        sound.clips.end_by(timeline.seconds(timeline.frame(frames.end)));
        self.play_spans(&timeline, &material, (&spans, &hits), &mut sound, add)?;
        // A hit comes before grains that begin within the fade before its attack.
        sound.clips.clips.sort_by(|a, b| a.at.total_cmp(&b.at));
        let (drawn, follows) = self.drawn(&timeline, &hits, &sound.loudness);
        let shots = spans.into_iter().zip(labels).map(|(span, section)| ShotPlayed {
            at: timeline.seconds(span.begin),
            section,
            sources: span.sources,
        });
        let ClipSound { clips, grains, hits, .. } = sound;
        Ok(PlayedTexture { clips, grains, hits, follows, shots: shots.collect(), drawn })
    }

    fn play_spans(
        &self,
        timeline: &FilmTimeline<'_>,
        material: &TextureMaterial<'_>,
        (spans, hits): (&[ShotSpan], &[Hit]),
        sound: &mut ClipSound<'_>,
        add: &mut dyn FnMut(&[f32]) -> Result<()>,
    ) -> Result<()> {
        let &Self { plan, frames, task, .. } = self;
        let (length, hz) = (timeline.frame(frames.end), u64::from(timeline.rate.hz()));
        let name = plan.film.file_name().unwrap_or_default().to_string_lossy();
        task.watcher.stage(&format!("playing {name}"), "seconds", Some(length as u64 / hz));
        let mut composer = TextureComposer::new(material, &plan.mapping, frames, length, plan.seed);
        let mut coming = hits;
        for span in spans {
            let (mut at, mut step) = (span.begin, timeline.micros(span.begin) / STEP_MICROS + 1);
            while at < span.end {
                task.cancel.check()?;
                let end = timeline.frame(frames.begin() + MediaTime(step * STEP_MICROS));
                let until = end.clamp(at + 1, span.end);
                let now = coming.partition_point(|hit| hit.at < until);
                composer.step(span, until, &coming[..now]);
                coming = &coming[now..];
                let known = composer.known();
                sound.deliver(&mut composer, known.min(length), add)?;
                task.watcher.advance(at as u64 / hz);
                (at, step) = (until, step + 1);
            }
        }
        composer.finish();
        sound.deliver(&mut composer, length, add)
    }

    /// Curves to be drawn, and how well the loudness follows its measure.
    fn drawn(
        &self,
        timeline: &FilmTimeline<'_>,
        hits: &[Hit],
        heard: &LoudnessCurve,
    ) -> (DrawnMeasures, f64) {
        let frames = self.frames;
        let length = timeline.frame(frames.end) as u64;
        let ticks = (length * u64::from(CURVE_RATE) / u64::from(timeline.rate.hz())) as usize;
        let loudness = &self.plan.mapping.loudness;
        let wanted = values(&Curve::of(frames, loudness.line()), ticks);
        let heard_db = heard.values(ticks);
        let measure = values(&Curve::plain(frames, loudness.from, loudness.smooth_ms), ticks);
        let [a, b] = [&heard_db, &measure].map(|x| x.iter().map(|x| f64::from(*x)).collect::<Vec<_>>());
        let drawn = DrawnMeasures {
            measures: measures(frames),
            wanted_db: wanted.iter().map(|x| loudness.at(*x)).collect(),
            heard_db,
            onsets: hits.iter().map(|hit| (timeline.seconds(hit.at), hit.strength)).collect(),
        };
        (drawn, correlation(&a, &b))
    }
}

impl ClipSound<'_> {
    /// Takes the clips that are decided, and hands over the sound before frame `until`.
    fn deliver(
        &mut self,
        composer: &mut TextureComposer<'_>,
        until: i64,
        add: &mut dyn FnMut(&[f32]) -> Result<()>,
    ) -> Result<()> {
        while let Some(composed) = composer.take() {
            match composed.cause {
                ClipCause::Grain => self.grains += 1,
                ClipCause::Onset => self.hits += 1,
            }
            self.player.push(&composed.clip);
            let event = event(&composed, self.sounds);
            self.clips.add(event, self.keep);
        }
        self.player.advance(until);
        self.samples.resize(self.player.ready(), 0.0);
        self.player.fill(&mut self.samples);
        self.loudness.take(&self.samples);
        add(&self.samples)
    }
}

/// A clip as scores have it.
fn event(composed: &ComposedClip, sounds: &dyn TextureSounds) -> ClipEvent {
    let ComposedClip { clip, loudness_db, .. } = composed;
    let unit = sounds.units()[clip.unit as usize];
    let place = unit.first + clip.offset;
    let mut event = ClipEvent::of(clip, unit.source as usize, place, sounds.rate(), *loudness_db, None);
    if unit.pitch_hz > 0.0 && unit.confidence > MIN_CONFIDENCE {
        event.pitch_hz = Some(f64::from(unit.pitch_hz) * clip.speed);
    }
    event
}
