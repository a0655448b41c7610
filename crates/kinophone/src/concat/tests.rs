use crate::concat::shot_ticks;
use crate::dataset::{self, PrepareOptions};
use crate::media::{DrawnFilm, Ffmpeg};
use crate::task::{Cancel, Task, Watcher};
use crate::visual;
use kinophone_dsp::units::{FrameRate, SampleRate};
use std::sync::Mutex;

/// Collects the names of stages.
#[derive(Default)]
struct Stages(Mutex<Vec<String>>);

impl Watcher for Stages {
    fn stage(&self, name: &str, _: &'static str, _: Option<u64>) {
        self.0.lock().unwrap().push(name.to_owned());
    }
    fn advance(&self, _: u64) {}
    fn figure(&self, _: &str) {}
    fn say(&self, _: &str) {}
    fn warn(&self, _: &str) {}
}

/// Four seconds at 25 pictures a second, in 96 × 64 pixels: red, then blue stripes, then green.
fn pictures() -> impl Iterator<Item = Vec<u8>> {
    (0..100usize).map(|k| {
        let pixel = move |x: usize| match k {
            0..30 => [200, 20, (2 * x) as u8],
            30..75 => [10, 30, if (x / 8).is_multiple_of(2) { 250 } else { 90 }],
            _ => [20, 220, 40],
        };
        (0..96 * 64).flat_map(|place| pixel(place % 96)).collect()
    })
}

#[test]
fn a_shard_shows_the_same_shots_as_its_film_without_decoding_it() {
    let folder = tempfile::tempdir().unwrap();
    let (film, corpus) = (folder.path().join("shots.mkv"), folder.path().join("corpus"));
    let ffmpeg = Ffmpeg::locate(None).unwrap();
    let (cancel, stages) = (Cancel::default(), Stages::default());
    let task = Task { watcher: &stages, cancel: &cancel };
    let rate = FrameRate::new(25, 1).unwrap();
    let sound_rate = SampleRate::new(22_050).unwrap();
    let drawn = DrawnFilm { output: film.clone(), width: 96, height: 64, rate, sound_rate };
    ffmpeg.draw(&drawn, &mut pictures(), &vec![0.1; 4 * 22_050], task).unwrap();
    let tick = FrameRate::new(30, 1).unwrap();
    let decoded = shot_ticks(&ffmpeg, &film, Some(&corpus), None, tick, task).unwrap();
    assert_eq!(decoded, [36, 90]);
    let grey = PrepareOptions { size: visual::SIDE, ..PrepareOptions::default() };
    for options in [grey.clone(), PrepareOptions { colour: true, ..grey }] {
        dataset::prepare(&ffmpeg, std::slice::from_ref(&film), &corpus, &options, task).unwrap();
        stages.0.lock().unwrap().clear();
        assert_eq!(shot_ticks(&ffmpeg, &film, Some(&corpus), None, tick, task).unwrap(), decoded);
        let looked = stages.0.lock().unwrap().iter().any(|name| name.starts_with("reading the pictures"));
        assert_eq!(looked, !options.colour);
    }
}
