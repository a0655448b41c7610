use crate::plot::canvas::{AMBER, BACKGROUND, CYAN, PANEL, ROSE};
use crate::plot::curve::loss_curve;
use crate::plot::*;
use kinophone_dsp::units::{MediaTime, SampleRate};
use std::f32::consts::TAU;

const RATE: u32 = 22_050;

fn rate() -> SampleRate {
    SampleRate::new(RATE).unwrap()
}

fn sine(hz: f32, amplitude: f32, secs: f32) -> Vec<f32> {
    (0..(secs * RATE as f32) as usize)
        .map(|i| amplitude * (TAU * hz * i as f32 / RATE as f32).sin())
        .collect()
}

fn brightness(picture: &RgbImage, x: u32, y: u32) -> u32 {
    picture.get_pixel(x, y).0.iter().map(|&c| u32::from(c)).sum()
}

/// Area of the spectrogram in its picture: left, top, width, height.
const SPECTRUM: (u32, u32, u32, u32) = (76, 54, 1400, 420);

fn brightest_hz(picture: &RgbImage, x: u32) -> f32 {
    let (_, top, _, height) = SPECTRUM;
    let rows: Vec<u32> = (top..top + height).map(|y| brightness(picture, x, y)).collect();
    let best = *rows.iter().max().unwrap();
    // A pure tone fills several rows equally; their middle is its place.
    let full: Vec<f32> = (0..height).filter(|&y| rows[y as usize] == best).map(|y| y as f32 + 0.5).collect();
    let middle = full.iter().sum::<f32>() / full.len() as f32;
    40.0 * (RATE as f32 / 2.0 / 40.0).powf(1.0 - middle / height as f32)
}

#[test]
fn a_tone_is_a_bright_row_at_its_frequency() {
    for hz in [110.0, 1000.0, 6000.0] {
        let found = brightest_hz(&spectrogram(&sine(hz, 0.3, 5.0), rate()), 700);
        assert!((found / hz - 1.0).abs() < 0.03, "{found} for {hz}");
    }
}

#[test]
fn a_sound_appears_at_its_time_in_both_pictures() {
    let mut sound = vec![0.0; 3 * RATE as usize];
    sound.extend(sine(1000.0, 0.5, 1.0));
    let (left, top, width, height) = SPECTRUM;
    let loud = |picture: &RgbImage, at: f32| {
        let x = left + (at * width as f32) as u32;
        (top..top + height).any(|y| brightness(picture, x, y) > 500)
    };
    let spectrum = spectrogram(&sound, rate());
    assert!(!loud(&spectrum, 0.735) && loud(&spectrum, 0.755));
    let wave = waveform(&sound, rate());
    let height_at = |at: f32| {
        let x = left + (at * width as f32) as u32;
        (top..top + 300).filter(|&y| brightness(&wave, x, y) > 200).count()
    };
    assert!(height_at(0.748) < 10, "{}", height_at(0.748));
    assert!(height_at(0.752) > 100, "{}", height_at(0.752));
}

#[test]
fn a_waveform_reaches_as_far_as_its_peak() {
    let picture = waveform(&sine(440.0, 0.5, 10.0), rate());
    // Half of full scale is half of 0.48 of the 300 rows, from the middle at 204.
    let inked = |y: u32| picture.get_pixel(700, y).0 != PANEL;
    let grid = |y: u32| picture.get_pixel(700, y) == picture.get_pixel(76 + 1399, y) && !inked(y);
    let top = (60..204).find(|&y| inked(y) && !grid(y) && brightness(&picture, 700, y) > 200).unwrap();
    assert!((131..=133).contains(&top), "{top}");
    let amber = (60..204).find(|&y| picture.get_pixel(700, y).0[0] > 200).unwrap();
    assert!((204 - amber).abs_diff(51) <= 1, "{amber}");
}

#[test]
fn pieces_give_the_same_pictures_as_the_whole_and_little_is_held() {
    let sound = sine(300.0, 0.4, 60.0);
    let mut overview = Overview::new(rate(), sound.len() as u64);
    for piece in sound.chunks(1234) {
        overview.push(piece);
    }
    assert_eq!(overview.spectrogram(), spectrogram(&sound, rate()));
    assert_eq!(overview.waveform(), waveform(&sound, rate()));
    assert!(overview.held() < 4096, "{}", overview.held());
}

#[test]
fn sounds_of_any_length_are_drawn() {
    for len in [0, 1, 5, 1399, 1401, 5000] {
        let picture = waveform(&vec![0.1; len], rate());
        assert_eq!(picture.dimensions(), (1500, 410));
        assert_eq!(spectrogram(&vec![0.1; len], rate()).dimensions(), (1560, 530));
    }
    let low = SampleRate::new(60).unwrap();
    assert_eq!(spectrogram(&[0.5; 600], low).dimensions(), (1560, 530));
    // Fewer samples than promised, and more.
    let mut overview = Overview::new(rate(), 50_000);
    overview.push(&[0.5; 1000]);
    let _ = (overview.waveform(), overview.spectrogram());
    overview.push(&vec![0.5; 100_000]);
    let _ = overview.spectrogram();
}

#[test]
fn a_contact_sheet_shows_every_picture_in_its_place() {
    let grey: Vec<Vec<u8>> = (0..5).map(|i| vec![50 * i as u8 + 20; 64 * 64]).collect();
    let pictures: Vec<(&[u8], MediaTime)> =
        grey.iter().enumerate().map(|(i, p)| (&p[..], MediaTime::from_secs(i as i64))).collect();
    let sheet = contact_sheet(&pictures, 64, false, 3);
    assert_eq!(sheet.dimensions(), (3 * (128 + 12) + 12, 2 * (128 + 24 + 6) + 12));
    for i in 0..5_u32 {
        let (x, y) = (12 + i % 3 * 140, 12 + i / 3 * 158);
        for (dx, dy) in [(0, 0), (127, 0), (0, 127), (127, 127)] {
            assert_eq!(sheet.get_pixel(x + dx, y + dy).0, [50 * i as u8 + 20; 3]);
        }
        assert_eq!(sheet.get_pixel(x + 128, y).0, BACKGROUND);
        let label = (x..x + 128).flat_map(|x| (y + 130..y + 150).map(move |y| (x, y)));
        assert!(
            label.filter(|&(x, y)| brightness(&sheet, x, y) > 300).count() > 30,
            "no time under picture {i}"
        );
    }
}

#[test]
fn a_coloured_sheet_keeps_colours_and_an_empty_or_short_one_is_drawn() {
    let red = [200, 10, 20].repeat(16);
    let sheet = contact_sheet(&[(&red, MediaTime::ZERO)], 4, true, 8);
    assert_eq!(sheet.get_pixel(20, 20).0, [200, 10, 20]);
    assert_eq!(contact_sheet(&[], 64, true, 0).dimensions(), (152, 12));
    let _ = contact_sheet(&[(&red[..7], MediaTime::ZERO)], 4, true, 1);
}

#[test]
fn filters_come_strongest_first_with_grey_for_nothing() {
    // Three units over 2 × 2 inputs; the second is the strongest, the first is nothing.
    let weights = [0.0, 4.0, 0.1, 0.0, -4.0, 0.1, 0.0, 0.0, 0.1, 0.0, 2.0, 0.1];
    let picture = filters(&weights, 2, false, 3);
    let block = 36;
    let tile = |i: u32| {
        [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(x, y)| {
            let side = 2 * block;
            let left = 12 + i % 3 * (side + 6) + x * block;
            picture.get_pixel(left, 40 + i / 3 * (side + 6) + y * block).0[0]
        })
    };
    assert_eq!(tile(0), [255, 1, 128, 192]);
    assert_eq!(tile(1), [255; 4]);
    assert_eq!(tile(2), [128; 4]);
    assert_eq!(filters(&[], 8, true, 10).dimensions().1, 52);
}

#[test]
fn a_loss_curve_marks_the_best_epoch_where_it_is() {
    let epochs: Vec<(u32, f32, f32)> =
        (0..=40).map(|i| (i, 1.0 / (1.0 + i as f32), 0.1 + 0.001 * (i as f32 - 30.0).powi(2))).collect();
    let picture = loss_curve(&epochs);
    assert_eq!(picture.dimensions(), (1100, 560));
    let has = |x: u32, colour: [u8; 3]| (64..492).any(|y| picture.get_pixel(x, y).0 == colour);
    let rose = 92 + 968 * 30 / 40;
    assert!((rose - 1..=rose + 1).any(|x| has(x, ROSE)) && !has(rose - 200, CYAN.map(|_| 0)));
    for x in [150, 400, 800, 1000] {
        assert!(has(x, AMBER) && has(x, CYAN), "a curve is missing at {x}");
    }
    // Both fall from the left: the row of the training curve sinks.
    let row = |x: u32| (64..492).find(|&y| picture.get_pixel(x, y).0 == AMBER).unwrap();
    assert!(row(150) < row(400) && row(400) < row(1000));
}

#[test]
fn a_loss_curve_bears_any_numbers() {
    for epochs in [
        vec![],
        vec![(1, 0.5, f32::NAN)],
        vec![(1, 0.0, -1.0), (2, f32::INFINITY, f32::NAN)],
        vec![(7, 1e-30, 1e30)],
        vec![(1, 0.1, 0.1), (2, f32::NAN, 0.1), (3, 0.1, 0.1)],
    ] {
        assert_eq!(loss_curve(&epochs).dimensions(), (1100, 560), "{epochs:?}");
    }
}

#[test]
fn a_curve_in_the_terminal_falls_from_top_left_to_bottom_right() {
    let values: Vec<f32> = (0..50).map(|i| 0.1 * 0.9_f32.powi(i)).collect();
    let text = terminal_curve(&values, 60, 8);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 8);
    assert!(lines.iter().all(|l| l.chars().count() <= 60));
    assert!(lines[0].contains("1.000e-1") && lines[7].contains("5.726e-4"));
    // A geometric fall is straight on the logarithmic axis: each line's last mark lies further right, by
    // equal steps.
    let ends: Vec<usize> = lines.iter().map(|l| l.chars().count()).collect();
    assert!(ends.windows(2).all(|w| (4..=8).contains(&(w[1] - w[0]))), "{ends:?}");
    assert_eq!(ends[7], 60);
    let plain = terminal_curve_plain(&values, 60, 8);
    assert!(plain.is_ascii() && plain.lines().count() == 8 && plain.matches('*').count() >= 49);
}

#[test]
fn a_curve_in_the_terminal_bears_any_numbers_and_sizes() {
    assert_eq!(terminal_curve(&[], 60, 8), "");
    assert_eq!(terminal_curve(&[f32::NAN], 60, 8), "");
    assert_eq!(terminal_curve(&[1.0], 5, 1), "");
    for values in [vec![1.0], vec![0.0, -3.0, f32::NAN, 2.0], vec![5.0; 1000]] {
        assert_eq!(terminal_curve(&values, 40, 5).lines().count(), 5, "{values:?}");
        assert_eq!(terminal_curve_plain(&values, 16, 2).lines().count(), 2);
    }
}

#[test]
fn times_on_axes_are_customary_ones() {
    let labels = |secs: f64| canvas::time_steps(secs, 16).into_iter().map(|(_, l)| l).collect::<Vec<_>>();
    assert_eq!(labels(40.0), ["0:00", "0:05", "0:10", "0:15", "0:20", "0:25", "0:30", "0:35", "0:40"]);
    assert_eq!(labels(4500.0).last().unwrap(), "1:15:00");
    assert_eq!(labels(0.5)[1], "0.05 s");
    assert_eq!(labels(200_000.0)[1], "5 h");
    assert!(labels(0.0).len() == 1);
}

#[test]
fn a_png_holds_what_was_drawn_and_replaces_nothing_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("curve.png");
    let picture = loss_curve(&[(1, 0.5, 0.6), (2, 0.3, 0.5)]);
    write_png(&picture, &path, Overwrite::Refuse).unwrap();
    assert_eq!(image::open(&path).unwrap().into_rgb8(), picture);
    assert_eq!(write_png(&picture, &path, Overwrite::Refuse).unwrap_err().kind(), Kind::Exists);
}

fn waveform(samples: &[f32], rate: SampleRate) -> RgbImage {
    let mut overview = Overview::new(rate, samples.len() as u64);
    overview.push(samples);
    overview.waveform()
}
