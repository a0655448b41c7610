//! A brain's model card.

use crate::context::Context;
use crate::inspect::{InspectArgs, What};
use crate::report::{self, Failure, Outcome};
use kinophone::storage::{self, AtomicFile, Overwrite};
use kinophone::{Error, Kind, eval};
use serde_json::json;
use std::io::Write;

/// Makes the card, and prints it or writes it into a file.
pub(super) fn write(args: &InspectArgs, what: What, context: &Context) -> Result<Outcome, Failure> {
    if what != What::Brain {
        let error = Error::new(Kind::WrongKind, "is no brain, so it has no model card").at(&args.path);
        return Err(error.help("name a brain, or leave --card out").into());
    }
    let overwrite = if args.force { Overwrite::Replace } else { Overwrite::Refuse };
    let file = args.output.as_deref().map(|output| {
        storage::check_distinct(output, &[&args.path])?;
        AtomicFile::create(output, overwrite)
    });
    let file = file.transpose()?;
    let card = eval::card(&context.ffmpeg()?, &args.path, context.task())?;
    let text = card.markdown();
    if let (Some(mut file), Some(output)) = (file, &args.output) {
        file.write_all(text.as_bytes()).map_err(|e| Error::io("written", output, e))?;
        file.commit()?;
    }
    context.end_progress();
    let written = args.output.as_deref().map(report::lossy);
    let json = json!({ "path": report::lossy(&args.path), "file": written, "card": card });
    match written {
        Some(written) => context.report.result(|| json, || format!("{written}: the card\n"))?,
        None => context.report.data(|| json, || text)?,
    }
    Ok(Outcome::Done)
}
