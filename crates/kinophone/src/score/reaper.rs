//! A score as a project for Reaper: a track a source, an item a clip.

use crate::score::{ClipEvent, Score, wav};
use crate::wording::one_line;

/// Makes the project; `folder` is the name of the folder of sources beside it.
///
/// An item is as long as its clip sounds; its fades and gains are the volume envelope of its take, so the item's own fades are
/// off. Tails are left out: Reaper would need a reversed copy for a few milliseconds each.
pub(crate) fn rpp(score: &Score, folder: &str) -> String {
    let mut text = String::from(
        "<REAPER_PROJECT 0.1 \"6.0\" 0\n  RIPPLE 0\n  TEMPO 120 4 4\n  TIMEMODE 1 0 -1 30 0 0 -1\n",
    );
    text += &format!("  SAMPLERATE {} 1 0\n", score.about.rate.hz());
    let gain = 10f64.powf(score.about.gain_db / 20.0);
    text += &format!("  MASTER_VOLUME {gain:.6} 0 -1 -1 1\n");
    text += "  <NOTES 0 2\n    |A soundtrack of Kinophone.\n";
    score.notes().iter().for_each(|note| text += &format!("    |{note}\n"));
    text += "  >\n";
    for used in wav::used(score) {
        text += &format!("  <TRACK\n    NAME {}\n    VOLPAN 1 0 -1 -1 1\n", quoted(score.name(used.source)));
        let own = |clip: &&ClipEvent| clip.source == used.source && !clip.is_tail();
        for clip in score.clips.iter().filter(own) {
            item(clip, score.name(used.source), &format!("{folder}/{}", used.file), &mut text);
        }
        text += "  >\n";
    }
    text + ">\n"
}

fn item(clip: &ClipEvent, name: &str, file: &str, text: &mut String) {
    let (from, to) = clip.span();
    let first = clip.envelope[0][0];
    let place = (clip.source_at + first * clip.speed).max(0.0);
    *text += &format!(
        "    <ITEM\n      POSITION {from:.9}\n      SNAPOFFS 0\n      LENGTH {:.9}\n      LOOP 0\n      ALLTAKES 0\n      \
         FADEIN 0 0 0 0 0 0 0\n      FADEOUT 0 0 0 0 0 0 0\n      MUTE 0 0\n      NAME {}\n      VOLPAN 1 {:.4} 1 -1\n      \
         SOFFS {place:.9}\n      PLAYRATE {:.9} 0 0 -1 0 0.0025\n      CHANMODE 0\n      <SOURCE WAVE\n        FILE {}\n      >\n",
        to - from,
        quoted(name),
        clip.pan,
        clip.speed,
        quoted(file),
    );
    *text += "      <VOLENV\n        ACT 1 -1\n        VIS 1 1 1\n        ARM 0\n        DEFSHAPE 0 -1 -1\n        VOLTYPE 1\n";
    for point in &clip.envelope {
        // On the take's own clock, which goes with its speed; 0 is a straight line.
        *text += &format!("        PT {:.9} {:.6} 0\n", (point[0] - first) * clip.speed, point[1]);
    }
    *text += "      >\n    >\n";
}

/// Quotes a text. Reaper knows no escapes: a text with one kind of quote in it goes between another.
fn quoted(text: &str) -> String {
    let text = one_line(text);
    match ['"', '\'', '`'].into_iter().find(|quote| !text.contains(*quote)) {
        Some(quote) => format!("{quote}{text}{quote}"),
        None => format!("`{}`", text.replace('`', "'")),
    }
}
