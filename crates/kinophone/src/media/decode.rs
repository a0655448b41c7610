//! Decodes a film into small pictures with exact times.

use crate::media::arguments::{LIFT_US, MAX_TIME_US, lift, no_picture, opening, shared_clock};
use crate::media::probe::Examined;
use crate::media::process::{Ending, Guarded, Launch, Process};
use crate::media::track_stream::{MAX_GAP_SECS, jump};
use crate::media::{Decode, Decoded, Ffmpeg, Picture, PictureFacts, input, nut};
use crate::{Error, Kind, Result};
use kinophone_dsp::units::MediaTime;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ChildStdout;

/// ffmpeg moves a picture whose time repeats or runs backwards to one tick after its predecessor. No film
/// shows two pictures within half a millisecond (rates end at 1000 a second), so such pictures are dropped.
const MIN_INTERVAL_US: i64 = 500;

/// The end of the pictures may lie this far, in microseconds, from where the container says without a word.
const MAX_CLAIM_ERROR_US: i64 = 1_000_000;

/// Pictures as they come out of ffmpeg: an iterator that ends after the last one; then
/// [`PictureStream::finish`]. Times strictly increase. Dropping it ends the process.
pub struct PictureStream {
    process: Process,
    reader: nut::NutReader<Guarded<ChildStdout>>,
    film: PathBuf,
    frame_len: usize,
    count: u64,
    last: Option<MediaTime>,
    intervals: Intervals,
    declared_end: Option<MediaTime>,
    /// What is known not to be as it should be.
    complaints: Vec<String>,
    /// Pictures that were left out because their times do not come after those of others.
    left_out: u64,
    ended: bool,
}

pub(crate) fn decode(ffmpeg: &Ffmpeg, path: &Path, film: &Examined, how: &Decode) -> Result<PictureStream> {
    if !(1..=4096).contains(&how.size) {
        return Err(Error::new(Kind::Invalid, format!("a picture size of {} is impossible", how.size))
            .help("choose 1 to 4096 pixels a side; 64 is usual"));
    }
    let picture = film.facts.picture.as_ref().ok_or_else(|| no_picture(path))?;
    let quick: &[&str] = if ffmpeg.exact { &[] } else { &["-skip_loop_filter", "all"] };
    let jump = film.stamps().jump();
    let mut args = opening(path, film.zero, jump, quick)?;
    args.extend(picture_output(ffmpeg, picture, how));
    args.extend(shared_clock(jump));
    let launch = Launch { program: &ffmpeg.program, args, input: false, stall: ffmpeg.stall, grows: None };
    let (process, _, stdout) = Process::start(launch)?;
    Ok(PictureStream {
        process,
        reader: nut::NutReader::new(stdout),
        film: path.to_owned(),
        frame_len: how.size as usize * how.size as usize * if how.colour { 3 } else { 1 },
        count: 0,
        last: None,
        intervals: Intervals::default(),
        declared_end: film.picture_end,
        complaints: film.complaints(),
        left_out: 0,
        ended: false,
    })
}

fn picture_output(ffmpeg: &Ffmpeg, picture: &PictureFacts, how: &Decode) -> Vec<OsString> {
    let size = how.size;
    // Colour needs the careful conversion: the quick one turns white into 253.
    let (format, flags) =
        if how.colour { ("rgb24", "area+accurate_rnd+full_chroma_int") } else { ("gray", "area") };
    // Transparent pictures are laid over black.
    let opaque = if has_alpha(&picture.pixel_format) { "format=yuva444p,premultiply=inplace=1," } else { "" };
    let filter = format!("{opaque}scale={size}:{size}:flags={flags}:out_range=full,format={format}");
    let mut args = input::words(&["-map", &format!("0:{}", picture.stream), "-vf", &filter]);
    // Every picture at its own time: none repeated or left out for the sake of a rate (`-vsync` is the name
    // before 5.1).
    args.extend(input::words(if ffmpeg.number >= (5, 1) {
        &["-fps_mode", "passthrough"]
    } else {
        &["-vsync", "0"]
    }));
    args.extend(input::words(&["-enc_time_base", "1:1000000", "-output_ts_offset", &lift()]));
    args.extend(input::words(&[
        "-map_metadata",
        "-1",
        "-map_chapters",
        "-1",
        "-c:v",
        "rawvideo",
        "-f",
        "nut",
        "pipe:1",
    ]));
    args
}

fn has_alpha(pixel_format: &str) -> bool {
    ["yuva", "gbrap", "rgba", "bgra", "argb", "abgr", "ya8", "ya16", "pal8", "ayuv", "vuya"]
        .iter()
        .any(|name| pixel_format.starts_with(name))
}

impl Iterator for PictureStream {
    type Item = Result<Picture>;

    fn next(&mut self) -> Option<Result<Picture>> {
        while !self.ended {
            let mut pixels = Vec::with_capacity(self.frame_len);
            match self.reader.next(&mut pixels) {
                Ok(Some(time)) if pixels.len() == self.frame_len => {
                    match self.accept(MediaTime(time.saturating_sub(LIFT_US))) {
                        Ok(Some(time)) => return Some(Ok(Picture { time, pixels })),
                        Ok(None) => self.left_out += 1,
                        Err(error) => {
                            self.ended = true;
                            return Some(Err(error));
                        }
                    }
                }
                Ok(Some(_)) => return Some(Err(self.stop("a picture of the wrong size".into()))),
                Ok(None) => self.ended = true,
                // Cut off in the middle of a picture: `finish` says why.
                Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => self.ended = true,
                Err(e) => return Some(Err(self.stop(e.into()))),
            }
        }
        None
    }
}

impl PictureStream {
    /// To be called after the last picture: waits for the process and says how it went. Fails with
    /// `Kind::NoPicture` where not one picture decoded, with `Kind::Tool` where ffmpeg crashed
    /// and `Kind::Stalled` where it hung.
    pub fn finish(mut self) -> Result<Decoded> {
        for picture in self.by_ref() {
            picture?;
        }
        let outcome = self.process.wait()?;
        let partial = matches!(outcome.ending, Ending::Failed(_)) && self.count > 0;
        if let Some(error) = outcome.error("decoding it").filter(|_| !partial) {
            return Err(error.at(&self.film));
        }
        let Some(last) = self.last else { return Err(undecodable(&self.film, outcome.complaints().last())) };
        let end = self.intervals.end(last, self.declared_end);
        let mut complaints = outcome.complaints();
        complaints.append(&mut self.complaints);
        complaints.extend(self.remarks(end));
        Ok(Decoded { pictures: self.count, end, complaints })
    }

    /// Everything that ended otherwise than the container says.
    fn remarks(&self, end: MediaTime) -> impl Iterator<Item = String> {
        let left_out = (self.left_out > 0).then(|| {
            format!("{} whose times do not come after those of others are left out", pictures(self.left_out))
        });
        left_out.into_iter().chain(claim_remark(self.declared_end, end))
    }

    /// Counts a picture and gives its time, or `None` for one that does not come after its predecessor. A jump that can't be true is
    /// an error.
    fn accept(&mut self, time: MediaTime) -> Result<Option<MediaTime>> {
        if !(-MAX_TIME_US..=MAX_TIME_US).contains(&time.0) {
            return Ok(None);
        }
        if let Some(last) = self.last {
            let interval = time.0 - last.0;
            if interval < MIN_INTERVAL_US {
                return Ok(None);
            }
            if interval > MAX_GAP_SECS * 1_000_000 {
                return Err(jump("pictures", last, time).at(&self.film));
            }
            self.intervals.add(interval);
        }
        self.last = Some(time);
        self.count += 1;
        Ok(Some(time))
    }

    fn stop(&mut self, cause: Box<dyn std::error::Error + Send + Sync>) -> Error {
        self.ended = true;
        Error::new(Kind::Tool, format!("could not be decoded: {cause}")).at(&self.film).because(cause)
    }
}

/// Counts of the intervals between pictures, from which the typical one is found; in bounded memory.
#[derive(Default)]
struct Intervals {
    counts: BTreeMap<i64, u64>,
    longest: i64,
}

impl Intervals {
    /// Different intervals that are counted. A film has a few; one with more is hostile or so irregular that any few will do.
    const MAX_COUNTS: usize = 4096;

    fn add(&mut self, interval: i64) {
        self.longest = self.longest.max(interval);
        if self.counts.len() < Self::MAX_COUNTS || self.counts.contains_key(&interval) {
            *self.counts.entry(interval).or_default() += 1;
        }
    }

    fn median(&self) -> Option<i64> {
        let half = self.counts.values().sum::<u64>().div_ceil(2);
        let mut below = 0;
        self.counts.iter().find_map(|(&interval, &count)| {
            below += count;
            (below >= half).then_some(interval)
        })
    }

    /// The container's own claim is exact for the last picture of an irregular film, but a film that was cut
    /// off claims its whole length: so it counts only where it lies within what the last picture may have
    /// lasted.
    fn end(&self, last: MediaTime, declared: Option<MediaTime>) -> MediaTime {
        const SECOND: i64 = 1_000_000;
        let claim = declared.map(|end| end.0 - last.0).filter(|&rest| rest >= MIN_INTERVAL_US);
        let rest = match (self.median(), claim) {
            (Some(median), Some(claim)) if claim <= (10 * median).max(2 * self.longest) => claim,
            (Some(median), _) => median,
            (None, Some(claim)) => claim,
            (None, None) => SECOND,
        };
        MediaTime(last.0 + rest)
    }
}

/// A remark on a film that ends elsewhere than its container claims.
pub(crate) fn claim_remark(claim: Option<MediaTime>, end: MediaTime) -> Option<String> {
    let claim = claim.filter(|claim| (claim.0 - end.0).abs() > MAX_CLAIM_ERROR_US)?;
    Some(format!("it claims to end at {claim} and ends at {end}"))
}

fn pictures(count: u64) -> String {
    if count == 1 { "1 picture".to_owned() } else { format!("{count} pictures") }
}

/// The error of a picture track in which there is no picture.
pub(crate) fn undecodable(path: &Path, reason: Option<&String>) -> Error {
    let reason = reason.map(|r| format!(" ({r})")).unwrap_or_default();
    Error::new(Kind::NoPicture, format!("has not one picture that can be decoded{reason}"))
        .at(path)
        .help("if it plays elsewhere, convert it first; if it was cut off while copying, copy it again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_picture_lasts_as_long_as_claimed_or_typical() {
        let mut steady = Intervals::default();
        (0..100).for_each(|_| steady.add(40_000));
        let last = MediaTime(4_000_000);
        assert_eq!(steady.end(last, None).0, 4_040_000);
        assert_eq!(steady.end(last, Some(MediaTime(4_100_000))).0, 4_100_000);
        // A film cut off after 4 s that claims an hour, and one whose claim lies before its last picture.
        assert_eq!(steady.end(last, Some(MediaTime::from_secs(3600))).0, 4_040_000);
        assert_eq!(steady.end(last, Some(MediaTime(3_000_000))).0, 4_040_000);
        assert_eq!(Intervals::default().end(last, Some(MediaTime(9_000_000))).0, 9_000_000);
    }
}
