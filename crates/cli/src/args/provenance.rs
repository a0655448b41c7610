//! Options that record where films and recordings come from.

use clap::Args;
use kinophone::dataset::PrepareOptions;
use kinophone::ledger::Terms;

/// The terms of everything that is named in one call.
#[derive(Debug, Args)]
#[command(
    next_help_heading = "Provenance, written into the corpus or library for everything named in this call"
)]
pub struct ProvenanceArgs {
    /// The licence, preferably an SPDX expression such as CC-BY-4.0 [default: from the film's tags]
    #[arg(long, alias = "license", value_name = "SPDX")]
    licence: Option<String>,
    /// The author [default: from the film's tags]
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
    /// The title [default: from the film's tags]
    #[arg(long)]
    title: Option<String>,
    /// The address that it comes from
    #[arg(long, value_name = "URL")]
    source: Option<String>,
}

impl ProvenanceArgs {
    /// Adds these terms to the options of a preparation.
    pub fn added_to(&self, options: PrepareOptions) -> PrepareOptions {
        let terms = Terms {
            licence: self.licence.clone(),
            author: self.author.clone(),
            title: self.title.clone(),
            origin: self.source.clone(),
            ..Terms::default()
        };
        PrepareOptions { terms, ..options }
    }
}
