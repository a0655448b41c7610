//! Sums and products of single numbers.

use crate::kernels::{Elementwise, Processor, Row};

/// Multiplies into another place: `to` = `from` · `factors`.
pub fn scale(processor: Processor, from: &[Row], factors: &[Row], to: &mut [Row]) {
    let (from, factors, to) = (from.as_flattened(), factors.as_flattened(), to.as_flattened_mut());
    processor.vectorise(ScaleInto { from, factors, to });
}

/// Multiplies in place: `values` *= `factors`.
pub fn scale_in_place(processor: Processor, factors: &[Row], values: &mut [Row]) {
    let (factors, values) = (factors.as_flattened(), values.as_flattened_mut());
    processor.vectorise(ScaleInPlace { factors, values });
}

/// to = from · factors
struct ScaleInto<'a> {
    from: &'a [f32],
    factors: &'a [f32],
    to: &'a mut [f32],
}

impl Elementwise for ScaleInto<'_> {
    #[inline(always)]
    fn run(self) {
        for ((y, x), factor) in self.to.iter_mut().zip(self.from).zip(self.factors) {
            *y = x * factor;
        }
    }
}

/// values *= factors
struct ScaleInPlace<'a> {
    factors: &'a [f32],
    values: &'a mut [f32],
}

impl Elementwise for ScaleInPlace<'_> {
    #[inline(always)]
    fn run(self) {
        for (x, factor) in self.values.iter_mut().zip(self.factors) {
            *x *= factor;
        }
    }
}

/// to += from
pub struct Add<'a> {
    /// As many numbers as `to`.
    pub from: &'a [f32],
    /// Changed in place.
    pub to: &'a mut [f32],
}

impl Elementwise for Add<'_> {
    #[inline(always)]
    fn run(self) {
        for (y, x) in self.to.iter_mut().zip(self.from) {
            *y += x;
        }
    }
}

/// ReLU's slope applied in place of its outputs: outputs ← gradients where outputs are positive, else 0.
pub struct GateProduct<'a> {
    /// As many numbers as `outputs`.
    pub gradients: &'a [f32],
    /// Changed in place.
    pub outputs: &'a mut [f32],
}

impl Elementwise for GateProduct<'_> {
    #[inline(always)]
    fn run(self) {
        for (y, g) in self.outputs.iter_mut().zip(self.gradients) {
            *y = if *y > 0.0 { *g } else { 0.0 };
        }
    }
}
