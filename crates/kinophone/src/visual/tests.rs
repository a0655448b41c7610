use crate::media::Picture;
use crate::visual::stream::PIXELS;
use crate::visual::*;
use kinophone_dsp::units::MediaTime;

const BLACK: [u8; 3] = [0; 3];
const WHITE: [u8; 3] = [255; 3];

/// A picture of one colour with a square of another, its corner at `at`.
fn drawn(ground: [u8; 3], at: (usize, usize), size: usize, colour: [u8; 3]) -> Vec<u8> {
    let side = SIDE as usize;
    let inside = |k: usize| {
        let (x, y) = (k % side, k / side);
        (at.0..at.0 + size).contains(&x) && (at.1..at.1 + size).contains(&y)
    };
    (0..PIXELS).flat_map(|k| if inside(k) { colour } else { ground }).collect()
}

fn plain(colour: [u8; 3]) -> Vec<u8> {
    drawn(colour, (0, 0), 0, colour)
}

/// At 25 pictures a second.
fn seen(pictures: &[Vec<u8>]) -> FrameState {
    let time = |k: usize| MediaTime(40_000 * k as i64);
    let mut gaze = VisualStream::default();
    for (k, pixels) in pictures.iter().enumerate() {
        gaze.take(&Picture { time: time(k), pixels: pixels.clone() });
    }
    gaze.finish(time(pictures.len())).unwrap()
}

fn firsts(seen: &FrameState) -> Vec<usize> {
    seen.shots.iter().map(|shot| shot.first).collect()
}

fn onsets(seen: &FrameState, event: VisualEvent) -> Vec<usize> {
    seen.onsets(event, 0.5).iter().map(|onset| onset.picture).collect()
}

/// 0 to 20 and back, without a jump.
fn to_and_fro(k: usize) -> usize {
    20 - (k % 40).abs_diff(20)
}

/// Two scenes that are told apart by colours and layout.
fn scene(which: usize, k: usize) -> Vec<u8> {
    match which {
        0 => drawn([40, 60, 140], (4 + to_and_fro(k), 30), 12, [220, 210, 90]),
        _ => drawn([190, 120, 60], (40, 2 + to_and_fro(k)), 20, [20, 40, 20]),
    }
}

#[test]
fn measures_are_what_they_say() {
    let seen = seen(&[plain(BLACK), drawn(BLACK, (48, 0), 16, WHITE), plain([255, 0, 0])]);
    let [black, square, red] = seen.pictures[..] else { panic!() };
    assert_eq!((black.brightness, black.contrast, black.edges, black.motion), (0.0, 0.0, 0.0, 0.0));
    // A sixteenth of the picture, in its upper right corner.
    assert!((square.brightness - 1.0 / 16.0).abs() < 1e-5 && (square.motion - 1.0 / 16.0).abs() < 1e-5);
    assert!((square.motion_x - 0.875).abs() < 1e-3 && (square.motion_y - 0.125).abs() < 1e-3);
    assert!((square.contrast - (15.0f32 / 256.0).sqrt()).abs() < 1e-4);
    assert!((square.edges - 32.0 / (2.0 * 64.0 * 63.0)).abs() < 1e-6);
    assert_eq!((red.warmth, square.warmth), (1.0, 0.0));
    assert_eq!(seen.shown(2), MediaTime(40_000));
}

#[test]
fn noise_is_no_motion() {
    let still = seen(&[plain([100; 3]), plain([102; 3]), plain([101; 3])]);
    assert!(still.pictures.iter().all(|p| p.motion == 0.0 && p.motion_x == 0.5));
}

#[test]
fn cuts_are_found_where_they_are() {
    let film: Vec<Vec<u8>> = (0..90).map(|k| scene(usize::from((30..71).contains(&k)), k)).collect();
    let seen = seen(&film);
    assert_eq!(firsts(&seen), [0, 30, 71]);
    assert_eq!(seen.cuts().collect::<Vec<_>>(), [MediaTime(1_200_000), MediaTime(2_840_000)]);
    // A cut is no motion.
    assert!(seen.pictures[30].motion < 0.05, "{:?}", seen.pictures[30]);
    for shot in &seen.shots {
        assert!((shot.colours.iter().sum::<f32>() - 1.0).abs() < 1e-4);
    }
    let distance = |a: usize, b: usize| {
        let pairs = seen.shots[a].colours.iter().zip(&seen.shots[b].colours);
        pairs.map(|(x, y)| (x - y).abs()).sum::<f32>()
    };
    assert!(distance(0, 2) < 0.02 && distance(0, 1) > 0.5);
}

#[test]
fn a_flash_is_no_cut() {
    for length in [1, 3, 5] {
        let lit = |k: usize| (30..30 + length).contains(&k) || (60..60 + length).contains(&k);
        let film: Vec<Vec<u8>> = (0..90).map(|k| if lit(k) { plain(WHITE) } else { scene(0, k) }).collect();
        let seen = seen(&film);
        assert_eq!(firsts(&seen), [0], "{length}");
        assert_eq!(onsets(&seen, VisualEvent::Flash), [30, 60], "{length}");
        assert_eq!(onsets(&seen, VisualEvent::Motion), [30, 60], "{length}");
    }
}

#[test]
fn flashes_on_black_are_events_and_nothing_else_is() {
    for every in [4, 7, 12, 30] {
        let lit = |k: usize| k % every == 2;
        let film: Vec<Vec<u8>> = (0..120).map(|k| plain(if lit(k) { WHITE } else { BLACK })).collect();
        let seen = seen(&film);
        let wanted: Vec<usize> = (0..120).filter(|k| lit(*k)).collect();
        assert_eq!(onsets(&seen, VisualEvent::Motion), wanted, "{every}");
        assert_eq!(firsts(&seen), [0]);
    }
}

#[test]
fn fast_motion_is_no_cut() {
    // A square that crosses the picture in six pictures, to and fro.
    let film: Vec<Vec<u8>> = (0..100)
        .map(|k: usize| drawn([30, 60, 90], ((k * 11) % 48, (k * 7) % 40), 24, [230, 200, 40]))
        .collect();
    assert_eq!(firsts(&seen(&film)), [0]);
}

#[test]
fn what_begins_to_move_is_an_event_also_on_twos() {
    for hold in [1, 2, 3] {
        let place = |k: usize| k.saturating_sub(40) / hold;
        let film: Vec<Vec<u8>> = (0..80).map(|k| drawn(BLACK, (place(k), 20), 20, WHITE)).collect();
        assert_eq!(onsets(&seen(&film), VisualEvent::Motion), [40 + hold], "{hold}");
    }
}

#[test]
fn stills_have_no_events_and_one_shot() {
    let still = seen(&vec![scene(0, 3); 50]);
    assert!(onsets(&still, VisualEvent::Motion).is_empty() && onsets(&still, VisualEvent::Flash).is_empty());
    assert_eq!(firsts(&still), [0]);
    assert!(onsets(&still, VisualEvent::Cut).is_empty());
    let one = seen(&[plain(WHITE)]);
    assert_eq!((firsts(&one), one.shots[0].end), (vec![0], 1));
    assert!(VisualStream::default().finish(MediaTime(5)).is_none());
}
