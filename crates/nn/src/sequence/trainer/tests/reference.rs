//! Both networks once more, as plain loops in double precision.

use super::*;

/// Parameters in the order of [`Architecture::parameters`], row by row.
pub type Numbers = Vec<Vec<f64>>;

pub fn widen(matrices: &[Panels]) -> Numbers {
    matrices.iter().map(|m| m.to_rows().into_iter().map(f64::from).collect()).collect()
}

/// y = x · w + b for part `part` of w and row `part` of b.
fn linear(x: &[f64], w: &[f64], b: &[f64], part: usize) -> Vec<f64> {
    let (inputs, outputs) = (x.len(), b.len());
    let mut y = b.to_vec();
    for (i, x) in x.iter().enumerate() {
        for (o, y) in y.iter_mut().enumerate() {
            *y += x * w[(part * inputs + i) * outputs + o];
        }
    }
    y
}

fn relu(x: Vec<f64>) -> Vec<f64> {
    x.into_iter().map(|x| x.max(0.0)).collect()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Outputs for one window, `[frames][outputs]`. `factors(layer, frame, unit)` are those of dropout.
pub fn predict(
    shape: &Architecture,
    parameters: &Numbers,
    x: &[Vec<f64>],
    factors: &dyn Fn(usize, usize, usize) -> f64,
) -> Vec<Vec<f64>> {
    let hidden = match shape {
        Architecture::Gru { hidden, .. } => recur(*hidden, parameters, x, factors),
        Architecture::Tcn { channels, dilations, causal, .. } => {
            convolve(*channels, dilations, *causal, parameters, x, factors)
        }
    };
    let [.., w, b] = &parameters[..] else { unreachable!() };
    hidden.iter().map(|h| linear(h, w, b, 0)).collect()
}

fn recur(
    hidden: usize,
    p: &Numbers,
    x: &[Vec<f64>],
    factors: &dyn Fn(usize, usize, usize) -> f64,
) -> Vec<Vec<f64>> {
    let mut h = vec![0.0; hidden];
    let no_bias = vec![0.0; hidden];
    let step = |(t, x): (usize, &Vec<f64>)| {
        let a = relu(linear(x, &p[0], &p[1], 0));
        let input = |gate: usize| linear(&a, &p[2], &p[3][gate * hidden..][..hidden], gate);
        let (r, z, n) = (input(0), input(1), input(2));
        let recurrent = |gate: usize, bias: &[f64]| linear(&h, &p[4], bias, gate);
        let (rh, zh, nh) = (recurrent(0, &no_bias), recurrent(1, &no_bias), recurrent(2, &p[5]));
        h = (0..hidden)
            .map(|i| {
                let (r, z) = (sigmoid(r[i] + rh[i]), sigmoid(z[i] + zh[i]));
                let n = (n[i] + r * nh[i]).tanh();
                (1.0 - z) * n + z * h[i]
            })
            .collect();
        h.iter().enumerate().map(|(i, h)| h * factors(0, t, i)).collect()
    };
    x.iter().enumerate().map(step).collect()
}

fn convolve(
    channels: usize,
    dilations: &[usize],
    causal: bool,
    p: &Numbers,
    x: &[Vec<f64>],
    factors: &dyn Fn(usize, usize, usize) -> f64,
) -> Vec<Vec<f64>> {
    let mut y: Vec<_> = x.iter().map(|x| relu(linear(x, &p[0], &p[1], 0))).collect();
    for (i, &d) in dilations.iter().enumerate() {
        let (w, b) = (&p[2 + 2 * i], &p[3 + 2 * i]);
        let frame = |t: usize| {
            let mut sum = b.clone();
            for tap in 0..3 {
                let from = t as isize + (tap as isize - if causal { 2 } else { 1 }) * d as isize;
                if let Some(row) = usize::try_from(from).ok().and_then(|from| y.get(from)) {
                    let dropped: Vec<f64> =
                        (0..channels).map(|c| row[c] * factors(i, from as usize, c)).collect();
                    sum = linear(&dropped, w, &sum, tap);
                }
            }
            relu(sum).iter().zip(&y[t]).map(|(a, b)| a + b).collect()
        };
        // `linear` takes the part from the weights alone; the biases carry the sum so far.
        y = (0..y.len()).map(frame).collect();
    }
    y
}

/// The loss of a batch from its outputs `[window][frame][output]`.
pub fn loss(out: &[Vec<Vec<f64>>], windows: &Windows, losses: &[Loss], lead: usize) -> f64 {
    let (mut sum, mut count) = (0.0, 0);
    for (w, window) in out.iter().enumerate() {
        for (f, frame) in window.iter().enumerate().skip(lead) {
            let place = w * windows.frames + f;
            if windows.counted[place] {
                count += 1;
                let targets = &windows.targets[place * losses.len()..];
                for ((y, t), loss) in frame.iter().zip(targets).zip(losses) {
                    let t = f64::from(*t);
                    sum += f64::from(loss.weight)
                        * match loss.kind {
                            LossKind::Square => (y - t).powi(2),
                            LossKind::Logistic => {
                                -t * sigmoid(*y).ln() - (1.0 - t) * (1.0 - sigmoid(*y)).ln()
                            }
                        };
                }
            }
        }
    }
    sum / f64::from(count)
}
