//! A dark sheet to draw on: rectangles, soft lines, text, and the ticks of axes.

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};
use image::{Rgb, RgbImage};

/// A colour, red, green, blue.
pub(crate) type Colour = [u8; 3];

pub(crate) const BACKGROUND: Colour = [17, 18, 23];
pub(crate) const PANEL: Colour = [25, 27, 34];
pub(crate) const GRID: Colour = [50, 53, 64];
pub(crate) const TEXT: Colour = [222, 222, 226];
pub(crate) const FAINT: Colour = [150, 153, 164];
pub(crate) const AMBER: Colour = [255, 196, 84];
pub(crate) const CYAN: Colour = [94, 200, 229];
pub(crate) const ROSE: Colour = [240, 110, 140];

/// Height of ordinary text in pixels, and of titles.
pub(crate) const SMALL: f32 = 15.0;
pub(crate) const LARGE: f32 = 18.0;

/// Alignment of a text relative to its point.
#[derive(Clone, Copy)]
pub(crate) enum Align {
    Left,
    Middle,
    Right,
}

/// A rectangle in pixels.
#[derive(Clone, Copy)]
pub(crate) struct Area {
    pub(crate) left: u32,
    pub(crate) top: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Area {
    pub(crate) fn right(&self) -> u32 {
        self.left + self.width
    }

    pub(crate) fn bottom(&self) -> u32 {
        self.top + self.height
    }

    /// The point at `x`, `y` in 0..1, from the left and from the bottom.
    pub(crate) fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.left as f32 + x * self.width as f32, self.bottom() as f32 - y * self.height as f32)
    }
}

/// An image under construction.
pub(crate) struct PlotCanvas {
    pub(crate) image: RgbImage,
    font: FontRef<'static>,
}

impl PlotCanvas {
    pub(crate) fn new(width: u32, height: u32) -> Self {
        let font = FontRef::try_from_slice(epaint_default_fonts::HACK_REGULAR).expect("Hack is a font");
        Self { image: RgbImage::from_pixel(width, height, Rgb(BACKGROUND)), font }
    }

    pub(crate) fn fill(&mut self, area: Area, colour: Colour) {
        for y in area.top..area.bottom().min(self.image.height()) {
            for x in area.left..area.right().min(self.image.width()) {
                self.image.put_pixel(x, y, Rgb(colour));
            }
        }
    }

    /// Mixes `colour` into a pixel, 0 not at all, 1 wholly; outside of the image nothing happens.
    pub(crate) fn blend(&mut self, x: i64, y: i64, colour: Colour, part: f32) {
        let inside =
            x >= 0 && y >= 0 && x < i64::from(self.image.width()) && y < i64::from(self.image.height());
        if inside && part > 0.0 {
            let pixel = self.image.get_pixel_mut(x as u32, y as u32);
            for (old, new) in pixel.0.iter_mut().zip(colour) {
                *old = (f32::from(*old) + (f32::from(new) - f32::from(*old)) * part.min(1.0)).round() as u8;
            }
        }
    }

    /// A line through `points`, `width` pixels thick, with soft edges.
    pub(crate) fn line(&mut self, points: &[(f32, f32)], width: f32, colour: Colour) {
        for pair in points.windows(2) {
            self.segment(pair[0], pair[1], width / 2.0, colour);
        }
    }

    fn segment(&mut self, a: (f32, f32), b: (f32, f32), radius: f32, colour: Colour) {
        let reach = radius + 1.0;
        let squared = (b.0 - a.0).powi(2) + (b.1 - a.1).powi(2);
        for y in (a.1.min(b.1) - reach).floor() as i64..=(a.1.max(b.1) + reach).ceil() as i64 {
            for x in (a.0.min(b.0) - reach).floor() as i64..=(a.0.max(b.0) + reach).ceil() as i64 {
                let (px, py) = (x as f32 + 0.5 - a.0, y as f32 + 0.5 - a.1);
                let along = px * (b.0 - a.0) + py * (b.1 - a.1);
                let t = if squared > 0.0 { (along / squared).clamp(0.0, 1.0) } else { 0.0 };
                let distance = (px - t * (b.0 - a.0)).hypot(py - t * (b.1 - a.1));
                self.blend(x, y, colour, 0.5 + radius - distance);
            }
        }
    }

    /// A filled disc.
    pub(crate) fn dot(&mut self, centre: (f32, f32), radius: f32, colour: Colour) {
        self.segment(centre, centre, radius, colour);
    }

    /// Writes `text` with its vertical middle at `y`.
    pub(crate) fn text(&mut self, text: &str, (x, y): (f32, f32), size: f32, colour: Colour, align: Align) {
        let scale = PxScale::from(size);
        let font = self.font.clone();
        let scaled = font.as_scaled(scale);
        let width: f32 = text.chars().map(|c| scaled.h_advance(scaled.glyph_id(c))).sum();
        let mut left = match align {
            Align::Left => x,
            Align::Middle => x - width / 2.0,
            Align::Right => x - width,
        };
        // The middle of lower-case letters lies a little over the middle of the line.
        let base = y + (scaled.ascent() + scaled.descent()) / 2.0 - 0.04 * size;
        for c in text.chars() {
            let glyph = scaled.glyph_id(c).with_scale_and_position(scale, point(left, base));
            left += scaled.h_advance(scaled.glyph_id(c));
            if let Some(outline) = font.outline_glyph(glyph) {
                let corner = outline.px_bounds().min;
                outline.draw(|gx, gy, cover| {
                    self.blend(
                        corner.x as i64 + i64::from(gx),
                        corner.y as i64 + i64::from(gy),
                        colour,
                        cover,
                    );
                });
            }
        }
    }

    /// A vertical line of the grid with its label under the area, at `x` in 0..1.
    pub(crate) fn tick_below(&mut self, area: Area, x: f32, label: &str) {
        let (px, _) = area.at(x, 0.0);
        self.line(&[(px, area.top as f32), (px, area.bottom() as f32)], 1.0, GRID);
        self.label_below(area, x, label);
    }

    /// A label under the area with a short mark, at `x` in 0..1.
    pub(crate) fn label_below(&mut self, area: Area, x: f32, label: &str) {
        let (px, bottom) = area.at(x, 0.0);
        self.line(&[(px, bottom + 1.0), (px, bottom + 5.0)], 1.0, FAINT);
        self.text(label, (px, bottom + 17.0), SMALL, FAINT, Align::Middle);
    }

    /// A horizontal line of the grid with its label left of the area, at `y` in 0..1 from the bottom.
    pub(crate) fn tick_left(&mut self, area: Area, y: f32, label: &str) {
        let (_, py) = area.at(0.0, y);
        self.line(&[(area.left as f32, py), (area.right() as f32, py)], 1.0, GRID);
        self.label_left(area, y, label);
    }

    /// A label left of the area with a short mark, at `y` in 0..1 from the bottom.
    pub(crate) fn label_left(&mut self, area: Area, y: f32, label: &str) {
        let (left, py) = area.at(0.0, y);
        self.line(&[(left - 5.0, py), (left - 1.0, py)], 1.0, FAINT);
        self.text(label, (left - 9.0, py), SMALL, FAINT, Align::Right);
    }
}

/// Multiples of 1, 2 or 5 times a power of ten within 0..=`end`, at most `most` steps.
pub(crate) fn round_steps(end: f64, most: usize) -> Vec<f64> {
    let rough = (end / most.max(1) as f64).max(f64::MIN_POSITIVE);
    let power = 10f64.powf(rough.log10().floor());
    let step =
        [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|s| *s >= rough * 0.999).unwrap_or(rough);
    (0..=(end / step + 1e-9) as usize).map(|i| i as f64 * step).collect()
}

/// Steps of a time axis of `secs` seconds, at most `most`, that fall on customary seconds and minutes; with
/// labels.
pub(crate) fn time_steps(secs: f64, most: usize) -> Vec<(f64, String)> {
    const CUSTOMARY: [f64; 13] =
        [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0];
    let step = CUSTOMARY.into_iter().find(|s| secs / s <= most as f64);
    match step {
        _ if secs < most as f64 / 2.0 => round_steps(secs, most)
            .into_iter()
            .map(|t| (t, format!("{} s", (t * 1e6).round() / 1e6)))
            .collect(),
        Some(step) => (0..=(secs / step) as usize).map(|i| i as f64 * step).map(|t| (t, clock(t))).collect(),
        None => {
            round_steps(secs / 3600.0, most).into_iter().map(|h| (h * 3600.0, format!("{h} h"))).collect()
        }
    }
}

/// Whole seconds as `m:ss`, or `h:mm:ss` from an hour on.
pub(crate) fn clock(secs: f64) -> String {
    let s = secs.round().max(0.0) as u64;
    if s < 3600 {
        format!("{}:{:02}", s / 60, s % 60)
    } else {
        format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
    }
}
