//! Decodes a film into small pictures at a constant rate, as measures of motion want them.

use crate::media::arguments::{no_picture, opening, shared_clock};
use crate::media::process::{Launch, Process};
use crate::media::{Ffmpeg, input, probe};
use crate::task::Task;
use crate::{Error, Result};
use kinophone_dsp::metrics::follow::{FOLLOW_RATE, FOLLOW_SIDE, PictureMotion};
use std::ffi::OsString;
use std::io::Read;
use std::path::Path;

/// The motion of a film's pictures, see [`Ffmpeg::motion`].
pub(crate) fn motion(ffmpeg: &Ffmpeg, path: &Path, task: Task<'_>) -> Result<Vec<f64>> {
    let launch = Launch {
        program: &ffmpeg.program,
        args: arguments(ffmpeg, path)?,
        input: false,
        stall: ffmpeg.stall,
        grows: None,
    };
    let (mut process, _, mut stdout) = Process::start(launch)?;
    let mut picture = vec![0; (FOLLOW_SIDE * FOLLOW_SIDE) as usize];
    let mut motion = PictureMotion::default();
    while fill(&mut stdout, &mut picture).map_err(|e| Error::io("read", path, e))? {
        task.cancel.check()?;
        motion.push(&picture);
    }
    drop(stdout);
    let motion = motion.finish();
    // Damage was told when the film was prepared; here only a film without pictures is of no use.
    match process.wait()?.error("decoding it") {
        Some(error) if motion.is_empty() => Err(error.at(path)),
        _ => Ok(motion),
    }
}

/// The quick ways of [`decode`](crate::media::decode) are not taken: figures are compared with those of other programs,
/// which let ffmpeg choose range and loop filter.
fn arguments(ffmpeg: &Ffmpeg, path: &Path) -> Result<Vec<OsString>> {
    let film = probe::examine(ffmpeg, path)?;
    let picture = film.facts.picture.as_ref().ok_or_else(|| no_picture(path))?;
    let jump = film.stamps().jump();
    let mut args = opening(path, film.zero, jump, &[])?;
    let filter = format!("fps={FOLLOW_RATE},scale={FOLLOW_SIDE}:{FOLLOW_SIDE}:flags=area,format=gray");
    args.extend(input::words(&["-map", &format!("0:{}", picture.stream), "-vf", &filter]));
    // The filter's pictures as they are, so that the first one is the film's first.
    let passed_on = if ffmpeg.number >= (5, 1) { ["-fps_mode", "passthrough"] } else { ["-vsync", "0"] };
    args.extend(input::words(&passed_on));
    args.extend(input::words(&["-f", "rawvideo", "pipe:1"]));
    args.extend(shared_clock(jump));
    Ok(args)
}

/// Reads a whole picture; false at the end, where a part of one is left out.
fn fill(stream: &mut impl Read, picture: &mut [u8]) -> std::io::Result<bool> {
    match stream.read_exact(picture) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
        Err(e) => Err(e),
    }
}
