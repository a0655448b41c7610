//! The facts of a film or a sound file, as ffmpeg sees it.

use crate::context::Context;
use crate::doctor::machine::size;
use crate::inspect::facts::Facts;
use crate::pictures::Album;
use kinophone::media::{FilmFacts, PictureFacts, SoundFacts};
use kinophone::visual::{self, FrameState};
use kinophone::{Kind, Result};
use kinophone_dsp::units::MediaTime;
use serde_json::json;
use std::path::Path;

pub(super) fn inspect(path: &Path, pictures: Option<&Path>, context: &Context) -> Result<Facts> {
    let ffmpeg = context.ffmpeg()?;
    let film = ffmpeg.probe(path)?;
    let seen = match film.picture.as_ref().map(|_| visual::watch(&ffmpeg, path, context.task())) {
        Some(Err(e)) if e.kind() == Kind::Interrupted => return Err(e),
        // What is known of a damaged film is worth telling all the same.
        Some(Err(e)) => {
            context.warn(&format!("its shots are unknown: {e}"));
            None
        }
        watched => watched.and_then(Result::ok),
    };
    let facts = describe(path, &film, seen.as_ref());
    let Some(folder) = pictures else { return Ok(facts) };
    let mut album = Album::open(folder)?;
    album.film(&ffmpeg, path, &film, context.task())?;
    if let Some(seen) = &seen {
        album.seen(seen)?;
    }
    Ok(facts.drawn(album.files()))
}

fn describe(path: &Path, film: &FilmFacts, seen: Option<&FrameState>) -> Facts {
    let shots = seen.map(|seen| {
        let cuts: Vec<f64> = seen.cuts().map(MediaTime::as_secs_f64).collect();
        json!({ "count": seen.shots.len(), "pictures": seen.pictures.len(), "cuts": cuts })
    });
    let mut facts = Facts::new("film", path, json!({ "facts": film, "shots": shots }))
        .line("size", size(film.bytes))
        .line("container", &film.container)
        .line("length", film.duration.map_or("unknown".to_owned(), |d| d.to_string()));
    facts = match &film.picture {
        Some(picture) => {
            describe_picture(facts.section("picture"), picture).maybe("shots", seen.map(describe_shots))
        }
        None => facts.line("picture", "none: it can't be prepared or rendered"),
    };
    if film.sounds.is_empty() {
        facts = facts
            .section("sound")
            .line("tracks", "none: it can be rendered, but nothing can be learned from it");
    }
    for (track, sound) in film.sounds.iter().enumerate() {
        facts = describe_sound(facts.section(format!("sound, --audio-track {track}")), sound);
    }
    if film.tags.is_empty() {
        return facts;
    }
    film.tags.iter().fold(facts.section("tags"), |facts, (name, value)| facts.line(&name[..], value))
}

fn describe_picture(facts: Facts, picture: &PictureFacts) -> Facts {
    facts
        .line("stream", picture.stream)
        .line("codec", format!("{}, {}", picture.codec, picture.pixel_format))
        .line("pixels", format!("{} x {}", picture.width, picture.height))
        .maybe("rate", picture.rate.map(|r| format!("{r} a second")))
        .maybe("turned by", (picture.rotation != 0).then(|| format!("{} degrees", picture.rotation)))
        .line("begins at", picture.start)
}

/// "14, a cut every 7.2 s on the average".
fn describe_shots(seen: &FrameState) -> String {
    let mean = (seen.end - seen.begin()).as_secs_f64() / seen.shots.len() as f64;
    match seen.shots.len() {
        1 => "1, without a cut".to_owned(),
        shots => format!("{shots}, {mean:.1} s each on the average"),
    }
}

fn describe_sound(facts: Facts, sound: &SoundFacts) -> Facts {
    facts
        .line("stream", sound.stream)
        .line("codec", &sound.codec)
        .line("format", format!("{}, {}", sound.rate, channels(sound.channels)))
        .maybe("language", sound.language.as_ref())
        .line("begins at", sound.start)
}

/// As people say it.
pub(super) fn channels(count: u32) -> String {
    match count {
        1 => "mono".to_owned(),
        2 => "stereo".to_owned(),
        more => format!("{more} channels"),
    }
}
