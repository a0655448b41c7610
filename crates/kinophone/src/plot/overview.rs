//! Overview of a whole sound: its waveform and its spectrogram, computed in one pass and in constant memory.

use crate::plot::canvas::{
    AMBER, Align, Area, CYAN, Colour, FAINT, LARGE, PANEL, PlotCanvas, SMALL, TEXT, time_steps,
};
use image::{Rgb, RgbImage};
use kinophone_dsp::units::SampleRate;
use realfft::{RealFftPlanner, RealToComplex};
use std::f32::consts::TAU;
use std::sync::Arc;

/// Columns of both pictures; a sound of any length is reduced to so many.
const COLUMNS: usize = 1400;
/// Rows of the spectrogram.
const ROWS: usize = 420;
/// Windows in a column at most, so that a long film costs no more than 5600 transforms.
const WINDOWS: usize = 4;
/// Lowest frequency in Hz; the highest is half the sample rate, at most 20 kHz.
const LOWEST_HZ: f32 = 40.0;
/// Range of the colours under the loudest point, in dB.
const RANGE_DB: f32 = 80.0;
/// Length of a window in seconds, rounded up to a power of two of samples.
const WINDOW_SECS: f32 = 0.06;

const WAVE_AREA: Area = Area { left: 76, top: 54, width: COLUMNS as u32, height: 300 };
const SPECTRUM_AREA: Area = Area { left: 76, top: 54, width: COLUMNS as u32, height: ROWS as u32 };

/// Draws a spectrogram: time to the right, frequency upwards on a logarithmic axis, level as colour, from the
/// loudest point down to 80 dB under it. 1560 × 530 pixels.
pub fn spectrogram(samples: &[f32], rate: SampleRate) -> RgbImage {
    let mut overview = Overview::new(rate, samples.len() as u64);
    overview.push(samples);
    overview.spectrogram()
}

/// A spectrogram without axes, to be laid over a time axis together with others on one scale of colours.
pub struct Sonogram {
    powers: Vec<Vec<f32>>,
}

impl Sonogram {
    /// Spectrogram of all `samples`, `columns × rows` pixels; frequency upwards on a logarithmic axis from 40
    /// Hz to half the rate.
    pub fn new(samples: &[f32], rate: SampleRate, columns: usize, rows: usize) -> Self {
        let mut spectra = Spectra::new(rate, samples.len() as u64, (columns.max(1), rows.max(1)));
        spectra.push(samples);
        Self { powers: spectra.finished() }
    }

    /// The power of its loudest point; 0 where all is silent.
    pub fn loudest(&self) -> f32 {
        self.powers.iter().flatten().fold(0.0, |most, power| most.max(*power))
    }

    /// Colours from `loudest` (see [`Sonogram::loudest`]) down to 80 dB under it.
    pub fn draw(&self, loudest: f32) -> RgbImage {
        let (width, height) = (self.powers.len(), self.powers.first().map_or(0, Vec::len));
        RgbImage::from_fn(width as u32, height as u32, |x, y| {
            Rgb(heat(level(self.powers[x as usize][height - 1 - y as usize], loudest)))
        })
    }
}

/// A power as a level of the picture, 0..1.
fn level(power: f32, loudest: f32) -> f32 {
    if power > 0.0 && loudest > 0.0 { 1.0 + 10.0 * (power / loudest).log10() / RANGE_DB } else { 0.0 }
}

/// Computes both pictures from a sound that arrives in parts.
pub struct Overview {
    rate: SampleRate,
    total: u64,
    seen: u64,
    columns: Vec<SpectrumColumn>,
    spectra: Spectra,
}

#[derive(Clone, Copy, Default)]
struct SpectrumColumn {
    low: f32,
    high: f32,
    squares: f64,
    samples: u64,
}

impl Overview {
    /// For a mono sound of `total` samples; what is pushed beyond them is ignored, what is missing is
    /// silence.
    pub fn new(rate: SampleRate, total: u64) -> Self {
        let columns = vec![SpectrumColumn::default(); COLUMNS];
        Self { rate, total, seen: 0, columns, spectra: Spectra::new(rate, total, (COLUMNS, ROWS)) }
    }

    /// Adds the next samples.
    pub fn push(&mut self, samples: &[f32]) {
        let left = usize::try_from(self.total - self.seen).unwrap_or(usize::MAX);
        let samples = &samples[..samples.len().min(left)];
        for &sample in samples {
            let column = (u128::from(self.seen) * COLUMNS as u128 / u128::from(self.total)) as usize;
            self.columns[column].take(sample);
            self.seen += 1;
        }
        self.spectra.push(samples);
    }

    /// The waveform of what was pushed.
    pub fn waveform(&self) -> RgbImage {
        let mut canvas = PlotCanvas::new(WAVE_AREA.right() + 24, WAVE_AREA.bottom() + 56);
        canvas.fill(WAVE_AREA, PANEL);
        canvas.text("waveform", (24.0, 27.0), LARGE, TEXT, Align::Left);
        let facts = format!("peak {}, RMS {}", in_words(self.peak()), in_words(self.rms()));
        canvas.text(&facts, (WAVE_AREA.right() as f32, 27.0), SMALL, FAINT, Align::Right);
        for (db, label) in [(0.0, "0 dB"), (-6.0, "−6"), (-12.0, "−12"), (-20.0, "−20")] {
            let level = 10f32.powf(db / 20.0);
            canvas.tick_left(WAVE_AREA, 0.5 + 0.48 * level, label);
            canvas.tick_left(WAVE_AREA, 0.5 - 0.48 * level, label);
        }
        self.draw_time(&mut canvas, WAVE_AREA);
        self.draw_columns(&mut canvas);
        canvas.image
    }

    /// The spectrogram of what was pushed.
    pub fn spectrogram(&self) -> RgbImage {
        let mut canvas = PlotCanvas::new(SPECTRUM_AREA.right() + 84, SPECTRUM_AREA.bottom() + 56);
        canvas.text("spectrogram", (24.0, 27.0), LARGE, TEXT, Align::Left);
        let powers = self.spectra.finished();
        let loudest = powers.iter().flatten().fold(0.0_f32, |m, p| m.max(*p));
        for (x, column) in powers.iter().enumerate() {
            for (row, &power) in column.iter().enumerate() {
                let part = level(power, loudest);
                let at = (SPECTRUM_AREA.left + x as u32, SPECTRUM_AREA.bottom() - 1 - row as u32);
                canvas.image.put_pixel(at.0, at.1, Rgb(heat(part)));
            }
        }
        for hz in [50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10_000.0, 20_000.0] {
            let y = (hz / LOWEST_HZ).ln() / (highest_hz(self.rate) / LOWEST_HZ).ln();
            if (0.0..=1.0).contains(&y) {
                let label = if hz < 1000.0 { format!("{hz}") } else { format!("{}k", hz / 1000.0) };
                canvas.label_left(SPECTRUM_AREA, y, &label);
            }
        }
        canvas.text("Hz", (SPECTRUM_AREA.left as f32 - 9.0, 40.0), SMALL, FAINT, Align::Right);
        self.draw_time(&mut canvas, SPECTRUM_AREA);
        draw_key(&mut canvas, loudest > 0.0);
        canvas.image
    }

    /// Samples that wait for their window; bounded by a window and a piece, whatever the length.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.spectra.held.len()
    }

    fn draw_time(&self, canvas: &mut PlotCanvas, area: Area) {
        let secs = self.total as f64 / f64::from(self.rate.hz());
        for (at, label) in time_steps(secs, 16) {
            canvas.label_below(area, (at / secs.max(f64::MIN_POSITIVE)) as f32, &label);
        }
    }

    fn draw_columns(&self, canvas: &mut PlotCanvas) {
        let mut shown = SpectrumColumn::default();
        for (x, column) in self.columns.iter().enumerate() {
            // A sound with fewer samples than columns leaves some empty; they repeat the one before.
            shown = if column.samples > 0 { *column } else { shown };
            let x = (WAVE_AREA.left as usize + x) as i64;
            bar(canvas, x, shown.low, shown.high, CYAN, 0.45);
            let rms = shown.rms();
            bar(canvas, x, (-rms).max(shown.low), rms.min(shown.high), AMBER, 0.9);
        }
    }

    fn peak(&self) -> f32 {
        self.columns.iter().fold(0.0, |m, c| m.max(-c.low).max(c.high))
    }

    fn rms(&self) -> f32 {
        let squares: f64 = self.columns.iter().map(|c| c.squares).sum();
        (squares / self.seen.max(1) as f64).sqrt() as f32
    }
}

impl SpectrumColumn {
    fn take(&mut self, sample: f32) {
        (self.low, self.high) =
            if self.samples == 0 { (sample, sample) } else { (self.low.min(sample), self.high.max(sample)) };
        self.squares += f64::from(sample) * f64::from(sample);
        self.samples += 1;
    }

    fn rms(&self) -> f32 {
        (self.squares / self.samples.max(1) as f64).sqrt() as f32
    }
}

/// A vertical bar between two amplitudes, at least a pixel high.
fn bar(canvas: &mut PlotCanvas, x: i64, low: f32, high: f32, colour: Colour, part: f32) {
    let row = |amplitude: f32| WAVE_AREA.at(0.0, 0.5 + 0.48 * amplitude.clamp(-1.04, 1.04)).1;
    let (top, bottom) = (row(high).floor() as i64, row(low).ceil() as i64);
    for y in top..bottom.max(top + 1) {
        canvas.blend(x, y, colour, part);
    }
}

fn in_words(amplitude: f32) -> String {
    if amplitude > 0.0 { format!("{:.1} dBFS", 20.0 * amplitude.log10()) } else { "silence".to_owned() }
}

fn highest_hz(rate: SampleRate) -> f32 {
    (rate.hz() as f32 / 2.0).clamp(2.0 * LOWEST_HZ, 20_000.0)
}

/// Power spectra of windows that are spread evenly over the sound, on the rows of the picture.
#[derive(Clone)]
struct Spectra {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    columns: u64,
    rows: Vec<OverviewRow>,
    total: u64,
    windows: u64,
    next: u64,
    /// Samples not yet given up, the first of which is sample `base` of the sound, counted with half a window
    /// of silence before it, so that window `i` is centred on its place.
    held: Vec<f32>,
    base: u64,
    powers: Vec<Vec<f32>>,
}

/// The bins that a row shows: the largest of several, or a mixture of two where rows are finer than bins.
#[derive(Clone, Copy)]
enum OverviewRow {
    Largest(usize, usize),
    Between(usize, f32),
}

impl Spectra {
    /// Analysis for a picture of so many columns and rows.
    fn new(rate: SampleRate, total: u64, (columns, height): (usize, usize)) -> Self {
        let len = ((rate.hz() as f32 * WINDOW_SECS) as usize).next_power_of_two().max(64);
        // A window in every column, more where windows are shorter than columns.
        let per_column = (total / columns as u64 / (len as u64 / 2)).clamp(1, WINDOWS as u64);
        Self {
            fft: RealFftPlanner::new().plan_fft_forward(len),
            window: (0..len).map(|i| 0.5 - 0.5 * (TAU * i as f32 / len as f32).cos()).collect(),
            columns: columns as u64,
            rows: rows(rate, len, height),
            total,
            windows: if total > 0 { columns as u64 * per_column } else { 0 },
            next: 0,
            held: vec![0.0; len / 2],
            base: 0,
            powers: vec![vec![0.0; height]; columns],
        }
    }

    /// Beginning of window `i`, in samples of the sound with half a window of silence before it.
    fn start(&self, i: u64) -> u64 {
        ((2 * u128::from(i) + 1) * u128::from(self.total) / (2 * u128::from(self.windows.max(1)))) as u64
    }

    fn push(&mut self, samples: &[f32]) {
        self.held.extend_from_slice(samples);
        let len = self.window.len();
        while self.next < self.windows {
            let start = (self.start(self.next) - self.base) as usize;
            if start + len > self.held.len() {
                break;
            }
            let powers = self.transform(&self.held[start..start + len]);
            self.add(self.next, &powers);
            self.next += 1;
        }
        // Give up what no later window needs.
        let needed = if self.next < self.windows { self.start(self.next) } else { u64::MAX };
        let given_up = (needed - self.base).min(self.held.len() as u64);
        self.held.drain(..given_up as usize);
        self.base += given_up;
    }

    /// The mean power of every column, with silence after the end of what was pushed.
    fn finished(&self) -> Vec<Vec<f32>> {
        let mut rest = self.clone();
        while rest.next < rest.windows {
            rest.push(&vec![0.0; self.window.len()]);
        }
        rest.powers
    }

    fn add(&mut self, i: u64, powers: &[f32]) {
        let per_column = self.windows / self.columns;
        for (sum, power) in self.powers[(i / per_column) as usize].iter_mut().zip(powers) {
            *sum += power / per_column as f32;
        }
    }

    fn transform(&self, samples: &[f32]) -> Vec<f32> {
        let mut windowed: Vec<f32> = samples.iter().zip(&self.window).map(|(s, w)| s * w).collect();
        let mut bins = self.fft.make_output_vec();
        if self.fft.process(&mut windowed, &mut bins).is_err() {
            return vec![0.0; self.rows.len()]; // Lengths always fit: both come from the same plan.
        }
        let power = |bin: usize| bins[bin].norm_sqr();
        self.rows
            .iter()
            .map(|row| match *row {
                OverviewRow::Largest(from, to) => (from..=to).map(power).fold(0.0, f32::max),
                OverviewRow::Between(bin, part) => power(bin) * (1.0 - part) + power(bin + 1) * part,
            })
            .collect()
    }
}

fn rows(rate: SampleRate, len: usize, height: usize) -> Vec<OverviewRow> {
    let top = len / 2;
    let bin_at = |row: f32| {
        let hz = LOWEST_HZ * (highest_hz(rate) / LOWEST_HZ).powf(row / height as f32);
        hz * len as f32 / rate.hz() as f32
    };
    (0..height)
        .map(|row| {
            let (from, to) = (bin_at(row as f32), bin_at(row as f32 + 1.0));
            if to - from >= 1.0 {
                OverviewRow::Largest((from.ceil() as usize).min(top), (to as usize).min(top))
            } else {
                let middle = ((from + to) / 2.0).min(top as f32 - 0.001);
                OverviewRow::Between(middle as usize, middle.fract())
            }
        })
        .collect()
}

/// Colour of a level, 0..1: from the panel's near-black through violet, crimson and orange to a pale yellow,
/// ever brighter, so that it reads in grey as well. Our own control points, mixed linearly.
fn heat(level: f32) -> Colour {
    const POINTS: [[f32; 3]; 7] = [
        [10.0, 9.0, 16.0],
        [42.0, 20.0, 78.0],
        [102.0, 30.0, 112.0],
        [170.0, 48.0, 106.0],
        [226.0, 88.0, 76.0],
        [250.0, 158.0, 84.0],
        [253.0, 240.0, 186.0],
    ];
    let place = level.clamp(0.0, 1.0) * (POINTS.len() - 1) as f32;
    let below = (place as usize).min(POINTS.len() - 2);
    let part = place - below as f32;
    [0, 1, 2].map(|c| (POINTS[below][c] + (POINTS[below + 1][c] - POINTS[below][c]) * part).round() as u8)
}

/// The colours with their levels, right of the spectrogram.
fn draw_key(canvas: &mut PlotCanvas, sounds: bool) {
    let left = SPECTRUM_AREA.right() + 14;
    for row in 0..SPECTRUM_AREA.height {
        let level = 1.0 - row as f32 / SPECTRUM_AREA.height as f32;
        canvas.fill(Area { left, top: SPECTRUM_AREA.top + row, width: 14, height: 1 }, heat(level));
    }
    let title = if sounds { "dB" } else { "silence" };
    canvas.text(title, (left as f32, 40.0), SMALL, FAINT, Align::Left);
    for step in 0..=4_usize {
        let y = SPECTRUM_AREA.at(0.0, 1.0 - step as f32 / 4.0).1;
        canvas.text(
            ["0", "−20", "−40", "−60", "−80"][step],
            (left as f32 + 20.0, y),
            SMALL,
            FAINT,
            Align::Left,
        );
    }
}
