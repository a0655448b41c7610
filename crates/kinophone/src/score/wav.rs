//! The sources of a score as files that other programs play.

use crate::score::Score;
use crate::wording::one_line;
use crate::{Error, Kind, Result};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// The sound of a score's sources, as the clips were played.
pub trait SourceSound {
    /// Fills `out` with interleaved samples of a source, from frame `first` on, at the rate and with the channels of the score;
    /// silence beyond its ends.
    fn read(&self, source: usize, first: i64, out: &mut [f32]);
}

/// Frames that are read and written at once.
const CHUNK_FRAMES: usize = 1 << 14;
/// Frames beyond the last one that is played, for programs that interpolate.
const SPARE_FRAMES: u64 = 4;
/// Bytes of a sample.
const SAMPLE_BYTES: usize = 4;
/// Bytes of a WAV before its samples.
const HEAD_BYTES: u32 = 58;
/// The most bytes of sound that a WAV can have.
const MAX_BYTES: u64 = u32::MAX as u64 - 64;
/// The file in the folder that lists the others.
pub(crate) const LIST: &str = "sources.txt";

/// A source that is played, and its file.
pub(crate) struct SourceFile {
    /// Its number in the score.
    pub(crate) source: usize,
    /// File name in the folder.
    pub(crate) file: String,
}

/// The sources that are played, and their file names.
pub(crate) fn used(score: &Score) -> Vec<SourceFile> {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' };
    let named = |source: usize| {
        let stem = Path::new(score.name(source)).file_stem().unwrap_or_default().to_string_lossy();
        let stem: String = stem.chars().map(plain).take(80).collect();
        SourceFile { source, file: format!("{:03}-{stem}.wav", source + 1) }
    };
    score.sounding_sources().into_iter().map(named).collect()
}

/// Writes each source that is played into `folder`, from its beginning as far as it is played, and a list of them.
pub(crate) fn write(score: &Score, sound: &dyn SourceSound, folder: &Path) -> Result<()> {
    let mut list = String::new();
    for SourceFile { source, file } in used(score) {
        write_one(score, sound, source, &folder.join(&file))?;
        let credited = &score.sources[source];
        let mut line = format!("{file}: {}", credited.terms.title.as_deref().unwrap_or(&credited.name));
        if let Some(author) = &credited.terms.author {
            line += &format!(" by {author}");
        }
        line += &format!(" ({})", credited.terms.licence.as_deref().unwrap_or("terms unknown"));
        list += &format!("{}\n", one_line(&line));
    }
    let path = folder.join(LIST);
    std::fs::write(&path, list).map_err(|e| Error::io("written", &path, e))
}

fn write_one(score: &Score, sound: &dyn SourceSound, source: usize, path: &Path) -> Result<()> {
    let (rate, channels) = (score.about.rate.hz(), score.about.channels.max(1) as usize);
    let clips = score.clips.iter().filter(|clip| clip.source == source);
    let ends = clips.flat_map(|clip| {
        clip.envelope.iter().map(|point| (clip.source_at + point[0] * clip.speed) * f64::from(rate))
    });
    let frames = ends.fold(0.0, f64::max).ceil() as u64 + SPARE_FRAMES;
    let bytes = frames * (channels * SAMPLE_BYTES) as u64;
    if bytes > MAX_BYTES {
        return Err(Error::new(Kind::Invalid, "is played too late for a WAV to hold it")
            .at(&score.sources[source].name)
            .help("cut it into shorter recordings, or write the score as .json, .csv, .mid or .edl"));
    }
    let failed = |e| Error::io("written", path, e);
    let mut out = BufWriter::new(File::create(path).map_err(failed)?);
    let frame = (channels * SAMPLE_BYTES) as u32;
    let mut head = Vec::from(*b"RIFF");
    head.extend((HEAD_BYTES - 8 + bytes as u32).to_le_bytes());
    // Floating point (format 3): recordings may swing beyond full scale, or be so faint that 16 bits would not hold them.
    head.extend(b"WAVEfmt \x12\0\0\0\x03\0");
    head.extend((channels as u16).to_le_bytes());
    head.extend(rate.to_le_bytes());
    head.extend((rate * frame).to_le_bytes());
    head.extend((frame as u16).to_le_bytes());
    head.extend(b"\x20\0\0\0fact\x04\0\0\0");
    head.extend((frames as u32).to_le_bytes());
    head.extend(b"data");
    head.extend((bytes as u32).to_le_bytes());
    out.write_all(&head).map_err(failed)?;
    let mut samples = vec![0.0; CHUNK_FRAMES * channels];
    let mut done = 0;
    while done < frames {
        let part = (frames - done).min(CHUNK_FRAMES as u64);
        let samples = &mut samples[..part as usize * channels];
        sound.read(source, done as i64, samples);
        let bytes: Vec<u8> = samples.iter().flat_map(|x| x.to_le_bytes()).collect();
        out.write_all(&bytes).map_err(failed)?;
        done += part;
    }
    out.flush().map_err(failed)
}
