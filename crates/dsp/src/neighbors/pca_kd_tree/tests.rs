//! Bounds, radius searches and distances against all points.

use crate::neighbors::pca_kd_tree::*;
use crate::tick_rng::TickRng;

/// Points around a few centres, a thousandth of them not numbers.
fn points(dims: usize, count: usize, offset: f32, seed: u64) -> Vec<f32> {
    let mut draw = TickRng::new(seed, 1);
    let mut at = vec![0.0; dims];
    let mut points = Vec::new();
    for i in 0..count {
        for (k, x) in at.iter_mut().enumerate() {
            *x = 0.9 * *x + draw.between(-1.0, 1.0) as f32 / (1 + k) as f32;
        }
        let broken = if i % 1000 == 77 { f32::NAN } else { offset };
        points.extend(at.iter().map(|x| x + broken));
    }
    points
}

#[test]
fn nothing_within_the_radius_is_missed() {
    for (dims, count, offset) in
        [(66, 5000, 0.0), (3, 3000, 100.0), (1, 40, 0.0), (20, 1, 0.0), (12, 2000, 1e6), (0, 50, 0.0)]
    {
        let all = points(dims, count, offset, 3);
        let tree = PcaKdTree::new(dims, count, &all);
        assert_eq!((tree.dims(), tree.len()), (dims, count));
        let everyone: Vec<u32> = (0..count as u32).collect();
        let (mut query, mut found_in_all) = (Query::default(), 0);
        let (mut distances, mut bounds) = (Vec::new(), Vec::new());
        for seed in 10..20 {
            let coordinates: Vec<f32> = points(dims, 20, offset, seed).split_off(19 * dims);
            tree.set_query(&coordinates, &mut query);
            tree.squared_distances(&query, &everyone, &mut distances);
            tree.lower_bounds(&query, &everyone, &mut bounds);
            assert!(zip(&bounds, &distances).all(|(bound, distance)| bound <= distance));
            let near = tree.nearest_leaf(&query);
            assert!(!near.is_empty() && near.iter().all(|point| (*point as usize) < count));
            for limit in [0.0, distances[0], 0.3, 2.0, f32::INFINITY] {
                let mut list = Vec::new();
                tree.within(&query, limit, &mut list);
                let mut found = vec![false; count];
                for Neighbor { point, lower_bound } in list {
                    assert!(lower_bound <= distances[point as usize] && !found[point as usize]);
                    found[point as usize] = true;
                }
                for (distance, found) in zip(&distances, &found) {
                    assert!(*found || *distance > limit, "{dims} {limit}");
                }
                found_in_all += if limit == 0.3 { found.iter().filter(|found| **found).count() } else { 0 };
            }
        }
        // With many dimensions that differ little, the search is still narrow.
        assert!(dims != 66 || found_in_all < count, "{found_in_all}");
    }
}

#[test]
fn distances_are_the_sums_of_squares() {
    let points: Vec<f32> = (0..37 * 11).map(|i| ((i * 7919) % 101) as f32 - 50.0).collect();
    let tree = PcaKdTree::new(11, 37, &points);
    let coordinates: Vec<f32> = (0..11).map(|i| ((i * 104_729) % 97) as f32 - 48.0).collect();
    let (mut query, mut out) = (Query::default(), Vec::new());
    tree.set_query(&coordinates, &mut query);
    tree.squared_distances(&query, &[3, 36, 0], &mut out);
    for (point, found) in zip([3, 36, 0], &out) {
        let row = &points[point * 11..][..11];
        assert_eq!(*found, zip(row, &coordinates).map(|(a, b)| (a - b).powi(2)).sum::<f32>());
    }
}
