//! Works that are indexed and found again.

use super::synthetic::{Draw, HEIGHT, Shots, WIDTH, landmarks, music, noisy, query, stretched};
use super::*;
use kinophone::Kind;
use kinophone::dsp::units::MediaTime;
use kinophone::storage::Overwrite;
use kinophone::task::Cancel;
use std::path::Path;

const RATE: f64 = 16_000.0;

fn sound_work(name: &str, sound: &[f32]) -> Fingerprint {
    let frames = sound.len() as u32 / 256 + 1;
    Fingerprint {
        name: name.into(),
        length: MediaTime(sound.len() as i64 * 125 / 2),
        sound: Some(SoundPrint { landmarks: landmarks(sound), frames }),
        pictures: None,
    }
}

fn picture_work(name: &str, shots: &Shots, seconds: i64) -> Fingerprint {
    let (mut extractor, mut hashes) = (PictureExtractor::new(WIDTH), Vec::new());
    for n in 0..24 * seconds {
        extractor.push(MediaTime(n * 1_000_000 / 24), &shots.at(n as f64 / 24.0), &mut hashes);
    }
    extractor.finish(MediaTime::from_secs(seconds), &mut hashes);
    Fingerprint {
        name: name.into(),
        length: MediaTime::from_secs(seconds),
        sound: None,
        pictures: Some(hashes),
    }
}

fn build(folder: &Path, works: &[Fingerprint]) -> Index {
    let path = folder.join("index");
    let mut builder = IndexBuilder::new(folder);
    works.iter().for_each(|work| builder.add(work, "0").unwrap());
    builder.finish(&path, Overwrite::Replace).unwrap();
    let index = Index::open(&path).unwrap();
    index.verify().unwrap();
    index
}

fn found(index: &Index, sound: &[f32]) -> Vec<Match> {
    index.identify_sound(&query(sound), &Cancel::default()).unwrap()
}

fn secs(time: MediaTime) -> f64 {
    time.0 as f64 / 1e6
}

fn part(sound: &[f32], from: f64, to: f64) -> Vec<f32> {
    sound[(from * RATE) as usize..(to * RATE) as usize].to_vec()
}

#[test]
fn an_excerpt_in_noise_at_another_speed_is_found_at_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let sounds: Vec<Vec<f32>> = (0..3).map(|seed| music(seed, 60)).collect();
    let works: Vec<Fingerprint> = sounds.iter().map(|sound| sound_work("work", sound)).collect();
    let index = build(folder.path(), &works);
    for (work, from, speed, db) in
        [(0, 7.0, 1.0, 10.0), (1, 20.3, 1.05, 15.0), (2, 33.1, 0.93, 15.0), (1, 41.7, 1.0, 3.0)]
    {
        let excerpt = noisy(&stretched(&part(&sounds[work], from, from + 12.0), speed), db, 9);
        let found = found(&index, &excerpt);
        assert!(found.len() == 1 && found[0].work == work, "{work} at {speed}: {found:?}");
        let wanted = from + speed * secs(found[0].begin);
        assert!((secs(found[0].place) - wanted).abs() < 0.02, "{} instead of {wanted}", secs(found[0].place));
        assert!((found[0].speed / speed - 1.0).abs() < 0.004, "{found:?}");
        assert!((found[0].pitch / speed - 1.0).abs() < 0.03 && !found[0].mirrored);
        assert!(secs(found[0].begin) < 1.0 && secs(found[0].end) > 12.0 / speed - 1.2, "{found:?}");
    }
    assert_eq!(found(&index, &music(77, 40)), []);
    assert_eq!(found(&index, &[0.0; 80_000]), []);
    assert_eq!(found(&index, &[]), []);
}

#[test]
fn borders_between_works_and_what_is_unknown_lie_within_half_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let sounds: Vec<Vec<f32>> = (10..12).map(|seed| music(seed, 60)).collect();
    let works: Vec<Fingerprint> = sounds.iter().map(|sound| sound_work("work", sound)).collect();
    let index = build(folder.path(), &works);
    let unknown = music(50, 30);
    let parts = [
        part(&unknown, 0.0, 11.3),
        part(&sounds[1], 5.0, 22.0),
        part(&sounds[0], 30.0, 43.4),
        part(&unknown, 15.0, 26.0),
    ];
    let found = found(&index, &parts.concat());
    let wanted = [(1, 11.3, 28.3, 5.0), (0, 28.3, 41.7, 30.0)];
    assert_eq!(found.len(), 2, "{found:?}");
    for (found, (work, begin, end, place)) in found.iter().zip(wanted) {
        assert_eq!(found.work, work);
        assert!((secs(found.begin) - begin).abs() < 0.5 && (secs(found.end) - end).abs() < 0.5, "{found:?}");
        assert!((secs(found.place) - (place + secs(found.begin) - begin)).abs() < 0.02, "{found:?}");
    }
}

#[test]
fn works_that_sound_together_are_both_found() {
    let folder = tempfile::tempdir().unwrap();
    let sounds: Vec<Vec<f32>> = (20..23).map(|seed| music(seed, 40)).collect();
    let works: Vec<Fingerprint> = sounds.iter().map(|sound| sound_work("work", sound)).collect();
    let index = build(folder.path(), &works);
    let both: Vec<f32> = part(&sounds[0], 4.0, 24.0).iter().zip(&sounds[2]).map(|(a, b)| a + b).collect();
    let mut names: Vec<usize> = found(&index, &both).iter().map(|found| found.work).collect();
    names.sort_unstable();
    assert_eq!(names, [0, 2]);
}

#[test]
fn rows_of_an_index_are_those_of_a_plain_search() {
    let folder = tempfile::tempdir().unwrap();
    let works = [sound_work("a", &music(1, 30)), Fingerprint::default(), sound_work("b", &music(2, 30))];
    let index = build(folder.path(), &works);
    assert_eq!(index.works().iter().map(|work| &*work.name).collect::<Vec<_>>(), ["a", "", "b"]);
    let starts: Vec<u32> = index.works().iter().map(IndexedWork::first_frame).collect();
    let all = |hash: u32| {
        let of = |(work, start): (&Fingerprint, &u32)| {
            let same = work.landmarks().iter().filter(|l| l.hash == hash);
            same.map(|l| l.frame + start).collect::<Vec<_>>()
        };
        works.iter().zip(&starts).flat_map(of).collect::<Vec<u32>>()
    };
    for landmark in works.iter().flat_map(Fingerprint::landmarks) {
        let rows: Vec<u32> = index.frames(landmark.hash).collect();
        assert_eq!(rows, all(landmark.hash));
        assert!(rows.iter().all(|row| index.work_at(*row).is_some()));
    }
    assert_eq!(index.frames(HASHES - 1).len(), 0);
}

#[test]
fn similar_pictures_are_all_found_up_to_the_stated_distance() {
    let folder = tempfile::tempdir().unwrap();
    let mut draw = Draw(3);
    let pictures: Vec<PictureHash> =
        (0..3000).map(|_| PictureHash { dct: draw.bits() >> 1, gradient: draw.bits() }).collect();
    let work = Fingerprint {
        length: MediaTime(750_000_000),
        pictures: Some(pictures.clone()),
        ..Default::default()
    };
    let index = build(folder.path(), &[work]);
    for (number, picture) in pictures.iter().enumerate().take(500) {
        let flipped = (0..5).fold(picture.dct, |dct, _| dct ^ 1 << (draw.bits() % 63));
        let mut found = false;
        index.similar_pictures(flipped, 1, |id| found |= id as usize == number);
        assert!(found, "{number}");
    }
}

#[test]
fn a_damaged_index_is_refused_and_never_panics() {
    let folder = tempfile::tempdir().unwrap();
    let works = [sound_work("a", &music(1, 15)), picture_work("b", &Shots::new(1, 20.0), 20)];
    drop(build(folder.path(), &works));
    let (path, damaged) = (folder.path().join("index"), folder.path().join("damaged"));
    let bytes = std::fs::read(&path).unwrap();
    let (heard, mut draw) = (query(&music(1, 15)), Draw(8));
    let seen = shown(&Shots::new(1, 20.0), 0.0, 12.0, 1.0, |picture| picture);
    for k in 0..300 {
        let mut changed = bytes.clone();
        // The header whole, and places all over the tables.
        let at = if k < 128 { k } else { 128 + draw.bits() as usize % (bytes.len() - 128) };
        changed[at] ^= 1 << (draw.bits() % 8);
        std::fs::write(&damaged, &changed).unwrap();
        let opened = Index::open(&damaged);
        assert!(opened.is_err() || k >= 128 || (56..88).contains(&k), "byte {at}");
        let Ok(index) = opened else { continue };
        assert!(index.verify().is_err(), "byte {at}");
        if k % 20 == 0 {
            index.identify_sound(&heard, &Cancel::default()).unwrap();
            index.identify_pictures(&seen, &Cancel::default()).unwrap();
        }
    }
    for length in [0, 7, 8, 100, 128, 500, bytes.len() - 1] {
        std::fs::write(&damaged, &bytes[..length]).unwrap();
        assert!(Index::open(&damaged).is_err(), "{length}");
    }
    assert_eq!(Index::open(folder.path()).err().unwrap().kind(), Kind::WrongKind);
}

/// The pictures from a time on at a speed, each changed, 30 a second.
fn shown(
    shots: &Shots,
    from: f64,
    seconds: f64,
    speed: f64,
    change: impl Fn(Vec<u8>) -> Vec<u8>,
) -> PictureQuery {
    let mut builder = PictureQueryBuilder::new(WIDTH);
    for n in 0..(30.0 * seconds) as i64 {
        let picture = shots.at(from + speed * n as f64 / 30.0);
        builder.push(MediaTime(n * 1_000_000 / 30), &change(picture));
    }
    builder.finish(MediaTime((seconds * 1e6) as i64))
}

fn per_pixel(change: impl Fn(f64) -> f64) -> impl Fn(Vec<u8>) -> Vec<u8> {
    move |picture| picture.iter().map(|p| change(f64::from(*p)) as u8).collect()
}

fn mirrored(mut picture: Vec<u8>) -> Vec<u8> {
    picture.chunks_exact_mut(WIDTH).for_each(<[u8]>::reverse);
    picture
}

/// The picture at three quarters of its height between black borders.
fn letterboxed(picture: Vec<u8>) -> Vec<u8> {
    let border = HEIGHT / 8;
    let row = |y: usize| {
        let from = y.saturating_sub(border) * 4 / 3;
        if (border..HEIGHT - border).contains(&y) {
            picture[from * WIDTH..(from + 1) * WIDTH].to_vec()
        } else {
            vec![0; WIDTH]
        }
    };
    (0..HEIGHT).flat_map(row).collect()
}

#[test]
fn pictures_are_found_however_they_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let shots: Vec<Shots> = (30..33).map(|seed| Shots::new(seed, 60.0)).collect();
    let works: Vec<Fingerprint> = shots.iter().map(|shots| picture_work("work", shots, 60)).collect();
    let index = build(folder.path(), &works);
    type Change = Box<dyn Fn(Vec<u8>) -> Vec<u8>>;
    let changes: [(&str, f64, Change); 6] = [
        ("as it is", 1.0, Box::new(|picture| picture)),
        ("faster", 25.0 / 24.0, Box::new(|picture| picture)),
        ("darker", 1.0, Box::new(per_pixel(|p| 0.8 * p))),
        ("gamma", 1.0, Box::new(per_pixel(|p| 255.0 * (p / 255.0).powf(0.7)))),
        ("mirrored", 1.0, Box::new(mirrored)),
        ("letterboxed", 1.0, Box::new(letterboxed)),
    ];
    for (what, speed, change) in changes {
        let query = shown(&shots[1], 21.4, 16.0, speed, change);
        let found = index.identify_pictures(&query, &Cancel::default()).unwrap();
        assert!(found.len() == 1 && found[0].work == 1, "{what}: {found:?}");
        assert_eq!(found[0].mirrored, what == "mirrored");
        assert!(secs(found[0].begin) < 0.6 && secs(found[0].end) > 15.4, "{what}: {found:?}");
        let wanted = 21.4 + speed * secs(found[0].begin);
        assert!((secs(found[0].place) - wanted).abs() < 0.3, "{what}: {found:?}");
    }
    let unrelated = shown(&Shots::new(99, 40.0), 0.0, 40.0, 1.0, |picture| picture);
    assert_eq!(index.identify_pictures(&unrelated, &Cancel::default()).unwrap(), []);
    assert_eq!(index.identify_pictures(&PictureQuery::default(), &Cancel::default()).unwrap(), []);
}
