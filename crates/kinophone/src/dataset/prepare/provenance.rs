//! Provenance of a film: what the person gave, what files beside the film say, and what its tags say. Where they contradict each other the
//! first is believed, and the others stay beside it.

use crate::dataset::prepare::{PrepareJob, beside};
use crate::ledger::{Field, Source, Terms};
use crate::media::FilmFacts;
use crate::score::Credits;

impl PrepareJob<'_> {
    /// True if a shard's provenance is another than the one that was given.
    pub(super) fn differs_in_provenance(&self, source: &Source) -> bool {
        let given = |field: &Field| self.options.terms.get(*field);
        let works = &self.options.terms.works;
        let differs = |field: &Field| given(field).is_some() && given(field) != source.terms.get(*field);
        Field::ALL.iter().any(differs) || !works.is_empty() && *works != source.terms.works
    }

    /// The film's entry for ledgers.
    pub(super) fn source(&self, blake3: String, facts: FilmFacts) -> Source {
        let mut terms = self.options.terms.clone();
        let mut complaints = Vec::new();
        terms.merge(&beside::terms(self.film, &mut complaints));
        complaints.iter().for_each(|complaint| self.task.watcher.warn(complaint));
        terms.merge(&Terms {
            licence: tag(&facts, &["license", "licence"]),
            author: tag(&facts, &["artist", "author", "album_artist"]),
            title: tag(&facts, &["title"]),
            ..Terms::default()
        });
        // Who has the rights is no licence, but better than nothing.
        terms.licence = terms.licence.or_else(|| tag(&facts, &["copyright"]));
        Source { name: self.name(), blake3, terms, facts }
    }
}

/// The first of these tags in which somebody says something. Credits of ours, in a soundtrack that serves as a film, are no licence.
pub(super) fn tag(facts: &FilmFacts, names: &[&str]) -> Option<String> {
    let said = |name: &str| facts.tags.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    let others = names.iter().filter_map(|name| Some(Credits::others_in_tag(&said(name)?.1)));
    others.filter(|text| !text.is_empty()).map(str::to_owned).next()
}
