//! Speed of the spectral synth and of Griffin-Lim on one core, in multiples of real time.
//!
//! Each row makes [`SECONDS`] seconds of sound at 22 050 Hz; the column of items shows seconds of sound a
//! second.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use kinophone_dsp::metrics::BANDS;
use kinophone_dsp::spectral::{
    GriffinLim, Magnitudes, Phase, SpectralConfig, SpectralFrame, SpectralSynth, Start,
};
use kinophone_dsp::stft::Stft;
use kinophone_dsp::units::{FrameRate, SampleRate, TickGrid};
use kinophone_dsp::window::Window;

const RATE: u32 = 22_050;
const SECONDS: usize = 10;

fn main() {
    divan::main();
}

/// The synth as it plays, tick by tick.
#[divan::bench(args = [Phase::Rtpghi, Phase::RandomWalk, Phase::Borrowed], sample_count = 10)]
fn causal(bencher: Bencher<'_, '_>, phase: Phase) {
    let tick = FrameRate::new(30, 1).expect("a rate");
    let grid = TickGrid { tick, rate: SampleRate::new(RATE).expect("a rate") };
    let mut synth = SpectralSynth::new(grid, &SpectralConfig { phase, ..Default::default() }, None);
    let rows: Vec<[f32; BANDS]> = (0..30 * SECONDS)
        .map(|i| std::array::from_fn(|b| (b as f32 * 0.2 + i as f32 * 0.1).sin() - b as f32 * 0.02))
        .collect();
    let mut out = vec![0.0; 735];
    bencher.counter(ItemsCount::new(SECONDS)).bench_local(|| {
        for bands in &rows {
            synth.push(SpectralFrame { bands: black_box(bands), loudness_db: -20.0, silence: 0.1 });
            while synth.ready() > 0 {
                synth.fill(black_box(&mut out));
            }
        }
    });
}

/// Griffin-Lim over whole sounds, frames of 1024 at a hop of 256.
#[divan::bench(args = [32], sample_count = 5)]
fn griffin_lim(bencher: Bencher<'_, '_>, iterations: u32) {
    let mut stft = Stft::new(1024, 256, Window::Hann).expect("an even size");
    let sound: Vec<f32> =
        (0..SECONDS * RATE as usize).map(|n| (n as f32 * 0.05).sin() * (n as f32 * 1e-4).sin()).collect();
    let wanted = Magnitudes::of(&stft.forward(&sound));
    let method = GriffinLim { iterations, ..GriffinLim::default() };
    bencher.counter(ItemsCount::new(SECONDS)).bench_local(|| {
        black_box(method.run(&mut stft, &wanted, sound.len(), Start::Gradient(Window::Hann)))
    });
}
