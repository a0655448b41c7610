//! Textures for real films.

use crate::footage::{find, needs};
use crate::support::{Home, csound_differs};
use libtest_mimic::Trial;
use serde_json::Value;

const CLIPS: [&str; 2] = ["films/popeye_sinbad_T00-1.mkv", "films/popeye_sinbad_T03-4.mkv"];

/// The shorter ones; one of them has envelopes of some three hundred points.
const FILMS: [&str; 3] =
    ["films/popeye_sinbad_T01-2.mkv", "films/popeye_sinbad_T03-4.mkv", "films/piano-bach.mp4"];

pub fn trials() -> Vec<Trial> {
    let needed = [&CLIPS[..], &["grains/sonicpi_perc_bell.flac"]].concat();
    let films = [&FILMS[..], &["grains/sonicpi_perc_bell.flac"]].concat();
    vec![
        needs(&needed, "texture::silent_cartoons_are_scored_in_one_command", silent_cartoons),
        needs(&films, "texture::csound_plays_the_scores_of_films", csound_plays),
    ]
}

fn silent_cartoons() {
    let home = Home::new();
    home.run(&format!("sounds {} -o @grains", find("grains").display()));
    for clip in CLIPS {
        let film = find(clip);
        let (made, _) = home.run(&format!("texture {} --sounds @grains -o @out.mkv --force", film.display()));
        let follows = made["follows"].as_f64().unwrap();
        assert!(follows >= 0.6, "{clip}: {follows}");
        let shots = made["shots"].as_array().unwrap();
        let played = |shot: &Value| shot["sources"].clone();
        let changes = shots.windows(2).filter(|pair| played(&pair[0]) != played(&pair[1])).count();
        assert!(shots.len() >= 4 && changes >= shots.len() / 2, "{made}");
    }
}

fn csound_plays() {
    let home = Home::new();
    home.run(&format!("sounds {} -o @grains", find("grains").display()));
    for name in FILMS {
        let film = find(name);
        // So quiet that the limiter, which no score knows, has nothing to do.
        let out = "-o @out.wav --force --loudness -42 --score @s.csd";
        home.run(&format!("texture {} --sounds @grains {out}", film.display()));
        let off = csound_differs(&home, "s.csd", "out.wav");
        println!("{name}: Csound differs by {off:.1} dB");
        assert!(off < -40.0, "{name}: {off:.1} dB");
    }
}
