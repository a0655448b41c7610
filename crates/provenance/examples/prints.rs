//! Fingerprints, an index with fill, and what it finds of excerpts, as JSON lines: what `bench/identify.py`
//! measures with.
//!
//! ```sh
//! cargo run --release -p kinophone-provenance --example prints -- add FILM NAME OUT.print
//! cargo run --release -p kinophone-provenance --example prints -- index OUT.index HOURS PRINT...
//! cargo run --release -p kinophone-provenance --example prints -- identify OUT.index SECONDS STEP FILM...
//! ```
//!
//! `index` adds so many hours of works without a name, drawn from the landmarks and pictures of those given:
//! their anchors moved in pitch and time, a little in the other coordinates, their pictures with a third of
//! the bits turned, shot by shot. `identify` looks for excerpts of `SECONDS` every `STEP` seconds, each by
//! itself, as if it were a film of its own; 0 seconds for the whole.

use kinophone::dsp::units::MediaTime;
use kinophone::media::{AudioTracks, Decode, DecodeSound, Ffmpeg};
use kinophone::storage::Overwrite;
use kinophone::task::{Cancel, Quiet, Task};
use kinophone_provenance::fingerprint::{
    Fingerprint, Index, IndexBuilder, Landmark, Match, PictureHash, PictureQueryBuilder, SOUND_RATE,
    SoundPrint, SoundQueryBuilder,
};
use serde_json::json;
use std::error::Error;
use std::path::Path;
use std::time::Instant;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match &words[..] {
        ["add", film, name, out] => add(Path::new(film), name, Path::new(out)),
        ["index", out, hours, prints @ ..] => index(Path::new(out), hours.parse()?, prints),
        ["identify", index, seconds, step, films @ ..] => {
            let index = Index::open(Path::new(index))?;
            films
                .iter()
                .try_for_each(|film| identify(&index, seconds.parse()?, step.parse()?, Path::new(film)))
        }
        _ => Err("usage: see the top of examples/prints.rs".into()),
    }
}

fn task(cancel: &Cancel) -> Task<'_> {
    Task { watcher: &Quiet, cancel }
}

fn add(film: &Path, name: &str, out: &Path) -> Outcome {
    let print = Fingerprint::of_film(&Ffmpeg::locate(None)?, film, name, task(&Cancel::default()))?;
    let checksum = print.save(out, Overwrite::Replace)?;
    let pictures = print.pictures.as_ref().map_or(0, Vec::len);
    println!(
        "{}",
        json!({"name": name, "checksum": checksum, "landmarks": print.landmarks().len(), "pictures": pictures})
    );
    Ok(())
}

/// Numbers from a seed (Knuth's linear congruential generator), the upper half of each.
struct Draw(u64);

impl Draw {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 32) as usize * count) >> 32
    }
}

fn index(out: &Path, hours: usize, prints: &[&str]) -> Outcome {
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = IndexBuilder::new(folder);
    let works =
        prints.iter().map(|path| Fingerprint::load(Path::new(path))).collect::<Result<Vec<_>, _>>()?;
    for (work, checksum) in &works {
        builder.add(work, checksum)?;
    }
    let (anchors, shots) = (anchors(&works), shots(&works));
    let mut draw = Draw(1);
    let start = Instant::now();
    for _ in 0..hours {
        builder.add(&drawn_hour(&anchors, &shots, &mut draw), "")?;
    }
    let drawn = start.elapsed().as_secs_f64();
    builder.finish(out, Overwrite::Replace)?;
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{}",
        json!({"hours": hours, "bytes": out.metadata()?.len(), "seconds": seconds, "of which drawn and added": drawn})
    );
    Ok(())
}

/// The hashes of each anchor, with the frames to the next one.
fn anchors(works: &[(Fingerprint, String)]) -> Vec<(u32, Vec<u32>)> {
    let mut anchors = Vec::new();
    for (work, _) in works {
        for same in work.landmarks().chunk_by(|a, b| a.frame == b.frame) {
            anchors.push((same[0].frame, same.iter().map(|landmark| landmark.hash).collect::<Vec<_>>()));
        }
    }
    for k in 1..anchors.len() {
        anchors[k - 1].0 = anchors[k].0.saturating_sub(anchors[k - 1].0).min(60);
    }
    anchors
}

/// Stretches of four seconds of pictures.
fn shots(works: &[(Fingerprint, String)]) -> Vec<Vec<PictureHash>> {
    let pictures = works.iter().flat_map(|(work, _)| work.pictures.iter().flatten());
    pictures.copied().collect::<Vec<_>>().chunks_exact(16).map(<[_]>::to_vec).collect()
}

fn drawn_hour(anchors: &[(u32, Vec<u32>)], shots: &[Vec<PictureHash>], draw: &mut Draw) -> Fingerprint {
    const FRAMES: u32 = 225_000;
    let (mut landmarks, mut frame) = (Vec::new(), 0);
    while !anchors.is_empty() && frame < FRAMES {
        let (gap, hashes) = &anchors[draw.below(anchors.len())];
        let shift = draw.below(25) as u32;
        landmarks.extend(hashes.iter().map(|hash| Landmark { frame, hash: moved(*hash, shift, draw) }));
        frame += gap;
    }
    let mut pictures = Vec::new();
    while !shots.is_empty() && pictures.len() < 14_400 {
        let mut bits = || (0..32).fold(0u64, |bits, _| bits | 1 << draw.below(64));
        let (dct, gradient) = (bits(), bits());
        let turned = |hash: &PictureHash| {
            if hash.tells() {
                PictureHash { dct: hash.dct ^ dct, gradient: hash.gradient ^ gradient }
            } else {
                *hash
            }
        };
        pictures.extend(shots[draw.below(shots.len())].iter().map(turned));
    }
    let sound = (!landmarks.is_empty()).then_some(SoundPrint { landmarks, frames: FRAMES + 60 });
    let pictures = (!pictures.is_empty()).then_some(pictures);
    Fingerprint { name: String::new(), length: MediaTime::from_secs(3602), sound, pictures }
}

/// A landmark of an anchor `shift` − 12 bands higher, its other coordinates one cell up or down or neither.
fn moved(hash: u32, shift: u32, draw: &mut Draw) -> u32 {
    let (mut rest, mut moved, mut unit) = (hash, 0, 1);
    // Span, ratio, the two intervals of pitch, and the pitch of the anchor, which comes first in a hash.
    for count in [37, 24, 74, 74] {
        let cell = (rest % count + draw.below(3) as u32).saturating_sub(1).min(count - 1);
        (rest, moved, unit) = (rest / count, moved + unit * cell, unit * count);
    }
    moved + unit * (rest + shift).saturating_sub(12).min(173)
}

fn identify(index: &Index, seconds: f64, step: f64, film: &Path) -> Outcome {
    let ffmpeg = Ffmpeg::locate(None)?;
    let facts = ffmpeg.probe(film)?;
    if !facts.sounds.is_empty() {
        let sound = sound(&ffmpeg, film)?;
        let rate = f64::from(SOUND_RATE);
        for (begin, range) in excerpts(sound.len(), (seconds * rate) as usize, (step * rate) as usize) {
            let start = Instant::now();
            let mut builder = SoundQueryBuilder::default();
            builder.push(&sound[range]);
            let found = index.identify_sound(&builder.finish(), &Cancel::default())?;
            report(index, film, "sound", begin as f64 / rate, start, &found);
        }
    }
    if facts.picture.is_some() {
        let (pictures, end) = pictures(&ffmpeg, film)?;
        let us = |seconds: f64| (seconds * 1e6) as usize;
        for (begin, range) in excerpts(end.0 as usize, us(seconds), us(step)) {
            let start = Instant::now();
            let mut builder = PictureQueryBuilder::new(SIDE as usize);
            let within = pictures.iter().filter(|(time, _)| range.contains(&(time.0 as usize)));
            within.for_each(|(time, pixels)| builder.push(MediaTime(time.0 - begin as i64), pixels));
            let query = builder.finish(MediaTime((range.end - begin) as i64));
            let found = index.identify_pictures(&query, &Cancel::default())?;
            report(index, film, "picture", begin as f64 / 1e6, start, &found);
        }
    }
    Ok(())
}

/// Beginning and range of each excerpt of `length` every `step`; of one excerpt, the whole, where the length
/// is 0.
fn excerpts(whole: usize, length: usize, step: usize) -> Vec<(usize, std::ops::Range<usize>)> {
    if length == 0 {
        return vec![(0, 0..whole)];
    }
    let begins = (0..).map(|k| k * step.max(1)).take_while(|begin| begin + length <= whole);
    begins.map(|begin| (begin, begin..begin + length)).collect()
}

fn report(index: &Index, film: &Path, kind: &str, begin: f64, start: Instant, found: &[Match]) {
    let ms = 1e3 * start.elapsed().as_secs_f64();
    let secs = |time: MediaTime| time.0 as f64 / 1e6;
    let shown = |found: &Match| {
        json!({
            "work": index.works()[found.work].name, "begin": secs(found.begin), "end": secs(found.end),
            "place": secs(found.place), "speed": found.speed, "pitch": found.pitch, "score": found.score,
            "mirrored": found.mirrored,
        })
    };
    let matches: Vec<_> = found.iter().map(shown).collect();
    println!(
        "{}",
        json!({"file": film.to_string_lossy(), "kind": kind, "begin": begin, "ms": ms, "matches": matches})
    );
}

/// Side of decoded pictures.
const SIDE: u32 = 128;

fn sound(ffmpeg: &Ffmpeg, film: &Path) -> Outcome<Vec<f32>> {
    let rate = kinophone::dsp::units::SampleRate::new(SOUND_RATE)?;
    let mut stream =
        ffmpeg.decode_sound(film, &DecodeSound { tracks: AudioTracks::Default, rate, channels: 1 })?;
    let (mut sound, mut piece) = (Vec::new(), vec![0.0; 1 << 16]);
    loop {
        match stream.read(&mut piece)? {
            0 => return Ok(sound),
            got => sound.extend_from_slice(&piece[..got]),
        }
    }
}

/// Pictures at their times.
type Pictures = Vec<(MediaTime, Vec<u8>)>;

/// All pictures of a film, and the end of the last one.
fn pictures(ffmpeg: &Ffmpeg, film: &Path) -> Outcome<(Pictures, MediaTime)> {
    let mut stream = ffmpeg.decode(film, &Decode { size: SIDE, colour: false })?;
    let pictures =
        stream.by_ref().map(|picture| picture.map(|p| (p.time, p.pixels))).collect::<Result<_, _>>()?;
    Ok((pictures, stream.finish()?.end))
}
