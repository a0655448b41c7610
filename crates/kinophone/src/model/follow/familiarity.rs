//! Familiarity of a film's pictures to a brain.
//!
//! A picture is compared with thumbnails of the training pictures. Eigenpictures do not serve: what a brain has never seen lies
//! beside the space that they span, and looks average in it (measured: pictures of a cartoon lay nearer to those of a film
//! of animals than these did to one another).

use crate::model::features::THUMBNAIL;
use kinophone_dsp::neighbors::Points;

/// Thumbnails of its training pictures that a brain keeps, at most.
pub(crate) const LANDMARKS: usize = 1024;
/// Numbers by which pictures are compared: the thumbnail less its mean, and the mean.
const NUMBERS: usize = THUMBNAIL + 1;
/// Weight of a difference in brightness beside as large a one in the picture: exposure varies.
const BRIGHTNESS: f32 = 0.5;
/// A plainer thumbnail (standard deviation) looks like any other.
const MIN_CONTRAST: f32 = 0.02;
/// A picture is strange from this share of the distance on that only few pictures of other content have, and familiar
/// within half of that; both within limits, in grey levels.
const STRANGE_SHARE: f32 = 0.8;
const STRANGE_LIMITS: (f32, f32) = (0.03, 0.12);
/// Other parts of a film are a twentieth of it away.
const PARTS: usize = 20;
/// "Few" of them.
const FEW: f64 = 0.1;

/// Compares pictures with those of the training films.
pub(crate) struct Familiarity {
    landmarks: Points,
    count: usize,
    distances: Vec<f32>,
    /// The distance, in grey levels of 0 to 1, from which on a picture is strange.
    strange: f32,
}

impl Familiarity {
    /// Of thumbnails of training pictures, `[n, 64]`, in their order; `None` where there are none. Where validation showed that the
    /// picture determines the sound (`certain`), pictures are familiar that are as far from all others as those of other parts
    /// of the film: such a brain knows what to say to them.
    pub(crate) fn of(thumbnails: &[f32], certain: bool) -> Option<Self> {
        if thumbnails.is_empty() {
            return None;
        }
        let thumbnails: Vec<&[f32]> = thumbnails.chunks_exact(THUMBNAIL).collect();
        let rows: Vec<[f32; NUMBERS]> = thumbnails.iter().filter_map(|t| numbers(t)).collect();
        let landmarks = Points::new(NUMBERS, rows.len(), rows.as_flattened());
        let distances = vec![0.0; landmarks.padded()];
        let mut new = Self { landmarks, count: rows.len(), distances, strange: STRANGE_LIMITS.1 };
        // Upside down, the same pictures are as plain or as rich as before, and show something else.
        let mut others: Vec<f32> = thumbnails
            .iter()
            .filter_map(|thumbnail| {
                let turned: Vec<f32> = thumbnail.chunks_exact(8).rev().flatten().copied().collect();
                numbers(&turned).map(|numbers| new.nearest(&numbers))
            })
            .collect();
        others.sort_by(f32::total_cmp);
        if let Some(few) = others.get((FEW * others.len() as f64) as usize) {
            new.strange = (STRANGE_SHARE * few).clamp(STRANGE_LIMITS.0, STRANGE_LIMITS.1);
        }
        if certain {
            let apart = rows.len() / PARTS;
            let mut own: Vec<f32> = (0..rows.len())
                .map(|k| new.nearest_of(&rows[k], |other| other.abs_diff(k) > apart))
                .filter(|distance| distance.is_finite())
                .collect();
            own.sort_by(f32::total_cmp);
            let most = own.get((own.len() as f64 * (1.0 - FEW)) as usize).copied().unwrap_or(0.0);
            new.strange = new.strange.max(2.0 * most);
        }
        Some(new)
    }

    fn nearest(&mut self, numbers: &[f32; NUMBERS]) -> f32 {
        self.nearest_of(numbers, |_| true)
    }

    /// Distance from the nearest of those that count.
    fn nearest_of(&mut self, numbers: &[f32; NUMBERS], counts: impl Fn(usize) -> bool) -> f32 {
        self.landmarks.squared_distances(numbers, &mut self.distances);
        let counted = self.distances[..self.count].iter().enumerate().filter(|(k, _)| counts(*k));
        counted.map(|(_, distance)| *distance).fold(f32::INFINITY, f32::min).sqrt()
    }

    /// Familiarity of a thumbnail, from 0 for one that looks like nothing known to 1; `None` of a plain one, which tells nothing.
    pub(crate) fn familiarity(&mut self, thumbnail: &[f32]) -> Option<f32> {
        let distance = self.nearest(&numbers(thumbnail)?);
        Some((2.0 - 2.0 * distance / self.strange).clamp(0.0, 1.0))
    }
}

/// The numbers of a thumbnail, scaled so that their distance is the root mean square of the differences of pixels.
fn numbers(thumbnail: &[f32]) -> Option<[f32; NUMBERS]> {
    let mean = thumbnail.iter().sum::<f32>() / THUMBNAIL as f32;
    let scale = (THUMBNAIL as f32).sqrt().recip();
    let mut numbers = [BRIGHTNESS * mean; NUMBERS];
    numbers.iter_mut().zip(thumbnail).for_each(|(out, x)| *out = scale * (x - mean));
    let contrast = numbers[..THUMBNAIL].iter().map(|x| x * x).sum::<f32>().sqrt();
    (contrast >= MIN_CONTRAST).then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Thumbnails of a scene in which something moves, seen with some noise.
    fn film(scene: f32, noise: f32, count: usize) -> Vec<f32> {
        let pixel = |k: usize, p: usize| {
            let (x, y) = ((p % 8) as f32, (p / 8) as f32);
            let grain = ((k * 64 + p) * 7919 % 1009) as f32 / 1009.0 - 0.5;
            let thing = if (p + k) % 64 < 3 { 0.3 } else { 0.0 };
            0.4 + 0.2 * (scene * x + 0.3 * y).sin() + 0.1 * y / 8.0 + thing + noise * grain
        };
        (0..count).flat_map(|k| (0..THUMBNAIL).map(move |p| pixel(k, p))).collect()
    }

    #[test]
    fn a_film_is_known_again_and_another_is_not() {
        let mut known = Familiarity::of(&film(0.7, 0.01, 200), false).unwrap();
        let mut mean = |film: &[f32]| {
            let all = film.chunks_exact(THUMBNAIL).map(|t| known.familiarity(t).unwrap());
            all.sum::<f32>() / (film.len() / THUMBNAIL) as f32
        };
        assert!(mean(&film(0.7, 0.03, 50)) > 0.8, "{}", mean(&film(0.7, 0.03, 50)));
        for scene in [-0.7, 1.6, 2.9] {
            assert!(mean(&film(scene, 0.01, 50)) < 0.05, "{scene}: {}", mean(&film(scene, 0.01, 50)));
        }
        // A little darker it is still itself.
        let darker: Vec<f32> = film(0.7, 0.01, 50).iter().map(|x| x - 0.04).collect();
        assert!(mean(&darker) > 0.5, "{}", mean(&darker));
    }

    /// Lines here and there, as in drawn sound: no two of them look alike.
    #[test]
    fn unseen_pictures_are_familiar_to_a_brain_that_knows_what_to_say() {
        let line = |k: usize| -> Vec<f32> {
            let (row, column) = (k * 37 % 8, k * 23 % 8);
            (0..THUMBNAIL)
                .map(|p| if p / 8 == row { 0.9 - 0.1 * p.abs_diff(8 * row + column) as f32 } else { 0.0 })
                .collect()
        };
        let known: Vec<f32> = (0..60).flat_map(|k| line(k * 5)).collect();
        let mean = |certain: bool, of: &dyn Fn(usize) -> Vec<f32>| {
            let mut known = Familiarity::of(&known, certain).unwrap();
            (0..40).map(|k| known.familiarity(&of(k)).unwrap()).sum::<f32>() / 40.0
        };
        assert!(mean(true, &|k| line(k * 5 + 2)) >= mean(false, &|k| line(k * 5 + 2)));
        assert!(mean(true, &|k| line(k * 5 + 2)) > 0.8, "{}", mean(true, &|k| line(k * 5 + 2)));
        assert!(mean(true, &|k| film(1.6, 0.01, k + 1)[k * THUMBNAIL..].to_vec()) < 0.1);
    }

    #[test]
    fn plain_pictures_tell_nothing() {
        let mut known = Familiarity::of(&film(0.7, 0.01, 20), false).unwrap();
        assert_eq!(known.familiarity(&[0.3; THUMBNAIL]), None);
        // Whoever knows nothing but plain pictures knows no others.
        let mut blind = Familiarity::of(&[0.3; 5 * THUMBNAIL], false).unwrap();
        assert_eq!(blind.familiarity(&film(0.7, 0.01, 1)), Some(0.0));
        assert!(Familiarity::of(&[], false).is_none());
    }
}
