//! Speed of fingerprints on one core, in multiples of real time, beside what they can't do without: the bare
//! transform of their frames.
//!
//! Each row takes [`SECONDS`] seconds of sound at 16 kHz, or as many seconds of pictures; the column of items
//! shows seconds a second.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use kinophone::dsp::units::MediaTime;
use kinophone_provenance::fingerprint::{
    HOP, LandmarkExtractor, PictureExtractor, SOUND_RATE, SoundQueryBuilder,
};
use realfft::RealFftPlanner;

const SECONDS: usize = 60;
const SIDE: usize = 128;

fn main() {
    divan::main();
}

/// Notes that begin and fade, over noise.
fn sound() -> Vec<f32> {
    let (mut state, mut sound) = (1u32, vec![0.0f32; SECONDS * SOUND_RATE as usize]);
    let mut draw = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32
    };
    sound.iter_mut().for_each(|x| *x = 0.02 * (draw() - 0.5));
    for _ in 0..12 * SECONDS {
        let (start, hz) = ((draw() * sound.len() as f32) as usize, 220.0 * (4.0 * draw()).exp2());
        for (n, y) in sound[start..].iter_mut().take(16_000).enumerate() {
            let turn = std::f32::consts::TAU * hz / SOUND_RATE as f32 * n as f32;
            *y += 0.1 * (-(n as f32) / 4000.0).exp() * turn.sin();
        }
    }
    sound
}

/// The floor: window and transform of every frame.
#[divan::bench(sample_count = 20)]
fn transform_alone(bencher: Bencher<'_, '_>) {
    let sound = sound();
    let transform = RealFftPlanner::<f32>::new().plan_fft_forward(2048);
    let (mut frame, mut spectrum, mut scratch) =
        (transform.make_input_vec(), transform.make_output_vec(), transform.make_scratch_vec());
    let window = vec![0.5f32; 2048];
    bencher.counter(ItemsCount::new(SECONDS)).bench_local(|| {
        for samples in sound.windows(2048).step_by(HOP) {
            frame.iter_mut().zip(samples).zip(&window).for_each(|((x, s), w)| *x = s * w);
            transform
                .process_with_scratch(&mut frame, &mut spectrum, &mut scratch)
                .expect("lengths of the plan");
            black_box(&spectrum);
        }
    });
}

#[divan::bench(sample_count = 20)]
fn landmarks(bencher: Bencher<'_, '_>) {
    let sound = sound();
    bencher.counter(ItemsCount::new(SECONDS)).bench_local(|| {
        let (mut extractor, mut out) = (LandmarkExtractor::default(), Vec::new());
        sound.chunks(1 << 14).for_each(|piece| extractor.push(black_box(piece), &mut out));
        extractor.finish(&mut out);
        out
    });
}

#[divan::bench(sample_count = 20)]
fn query_peaks(bencher: Bencher<'_, '_>) {
    let sound = sound();
    bencher.counter(ItemsCount::new(SECONDS)).bench_local(|| {
        let mut builder = SoundQueryBuilder::default();
        sound.chunks(1 << 14).for_each(|piece| builder.push(black_box(piece)));
        builder.finish()
    });
}

/// Pictures of 128 × 128 pixels, 24 a second.
#[divan::bench(sample_count = 20)]
fn pictures(bencher: Bencher<'_, '_>) {
    let shade = |k: usize, n: usize| ((k % SIDE * 3 + k / SIDE * 5 + n * 7) % 256) as u8;
    let pictures: Vec<Vec<u8>> = (0..24).map(|n| (0..SIDE * SIDE).map(|k| shade(k, n)).collect()).collect();
    bencher.counter(ItemsCount::new(SECONDS)).bench_local(|| {
        let (mut extractor, mut out) = (PictureExtractor::new(SIDE), Vec::new());
        for n in 0..24 * SECONDS {
            extractor.push(MediaTime(n as i64 * 1_000_000 / 24), black_box(&pictures[n % 24]), &mut out);
        }
        extractor.finish(MediaTime::from_secs(SECONDS as i64), &mut out);
        out
    });
}
