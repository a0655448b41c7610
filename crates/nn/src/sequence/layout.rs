//! The layout of a batch of windows as rows of [`Panels`], and the division of rows among threads.

use crate::kernels::{Panels, Row};
use rayon::prelude::*;

/// Rows that one thread works on at a time: a block of activations and its weights fit the first-level cache.
const BLOCK_ROWS: usize = 64;

/// The order of the rows of a batch. Windows go in groups of `together`; a group is one run of rows, frame
/// after frame, and in a frame window after window, with `margin` empty frames (zeros) before each group and
/// after the last one. So
///
/// - the windows of a group lie side by side for a recurrent step, and the state before frame 0 is in the
///   margin;
/// - a convolution reads the same matrix some frames earlier or later, and finds its zero padding in the
///   margin.
///
/// Which rows form a block is fixed by the layout alone, never by the number of threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Sequences in the batch.
    pub windows: usize,
    /// Frames of each.
    pub frames: usize,
    /// Windows of a group; the last group may have fewer.
    pub together: usize,
    /// Empty frames around a group.
    pub margin: usize,
}

/// A run of rows within one group.
#[derive(Clone, Copy, Debug)]
pub struct TickSpan {
    /// First row.
    pub row: usize,
    /// Number of rows.
    pub rows: usize,
    /// Rows of a frame: windows of the group.
    pub stride: usize,
    /// First window of the group.
    window: usize,
    /// Rows between frame 0 of the group and `row`.
    offset: usize,
    /// Number of the span, from 0.
    pub index: usize,
}

impl TickSpan {
    /// The row that lies `frames` after (before, if negative) the first one.
    pub fn shifted(&self, frames: isize) -> usize {
        self.row.checked_add_signed(frames * self.stride as isize).expect("shifts stay within the margin")
    }

    /// (window, frame) of each row.
    pub fn places(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let Self { stride, window, offset, rows, .. } = *self;
        (offset..offset + rows).map(move |o| (window + o % stride, o / stride))
    }
}

/// A span's rows of `N` matrices, panel by panel, to be changed by one thread.
pub struct TickBlock<'a, const N: usize> {
    /// The rows.
    pub span: TickSpan,
    /// For each matrix the rows of each panel.
    pub parts: [Vec<&'a mut [Row]>; N],
}

impl Layout {
    /// Rows that a matrix needs.
    pub fn rows(&self) -> usize {
        self.groups().last().map_or(0, |g| g.row + g.rows + self.margin * self.together)
    }

    /// Each group with the margin before it.
    pub fn groups(&self) -> impl Iterator<Item = TickSpan> + use<> {
        let Self { windows, frames, together, margin } = *self;
        (0..windows).step_by(together).enumerate().map(move |(index, window)| {
            let stride = together.min(windows - window);
            // Groups before this one are full.
            let row = window * (frames + margin);
            TickSpan { row, rows: stride * (frames + margin), stride, window, offset: 0, index }
        })
    }

    /// All frames in pieces of at most `longest` rows, margins left out.
    pub fn pieces(&self, longest: usize) -> impl Iterator<Item = TickSpan> + use<> {
        let margin = self.margin;
        let within = move |group: TickSpan| {
            let (start, rows) = (margin * group.stride, group.rows - margin * group.stride);
            (0..rows).step_by(longest).map(move |offset| TickSpan {
                row: group.row + start + offset,
                rows: longest.min(rows - offset),
                offset,
                ..group
            })
        };
        self.groups().flat_map(within).enumerate().map(|(index, span)| TickSpan { index, ..span })
    }

    /// Runs `work` for the blocks of some matrices in parallel.
    pub fn for_blocks<const N: usize>(
        &self,
        matrices: [&mut Panels; N],
        work: impl Fn(TickBlock<'_, N>) + Sync + Send,
    ) {
        self.map_blocks(matrices, work);
    }

    /// As [`Layout::for_blocks`], and collects the results in the order of the blocks.
    pub fn map_blocks<const N: usize, T: Send>(
        &self,
        matrices: [&mut Panels; N],
        work: impl Fn(TickBlock<'_, N>) -> T + Sync + Send,
    ) -> Vec<T> {
        in_parallel(split(self.pieces(BLOCK_ROWS), matrices), work)
    }

    /// Runs `work` for whole groups, margins included, in parallel.
    pub fn for_groups<const N: usize>(
        &self,
        matrices: [&mut Panels; N],
        work: impl Fn(TickBlock<'_, N>) + Sync + Send,
    ) {
        in_parallel(split(self.groups(), matrices), work);
    }
}

/// Runs `work` for all pieces in parallel. A single one stays on the calling thread: a live tick must not
/// wait for a sleeping one to wake.
pub fn in_parallel<W: Send, T: Send>(mut pieces: Vec<W>, work: impl Fn(W) -> T + Sync + Send) -> Vec<T> {
    match pieces.pop() {
        Some(only) if pieces.is_empty() => vec![work(only)],
        last => {
            pieces.extend(last);
            pieces.into_par_iter().map(work).collect()
        }
    }
}

/// Divides matrices of one height (at least that of the layout) into the spans, which ascend.
fn split<'a, const N: usize>(
    spans: impl Iterator<Item = TickSpan>,
    matrices: [&'a mut Panels; N],
) -> Vec<TickBlock<'a, N>> {
    let mut panels = matrices.map(|matrix| {
        let rows = matrix.rows().max(1);
        matrix.all_mut().chunks_mut(rows).collect::<Vec<_>>()
    });
    let mut done = 0;
    spans
        .map(|span| {
            let parts = panels.each_mut().map(|panels| {
                let take = |rest: &mut &'a mut [Row]| {
                    rest.split_off_mut(..span.row - done).expect("spans ascend");
                    rest.split_off_mut(..span.rows).expect("the matrix has the layout's rows")
                };
                panels.iter_mut().map(take).collect()
            });
            done = span.row + span.rows;
            TickBlock { span, parts }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_has_a_row_of_its_own_outside_the_margins() {
        for (windows, frames, together, margin) in
            [(1, 5, 1, 0), (3, 70, 1, 4), (11, 30, 8, 1), (16, 128, 8, 1), (0, 9, 8, 1), (2, 0, 8, 3)]
        {
            let layout = Layout { windows, frames, together, margin };
            let mut seen = vec![false; layout.rows()];
            let mut places = vec![false; windows * frames];
            for span in layout.pieces(BLOCK_ROWS) {
                for (i, (window, frame)) in span.places().enumerate() {
                    assert!(!std::mem::replace(&mut seen[span.row + i], true));
                    assert!(!std::mem::replace(&mut places[window * frames + frame], true));
                    let group = layout.groups().nth(window / together).unwrap();
                    let expected = group.row + (margin + frame) * group.stride + window % together;
                    assert_eq!(span.row + i, expected);
                }
            }
            assert!(places.iter().all(|&p| p));
            let mut matrix = Panels::zeros(layout.rows(), 50);
            layout.for_blocks([&mut matrix], |block| {
                for panel in block.parts.into_iter().flatten() {
                    panel.as_flattened_mut().fill(1.0);
                }
            });
            for panel in 0..matrix.panels() {
                for (row, seen) in matrix.panel(panel).iter().zip(&seen) {
                    assert_eq!(row[0], f32::from(*seen));
                }
            }
        }
    }
}
