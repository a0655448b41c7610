//! Spectral convergence, and the phases of sines and clicks.

use crate::spectral::phase::griffin_lim::{GriffinLim, GriffinLimBlocks, SoundBlock, Start};
use crate::spectral::phase::rtpghi::Rtpghi;
use crate::spectral::phase::simple::{BorrowedPhase, RandomWalk};
use crate::spectral::phase::*;
use crate::stft::{PowerSpectrum, Stft};
use crate::tick_rng::TickRng;
use crate::window::{Form, Window};
use std::f64::consts::TAU;

const RATE: f64 = 22_050.0;

/// Two seconds of a gliding tone of six harmonics with a click every 125 ms.
fn tone_and_clicks() -> Vec<f32> {
    let n = 2 * RATE as usize;
    let mut phase = 0.0;
    let mut signal: Vec<f32> = (0..n)
        .map(|i| {
            phase += TAU * (180.0 + 120.0 * i as f64 / n as f64) / RATE;
            (1..=6).map(|h| 0.2 / f64::from(h) * (f64::from(h) * phase).sin()).sum::<f64>() as f32
        })
        .collect();
    (1..16).for_each(|c| signal[c * 2756] += 0.9);
    signal
}

fn stft(size: usize, hop: usize) -> Stft {
    Stft::new(size, hop, Window::Hann).unwrap()
}

fn convergence(signal: &[f32], size: usize, make: impl FnOnce(&mut Stft, &Magnitudes) -> Vec<f32>) -> f64 {
    let mut stft = stft(size, size / 4);
    let magnitudes = Magnitudes::of(&stft.forward(signal));
    let made = make(&mut stft, &magnitudes);
    spectral_convergence(&mut stft, &made, &magnitudes)
}

fn after(signal: &[f32], size: usize, iterations: u32, start: Start<'_>) -> f64 {
    let method = GriffinLim { iterations, ..Default::default() };
    convergence(signal, size, |stft, magnitudes| method.run(stft, magnitudes, signal.len(), start))
}

fn causal(signal: &[f32], size: usize, mut source: impl CausalPhase) -> f64 {
    convergence(signal, size, |stft, magnitudes| {
        stft.inverse(&magnitudes.with_phases(&mut source), signal.len())
    })
}

fn rtpghi(size: usize, hop: usize) -> Rtpghi {
    Rtpghi::new(size, hop, Window::Hann, 1).unwrap()
}

#[test]
fn griffin_lim_converges() {
    let signal = tone_and_clicks();
    for size in [512, 1024, 2048] {
        let from_slopes = after(&signal, size, 32, Start::Gradient(Window::Hann));
        let from_noise = after(&signal, size, 32, Start::Random);
        let long = after(&signal, size, 300, Start::Gradient(Window::Hann));
        println!(
            "{size}: 32 iterations {from_slopes:.4}, from random {from_noise:.4}, 300 iterations {long:.4}"
        );
        assert!(from_slopes <= 0.03, "{size}: {from_slopes}");
        assert!(from_noise <= 0.10, "{size}: {from_noise}");
        assert!(long <= 0.02 && long < from_slopes, "{size}: {long}");
    }
}

#[test]
fn slopes_beat_chance() {
    let signal = tone_and_clicks();
    for size in [512, 1024, 2048] {
        let slopes = causal(&signal, size, rtpghi(size, size / 4));
        let ahead = after(&signal, size, 1, Start::Gradient(Window::Hann));
        let chance = after(&signal, size, 1, Start::Random);
        let walk = causal(&signal, size, RandomWalk::new(size, size / 4, 0.25, 1));
        println!("{size}: causal {slopes:.3}, a frame ahead {ahead:.3}, random {chance:.3}, walk {walk:.3}");
        assert!(slopes < 0.08 && slopes < chance / 8.0 && slopes < walk / 5.0, "{size}: {slopes}");
        assert!(ahead < 0.08, "{size}: {ahead}");
    }
}

#[test]
fn a_steady_sine_stays_one() {
    for (size, hop) in [(1024, 256), (1024, 128), (2048, 512)] {
        for hz in [440.0, 1000.0, 3333.3] {
            let n = 44_100;
            let signal: Vec<f32> =
                (0..n).map(|i| (0.5 * (TAU * hz * i as f64 / RATE).sin()) as f32).collect();
            let mut stft = stft(size, hop);
            let magnitudes = Magnitudes::of(&stft.forward(&signal));
            let made = stft.inverse(&magnitudes.with_phases(&mut rtpghi(size, hop)), n);
            let mut spectrum = PowerSpectrum::new(16_384, Window::Gaussian { sigma: 0.1 }, Form::Symmetric);
            let power = spectrum.of(&made, 12_000).to_vec();
            let top = (0..power.len()).max_by(|a, b| power[*a].total_cmp(&power[*b])).unwrap();
            let got = top as f64 * RATE / 16_384.0;
            let elsewhere = power[..top - 20].iter().chain(&power[top + 21..]).copied().fold(0.0, f64::max);
            let ratio = 10.0 * (power[top] / elsewhere).log10();
            println!("{size}/{hop} {hz}: {got:.2} Hz, {ratio:.1} dB");
            assert!((got - hz).abs() < 1.5, "{hz} became {got}");
            assert!(ratio > 40.0, "{size}/{hop} {hz}: {ratio} dB");
        }
    }
}

#[test]
fn clicks_stay_sharp() {
    let mut signal = vec![0.0; 44_100];
    let clicks: Vec<usize> = (1..20).map(|c| c * 2205 + c * 7).collect();
    clicks.iter().for_each(|c| signal[*c] = 1.0);
    let near = |made: &[f32]| {
        let energy = |x: &[f32]| x.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>();
        clicks.iter().map(|c| energy(&made[c - 44..=c + 44])).sum::<f64>() / energy(made)
    };
    for (size, hop) in [(1024, 256), (1024, 128), (512, 128)] {
        let mut stft = stft(size, hop);
        let magnitudes = Magnitudes::of(&stft.forward(&signal));
        let made = stft.inverse(&magnitudes.with_phases(&mut rtpghi(size, hop)), signal.len());
        let walk =
            stft.inverse(&magnitudes.with_phases(&mut RandomWalk::new(size, hop, 0.5, 1)), signal.len());
        println!(
            "{size}/{hop}: {:.3} of the energy within 2 ms; random walk {:.3}",
            near(&made),
            near(&walk)
        );
        assert!(near(&made) > 0.95 && near(&made) > 2.0 * near(&walk), "{size}/{hop}: {}", near(&made));
    }
}

#[test]
fn blocks_are_as_good_as_the_whole_and_join_without_a_dip() {
    let mut signal = tone_and_clicks();
    (0..2).for_each(|_| signal.extend_from_within(..));
    let (size, hop) = (1024, 256);
    let mut stft = stft(size, hop);
    let magnitudes = Magnitudes::of(&stft.forward(&signal));
    let method = GriffinLim::default();
    let second = RATE as usize;
    let mut blocks =
        GriffinLimBlocks::new(method, [size, hop], Window::Hann, [3 * second, second / 2]).unwrap();
    let mut made = vec![0.0; signal.len() + 2 * hop];
    let mut complete = 0;
    let mut blocks_out: Vec<SoundBlock> =
        magnitudes.frames().filter_map(|frame| blocks.push(frame)).collect();
    blocks_out.extend(blocks.finish());
    assert!(blocks_out.len() >= 3);
    for block in &blocks_out {
        assert!(block.first <= complete && block.complete > complete, "a hole or no step on");
        complete = block.complete;
        for ((y, x), e) in made[block.first..].iter_mut().zip(&block.samples).zip(&block.envelope) {
            *y += x * e;
        }
    }
    assert!(complete >= signal.len());
    made.truncate(signal.len());
    let whole = after(&signal, size, 32, Start::Gradient(Window::Hann));
    let joined = spectral_convergence(&mut stft, &made, &magnitudes);
    println!("whole {whole:.4}, blocks {joined:.4}");
    assert!(joined < 0.03, "{joined} beside {whole}");
}

#[test]
fn borrowed_phases_give_the_source_back_and_loop() {
    let (size, hop) = (512, 128);
    let mut rng = TickRng::new(3, 3);
    let noise: Vec<f32> = (0..40 * hop).map(|_| rng.between(-0.5, 0.5) as f32).collect();
    let mut stft = stft(size, hop);
    let twice = [&noise[..], &noise[..]].concat();
    let magnitudes = Magnitudes::of(&stft.forward(&twice));
    let mut borrowed = BorrowedPhase::new(noise, size, hop, Window::Hann).unwrap();
    let made = stft.inverse(&magnitudes.with_phases(&mut borrowed), twice.len());
    let worst = (size..twice.len() - size).map(|i| (made[i] - twice[i]).abs()).fold(0.0, f32::max);
    assert!(worst < 1e-5, "{worst}");
    let mut empty = BorrowedPhase::new(Vec::new(), size, hop, Window::Hann).unwrap();
    assert!(magnitudes.with_phases(&mut empty).data.iter().all(|x| x.re.is_finite()));
}

#[test]
fn frames_depend_on_the_seed_alone() {
    let signal = tone_and_clicks();
    let magnitudes = Magnitudes::of(&stft(512, 128).forward(&signal));
    let sources = |seed| -> Vec<Box<dyn CausalPhase>> {
        vec![
            Box::new(Rtpghi::new(512, 128, Window::Hann, seed).unwrap()),
            Box::new(RandomWalk::new(512, 128, 0.5, seed)),
        ]
    };
    for ((mut one, mut same), mut other) in sources(1).into_iter().zip(sources(1)).zip(sources(2)) {
        let first = magnitudes.with_phases(&mut *one);
        assert!(first == magnitudes.with_phases(&mut *same));
        assert!(first != magnitudes.with_phases(&mut *other));
        one.reset();
        assert!(first == magnitudes.with_phases(&mut *one), "a reset leaves something behind");
    }
}

#[test]
fn nonsense_gives_silence_not_panic() {
    let mut spectrum = vec![Complex32::default(); 257];
    let mut source = rtpghi(512, 128);
    for value in [0.0, f32::NAN, f32::INFINITY, -1.0, 1e30, 1e-30] {
        source.next(&[value; 257], &mut spectrum);
        assert!(spectrum.iter().all(|x| x.re.is_finite() && x.im.is_finite()), "{value}");
    }
}

#[test]
fn names_are_kebab_case() {
    for (phase, name) in [
        (Phase::Rtpghi, "\"rtpghi\""),
        (Phase::GriffinLim, "\"griffin-lim\""),
        (Phase::RandomWalk, "\"random-walk\""),
        (Phase::Borrowed, "\"borrowed\""),
    ] {
        assert_eq!(serde_json::to_string(&phase).unwrap(), name);
        assert_eq!(serde_json::from_str::<Phase>(name).unwrap(), phase);
    }
}

/// Spectral convergence, the distance of the magnitudes of `signal` from given ones: ‖|STFT(x)| − S‖ / ‖S‖.
/// Sturmel and Daudet, "Signal reconstruction from STFT magnitude: a state of the art", DAFx 2011. A frame
/// that the signal lacks counts as silence.
fn spectral_convergence(stft: &mut Stft, signal: &[f32], magnitudes: &Magnitudes) -> f64 {
    let got = stft.forward(signal);
    let (mut error, mut power) = (0.0, 0.0);
    for (i, magnitude) in magnitudes.data.iter().enumerate() {
        let is = got.data.get(i).map_or(0.0, |x| x.norm());
        error += f64::from(is - magnitude).powi(2);
        power += f64::from(*magnitude).powi(2);
    }
    if power > 0.0 { (error / power).sqrt() } else { error.sqrt() }
}
