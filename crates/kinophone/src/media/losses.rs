//! Everything that a film had and a soundtrack's file with its picture does not have: found by looking at both, whatever this version of ffmpeg
//! can write.

use crate::media::containers;
use crate::media::probe::Examined;
use crate::wording::count;

/// Tags that describe the file and not the film.
const TECHNICAL: [&str; 8] = [
    "major_brand",
    "minor_version",
    "compatible_brands",
    "encoder",
    "software",
    "duration",
    "handler_name",
    "vendor_id",
];

/// Everything that was lost of what a film `had`, a sentence each; `name` is the output's, which has the `extension`.
pub(crate) fn losses(had: &Examined, has: &Examined, name: &str, extension: &str) -> Vec<String> {
    let lost = [
        rotation(had, has).map(|lost| format!("{name} {lost}")),
        parts(had, has).map(|lost| format!("{name} does not carry {lost}")),
        tags(had, has).map(|lost| {
            let keeper = if containers::own_tags(extension).shared { ", which a .mkv keeps" } else { "" };
            format!("{name} does not carry the film's {lost}{keeper}")
        }),
        (had.credentials && !has.credentials).then(|| {
            format!("{name} does not carry the film's Content Credentials (C2PA), which vouch for the film as it was")
        }),
    ];
    lost.into_iter().flatten().collect()
}

fn rotation(had: &Examined, has: &Examined) -> Option<String> {
    let (before, after) = (had.facts.picture.as_ref()?, has.facts.picture.as_ref()?);
    let mut keepers = vec!["mp4", "mov"];
    keepers.retain(|extension| containers::takes_picture(extension, &before.codec));
    let keepers = match &*keepers.join(" or .") {
        "" => String::new(),
        keepers => format!(", which a .{keepers} keeps"),
    };
    let lost = format!(
        "does not keep the film's turn by {} degrees{keepers}: players show it unturned",
        before.rotation
    );
    (before.rotation != after.rotation).then_some(lost)
}

/// Chapters, subtitles, pictures and files beside the film.
fn parts(had: &Examined, has: &Examined) -> Option<String> {
    let missing = |unit, had: usize, has: usize| (had > has).then(|| count(had - has, unit));
    let parts: Vec<String> = [
        missing("picture tracks", had.parts.pictures, has.parts.pictures),
        missing("chapters", had.parts.chapters, has.parts.chapters),
        missing("subtitle tracks", had.parts.subtitles, has.parts.subtitles),
        missing("cover pictures", had.parts.covers, has.parts.covers),
        missing("attached files", had.parts.attachments, has.parts.attachments),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!parts.is_empty()).then(|| format!("the film's {}", parts.join(", ")))
}

/// Tags go by other names in other containers, so what counts is what they say.
fn tags(had: &Examined, has: &Examined) -> Option<String> {
    const MOST: usize = 12;
    let ours = |key: &str| key.to_ascii_lowercase().starts_with("kinophone");
    let technical =
        |key: &str| TECHNICAL.iter().any(|known| key.eq_ignore_ascii_case(known)) || key.starts_with('_');
    let there = |text: &str| has.facts.tags.iter().any(|(_, there)| there.contains(text));
    let lost = had.facts.tags.iter().filter(|(key, _)| !technical(key) && !ours(key));
    let lost: Vec<String> =
        lost.filter(|(_, text)| !there(first_line(text))).map(|(key, _)| key.to_lowercase()).collect();
    match lost.len() {
        0 => None,
        n if n > MOST => Some(format!("tags {} and {} more", lost[..MOST].join(", "), n - MOST)),
        1 => Some(format!("tag {}", lost[0])),
        _ => Some(format!("tags {}", lost.join(", "))),
    }
}

/// The owner's part of a tag: an earlier run may have written below it.
fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim()
}
