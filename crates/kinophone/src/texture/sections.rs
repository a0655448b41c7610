//! Shots that look alike, together: a film's sections.

use crate::visual::FrameState;

/// Sections at most.
const MOST: usize = 6;
/// Sections explain at least this share of the variance between shots.
const EXPLAINED: f64 = 0.65;
/// Shots that vary by less than this, in squared distance of their looks, are all of one kind.
const ALIKE: f64 = 0.03;
/// Weight of motion beside colours and light.
const MOTION: f32 = 0.3;

/// For every shot the number of its section, and how many there are. Sections are in the order of their brightness.
pub(crate) fn find(seen: &FrameState) -> (Vec<usize>, usize) {
    let motion = seen.pictures.iter().map(|p| p.motion).fold(0.01, f32::max);
    let (mut looks, mut weights) = (Vec::new(), Vec::new());
    for shot in &seen.shots {
        let pictures = &seen.pictures[shot.first..shot.end];
        let mean = |value: fn(&crate::visual::VisualMeasures) -> f32| {
            pictures.iter().map(value).sum::<f32>() / pictures.len() as f32
        };
        // The first number is the brightness, see below. Between roots of shares lies the distance of Hellinger.
        let mut look = vec![mean(|p| p.brightness), mean(|p| p.warmth), mean(|p| p.motion) / motion * MOTION];
        look.extend(shot.colours.iter().map(|share| share.max(0.0).sqrt()));
        looks.push(look);
        let shown = (shot.first..shot.end).map(|k| seen.shown(k).0).sum::<i64>();
        weights.push(shown.max(1) as f64);
    }
    let labels = grouped(&looks, &weights);
    let groups = labels.iter().max().map_or(1, |most| most + 1);
    let mut order: Vec<usize> = (0..groups).collect();
    let light = |group: usize| {
        let own = labels.iter().zip(looks.iter().zip(&weights)).filter(|(label, _)| **label == group);
        let (sum, all) =
            own.fold((0.0, 0.0), |(sum, all), (_, (look, w))| (sum + w * f64::from(look[0]), all + w));
        sum / all
    };
    order.sort_by(|a, b| light(*a).total_cmp(&light(*b)));
    let place = |label: &usize| order.iter().position(|group| group == label).unwrap_or(0);
    (labels.iter().map(place).collect(), groups)
}

/// Two groups that became one.
struct Merge {
    a: usize,
    b: usize,
    /// What the sum of squares within groups grew by.
    grown: f64,
}

/// Numbers of groups, in the order of their first member.
fn grouped(looks: &[Vec<f32>], weights: &[f64]) -> Vec<usize> {
    let mut merges = merges(looks, weights);
    merges.sort_by(|x, y| x.grown.total_cmp(&y.grown));
    let all: f64 = merges.iter().map(|merge| merge.grown).sum();
    let heavy: f64 = weights.iter().sum();
    let mut left = looks.len();
    let mut parent: Vec<usize> = (0..looks.len()).collect();
    let mut within = 0.0;
    for merge in &merges {
        within += merge.grown;
        if left <= MOST && all > ALIKE * heavy && within > (1.0 - EXPLAINED) * all {
            break;
        }
        let (a, b) = (root(&parent, merge.a), root(&parent, merge.b));
        parent[a.max(b)] = a.min(b);
        left -= 1;
    }
    let mut known = Vec::new();
    let number = |k: usize| {
        let root = root(&parent, k);
        known.iter().position(|r| *r == root).unwrap_or_else(|| {
            known.push(root);
            known.len() - 1
        })
    };
    (0..looks.len()).map(number).collect()
}

fn root(parent: &[usize], mut k: usize) -> usize {
    while parent[k] != k {
        k = parent[k];
    }
    k
}

/// All merges of Ward's method (J. Ward, "Hierarchical grouping to optimize an objective function", 1963), found along chains
/// of nearest neighbours (F. Murtagh, "A survey of recent advances in hierarchical clustering algorithms", 1983), in no order.
fn merges(looks: &[Vec<f32>], weights: &[f64]) -> Vec<Merge> {
    let mut centres: Vec<Option<(Vec<f32>, f64)>> =
        looks.iter().zip(weights).map(|(look, w)| Some((look.clone(), *w))).collect();
    let mut chain: Vec<usize> = Vec::new();
    let mut merges = Vec::new();
    while merges.len() + 1 < looks.len() {
        if chain.is_empty() {
            chain.extend(centres.iter().position(Option::is_some));
        }
        let Some(&top) = chain.last() else { break };
        let before = chain.len().checked_sub(2).map(|k| chain[k]);
        // Of equals the one before, so that chains end.
        let mut best = before.map(|k| (growth(&centres, top, k), k));
        for (k, centre) in centres.iter().enumerate() {
            if k != top && centre.is_some() {
                let grown = growth(&centres, top, k);
                if best.is_none_or(|(least, _)| grown < least) {
                    best = Some((grown, k));
                }
            }
        }
        let Some((grown, next)) = best else { break };
        if Some(next) != before {
            chain.push(next);
            continue;
        }
        chain.truncate(chain.len() - 2);
        let (a, b) = (top.min(next), top.max(next));
        if let (Some((one, w)), Some((other, v))) = (centres[a].take(), centres[b].take()) {
            let mean = one
                .iter()
                .zip(&other)
                .map(|(x, y)| ((f64::from(*x) * w + f64::from(*y) * v) / (w + v)) as f32);
            centres[a] = Some((mean.collect(), w + v));
        }
        merges.push(Merge { a, b, grown });
    }
    merges
}

fn growth(centres: &[Option<(Vec<f32>, f64)>], a: usize, b: usize) -> f64 {
    let (Some((one, w)), Some((other, v))) = (&centres[a], &centres[b]) else { return f64::INFINITY };
    let distance: f64 = one.iter().zip(other).map(|(x, y)| f64::from(x - y).powi(2)).sum();
    w * v / (w + v) * distance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shots_that_look_alike_are_a_section() {
        let looks: Vec<Vec<f32>> =
            [0.1, 0.9, 0.12, 0.5, 0.88, 0.11, 0.52].iter().map(|x| vec![*x, 1.0 - x]).collect();
        assert_eq!(grouped(&looks, &[1.0; 7]), [0, 1, 0, 1, 1, 0, 1]);
        // All of a kind: one.
        let same: Vec<Vec<f32>> = (0..5).map(|k| vec![0.5 + 0.01 * k as f32]).collect();
        assert_eq!(grouped(&same, &[1.0; 5]), [0; 5]);
        assert_eq!(grouped(&same[..1], &[1.0]), [0]);
        // Never more than six.
        let many: Vec<Vec<f32>> =
            (0..40).map(|k| (0..40).map(|j| f32::from(u8::from(j == k))).collect()).collect();
        assert_eq!(grouped(&many, &[1.0; 40]).iter().max(), Some(&5));
    }

    #[test]
    fn merges_account_for_all_variance() {
        let looks: Vec<Vec<f32>> =
            (0..30).map(|k| vec![(k * 7 % 11) as f32, (k * 5 % 13) as f32, (k % 3) as f32]).collect();
        let weights: Vec<f64> = (0..30).map(|k| 1.0 + f64::from(k % 4)).collect();
        let heavy: f64 = weights.iter().sum();
        let sum =
            |d: usize| looks.iter().zip(&weights).map(|(x, w)| f64::from(x[d]) * w).sum::<f64>() / heavy;
        let means = [sum(0), sum(1), sum(2)];
        let all: f64 = looks
            .iter()
            .zip(&weights)
            .map(|(x, w)| w * x.iter().zip(means).map(|(x, m)| (f64::from(*x) - m).powi(2)).sum::<f64>())
            .sum();
        let grown: f64 = merges(&looks, &weights).iter().map(|merge| merge.grown).sum();
        assert!((grown / all - 1.0).abs() < 1e-5, "{grown} of {all}");
    }
}
