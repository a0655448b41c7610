//! The end of a film's pictures, found in its packets without decoding them: what a container claims is not always there.

use crate::Result;
use crate::media::arguments::{opening, shared_clock};
use crate::media::decode::{claim_remark, undecodable};
use crate::media::outcome::Ending;
use crate::media::probe::Examined;
use crate::media::process::{Launch, Process};
use crate::media::{Ffmpeg, input};
use crate::task::Cancel;
use kinophone_dsp::units::MediaTime;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// End of the last picture on the film's clock, and what is not as it should be: its time and its own duration, or the interval before it
/// where the container has none. `None` where there are no pictures. Fails where ffmpeg crashed or hung, since then there may be more, and with
/// `Kind::NoPicture` where the track has none.
pub(crate) fn find(
    ffmpeg: &Ffmpeg,
    path: &Path,
    film: &Examined,
    cancel: &Cancel,
) -> Result<Option<(MediaTime, Vec<String>)>> {
    let Some(picture) = &film.facts.picture else { return Ok(None) };
    let jump = film.stamps().jump();
    // Program streams have times for some of their packets only.
    let mut args = opening(path, film.zero, jump, &["-fflags", "+genpts"])?;
    let map = format!("0:{}", picture.stream);
    args.extend(input::words(&["-map", &map, "-c", "copy", "-f", "framecrc", "pipe:1"]));
    args.extend(shared_clock(jump));
    let launch = Launch { program: &ffmpeg.program, args, input: false, stall: ffmpeg.stall, grows: None };
    let (mut process, _, stdout) = Process::start(launch)?;
    let (mut base, mut last, mut before) = ((1, 1), None::<(i64, i64)>, 0);
    for line in BufReader::new(stdout).lines().map_while(std::io::Result::ok) {
        cancel.check()?;
        if let Some(found) = line.strip_prefix("#tb 0: ").and_then(|base| base.trim().split_once('/')) {
            base = (found.0.parse().unwrap_or(1), found.1.parse().unwrap_or(1));
        }
        let Some((pts, duration)) = packet(&line) else { continue };
        if last.is_none_or(|(time, _)| pts > time) {
            before = last.map_or(0, |(time, _)| time);
            last = Some((pts, duration));
        }
    }
    let outcome = process.wait()?;
    let failed = matches!(outcome.ending, Ending::Failed(_));
    if let Some(error) = outcome.error("reading it").filter(|_| !failed) {
        return Err(error.at(path));
    }
    let mut complaints = outcome.complaints();
    let (time, duration) = last.ok_or_else(|| undecodable(path, complaints.last()))?;
    let ticks = time + if duration > 0 { duration } else { time - before };
    let micros = i128::from(ticks) * i128::from(base.0) * 1_000_000 / i128::from(base.1.max(1));
    let end = MediaTime(micros as i64);
    complaints.extend(film.complaints());
    complaints.extend(claim_remark(film.picture_end, end));
    Ok(Some((end, complaints)))
}

/// Time and duration of a packet: "0, dts, pts, duration, size, checksum".
fn packet(line: &str) -> Option<(i64, i64)> {
    let mut fields = line.split(',').map(str::trim);
    (fields.next()? == "0").then_some(())?;
    let pts = fields.nth(1)?.parse().ok()?;
    Some((pts, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_read_and_remarks_are_not() {
        assert_eq!(packet("0,        512,       1024,      512,     1420, 0x2a3b"), Some((1024, 512)));
        assert_eq!(packet("#dimensions 0: 64x64"), None);
        assert_eq!(packet("0, NOPTS, NOPTS, 0, 1, 0x0"), None);
    }
}
