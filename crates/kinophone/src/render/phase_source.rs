//! The sound that lends its phases to a spectral synth.

use crate::media::{AudioTracks, DecodeSound, Ffmpeg};
use crate::task::Task;
use crate::{Error, Kind, Result};
use kinophone_dsp::units::SampleRate;
use std::path::Path;

/// Seconds of the sound that are used, from its beginning: 26 MB at 22 050 Hz.
const MAX_SECONDS: usize = 300;
/// Samples that are read at a time.
const CHUNK_SAMPLES: usize = 1 << 12;
/// A chunk whose samples all lie below this is digital silence: it has no phases to lend, and frames without phases click.
const SILENT_SAMPLE: f32 = 1e-5;

/// Reads the sound of `file`, mono at `rate`, without its silent parts, up to five minutes. Fails with `Kind::NoSound` where
/// it has none, or nothing but silence.
pub(crate) fn read(ffmpeg: &Ffmpeg, file: &Path, rate: SampleRate, task: Task<'_>) -> Result<Vec<f32>> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    task.watcher.stage(&format!("reading the phases of {name}"), "seconds", None);
    let mut stream =
        ffmpeg.decode_sound(file, &DecodeSound { tracks: AudioTracks::Default, rate, channels: 1 })?;
    let (mut sound, mut chunk) = (Vec::new(), vec![0.0; CHUNK_SAMPLES]);
    let max_samples = MAX_SECONDS * rate.hz() as usize;
    while sound.len() < max_samples {
        task.cancel.check()?;
        let got = stream.read(&mut chunk)?;
        if got == 0 {
            break;
        }
        if chunk[..got].iter().any(|x| x.abs() > SILENT_SAMPLE) {
            sound.extend_from_slice(&chunk[..got]);
        }
        task.watcher.advance((sound.len() / rate.hz() as usize) as u64);
    }
    task.warn_of(file, &stream.complaints());
    if sound.is_empty() {
        return Err(Error::new(Kind::NoSound, "is silent, so it has no phases to lend")
            .at(file)
            .help("name another sound or film after --phase"));
    }
    Ok(sound)
}
