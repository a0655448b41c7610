//! Windows for analysis, and the same shapes as envelopes of grains.
//!
//! Every shape is a function of the position x in 0..1 within the window, with its maximum of 1 in the
//! middle. Definitions follow F. J. Harris, "On the use of windows for harmonic analysis with the discrete
//! Fourier transform", Proc. IEEE 66 (1978): Hann (section V.C), Bartlett or triangle (V.B), Tukey or tapered
//! cosine (V.F), Gaussian (V.H).

use serde::{Deserialize, Serialize};
use std::f64::consts::PI;
use std::fmt;
use std::str::FromStr;

/// A shape that rises from the edges to 1 in the middle.
///
/// Written as text, in options and files: `hann`, `bartlett`, `tukey`, `tukey:0.5`, `gaussian`,
/// `gaussian:0.15`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Window {
    /// sin²(πx).
    #[default]
    Hann,
    /// 1 − |2x − 1|.
    Bartlett,
    /// Flat, with a cosine slope at each edge.
    Tukey {
        /// Share of the window that is slope, 0 (a rectangle) to 1 (a Hann window). By default
        /// [`Window::TUKEY_TAPER`].
        taper: f32,
    },
    /// exp(−½ ((x − ½) / σ)²), cut off at the edges: they stand at exp(−1 / 8σ²), which is −48 dB for σ =
    /// 0.15.
    Gaussian {
        /// Standard deviation in window lengths, above 0 and at most 1. By default
        /// [`Window::GAUSSIAN_SIGMA`].
        sigma: f32,
    },
}

/// Positions of the samples of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// x = k / n: the next window begins where this one would repeat. Copies at a hop of n/2 add up exactly.
    Periodic,
    /// x = k / (n − 1): first and last sample are equal. A single sample is 1.
    Symmetric,
}

/// A text that names no window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is no window: write hann, bartlett, tukey, tukey:TAPER (0 to 1), gaussian or gaussian:SIGMA (above 0, at most 1)"
)]
pub struct UnknownWindow(String);

impl Window {
    /// The taper of a Tukey window that names none.
    pub const TUKEY_TAPER: f32 = 0.5;
    /// The standard deviation of a Gaussian window that names none.
    pub const GAUSSIAN_SIGMA: f32 = 0.15;

    /// The value at `x`; 0 outside of 0..=1.
    pub fn at(self, x: f64) -> f64 {
        if !(0.0..=1.0).contains(&x) {
            return 0.0;
        }
        match self {
            Self::Hann => (PI * x).sin().powi(2),
            Self::Bartlett => 1.0 - (2.0 * x - 1.0).abs(),
            Self::Tukey { taper } => {
                let slope = f64::from(taper.clamp(0.0, 1.0)) / 2.0;
                let from_edge = x.min(1.0 - x);
                if from_edge >= slope { 1.0 } else { (PI * from_edge / (2.0 * slope)).sin().powi(2) }
            }
            Self::Gaussian { sigma } => {
                let deviations = (x - 0.5) / f64::from(sigma.max(f32::MIN_POSITIVE));
                (-0.5 * deviations * deviations).exp()
            }
        }
    }

    /// The window at `n` positions.
    pub fn coefficients(self, n: usize, form: Form) -> Vec<f32> {
        self.coefficients_f64(n, form).into_iter().map(|w| w as f32).collect()
    }

    /// The window at `n` positions in double precision, for metrics.
    pub fn coefficients_f64(self, n: usize, form: Form) -> Vec<f64> {
        let last = match form {
            Form::Periodic => n as f64,
            Form::Symmetric if n == 1 => return vec![1.0],
            Form::Symmetric => n as f64 - 1.0,
        };
        (0..n).map(|k| self.at(k as f64 / last)).collect()
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hann => f.write_str("hann"),
            Self::Bartlett => f.write_str("bartlett"),
            Self::Tukey { taper } => write!(f, "tukey:{taper}"),
            Self::Gaussian { sigma } => write!(f, "gaussian:{sigma}"),
        }
    }
}

impl FromStr for Window {
    type Err = UnknownWindow;

    fn from_str(text: &str) -> Result<Self, UnknownWindow> {
        let unknown = || UnknownWindow(text.to_owned());
        let (name, parameter) = match text.trim().split_once(':') {
            Some((name, number)) => (name, Some(number.trim().parse::<f32>().map_err(|_| unknown())?)),
            None => (text.trim(), None),
        };
        let window = match (name.to_ascii_lowercase().as_str(), parameter) {
            ("hann", None) => Self::Hann,
            ("bartlett", None) => Self::Bartlett,
            ("tukey", taper) => Self::Tukey { taper: taper.unwrap_or(Self::TUKEY_TAPER) },
            ("gaussian", sigma) => Self::Gaussian { sigma: sigma.unwrap_or(Self::GAUSSIAN_SIGMA) },
            _ => return Err(unknown()),
        };
        match window {
            Self::Tukey { taper } if !(0.0..=1.0).contains(&taper) => Err(unknown()),
            Self::Gaussian { sigma } if !(sigma > 0.0 && sigma <= 1.0) => Err(unknown()),
            window => Ok(window),
        }
    }
}

impl TryFrom<String> for Window {
    type Error = UnknownWindow;
    fn try_from(text: String) -> Result<Self, UnknownWindow> {
        text.parse()
    }
}

impl From<Window> for String {
    fn from(window: Window) -> String {
        window.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Window; 5] = [
        Window::Hann,
        Window::Bartlett,
        Window::Tukey { taper: 0.5 },
        Window::Tukey { taper: 0.0 },
        Window::Gaussian { sigma: 0.15 },
    ];

    #[test]
    fn values_are_those_of_numpy_and_scipy() {
        // numpy.hanning(7), numpy.bartlett(7), scipy.signal.windows.tukey(7, 0.5), gaussian(7, 0.15 * 6).
        let expected: [(Window, [f64; 4]); 4] = [
            (Window::Hann, [0.0, 0.25, 0.75, 1.0]),
            (Window::Bartlett, [0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0]),
            (Window::Tukey { taper: 0.5 }, [0.0, 0.75, 1.0, 1.0]),
            (Window::Gaussian { sigma: 0.15 }, [0.003865920, 0.084657989, 0.539407507, 1.0]),
        ];
        for (window, half) in expected {
            let w = window.coefficients_f64(7, Form::Symmetric);
            for k in 0..7 {
                let want = half[k.min(6 - k)];
                assert!((w[k] - want).abs() < 1e-6, "{window} at {k}: {} instead of {want}", w[k]);
            }
        }
    }

    #[test]
    fn periodic_hann_adds_up_to_one_at_half_overlap() {
        let w = Window::Hann.coefficients_f64(1470, Form::Periodic);
        assert!((0..735).all(|k| (w[k] + w[k + 735] - 1.0).abs() < 1e-12));
    }

    #[test]
    fn text_round_trips_and_nonsense_is_refused() {
        for window in ALL {
            assert_eq!(window.to_string().parse::<Window>().unwrap(), window);
        }
        assert_eq!("tukey".parse::<Window>().unwrap(), Window::Tukey { taper: 0.5 });
        assert_eq!("gaussian:0.2".parse::<Window>().unwrap(), Window::Gaussian { sigma: 0.2 });
        for text in ["", "han", "hann:1", "tukey:2", "tukey:-0.1", "tukey:nan", "gaussian:0", "gaussian:x"] {
            assert!(text.parse::<Window>().is_err(), "{text}");
        }
    }

    #[test]
    fn tiny_windows_are_finite() {
        for window in ALL {
            for n in 0..4 {
                for form in [Form::Periodic, Form::Symmetric] {
                    let w = window.coefficients(n, form);
                    assert!(w.len() == n && w.iter().all(|v| v.is_finite()), "{window} of {n}");
                }
            }
        }
        assert_eq!(Window::Hann.coefficients(1, Form::Symmetric), [1.0]);
    }
}
