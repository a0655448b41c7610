//! The sound of a mosaic: fades, gains, gates, attacks, speeds, and the clips that record it.

use crate::concat::clip::replayed;
use crate::concat::mosaic::{AttackTarget, Mosaic, UnitPlayback};
use crate::concat::tests::*;
use crate::metrics::comb_prominence;
use crate::pitch::PitchFinder;
use crate::tick_rng::TickRng;
use crate::units::{SampleRate, TickGrid};
use std::f64::consts::TAU;
use std::ops::Range;
use std::sync::Arc;

/// One film, divided into units on the grid; every read beyond `readable` is an error.
struct UnitFilm<F> {
    grid: TickGrid,
    channels: usize,
    readable: Range<i64>,
    sample: F,
}

impl<F: Fn(i64, usize) -> f32 + Send> UnitSound for UnitFilm<F> {
    fn channels(&self) -> usize {
        self.channels
    }

    fn read(&self, unit: u32, offset: i64, out: &mut [f32]) {
        let first = self.grid.start_sample(i64::from(unit)) + offset;
        let frames = out.len() / self.channels;
        assert!(
            self.readable.start <= first && first + frames as i64 <= self.readable.end,
            "{first} is not ours"
        );
        for (n, frame) in (first..).zip(out.chunks_exact_mut(self.channels)) {
            frame.iter_mut().enumerate().for_each(|(c, y)| *y = (self.sample)(n, c));
        }
    }
}

fn grid(tick: &str, rate: u32) -> TickGrid {
    TickGrid { tick: tick.parse().unwrap(), rate: SampleRate::new(rate).unwrap() }
}

/// A film without end on both sides.
fn endless<F: Fn(i64, usize) -> f32 + Send>(g: TickGrid, channels: usize, sample: F) -> UnitFilm<F> {
    UnitFilm { grid: g, channels, readable: -100_000..i64::MAX / 2, sample }
}

fn mosaic<F: Fn(i64, usize) -> f32 + Send>(
    film: UnitFilm<F>,
    loudness: &[f32],
    breaks: &[usize],
) -> Mosaic<UnitFilm<F>> {
    let continued: Vec<bool> = (0..loudness.len()).map(|j| !breaks.contains(&j)).collect();
    let units = UnitDescriptors::new(0, &[], loudness, &continued).unwrap();
    Mosaic::new(film.grid, Arc::new(units), film, &MosaicConfig::default())
}

fn plain(unit: u32) -> SelectedUnit {
    SelectedUnit { unit, loudness_db: -20.0, gate: 0.0 }
}

fn played<S: UnitSound>(
    mosaic: &mut Mosaic<S>,
    selection: impl IntoIterator<Item = SelectedUnit>,
) -> Vec<f32> {
    selection.into_iter().for_each(|selected| mosaic.push(selected));
    mosaic.finish();
    let mut out = vec![0.0; mosaic.ready()];
    assert_eq!(mosaic.fill(&mut out), out.len());
    out
}

/// The sound of `units` of an endless film with a thousand units of equal loudness.
fn pieced(
    g: TickGrid,
    channels: usize,
    units: &[u32],
    sample: impl Fn(i64, usize) -> f32 + Send,
) -> Vec<f32> {
    let mut mosaic = mosaic(endless(g, channels, sample), &[-20.0; 1000], &[]);
    played(&mut mosaic, units.iter().map(|u| plain(*u)))
}

/// White noise in −0.5..0.5 that can be had at any place.
fn noise(n: i64) -> f32 {
    let mut x = (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ (x >> 31)) >> 40) as f32 / (1u64 << 24) as f32 - 0.5
}

/// Runs of random lengths up to `longest` at random places.
fn jumping(ticks: usize, longest: u32, seed: u64) -> Vec<u32> {
    let mut draw = TickRng::new(seed, 77);
    let mut units = Vec::new();
    while units.len() < ticks {
        let first = draw.whole(0, 900);
        units.extend(first..first + draw.whole(1, longest));
    }
    units.truncate(ticks);
    units
}

fn db(power: f64) -> f64 {
    10.0 * power.log10()
}

fn power(x: &[f32]) -> f64 {
    x.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / x.len() as f64
}

#[test]
fn without_jumps_the_source_comes_back_bit_for_bit() {
    for (tick, rate, channels) in
        [("30", 22_050, 1), ("24000/1001", 44_100, 2), ("29.97", 48_000, 2), ("60", 44_100, 1)]
    {
        let g = grid(tick, rate);
        let sample = |n: i64, c: usize| noise(2 * n + c as i64);
        let y = pieced(g, channels, &(7..307).collect::<Vec<_>>(), sample);
        assert_eq!(y.len() as i64, g.start_sample(300) * channels as i64);
        let expected = (0..y.len()).map(|i| sample(g.start_sample(7) + (i / channels) as i64, i % channels));
        assert!(y.iter().copied().eq(expected), "{tick} at {rate}");
    }
}

#[test]
fn a_tone_is_spliced_with_itself_inaudibly() {
    let g = grid("30", 22_050);
    for hz in [101.0, 230.7, 441.3, 1003.9, 2500.0] {
        let w = TAU * hz / 22_050.0;
        let y = pieced(g, 1, &jumping(400, 3, hz as u64), |n, _| (0.5 * (n as f64 * w).sin()) as f32);
        // The amplitude of a sine from two neighbours.
        let amplitude = |a: f32, b: f32| {
            let (a, b) = (f64::from(a), f64::from(b));
            (a * a + b * b - 2.0 * a * b * w.cos()).sqrt() / w.sin()
        };
        for (n, x) in y.windows(3).enumerate() {
            let level = 20.0 * (amplitude(x[0], x[1]) / 0.5).log10();
            assert!(level.abs() < 0.5, "{hz} Hz: {level:.2} dB at {n}");
            let bend = f64::from(x[0] - 2.0 * x[1] + x[2]).abs();
            assert!(bend < 0.55 * w * w + 1e-4, "{hz} Hz: a click at {n}");
        }
    }
}

#[test]
fn foreign_noises_keep_their_power_through_the_fade() {
    let g = grid("30", 22_050);
    for smooth in [1i64, 12] {
        // Noise, white or of low frequencies.
        let sample = move |n: i64, _: usize| (0..smooth).map(|k| noise(n - k)).sum::<f32>() / smooth as f32;
        let y = pieced(g, 1, &jumping(1500, 1, 5), sample);
        let source: Vec<f32> = (0..400_000).map(|n| sample(n, 0)).collect();
        // By place in the tick: the fades are at its edges.
        for place in 0..735 / 35 {
            let part: Vec<f32> =
                y.chunks_exact(735).skip(1).flat_map(|t| t[place * 35..(place + 1) * 35].to_vec()).collect();
            let change = db(power(&part) / power(&source));
            assert!(change.abs() < 1.0, "smoothed by {smooth}: {change:.2} dB at {}", place * 35);
        }
    }
}

#[test]
fn a_known_shift_is_found_exactly() {
    let g = grid("30", 22_050);
    let periodic = |n: i64, _: usize| noise(n.rem_euclid(500));
    // 13 ticks are 55 samples more than 19 periods.
    for to in [30 + 1 - 13u32, 30 + 1 + 13] {
        let y = pieced(g, 1, &[29, 30, to, to + 1, to + 2], periodic);
        let first = g.start_sample(29);
        for (n, y) in (first..).zip(&y) {
            assert!((y - periodic(n, 0)).abs() < 1e-5, "to {to}: another sound at {}", n - first);
        }
    }
    // Within ±110 samples there is nothing that fits: it stays foreign.
    let y = pieced(g, 1, &[29, 30, 29, 30], periodic);
    assert!((g.start_sample(31)..).zip(&y[1470 + 330..]).any(|(n, y)| (y - periodic(n, 0)).abs() > 0.1));
}

#[test]
fn gain_reaches_its_aim_within_its_limits() {
    let g = grid("30", 22_050);
    for (loudness, gain) in
        [(-24.0, 6.0), (-18.0, 12.0), (0.0, 12.0), (-35.0, -5.0), (-90.0, -12.0), (f32::NAN, 0.0)]
    {
        let mut mosaic = mosaic(endless(g, 1, |_, _| 0.1), &[-30.0; 20], &[]);
        let y = played(&mut mosaic, (0..20).map(|u| SelectedUnit { loudness_db: loudness, ..plain(u) }));
        let expected = 0.1 * 10f32.powf(gain / 20.0);
        assert!(y.iter().all(|v| (v - expected).abs() < 1e-6), "{loudness} dB");
    }
}

#[test]
fn gain_changes_without_a_step_and_on_time() {
    let g = grid("30", 22_050);
    let mut mosaic = mosaic(endless(g, 1, |_, _| 1.0), &[-30.0; 20], &[]);
    let y = played(
        &mut mosaic,
        (0..20).map(|u| SelectedUnit { loudness_db: if u < 10 { -30.0 } else { -42.0 }, ..plain(u) }),
    );
    let border = g.start_sample(10) as usize;
    assert!((20.0 * y[border].log10() + 6.0).abs() < 0.01);
    assert_eq!(y[border - 736], 1.0);
    assert!((20.0 * y[border + 736].log10() + 12.0).abs() < 0.01);
    assert!(y.windows(2).all(|w| (w[1] - w[0]).abs() < 1.0 / 735.0));
}

#[test]
fn units_of_different_loudness_meet_at_one() {
    let g = grid("30", 22_050);
    // Units from 400 on are 10 dB louder.
    let loud = |n: i64| if n >= 400 * 735 { 0.316_227_77 } else { 0.1 };
    let loudness: Vec<f32> = (0..1000).map(|j| if j >= 400 { -15.0 } else { -25.0 }).collect();
    let mut mosaic = mosaic(endless(g, 1, |n, _| loud(n) * noise(n)), &loudness, &[]);
    let units = (0..600u32).map(|i| if i % 2 == 0 { i % 300 } else { 500 + i % 300 });
    let y = played(&mut mosaic, units.map(plain));
    let expected = power(&(0..100_000).map(|n| 0.1 * noise(n)).collect::<Vec<_>>()) * 10f64.powf(0.5);
    for place in 0..735 / 35 {
        let part: Vec<f32> =
            y.chunks_exact(735).skip(1).flat_map(|t| t[place * 35..(place + 1) * 35].to_vec()).collect();
        let change = db(power(&part) / expected);
        assert!(change.abs() < 1.0, "{change:.2} dB at {}", place * 35);
    }
}

#[test]
fn the_gate_closes_and_opens_on_time() {
    let g = grid("30", 22_050);
    let level_at = |gates: &[f32]| {
        let mut mosaic = mosaic(endless(g, 1, |_, _| 1.0), &[-20.0; 100], &[]);
        let y = played(
            &mut mosaic,
            gates.iter().zip(0..).map(|(gate, u)| SelectedUnit { gate: *gate, ..plain(u) }),
        );
        y.iter().map(|v| 20.0 * v.log10()).collect::<Vec<f32>>()
    };
    assert!(level_at(&[0.0; 10]).iter().all(|l| *l == 0.0));
    assert!(level_at(&[f32::NAN, -1.0]).iter().all(|l| *l == 0.0));
    assert!(level_at(&[1.0, 2.0]).iter().all(|l| (l + 60.0).abs() < 0.01));
    assert!(level_at(&[0.5; 3]).iter().all(|l| (-1.0..-0.5).contains(l)));

    let levels = level_at(&[0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
    let amplitudes: Vec<f32> = levels.iter().map(|l| 10f32.powf(l / 20.0)).collect();
    let border = |i: usize| 735 * i;
    assert!(levels[..border(2)].iter().all(|l| *l == 0.0));
    assert!(levels[border(2) + 331..border(4) - 111].iter().all(|l| (l + 60.0).abs() < 0.01));
    assert!(levels[border(4)..].iter().all(|l| l.abs() < 0.001), "the attack is whole");
    assert!(amplitudes.windows(2).all(|w| (w[1] - w[0]).abs() < 0.02), "no click");
    // A shut gate that opens for one tick only.
    let levels = level_at(&[1.0, 1.0, 0.0, 1.0, 1.0]);
    assert!(levels[border(2)] > -0.01 && levels[border(3) - 1] > -0.01 && levels[border(3) + 331] < -59.9);
}

#[test]
fn channels_stay_apart() {
    let g = grid("30", 22_050);
    let units = jumping(200, 3, 8);
    let y = pieced(g, 2, &units, |n, c| if c == 0 { noise(n) } else { 0.0 });
    assert!(y.chunks_exact(2).all(|f| f[1] == 0.0) && power(&y) > 0.03);
    // Each keeps its power, even where their sum is silence, and both move together.
    for factor in [-1.0, 0.5] {
        let y = pieced(g, 2, &units, |n, c| if c == 0 { noise(n) } else { factor * noise(n) });
        assert!(y.chunks_exact(2).all(|f| (f[1] - factor * f[0]).abs() < 1e-5));
    }
    let y = pieced(g, 3, &units, |n, c| noise(3 * n + c as i64));
    for c in 0..3 {
        let channel: Vec<f32> = y.iter().skip(c).step_by(3).copied().collect();
        assert!((db(power(&channel)) - db(1.0 / 12.0)).abs() < 0.5);
    }
}

#[test]
fn jumps_make_no_comb() {
    let g = grid("30", 22_050);
    type Sample = fn(i64, usize) -> f32;
    let sounds: [(&str, Sample); 3] = [
        ("noise", |n, _| noise(n)),
        ("low noise", |n, _| (0..8).map(|k| noise(n - k)).sum()),
        ("tone", |n, _| (0.3 * (n as f64 * TAU * 311.13 / 22_050.0).sin()) as f32 + 0.01 * noise(n)),
    ];
    for (name, sample) in sounds {
        let source: Vec<f32> = (0..735 * 900).map(|n| sample(n, 0)).collect();
        let of_source = comb_prominence(&source, 22_050, 30.0).unwrap();
        for longest in [1, 4, 20] {
            let y = pieced(g, 1, &jumping(900, longest, 3), sample);
            let comb = comb_prominence(&y, 22_050, 30.0).unwrap();
            assert!(
                (comb - of_source).abs() < 3.0,
                "{name}, {longest}: {comb:.1} dB, source {of_source:.1} dB"
            );
        }
    }
}

#[test]
fn length_latency_and_pieces() {
    for (tick, rate, channels) in
        [("30", 22_050, 1), ("29.97", 44_100, 2), ("60", 22_050, 2), ("1000", 1000, 1), ("1000", 300, 1)]
    {
        let g = grid(tick, rate);
        let mut draw = TickRng::new(6, 6);
        let selection: Vec<SelectedUnit> = jumping(90, 4, 2)
            .into_iter()
            .map(|unit| SelectedUnit {
                unit,
                loudness_db: draw.between(-40.0, 0.0) as f32,
                gate: draw.unit() as f32,
            })
            .collect();
        let mut mosaic = mosaic(endless(g, channels, |n, c| noise(2 * n + c as i64)), &[-20.0; 1000], &[]);
        let whole = played(&mut mosaic, selection.iter().copied());
        assert_eq!(whole.len() as i64, g.start_sample(90) * channels as i64);
        assert!(whole.iter().all(|v| v.is_finite()));

        mosaic.reset();
        let (mut out, mut pieces) = ([0.0; 4000], Vec::new());
        for (i, selected) in (0..).zip(&selection) {
            mosaic.push(*selected);
            let made = (pieces.len() + mosaic.ready()) / channels;
            assert!(made as i64 >= g.start_sample(i + 1) - mosaic.latency() as i64, "{tick} at {i}");
            while draw.unit() < 0.6 {
                let n = mosaic.fill(&mut out[..draw.whole(0, 1500) as usize]);
                pieces.extend_from_slice(&out[..n]);
            }
        }
        mosaic.finish();
        mosaic.finish();
        while mosaic.ready() > 0 {
            let n = mosaic.fill(&mut out);
            pieces.extend_from_slice(&out[..n]);
        }
        assert!(pieces == whole, "{tick}: the pieces differ from the whole");
    }
}

#[test]
fn nothing_drifts() {
    // Every sample says where it is from.
    let g = grid("24000/1001", 44_100);
    let film = endless(g, 1, |n, _| n.rem_euclid(1 << 22) as f32 / (1 << 23) as f32);
    let ticks = 12_000u32;
    let mut mosaic = mosaic(film, &vec![-20.0; ticks as usize + 20], &[]);
    let mut out = vec![0.0; g.block_len()];
    // A jump every thousand ticks.
    let mut expected = 0i64;
    let mut farthest = 0;
    for i in 0..ticks {
        mosaic.push(plain(if i / 1000 % 2 == 0 { i } else { i + 10 }));
        while mosaic.ready() > 0 {
            let n = mosaic.fill(&mut out);
            for (k, y) in (0i64..).zip(&out[..n]) {
                let tick = i64::from(i) - 1;
                let ahead = if tick / 1000 % 2 == 0 { 0 } else { 10 };
                let there = expected + k - g.start_sample(tick) + g.start_sample(tick + ahead);
                let from = (f64::from(*y) * f64::from(1 << 23)) as i64;
                let off = (from - there.rem_euclid(1 << 22)).abs();
                // Fades and the wrapping of the numbers excepted.
                let inside = tick % 1000 > 0 && tick % 1000 < 999 && there.rem_euclid(1 << 22) > 100_000;
                farthest = if inside { farthest.max(off) } else { farthest };
            }
            expected += n as i64;
        }
    }
    // At most the shift of a jump (220) and one for the rounding.
    assert!(farthest <= 221, "{farthest} samples off");
    mosaic.finish();
    assert_eq!(expected + mosaic.ready() as i64, g.start_sample(12_000));
    assert_eq!(g.start_sample(12_000) * 2, 1001 * 44_100);
}

#[test]
fn nothing_is_read_over_a_break_and_nothing_clicks_there() {
    for (tick, rate) in [("30", 22_050), ("24000/1001", 44_100), ("60", 22_050)] {
        let g = grid(tick, rate);
        // The film is 20 units long and nothing but its sound may be read; jumps go from its end to its
        // beginning.
        let film = UnitFilm {
            grid: g,
            channels: 2,
            readable: 0..g.start_sample(20),
            sample: |n, _| 0.5 + 0.1 * (n as f32 * 0.05).sin(),
        };
        let mut mosaic = mosaic(film, &[-20.0; 20], &[]);
        let units = [17, 18, 19, 0, 1, 0, 19, 0, 19, 19, 18, 19, 0, 1, 2];
        let y = played(&mut mosaic, units.map(plain));
        assert!(
            y.chunks_exact(2).collect::<Vec<_>>().windows(2).all(|w| (w[1][0] - w[0][0]).abs() < 0.012),
            "{tick}"
        );
        assert!(y.iter().all(|v| (0.38..0.62).contains(v)));

        // Nor when sounds are moved by up to a tick and read at speeds of their own.
        let mut draw = TickRng::new(5, 5);
        for _ in 0..300 {
            let unit = [0, 0, 1, 2, 3, 16, 17, 18, 19, 19][draw.whole(0, 9) as usize];
            let mut place = || (draw.between(-0.5, 0.5) * g.span(0) as f64) as i64;
            let attack = Some(AttackTarget { at: place(), source: place() });
            let speed = [1.0, 0.5, 0.7, 1.5, 2.0][draw.whole(0, 4) as usize];
            for unit in unit..(unit + draw.whole(1, 4)).min(20) {
                mosaic.push_as(plain(unit), &UnitPlayback { attack, speed });
            }
        }
        mosaic.finish();
        let mut y = vec![0.0; mosaic.ready()];
        mosaic.fill(&mut y);
        assert!(y.iter().all(|v| (0.3..0.7).contains(v)), "{tick}");
    }
}

#[test]
fn memory_does_not_grow() {
    let g = grid("30", 22_050);
    let mut mosaic = mosaic(endless(g, 1, |n, _| noise(n)), &[-20.0; 1000], &[]);
    let mut out = [0.0; 735];
    for unit in jumping(5000, 4, 1) {
        mosaic.push(plain(unit));
        while mosaic.ready() > 0 {
            mosaic.fill(&mut out);
        }
    }
    assert!(mosaic.held() < 8 * 735, "{}", mosaic.held());
}

/// Every third unit has a sound that begins at once and dies away, somewhere around its border; so should the
/// film.
#[test]
fn attacks_come_to_the_frame_and_whole() {
    for (tick, rate) in [("30", 22_050), ("25", 44_100)] {
        let g = grid(tick, rate);
        let places = |seed: u64| -> Vec<i64> {
            let mut draw = TickRng::new(seed, 9);
            (0..300).map(|_| (draw.between(-0.4, 0.6) * g.span(0) as f64) as i64).collect()
        };
        let (there, attacks) = (places(1), places(2));
        let ping = |n: i64| if n < 0 { 0.0 } else { 0.5 * (-(n as f64) / (0.02 * f64::from(rate))).exp() };
        let sounds = there.clone();
        let sample = move |n: i64, _: usize| {
            let near = (n * 10 / g.start_sample(10) / 3).clamp(1, 298);
            (near - 1..=near + 1).map(|k| ping(n - g.start_sample(3 * k) - sounds[k as usize])).sum::<f64>()
                as f32
        };
        let mut mosaic = mosaic(endless(g, 1, sample), &[-20.0; 900], &[]).with_clips();
        let mut draw = TickRng::new(3, 3);
        let mut from: Vec<u32> = Vec::new();
        for place in attacks.iter().take(200) {
            let k = draw.whole(5, 290);
            from.push(k);
            let attack = AttackTarget { at: *place, source: there[k as usize] };
            mosaic.push_as(plain(3 * k), &UnitPlayback { attack: Some(attack), speed: 1.0 });
            // What goes on is not moved.
            mosaic.push_as(
                plain(3 * k + 1),
                &UnitPlayback { attack: Some(AttackTarget { at: 0, source: 99 }), speed: 1.0 },
            );
            mosaic.push(plain(3 * k + 2));
        }
        mosaic.finish();
        let mut y = vec![0.0; mosaic.ready()];
        mosaic.fill(&mut y);
        for k in 1..200 {
            let begin = g.start_sample(3 * k as i64) + attacks[k];
            // One that jumps to what follows it in the source is no jump.
            if from[k] == from[k - 1] + 1 {
                continue;
            }
            for n in 0..rate as i64 / 100 {
                let (is, should) = (y[(begin + n) as usize], ping(n) as f32);
                // What died away before is still there, at a twentieth.
                assert!((is - should).abs() < 0.03, "{tick}, {k}: {is}, not {should}, {n} after the attack");
            }
            let step = y[begin as usize] - y[begin as usize - 1];
            assert!(step > 0.45, "{tick}, {k}: a step of {step}");
        }
    }
}

/// Read faster or slower, a tone has another pitch, and a noise comes when it should: its loudness is a ramp
/// over the source.
#[test]
fn speed_changes_the_pitch_and_not_the_time() {
    let g = grid("30", 22_050);
    for cents in [-1200, -700, -100, -30, 30, 100, 400, 1200] {
        let speed = (f64::from(cents) / 1200.0).exp2();
        let playback = UnitPlayback { attack: None, speed };
        let w = TAU * 440.0 / 22_050.0;
        let played = |sample: &(dyn Fn(i64, usize) -> f32 + Send + Sync)| {
            let mut mosaic = mosaic(endless(g, 1, sample), &[-20.0; 1000], &[]);
            (100..300).for_each(|unit| mosaic.push_as(plain(unit), &playback));
            mosaic.finish();
            let mut y = vec![0.0; mosaic.ready()];
            mosaic.fill(&mut y);
            y
        };
        let tone = played(&|n, _| (0.5 * (n as f64 * w).sin()) as f32);
        let mut finder = PitchFinder::new(g.rate, 2048);
        for at in (4096..tone.len() as i64 - 4096).step_by(1000) {
            let found = finder.of(&tone, at).hz;
            let off = 1200.0 * (found / (440.0 * speed)).log2();
            assert!(off.abs() < 15.0, "{cents} cents: {found} Hz at {at}");
        }
        let level = db(power(&tone[2000..]) / 0.125);
        assert!(level.abs() < 0.5, "{cents} cents: {level} dB");
        // The source is twice as loud with every second.
        let swell = |n: i64, _: usize| noise(n) * ((n as f64 / 22_050.0 - 10.0).exp2()) as f32;
        let noise = played(&swell);
        for tick in (20..180).step_by(20) {
            let at = g.start_sample(tick) as usize..g.start_sample(tick + 4) as usize;
            let source: Vec<f32> =
                (g.start_sample(100 + tick)..g.start_sample(104 + tick)).map(|n| swell(n, 0)).collect();
            let off = db(power(&noise[at]) / power(&source));
            assert!(off.abs() < 1.5, "{cents} cents, tick {tick}: {off} dB");
        }
    }
}

/// The clips of a mosaic sound like it: tones and noises, one channel and two, gates, gains and ends of
/// sources.
#[test]
fn clips_replay_the_mosaic() {
    for (tick, rate, channels) in [("30", 22_050, 1), ("29.97", 44_100, 2), ("25", 48_000, 2)] {
        let g = grid(tick, rate);
        let w = TAU * 311.0 / f64::from(rate);
        let tone = |n: i64, c: usize| (0.4 * (n as f64 * w * (c + 1) as f64).sin()) as f32;
        let both = |n: i64, c: usize| tone(n, c) + 0.2 * noise(2 * n + c as i64);
        let sounds: [&(dyn Fn(i64, usize) -> f32 + Send + Sync); 3] =
            [&tone, &|n, c| noise(2 * n + c as i64), &both];
        for (sample, fast) in
            sounds.into_iter().zip([1.0, 1.0, 1.0]).chain([(sounds[0], 1.3), (sounds[0], 0.8)])
        {
            let mut draw = TickRng::new(3, 3);
            let mut wild = |unit| SelectedUnit {
                unit,
                loudness_db: draw.between(-40.0, -10.0) as f32,
                gate: if draw.unit() < 0.3 { draw.unit() as f32 } else { 0.0 },
            };
            // Every hundredth unit is the end of a source, and some runs go as far as that.
            let mut units = jumping(400, 4, 2);
            units.extend([98, 99, 500, 501, 199, 299, 0, 1, 2, 100, 499, 300]);
            let breaks: Vec<usize> = (0..10).map(|k| 99 + 100 * k).collect();
            let descriptors = UnitDescriptors::new(
                0,
                &[],
                &[-20.0; 1000],
                &(0..1000).map(|j| !breaks.contains(&j)).collect::<Vec<_>>(),
            );
            let film = endless(g, channels, sample);
            let mut mosaic =
                Mosaic::new(g, Arc::new(descriptors.unwrap()), film, &MosaicConfig::default()).with_clips();
            let mut clips = Vec::new();
            let mut place = TickRng::new(4, 4);
            for unit in &units {
                let mut frame = || (place.between(-0.5, 0.5) * g.span(0) as f64) as i64;
                let attack = AttackTarget { at: frame(), source: frame() };
                let attack = Some(attack).filter(|a| a.at % 3 == 0);
                mosaic.push_as(
                    wild(*unit),
                    &UnitPlayback { attack, speed: if *unit % 50 < 10 { fast } else { 1.0 } },
                );
                mosaic.take_clips(&mut clips);
            }
            mosaic.finish();
            mosaic.take_clips(&mut clips);
            let mut y = vec![0.0; mosaic.ready()];
            mosaic.fill(&mut y);

            let again = replayed(&clips, &endless(g, channels, sample), y.len());
            let error: Vec<f32> = y.iter().zip(&again).map(|(a, b)| a - b).collect();
            let off = db(power(&error) / power(&y));
            println!("{tick} at {rate}, {channels} channels: {off:.1} dB, {} clips", clips.len());
            assert!(off < -50.0, "{off:.1} dB");

            // By name they follow one another without a gap.
            let mut until = 0;
            for clip in &clips {
                assert!(clip.at == until || clip.frames == 0, "{clip:?} after {until}");
                until += clip.frames;
                assert!(clip.envelope.windows(2).all(|w| w[0].0 < w[1].0), "{clip:?}");
            }
            assert_eq!(until, g.start_sample(units.len() as i64));
            assert!(clips.iter().any(|clip| clip.speed < 0.0), "nothing was mirrored");
        }
    }
}
