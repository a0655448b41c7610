//! A score as a table.

use crate::score::Score;
use crate::wording::one_line;

impl Score {
    /// The score as a table of one line a clip, with a heading: times in seconds, pitch in semitones above the recording and in Hz.
    pub fn csv(&self) -> String {
        let mut text = "at,seconds,source,source_at,gain_db,level_db,speed,pitch_hz,pan,layer,\
                        distance,jump,tone,loudness,onset,picture,pitch\n"
            .to_owned();
        for clip in &self.clips {
            let name = cell(self.name(clip.source));
            let pitch = clip.pitch_hz.map_or(String::new(), |hz| format!("{hz:.2}"));
            text += &format!(
                "{:.6},{:.6},{name},{:.6},{:.2},{:.2},{:.6},{pitch},{:.3},{},",
                clip.at,
                clip.seconds,
                clip.source_at,
                clip.gain_db,
                clip.level_db,
                clip.speed,
                clip.pan,
                clip.layer,
            );
            text += &clip.why.map_or(",,,,,".to_owned(), |why| {
                let shares = [why.tone, why.loudness, why.onset, why.picture, why.pitch]
                    .map(|share| format!("{share:.3}"));
                format!("{:.4},{},{}", why.distance, u8::from(why.jump), shares.join(","))
            });
            text.push('\n');
        }
        text
    }
}

/// A text as a cell. Spreadsheets calculate what begins like a formula, in quotes or not: an apostrophe before it makes it a text.
fn cell(text: &str) -> String {
    let text = one_line(text).replace('"', "\"\"");
    let mark = if text.trim_start().starts_with(['=', '+', '-', '@']) { "'" } else { "" };
    format!("\"{mark}{text}\"")
}
