//! A score as a table.

use crate::score::Score;

impl Score {
    /// The score as a table of one line a clip, with a heading: times in seconds, pitch in semitones above the recording and in Hz.
    pub fn csv(&self) -> String {
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let mut text = "at,seconds,source,source_at,gain_db,level_db,speed,pitch_hz,pan,layer,\
                        distance,jump,tone,loudness,onset,picture,pitch\n"
            .to_owned();
        for clip in &self.clips {
            let name = quoted(self.name(clip.source));
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
