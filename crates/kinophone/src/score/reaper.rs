//! A score as a project for Reaper: a track a source, an item a piece.

use crate::score::{ClipEvent, Score, wav};

/// The project; `folder` is the name of the folder of sources beside it.
///
/// An item is as long as its piece sounds; its fades and gains are the volume envelope of its take, so the item's own fades are
/// off. Tails are left out: Reaper would need a reversed copy for a few milliseconds each.
pub(crate) fn rpp(score: &Score, folder: &str) -> String {
    let mut text = String::from(
        "<REAPER_PROJECT 0.1 \"6.0\" 0\n  RIPPLE 0\n  TEMPO 120 4 4\n  TIMEMODE 1 0 -1 30 0 0 -1\n",
    );
    text += &format!("  SAMPLERATE {} 1 0\n", score.about.rate.hz());
    let gain = 10f64.powf(score.about.gain_db / 20.0);
    text += &format!("  MASTER_VOLUME {gain:.6} 0 -1 -1 1\n");
    text += "  <NOTES 0 2\n    |A soundtrack of Kinophone.\n";
    score.reservations().iter().for_each(|said| text += &format!("    |{said}\n"));
    text += "  >\n";
    for used in wav::used(score) {
        text += &format!("  <TRACK\n    NAME {}\n    VOLPAN 1 0 -1 -1 1\n", quoted(score.name(used.source)));
        let own = |piece: &&ClipEvent| piece.source == used.source && !piece.is_tail();
        for piece in score.pieces.iter().filter(own) {
            item(piece, score.name(used.source), &format!("{folder}/{}", used.file), &mut text);
        }
        text += "  >\n";
    }
    text + ">\n"
}

fn item(piece: &ClipEvent, name: &str, file: &str, text: &mut String) {
    let (from, to) = piece.span();
    let first = piece.envelope[0][0];
    let place = (piece.source_at + first * piece.speed).max(0.0);
    *text += &format!(
        "    <ITEM\n      POSITION {from:.9}\n      SNAPOFFS 0\n      LENGTH {:.9}\n      LOOP 0\n      ALLTAKES 0\n      \
         FADEIN 0 0 0 0 0 0 0\n      FADEOUT 0 0 0 0 0 0 0\n      MUTE 0 0\n      NAME {}\n      VOLPAN 1 {:.4} 1 -1\n      \
         SOFFS {place:.9}\n      PLAYRATE {:.9} 0 0 -1 0 0.0025\n      CHANMODE 0\n      <SOURCE WAVE\n        FILE {}\n      >\n",
        to - from,
        quoted(name),
        piece.pan,
        piece.speed,
        quoted(file),
    );
    *text += "      <VOLENV\n        ACT 1 -1\n        VIS 1 1 1\n        ARM 0\n        DEFSHAPE 0 -1 -1\n        VOLTYPE 1\n";
    for point in &piece.envelope {
        // On the take's own clock, which goes with its speed; 0 is a straight line.
        *text += &format!("        PT {:.9} {:.6} 0\n", (point[0] - first) * piece.speed, point[1]);
    }
    *text += "      >\n    >\n";
}

/// Reaper knows no escapes: what has one kind of quote in it goes between another.
fn quoted(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    match ['"', '\'', '`'].into_iter().find(|quote| !text.contains(*quote)) {
        Some(quote) => format!("{quote}{text}{quote}"),
        None => format!("`{}`", text.replace('`', "'")),
    }
}
