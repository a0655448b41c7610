//! Onsets of visual events.

use crate::visual::FrameState;

/// Number of previous pictures that a rise must exceed: animation on threes stands still for two.
const RISE_PICTURES: usize = 3;
/// Pictures to either side among which an event stands out: half a second, mostly.
const CONTEXT_PICTURES: usize = 15;
/// A flash ends within so many pictures, or its end is an event of its own.
const FLASH: usize = 11;

/// In a film that moves much, a rise by this share of what it moves at most is an event, or not, half-way
/// between coarse and fine.
const LIVELY: f32 = 0.35;

/// A kind of visual event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VisualEvent {
    /// Something begins to move, moves much more than before, or appears.
    Motion,
    /// The picture lights up.
    Flash,
    /// A shot begins.
    Cut,
}

/// The onset of a visual event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VisualOnsets {
    /// Number of its picture.
    pub picture: usize,
    /// 0 to 1.
    pub strength: f32,
}

impl FrameState {
    /// The events of a kind, in order, the strongest ones 1. `sensitivity` 0 finds the large ones only, 1
    /// finds every change.
    pub fn onsets(&self, event: VisualEvent, sensitivity: f32) -> Vec<VisualOnsets> {
        find(self, event, sensitivity)
    }
}

/// See [`FrameState::onsets`]. An event is decided when what comes half a second later is known.
fn find(seen: &FrameState, event: VisualEvent, sensitivity: f32) -> Vec<VisualOnsets> {
    let (curve, least): (Vec<f32>, f32) = match event {
        VisualEvent::Cut => {
            let cuts = seen.shots.iter().skip(1);
            return cuts.map(|shot| VisualOnsets { picture: shot.first, strength: 1.0 }).collect();
        }
        VisualEvent::Motion => (seen.pictures.iter().map(|p| p.motion).collect(), 0.004),
        VisualEvent::Flash => (seen.pictures.iter().map(|p| p.brightness).collect(), 0.1),
    };
    let coarse = 1.0 - sensitivity.clamp(0.0, 1.0);
    let lively = if event == VisualEvent::Motion { LIVELY * quantile(&curve, 0.95) } else { 0.0 };
    let (least, above) = (least * (0.2 + 1.6 * coarse) + coarse * lively, 4.0 * coarse);
    let firsts = firsts(seen);
    // By how much a value exceeds all that it was shortly before, in its shot; of a shot's first picture
    // nothing is known.
    let rise = |curve: &[f32], k: usize| {
        let before = &curve[k.saturating_sub(RISE_PICTURES).max(firsts[k])..k];
        let most = before.iter().copied().reduce(f32::max);
        most.map_or(0.0, |most| (curve[k] - most).max(0.0))
    };
    let rises: Vec<f32> = (0..curve.len()).map(|k| rise(&curve, k)).collect();
    // What counts: the end of a flash does not.
    let mut counted = curve.clone();
    let mut found: Vec<VisualOnsets> = Vec::new();
    for k in 0..curve.len() {
        let ends = found.last().is_some_and(|last| {
            let back = k - last.picture + 1;
            back <= FLASH && seen.returns[k] >> back & 1 == 1
        });
        if ends && event == VisualEvent::Motion {
            counted[k] = 0.0;
        }
        let strength = rise(&counted, k);
        let (from, to) = (k.saturating_sub(CONTEXT_PICTURES), (k + CONTEXT_PICTURES + 1).min(rises.len()));
        let usual = (rises[from..to].iter().sum::<f32>() - rises[k]) / (to - from) as f32;
        let higher = (k + 1..(k + 3).min(curve.len())).any(|next| rises[next] > strength);
        let close = found.last().is_some_and(|last| k - last.picture < RISE_PICTURES);
        if !ends && !higher && !close && strength > least + above * usual {
            found.push(VisualOnsets { picture: k, strength });
        }
    }
    let strengths: Vec<f32> = found.iter().map(|onset| onset.strength).collect();
    let most = quantile(&strengths, 0.9);
    found.iter_mut().for_each(|onset| onset.strength = (onset.strength / most).min(1.0).sqrt());
    found
}

/// For every picture the first one of its shot.
fn firsts(seen: &FrameState) -> Vec<usize> {
    seen.shots.iter().flat_map(|shot| std::iter::repeat_n(shot.first, shot.end - shot.first)).collect()
}

/// The value below which a share of all lies; 0 without any.
fn quantile(values: &[f32], share: f64) -> f32 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f32::total_cmp);
    sorted.get((sorted.len().saturating_sub(1) as f64 * share).round() as usize).copied().unwrap_or(0.0)
}
