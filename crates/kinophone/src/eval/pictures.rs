//! Sound, spectrograms and pictures of an evaluated film, as data URIs for a page.

use crate::dataset::Shard;
use crate::eval::report::HeldOutSpan;
use crate::media::{AudioTracks, Decode, DecodeSound, Encode, Ffmpeg, SoundCodec};
use crate::plot::Sonogram;
use crate::task::Task;
use crate::{Error, Kind, Result};
use image::codecs::jpeg::JpegEncoder;
use image::{ImageFormat, RgbImage, imageops};
use kinophone_dsp::units::{MediaTime, SampleRate};
use std::io::Cursor;
use std::path::Path;

/// Width of a picture of the strip in pixels.
const THUMB_WIDTH: u32 = 128;
/// Most pictures of a strip, so that a browser takes it as one image.
const MAX_THUMBS: usize = 120;
/// JPEG quality of the strip, of 100.
const JPEG_QUALITY: u8 = 80;
/// Longest sound, in seconds, that is put onto the page in stereo.
const MAX_STEREO_SECS: f64 = 60.0;
/// Number of frames that are read at a time.
const CHUNK_FRAMES: usize = 1 << 14;

/// Bytes as a data URI.
pub(crate) fn data_uri(kind: &str, bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut uri = format!("data:{kind};base64,");
    uri.reserve(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let number =
            group.iter().fold(0u32, |sum, byte| sum << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for k in 0..4 {
            let letter = LETTERS[(number >> (18 - 6 * k)) as usize & 63];
            uri.push(if k <= group.len() { char::from(letter) } else { '=' });
        }
    }
    uri
}

/// A spectrogram as a PNG.
pub(crate) fn png(sonogram: &Sonogram, loudest: f32) -> Result<String> {
    let mut bytes = Cursor::new(Vec::new());
    sonogram.draw(loudest).write_to(&mut bytes, ImageFormat::Png).map_err(encoding_failed)?;
    Ok(data_uri("image/png", bytes.get_ref()))
}

fn jpeg(picture: &RgbImage) -> Result<String> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY).encode_image(picture).map_err(encoding_failed)?;
    Ok(data_uri("image/jpeg", &bytes))
}

fn encoding_failed(cause: image::ImageError) -> Error {
    Error::new(Kind::Io, "a picture for the page could not be encoded").because(cause)
}

/// A sound for the page; `write` passes its interleaved samples on.
pub(crate) fn audio(
    ffmpeg: &Ffmpeg,
    scratch: &Path,
    rate: SampleRate,
    channels: u32,
    write: impl FnOnce(&mut dyn FnMut(&[f32]) -> Result<()>) -> Result<()>,
) -> Result<String> {
    let output = scratch.join("page.mp4");
    let encode = Encode {
        output: output.clone(),
        extension: "mp4".to_owned(),
        codec: SoundCodec::Aac,
        rate,
        channels,
        picture: None,
        tags: Vec::new(),
        room: None,
    };
    let mut encoder = ffmpeg.encode(&encode)?;
    write(&mut |samples| encoder.write(samples))?;
    encoder.finish()?;
    let bytes = std::fs::read(&output).map_err(|e| Error::io("read", &output, e))?;
    std::fs::remove_file(&output).map_err(|e| Error::io("removed", &output, e))?;
    Ok(data_uri("audio/mp4", &bytes))
}

/// The spans of a sound file end to end; the file begins at that time of the film.
pub(crate) fn audio_of_file(
    ffmpeg: &Ffmpeg,
    scratch: &Path,
    (file, begin): (&Path, MediaTime),
    spans: &[HeldOutSpan],
    task: Task<'_>,
) -> Result<String> {
    let facts = ffmpeg.probe(file)?;
    let stereo = total(spans) <= MAX_STEREO_SECS;
    let sound = facts.sounds.first().ok_or_else(|| Error::new(Kind::NoSound, "has no sound").at(file))?;
    let (rate, channels) = (sound.rate, if stereo { sound.channels.min(2) } else { 1 });
    let mut stream =
        ffmpeg.decode_sound(file, &DecodeSound { tracks: AudioTracks::Default, rate, channels })?;
    audio(ffmpeg, scratch, rate, channels, |out| {
        let mut excerpt = Excerpt::new(spans, rate, channels, begin);
        let mut samples = vec![0.0; CHUNK_FRAMES * channels as usize];
        loop {
            task.cancel.check()?;
            match stream.read(&mut samples)? {
                0 => return excerpt.finish(out),
                got => excerpt.push(&samples[..got], out)?,
            }
        }
    })
}

/// Writes a copy of a soundtrack that begins at the film's time zero instead of its first picture.
pub(crate) fn shift_to_clock(
    ffmpeg: &Ffmpeg,
    file: &Path,
    begin: MediaTime,
    target: &Path,
    task: Task<'_>,
) -> Result<()> {
    let facts = ffmpeg.probe(file)?;
    let sound = facts.sounds.first().ok_or_else(|| Error::new(Kind::NoSound, "has no sound").at(file))?;
    let (rate, channels) = (sound.rate, sound.channels.min(2));
    let encode = Encode {
        output: target.to_owned(),
        extension: "wav".to_owned(),
        codec: SoundCodec::Pcm,
        rate,
        channels,
        picture: None,
        tags: Vec::new(),
        room: None,
    };
    let mut encoder = ffmpeg.encode(&encode)?;
    encoder.write(&vec![0.0; rate.sample_at(begin).max(0) as usize * channels as usize])?;
    let mut stream =
        ffmpeg.decode_sound(file, &DecodeSound { tracks: AudioTracks::Default, rate, channels })?;
    let mut samples = vec![0.0; CHUNK_FRAMES * channels as usize];
    loop {
        task.cancel.check()?;
        match stream.read(&mut samples)? {
            0 => return encoder.finish(),
            got => encoder.write(&samples[..got])?,
        }
    }
}

/// The spans of a shard's sound end to end.
pub(crate) fn audio_of_shard(
    ffmpeg: &Ffmpeg,
    scratch: &Path,
    shard: &Shard,
    spans: &[HeldOutSpan],
) -> Result<Option<String>> {
    let Some(sound) = shard.sound() else { return Ok(None) };
    let (rate, own) = (sound.rate, sound.channels as usize);
    let channels = if total(spans) <= MAX_STEREO_SECS { own } else { 1 };
    let audio = audio(ffmpeg, scratch, rate, channels as u32, |out| {
        let mut excerpt = Excerpt::new(spans, rate, channels as u32, MediaTime::ZERO);
        let mut floats = Vec::new();
        for samples in sound.samples.chunks(CHUNK_FRAMES * own) {
            if channels == own {
                floats.clear();
                floats.extend(samples.iter().map(|sample| f32::from(*sample) * sound.step()));
            } else {
                sound.mix_down(samples, &mut floats);
            }
            excerpt.push(&floats, out)?;
        }
        excerpt.finish(out)
    })?;
    Ok(Some(audio))
}

/// Passes on the spans of a sound, in order; silence where the sound has ended.
struct Excerpt {
    /// In samples of one channel, from the beginning of the sound.
    spans: Vec<(i64, i64)>,
    channels: usize,
    read: i64,
    written: i64,
}

impl Excerpt {
    fn new(spans: &[HeldOutSpan], rate: SampleRate, channels: u32, begin: MediaTime) -> Self {
        let at = |secs: f64| rate.sample_at(MediaTime((secs * 1e6).round() as i64) - begin);
        let spans = spans.iter().map(|s| (at(s.from), at(s.to))).collect();
        Self { spans, channels: channels as usize, read: 0, written: 0 }
    }

    fn push(&mut self, samples: &[f32], out: &mut dyn FnMut(&[f32]) -> Result<()>) -> Result<()> {
        let frames = (samples.len() / self.channels) as i64;
        for (from, to) in self.spans.clone() {
            // Before its beginning the sound is silent.
            if self.read == 0 && from < 0 {
                self.silence(to.min(0) - from, out)?;
            }
            let (begin, end) = (from.max(self.read) - self.read, to.min(self.read + frames) - self.read);
            if begin < end {
                out(&samples[begin as usize * self.channels..end as usize * self.channels])?;
                self.written += end - begin;
            }
        }
        self.read += frames;
        Ok(())
    }

    fn finish(&mut self, out: &mut dyn FnMut(&[f32]) -> Result<()>) -> Result<()> {
        let all: i64 = self.spans.iter().map(|(from, to)| to - from).sum();
        self.silence(all - self.written, out)
    }

    fn silence(&mut self, frames: i64, out: &mut dyn FnMut(&[f32]) -> Result<()>) -> Result<()> {
        let mut left = frames.max(0);
        self.written += left;
        let zeros = vec![0.0; CHUNK_FRAMES * self.channels];
        while left > 0 {
            let now = left.min(CHUNK_FRAMES as i64);
            out(&zeros[..now as usize * self.channels])?;
            left -= now;
        }
        Ok(())
    }
}

fn total(spans: &[HeldOutSpan]) -> f64 {
    spans.iter().map(|s| s.to - s.from).sum()
}

/// Pictures of the evaluated spans side by side.
pub(crate) struct Strip {
    pub(crate) uri: String,
    pub(crate) step: f64,
    pub(crate) count: usize,
}

/// Makes the strip: in colour from the film where there is one, else from the small pictures of the shard.
pub(crate) fn strip(
    ffmpeg: &Ffmpeg,
    film: Option<&Path>,
    shard: &Shard,
    spans: &[HeldOutSpan],
    task: Task<'_>,
) -> Result<Strip> {
    let seconds = total(spans);
    let step = (seconds / MAX_THUMBS as f64).ceil().max(1.0);
    let count = ((seconds / step).ceil() as usize).max(1);
    // The middle of the time that each picture represents, on the film's clock.
    let times: Vec<MediaTime> = (0..count).map(|k| time_in_film((k as f64 + 0.5) * step, spans)).collect();
    let mut sheet = RgbImage::new(THUMB_WIDTH * count as u32, height_of(shard));
    match film {
        Some(film) => draw_film(&mut sheet, ffmpeg, (film, shard.pictures() as u64), &times, task)?,
        None => {
            for (k, time) in times.iter().enumerate() {
                let pixels = shard.picture(shard.picture_at(*time));
                paste(&mut sheet, k, THUMB_WIDTH, Some(pixels), shard.size(), shard.colour());
            }
        }
    }
    Ok(Strip { uri: jpeg(&sheet)?, step, count })
}

/// Draws the pictures of a film at these times; `total` is the number of its pictures.
fn draw_film(
    sheet: &mut RgbImage,
    ffmpeg: &Ffmpeg,
    (film, total): (&Path, u64),
    times: &[MediaTime],
    task: Task<'_>,
) -> Result<()> {
    let mut stream = ffmpeg.decode(film, &Decode { size: THUMB_WIDTH, colour: true })?;
    let name = film.file_name().unwrap_or_default().to_string_lossy().into_owned();
    task.watcher.stage(&format!("reading the pictures of {name}"), "pictures", Some(total));
    let (mut next, mut current) = (0, None);
    for (done, picture) in (1..).zip(stream.by_ref()) {
        task.cancel.check()?;
        task.watcher.advance(done);
        let picture = picture?;
        while next < times.len() && current.is_some() && times[next] < picture.time {
            paste(sheet, next, THUMB_WIDTH, current.as_deref(), THUMB_WIDTH, true);
            next += 1;
        }
        if next == times.len() {
            break;
        }
        current = Some(picture.pixels);
    }
    (next..times.len()).for_each(|k| paste(sheet, k, THUMB_WIDTH, current.as_deref(), THUMB_WIDTH, true));
    Ok(())
}

/// A picture from a tenth of the way through the film, `width` pixels wide.
pub(crate) fn poster(ffmpeg: &Ffmpeg, film: &Path, width: u32, task: Task<'_>) -> Result<String> {
    let facts = ffmpeg.probe(film)?;
    let target = MediaTime(facts.duration.map_or(0, |length| length.0 / 10));
    let mut stream = ffmpeg.decode(film, &Decode { size: width, colour: true })?;
    let mut current = None;
    for picture in stream.by_ref() {
        task.cancel.check()?;
        let picture = picture?;
        let late = picture.time >= target;
        current = Some(picture.pixels);
        if late {
            break;
        }
    }
    let height = facts.picture.map_or(width, |p| aspect(width, p.width, p.height, p.rotation));
    let mut sheet = RgbImage::new(width, height);
    paste(&mut sheet, 0, width, current.as_deref(), width, true);
    jpeg(&sheet)
}

/// The time in the film of the second `secs` of the spans laid end to end.
fn time_in_film(secs: f64, spans: &[HeldOutSpan]) -> MediaTime {
    let mut left = secs;
    let mut last = 0.0;
    for span in spans {
        if left < span.to - span.from {
            return MediaTime(((span.from + left) * 1e6) as i64);
        }
        left -= span.to - span.from;
        last = span.to;
    }
    MediaTime((last * 1e6) as i64 - 1)
}

/// Height of a picture of the strip, in the film's display aspect ratio.
fn height_of(shard: &Shard) -> u32 {
    let picture = shard.source().facts.picture.as_ref();
    picture.map_or(THUMB_WIDTH, |p| aspect(THUMB_WIDTH, p.width, p.height, p.rotation))
}

fn aspect(across: u32, width: u32, height: u32, rotation: i32) -> u32 {
    let upright = rotation.rem_euclid(180) == 0;
    let (width, height) = if upright { (width, height) } else { (height, width) };
    let exact = f64::from(across) * f64::from(height) / f64::from(width.max(1));
    (exact.round() as u32).clamp(across / 4, across * 2)
}

/// Draws a square picture of `side` pixels at position `k` of a row of pictures that are `width` pixels wide.
fn paste(sheet: &mut RgbImage, k: usize, width: u32, pixels: Option<&[u8]>, side: u32, colour: bool) {
    let Some(pixels) = pixels else { return };
    let bytes = if colour { pixels.to_vec() } else { pixels.iter().flat_map(|p| [*p; 3]).collect() };
    let Some(square) = RgbImage::from_raw(side, side, bytes) else { return };
    let tile = imageops::resize(&square, width, sheet.height(), imageops::FilterType::Triangle);
    imageops::replace(sheet, &tile, i64::from(width) * k as i64, 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPANS: [HeldOutSpan; 2] = [HeldOutSpan { from: 1.0, to: 2.0 }, HeldOutSpan { from: 4.0, to: 5.0 }];

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(data_uri("x/y", bytes.as_bytes()), format!("data:x/y;base64,{text}"));
        }
        assert_eq!(data_uri("x/y", &[0xff, 0xfe, 0xfb]), "data:x/y;base64,//77");
    }

    fn excerpt(sound: &[f32], begin: MediaTime, piece: usize) -> Vec<f32> {
        let rate = SampleRate::new(10).unwrap();
        let (mut excerpt, mut got) = (Excerpt::new(&SPANS, rate, 1, begin), Vec::new());
        let mut out = |samples: &[f32]| {
            got.extend_from_slice(samples);
            Ok(())
        };
        sound.chunks(piece).for_each(|part| excerpt.push(part, &mut out).unwrap());
        excerpt.finish(&mut out).unwrap();
        got
    }

    #[test]
    fn an_excerpt_is_the_spans_end_to_end_in_parts_of_any_length() {
        let sound: Vec<f32> = (0..48).map(|n| n as f32).collect();
        let whole: Vec<f32> = (10..20).chain(40..48).map(|n| n as f32).chain([0.0; 2]).collect();
        for piece in [1, 7, 48] {
            assert_eq!(excerpt(&sound, MediaTime::ZERO, piece), whole);
        }
        // A sound that begins 1.5 s after the film's zero.
        let late = excerpt(&sound, MediaTime(1_500_000), 7);
        assert_eq!((&late[..5], late[5], late[10], late.len()), (&[0.0; 5][..], 0.0, 25.0, 20));
    }

    #[test]
    fn positions_in_the_strip_are_times_in_the_film() {
        assert_eq!([0.5, 1.5, 9.0].map(|t| time_in_film(t, &SPANS).0), [1_500_000, 4_500_000, 4_999_999]);
        assert_eq!((aspect(128, 1280, 720, 0), aspect(128, 1280, 720, 90)), (72, 228));
    }
}
