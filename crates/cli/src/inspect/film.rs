//! The facts of a film or a sound file, as ffmpeg sees it.

use super::facts::Facts;
use crate::context::Context;
use crate::doctor::size;
use crate::pictures::Album;
use kinophone::Result;
use kinophone::media::{FilmFacts, PictureFacts, SoundFacts};
use serde_json::json;
use std::path::Path;

pub(super) fn inspect(path: &Path, pictures: Option<&Path>, context: &Context) -> Result<Facts> {
    let ffmpeg = context.ffmpeg()?;
    let film = ffmpeg.probe(path)?;
    let facts = describe(path, &film);
    let Some(folder) = pictures else { return Ok(facts) };
    let mut album = Album::open(folder)?;
    album.film(&ffmpeg, path, &film, context.task())?;
    Ok(facts.drawn(album.files()))
}

fn describe(path: &Path, film: &FilmFacts) -> Facts {
    let mut facts = Facts::new("film", path, json!({ "facts": film }))
        .line("size", size(film.bytes))
        .line("container", &film.container)
        .line("length", film.duration.map_or("unknown".to_owned(), |d| d.to_string()));
    facts = match &film.picture {
        Some(picture) => describe_picture(facts.section("picture"), picture),
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
