//! The innermost loops: sums of products for a few rows of a panel, in registers.
//!
//! Everything the network multiplies is one of two forms (see [`Panels`](crate::kernels::panels::Panels) for
//! the layout):
//!
//! - [`Processor::by_rows`]: `c[j] += Σₖ a[j][k] · b[k]` (forward pass; gradient of the layer's input), for a
//!   few pairs of blocks one after another, so that sums stay in registers for longer,
//! - [`Processor::by_columns`]: `c[j] += Σₖ a[k][first + j] · b[k]` (gradient of the weights).
//!
//! Each number of `c` is one chain of fused multiply-adds over k in ascending order, on every processor and
//! for every size of the block. So results do not depend on the division of the work into blocks, on the
//! number of threads, on the other rows of a batch, or on the instruction set: this is what makes training
//! reproducible and prediction independent of the batch, bit for bit. (That, and the fused step rule that
//! takes a tile of the gradient while it is in the cache, is why these are own loops and not calls to a
//! library's matrix product, which chooses its order of sums by shape, cache size and number of threads.)

use crate::kernels::panels::{Row, WIDTH};

/// An instruction set that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Processor {
    /// 512-bit registers.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 256-bit registers with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Plain loops as the compiler translates them.
    Portable,
}

/// A loop over slices that [`Processor::vectorise`] compiles once for each instruction set.
pub trait Elementwise {
    /// The loop; must be `#[inline(always)]` to take over the caller's instruction set.
    fn run(self);
}

/// Position of the factor for row j and step k in the block of rows `a`: `j * row + k * step + first`.
#[derive(Clone, Copy)]
struct Stride {
    row: usize,
    step: usize,
    first: usize,
}

impl Processor {
    /// The best instruction set of this machine.
    pub fn detect() -> Self {
        Self::all().next().unwrap_or(Self::Portable)
    }

    /// All instruction sets of this machine, the best first.
    pub fn all() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let known = [
            (Self::Avx512, is_x86_feature_detected!("avx512f")),
            (Self::Avx2, is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")),
            (Self::Portable, true),
        ];
        #[cfg(not(target_arch = "x86_64"))]
        let known = [(Self::Portable, true)];
        known.into_iter().filter(|(_, there)| *there).map(|(processor, _)| processor)
    }

    /// Adds products by rows: `c[j][..width] += Σₖ a[j][k] · b[k][..width]` for every row of `c`, with k
    /// below `b.len()`, at most 48; for each of the `pairs` (a, b) in their order. Columns from `width` on
    /// may or may not be changed.
    pub fn by_rows(self, pairs: &[(&[Row], &[Row])], c: &mut [Row], width: usize) {
        assert!(pairs.iter().all(|(a, b)| a.len() >= c.len() && b.len() <= WIDTH));
        self.multiply(pairs, Stride { row: WIDTH, step: 1, first: 0 }, c, width);
    }

    /// Adds products by columns: `c[j] += Σₖ a[k][first + j] · b[k]` for every row of `c`, with k below
    /// `b.len()`; `first + c.len()` is at most 48.
    pub fn by_columns(self, a: &[Row], first: usize, b: &[Row], c: &mut [Row]) {
        assert!(a.len() >= b.len() && first + c.len() <= WIDTH);
        self.multiply(&[(a, b)], Stride { row: 1, step: WIDTH, first }, c, WIDTH);
    }

    /// Runs a loop over plain slices compiled for this processor's registers. The compiler never fuses or
    /// reorders floating-point operations, so the result is the same on all.
    pub fn vectorise(self, operation: impl Elementwise) {
        match self {
            // SAFETY: the value exists only where the processor has the instructions.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => unsafe { x86::run_avx512(operation) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => unsafe { x86::run_avx2(operation) },
            Self::Portable => operation.run(),
        }
    }

    fn multiply(self, pairs: &[(&[Row], &[Row])], at: Stride, c: &mut [Row], width: usize) {
        match self {
            // SAFETY: `detect` and `all` give these values only where the processor has the instructions, and
            // the assertions of the two callers keep every index into `a` inside its slice.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => unsafe { x86::multiply_avx512(pairs, at, c, width) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => unsafe { x86::multiply_avx2(pairs, at, c, width) },
            Self::Portable => portable(pairs, at, c),
        }
    }
}

/// The definition, for processors without a kernel of their own.
fn portable(pairs: &[(&[Row], &[Row])], at: Stride, c: &mut [Row]) {
    for (j, sum) in c.iter_mut().enumerate() {
        for (a, b) in pairs {
            for (k, row) in b.iter().enumerate() {
                let factor = a.as_flattened()[j * at.row + k * at.step + at.first];
                for (x, y) in sum.iter_mut().zip(row) {
                    *x = y.mul_add(factor, *x);
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use crate::kernels::panels::{Row, WIDTH};
    use crate::kernels::processor::{Elementwise, Stride};
    use std::arch::x86_64::*;

    /// Rows by which the loops prefetch: 9 kilobytes, which is the next chunk of a panel.
    const PREFETCH_ROWS: usize = 48;

    #[target_feature(enable = "avx512f")]
    pub fn run_avx512(operation: impl Elementwise) {
        operation.run();
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn run_avx2(operation: impl Elementwise) {
        operation.run();
    }

    /// Defines `multiply_…` for one register type: rows in groups of `$rows` (then single powers of two
    /// below), columns in groups of three, two or one registers, the sums of a group held in registers for
    /// all k.
    macro_rules! kernel {
        ($multiply:ident, $group:ident, $feature:literal, $lanes:literal, [$($rows:literal),+], $zero:path, $load:path, $store:path, $splat:path, $fma:path) => {
            /// # Safety
            ///
            /// The processor has the feature, and every `a` reaches `at` of the last row of `c` and the last row of
            /// its `b`.
            #[target_feature(enable = $feature)]
            pub unsafe fn $multiply(pairs: &[(&[Row], &[Row])], at: Stride, c: &mut [Row], width: usize) {
                let mut rest = c;
                let mut at = at;
                $(
                    while rest.len() >= $rows {
                        let (group, after) = rest.split_at_mut($rows);
                        let mut column = 0;
                        while column < width.min(WIDTH) {
                            let registers = (width.min(WIDTH) - column).div_ceil($lanes).min(3);
                            // SAFETY: the caller's promise; `column + registers * lanes` stays within a row
                            // because a row is a whole number of registers.
                            unsafe {
                                match registers {
                                    3 => $group::<$rows, 3>(pairs, at, group, column),
                                    2 => $group::<$rows, 2>(pairs, at, group, column),
                                    _ => $group::<$rows, 1>(pairs, at, group, column),
                                }
                            }
                            column += registers * $lanes;
                        }
                        at.first += $rows * at.row;
                        rest = after;
                    }
                )+
            }

            /// # Safety
            ///
            /// As for the caller; `c` has `N` rows and `column + V * lanes` is at most 48.
            #[target_feature(enable = $feature)]
            #[inline]
            unsafe fn $group<const N: usize, const V: usize>(pairs: &[(&[Row], &[Row])], at: Stride, c: &mut [Row], column: usize) {
                // SAFETY: all offsets lie within rows of 48 numbers, and those into `a` within the slice (the
                // caller's promise).
                unsafe {
                    let mut sums = [[$zero(); V]; N];
                    for j in 0..N {
                        for v in 0..V {
                            sums[j][v] = $load(c.as_ptr().add(j).cast::<f32>().add(column + v * $lanes));
                        }
                    }
                    for (a, b) in pairs {
                        let mut factors = a.as_ptr().cast::<f32>().wrapping_add(at.first);
                        for row in *b {
                            let row = row.as_ptr().add(column);
                            // The next rows lie in a page that the processor does not foresee, and with few
                            // rows the weights come straight from memory.
                            for v in 0..V {
                                let ahead = row.wrapping_add(PREFETCH_ROWS * WIDTH + v * $lanes);
                                _mm_prefetch::<_MM_HINT_T0>(ahead.cast());
                            }
                            if at.step == WIDTH {
                                _mm_prefetch::<_MM_HINT_T0>(factors.wrapping_add(PREFETCH_ROWS * WIDTH).cast());
                            }
                            for j in 0..N {
                                let factor = $splat(*factors.add(j * at.row));
                                for v in 0..V {
                                    sums[j][v] = $fma($load(row.add(v * $lanes)), factor, sums[j][v]);
                                }
                            }
                            factors = factors.wrapping_add(at.step);
                        }
                    }
                    for j in 0..N {
                        for v in 0..V {
                            $store(c.as_mut_ptr().add(j).cast::<f32>().add(column + v * $lanes), sums[j][v]);
                        }
                    }
                }
            }
        };
    }

    kernel!(
        multiply_avx512,
        group_avx512,
        "avx512f",
        16,
        [8, 4, 2, 1],
        _mm512_setzero_ps,
        _mm512_loadu_ps,
        _mm512_storeu_ps,
        _mm512_set1_ps,
        _mm512_fmadd_ps
    );
    kernel!(
        multiply_avx2,
        group_avx2,
        "avx2,fma",
        8,
        [4, 2, 1],
        _mm256_setzero_ps,
        _mm256_loadu_ps,
        _mm256_storeu_ps,
        _mm256_set1_ps,
        _mm256_fmadd_ps
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(rows: usize, seed: u32) -> Vec<Row> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..rows).map(|_| std::array::from_fn(|_| next())).collect()
    }

    /// Every processor gives the portable definition's bits, for all remainders of rows, steps and columns.
    #[test]
    fn all_processors_agree_to_the_bit() {
        for rows in 1..=19 {
            for steps in [1, 2, 31, 48] {
                for width in [1, 8, 16, 17, 40, 48] {
                    let (a, b, start) = (block(64, 1), block(steps, 2), block(rows, 3));
                    let pairs = [(&a[..], &b[..]), (&a[20..], &a[..7])];
                    let mut expected = start.clone();
                    Processor::Portable.by_rows(&pairs, &mut expected, width);
                    for processor in Processor::all() {
                        let mut c = start.clone();
                        processor.by_rows(&pairs, &mut c, width);
                        for (c, e) in c.iter().zip(&expected) {
                            assert_eq!(c[..width], e[..width], "{processor:?} {rows} {steps} {width}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn by_columns_is_by_rows_of_the_transposed_block() {
        let (a, b) = (block(48, 4), block(48, 5));
        let mut flipped = [crate::kernels::panels::ZERO; WIDTH];
        crate::kernels::panels::transpose(&a, &mut flipped);
        for processor in Processor::all() {
            let (mut one, mut two) = (block(13, 6), block(13, 6));
            processor.by_columns(&a, 7, &b, &mut one);
            processor.by_rows(&[(&flipped[7..], &b)], &mut two, WIDTH);
            assert_eq!(one, two);
        }
    }

    #[test]
    fn the_portable_definition_equals_sums_in_double_precision() {
        let (a, b) = (block(5, 7), block(48, 8));
        let mut c = block(5, 9);
        let start = c.clone();
        Processor::Portable.by_rows(&[(&a, &b)], &mut c, WIDTH);
        for j in 0..5 {
            for x in 0..WIDTH {
                let exact = f64::from(start[j][x])
                    + (0..WIDTH).map(|k| f64::from(a[j][k]) * f64::from(b[k][x])).sum::<f64>();
                assert!((f64::from(c[j][x]) - exact).abs() < 3e-6);
            }
        }
    }
}
