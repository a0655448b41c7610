//! PNGs of brains, films and sounds. This module selects what is drawn; the library's `plot` draws it.

use image::RgbImage;
use kinophone::classic::ClassicBrain;
use kinophone::dataset::{Shard, ShardSound};
use kinophone::media::{AudioTracks, Decode, DecodeSound, Ffmpeg, FilmFacts};
use kinophone::model::Ensemble;
use kinophone::plot::{self, Lane, Overview, TimelinePlot};
use kinophone::storage::{MissingFolders, Overwrite};
use kinophone::task::Task;
use kinophone::visual::{FrameState, VisualEvent, VisualOnsets};
use kinophone::{Error, Kind, Result, texture};
use kinophone_dsp::units::{MediaTime, SampleRate};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Number of pictures on a contact sheet.
const SHEET_PICTURES: usize = 48;

/// Sensitivity of the onset detector for the onsets that are drawn, 0 to 1.
const ONSET_SENSITIVITY: f32 = 0.5;

/// Columns of a contact sheet.
const SHEET_COLUMNS: usize = 8;

/// Side of the pictures that are decoded for a film's contact sheet.
const SHEET_PICTURE_SIZE: u32 = 128;

/// Highest number of first-layer filters that are drawn, the strongest ones.
const MAX_FILTERS: usize = 144;

/// Rate of the sound that is decoded for a film's waveform and spectrogram.
const SOUND_HZ: u32 = 22_050;

/// The folder that PNGs are drawn into.
pub struct Album {
    folder: PathBuf,
    files: Vec<PathBuf>,
    _made: MissingFolders,
}

impl Album {
    /// Creates the folder if it is missing.
    pub fn open(folder: &Path) -> Result<Self> {
        let made = MissingFolders::note(folder);
        std::fs::create_dir_all(folder).map_err(|e| Error::io("created", folder, e))?;
        Ok(Self { folder: folder.to_owned(), files: Vec::new(), _made: made })
    }

    /// The files that were drawn, in order.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// Filters of the first layer, and the loss curve where there is one.
    pub fn brain(&mut self, brain: &ClassicBrain) -> Result<()> {
        let config = brain.config();
        let (weights, _) = brain.layer(0);
        self.add("filters", &plot::filters(weights, config.size, config.colour, MAX_FILTERS))?;
        if brain.history().epochs.is_empty() { Ok(()) } else { self.add("loss", &loss_curve(brain)) }
    }

    /// The eigenpictures of an ensemble: of motion and of appearance, for each of its views.
    pub fn eigenpictures(&mut self, brain: &Ensemble) -> Result<()> {
        for view in 0..brain.config().views.len() {
            for (kind, weights) in brain.features().eigenpictures(view) {
                let (side, name) = (brain.features().side() as u32, format!("{kind:?}").to_lowercase());
                self.add(&format!("view{view}-{name}"), &plot::filters(&weights, side, false, MAX_FILTERS))?;
            }
        }
        Ok(())
    }

    /// Contact sheet, waveform and spectrogram of a prepared film; `prefix` begins the names of its files.
    pub fn shard(&mut self, prefix: &str, shard: &Shard) -> Result<()> {
        let pictures: Vec<(&[u8], MediaTime)> =
            evenly(shard.pictures()).map(|k| (shard.picture(k), shard.time(k))).collect();
        if !pictures.is_empty() {
            let sheet = plot::contact_sheet(&pictures, shard.size(), shard.colour(), SHEET_COLUMNS);
            self.add(&format!("{prefix}contact-sheet"), &sheet)?;
        }
        if let Some(sound) = shard.sound() {
            self.sound(prefix, &overview_of(sound))?;
        }
        shard.release();
        Ok(())
    }

    /// Contact sheet in colour, waveform and spectrogram of a film.
    pub fn film(&mut self, ffmpeg: &Ffmpeg, path: &Path, facts: &FilmFacts, task: Task<'_>) -> Result<()> {
        if facts.picture.is_some() {
            let pictures = sample_pictures(ffmpeg, path, task)?;
            let sheet: Vec<(&[u8], MediaTime)> = pictures.iter().map(|(p, time)| (&p[..], *time)).collect();
            self.add("contact-sheet", &plot::contact_sheet(&sheet, SHEET_PICTURE_SIZE, true, SHEET_COLUMNS))?;
        }
        if !facts.sounds.is_empty() {
            let overview = sound_overview(ffmpeg, path, facts, task)?;
            self.sound("", &overview)?;
        }
        Ok(())
    }

    /// The visual measures of a film over time, with its shots and onsets.
    pub fn measures(&mut self, analysis: &FrameState) -> Result<()> {
        let second = |time: MediaTime| (time - analysis.begin()).as_secs_f64();
        let onset = |onset: &VisualOnsets| (second(analysis.pictures[onset.picture].time), onset.strength);
        let onsets: Vec<(f64, f32)> =
            analysis.onsets(VisualEvent::Motion, ONSET_SENSITIVITY).iter().map(onset).collect();
        let measures = texture::measures(analysis);
        self.timeline(
            "measures",
            &TimelinePlot {
                title: "visual measures",
                seconds: second(analysis.end),
                shots: analysis
                    .shots
                    .iter()
                    .enumerate()
                    .map(|(k, s)| (second(analysis.pictures[s.first].time), k))
                    .collect(),
                onsets: &onsets,
                lanes: lanes(&measures),
            },
        )
    }

    /// Curves and events over the time of a film.
    pub fn timeline(&mut self, name: &str, timeline: &TimelinePlot<'_>) -> Result<()> {
        self.add(name, &plot::timeline(timeline))
    }

    fn sound(&mut self, prefix: &str, overview: &Overview) -> Result<()> {
        self.add(&format!("{prefix}waveform"), &overview.waveform())?;
        self.add(&format!("{prefix}spectrogram"), &overview.spectrogram())
    }

    fn add(&mut self, name: &str, picture: &RgbImage) -> Result<()> {
        let file = self.folder.join(format!("{name}.png"));
        // Pictures can be drawn again at any time, so older ones are replaced; nothing else is.
        if file.symlink_metadata().is_ok() && !is_picture(&file) {
            return Err(Error::new(Kind::Exists, "exists already and is no PNG")
                .at(file)
                .help("give another folder, or rename that file"));
        }
        plot::write_png(picture, &file, Overwrite::Replace)?;
        self.files.push(file);
        Ok(())
    }
}

/// True for a PNG itself, not a link to one.
fn is_picture(file: &Path) -> bool {
    const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
    let mut head = Vec::new();
    let read = || std::fs::File::open(file)?.take(SIGNATURE.len() as u64).read_to_end(&mut head);
    !file.is_symlink() && { read }().is_ok() && head == SIGNATURE
}

/// One lane per measure.
pub fn lanes<'a>(measures: &'a [(&'static str, Vec<f32>)]) -> Vec<Lane<'a>> {
    let lane = |(name, values): &'a (&'static str, Vec<f32>)| Lane {
        name,
        range: (0.0, 1.0),
        labels: ("0".into(), "1".into()),
        curves: vec![("", values)],
    };
    measures.iter().map(lane).collect()
}

/// The losses of training and validation over the epochs.
pub fn loss_curve(brain: &ClassicBrain) -> RgbImage {
    let epochs: Vec<(u32, f32, f32)> = (1..)
        .zip(&brain.history().epochs)
        .map(|(epoch, e)| (epoch, e.training, e.validation.unwrap_or(f32::NAN)))
        .collect();
    plot::loss_curve(&epochs)
}

/// At most [`SHEET_PICTURES`] indices below `count`, evenly spread, the first one included.
fn evenly(count: usize) -> impl Iterator<Item = usize> {
    let shown = count.min(SHEET_PICTURES);
    (0..shown).map(move |i| i * count / shown)
}

/// Decodes pictures evenly spread over a film whose length need not be known: every `step`-th is kept, and
/// whenever there are twice as many as needed, every other one is dropped and the step doubles.
fn sample_pictures(ffmpeg: &Ffmpeg, path: &Path, task: Task<'_>) -> Result<Vec<(Vec<u8>, MediaTime)>> {
    let mut stream = ffmpeg.decode(path, &Decode { size: SHEET_PICTURE_SIZE, colour: true })?;
    task.watcher.stage("reading the pictures", "pictures", None);
    let mut kept = Vec::new();
    let mut step = 1;
    for (k, picture) in stream.by_ref().enumerate() {
        task.cancel.check()?;
        let picture = picture?;
        task.watcher.advance(k as u64 + 1);
        if k % step == 0 {
            kept.push((picture.pixels, picture.time));
        }
        if kept.len() == 2 * SHEET_PICTURES {
            kept = kept.into_iter().step_by(2).collect();
            step *= 2;
        }
    }
    stream.finish()?;
    let indices: Vec<usize> = evenly(kept.len()).collect();
    Ok(indices.into_iter().map(|i| std::mem::take(&mut kept[i])).collect())
}

/// Overview of a film's first sound track, made while it is decoded.
fn sound_overview(ffmpeg: &Ffmpeg, path: &Path, facts: &FilmFacts, task: Task<'_>) -> Result<Overview> {
    let rate = SampleRate::new(SOUND_HZ).map_err(|e| Error::new(Kind::Invalid, e.to_string()))?;
    let request = DecodeSound { tracks: AudioTracks::Default, rate, channels: 1 };
    let total = match facts.duration {
        Some(length) => rate.sample_at(length).max(0) as u64,
        // The length of a stream without an index is unknown; its sound is decoded twice, first to count the
        // samples.
        None => read_all(ffmpeg, path, &request, task, &mut |_| {})?,
    };
    let mut overview = Overview::new(rate, total);
    read_all(ffmpeg, path, &request, task, &mut |samples| overview.push(samples))?;
    Ok(overview)
}

/// Passes a film's sound to `take` second by second; returns its length in samples.
fn read_all(
    ffmpeg: &Ffmpeg,
    path: &Path,
    request: &DecodeSound,
    task: Task<'_>,
    take: &mut dyn FnMut(&[f32]),
) -> Result<u64> {
    let mut stream = ffmpeg.decode_sound(path, request)?;
    task.watcher.stage("reading the sound", "seconds", None);
    let mut second = vec![0.0; request.rate.hz() as usize];
    let mut total = 0;
    loop {
        task.cancel.check()?;
        let got = stream.read(&mut second)?;
        take(&second[..got]);
        total += got as u64;
        task.watcher.advance(total / u64::from(request.rate.hz()));
        if got < second.len() {
            return Ok(total);
        }
    }
}

/// Overview of a prepared film's sound in mono, taken second by second so that memory does not grow with its
/// length.
fn overview_of(sound: ShardSound<'_>) -> Overview {
    let mut overview = Overview::new(sound.rate, sound.frames() as u64);
    let mut mono = Vec::new();
    for second in sound.samples.chunks((sound.channels * sound.rate.hz()) as usize) {
        sound.mix_down(second, &mut mono);
        overview.push(&mono);
    }
    overview
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_shows_pictures_evenly_and_never_twice() {
        assert_eq!(evenly(3).collect::<Vec<_>>(), [0, 1, 2]);
        let many: Vec<usize> = evenly(1000).collect();
        assert_eq!((many.len(), many[0]), (SHEET_PICTURES, 0));
        assert!(many.windows(2).all(|w| (20..=21).contains(&(w[1] - w[0]))));
        assert_eq!(evenly(0).count(), 0);
    }
}
