//! Timelines of a film: curves in lanes, shots in the colours of their sections, onsets and cuts.

use crate::plot::canvas::{
    AMBER, Align, Area, CYAN, Colour, FAINT, GRID, LARGE, PANEL, PlotCanvas, ROSE, SMALL, TEXT, time_steps,
};
use image::RgbImage;

const WIDTH: u32 = 1400;
const LEFT: u32 = 130;
const TOP: u32 = 84;
/// Height of a lane, and what lies between two.
const LANE: u32 = 84;
const GAP: u32 = 14;
/// Height of the band of shots.
const BAND: u32 = 22;
/// Shots in one of these belong together.
const SECTIONS: [Colour; 6] =
    [[74, 96, 150], [96, 140, 96], [170, 120, 70], [140, 84, 130], [90, 140, 150], [170, 150, 90]];
const CURVES: [Colour; 3] = [AMBER, CYAN, ROSE];

/// Curves that share a scale.
pub struct Lane<'a> {
    /// Name of the quantity.
    pub name: &'a str,
    /// Values at the bottom and at the top.
    pub range: (f32, f32),
    /// Labels at the bottom and at the top.
    pub labels: (String, String),
    /// Each with its name, empty where it needs none, and its values, evenly spread over the whole time.
    pub curves: Vec<(&'a str, &'a [f32])>,
}

/// The data of a timeline, drawn by [`timeline`].
pub struct TimelinePlot<'a> {
    /// Title above the lanes.
    pub title: &'a str,
    /// Length.
    pub seconds: f64,
    /// Beginning of each shot in seconds, and the number of its section.
    pub shots: Vec<(f64, usize)>,
    /// Onsets in seconds, and their strengths, 0 to 1.
    pub onsets: &'a [(f64, f32)],
    /// Lanes from the top.
    pub lanes: Vec<Lane<'a>>,
}

/// Draws a timeline, 1400 pixels wide.
pub fn timeline(what: &TimelinePlot<'_>) -> RgbImage {
    let onsets = u32::from(!what.onsets.is_empty()) * (BAND + GAP);
    let lanes = what.lanes.len() as u32;
    let height = TOP + BAND + GAP + onsets + lanes * (LANE + GAP) + 40;
    let mut canvas = PlotCanvas::new(WIDTH, height);
    canvas.text(what.title, (24.0, 34.0), LARGE, TEXT, Align::Left);
    let area = |top: u32, height: u32| Area { left: LEFT, top, width: WIDTH - LEFT - 30, height };
    let x = |secs: f64| (secs / what.seconds.max(1e-9)).clamp(0.0, 1.0) as f32;
    let aside = |canvas: &mut PlotCanvas, area: Area, name: &str| {
        canvas.text(name, (area.left as f32 - 12.0, area.at(0.0, 0.5).1), SMALL, FAINT, Align::Right);
    };

    let band = area(TOP, BAND);
    aside(&mut canvas, band, "shots");
    for (k, (at, section)) in what.shots.iter().enumerate() {
        let end = what.shots.get(k + 1).map_or(what.seconds, |next| next.0);
        let (from, to) = (band.at(x(*at), 0.0).0 as u32, band.at(x(end), 0.0).0 as u32);
        let part = Area { left: from, width: to.saturating_sub(from).max(1), ..band };
        canvas.fill(part, SECTIONS[section % SECTIONS.len()]);
        canvas.line(&[band.at(x(*at), 0.0), band.at(x(*at), 1.0)], 1.0, TEXT);
    }
    let mut top = band.bottom() + GAP;
    if onsets > 0 {
        let marks = area(top, BAND);
        aside(&mut canvas, marks, "onsets");
        for (at, strength) in what.onsets {
            canvas.line(&[marks.at(x(*at), 0.0), marks.at(x(*at), 0.15 + 0.85 * strength)], 1.5, ROSE);
        }
        top = marks.bottom() + GAP;
    }
    for lane in &what.lanes {
        let own = area(top, LANE);
        canvas.fill(own, PANEL);
        for (at, _) in what.shots.iter().skip(1) {
            canvas.line(&[own.at(x(*at), 0.0), own.at(x(*at), 1.0)], 1.0, GRID);
        }
        canvas.label_left(own, 0.04, &lane.labels.0);
        canvas.label_left(own, 0.96, &lane.labels.1);
        aside(&mut canvas, own, lane.name);
        draw_lane(&mut canvas, own, lane);
        top = own.bottom() + GAP;
    }
    let whole = area(TOP, top - GAP - TOP);
    for (secs, label) in time_steps(what.seconds, 14) {
        canvas.label_below(whole, x(secs), &label);
    }
    canvas.image
}

fn draw_lane(canvas: &mut PlotCanvas, area: Area, lane: &Lane<'_>) {
    let (low, high) = lane.range;
    let y = |value: f32| ((value - low) / (high - low)).clamp(0.0, 1.0);
    let mut legend = area.right() as f32 - 8.0;
    for (k, (name, values)) in lane.curves.iter().enumerate() {
        let colour = CURVES[k % CURVES.len()];
        // One point a column: the mean of what falls into it.
        let columns = (area.width as usize).min(values.len());
        let points: Vec<(f32, f32)> = (0..columns)
            .map(|c| {
                let (from, to) = (c * values.len() / columns, (c + 1) * values.len() / columns);
                let mean = values[from..to].iter().sum::<f32>() / (to - from) as f32;
                area.at((c as f32 + 0.5) / columns as f32, y(mean))
            })
            .collect();
        canvas.line(&points, 1.6, colour);
        if !name.is_empty() {
            canvas.text(name, (legend, area.top as f32 + 10.0), SMALL, colour, Align::Right);
            legend -= name.chars().count() as f32 * SMALL * 0.62 + 18.0;
        }
    }
}
