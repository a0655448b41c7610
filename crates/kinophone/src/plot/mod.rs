//! Diagrams: contact sheets, filters, loss curves, waveforms, spectrograms, timelines, as PNG; and a curve
//! for the terminal.
//!
//! Everything takes plain numbers and gives an [`RgbImage`]; nothing here knows brains or corpora. All share
//! one style: light on dark, one typeface, soft edges. The typeface is Hack (MIT and Bitstream Vera licences,
//! both allow embedding), compiled into the program, because a picture must not depend on what fonts a
//! machine has.

mod canvas;
mod curve;
mod overview;
mod sheet;
mod terminal;
#[cfg(test)]
mod tests;
mod timeline;

pub use curve::loss_curve;
pub use overview::{Overview, Sonogram, spectrogram};
pub use sheet::{contact_sheet, filters};
pub use terminal::{terminal_curve, terminal_curve_plain};

pub use timeline::{Lane, TimelinePlot, timeline};

use crate::storage::{AtomicFile, Overwrite};
use crate::{Error, Kind, Result};
use image::{ImageFormat, RgbImage};
use std::io::{Cursor, Write};
use std::path::Path;

/// Writes a picture as a PNG file, whole or not at all.
pub fn write_png(picture: &RgbImage, path: &Path, overwrite: Overwrite) -> Result<()> {
    let mut file = AtomicFile::create(path, overwrite)?;
    let mut bytes = Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, ImageFormat::Png)
        .map_err(|e| Error::new(Kind::Io, "could not be made into a PNG").at(path).because(e))?;
    file.write_all(bytes.get_ref()).map_err(|e| Error::io("written", path, e))?;
    file.commit()
}
