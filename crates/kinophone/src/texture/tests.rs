use crate::media::Picture;
use crate::score::ClipEvent;
use crate::sound_library::LibraryUnit;
use crate::soundtrack::OutputOptions;
use crate::storage::Overwrite;
use crate::task::{Cancel, Quiet};
use crate::texture::compose::chance;
use crate::texture::player::{PlayedTexture, TexturePlayer};
use crate::texture::*;
use crate::visual::{FrameState, VisualStream};
use kinophone_dsp::units::{MediaTime, SampleRate};

const HZ: u32 = 8000;

/// Sounds in memory, one channel.
struct Fake {
    sources: Vec<Vec<f32>>,
    units: Vec<LibraryUnit>,
}

impl TextureSounds for Fake {
    fn units(&self) -> &[LibraryUnit] {
        &self.units
    }

    fn rate(&self) -> SampleRate {
        SampleRate::new(HZ).unwrap()
    }

    fn channels(&self) -> u32 {
        1
    }

    fn read(&self, source: usize, first: i64, out: &mut [f32]) {
        for (k, x) in out.iter_mut().enumerate() {
            let place = usize::try_from(first + k as i64).ok();
            *x = place.and_then(|place| self.sources[source].get(place)).copied().unwrap_or(0.0);
        }
    }
}

impl Fake {
    /// Noises of six seconds, each of a tone of its own, in units of a quarter of a second.
    fn noises(count: u32) -> Self {
        let mut units = Vec::new();
        let sources = (0..count).map(|source| {
            let noise = |k: u64| chance(7, u64::from(source), k) - 0.5;
            let sound: Vec<f32> = (0..u64::from(6 * HZ)).map(|k| 0.3 * (noise(k) + noise(k + 1))).collect();
            units.extend((0..24).map(|k| LibraryUnit {
                source,
                first: i64::from(k * HZ / 4),
                frames: HZ / 4,
                attack: 0,
                loudness_db: -19.0,
                centroid_hz: (300 * (source + 1) + k) as f32,
                flatness: 0.5,
                onset: 0.1,
                pitch_hz: 0.0,
                confidence: 0.0,
            }));
            sound
        });
        let sources = sources.collect();
        Self { sources, units }
    }

    /// A click in silence: its attack, which the unit names 3 ms too early, is in frame 1000.
    fn click() -> Self {
        let mut sound = vec![0.0; 4000];
        (0..40).for_each(|k| sound[1000 + k] = if k % 2 == 0 { 0.5 } else { -0.4 } * (1.0 - k as f32 / 40.0));
        let unit = LibraryUnit {
            source: 0,
            first: 800,
            frames: 3000,
            attack: 176,
            loudness_db: -35.0,
            centroid_hz: 3000.0,
            flatness: 0.7,
            onset: 20.0,
            pitch_hz: 0.0,
            confidence: 0.0,
        };
        Self { sources: vec![sound], units: vec![unit] }
    }
}

/// A film of these pictures, at these times in milliseconds; a picture is a grey and where a white square is in it.
fn film(pictures: &[(i64, u8, Option<usize>)], end: i64) -> FrameState {
    let side = visual::SIDE as usize;
    let mut stream = VisualStream::default();
    for (time, grey, square) in pictures {
        let white = |k: usize| square.is_some_and(|at| (at..at + 16).contains(&(k % side)) && k / side < 40);
        let pixels = (0..side * side).flat_map(|k| [if white(k) { 255 } else { *grey }; 3]).collect();
        stream.take(&Picture { time: MediaTime(1000 * time), pixels });
    }
    stream.finish(MediaTime(1000 * end)).unwrap()
}

/// Ten seconds at 25 pictures a second: still, moving a little, moving much, still.
fn moving() -> FrameState {
    let place = |k: i64| match k {
        0..60 => 0,
        60..120 => (k - 60) / 3,
        120..190 => (20 + (k - 120) * 7) % 48,
        _ => 10,
    };
    let pictures: Vec<_> = (0..250).map(|k| (40 * k, 40, Some(place(k) as usize))).collect();
    film(&pictures, 10_000)
}

fn plan(preset: &str) -> TexturePlan {
    TexturePlan {
        film: "film.mp4".into(),
        library: "library".into(),
        output: OutputOptions {
            scores: vec!["out.json".into()],
            ..OutputOptions::alone("out.wav".into(), Overwrite::Refuse)
        },
        mapping: Mapping::preset(preset).unwrap(),
        mapping_file: None,
        mapping_name: preset.into(),
        sections: true,
        seed: 1,
        loudness: None,
    }
}

/// Plays a film: interleaved samples, and facts about them.
fn play(frames: &FrameState, sounds: &Fake, plan: &TexturePlan) -> (Vec<f32>, PlayedTexture) {
    let cancel = Cancel::default();
    let task = Task { watcher: &Quiet, cancel: &cancel };
    let channels = if plan.mapping.pan.is_some() { 2 } else { 1 };
    let player = TexturePlayer { plan, sounds, frames, channels, task };
    let mut sound = Vec::new();
    let mut add = |part: &[f32]| {
        sound.extend_from_slice(part);
        Ok(())
    };
    let played = player.play(&mut add).unwrap();
    (sound, played)
}

#[test]
fn every_flash_has_its_click_on_its_sample_and_nothing_else_sounds() {
    // Unequal intervals, and flashes of one, two and four pictures.
    let times =
        [0, 33, 67, 100, 133, 400, 433, 801, 835, 868, 1201, 1300, 1334, 1367, 1400, 1433, 1900, 2400];
    let lit = |k: usize| matches!(k, 3 | 7 | 8 | 11..=14);
    let pictures: Vec<_> =
        times.iter().enumerate().map(|(k, t)| (*t, if lit(k) { 255 } else { 0 }, None)).collect();
    let (sound, made) = play(&film(&pictures, 3000), &Fake::click(), &plan("percussion"));
    let left: Vec<f32> = sound.iter().step_by(2).copied().collect();
    assert_eq!((left.len(), made.hits, made.grains), (3 * HZ as usize, 3, 0), "{:?}", made.drawn.onsets);
    let begins: Vec<usize> = [100, 801, 1300].iter().map(|t| t * HZ as usize / 1000).collect();
    for (n, x) in left.iter().enumerate() {
        let since = begins.iter().filter(|begin| n >= **begin).map(|begin| n - begin).min();
        let clicks = since.is_some_and(|since| since < 40);
        assert!(clicks || *x == 0.0, "{x} in {n}");
        assert!(since != Some(0) || x.abs() > 0.01, "{x} in {n}");
    }
}

#[test]
fn loudness_follows_motion_and_stills_are_soft() {
    let (sound, made) = play(&moving(), &Fake::noises(4), &plan("strings"));
    assert_eq!(sound.len(), 2 * 10 * HZ as usize);
    assert!(made.follows > 0.9, "{}", made.follows);
    // The sum of grains is as loud as was wanted.
    let heard = made.drawn.heard_db.iter().zip(&made.drawn.wanted_db).filter(|(_, wanted)| **wanted > -40.0);
    let off: Vec<f32> = heard.map(|(heard, wanted)| heard - wanted).collect();
    let mean = off.iter().sum::<f32>() / off.len() as f32;
    assert!(mean.abs() < 2.5, "{mean}");
    let pictures: Vec<_> = (0..75).map(|k| (40 * k, 90, Some(8))).collect();
    for preset in ["strings", "drone", "percussion"] {
        let plan = plan(preset);
        let (sound, _) = play(&film(&pictures, 3000), &Fake::noises(2), &plan);
        let power = sound.iter().map(|x| f64::from(x * x)).sum::<f64>() / sound.len() as f64;
        let db = 10.0 * power.max(1e-9).log10();
        assert!(db < f64::from(plan.mapping.loudness.low_db) + 4.0, "{preset}: {db}");
    }
}

#[test]
fn at_cuts_everything_is_new() {
    let scene =
        |k: i64| if (50..120).contains(&k) { (230, (k % 40) as usize) } else { (20, 40 - (k % 40) as usize) };
    let pictures: Vec<_> = (0..200).map(|k| (40 * k, scene(k).0, Some(scene(k).1))).collect();
    let frames = film(&pictures, 8000);
    assert_eq!(frames.shots.len(), 3);
    let (_, made) = play(&frames, &Fake::noises(6), &plan("strings"));
    assert_eq!(made.shots.iter().map(|shot| shot.section).collect::<Vec<_>>(), [0, 1, 0]);
    let cuts = [2.0, 4.8];
    assert!(made.clips.clips.len() > 6);
    for clip in &made.clips.clips {
        assert!(cuts.iter().all(|cut| clip.at >= *cut || clip.at + clip.seconds <= *cut), "{clip:?}");
        let shot = cuts.iter().filter(|cut| clip.at >= **cut).count();
        assert!(made.shots[shot].sources.contains(&(clip.source as u32)), "{clip:?}");
    }
    // Bright shots have bright sources, and each begins at once.
    assert!(
        made.shots[0].sources.iter().all(|dark| made.shots[1].sources.iter().all(|bright| dark < bright))
    );
    assert!(cuts.iter().all(|cut| made.clips.clips.iter().any(|clip| clip.at == *cut)));
    let mut off = plan("strings");
    off.sections = false;
    off.mapping.cuts.sources = 0;
    let (_, made) = play(&frames, &Fake::noises(6), &off);
    assert!(made.shots.iter().all(|shot| shot.sources.len() == 6 && shot.section == 0));
}

#[test]
fn the_same_seed_gives_the_same_sound() {
    let (frames, sounds) = (moving(), Fake::noises(5));
    for preset in ["strings", "percussion", "drone", "inverse"] {
        let plan = plan(preset);
        let other = TexturePlan { seed: 2, ..plan.clone() };
        let one = play(&frames, &sounds, &plan).0;
        assert!(one == play(&frames, &sounds, &plan).0, "{preset}");
        assert!(one != play(&frames, &sounds, &other).0, "{preset}");
        assert!(one.iter().all(|x| x.is_finite() && x.abs() < 4.0));
    }
}

#[test]
fn short_recordings_and_single_pictures_are_no_trouble() {
    let mut sounds = Fake::noises(1);
    sounds.units.truncate(1);
    sounds.units[0].frames = 100;
    for preset in ["strings", "percussion", "drone", "inverse"] {
        let (sound, _) = play(&film(&[(0, 100, None)], 500), &sounds, &plan(preset));
        assert_eq!(sound.len() % (HZ as usize / 2), 0, "{preset}");
        play(&moving(), &sounds, &plan(preset));
    }
    sounds.units[0].loudness_db = -70.0;
    assert!(TextureMaterial::new(&sounds, 3).groups.is_empty());
    sounds.units.clear();
    assert!(TextureMaterial::new(&sounds, 1).groups.is_empty());
}

#[test]
fn groups_of_material_are_whole_and_in_the_order_of_their_tone() {
    let sounds = Fake::noises(7);
    for groups in 1..9 {
        let material = TextureMaterial::new(&sounds, groups);
        assert_eq!(material.groups.len(), groups.min(7));
        assert!(material.groups.iter().all(|group| !group.is_empty()));
        assert_eq!(material.groups.concat(), (0..7).collect::<Vec<_>>(), "{groups}");
    }
}

#[test]
fn clips_are_those_that_sound() {
    let (_, made) = play(&moving(), &Fake::noises(3), &plan("inverse"));
    assert!(made.clips.clips.windows(2).all(|pair| pair[0].at <= pair[1].at));
    let whole = |clip: &ClipEvent| clip.seconds > 0.0 && clip.level_db < 0.0;
    assert!(made.clips.clips.iter().all(|clip| whole(clip) && (0.0..6.0).contains(&clip.source_at)));
    assert_eq!(made.grains as usize, made.clips.clips.len());
}
