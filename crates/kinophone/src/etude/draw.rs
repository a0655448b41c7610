//! Pictures of events: shapes with soft edges on black, drawn by their distance.
//!
//! A pixel is covered by `0.5 − d`, clamped to 0..1, where `d` is the distance in pixels from its centre to
//! the edge of the shape, negative inside. Shapes that meet are joined by their maximum, so that none hides
//! another.

use crate::etude::{EtudeConfig, EtudeEvent, EtudeShape};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Tints are pale, so that a grey picture tells as much as the coloured one.
const LINE_TINT: [f64; 3] = [255.0, 214.0, 120.0];
const DISC_TINT: [f64; 3] = [170.0, 235.0, 255.0];
const WHITE: [f64; 3] = [255.0; 3];

/// Half the thickness of a line, in picture heights: five rows of 64 in all.
const LINE_HALF: f64 = 0.04;
/// Radius of a new disc in units of the shorter side.
const DISC_RADIUS: f64 = 0.2;
/// The flash around a disc on its first frame: radius in disc radii, and brightness.
const HALO: (f64, f64) = (1.3, 0.4);
/// Half the thickness of a stroke, in picture widths.
const STROKE_HALF: f64 = 0.01;
/// Strokes a frame. Each has a lane of its own, so that no two hide each other.
const STROKES: usize = 5;
/// Width of all lanes together, in picture widths.
const SPREAD: f64 = 0.24;

/// Draws `events` as they look on `frame`.
pub(crate) fn picture(config: &EtudeConfig, events: &[&EtudeEvent], frame: u64) -> Vec<u8> {
    let mut canvas = EtudeCanvas::black(config.width as usize, config.height as usize);
    for event in events {
        let j = frame - event.frame;
        let light = event.brightness(j as f64 / event.frames as f64) * event.dimming(events, frame, 0.0);
        match event.shape {
            EtudeShape::Line => canvas.line(event.y_at(j), light),
            EtudeShape::Disc => canvas.shrinking_disc(event, light, j == 0),
            EtudeShape::Scratch => canvas.scratches(event, j, light),
            EtudeShape::Flash => canvas.pixels.fill(255),
        }
    }
    canvas.pixels
}

struct EtudeCanvas {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl EtudeCanvas {
    fn black(width: usize, height: usize) -> Self {
        Self { width, height, pixels: vec![0; width * height * 3] }
    }

    fn line(&mut self, y: f64, light: f64) {
        let (w, h) = (self.width as f64, self.height as f64);
        let radius = LINE_HALF * h;
        self.capsule((0.04 * w, y * h), (0.96 * w, y * h), radius, LINE_TINT, light);
    }

    fn shrinking_disc(&mut self, event: &EtudeEvent, light: f64, new: bool) {
        let (w, h) = (self.width as f64, self.height as f64);
        let centre = (f64::from(event.x) * w, f64::from(event.y) * h);
        let full = DISC_RADIUS * w.min(h);
        if new {
            self.capsule(centre, centre, full * HALO.0, DISC_TINT, HALO.1);
        }
        // Brightness never falls under a third and the radius not under a fifth: to the last frame there is
        // something to see.
        self.capsule(centre, centre, full * (0.2 + 0.8 * light), DISC_TINT, 0.35 + 0.65 * light);
    }

    fn scratches(&mut self, event: &EtudeEvent, j: u64, light: f64) {
        let (w, h) = (self.width as f64, self.height as f64);
        let mut random = ChaCha8Rng::seed_from_u64(event.look.wrapping_add(j));
        for stroke in 0..STROKES {
            let lane = (stroke as f64 + random.random_range(0.0..1.0)) / STROKES as f64;
            let x = f64::from(event.x) + SPREAD * (lane - 0.5);
            let top = random.random_range(0.02..0.15);
            let bottom = random.random_range(0.85..0.98);
            let lean = random.random_range(-0.01..0.01);
            self.capsule((x * w, top * h), ((x + lean) * w, bottom * h), STROKE_HALF * w, WHITE, light);
        }
    }

    /// All points within `radius` of the segment from `a` to `b`; a disc where they are one point. In pixels.
    fn capsule(&mut self, a: (f64, f64), b: (f64, f64), radius: f64, tint: [f64; 3], light: f64) {
        let columns = clip(a.0.min(b.0) - radius, a.0.max(b.0) + radius, self.width);
        for row in clip(a.1.min(b.1) - radius, a.1.max(b.1) + radius, self.height) {
            for column in columns.clone() {
                let distance = distance((column as f64 + 0.5, row as f64 + 0.5), a, b) - radius;
                let cover = (0.5 - distance).clamp(0.0, 1.0) * light;
                self.join(column, row, tint.map(|t| (t * cover).round() as u8));
            }
        }
    }

    fn join(&mut self, column: usize, row: usize, colour: [u8; 3]) {
        let at = (row * self.width + column) * 3;
        for (pixel, new) in self.pixels[at..at + 3].iter_mut().zip(colour) {
            *pixel = (*pixel).max(new);
        }
    }
}

/// The pixels that an edge between `from` and `to` can touch, half a pixel of softness included.
fn clip(from: f64, to: f64, size: usize) -> std::ops::Range<usize> {
    let first = (from - 1.0).floor().clamp(0.0, size as f64) as usize;
    let last = (to + 1.0).ceil().clamp(0.0, size as f64) as usize;
    first..last
}

/// Distance from `p` to the segment from `a` to `b`.
fn distance(p: (f64, f64), a: (f64, f64), b: (f64, f64)) -> f64 {
    let (along, to) = ((b.0 - a.0, b.1 - a.1), (p.0 - a.0, p.1 - a.1));
    let squared = along.0 * along.0 + along.1 * along.1;
    let t = if squared > 0.0 { ((to.0 * along.0 + to.1 * along.1) / squared).clamp(0.0, 1.0) } else { 0.0 };
    (to.0 - t * along.0).hypot(to.1 - t * along.1)
}
