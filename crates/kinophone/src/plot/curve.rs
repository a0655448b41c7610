//! The loss curve of a training.

use crate::plot::canvas::{
    AMBER, Align, Area, CYAN, Colour, FAINT, LARGE, PANEL, PlotCanvas, ROSE, SMALL, TEXT, round_steps,
};
use image::RgbImage;

const WIDTH: u32 = 1100;
const HEIGHT: u32 = 560;
const AREA: Area = Area { left: 92, top: 64, width: 968, height: 428 };

/// Draws the errors of a training over its epochs on a logarithmic axis: `(epoch, on training pairs, on
/// validation pairs)`, ascending. The epoch with the least validation error is marked. Errors that are not
/// finite and above zero, such as those of a training without validation, leave a gap. 1100 × 560 pixels.
pub fn loss_curve(epochs: &[(u32, f32, f32)]) -> RgbImage {
    let mut canvas = PlotCanvas::new(WIDTH, HEIGHT);
    canvas.fill(AREA, PANEL);
    canvas.text("mean squared error", (24.0, 30.0), LARGE, TEXT, Align::Left);
    let errors = epochs.iter().flat_map(|e| [e.1, e.2]).filter(|e| drawable(*e));
    let (low, high) = errors.fold((f32::INFINITY, 0.0_f32), |(l, h), e| (l.min(e), h.max(e)));
    if high == 0.0 {
        canvas.text("no epoch yet", AREA.at(0.5, 0.5), LARGE, FAINT, Align::Middle);
        return canvas.image;
    }
    let scale = CurveScale::around(low, high, epochs);
    draw_axes(&mut canvas, &scale);
    draw_curve(&mut canvas, &scale, epochs.iter().map(|e| (e.0, e.1)), AMBER);
    draw_curve(&mut canvas, &scale, epochs.iter().map(|e| (e.0, e.2)), CYAN);
    draw_best(&mut canvas, &scale, epochs);
    legend(&mut canvas, &[("training", AMBER), ("validation", CYAN)]);
    canvas.image
}

fn drawable(error: f32) -> bool {
    error.is_finite() && error > 0.0
}

/// From epochs and errors to 0..1.
struct CurveScale {
    first: f32,
    last: f32,
    low: f32,
    high: f32,
}

impl CurveScale {
    /// A tenth of a decade of air on both sides, and never under a third of a decade in all.
    fn around(low: f32, high: f32, epochs: &[(u32, f32, f32)]) -> Self {
        let (low, high) = (low.log10() - 0.1, high.log10() + 0.1);
        let air = ((0.33 - (high - low)) / 2.0).max(0.0);
        let first = epochs.first().map_or(0, |e| e.0) as f32;
        let last = epochs.last().map_or(0, |e| e.0) as f32;
        Self { first, last: last.max(first + 1.0), low: low - air, high: high + air }
    }

    fn at(&self, epoch: u32, error: f32) -> (f32, f32) {
        AREA.at(self.x(epoch as f32), self.y(error))
    }

    fn x(&self, epoch: f32) -> f32 {
        (epoch - self.first) / (self.last - self.first)
    }

    fn y(&self, error: f32) -> f32 {
        (error.log10() - self.low) / (self.high - self.low)
    }
}

fn draw_axes(canvas: &mut PlotCanvas, scale: &CurveScale) {
    for error in errors_to_label(scale) {
        canvas.tick_left(AREA, scale.y(error), &label(error));
    }
    for step in round_steps(f64::from(scale.last), 10) {
        let x = scale.x(step as f32);
        if x >= 0.0 && step.fract() == 0.0 {
            canvas.tick_below(AREA, x, &format!("{step}"));
        }
    }
    canvas.text("epoch", (AREA.right() as f32, AREA.bottom() as f32 + 42.0), SMALL, FAINT, Align::Right);
}

/// Powers of ten, and where the axis spans less than two decades also their multiples.
fn errors_to_label(scale: &CurveScale) -> Vec<f32> {
    let multiples: &[f32] = match scale.high - scale.low {
        span if span > 2.0 => &[1.0],
        span if span > 1.0 => &[1.0, 2.0, 5.0],
        _ => &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0],
    };
    let decades = scale.low.floor() as i32..=scale.high.ceil() as i32;
    decades
        .flat_map(|d| multiples.iter().map(move |m| m * 10f32.powi(d)))
        .filter(|e| (0.0..=1.0).contains(&scale.y(*e)))
        .collect()
}

fn label(error: f32) -> String {
    if (0.001..1000.0).contains(&error) {
        format!("{}", (error * 1e5).round() / 1e5)
    } else {
        format!("{error:.0e}")
    }
}

fn draw_curve(
    canvas: &mut PlotCanvas,
    scale: &CurveScale,
    points: impl Iterator<Item = (u32, f32)>,
    colour: Colour,
) {
    let all: Vec<_> = points.collect();
    for run in all.split(|p| !drawable(p.1)).filter(|run| !run.is_empty()) {
        let run: Vec<_> = run.iter().map(|&(epoch, error)| scale.at(epoch, error)).collect();
        canvas.line(&run, 2.4, colour);
        if run.len() == 1 {
            canvas.dot(run[0], 3.0, colour);
        }
    }
}

fn draw_best(canvas: &mut PlotCanvas, scale: &CurveScale, epochs: &[(u32, f32, f32)]) {
    let best = epochs.iter().filter(|e| drawable(e.2)).min_by(|a, b| a.2.total_cmp(&b.2));
    let Some(&(epoch, _, error)) = best else { return };
    let (x, y) = scale.at(epoch, error);
    canvas.line(&[(x, AREA.top as f32), (x, AREA.bottom() as f32)], 1.0, ROSE);
    canvas.dot((x, y), 5.0, ROSE);
    // The text goes to the side with more room.
    let (at, align) =
        if scale.x(epoch as f32) > 0.5 { (x - 10.0, Align::Right) } else { (x + 10.0, Align::Left) };
    canvas.text(
        &format!("best: epoch {epoch}, {error:.3e}"),
        (at, AREA.top as f32 + 16.0),
        SMALL,
        ROSE,
        align,
    );
}

fn legend(canvas: &mut PlotCanvas, entries: &[(&str, Colour)]) {
    let mut x = AREA.right() as f32;
    for (name, colour) in entries.iter().rev() {
        canvas.text(name, (x, 30.0), SMALL, TEXT, Align::Right);
        // Hack is 0.602 em wide, every letter.
        x -= name.len() as f32 * SMALL * 0.55 + 14.0;
        canvas.line(&[(x - 24.0, 30.0), (x, 30.0)], 3.0, *colour);
        x -= 52.0;
    }
}
