//! Sums of overlapping pieces of sound, delivered in order.

/// Samples that are being added up, from the first one that was not delivered yet. Positions are samples of
/// the output.
#[derive(Default)]
pub(crate) struct OverlapAdd {
    samples: Vec<f32>,
    /// Index in `samples` of the next sample to deliver.
    head: usize,
    /// Its position in the output.
    delivered: i64,
    /// Position before which nothing will be added any more.
    complete: i64,
}

impl OverlapAdd {
    /// The samples at positions `first..first + length`, to be added to, without those before the output's
    /// start or complete already; the number tells how many are missing at the front.
    pub(crate) fn at(&mut self, first: i64, length: usize) -> (usize, &mut [f32]) {
        let end = first + length as i64;
        let from = first.max(self.complete).min(end);
        let to_index = |position: i64| self.head + (position - self.delivered).max(0) as usize;
        let (a, b) = (to_index(from), to_index(end));
        if b > self.samples.len() {
            self.samples.resize(b, 0.0);
        }
        ((from - first) as usize, &mut self.samples[a..b])
    }

    /// Adds `sound` × `envelope` from position `first` on.
    pub(crate) fn add(&mut self, first: i64, sound: &[f32], envelope: &[f32]) {
        let (skip, out) = self.at(first, envelope.len().min(sound.len()));
        for ((y, x), e) in out.iter_mut().zip(&sound[skip..]).zip(&envelope[skip..]) {
            *y += x * e;
        }
    }

    /// Declares everything before `end` complete.
    pub(crate) fn complete(&mut self, end: i64) {
        self.discard_delivered();
        let more = end - self.complete;
        if more > 0 {
            self.at(self.complete, more as usize);
            self.complete = end;
        }
    }

    /// The position up to which everything is complete.
    pub(crate) fn completed(&self) -> i64 {
        self.complete
    }

    /// Drops the samples that are ready.
    pub(crate) fn drop_ready(&mut self) {
        self.head += self.ready();
        self.delivered = self.complete;
    }

    /// Number of samples that can be delivered.
    pub(crate) fn ready(&self) -> usize {
        (self.complete - self.delivered) as usize
    }

    /// Delivers samples in order; returns how many.
    pub(crate) fn fill(&mut self, out: &mut [f32]) -> usize {
        let n = out.len().min(self.ready());
        out[..n].copy_from_slice(&self.samples[self.head..self.head + n]);
        self.head += n;
        self.delivered += n as i64;
        n
    }

    /// Back to an empty output; memory is kept.
    pub(crate) fn reset(&mut self) {
        self.samples.clear();
        (self.head, self.delivered, self.complete) = (0, 0, 0);
    }

    /// Samples that memory is held for.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.samples.capacity()
    }

    /// Moves the rest to the front once more than half was delivered: on average one move a sample.
    fn discard_delivered(&mut self) {
        if self.head > self.samples.len() / 2 {
            self.samples.drain(..self.head);
            self.head = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_add_up_where_they_belong() {
        let mut mix = OverlapAdd::default();
        mix.add(-1, &[1.0, 2.0, 3.0], &[1.0, 1.0, 0.5]);
        mix.add(1, &[10.0, 20.0], &[1.0, 1.0]);
        mix.complete(2);
        assert_eq!(mix.ready(), 2);
        let mut out = [0.0; 5];
        assert_eq!(mix.fill(&mut out), 2);
        assert_eq!(out[..2], [2.0, 11.5]);
        // What is complete stays as it was; beyond the last piece there is silence.
        mix.add(0, &[7.0, 7.0, 7.0], &[1.0, 1.0, 1.0]);
        mix.complete(5);
        assert_eq!(mix.fill(&mut out), 3);
        assert_eq!(out[..3], [27.0, 0.0, 0.0]);
        assert_eq!(mix.fill(&mut out), 0);
    }

    #[test]
    fn memory_does_not_grow_with_the_length() {
        let (mut mix, mut out) = (OverlapAdd::default(), [0.0; 735]);
        for i in 0..10_000i64 {
            mix.add(i * 735, &[1.0; 1000], &[1.0; 1000]);
            mix.complete((i + 1) * 735);
            assert_eq!(mix.fill(&mut out), 735);
        }
        assert!(mix.held() < 20_000);
    }
}
