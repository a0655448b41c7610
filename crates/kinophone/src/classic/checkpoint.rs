//! The folder of a training run: checkpoints, from which it continues exactly, and `metrics.jsonl`.
//!
//! A checkpoint is a checked file (see [`tensors`](crate::tensor_file)) with the weights, the optimizer's or the
//! machine's state, the best weights so far, and where the training is. The last two are kept: should the newest be
//! damaged, the one before serves.

use crate::classic::config::{ClassicConfig, ClassicTraining, LossHistory, RunFiles};
use crate::storage::{self, Overwrite};
use crate::task::Watcher;
use crate::tensor_file::{self, Contents, Form};
use crate::{Error, Kind, Result};
use kinophone_nn::tensors::Tensors;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

const PREFIX: &str = "checkpoint-";
const SUFFIX: &str = ".safetensors";
const KEPT: usize = 2;

/// State of a training, besides its numbers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunState {
    /// Configuration of the brain.
    pub brain: ClassicConfig,
    /// Settings of the training.
    pub training: ClassicTraining,
    /// BLAKE3 of the ledger and the rows.
    pub data: String,
    /// The machine being pretrained, counted from 0; `None` once the regression has begun.
    pub machine: Option<usize>,
    /// Epochs done of the present stage.
    pub epoch: u32,
    /// Steps done of the present epoch.
    pub step: u32,
    /// Sum of the errors of the present epoch's rows, as the bits of an f64: decimal digits would not come back
    /// exactly.
    pub error_bits: u64,
    /// Losses so far.
    pub history: LossHistory,
    /// The epoch, from 0, whose weights are stored as the best; `None` where none are.
    pub best: Option<usize>,
    /// Length of `metrics.jsonl`.
    pub metrics_bytes: u64,
    /// Seconds spent in all.
    pub seconds: f64,
}

impl RunState {
    /// Sum of the errors of the present epoch's rows.
    pub fn error_sum(&self) -> f64 {
        f64::from_bits(self.error_bits)
    }

    /// The option that differs from those of a run that is to be resumed. `--minutes` may differ, and `--epochs`
    /// where the step size does not depend on it.
    fn difference(&self, other: &Self) -> Option<&'static str> {
        let ((a, b), (s, t)) = ((&self.brain, &other.brain), (&self.training, &other.training));
        let same = [
            ("--tick or --rate", a.grid == b.grid),
            ("--size", a.size == b.size),
            ("--colour", a.colour == b.colour),
            ("--hops", a.hops == b.hops),
            ("--say", a.format == b.format),
            ("--layers or --preset", a.layers == b.layers),
            ("--activation", a.activation == b.activation),
            ("--optimizer or --momentum", s.optimizer == t.optimizer),
            ("--lr", s.lr == t.lr),
            ("--decay", s.decay == t.decay),
            ("--batch", s.batch == t.batch),
            ("--epochs", s.epochs == t.epochs || !s.decay),
            ("--patience", s.patience == t.patience),
            ("--seed", s.seed == t.seed),
            ("--pretrain", s.pretrain == t.pretrain),
            ("--pretrain-epochs", s.pretrain_epochs == t.pretrain_epochs),
            ("--hold-out", s.hold_out == t.hold_out),
            ("--silence", s.silence_secs == t.silence_secs),
            ("--device", s.device == t.device),
            ("the films", self.data == other.data),
        ];
        same.iter().find(|(_, same)| !same).map(|(name, _)| *name)
    }
}

/// The folder.
pub struct RunFolder {
    folder: PathBuf,
    /// Number of the next checkpoint.
    next: u32,
}

impl RunFolder {
    /// Makes the folder, or opens it to resume. Checkpoints without leave to resume are an error of [`Kind::Exists`].
    pub fn open(files: &RunFiles) -> Result<Self> {
        let folder = files.run.clone();
        std::fs::create_dir_all(&folder).map_err(|e| Error::io("created", &folder, e))?;
        storage::sweep(&folder);
        let found = checkpoints(&folder)?;
        if !files.resume && !found.is_empty() {
            return Err(Error::new(Kind::Exists, "holds a training run already")
                .at(&folder)
                .help("continue it with --resume, or remove the folder to begin anew"));
        }
        Ok(Self { folder, next: found.last().map_or(1, |(number, _)| number + 1) })
    }

    /// The newest checkpoint that is whole, if there is any. `now` is what is asked for: it must be what was begun.
    pub fn newest(&self, now: &RunState, watcher: &dyn Watcher) -> Result<Option<(RunState, Tensors)>> {
        for (_, path) in checkpoints(&self.folder)?.iter().rev() {
            match tensor_file::read::<RunState>(path, Form::Checkpoint) {
                Ok(Contents { content, tensors, .. }) => {
                    return match content.difference(now) {
                        None => Ok(Some((content, tensors))),
                        Some(option) => Err(changed(&self.folder, option)),
                    };
                }
                Err(e) if matches!(e.kind(), Kind::Damaged | Kind::WrongKind) => {
                    watcher.warn(&format!("{e}; the checkpoint before it is used"));
                }
                Err(e) => return Err(e),
            }
        }
        Ok(None)
    }

    /// Writes a checkpoint, and removes all but the last two.
    pub fn save(&mut self, state: &RunState, numbers: &Tensors) -> Result<()> {
        let path = self.folder.join(format!("{PREFIX}{:08}{SUFFIX}", self.next));
        tensor_file::write(&path, Overwrite::Replace, Form::Checkpoint, state, numbers)?;
        self.next += 1;
        let found = checkpoints(&self.folder)?;
        for (_, old) in &found[..found.len().saturating_sub(KEPT)] {
            std::fs::remove_file(old).map_err(|e| Error::io("removed", old, e))?;
        }
        Ok(())
    }

    /// Opens `metrics.jsonl` cut to the `length` that it had at the checkpoint.
    pub fn metrics(&self, length: u64) -> Result<Metrics> {
        let path = self.folder.join("metrics.jsonl");
        let open = || -> std::io::Result<File> {
            let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
            let length = length.min(file.metadata()?.len());
            file.set_len(length)?;
            file.seek(SeekFrom::End(0))?;
            Ok(file)
        };
        Ok(Metrics { file: open().map_err(|e| Error::io("written", &path, e))?, path })
    }
}

/// Course of the training, one JSON object a line.
pub struct Metrics {
    file: File,
    path: PathBuf,
}

impl Metrics {
    /// Adds a line, and returns the file's new length.
    pub fn add(&mut self, line: &serde_json::Value) -> Result<u64> {
        let mut write = || -> std::io::Result<u64> {
            self.file.write_all(format!("{line}\n").as_bytes())?;
            self.file.stream_position()
        };
        write().map_err(|e| Error::io("written", &self.path, e))
    }
}

/// Numbers and paths of the checkpoints, the oldest first.
fn checkpoints(folder: &Path) -> Result<Vec<(u32, PathBuf)>> {
    let entries = std::fs::read_dir(folder).map_err(|e| Error::io("read", folder, e))?;
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| Error::io("read", folder, e))?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|n| n.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse().ok());
        found.extend(number.map(|number| (number, entry.path())));
    }
    found.sort();
    Ok(found)
}

fn changed(folder: &Path, option: &str) -> Error {
    Error::new(Kind::Invalid, format!("holds a run that was begun differently: {option} differs"))
        .at(folder)
        .help("resume with the same films and options, or begin anew under another name")
}
