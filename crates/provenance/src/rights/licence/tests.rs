use super::*;
use kinophone::ledger::Use;
use proptest::prelude::*;

const HEARD: &[Use] = &[Use::GrainsFrom];

fn combine(licences: &[&str]) -> Combination {
    let names: Vec<_> = (0..licences.len()).map(|k| format!("s{k}")).collect();
    let sources: Vec<_> = names
        .iter()
        .zip(licences)
        .map(|(name, licence)| Material { name, licence: Some(licence), uses: HEARD })
        .collect();
    Licences::embedded().combine(&sources)
}

fn only(words: &str) -> Licence {
    let choices = Licences::embedded().read(words).unwrap_or_else(|error| panic!("{words}: {error}"));
    assert_eq!((choices.len(), choices[0].len()), (1, 1), "{words}");
    choices[0][0].clone()
}

#[test]
fn the_embedded_table_is_whole() {
    for id in Licences::embedded().ids() {
        let licence = only(id);
        assert_eq!(licence.id, id);
        assert!(licence.url.starts_with("http"), "{id}");
        assert!(!licence.share_alike() || licence.may_bear.contains(&licence.id), "{id}");
        let known = spdx::license_id(id);
        assert!(known.is_some(), "{id} is no SPDX identifier");
    }
    assert!(Licences::parse(&TABLE.replace("[\"GPL-2.0-only\"]", "[\"GPL-9.0\"]")).is_err());
    assert!(Licences::parse("").is_err() && Licences::load(Path::new("/nowhere")).is_err());
}

/// Every licence of Creative Commons in SPDX's list is read, and its elements are those of its name.
#[test]
fn elements_follow_from_the_name() {
    let theirs = spdx::identifiers::LICENSES.iter().filter(|licence| licence.name.starts_with("CC-"));
    let mut count = 0;
    for id in theirs.map(|licence| licence.name) {
        let licence = only(id);
        let has = |element: &str| id.split('-').any(|part| part == element);
        assert_eq!(
            (licence.attribution, licence.non_commercial, licence.no_derivatives, licence.share_alike()),
            (has("BY"), has("NC"), has("ND"), has("SA")),
            "{id}"
        );
        count += 1;
    }
    assert!(count > 50);
    assert_eq!(only("CC-BY-NC-SA-3.0-DE").url, "https://creativecommons.org/licenses/by-nc-sa/3.0/de/");
    assert_eq!(only("CC-BY-NC-SA-3.0-DE").name, "CC BY-NC-SA 3.0 DE");
}

#[test]
fn what_people_write_is_read() {
    for (words, id) in [
        ("http://creativecommons.org/licenses/by/3.0/", "CC-BY-3.0"),
        ("https://creativecommons.org/licenses/by-sa/3.0/de/deed.en", "CC-BY-SA-3.0-DE"),
        ("https://www.creativecommons.org/licenses/by-nc/4.0/legalcode", "CC-BY-NC-4.0"),
        ("http://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
        ("http://creativecommons.org/publicdomain/mark/1.0/deed.de", "CC-PDM-1.0"),
        ("CC BY-SA 4.0", "CC-BY-SA-4.0"),
        ("cc by sa 4.0 international", "CC-BY-SA-4.0"),
        (" Public Domain ", "CC-PDM-1.0"),
        ("CC0", "CC0-1.0"),
        ("https://unlicense.org", "Unlicense"),
        ("cc-by-4.0", "CC-BY-4.0"),
        ("CC-BY-SA-3.0-PL", "CC-BY-SA-3.0-PL"),
        ("GPL-3.0+", "GPL-3.0-or-later"),
    ] {
        assert_eq!(only(words).id, id, "{words}");
    }
    for words in [
        "all rights reserved",
        "© 1936 Paramount",
        "CC-BY-SA-ND-4.0",
        "CC-BY-9.0",
        "CC-BY-4.0-{}",
        "CC-",
        "CC BY",
        "EUPL-1.2",
        "LicenseRef-mine",
        "MIT AND",
        "(((",
        "https://creativecommons.org/",
        "https://example.org/licenses/by/4.0/",
    ] {
        assert!(Licences::embedded().read(words).is_err(), "{words}");
    }
}

/// The chart of Creative Commons in a few lines, as docs have it: what the whole must keep to, or nothing where two do not fit.
fn chart(a: &str, b: &str) -> Option<(bool, bool)> {
    let has = |id: &str, element: &str| id.split('-').any(|part| part == element);
    let either = |element: &str| has(a, element) || has(b, element);
    let alike = |id: &str| has(id, "SA");
    if either("ND") {
        return None;
    }
    let clashes = |a: &str, b: &str| alike(a) && !has(a, "NC") && has(b, "NC");
    if clashes(a, b) || clashes(b, a) {
        return None;
    }
    // Without a clause for later versions, 1.0 meets nothing but itself.
    let frozen = |id: &str| alike(id) && id.ends_with("1.0");
    if alike(a) && alike(b) && a != b && (frozen(a) || frozen(b)) {
        return None;
    }
    Some((either("NC"), either("SA")))
}

#[test]
fn all_pairs_are_those_of_the_chart() {
    let elements = ["BY", "BY-SA", "BY-NC", "BY-NC-SA", "BY-ND", "BY-NC-ND"];
    let ids =
        elements.iter().flat_map(|e| ["1.0", "2.0", "2.5", "3.0", "4.0"].map(|v| format!("CC-{e}-{v}")));
    let ids: Vec<String> = ids.chain(["CC0-1.0".into(), "CC-PDM-1.0".into()]).collect();
    let mut fitting = 0;
    for a in &ids {
        for b in &ids {
            let (told, back) = (combine(&[a, b]), combine(&[b, a]));
            let expected = chart(a, b);
            assert_eq!(told.fits(), expected.is_some(), "{a} {b}: {told:?}");
            assert_eq!((told.fits(), &told.may_bear), (back.fits(), &back.may_bear), "{a} {b}");
            if let Some((trade, alike)) = expected {
                assert_eq!(
                    (!told.non_commercial.is_empty(), !told.may_bear.is_empty()),
                    (trade, alike),
                    "{a} {b}: {told:?}"
                );
                let named = ["s0", "s1"].iter().zip([a, b]).filter(|(_, id)| id.starts_with("CC-BY")).count();
                assert_eq!(told.attribution.len(), named, "{a} {b}");
                fitting += 1;
            } else {
                assert!(
                    told.breaks
                        .iter()
                        .all(|conflict| !conflict.sources.is_empty() && !conflict.why.is_empty())
                );
            }
        }
    }
    assert!(fitting > 300 && fitting < ids.len() * ids.len());
}

#[test]
fn pairs_of_the_whole_table_are_symmetric() {
    let ids: Vec<&str> =
        Licences::embedded().ids().chain(["CC-BY-SA-4.0", "CC-BY-NC-4.0", "CC-BY-ND-4.0"]).collect();
    for a in &ids {
        for b in &ids {
            let (told, back) = (combine(&[a, b]), combine(&[b, a]));
            assert_eq!((told.fits(), &told.may_bear), (back.fits(), &back.may_bear), "{a} {b}");
            assert_eq!(told.attribution.len(), back.attribution.len());
        }
    }
}

#[test]
fn the_whole_bears_a_licence_that_all_name() {
    for (licences, expected) in [
        (vec!["CC-BY-SA-3.0"], vec!["CC-BY-SA-3.0", "CC-BY-SA-4.0"]),
        (vec!["CC-BY-SA-4.0", "CC-BY-4.0"], vec!["CC-BY-SA-4.0", "LAL-1.3", "GPL-3.0-only"]),
        (vec!["CC-BY-SA-3.0", "CC-BY-SA-4.0"], vec!["CC-BY-SA-4.0"]),
        (vec!["CC-BY-SA-3.0-DE", "CC-BY-SA-3.0-AT"], vec!["CC-BY-SA-4.0", "CC-BY-SA-3.0"]),
        (vec!["CC-BY-SA-1.0"], vec!["CC-BY-SA-1.0"]),
        (vec!["CC-BY-SA-4.0", "GPL-3.0-or-later"], vec!["GPL-3.0-only"]),
        (vec!["CC-BY-SA-4.0", "LAL-1.3"], vec!["LAL-1.3", "CC-BY-SA-4.0"]),
        (
            vec!["CC-BY-NC-SA-2.0", "CC-BY-NC-4.0"],
            vec!["CC-BY-NC-SA-2.0", "CC-BY-NC-SA-4.0", "CC-BY-NC-SA-3.0", "CC-BY-NC-SA-2.5"],
        ),
        (vec!["CC-BY-4.0", "CC0-1.0", "MIT"], vec![]),
        (vec!["GPL-2.0-or-later", "GPL-3.0-only"], vec!["GPL-3.0-only", "AGPL-3.0-only"]),
    ] {
        let told = combine(&licences);
        assert!(told.fits(), "{licences:?}: {told:?}");
        assert_eq!(told.may_bear, expected, "{licences:?}");
    }
}

#[test]
fn one_way_is_not_both_ways() {
    for licences in [
        vec!["CC-BY-SA-4.0", "GPL-2.0-only"],
        vec!["CC-BY-SA-3.0", "GPL-2.0-only"],
        vec!["CC-BY-SA-1.0", "CC-BY-SA-4.0"],
        vec!["GPL-2.0-only", "GPL-3.0-only"],
        vec!["Apache-2.0", "GPL-2.0-only"],
        vec!["CC-BY-NC-4.0", "GPL-3.0-only"],
        vec!["CC-BY-SA-4.0 AND CC-BY-NC-4.0"],
    ] {
        let told = combine(&licences);
        assert_eq!(told.breaks.len(), 1, "{licences:?}");
        assert_eq!(told.breaks[0].sources.len(), licences.len());
    }
    let told = combine(&["LAL-1.3", "CC-BY-SA-4.0", "GPL-3.0-only"]);
    assert_eq!(told.breaks[0].sources, ["s0", "s2"], "the pair at fault, not all");
}

#[test]
fn what_breaks_names_its_sources() {
    let told = combine(&["CC-BY-4.0", "CC-BY-ND-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0"]);
    let sources: Vec<_> = told.breaks.iter().map(|conflict| conflict.sources.join("+")).collect();
    assert_eq!(sources, ["s1", "s2+s3"]);
    assert!(told.breaks[0].why.starts_with("CC BY-ND 4.0 permits no adaptation"));
    assert!(
        told.breaks[1].why.contains("CC BY-SA 4.0 must be shared alike, which CC BY-NC 4.0 does not permit")
    );
}

#[test]
fn of_several_licences_the_easiest_that_fits_is_taken() {
    for (licences, taken, may_bear) in [
        (vec!["MIT OR CC0-1.0"], vec!["CC0-1.0"], vec![]),
        (
            vec!["CC-BY-NC-4.0 OR CC-BY-SA-4.0", "CC-BY-SA-4.0"],
            vec!["CC-BY-SA-4.0"],
            vec!["CC-BY-SA-4.0", "LAL-1.3", "GPL-3.0-only"],
        ),
        (vec!["CC-BY-NC-4.0 OR CC-BY-SA-4.0"], vec!["CC-BY-NC-4.0"], vec![]),
        (vec!["CC-BY-ND-4.0 OR (MIT AND CC-BY-4.0)"], vec!["MIT AND CC-BY-4.0"], vec![]),
        (vec!["GPL-2.0-only OR GPL-3.0-only", "CC-BY-SA-4.0"], vec!["GPL-3.0-only"], vec!["GPL-3.0-only"]),
    ] {
        let told = combine(&licences);
        assert!(told.fits(), "{licences:?}: {told:?}");
        let chosen: Vec<_> = told.chosen.iter().map(|choice| choice.licence.as_str()).collect();
        assert_eq!(
            (chosen, told.may_bear),
            (taken, may_bear.into_iter().map(String::from).collect()),
            "{licences:?}"
        );
    }
    let told = combine(&["GPL-2.0-only WITH Classpath-exception-2.0"]);
    assert!(told.fits(), "{told:?}");
}

#[test]
fn words_that_are_no_licence_are_kept() {
    let sources =
        [("a", Some("© 1936, all rights reserved")), ("b", None), ("c", Some("  ")), ("d", Some("CC0-1.0"))];
    let sources = sources.map(|(name, licence)| Material { name, licence, uses: HEARD });
    let told = Licences::embedded().combine(&sources);
    let kept: Vec<_> = told.unknown.iter().map(|one| (one.source.as_str(), one.words.as_deref())).collect();
    assert_eq!(kept, [("a", Some("© 1936, all rights reserved")), ("b", None), ("c", None)]);
    assert!(!told.fits() && told.breaks.is_empty());
}

#[test]
fn learning_is_warned_of_and_breaks_nothing() {
    let of = |licence, uses| Material { name: "film", licence: Some(licence), uses };
    let told = Licences::embedded().combine(&[of("CC-BY-ND-4.0", &[Use::TrainedOn])]);
    assert!(told.fits() && told.attribution.is_empty());
    assert!(told.warnings[0].source == "film" && told.warnings[0].why.contains("unsettled"));
    let told = Licences::embedded().combine(&[of("CC-BY-ND-4.0", &[Use::TrainedOn, Use::GrainsFrom])]);
    assert_eq!((told.breaks.len(), told.warnings.len()), (1, 1));
    let told = Licences::embedded().combine(&[of("CC-BY-NC-4.0", &[Use::TrainedOn])]);
    assert!(told.warnings[0].why.contains("trade"));
    let told = Licences::embedded().combine(&[of("public domain", HEARD)]);
    assert!(told.fits() && told.warnings[0].why.contains("in which country"));
    assert_eq!(Licences::embedded().combine(&[]), Combination::default());
}

#[test]
fn long_expressions_are_refused_in_time() {
    let or = vec!["(MIT OR CC0-1.0)"; 30].join(" AND ");
    assert!(Licences::embedded().read(&or).is_err());
    assert!(Licences::embedded().read(&"(".repeat(100_000)).is_err());
}

proptest! {
    #[test]
    fn no_words_panic(words in proptest::collection::vec(proptest::sample::select(
        "CC-BY-SA 4.0|OR|AND|(|)|WITH|MIT|https://creativecommons.org/licenses/|by/|é|\u{202e}| |-|+|GPL-2.0|LicenseRef-".split('|').collect::<Vec<_>>()
    ), 0..12)) {
        let words = words.concat();
        let told = combine(&[&words]);
        prop_assert!(told.fits() || !told.unknown.is_empty() || !told.breaks.is_empty());
    }

    /// A further source makes nothing fit that did not.
    #[test]
    fn more_sources_fit_less(ids in proptest::collection::vec(proptest::sample::select(vec![
        "CC0-1.0", "CC-BY-4.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0", "CC-BY-NC-SA-4.0", "CC-BY-ND-3.0", "GPL-3.0-only", "LAL-1.3", "MIT OR CC-BY-NC-4.0",
    ]), 1..6)) {
        let (all, fewer) = (combine(&ids), combine(&ids[1..]));
        prop_assert!(!all.fits() || fewer.fits());
        let mut turned = ids.clone();
        turned.reverse();
        let back = combine(&turned);
        prop_assert_eq!((all.fits(), all.may_bear), (back.fits(), back.may_bear));
    }
}
