//! One film's shard: a safetensors file with `pictures` U8 [N, size, size, 1 or 3], `times_us` I64 [N], `sound` I16
//! [samples, channels] (absent for a silent film), and the metadata key `kinophone` with JSON.

use super::Source;
use crate::Result;
use kinophone_dsp::units::{MediaTime, SampleRate};
use std::path::Path;

/// A shard opened for reading, memory-mapped.
pub struct Shard {
    _private: (),
}

impl Shard {
    /// Maps the file and checks its structure and that it is whole.
    pub fn open(path: &Path) -> Result<Self> {
        let _ = path;
        unimplemented!()
    }
    /// Where the film comes from.
    pub fn source(&self) -> &Source {
        unimplemented!()
    }
    /// Pictures in the shard.
    pub fn pictures(&self) -> usize {
        unimplemented!()
    }
    /// Side of the square in pixels.
    pub fn size(&self) -> u32 {
        unimplemented!()
    }
    /// Whether pictures are RGB.
    pub fn colour(&self) -> bool {
        unimplemented!()
    }
    /// Bytes of picture `k`: `size × size × (1 or 3)`.
    pub fn picture(&self, k: usize) -> &[u8] {
        let _ = k;
        unimplemented!()
    }
    /// When picture `k` appears.
    pub fn time(&self, k: usize) -> MediaTime {
        let _ = k;
        unimplemented!()
    }
    /// When the last picture ceases to be shown.
    pub fn end(&self) -> MediaTime {
        unimplemented!()
    }
    /// The picture that is on the screen at `time` (the first one before it starts, the last one after it ends).
    pub fn picture_at(&self, time: MediaTime) -> usize {
        let _ = time;
        unimplemented!()
    }
    /// Rate, channels (1 or 2) and interleaved samples; sample 0 is time 0. `None` for a silent film.
    pub fn sound(&self) -> Option<(SampleRate, u32, &[i16])> {
        unimplemented!()
    }
    /// Gives the operating system back the pages that reading has made resident.
    pub fn release(&self) {}
}

/// Writes a shard picture by picture.
pub struct ShardWriter {
    _private: (),
}
