//! Dropout and noise. All draws of a step come from ChaCha8 streams named by (step, site, block of rows): a
//! resumed run draws what the uninterrupted one would have drawn, and threads may share the work in any way.

use crate::kernels::{Row, WIDTH};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// The draws of one training step.
#[derive(Clone, Copy, Debug)]
pub struct StepRng {
    /// Seed of the whole run.
    pub seed: u64,
    /// Number of the step.
    pub step: u64,
}

/// The purpose of a stream of draws.
#[derive(Clone, Copy, Debug)]
pub enum Site {
    /// Noise on the inputs.
    Noise,
    /// Dropout of the inputs.
    Input,
    /// Dropout before the hidden layer with that number.
    Hidden(u8),
}

impl StepRng {
    /// The stream for a site and a block of rows.
    pub fn stream(&self, site: Site, block: usize) -> ChaCha8Rng {
        let site = match site {
            Site::Noise => 0,
            Site::Input => 1,
            Site::Hidden(layer) => 2 + u64::from(layer),
        };
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        // 20 bits of blocks are 67 million frames a step, 36 bits of steps more than anyone waits for.
        rng.set_stream(self.step << 28 | site << 20 | block as u64 & 0xf_ffff);
        rng
    }
}

/// Draws the factors of inverted dropout (Srivastava et al. 2014, section 10, as all libraries do it): 0 with
/// `probability`, else 1 / (1 − probability), so that nothing need be scaled when predicting. The probability
/// is rounded to 1/65536.
pub fn draw_dropout(rng: &mut ChaCha8Rng, probability: f32, factors: &mut [Row]) {
    let threshold = (probability * 65536.0).round().clamp(0.0, 65535.0);
    let kept = 1.0 / (1.0 - threshold / 65536.0);
    let threshold = threshold as u16;
    if threshold == 0 {
        return factors.as_flattened_mut().fill(1.0);
    }
    let mut bytes = [0; 2 * WIDTH];
    for row in factors {
        rng.fill_bytes(&mut bytes);
        for (factor, &draw) in row.iter_mut().zip(bytes.as_chunks::<2>().0) {
            *factor = if u16::from_le_bytes(draw) < threshold { 0.0 } else { kept };
        }
    }
}

/// Adds normal noise of that standard deviation.
pub fn add_noise(rng: &mut ChaCha8Rng, deviation: f32, values: &mut [f32]) {
    for x in values {
        let noise: f32 = StandardNormal.sample(rng);
        *x += deviation * noise;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropout_drops_its_share_and_keeps_the_mean() {
        let mut factors = vec![[0.0; WIDTH]; 4000];
        for probability in [0.0, 0.175, 0.35] {
            let mut rng = StepRng { seed: 1, step: 2 }.stream(Site::Hidden(3), 4);
            draw_dropout(&mut rng, probability, &mut factors);
            let all = factors.as_flattened();
            let dropped = all.iter().filter(|&&x| x == 0.0).count() as f32 / all.len() as f32;
            let mean = all.iter().map(|&x| f64::from(x)).sum::<f64>() / all.len() as f64;
            assert!((dropped - probability).abs() < 0.005, "{dropped} of {probability}");
            assert!((mean - 1.0).abs() < 0.01, "{mean}");
        }
    }

    #[test]
    fn streams_differ_by_step_site_and_block() {
        let first = |step, site, block| StepRng { seed: 7, step }.stream(site, block).next_u64();
        let draws = [
            first(0, Site::Noise, 0),
            first(1, Site::Noise, 0),
            first(0, Site::Input, 0),
            first(0, Site::Hidden(0), 0),
            first(0, Site::Noise, 1),
        ];
        for (i, a) in draws.iter().enumerate() {
            assert!(draws[..i].iter().all(|b| a != b));
        }
        assert_eq!(draws[2], first(0, Site::Input, 0));
    }
}
