use crate::classic::rows::*;
use crate::dataset::{Shard, ShardWriter, SoundTrack, SyntheticFilm};
use crate::storage::Overwrite;
use crate::task::{Cancel, Quiet, Watcher};
use kinophone_dsp::units::{FrameRate, MediaTime, SampleRate};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Mutex;

fn grid(tick: &str, rate: u32) -> TickGrid {
    TickGrid { tick: tick.parse().unwrap(), rate: SampleRate::new(rate).unwrap() }
}

/// Ten ticks a second of 1 kHz sound, so that a plain synthetic film passes unchanged: tick `i` is picture `i`.
fn options() -> RowOptions {
    RowOptions {
        grid: grid("10", 1000),
        hops: 1,
        format: FrameFormat::Pcm,
        size: 2,
        colour: false,
        hold_out: HoldOut::Every5th,
        silence_secs: 0.0,
        seed: 1,
    }
}

fn rows(films: &[SyntheticFilm], options: &RowOptions) -> Result<DatasetRows> {
    rows_told(films, options, &Quiet)
}

fn rows_told(films: &[SyntheticFilm], options: &RowOptions, watcher: &dyn Watcher) -> Result<DatasetRows> {
    let folder = tempfile::tempdir().unwrap();
    let shards = films.iter().map(|film| film.open(folder.path())).collect();
    DatasetRows::new(Corpus { shards }, options, folder.path(), Task { watcher, cancel: &Cancel::default() })
}

fn row(rows: &DatasetRows, row: u32) -> (Vec<f32>, Vec<f32>) {
    let (mut picture, mut target) = (vec![f32::NAN; rows.picture_len()], vec![f32::NAN; rows.target_len()]);
    rows.fill(&[row], &mut picture, &mut target);
    (picture, target)
}

#[test]
fn a_row_is_its_ticks_picture_and_sound() {
    let rows = rows(&[SyntheticFilm::plain("a", 30.0)], &options()).unwrap();
    for i in [0, 7, 299] {
        let (picture, target) = row(&rows, i);
        assert_eq!(rows.place(i), Some((0, i as usize)));
        assert!(picture.iter().all(|p| (p * 255.0 - (i % 256) as f32).abs() < 1e-4));
        let sound: Vec<f32> = (0..100).map(|s| ((i * 100 + s) % 1000) as f32 / 32768.0).collect();
        assert_eq!(target, sound, "tick {i}");
    }
}

#[test]
fn two_hops_are_centred_and_silent_beyond_both_ends() {
    let options = RowOptions { hops: 2, ..options() };
    let mut film = SyntheticFilm::plain("a", 30.0);
    film.sound = Some(vec![1000; 30_000]);
    let rows = rows(&[film], &options).unwrap();
    assert_eq!(rows.target_len(), 200);
    let loud = |row_number| row(&rows, row_number).1.iter().map(|s| *s > 0.0).collect::<Vec<bool>>();
    assert_eq!(loud(0), [vec![false; 50], vec![true; 150]].concat());
    assert_eq!(loud(1), vec![true; 200]);
    assert_eq!(loud(299), [vec![true; 150], vec![false; 50]].concat());
}

/// Spectra are those of the film's sound at their places, before its beginning and after its end, too.
#[test]
fn spectra_are_those_of_the_sound_around_the_tick() {
    for (format, hops) in [(FrameFormat::Stft, 1), (FrameFormat::StftPhase, 2)] {
        let options = RowOptions { format, hops, ..options() };
        let mut film = SyntheticFilm::plain("a", 30.0);
        film.sound = Some((0..30_000).map(|n| (8000.0 * (0.3 * f64::from(n)).sin()) as i16).collect());
        let rows = rows(&[film], &options).unwrap();
        let mut speech = FrameCodec::new(format, options.grid, hops);
        assert_eq!(rows.target_len(), format.numbers(options.grid, hops));
        for tick in [0, 1, 150, 299] {
            let mut sound = vec![0.0; speech.samples()];
            rows.dataset.read_sound(0, speech.first_sample(tick), &mut sound);
            let mut expected = vec![0.0; speech.numbers()];
            speech.encode(&sound, &mut expected);
            assert!(
                row(&rows, tick as u32).1 == expected && expected.iter().any(|x| *x > 0.01),
                "{format:?} {tick}"
            );
        }
    }
}

#[test]
fn stereo_is_averaged_and_a_short_sound_ends_in_silence() {
    let mut film = SyntheticFilm::plain("a", 30.0);
    film.channels = 2;
    film.sound = Some([300, 100].repeat(1050));
    let rows = rows(&[film], &options()).unwrap();
    let all = |target: &[f32], value: i16| target.iter().all(|s| *s == f32::from(value) / 32768.0);
    assert!(all(&row(&rows, 9).1, 200));
    let (_, target) = row(&rows, 10);
    assert!(all(&target[..50], 200) && all(&target[50..], 0));
    assert!(all(&row(&rows, 200).1, 0));
}

#[test]
fn ticks_before_the_first_picture_have_no_pair() {
    let mut film = SyntheticFilm::plain("a", 20.0);
    film.times = film.times.iter().map(|t| t + 560_000).collect();
    film.end += 560_000;
    let rows = rows(&[film], &options()).unwrap();
    // Tick 6 (middle at 0.65 s) sees the first picture, tick 5 (0.55 s) none; tick 205 (20.55 s) sees the last one.
    let first_tick = rows.dataset.film(0).first_tick;
    assert_eq!((rows.place(0), first_tick, rows.first_silent), (Some((0, 0)), 6, 200));
    let (picture, target) = row(&rows, 0);
    assert_eq!((picture[0], target[0]), (0.0, 600.0 / 32768.0));
}

#[test]
fn rows_of_several_films_follow_each_other() {
    let rows = rows(&[SyntheticFilm::plain("a", 1.0), SyntheticFilm::plain("b", 2.0)], &options()).unwrap();
    assert_eq!(rows.place(9), Some((0, 9)));
    assert_eq!(rows.place(10), Some((1, 0)));
    assert_eq!(rows.place(29), Some((1, 19)));
    assert_eq!(row(&rows, 10).1[..2], [0.0, 1.0 / 32768.0]);
    // Many rows at once are the same as one by one, in any order.
    let numbers = [29, 3, 10, 3];
    let (mut pictures, mut targets) = (vec![0.0; 4 * 4], vec![0.0; 4 * 100]);
    rows.fill(&numbers, &mut pictures, &mut targets);
    for (k, number) in numbers.into_iter().enumerate() {
        assert_eq!(row(&rows, number), (pictures[4 * k..][..4].to_vec(), targets[100 * k..][..100].to_vec()));
    }
}

/// Samples a second of the flashing films.
const RATE: u32 = 3000;

/// Half an hour of flashes of a tenth of a second, each with a click of one sample at the time its first picture
/// appears.
struct Flashes {
    folder: tempfile::TempDir,
    shard: PathBuf,
    clicks: Vec<i64>,
}

impl Flashes {
    fn new(times: &[i64]) -> Self {
        let end = MediaTime(times[times.len() - 1] + 20_000);
        let rate = SampleRate::new(RATE).unwrap();
        let about = [1.0, 3.3, 900.017, 1_500.5, 1_798.004];
        let first = |secs: &f64| times[times.partition_point(|t| (*t as f64) < secs * 1e6)];
        let clicks: Vec<i64> = about.iter().map(|secs| rate.sample_at(MediaTime(first(secs)))).collect();
        let folder = tempfile::tempdir().unwrap();
        let shard = folder.path().join("flash.safetensors");
        let source = SyntheticFilm::plain("flash", 1.0).source();
        let mut writer = ShardWriter::create(&shard, Overwrite::Refuse, 2, false, source).unwrap();
        for time in times {
            let sample = rate.sample_at(MediaTime(*time));
            let bright = clicks.iter().any(|click| (*click..click + i64::from(RATE) / 10).contains(&sample));
            writer.push(MediaTime(*time), &[if bright { 255 } else { 0 }; 4]).unwrap();
        }
        let mut sound = vec![0; 2 * rate.sample_at(end) as usize];
        clicks
            .iter()
            .for_each(|click| sound[2 * *click as usize..][..2].copy_from_slice(&30_000i16.to_le_bytes()));
        let (mut data, samples) = (&sound[..], sound.len() as u64 / 2);
        writer.finish(end, Some(SoundTrack::new(rate, 1, samples, &mut data))).unwrap();
        Self { folder, shard, clicks }
    }

    /// The click must lie in the targets where it was put, and at most half a tick (and the rounding of one sample) from
    /// the beginning of the first tick that sees the flash.
    fn assert_aligned(&self, options: &RowOptions, what: &str) {
        let corpus = Corpus { shards: vec![Shard::open(&self.shard).unwrap()] };
        let task = Task { watcher: &Quiet, cancel: &Cancel::default() };
        let rows = DatasetRows::new(corpus, options, self.folder.path(), task).unwrap();
        let grid = options.grid;
        let half_tick = grid.block_len() as i64 / 2 + 1;
        for click in &self.clicks {
            let nearest = grid.tick.ticks_in(grid.rate.time_of(*click)) as u32;
            let near = nearest.saturating_sub(3)..nearest + 4;
            let seen = near.clone().find(|r| row(&rows, *r).0[0] == 1.0).expect(what);
            assert!(
                (grid.start_sample(i64::from(seen)) - click).abs() <= half_tick,
                "{what}: flash of {click}"
            );
            let mut heard = BTreeSet::new();
            for r in near {
                let first = FrameFormat::Pcm.first_sample(grid, options.hops, i64::from(r));
                let (_, target) = row(&rows, r);
                heard.extend((first..).zip(&target).filter(|(_, s)| **s > 0.5).map(|(at, _)| at));
            }
            assert_eq!(heard.into_iter().collect::<Vec<_>>(), [*click], "{what}");
        }
    }
}

#[test]
fn flash_and_click_stay_together_for_half_an_hour_at_any_rate() {
    for rate in ["23.976", "24", "25", "29.97", "30", "50", "60"] {
        let rate: FrameRate = rate.parse().unwrap();
        let pictures = rate.ticks_in(MediaTime::from_secs(1800)) as i64;
        let film = Flashes::new(&(0..pictures).map(|k| rate.time_of(k).0).collect::<Vec<_>>());
        for (tick, hops) in [("30", 1), ("29.97", 2), ("24", 1)] {
            let options = RowOptions { grid: grid(tick, RATE), hops, ..options() };
            film.assert_aligned(&options, &format!("film {rate}, tick {tick}"));
        }
    }
}

#[test]
fn flash_and_click_stay_together_at_a_variable_rate() {
    // Intervals of 5 to 80 ms, from a multiplicative congruential generator.
    let (mut state, mut time, mut times) = (1u64, 0i64, Vec::new());
    while time < 1_800_000_000 {
        times.push(time);
        state = state * 48_271 % 2_147_483_647;
        time += 5_000 + (state % 75_000) as i64;
    }
    Flashes::new(&times).assert_aligned(&RowOptions { grid: grid("30", RATE), ..options() }, "variable");
}

#[test]
fn resampled_sound_keeps_its_place() {
    let mut film = SyntheticFilm::plain("a", 60.0);
    film.rate = 44_100;
    let mut sound = vec![0i16; 60 * 44_100];
    // A short hump that survives the low-pass filter: 41 samples of a squared sine around 55.5 s.
    let centre = 55.5 * 44_100.0;
    for k in -20i32..=20 {
        let bend = (f64::from(k) / 20.0 * std::f64::consts::FRAC_PI_2).cos();
        sound[(centre as i64 + i64::from(k)) as usize] = (20_000.0 * bend * bend) as i16;
    }
    film.sound = Some(sound);
    let options = RowOptions { grid: grid("10", 22_050), hold_out: HoldOut::None, ..options() };
    let rows = rows(&[film], &options).unwrap();
    let (mut weight, mut moment) = (0.0, 0.0);
    for tick in 550..560 {
        let first = options.grid.start_sample(tick) as f64;
        for (k, s) in row(&rows, tick as u32).1.iter().enumerate() {
            weight += f64::from(*s);
            moment += f64::from(*s) * (first + k as f64);
        }
    }
    assert!((moment / weight - centre / 2.0).abs() < 0.05, "{}", moment / weight - centre / 2.0);
}

#[test]
fn larger_and_coloured_shards_are_reduced_and_lesser_ones_refused() {
    let film = |size, colour| SyntheticFilm { size, colour, ..SyntheticFilm::plain("a", 30.0) };
    for (size, colour) in [(2, true), (5, false), (7, true)] {
        let (picture, _) = row(&rows(&[film(size, colour)], &options()).unwrap(), 100);
        assert!(picture.iter().all(|p| (p * 255.0 - 100.0).abs() < 1e-3), "{size} {colour}: {picture:?}");
    }
    let in_colour = RowOptions { colour: true, ..options() };
    assert_eq!(rows(&[film(4, true)], &in_colour).unwrap().picture_len(), 12);
    assert_eq!(rows(&[film(4, false)], &in_colour).err().unwrap().kind(), Kind::Invalid);
    assert_eq!(rows(&[film(1, false)], &options()).err().unwrap().kind(), Kind::Invalid);
}

#[derive(Default)]
struct WarningLog(Mutex<Vec<String>>);

impl Watcher for WarningLog {
    fn stage(&self, _: &str, _: &'static str, _: Option<u64>) {}
    fn advance(&self, _: u64) {}
    fn figure(&self, _: &str) {}
    fn say(&self, _: &str) {}
    fn warn(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
}

#[test]
fn what_can_not_be_learned_from_is_said() {
    let plain = || SyntheticFilm::plain("a", 30.0);
    assert_eq!(rows(&[], &options()).err().unwrap().kind(), Kind::Empty);
    let silent = SyntheticFilm { sound: None, ..plain() };
    assert_eq!(rows(&[plain(), silent], &options()).err().unwrap().kind(), Kind::NoSound);
    let brief = || SyntheticFilm { times: vec![0], end: 20_000, name: "brief".to_owned(), ..plain() };
    assert_eq!(rows(&[brief()], &options()).err().unwrap().kind(), Kind::Empty);
    let held_out = SyntheticFilm { times: vec![41_000_000, 42_000_000], end: 49_000_000, ..plain() };
    assert_eq!(rows(&[held_out], &options()).err().unwrap().kind(), Kind::Empty);
    for bad in [
        RowOptions { hops: 3, ..options() },
        RowOptions { hops: 0, ..options() },
        RowOptions { size: 0, ..options() },
        RowOptions { silence_secs: f32::NAN, ..options() },
        RowOptions { silence_secs: 1e12, ..options() },
    ] {
        assert_eq!(rows(&[plain()], &bad).err().unwrap().kind(), Kind::Invalid, "{bad:?}");
    }
    let eternal = SyntheticFilm { end: 900_000_000_000_000, ..plain() };
    assert_eq!(rows(&[eternal], &options()).err().unwrap().kind(), Kind::Invalid);

    let told = WarningLog::default();
    let zeros = SyntheticFilm { sound: Some(vec![0; 30_000]), ..plain() };
    rows_told(&[zeros, brief()], &options(), &told).unwrap();
    let told = told.0.into_inner().unwrap();
    assert!(
        told.iter().any(|t| t.contains("digital silence")) && told.iter().any(|t| t.contains("brief")),
        "{told:?}"
    );
}

#[test]
fn a_stop_is_heeded() {
    let folder = tempfile::tempdir().unwrap();
    let cancel = Cancel::default();
    cancel.cancel();
    let corpus = Corpus { shards: vec![SyntheticFilm::plain("a", 30.0).open(folder.path())] };
    let result =
        DatasetRows::new(corpus, &options(), folder.path(), Task { watcher: &Quiet, cancel: &cancel });
    assert_eq!(result.err().unwrap().kind(), Kind::Interrupted);
}

#[test]
fn silence_joins_the_training_rows_alone() {
    let options = RowOptions { silence_secs: 3.0, ..options() };
    let rows = rows(&[SyntheticFilm::plain("a", 60.0)], &options).unwrap();
    let silent: Vec<u32> = rows.training().iter().copied().filter(|r| rows.place(*r).is_none()).collect();
    assert_eq!(silent, (600..660).collect::<Vec<u32>>());
    assert!(rows.validation().iter().chain(rows.held_out()).all(|r| *r < 600));
    for (k, number) in silent.into_iter().enumerate() {
        let (picture, target) = row(&rows, number);
        assert!(target.iter().all(|s| *s == 0.0));
        let dark = k % 2 == 0;
        assert!(picture.iter().all(|p| if dark { *p <= 0.1 } else { *p >= 0.9 }), "{k}: {picture:?}");
    }
}
