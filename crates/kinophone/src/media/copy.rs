//! A film's pictures as browsers play them.

use crate::media::process::{Launch, Process};
use crate::media::{Ffmpeg, arguments, input, probe};
use crate::task::Task;
use crate::{Error, Kind, Result};
use kinophone_dsp::units::MediaTime;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// Codecs that need no copy: every browser of today has them. HEVC plays in some only, on some machines.
const PLAYABLE: [&str; 3] = ["h264", "vp9", "av1"];
/// Pixel formats of those codecs that need no copy: H.264 of 10 bits or of full colour plays nowhere.
const PLAIN: [&str; 2] = ["yuv420p", "yuvj420p"];

impl crate::media::PictureFacts {
    /// True where browsers play the pictures as they are, in an .mp4.
    pub fn plays_in_browsers(&self) -> bool {
        PLAYABLE.contains(&self.codec.as_str()) && PLAIN.contains(&self.pixel_format.as_str())
    }
}

pub(crate) fn for_browsers(
    ffmpeg: &Ffmpeg,
    path: &Path,
    width: u32,
    output: &Path,
    task: Task<'_>,
) -> Result<()> {
    if !ffmpeg.has_encoder("libx264")? {
        return Err(Error::new(Kind::Tool, "can't make films that browsers play: it has no H.264 encoder")
            .at(&ffmpeg.program)
            .help("install an ffmpeg with libx264; `kinophone doctor` says how"));
    }
    let film = probe::examine(ffmpeg, path)?;
    let picture = film.facts.picture.as_ref().ok_or_else(|| arguments::no_picture(path))?;
    let jump = film.stamps().jump();
    let mut args = arguments::opening(path, film.zero, jump, &[])?;
    // Even sides, as 4:2:0 needs them.
    let filter = format!("scale='trunc(min({width},iw)/2)*2':-2:flags=area,format=yuv420p");
    args.extend(input::words(&["-map", &format!("0:{}", picture.stream), "-vf", &filter]));
    args.extend(input::words(if ffmpeg.number >= (5, 1) {
        &["-fps_mode", "passthrough"]
    } else {
        &["-vsync", "0"]
    }));
    args.extend(input::words(&["-enc_time_base", "1:90000", "-c:v", "libx264", "-preset", "veryfast"]));
    args.extend(input::words(&["-crf", "22", "-bf", "0", "-map_metadata", "-1", "-map_chapters", "-1"]));
    args.extend(input::words(&["-movflags", "+faststart", "-f", "mp4"]));
    args.push(input::url(output)?);
    args.extend(arguments::shared_clock(jump));
    args.extend(input::words(&["-progress", "pipe:1"]));
    let grows = Some(output.to_owned());
    let launch = Launch { program: &ffmpeg.program, args, input: false, stall: ffmpeg.stall, grows };
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let total = film.facts.duration.map(|length| length.as_secs_f64() as u64);
    task.watcher.stage(&format!("copying {name} for browsers"), "seconds", total);
    let (mut process, _, stdout) = Process::start(launch)?;
    for line in BufReader::new(stdout).lines().map_while(std::io::Result::ok) {
        task.cancel.check()?;
        let micros = line.strip_prefix("out_time_us=").and_then(|us| us.trim().parse().ok());
        if let Some(micros) = micros {
            task.watcher.advance(MediaTime(micros).as_secs_f64().max(0.0) as u64);
        }
    }
    match process.wait()?.error("copying it for browsers") {
        Some(error) => Err(error.or_at(path)),
        None => Ok(()),
    }
}
