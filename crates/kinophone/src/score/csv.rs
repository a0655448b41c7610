//! A score as a table.

use crate::score::Score;

/// One line a piece, with a heading: times in seconds, pitch in semitones above the recording and in Hz.
pub(crate) fn csv(score: &Score) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let mut text = "at,seconds,source,source_at,gain_db,level_db,speed,pitch_hz,pan,layer,\
                    distance,jump,tone,loudness,onset,picture,pitch\n"
        .to_owned();
    for piece in &score.pieces {
        let name = quoted(score.name(piece.source));
        let pitch = piece.pitch_hz.map_or(String::new(), |hz| format!("{hz:.2}"));
        text += &format!(
            "{:.6},{:.6},{name},{:.6},{:.2},{:.2},{:.6},{pitch},{:.3},{},",
            piece.at,
            piece.seconds,
            piece.source_at,
            piece.gain_db,
            piece.level_db,
            piece.speed,
            piece.pan,
            piece.layer,
        );
        text += &piece.why.map_or(",,,,,".to_owned(), |why| {
            let shares = [why.tone, why.loudness, why.onset, why.picture, why.pitch]
                .map(|share| format!("{share:.3}"));
            format!("{:.4},{},{}", why.distance, u8::from(why.jump), shares.join(","))
        });
        text.push('\n');
    }
    text
}
