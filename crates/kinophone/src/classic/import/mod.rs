//! Brains of 2015: networks that theanets saved, as classic brains.
//!
//! A network of 2015 takes a grey picture in 0..1, as ours do, and says samples in 0..1, of which ours are 2 y − 1. That,
//! and nonlinearities that are others in disguise, goes into the weights (see [`fold`]); the brain then needs nothing that
//! other brains don't.

mod file;
pub mod fold;
pub mod nonlinearity;
pub mod numpy;
pub mod pickle;
#[cfg(test)]
mod tests;
pub mod theanets;

use crate::classic::brain::{ClassicBrain, ClassicDescription, check_config};
use crate::classic::config::{ClassicConfig, Imported, LossHistory, Origin};
use crate::classic::import::file::{malformed, read, uncompressed};
use crate::classic::import::nonlinearity::Nonlinearity;
use crate::classic::import::pickle::Pickle;
use crate::classic::import::theanets::TheanetsNetwork;
use crate::{Error, Kind, Result};
use kinophone_dsp::units::TickGrid;
use std::path::Path;

/// Sides of pictures that a brain can have.
const SIDES: std::ops::RangeInclusive<usize> = 8..=1024;

/// Facts that a file of 2015 does not hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImportOptions {
    /// Pictures and samples a second: in 2015, 30 and 22 050.
    pub grid: TickGrid,
    /// The nonlinearity of the hidden layers, where the file does not say it; `None`: logistic, which was the default of
    /// those versions that do not.
    pub hidden: Option<Nonlinearity>,
}

/// Reads the network that theanets saved at `path`, a pickle or a compressed one, and makes it a brain. Nothing that the
/// file names is executed, see `pickle`.
pub fn import(path: &Path, options: &ImportOptions) -> Result<ClassicBrain> {
    convert(path, options).map_err(|e| if e.place().is_none() { e.at(path) } else { e })
}

fn convert(path: &Path, options: &ImportOptions) -> Result<ClassicBrain> {
    let bytes = read(path)?;
    let content = uncompressed(&bytes)?;
    let network = theanets::network(&Pickle::read(&content, theanets::known)?, content.len())?;
    let config = config(&network, options.grid)?;
    let imported = Imported {
        name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        blake3: blake3::hash(&bytes).to_hex().to_string(),
        writer: network.writer.to_owned(),
    };
    let hidden = hidden(&network, options.hidden)?;
    let (layers, activation) = fold::fit(network.layers, &hidden)?;
    let sizes = layers.iter().map(|l| l.inputs).chain(layers.last().map(|l| l.outputs)).collect();
    let config = ClassicConfig { layers: sizes, activation, ..config };
    check_config(&config).map_err(malformed)?;
    let about = ClassicDescription {
        config,
        origin: Origin::Imported(imported),
        ledger: vec![],
        verdict: None,
        history: LossHistory::default(),
    };
    ClassicBrain::new(about, &layers).map_err(|_| malformed("has weights that are too large for a brain"))
}

/// The configuration, but for what happens between input and output.
fn config(network: &TheanetsNetwork, grid: TickGrid) -> Result<ClassicConfig> {
    let (inputs, outputs) = match (network.layers.first(), network.layers.last()) {
        (Some(first), Some(last)) => (first.inputs, last.outputs),
        _ => return Err(malformed("has no layers")),
    };
    let side = inputs.isqrt();
    if side * side != inputs || !SIDES.contains(&side) {
        let what = format!("holds a network that sees {inputs} numbers, which are no square grey picture");
        return Err(Error::new(Kind::WrongKind, what)
            .help("import a network of pictures such as 64 × 64, which are 4096"));
    }
    let block = grid.block_len();
    if outputs != block {
        let what = format!(
            "holds a network that says {outputs} numbers, but a picture's sound has {block} at {} and {} pictures a second",
            grid.rate, grid.tick
        );
        return Err(Error::new(Kind::Invalid, what).help(
            "give the --rate and --fps of its films; a network that says a spectrum can't be imported",
        ));
    }
    Ok(ClassicConfig::new(grid, side as u32, &[]))
}

/// The nonlinearity of every hidden layer: as the file says, else as `given`.
fn hidden(network: &TheanetsNetwork, given: Option<Nonlinearity>) -> Result<Vec<Nonlinearity>> {
    let said = network.units.iter().flatten().find(|said| given.is_some_and(|given| given != **said));
    if let Some(said) = said {
        let what = format!("says itself that its hidden layers are {}", said.name());
        return Err(Error::new(Kind::Invalid, what).help("leave --activation out"));
    }
    let usual = given.unwrap_or(Nonlinearity::Logistic);
    Ok(network.units.iter().map(|said| said.unwrap_or(usual)).collect())
}
