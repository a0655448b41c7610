//! Four pictures a second out of a film's pictures, each as it is on the screen at that moment.

use super::picture::{Grey, PictureHash};
use kinophone::dsp::units::MediaTime;

/// Pictures a second.
pub const PICTURE_RATE: u32 = 4;
/// Microseconds from one to the next.
pub(super) const PICTURE_US: i64 = 1_000_000 / PICTURE_RATE as i64;

/// Takes pictures at their times, and hashes those that are on the screen at multiples of a quarter second.
struct Sampler {
    side: usize,
    held: Vec<u8>,
    /// Number of the next moment.
    next: i64,
}

impl Sampler {
    /// Hands `pixels` of the picture held so far to `each` once for every moment before `time`; `None` before
    /// the first.
    fn until(&mut self, time: MediaTime, mut each: impl FnMut(Option<Grey<'_>>, u64)) {
        let until = time.0.div_euclid(PICTURE_US) + i64::from(time.0.rem_euclid(PICTURE_US) > 0);
        if until > self.next {
            each(Grey::new(self.side, &self.held), (until - self.next) as u64);
            self.next = until;
        }
    }

    fn hold(&mut self, pixels: &[u8]) {
        self.held.clear();
        self.held.extend_from_slice(pixels);
    }
}

/// Hashes the pictures of a work, in constant memory.
pub struct PictureExtractor(Sampler);

impl PictureExtractor {
    /// For pictures of rows of `width` grey pixels, full range.
    pub fn new(width: usize) -> Self {
        Self(Sampler { side: width, held: Vec::new(), next: 0 })
    }

    /// Takes the picture that appears at `time`, and appends the hashes for the moments before it.
    pub fn push(&mut self, time: MediaTime, pixels: &[u8], out: &mut Vec<PictureHash>) {
        self.finish(time, out);
        self.0.hold(pixels);
    }

    /// Appends the hashes for the moments before the end of the last picture.
    pub fn finish(&mut self, end: MediaTime, out: &mut Vec<PictureHash>) {
        self.0.until(end, |picture, times| {
            let hash = picture.map_or(PictureHash::NONE, PictureHash::of);
            out.extend((0..times).map(|_| hash));
        });
    }
}

/// The pictures of a film that is to be identified: for each quarter second the hashes of the picture, and of
/// it mirrored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PictureQuery {
    pub(super) hashes: [Vec<PictureHash>; 2],
}

/// Makes a [`PictureQuery`].
pub struct PictureQueryBuilder {
    sampler: Sampler,
    query: PictureQuery,
}

impl PictureQueryBuilder {
    /// For pictures of rows of `width` grey pixels, full range.
    pub fn new(width: usize) -> Self {
        let sampler = Sampler { side: width, held: Vec::new(), next: 0 };
        Self { sampler, query: PictureQuery::default() }
    }

    /// Takes the picture that appears at `time`.
    pub fn push(&mut self, time: MediaTime, pixels: &[u8]) {
        self.until(time);
        self.sampler.hold(pixels);
    }

    /// The whole query, up to the end of the last picture.
    pub fn finish(mut self, end: MediaTime) -> PictureQuery {
        self.until(end);
        self.query
    }

    fn until(&mut self, time: MediaTime) {
        let Self { sampler, query } = self;
        sampler.until(time, |picture, times| {
            let both = picture.map_or([PictureHash::NONE; 2], PictureHash::with_mirrored);
            for (hashes, hash) in query.hashes.iter_mut().zip(both) {
                hashes.extend((0..times).map(|_| hash));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fingerprint::synthetic::{Shots, WIDTH};

    #[test]
    fn each_moment_has_the_picture_on_the_screen() {
        let shots = Shots::new(6, 40.0);
        let picture = |k: usize| shots.at(5.0 * k as f64);
        let hash = |k: usize| PictureHash::of(Grey::new(WIDTH, &picture(k)).unwrap());
        let (mut extractor, mut out) = (PictureExtractor::new(WIDTH), Vec::new());
        // Pictures at 0.3, 0.5, 0.6 and 1.2 s; the last one ends at 1.6 s.
        for (k, us) in [300_000, 500_000, 600_000, 1_200_000].into_iter().enumerate() {
            extractor.push(MediaTime(us), &picture(k), &mut out);
        }
        extractor.finish(MediaTime(1_600_000), &mut out);
        let none = PictureHash::NONE;
        assert_eq!(out, [none, none, hash(1), hash(2), hash(2), hash(3), hash(3)]);
    }
}
