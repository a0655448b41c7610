//! Tags of a soundtrack: the film's own stay as they are, and ours stand under names of their own or, where a container has a fixed
//! set of names, on the last line of the owner's.

use crate::media::OwnTags;
use crate::score::Credits;
use crate::wording::{cut, one_line};

/// The beginning of the remark on how a soundtrack was made.
const MADE_HEAD: &str = "Sound made by Kinophone ";

/// Bytes of a remark on how a soundtrack was made, at most, and of what stands before ours in a tag: each tag is an argument of
/// ffmpeg's, which may have 128 kB, and MOV counts its bytes in 16 bits.
const MAX_REMARK_BYTES: usize = 4000;
const MAX_OTHERS_BYTES: usize = 32_000;

/// The tags of a soundtrack in a container.
pub(crate) struct SoundtrackTags {
    /// Those that are known before the first sample.
    pub(crate) known: Vec<(String, String)>,
    /// The text of the tag for credits, which ends with the placeholder.
    pub(crate) room: Option<String>,
    /// Names of the film's tags that had to be shortened, because ours stand in them.
    pub(crate) shortened: Vec<&'static str>,
}

impl SoundtrackTags {
    /// Tags of a film with the tags `film` (none where its picture is not copied) that gets sound `made` in this way.
    pub(crate) fn beside(
        film: &[(String, String)],
        own: &OwnTags,
        made: &str,
        placeholder: Option<&str>,
    ) -> Self {
        let said = |name: &str| film.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        let said = |name: &str| said(name).map_or("", |(_, text)| text);
        let owner = if own.shared { others_remark(said(own.made)) } else { String::new() };
        let mut known = vec![(own.made.to_owned(), on_a_line_of_its_own(&owner, &remark(made)))];
        let notice = if own.shared { Credits::others_in_tag(said(own.credits)) } else { "" };
        let room = placeholder.map(|placeholder| on_a_line_of_its_own(notice, placeholder));
        known.extend(outdated(film, own, room.is_some()));
        let long = |owner: &str| owner.len() > MAX_OTHERS_BYTES;
        let shortened = [(own.made, long(&owner)), (own.credits, room.is_some() && long(notice))];
        let shortened = shortened.into_iter().filter(|(_, is)| *is).map(|(name, _)| name).collect();
        Self { known, room, shortened }
    }
}

/// Tags without what an earlier run left in them, unless they are written anew in any case: that sound is gone.
fn outdated(film: &[(String, String)], own: &OwnTags, credited: bool) -> Vec<(String, String)> {
    let written =
        |key: &str| key.eq_ignore_ascii_case(own.made) || credited && key.eq_ignore_ascii_case(own.credits);
    let mut outdated = Vec::new();
    for (key, text) in film.iter().filter(|(key, _)| !written(key)) {
        let others = others_remark(Credits::others_in_tag(text));
        if others != *text {
            outdated.push((key.clone(), others));
        }
    }
    outdated
}

/// The remark on how the sound was made, on one line: names of sounds may hold anything. Credits name all of them.
fn remark(made: &str) -> String {
    let line = one_line(made);
    cut(&format!("{MADE_HEAD}{} {line}", env!("CARGO_PKG_VERSION")), MAX_REMARK_BYTES, " … and others")
}

/// A remark without those that are ours.
fn others_remark(text: &str) -> String {
    if !text.contains(MADE_HEAD) {
        return text.to_owned();
    }
    text.lines().filter(|line| !line.starts_with(MADE_HEAD)).collect::<Vec<_>>().join("\n")
}

fn on_a_line_of_its_own(before: &str, line: &str) -> String {
    if before.is_empty() {
        return line.to_owned();
    }
    format!("{}\n{line}", cut(before, MAX_OTHERS_BYTES, " …"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREE: OwnTags = OwnTags { made: "KINOPHONE", credits: "KINOPHONE_CREDITS", shared: false };
    const FIXED: OwnTags = OwnTags { made: "comment", credits: "copyright", shared: true };

    fn tags(
        film: &[(&str, &str)],
        own: &OwnTags,
        room: Option<&str>,
    ) -> (Vec<(String, String)>, Option<String>) {
        let film: Vec<_> = film.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect();
        let made = SoundtrackTags::beside(&film, own, "by a\ntest", room);
        (made.known, made.room)
    }

    fn pairs(known: &[(String, String)]) -> Vec<(&str, &str)> {
        known.iter().map(|(key, text)| (key.as_str(), text.as_str())).collect()
    }

    #[test]
    fn tags_have_a_bounded_length() {
        let remark = remark(&vec!["é".repeat(100); 560].join(", "));
        assert!(remark.len() < MAX_REMARK_BYTES + 20 && remark.ends_with(" … and others"), "{remark}");
        let long = "é".repeat(100_000);
        assert!(on_a_line_of_its_own(&long, "ours").len() < MAX_OTHERS_BYTES + 20);
        let film = [("copyright".to_owned(), long.clone()), ("title".to_owned(), long)];
        let shortened = |room| SoundtrackTags::beside(&film, &FIXED, "by a test", room).shortened;
        assert_eq!((shortened(Some("room")), shortened(None)), (vec!["copyright"], Vec::new()));
    }

    #[test]
    fn an_owners_tags_stay_and_what_an_earlier_run_wrote_goes() {
        let ours = format!("{MADE_HEAD}{} by a test", env!("CARGO_PKG_VERSION"));
        let (earlier, json) =
            ("Sound made by Kinophone 0.0.1 by hand", "{\"kinophone_credits\":1,\"film\":null}");
        let (known, room) = tags(&[("COPYRIGHT", "(c) A"), ("comment", "C")], &FREE, Some("room"));
        assert_eq!((pairs(&known), room.as_deref()), (vec![("KINOPHONE", ours.as_str())], Some("room")));
        let (known, room) = tags(&[("COPYRIGHT", "(c) A"), ("comment", "C")], &FIXED, Some("room"));
        let shared = format!("C\n{ours}");
        assert_eq!(
            (pairs(&known), room.as_deref()),
            (vec![("comment", shared.as_str())], Some("(c) A\nroom"))
        );

        let (copyright, comment) = (format!("(c) A\n{json}"), format!("C\n{earlier}"));
        let film = [("copyright", copyright.as_str()), ("comment", &comment), ("KINOPHONE_CREDITS", json)];
        let (known, room) = tags(&film, &FIXED, None);
        let kept = [("comment", shared.as_str()), ("copyright", "(c) A"), ("KINOPHONE_CREDITS", "")];
        assert_eq!((pairs(&known), room), (kept.to_vec(), None));
        let (known, _) = tags(&film, &FREE, Some("room"));
        assert_eq!(pairs(&known), [("KINOPHONE", ours.as_str()), ("copyright", "(c) A"), ("comment", "C")]);
    }
}
