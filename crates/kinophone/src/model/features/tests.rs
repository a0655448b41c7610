use crate::model::features::config::EMBEDDING;
use crate::model::features::stream::FeatureStream;
use crate::model::features::*;
use kinophone_dsp::units::{FrameRate, MediaTime};

const SMALL: usize = 32;

/// A bright square that moves to and fro in the right half of the picture.
fn film(pictures: usize) -> Vec<Vec<u8>> {
    (0..pictures)
        .map(|k| {
            let place = 18 + (k * 5 % 11);
            // Sometimes it stands still, sometimes it is hardly to be seen.
            let (place, bright) = if k % 9 < 3 { (20, 220) } else { (place, 40 + 30 * (k * 13 % 7) as u8) };
            (0..SMALL * SMALL)
                .map(|i| {
                    let (x, y) = (i % SMALL, i / SMALL);
                    if (place..place + 4).contains(&x) && (10..16).contains(&y) {
                        bright
                    } else {
                        20 + (k % 3) as u8
                    }
                })
                .collect()
        })
        .collect()
}

fn fitted(film: &[Vec<u8>]) -> VisualFeatures {
    let at = |k: usize| FramePair { before: &film[k], now: &film[k + 1], side: SMALL, colour: false };
    VisualFeatures::fit(&FeatureConfig::default(), film.len() - 1, at, 3, &|_| ())
}

fn extract(features: &VisualFeatures, film: &[Vec<u8>], batch: usize, ticks: i64) -> Vec<f32> {
    let mut feature_stream =
        FeatureStream::new(features, SMALL, false, FrameRate::new(30, 1).unwrap(), 0, batch);
    let time = |k: usize| MediaTime(k as i64 * 40_000);
    let mut rows = Vec::new();
    for (k, picture) in film.iter().enumerate() {
        feature_stream.show(picture, time(k), time(k + 1), &mut rows);
    }
    feature_stream.finish(ticks, &mut rows);
    rows
}

#[test]
fn the_view_zooms_into_what_moves() {
    let film = film(200);
    let features = fitted(&film);
    let region = features.views[0].config.region;
    assert!(region.x > 0.4 && region.y > 0.2 && region.h < 0.4, "{region:?}");
    assert_eq!(features.views[1].config.region, Region::WHOLE);
    assert_eq!(features.width(), (64 + 64 + 1 + 16 + 2) + (64 + 64 + 1 + 64 + 2) + (2 + 64 + 1));
}

#[test]
fn numbers_do_not_depend_on_the_batch() {
    let film = film(60);
    let features = fitted(&film);
    let ticks = 72;
    let one = extract(&features, &film, 1, ticks);
    assert_eq!(one.len(), ticks as usize * features.width());
    for batch in [7, 64] {
        assert_eq!(one, extract(&features, &film, batch, ticks));
    }
    assert!(one.iter().all(|x| x.abs() <= CLIP));
}

/// A single jump of brightness at picture 30 (1.2 s) is motion at that time and nowhere else.
#[test]
fn motion_stands_at_the_moment_when_a_picture_appears() {
    let trainer = film(100);
    let features = fitted(&trainer);
    let jump: Vec<Vec<u8>> = (0..60).map(|k| vec![if k < 30 { 20u8 } else { 90 }; SMALL * SMALL]).collect();
    let rows = extract(&features, &jump, 16, 72);
    let moved = features.views[0].config.of_motion() - 1;
    let curve: Vec<f32> = rows.chunks_exact(features.width()).map(|row| row[moved]).collect();
    let top = (0..72).max_by(|a, b| curve[*a].total_cmp(&curve[*b])).unwrap();
    // Tick 35's middle is at 1.183 s, tick 36's at 1.217 s.
    assert!((35..=36).contains(&top), "{top}");
    assert!(curve[33] < curve[top] - 0.5 && curve[38] < curve[top] - 0.5, "{curve:?}");
    let mean = features.views[0].config.width() - 2;
    let brightness: Vec<f32> = rows.chunks_exact(features.width()).map(|row| row[mean]).collect();
    assert!(brightness[34] < brightness[37], "{brightness:?}");
}

#[test]
fn an_eye_survives_being_stored() {
    let film = film(80);
    let features = fitted(&film);
    let mut numbers = Tensors::default();
    features.save(&mut numbers);
    let text = serde_json::to_string(&features.config()).unwrap();
    let config: Vec<ViewConfig> = serde_json::from_str(&text).unwrap();
    let again = VisualFeatures::restore(&config, &numbers).unwrap();
    assert_eq!(extract(&features, &film, 8, 50), extract(&again, &film, 8, 50));
}

/// Grey pictures of one brightness whose colour changes from red to blue at picture 30, and then some.
fn coloured(pictures: usize) -> Vec<Vec<u8>> {
    let colour = |k: usize| match k {
        // Both have a luma of 50.
        0..30 => [235, 0, 0],
        30..60 => [0, 50, 198],
        _ => [(k * 3 % 200) as u8, (k * 7 % 200) as u8, (k * 11 % 200) as u8],
    };
    (0..pictures).map(|k| colour(k).repeat(SMALL * SMALL)).collect()
}

#[test]
fn an_eye_sees_all_that_it_is_told_to_look_for() {
    let film = coloured(120);
    let see = FeatureConfig {
        colour: true,
        spectrum: true,
        grey: true,
        components: Some(8),
        region: RegionMode::Region(Region { x: 0.25, y: 0.25, w: 0.5, h: 0.5 }),
        ..FeatureConfig::default()
    };
    let at = |k: usize| FramePair { before: &film[k], now: &film[k + 1], side: SMALL, colour: true };
    let features = VisualFeatures::fit(&see, film.len() - 1, at, 3, &|_| ());
    assert!(features.colour());
    // Differences, picture, colour and spectrum by 8 each, 256 pixels, three numbers for each view; and the general ones: two of
    // change, the thumbnail, the contrast.
    assert_eq!(features.width(), 2 * (5 * 8 + 256 + 3) + (2 + 64 + 1));

    let extract = |features: &VisualFeatures, batch| {
        let mut feature_stream =
            FeatureStream::new(features, SMALL, true, FrameRate::new(25, 1).unwrap(), 0, batch);
        let time = |k: usize| MediaTime(k as i64 * 40_000);
        let mut rows = Vec::new();
        for (k, picture) in film.iter().enumerate() {
            feature_stream.show(picture, time(k), time(k + 1), &mut rows);
        }
        feature_stream.finish(120, &mut rows);
        rows
    };
    let rows = extract(&features, 16);
    assert_eq!(rows, extract(&features, 1));
    let mut numbers = Tensors::default();
    features.save(&mut numbers);
    assert_eq!(rows, extract(&VisualFeatures::restore(&features.config(), &numbers).unwrap(), 16));

    // From red to blue the colours change, and the brightness does not.
    let row = |tick: usize| &rows[tick * features.width()..][..features.width()];
    let (red, blue) = (row(10), row(50));
    let first = features.config()[0].of_motion();
    let change = |from: usize, count: usize| {
        (from..from + count).map(|i| (red[i] - blue[i]).abs()).fold(0.0, f32::max)
    };
    assert!(change(first + 8, 8) > 0.5, "colour: {}", change(first + 8, 8));
    assert!(change(first, 8) < 0.1, "appearance: {}", change(first, 8));
    let contrast =
        rows.chunks_exact(features.width()).map(|row| row[features.width() - 1]).fold(0.0, f32::max);
    assert!(contrast < 1e-4, "plain pictures have a contrast of {contrast}");
}

#[test]
fn portraits_of_the_whole_are_as_far_apart_as_pictures() {
    let film = film(200);
    let features = fitted(&film);
    // A tick a picture, so that what describes a picture is not between two.
    let mut feature_stream =
        FeatureStream::new(&features, SMALL, false, FrameRate::new(25, 1).unwrap(), 0, 16);
    let mut rows = Vec::new();
    for (k, picture) in film.iter().enumerate() {
        feature_stream.show(
            picture,
            MediaTime(k as i64 * 40_000),
            MediaTime((k + 1) as i64 * 40_000),
            &mut rows,
        );
    }
    feature_stream.finish(200, &mut rows);
    let embeddings: Vec<Vec<f32>> = rows
        .chunks_exact(features.width())
        .map(|row| {
            let mut embedding = vec![0.0; EMBEDDING];
            features.embedding(row, &mut embedding);
            embedding.split_off(EMBEDDING / 2)
        })
        .collect();
    let apart = |a: usize, b: usize| {
        embeddings[a].iter().zip(&embeddings[b]).map(|(x, y)| (x - y).powi(2)).sum::<f32>()
    };
    let pairs: Vec<(usize, usize)> = (0..2000).map(|i| (i * 17 % 200, i * 71 % 199)).collect();
    let mean = pairs.iter().map(|(a, b)| apart(*a, *b)).sum::<f32>() / pairs.len() as f32;
    assert!((mean - 2.0).abs() < 0.2, "{mean}");
    // The same picture twice.
    assert!(apart(0, 9) < 0.05 * mean, "{}", apart(0, 9));
}
