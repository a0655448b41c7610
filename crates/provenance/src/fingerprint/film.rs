//! Fingerprints and queries of films and recordings, decoded by ffmpeg.

use super::file::{Fingerprint, SoundPrint};
use super::landmarks::{LandmarkExtractor, SoundQuery, SoundQueryBuilder};
use super::sampler::{PictureExtractor, PictureQuery, PictureQueryBuilder};
use super::spectrum::SOUND_RATE;
use kinophone::dsp::units::{MediaTime, SampleRate};
use kinophone::media::{AudioTracks, Decode, DecodeSound, Ffmpeg, Film};
use kinophone::task::Task;
use kinophone::{Error, Kind, Result};
use std::path::Path;

/// Side of the pictures that borders are cut from, in pixels.
pub(super) const SIDE: u32 = 128;
/// Samples that are decoded at a time.
const PIECE: usize = 1 << 14;

impl Fingerprint {
    /// The fingerprint of a film or a recording, of whatever it has. Memory grows with what is kept of it
    /// alone, 2.1 MB an hour. Fails as [`Ffmpeg::probe`] and [`Ffmpeg::decode`] do, and with [`Kind::Empty`]
    /// where there is neither sound nor picture.
    pub fn of_film(ffmpeg: &Ffmpeg, path: &Path, name: &str, task: Task<'_>) -> Result<Self> {
        let film = ffmpeg.open(path)?;
        let sound = has_sound(&film).then(|| sound_of(&film, task)).transpose()?;
        let pictures = film.facts().picture.is_some().then(|| pictures_of(&film, task)).transpose()?;
        if sound.is_none() && pictures.is_none() {
            return Err(Error::new(Kind::Empty, "has neither sound nor pictures").at(path));
        }
        let rate = SampleRate::new(SOUND_RATE).expect("the rate is in range");
        let sound_end = sound.as_ref().map_or(MediaTime(0), |(_, samples)| rate.time_of(*samples));
        let picture_end = pictures.as_ref().map_or(MediaTime(0), |(_, end)| *end);
        Ok(Self {
            name: name.to_owned(),
            length: sound_end.max(picture_end),
            sound: sound.map(|(print, _)| print),
            pictures: pictures.map(|(hashes, _)| hashes),
        })
    }
}

impl SoundQuery {
    /// The query of the sound of a film or a recording. Fails as [`Ffmpeg::decode_sound`] does.
    pub fn of_film(ffmpeg: &Ffmpeg, path: &Path, task: Task<'_>) -> Result<Self> {
        let mut builder = SoundQueryBuilder::default();
        samples(&ffmpeg.open(path)?, task, |samples| builder.push(samples))?;
        Ok(builder.finish())
    }
}

impl PictureQuery {
    /// The query of the pictures of a film. Fails as [`Ffmpeg::decode`] does.
    pub fn of_film(ffmpeg: &Ffmpeg, path: &Path, task: Task<'_>) -> Result<Self> {
        let mut builder = PictureQueryBuilder::new(SIDE as usize);
        let end = pictures(&ffmpeg.open(path)?, task, |time, pixels| builder.push(time, pixels))?;
        Ok(builder.finish(end))
    }
}

fn has_sound(film: &Film<'_>) -> bool {
    !film.facts().sounds.is_empty()
}

fn sound_of(film: &Film<'_>, task: Task<'_>) -> Result<(SoundPrint, i64)> {
    let (mut extractor, mut landmarks) = (LandmarkExtractor::default(), Vec::new());
    let count = samples(film, task, |samples| extractor.push(samples, &mut landmarks))?;
    let frames = extractor.finish(&mut landmarks);
    Ok((SoundPrint { landmarks, frames }, count))
}

fn pictures_of(film: &Film<'_>, task: Task<'_>) -> Result<(Vec<super::PictureHash>, MediaTime)> {
    let (mut extractor, mut hashes) = (PictureExtractor::new(SIDE as usize), Vec::new());
    let end = pictures(film, task, |time, pixels| extractor.push(time, pixels, &mut hashes))?;
    extractor.finish(end, &mut hashes);
    Ok((hashes, end))
}

/// Hands out the sound of a film, and says how many samples there were.
fn samples(film: &Film<'_>, task: Task<'_>, mut each: impl FnMut(&[f32])) -> Result<i64> {
    let rate = SampleRate::new(SOUND_RATE).expect("the rate is in range");
    let mut stream = film.decode_sound(&DecodeSound { tracks: AudioTracks::Default, rate, channels: 1 })?;
    let (mut piece, mut count) = (vec![0.0; PIECE], 0);
    loop {
        task.cancel.check()?;
        let got = stream.read(&mut piece)?;
        if got == 0 {
            return Ok(count);
        }
        each(&piece[..got]);
        count += got as i64;
        task.watcher.advance((count / i64::from(SOUND_RATE)) as u64);
    }
}

/// Hands out the pictures of a film, and says when the last one ends.
fn pictures(film: &Film<'_>, task: Task<'_>, mut each: impl FnMut(MediaTime, &[u8])) -> Result<MediaTime> {
    let mut stream = film.decode(&Decode { size: SIDE, colour: false })?;
    for picture in stream.by_ref() {
        task.cancel.check()?;
        let picture = picture?;
        each(picture.time, &picture.pixels);
    }
    Ok(stream.finish()?.end)
}
