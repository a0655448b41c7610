//! The facts of a film or a sound file, as ffmpeg reads it.

use crate::context::Context;
use crate::inspect::facts::Facts;
use crate::pictures::Album;
use crate::wording::{byte_size, channels};
use kinophone::media::{FilmFacts, PictureFacts, SoundFacts};
use kinophone::visual::{self, FrameState};
use kinophone::{Kind, Result};
use kinophone_dsp::units::MediaTime;
use serde_json::json;
use std::path::Path;

pub(super) fn inspect(path: &Path, pictures: Option<&Path>, context: &Context) -> Result<Facts> {
    let ffmpeg = context.ffmpeg()?;
    let film = ffmpeg.probe(path)?;
    let analysis = match film.picture.as_ref().map(|_| visual::watch(&ffmpeg, path, context.task())) {
        Some(Err(e)) if e.kind() == Kind::Interrupted => return Err(e),
        // The other facts of a damaged film are still worth printing.
        Some(Err(e)) => {
            context.warn(&format!("its shots can't be determined: {e}"));
            None
        }
        result => result.and_then(Result::ok),
    };
    let facts = describe(path, &film, analysis.as_ref());
    let Some(folder) = pictures else { return Ok(facts) };
    let mut album = Album::open(folder)?;
    album.film(&ffmpeg, path, &film, context.task())?;
    if let Some(analysis) = &analysis {
        album.measures(analysis)?;
    }
    Ok(facts.drawn(album.files()))
}

fn describe(path: &Path, film: &FilmFacts, analysis: Option<&FrameState>) -> Facts {
    let shots = analysis.map(|analysis| {
        let cuts: Vec<f64> = analysis.cuts().map(MediaTime::as_secs_f64).collect();
        json!({ "count": analysis.shots.len(), "pictures": analysis.pictures.len(), "cuts": cuts })
    });
    let mut facts = Facts::new("film", path, json!({ "facts": film, "shots": shots }))
        .line("size", byte_size(film.bytes))
        .line("container", &film.container)
        .line("length", film.duration.map_or("unknown".to_owned(), |d| d.to_string()));
    facts = match &film.picture {
        Some(picture) => {
            describe_picture(facts.section("picture"), picture).maybe("shots", analysis.map(describe_shots))
        }
        None => facts.line("picture", "none: the file can't be prepared or rendered"),
    };
    if film.sounds.is_empty() {
        facts = facts.section("sound").line("tracks", "none: the film can be rendered, but not trained on");
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

/// "14, 7.2 s each on average".
fn describe_shots(analysis: &FrameState) -> String {
    let mean = (analysis.end - analysis.begin()).as_secs_f64() / analysis.shots.len() as f64;
    match analysis.shots.len() {
        1 => "1, without a cut".to_owned(),
        shots => format!("{shots}, {mean:.1} s each on average"),
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
