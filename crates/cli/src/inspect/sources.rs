//! The sources of a brain, corpus or library, with their terms.

use crate::inspect::facts::Facts;
use kinophone::ledger::Source;

/// Adds a section with a line for each source.
pub(super) fn training_films(facts: Facts, sources: &[Source]) -> Facts {
    let facts = facts.section("trained on");
    sources.iter().fold(facts, |facts, source| facts.line(&source.name[..], terms(source)))
}

/// "CC-BY-3.0, Blender Foundation, https://…" or "terms unknown".
pub(super) fn terms(source: &Source) -> String {
    let terms = &source.terms;
    let title = terms.title.as_ref().map(|t| format!("'{t}'"));
    let known: Vec<&str> = [&title, &terms.author, &terms.licence, &terms.origin]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    if known.is_empty() { "terms unknown".to_owned() } else { known.join(", ") }
}
