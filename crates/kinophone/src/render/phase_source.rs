//! A sound that lends its phases.

use crate::media::{DecodeSound, Ffmpeg};
use crate::task::Task;
use crate::{Error, Kind, Result};
use kinophone_dsp::units::SampleRate;
use std::path::Path;

/// Of longer sounds the beginning lends its phases: 26 MB at 22 050 Hz.
const LONGEST_SECS: usize = 300;
/// Samples that are read at a time.
const PIECE: usize = 1 << 12;
/// A piece whose samples all lie below this is digital silence: it has no phases to lend, and frames without phases click.
const SILENCE: f32 = 1e-5;

/// The sound of `file`, mono at `rate`, without its silent parts, up to five minutes. Fails with `Kind::NoSound` where it
/// has none, or nothing but silence.
pub(crate) fn listen(ffmpeg: &Ffmpeg, file: &Path, rate: SampleRate, task: Task<'_>) -> Result<Vec<f32>> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    task.watcher.stage(&format!("borrowing the phases of {name}"), "seconds", None);
    let mut stream = ffmpeg.decode_sound(file, &DecodeSound { track: 0, rate, channels: 1 })?;
    let (mut sound, mut piece) = (Vec::new(), vec![0.0; PIECE]);
    let longest = LONGEST_SECS * rate.hz() as usize;
    while sound.len() < longest {
        task.cancel.check()?;
        let got = stream.read(&mut piece)?;
        if got == 0 {
            break;
        }
        if piece[..got].iter().any(|x| x.abs() > SILENCE) {
            sound.extend_from_slice(&piece[..got]);
        }
        task.watcher.advance((sound.len() / rate.hz() as usize) as u64);
    }
    if sound.is_empty() {
        return Err(Error::new(Kind::NoSound, "is silent, so it has no phases to lend")
            .at(file)
            .help("name another sound or film after --phase"));
    }
    Ok(sound)
}
