//! The level of a brain's sound for films without events.

use crate::Result;
use crate::eval::context::{EvalPlayer, Playback, PlaybackMode};
use crate::eval::figures::rounded;
use crate::eval::report::Stillness;
use crate::media::Picture;
use crate::render::{GivenPictures, LoudnessMode};
use kinophone_dsp::units::{FrameRate, MediaTime};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Length of each film in seconds.
const FILM_SECS: i64 = 8;
/// Pictures per second, as in the cinema.
const PICTURE_RATE: u32 = 24;
/// The lowest level that is reported, in dBFS: below the quantization noise of 16-bit sound.
const FLOOR_DB: f64 = -120.0;

/// Level below which sound is inaudible.
pub(crate) const INAUDIBLE_DB: f64 = -60.0;

/// The only film that shows anything.
pub(crate) const NOISE: &str = "noise";
/// The films by the names under which they are reported.
const FILMS: [&str; 5] = ["black", "white", "fade to black", "flicker near black", NOISE];

/// Measures the levels, without any gain towards a target loudness, which would amplify silence.
pub(crate) fn stillness(playback: &Playback<'_>, player: &EvalPlayer) -> Result<Vec<Stillness>> {
    let mode = PlaybackMode { live: false, loudness: LoudnessMode::AsSaid };
    FILMS
        .iter()
        .map(|name| {
            let pixels = player.size as usize * player.size as usize;
            let channels = if player.colour { 3 } else { 1 };
            let pictures =
                GivenPictures::drawn(draw(name, pixels, channels), MediaTime::from_secs(FILM_SECS));
            let file = playback.render(player, (name, pictures), mode, "still.wav")?;
            Ok(Stillness { picture: name, dbfs: rounded(level(&playback.decode(&file)?), 2) })
        })
        .collect()
}

fn draw(name: &'static str, pixels: usize, channels: usize) -> impl Iterator<Item = Picture> {
    let rate = FrameRate::new(PICTURE_RATE, 1).expect("24 is a frame rate");
    let mut random = ChaCha8Rng::seed_from_u64(1);
    (0..FILM_SECS * i64::from(PICTURE_RATE)).map(move |k| {
        let grey = |level: u8| vec![level; pixels * channels];
        let pixels = match name {
            "white" => grey(255),
            "fade to black" => grey(fade(k as f64 / f64::from(PICTURE_RATE))),
            "flicker near black" => grey((k * 7 % 9) as u8),
            NOISE => (0..pixels)
                .map(|_| random.random())
                .flat_map(|level: u8| std::iter::repeat_n(level, channels))
                .collect(),
            _ => grey(0),
        };
        Picture { time: rate.time_of(k), pixels }
    })
}

/// The grey level of a fade: white for two seconds, black after five.
fn fade(secs: f64) -> u8 {
    (255.0 * (1.0 - (secs - 2.0) / 3.0).clamp(0.0, 1.0)).round() as u8
}

fn level(sound: &[f32]) -> f64 {
    let power = sound.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / sound.len().max(1) as f64;
    if power > 0.0 { (10.0 * power.log10()).max(FLOOR_DB) } else { FLOOR_DB }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn films_show_what_their_names_say() {
        let film = |name| draw(name, 4, 3).map(|p| p.pixels).collect::<Vec<_>>();
        assert!(film("black").concat().iter().all(|p| *p == 0));
        assert!(film("white").concat().iter().all(|p| *p == 255));
        let fade: Vec<u8> = film("fade to black").iter().map(|p| p[0]).collect();
        assert!(fade[47] == 255 && fade[84] == 128 && fade[120] == 0 && fade.is_sorted_by(|a, b| a >= b));
        assert!(film("flicker near black").concat().iter().all(|p| *p < 9));
        let noise = film("noise");
        assert!(noise[0] != noise[1] && noise[0][0] == noise[0][2] && noise.len() == 192);
        assert_eq!((level(&[]), level(&[0.0]), level(&[1.0, -1.0])), (FLOOR_DB, FLOOR_DB, 0.0));
    }
}
