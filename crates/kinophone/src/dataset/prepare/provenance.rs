//! Provenance of a film: what the person gave, else what the film's tags say.

use crate::dataset::prepare::PrepareJob;
use crate::ledger::Source;
use crate::media::FilmFacts;
use crate::score::Credits;

impl PrepareJob<'_> {
    /// True if a shard's provenance is another than the one that was given.
    pub(super) fn differs_in_provenance(&self, source: &Source) -> bool {
        let options = self.options;
        let pairs = [
            (&options.licence, &source.licence),
            (&options.author, &source.author),
            (&options.title, &source.title),
            (&options.origin, &source.origin),
        ];
        pairs.into_iter().any(|(given, there)| given.is_some() && given != there)
    }

    /// The film's entry for ledgers.
    pub(super) fn source(&self, blake3: String, facts: FilmFacts) -> Source {
        let options = self.options;
        let given = |given: &Option<String>, tags: &[&str]| given.clone().or_else(|| tag(&facts, tags));
        Source {
            name: self.name(),
            blake3,
            licence: given(&options.licence, &["license", "licence", "copyright"]),
            author: given(&options.author, &["artist", "author", "album_artist"]),
            title: given(&options.title, &["title"]),
            origin: options.origin.clone(),
            facts,
        }
    }
}

/// The first of these tags in which somebody says something. Credits of ours, in a soundtrack that serves as a film, are no licence.
pub(super) fn tag(facts: &FilmFacts, names: &[&str]) -> Option<String> {
    let said = |name: &str| facts.tags.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    let others = names.iter().filter_map(|name| Some(Credits::others_in_tag(&said(name)?.1)));
    others.filter(|text| !text.is_empty()).map(str::to_owned).next()
}
