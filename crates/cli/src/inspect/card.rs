//! A brain's model card.

use crate::args::overwrite;
use crate::context::Context;
use crate::kind::PathKind;
use crate::report::{self, Failure, Outcome};
use kinophone::storage::{self, AtomicFile};
use kinophone::{Error, Kind, eval};
use serde_json::json;
use std::io::Write;
use std::path::Path;

/// The file for the card; without a path it is printed.
pub(super) struct CardFile<'a> {
    pub(super) path: Option<&'a Path>,
    pub(super) force: bool,
}

/// Makes the card of a brain, and prints it or writes it into a file.
pub(super) fn write(
    brain: &Path,
    kind: PathKind,
    destination: &CardFile<'_>,
    context: &Context,
) -> Result<Outcome, Failure> {
    if kind != PathKind::Brain {
        let error = Error::new(Kind::WrongKind, "is not a brain, so it has no model card").at(brain);
        return Err(error.help("name a brain, or leave --card out").into());
    }
    let file = destination.path.map(|output| {
        storage::check_distinct(output, &[brain])?;
        AtomicFile::reserve(output, overwrite(destination.force))
    });
    let file = file.transpose()?;
    let card = eval::card(&context.ffmpeg()?, brain, context.task())?;
    let text = card.markdown();
    if let (Some(mut file), Some(output)) = (file, destination.path) {
        file.write_all(text.as_bytes()).map_err(|e| Error::io("written", output, e))?;
        file.commit()?;
    }
    context.end_progress();
    let written = destination.path.map(report::lossy);
    let json = json!({ "path": report::lossy(brain), "file": written, "card": card });
    match written {
        Some(written) => context.report.result(|| json, || format!("{written}: the model card\n"))?,
        None => context.report.data(|| json, || text)?,
    }
    Ok(Outcome::Done)
}
