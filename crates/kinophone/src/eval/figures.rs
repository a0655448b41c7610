//! Rounding of figures, and statistics over the figures of several trainings.

use crate::eval::report::{Figures, ReportMeasures};

/// Rounds to so many decimals: unused digits would double the size of the page.
pub(crate) fn rounded(x: f64, decimals: i32) -> f64 {
    let scale = 10f64.powi(decimals);
    (x * scale).round() / scale
}

/// Rounds every value to so many decimals.
pub(crate) fn all_rounded(values: &[f64], decimals: i32) -> Vec<f64> {
    values.iter().map(|x| rounded(*x, decimals)).collect()
}

/// Mean of at least one value.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

impl From<&ReportMeasures> for Figures {
    fn from(m: &ReportMeasures) -> Self {
        Self {
            onset_r: m.onset_r.value,
            loudness_r: m.loudness_r.value,
            logmel_l1: m.logmel_l1.value,
            comb_db: m.comb_db,
        }
    }
}

impl Figures {
    fn numbers(&self) -> [Option<f64>; 4] {
        [Some(self.onset_r), Some(self.loudness_r), Some(self.logmel_l1), self.comb_db]
    }

    fn from_numbers(numbers: [Option<f64>; 4]) -> Self {
        let [onset_r, loudness_r, logmel_l1] = [0, 1, 2].map(|k| numbers[k].unwrap_or(0.0));
        Self { onset_r, loudness_r, logmel_l1, comb_db: numbers[3] }
    }
}

/// Weighted mean of figures; that of the comb over those trainings that have one.
#[derive(Default)]
pub(crate) struct MeanFigures {
    sums: [f64; 4],
    weights: [f64; 4],
}

impl MeanFigures {
    pub(crate) fn add(&mut self, figures: &Figures, weight: f64) {
        for (k, number) in figures.numbers().into_iter().enumerate() {
            if let Some(number) = number {
                self.sums[k] += weight * number;
                self.weights[k] += weight;
            }
        }
    }

    pub(crate) fn mean(&self) -> Option<Figures> {
        let number = |k: usize| (self.weights[k] > 0.0).then(|| self.sums[k] / self.weights[k]);
        (self.weights[0] > 0.0).then(|| Figures::from_numbers([0, 1, 2, 3].map(number)))
    }
}

/// Student's t for 95 %, by degrees of freedom from 1 on.
const STUDENT_T: [f64; 10] = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];

/// Mean of several trainings with the interval of 95 % by Student's t, which assumes draws from one normal
/// distribution.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MeanInterval {
    pub(crate) mean: Figures,
    pub(crate) low: Figures,
    pub(crate) high: Figures,
}

/// The mean and its interval; `None` with fewer than two trainings.
pub(crate) fn mean_interval(rows: &[Figures]) -> Option<MeanInterval> {
    let freedom = rows.len().checked_sub(1).filter(|n| *n > 0)?;
    let t = STUDENT_T.get(freedom - 1).copied().unwrap_or(1.96);
    let column = |k: usize| rows.iter().filter_map(move |row| row.numbers()[k]).collect::<Vec<f64>>();
    let mean_of = |k: usize| {
        let values = column(k);
        (values.len() == rows.len()).then(|| mean(&values))
    };
    let half_width = |k: usize| {
        let (values, mean) = (column(k), mean_of(k)?);
        let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
        Some(t * (squares / freedom as f64 / rows.len() as f64).sqrt())
    };
    let end = |sign: f64| [0, 1, 2, 3].map(|k| Some(mean_of(k)? + sign * half_width(k)?));
    Some(MeanInterval {
        mean: Figures::from_numbers([0, 1, 2, 3].map(mean_of)),
        low: Figures::from_numbers(end(-1.0)),
        high: Figures::from_numbers(end(1.0)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(x: f64) -> Figures {
        Figures { onset_r: x, loudness_r: 2.0 * x, logmel_l1: 0.5, comb_db: Some(x) }
    }

    #[test]
    fn the_interval_of_a_mean_is_students() {
        // For 1, 2, 3, 4, 5: mean 3, standard error 0.70711, t 2.776.
        let rows: Vec<Figures> = [1.0, 2.0, 3.0, 4.0, 5.0].map(figures).into();
        let MeanInterval { mean, low, high } = mean_interval(&rows).unwrap();
        assert!((mean.onset_r - 3.0).abs() < 1e-12 && (mean.loudness_r - 6.0).abs() < 1e-12);
        assert!((high.onset_r - 3.0 - 1.962_94).abs() < 1e-4 && (low.onset_r - 3.0 + 1.962_94).abs() < 1e-4);
        assert_eq!((low.logmel_l1, high.logmel_l1, mean.comb_db), (0.5, 0.5, Some(3.0)));
        assert!(mean_interval(&rows[..1]).is_none());
        let silent = Figures { comb_db: None, ..figures(1.0) };
        assert_eq!(mean_interval(&[figures(1.0), silent]).unwrap().mean.comb_db, None);
    }

    #[test]
    fn films_count_by_their_length() {
        let mut mean = MeanFigures::default();
        assert!(mean.mean().is_none());
        mean.add(&figures(1.0), 30.0);
        mean.add(&Figures { comb_db: None, ..figures(0.0) }, 10.0);
        assert_eq!(mean.mean().unwrap(), Figures { comb_db: Some(1.0), ..figures(0.75) });
    }
}
