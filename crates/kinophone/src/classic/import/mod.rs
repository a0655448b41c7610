//! Brains of 2015: networks that theanets saved, as classic brains.
//!
//! A network of 2015 takes a grey picture in 0..1, as ours do, and says samples in 0..1, of which ours are 2 y − 1. That,
//! and nonlinearities that are others in disguise, goes into the weights (see [`fold`]); the brain then needs nothing that
//! other brains don't.

pub mod fold;
pub mod numpy;
pub mod pickle;
#[cfg(test)]
mod tests;
pub mod theanets;

use crate::classic::brain::{ClassicBrain, ClassicDescription, check_config};
use crate::classic::config::{ClassicConfig, Imported, LossHistory, Origin};
use crate::classic::import::pickle::Pickle;
use crate::classic::import::theanets::TheanetsNetwork;
use crate::{Error, Kind, Result};
use flate2::read::GzDecoder;
use kinophone_dsp::units::TickGrid;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The largest file that is read, and the largest content of a compressed one. The largest network of 2015 takes 49 MB, and
/// twice that as double precision; the oldest protocol can need thrice as much.
const MAX_BYTES: u64 = 1 << 30;

/// Compressed weights take a half or more of their size; beyond this a file is made to fill the memory.
const MAX_EXPANSION: u64 = 50;

/// Sides of pictures that a brain can have.
const SIDES: std::ops::RangeInclusive<usize> = 8..=1024;

/// The nonlinearity of hidden layers, as theanets names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Nonlinearity {
    /// 1 / (1 + e^-x)
    Logistic,
    /// max(0, x)
    Relu,
    /// (e^x − e^-x) / (e^x + e^-x)
    Tanh,
    /// x
    Linear,
}

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
        let what = format!("says itself that its hidden layers are {}", name(*said));
        return Err(Error::new(Kind::Invalid, what).help("leave --activation out"));
    }
    let usual = given.unwrap_or(Nonlinearity::Logistic);
    Ok(network.units.iter().map(|said| said.unwrap_or(usual)).collect())
}

fn name(nonlinearity: Nonlinearity) -> &'static str {
    match nonlinearity {
        Nonlinearity::Logistic => "logistic",
        Nonlinearity::Relu => "relu",
        Nonlinearity::Tanh => "tanh",
        Nonlinearity::Linear => "linear",
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let failed = |e| Error::io("read", path, e);
    let meta = std::fs::metadata(path).map_err(failed)?;
    if meta.is_dir() {
        return Err(failed(std::io::ErrorKind::IsADirectory.into()));
    }
    if !meta.is_file() {
        return Err(
            Error::new(Kind::WrongKind, "is no ordinary file").help("name a file that theanets saved")
        );
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)).map_err(failed)?;
    match bytes.len() as u64 {
        0 => Err(malformed("is empty")),
        1..=MAX_BYTES => Ok(bytes),
        _ => Err(too_large()),
    }
}

/// The content of a gzip file, known by its first bytes; of any other file, the file.
fn uncompressed(bytes: &[u8]) -> Result<Cow<'_, [u8]>> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(Cow::Borrowed(bytes));
    }
    let most = MAX_BYTES.min((1 << 24) + MAX_EXPANSION * bytes.len() as u64);
    let mut content = Vec::new();
    GzDecoder::new(bytes)
        .take(most + 1)
        .read_to_end(&mut content)
        .map_err(|e| malformed("is damaged or cut off: it can't be uncompressed").because(e))?;
    if content.len() as u64 > most { Err(too_large()) } else { Ok(Cow::Owned(content)) }
}

fn too_large() -> Error {
    Error::new(Kind::WrongKind, "is larger than any network of 2015").help("name a file that theanets saved")
}

/// A file that is not as its own beginning promises; the words complete "FILE …".
fn malformed(what: impl Into<String>) -> Error {
    Error::new(Kind::Damaged, what).help("copy the file again from where it was saved")
}
