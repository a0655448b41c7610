use crate::dataset::SyntheticFilm;
use crate::dataset::tick_dataset::*;
use crate::task::{Cancel, Quiet};
use kinophone_dsp::units::SampleRate;
use std::collections::BTreeSet;

/// Ten ticks a second of 1 kHz sound, so that tick `i` of a plain synthetic film is picture `i`.
fn options() -> DatasetOptions {
    let grid = TickGrid { tick: "10".parse().unwrap(), rate: SampleRate::new(1000).unwrap() };
    DatasetOptions {
        grid,
        samples: grid.block_len(),
        size: 2,
        colour: false,
        hold_out: HoldOut::Every5th,
        held_out_films: Vec::new(),
        validation: true,
        seed: 1,
    }
}

fn dataset(films: &[SyntheticFilm], options: &DatasetOptions) -> TickDataset {
    let folder = tempfile::tempdir().unwrap();
    let shards = films.iter().map(|film| film.open(folder.path())).collect();
    let task = Task { watcher: &Quiet, cancel: &Cancel::default() };
    TickDataset::new(Corpus { shards }, options, folder.path(), task).unwrap()
}

/// Ticks of spans, a thousand times the film's number added.
fn ticks(spans: &[TickSpan]) -> Vec<u32> {
    spans.iter().flat_map(TickSpan::places).map(|(film, tick)| (1000 * film + tick) as u32).collect()
}

/// The ten-second blocks of ticks, at ten ticks a second.
fn blocks(ticks: &[u32]) -> BTreeSet<u32> {
    ticks.iter().map(|tick| tick / 100).collect()
}

#[test]
fn blocks_are_held_out_whole_and_nothing_near_them_is_learned() {
    let mut drawn = BTreeSet::new();
    for seed in 0..20 {
        let dataset = dataset(&[SyntheticFilm::plain("a", 203.0)], &DatasetOptions { seed, ..options() });
        assert_eq!(blocks(&ticks(dataset.held_out())), BTreeSet::from([4, 9, 14, 19]));
        assert_eq!(ticks(dataset.held_out()).len(), 400);
        // Sixteen whole blocks are left, the last 3 s do not count as one: two for validation, one from each half.
        let validation: Vec<u32> = blocks(&ticks(dataset.validation())).into_iter().collect();
        assert_eq!(ticks(dataset.validation()).len(), 200, "seed {seed}");
        assert!(validation[0] < 10 && validation[1] >= 10 && validation[1] < 20, "{validation:?}");
        let reserved: BTreeSet<u32> =
            ticks(dataset.held_out()).iter().chain(&ticks(dataset.validation())).copied().collect();
        assert_eq!(reserved.len(), 600);
        // Middles of ticks are 0.1 s apart: within 0.5 s of a border there are five.
        let near = |r: u32| (r.saturating_sub(5)..=r + 5).any(|other| reserved.contains(&other));
        let expected: Vec<u32> = (0..2030).filter(|r| !near(*r)).collect();
        assert_eq!(ticks(dataset.training()), expected, "seed {seed}");
        drawn.extend(validation);
    }
    assert!(drawn.len() > 8, "the draw depends on the seed: {drawn:?}");
}

#[test]
fn nothing_is_held_out_on_request() {
    let options = DatasetOptions { hold_out: HoldOut::None, ..options() };
    let dataset = dataset(&[SyntheticFilm::plain("a", 100.0)], &options);
    assert!(ticks(dataset.held_out()).is_empty());
    assert_eq!(ticks(dataset.validation()).len(), 100);
}

/// A film that is held out as a whole.
fn held_out(film: &SyntheticFilm) -> Vec<HeldOutFilm> {
    vec![HeldOutFilm { name: film.name.clone(), blake3: film.source().blake3 }]
}

#[test]
fn of_a_held_out_film_nothing_is_learned() {
    let films = || [SyntheticFilm::plain("a", 100.0), SyntheticFilm::plain("b", 63.0)];
    for hold_out in [HoldOut::Every5th, HoldOut::None] {
        for held_out_films in films().iter().map(held_out) {
            let options = DatasetOptions { hold_out, ..options() };
            let dataset = dataset(&films(), &DatasetOptions { held_out_films, ..options.clone() });
            // It comes last, and judges alone; the other film is split as if there were no other.
            let film = dataset.film(1);
            assert!(film.held_out && !dataset.film(0).held_out);
            let all: Vec<u32> = (1000..1000 + film.ticks).collect();
            assert_eq!(ticks(dataset.judged()), all);
            let name = &dataset.film(0).shard.source().name;
            let alone = films().into_iter().find(|film| film.name == *name).unwrap();
            let alone = super::tests::dataset(&[alone], &options);
            assert_eq!(dataset.training(), alone.training());
            assert_eq!(dataset.validation(), alone.validation());
            assert_eq!(ticks(dataset.held_out()), [ticks(alone.held_out()), all].concat());
            assert_eq!(alone.judged(), alone.held_out());
        }
    }
}

#[test]
fn films_too_short_for_a_tick_are_no_sources() {
    let [short, one, other] = ["short", "30 s", "40 s"].map(|name| SyntheticFilm::plain(name, 30.0));
    let films = [SyntheticFilm { times: vec![0], end: 10_000, ..short }, one, other];
    let dataset = dataset(&films, &options());
    let names: Vec<String> = dataset.sources().into_iter().map(|source| source.name).collect();
    assert_eq!(names, ["30 s", "40 s"]);
    assert!(dataset.films().zip(&names).all(|(film, name)| film.shard.source().name == *name));
}

#[test]
fn all_shards_of_a_held_out_film_are_held_out() {
    let folder = tempfile::tempdir().unwrap();
    let other = SyntheticFilm { size: 3, ..SyntheticFilm::plain("a", 30.0) };
    let nested = folder.path().join("other");
    std::fs::create_dir(&nested).unwrap();
    let first = SyntheticFilm::plain("a", 30.0);
    let held_out_films = held_out(&first);
    let shards = vec![
        first.open(folder.path()),
        SyntheticFilm::plain("b", 30.0).open(folder.path()),
        other.open(&nested),
    ];
    let corpus = Corpus { shards };
    let names = |sources: Vec<crate::ledger::Source>| sources.into_iter().map(|s| s.name).collect::<Vec<_>>();
    assert_eq!(names(corpus.sources()), ["a", "b", "a"]);
    let task = Task { watcher: &Quiet, cancel: &Cancel::default() };
    let options = DatasetOptions { held_out_films, ..options() };
    let dataset = TickDataset::new(corpus, &options, folder.path(), task).unwrap();
    assert_eq!(names(dataset.sources()), ["b"]);
    assert!(ticks(dataset.training()).iter().all(|tick| *tick < 1000));
    assert_eq!(ticks(dataset.judged()), (1000..1300).chain(2000..2300).collect::<Vec<u32>>());
}

#[test]
fn a_part_of_the_footage_is_whole_blocks_all_over_the_film() {
    let options = DatasetOptions { validation: false, ..options() };
    let film = || dataset(&[SyntheticFilm::plain("a", 203.0)], &options);
    let all = ticks(film().training());
    for share in [0.0, 0.1, 0.25, 0.5, 0.9, 1.0] {
        let mut part = film();
        part.keep_training_share(share);
        let rows = ticks(part.training());
        assert_eq!(ticks(part.held_out()), ticks(film().held_out()));
        let wanted = (share * all.len() as f64).max(100.0);
        assert!((rows.len() as f64 - wanted).abs() <= 50.0, "{share}: {} of {}", rows.len(), all.len());
        // Of every block all rows that can be learned from, or none.
        let kept = blocks(&rows);
        let expected: Vec<u32> = all.iter().copied().filter(|row| kept.contains(&(row / 100))).collect();
        assert_eq!(rows, expected, "{share}");
        assert!(share < 0.25 || *kept.first().unwrap() < 5 && *kept.last().unwrap() >= 15, "{kept:?}");
    }
}

#[test]
fn two_shards_of_one_film_share_their_blocks() {
    let small = SyntheticFilm::plain("a", 100.0);
    let folder = tempfile::tempdir().unwrap();
    let other = SyntheticFilm { size: 3, ..SyntheticFilm::plain("a", 100.0) };
    let first = folder.path().join("first");
    std::fs::create_dir(&first).unwrap();
    let corpus = Corpus { shards: vec![small.open(&first), other.open(folder.path())] };
    let task = Task { watcher: &Quiet, cancel: &Cancel::default() };
    let dataset = TickDataset::new(corpus, &options(), folder.path(), task).unwrap();
    for rows in [ticks(dataset.training()), ticks(dataset.validation()), ticks(dataset.held_out())] {
        let (one, two): (Vec<u32>, Vec<u32>) = rows.iter().partition(|r| **r < 1000);
        assert_eq!(one, two.iter().map(|r| r - 1000).collect::<Vec<_>>());
    }
}

#[test]
fn short_films_keep_their_last_fifth_for_validation() {
    for (seconds, training, validation) in [
        // From 8.0 s on for validation, and half a second before it for nothing.
        (10.0, 0..75, 80..100),
        // One block and a piece: the longer one is cut, and the piece keeps its distance to it.
        (13.0, 0..75, 80..100),
        // A second: the gap shrinks to the validation's own length.
        (1.0, 0..7, 8..10),
        (0.4, 0..4, 0..0),
        (0.1, 0..1, 0..0),
    ] {
        let dataset = dataset(&[SyntheticFilm::plain("a", seconds)], &options());
        let late = if seconds == 13.0 { 105..130 } else { 0..0 };
        assert_eq!(ticks(dataset.training()), training.chain(late).collect::<Vec<u32>>(), "{seconds} s");
        assert_eq!(ticks(dataset.validation()), validation.collect::<Vec<u32>>(), "{seconds} s");
    }
}
