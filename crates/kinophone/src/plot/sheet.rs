//! Many small pictures on one sheet: the frames of a film, the filters of a brain.

use crate::plot::canvas::{Align, Area, BACKGROUND, FAINT, LARGE, PlotCanvas, SMALL, TEXT};
use image::{Rgb, RgbImage};
use kinophone_dsp::units::MediaTime;

/// Pixels between two tiles and around all of them.
const GAP: u32 = 12;
/// Height of the line with the time under a tile.
const LABEL: u32 = 24;
/// Height of the title over filters.
const TITLE: u32 = 40;
/// Tiles are enlarged by whole factors up to about this side, so that a pixel stays a square.
const TILE: u32 = 144;

/// Draws pictures with their times, row by row. A picture is `size × size` bytes grey, or three times as many
/// with `colour`; one that is shorter stays dark at its end. Without pictures the sheet is empty but for its
/// margin.
pub fn contact_sheet(pictures: &[(&[u8], MediaTime)], size: u32, colour: bool, columns: usize) -> RgbImage {
    let columns = columns.clamp(1, pictures.len().max(1)) as u32;
    let side = size.max(1) * enlargement(size);
    let rows = (pictures.len() as u32).div_ceil(columns);
    let (across, down) = (side + GAP, side + LABEL + GAP / 2);
    let mut canvas = PlotCanvas::new(columns * across + GAP, rows * down + GAP);
    for (i, (pixels, time)) in pictures.iter().enumerate() {
        let (left, top) = (GAP + i as u32 % columns * across, GAP + i as u32 / columns * down);
        let area = Area { left, top, width: side, height: side };
        draw_tile(&mut canvas, area, size, |pixel| colour_of(pixels, pixel, colour));
        let under = ((left + side / 2) as f32, (top + side + LABEL / 2) as f32);
        canvas.text(&short_time(*time), under, SMALL, FAINT, Align::Middle);
    }
    canvas.image
}

/// Draws the `count` most energetic filters of a first layer, the strongest first. `weights` is `[inputs ×
/// units]` row by row with `size × size` inputs, times 3 with `colour`. Grey is 0; every tile has its own
/// scale, up to its largest weight.
pub fn filters(weights: &[f32], size: u32, colour: bool, count: usize) -> RgbImage {
    let inputs = (size * size) as usize * if colour { 3 } else { 1 };
    let units = weights.len() / inputs.max(1);
    let ranked = most_energetic(weights, units);
    let shown = count.min(units);
    let columns = (shown as f64 * 1.6).sqrt().ceil().max(1.0) as u32;
    let side = size.max(1) * (enlargement(size) / 2).max(1);
    let rows = (shown as u32).div_ceil(columns);
    // Wide enough for the title, however few there are.
    let width = (columns * (side + GAP / 2) + GAP).max(460);
    let mut canvas = PlotCanvas::new(width, rows * (side + GAP / 2) + GAP + TITLE);
    let title = format!("{shown} of {units} filters, strongest first");
    canvas.text(&title, (GAP as f32, TITLE as f32 / 2.0), LARGE, TEXT, Align::Left);
    for (i, &unit) in ranked.iter().take(shown).enumerate() {
        let left = GAP + i as u32 % columns * (side + GAP / 2);
        let top = TITLE + i as u32 / columns * (side + GAP / 2);
        let filter: Vec<u8> = around_grey(weights.iter().skip(unit).step_by(units).copied());
        let area = Area { left, top, width: side, height: side };
        draw_tile(&mut canvas, area, size, |pixel| colour_of(&filter, pixel, colour));
    }
    canvas.image
}

fn enlargement(size: u32) -> u32 {
    (TILE / size.max(1)).max(1)
}

/// Draws a square of `size × size` pixels, each as a square block, so that it fills `area`.
fn draw_tile(canvas: &mut PlotCanvas, area: Area, size: u32, colour: impl Fn(usize) -> [u8; 3]) {
    let block = (area.width / size.max(1)).max(1);
    for y in 0..size * block {
        for x in 0..size * block {
            let pixel = (y / block * size + x / block) as usize;
            canvas.image.put_pixel(area.left + x, area.top + y, Rgb(colour(pixel)));
        }
    }
}

fn colour_of(pixels: &[u8], pixel: usize, colour: bool) -> [u8; 3] {
    let at = |i: usize| pixels.get(i).copied();
    let found = if colour {
        at(3 * pixel).zip(at(3 * pixel + 1)).zip(at(3 * pixel + 2)).map(|((r, g), b)| [r, g, b])
    } else {
        at(pixel).map(|grey| [grey; 3])
    };
    found.unwrap_or(BACKGROUND)
}

/// Units by the sum of their squared weights, the largest first; equal ones in their order.
fn most_energetic(weights: &[f32], units: usize) -> Vec<usize> {
    let mut energies = vec![0.0_f64; units];
    for row in weights.chunks_exact(units.max(1)) {
        for (energy, weight) in energies.iter_mut().zip(row) {
            *energy += f64::from(*weight) * f64::from(*weight);
        }
    }
    let mut ranked: Vec<usize> = (0..units).collect();
    ranked.sort_by(|&a, &b| energies[b].total_cmp(&energies[a]));
    ranked
}

fn around_grey(weights: impl Iterator<Item = f32> + Clone) -> Vec<u8> {
    let largest = weights.clone().fold(0.0_f32, |m, w| m.max(w.abs()));
    let scale = if largest > 0.0 { 127.0 / largest } else { 0.0 };
    weights.map(|w| (128.0 + w * scale).round() as u8).collect()
}

/// Minutes, seconds and hundredths; hours where there are some.
fn short_time(time: MediaTime) -> String {
    let hundredths = (time.0.max(0) + 5_000) / 10_000;
    let (minutes, secs) = (hundredths / 6000, hundredths / 100 % 60);
    let hours =
        if minutes >= 60 { format!("{}:{:02}", minutes / 60, minutes % 60) } else { minutes.to_string() };
    format!("{hours}:{secs:02}.{:02}", hundredths % 100)
}
