//! The visual measures of a film, picture by picture, and its shots.

use kinophone_dsp::units::MediaTime;

/// Side of the pictures that are measured, in pixels.
pub const SIDE: u32 = 64;

/// The measures of one picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VisualMeasures {
    /// Time at which it appears, on the film's clock.
    pub time: MediaTime,
    /// Mean grey level, 0 to 1 (luma after ITU-R BT.601).
    pub brightness: f32,
    /// Standard deviation of the grey levels, 0 to ½.
    pub contrast: f32,
    /// Mean change of the grey levels since the picture before, 0 to 1, without what may be noise.
    pub motion: f32,
    /// Horizontal centre of the motion, 0 left to 1 right; ½ where nothing ever moved.
    pub motion_x: f32,
    /// Vertical centre of the motion, 0 top to 1 bottom.
    pub motion_y: f32,
    /// Mean steepness of the grey levels, in both directions.
    pub edges: f32,
    /// Mean of red less blue, −1 to 1.
    pub warmth: f32,
}

/// Pictures between two cuts.
#[derive(Clone, Debug, PartialEq)]
pub struct Shot {
    /// Number of its first picture.
    pub first: usize,
    /// Number of the picture after its last one.
    pub end: usize,
    /// Its mean histogram of colours, 4 × 4 × 4: shares that add up to 1.
    pub colours: Vec<f32>,
}

/// The measures of a film.
#[derive(Clone, Debug)]
pub struct FrameState {
    /// All pictures, in order; at least one.
    pub pictures: Vec<VisualMeasures>,
    /// Time at which the last one ends.
    pub end: MediaTime,
    /// All shots, in order, without gaps.
    pub shots: Vec<Shot>,
    /// Complaints of ffmpeg.
    pub complaints: Vec<String>,
    /// For every picture, a bit mask of the earlier pictures that it resembles; see `ShotFeatures`.
    pub(super) returns: Vec<u16>,
}

impl FrameState {
    /// Time of the first picture.
    pub fn begin(&self) -> MediaTime {
        self.pictures[0].time
    }

    /// Times at which each shot but the first begins, on the film's clock.
    pub fn cuts(&self) -> impl Iterator<Item = MediaTime> + '_ {
        self.shots.iter().skip(1).map(|shot| self.pictures[shot.first].time)
    }

    /// Duration of picture `k`.
    pub fn shown(&self, k: usize) -> MediaTime {
        self.pictures.get(k + 1).map_or(self.end, |next| next.time) - self.pictures[k].time
    }
}
