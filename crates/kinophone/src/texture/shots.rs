//! The sources of each shot.

use crate::texture::compose::{ShotSpan, chance};
use crate::texture::material::TextureMaterial;
use crate::texture::plan::TexturePlan;
use crate::texture::timeline::FilmTimeline;

/// Gives every shot sources of the group that belongs to its section, others than in the shot before where there is choice.
/// Long recordings are chosen more often. `labels` are the numbers of the shots' sections, of which there are `sections`.
pub(crate) fn spans(
    timeline: &FilmTimeline<'_>,
    material: &TextureMaterial<'_>,
    (labels, sections): (&[usize], usize),
    plan: &TexturePlan,
) -> Vec<ShotSpan> {
    let groups = material.groups.len();
    let mut before: Vec<u32> = Vec::new();
    let frames = timeline.frames;
    let at = |picture: usize| timeline.frame(frames.pictures.get(picture).map_or(frames.end, |p| p.time));
    let span = |(number, label): (usize, &usize)| {
        // As many steps from dark to bright as there are groups.
        let group =
            if sections > 1 { (label * (groups - 1) + (sections - 1) / 2) / (sections - 1) } else { 0 };
        let sources = sources(material, group, (number, &before), plan);
        before.clone_from(&sources);
        let shot = &frames.shots[number];
        ShotSpan { begin: at(shot.first), end: at(shot.end), sources }
    };
    labels.iter().enumerate().map(span).collect()
}

/// Sources of a group for a shot, by keys of weighted sampling without replacement (P. Efraimidis and P. Spirakis, 2006).
fn sources(
    material: &TextureMaterial<'_>,
    group: usize,
    (shot, before): (usize, &[u32]),
    plan: &TexturePlan,
) -> Vec<u32> {
    let cuts = &plan.mapping.cuts;
    let mut sources = material.groups[group].clone();
    let count = if cuts.change && cuts.sources > 0 { cuts.sources as usize } else { sources.len() };
    if count < sources.len() {
        let key = |source: &u32| {
            let x = f64::from(chance(plan.seed, shot as u64, u64::from(*source))).max(1e-9);
            let old = if before.contains(source) { 100.0 } else { 1.0 };
            -x.ln() * old / material.weight_of(*source).max(1e-3)
        };
        sources.sort_by(|a, b| key(a).total_cmp(&key(b)));
        sources.truncate(count);
        sources.sort_unstable();
    }
    sources
}
