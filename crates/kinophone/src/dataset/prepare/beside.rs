//! What files beside a film say of it: `FILM.license` (REUSE 3.3, "comment headers and .license files"), and the `…_meta.xml` that
//! the Internet Archive puts into every item's folder, whose films are those that begin with the item's name or that its
//! `…_files.xml` lists.

use crate::ledger::{Field, Terms};
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Such files are shorter.
const MAX_BYTES: u64 = 4 << 20;
const META: &str = "_meta.xml";

/// What files beside `film` say. A file that can't be read or understood says nothing: it goes into `complaints`, a clause each.
pub(super) fn terms(film: &Path, complaints: &mut Vec<String>) -> Terms {
    let mut terms = Terms::default();
    if let Some(text) = text_of(&with_ending(film, ".license"), complaints) {
        terms.merge(&of_licence_file(&text));
    }
    if let Some((path, identifier)) = archive_item(film)
        && let Some(text) = text_of(&path, complaints)
    {
        match roxmltree::Document::parse(&text) {
            Ok(xml) if is_of_item(film, &path, &identifier) => terms.merge(&of_archive(&xml, &identifier)),
            Ok(_) => {}
            Err(e) => complaints.push(format!(
                "{} can't be understood ({e}), so what it says is not in the ledger",
                path.display()
            )),
        }
    }
    terms
}

fn with_ending(film: &Path, ending: &str) -> PathBuf {
    let mut name = film.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// The text of a small file; `None` where there is no file.
fn text_of(path: &Path, complaints: &mut Vec<String>) -> Option<String> {
    let about = std::fs::metadata(path).ok().filter(|about| about.is_file())?;
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text));
    match read {
        Ok(_) if about.len() <= MAX_BYTES => Some(text),
        Ok(_) => unread(path, "is too long", complaints),
        Err(e) => unread(path, &format!("can't be read ({e})"), complaints),
    }
}

fn unread(path: &Path, why: &str, complaints: &mut Vec<String>) -> Option<String> {
    complaints.push(format!("{} {why}, so what it says is not in the ledger", path.display()));
    None
}

/// Tags of REUSE: several licences hold together, several owners are listed.
fn of_licence_file(text: &str) -> Terms {
    let tagged = |tag: &str| {
        let said = |line: &str| line.split_once(tag).map(|(_, text)| text.trim().to_owned());
        text.lines().filter_map(said).filter(|text| !text.is_empty()).collect::<Vec<String>>()
    };
    let licences = tagged("SPDX-License-Identifier:");
    let joined: Vec<String> = match &licences[..] {
        [_, _, ..] => licences.iter().map(|licence| parenthesized(licence)).collect(),
        _ => licences,
    };
    let (licence, author) = (joined.join(" AND "), tagged("SPDX-FileCopyrightText:").join("; "));
    some(&[(Field::Licence, &licence), (Field::Author, &author)])
}

fn parenthesized(licence: &str) -> String {
    if licence.contains(' ') { format!("({licence})") } else { licence.to_owned() }
}

/// The file that describes the item in whose folder the film lies, and the item's name. Where there are several it is no item's folder.
fn archive_item(film: &Path) -> Option<(PathBuf, String)> {
    let folder = film.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let item = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.ok()?.path();
        let identifier =
            path.file_name()?.to_str()?.strip_suffix(META).filter(|name| !name.is_empty())?.to_owned();
        Some((path, identifier))
    };
    let mut items = std::fs::read_dir(folder).ok()?.filter_map(item);
    let only = items.next()?;
    items.next().is_none().then_some(only)
}

/// Where the item lists its files the list decides; elsewhere the film's name must go on after the item's with another kind of character.
fn is_of_item(film: &Path, meta: &Path, identifier: &str) -> bool {
    let Some(name) = film.file_name().and_then(OsStr::to_str) else { return false };
    let list = text_of(&meta.with_file_name(format!("{identifier}_files.xml")), &mut Vec::new());
    match list.as_deref().map(roxmltree::Document::parse) {
        Some(Ok(xml)) => xml.descendants().any(|node| node.attribute("name") == Some(name)),
        _ => name.strip_prefix(identifier).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric)),
    }
}

fn of_archive(xml: &roxmltree::Document<'_>, identifier: &str) -> Terms {
    let said = |name: &str| {
        let nodes = xml.root_element().children().filter(|node| node.has_tag_name(name)).collect::<Vec<_>>();
        let text = |node: &roxmltree::Node<'_, '_>| {
            let texts = node.descendants().filter(|inner| inner.is_text());
            texts.filter_map(|inner| inner.text()).collect::<String>().trim().to_owned()
        };
        nodes.iter().map(text).filter(|text| !text.is_empty()).collect::<Vec<String>>()
    };
    let origin = format!("https://archive.org/details/{identifier}");
    let (title, author) = (said("title").join("; "), said("creator").join("; "));
    let mut terms = some(&[(Field::Title, &title), (Field::Author, &author), (Field::Origin, &origin)]);
    // Of several licences nobody says that all of them hold, or any.
    for address in said("licenseurl") {
        let licence = licence_of_url(&address).unwrap_or(address);
        terms.merge(&some(&[(Field::Licence, &licence)]));
    }
    terms
}

/// The SPDX identifier of a licence of Creative Commons by its address; `None` for other addresses, also of the public domain mark, which is
/// no licence.
fn licence_of_url(url: &str) -> Option<String> {
    let place = url.strip_prefix("https://").or(url.strip_prefix("http://"))?;
    let path = place.strip_prefix("www.").unwrap_or(place).strip_prefix("creativecommons.org/")?;
    let mut parts = path.trim_end_matches('/').split('/');
    let (kind, name, version) = (parts.next()?, parts.next()?, parts.next()?);
    let port = parts
        .next()
        .filter(|port| port.len() == 2)
        .map_or(String::new(), |port| format!("-{}", port.to_uppercase()));
    match (kind, name) {
        ("publicdomain", "zero") => Some(format!("CC0-{version}")),
        ("licenses", name) => Some(format!("CC-{}-{version}{port}", name.to_uppercase())),
        _ => None,
    }
}

fn some(values: &[(Field, &str)]) -> Terms {
    let mut terms = Terms::default();
    for (field, value) in values {
        terms.set(*field, Some(value)).expect("texts, none of which is a date");
    }
    terms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(files: &[(&str, &str)], film: &str) -> (Terms, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        files.iter().for_each(|(name, text)| std::fs::write(folder.path().join(name), text).unwrap());
        let mut complaints = Vec::new();
        (terms(&folder.path().join(film), &mut complaints), complaints)
    }

    #[test]
    fn a_licence_file_beside_a_film_is_read() {
        let text = "SPDX-FileCopyrightText: 2008 Blender Foundation\nSPDX-FileCopyrightText: Others\n\n\
                    SPDX-License-Identifier: CC-BY-3.0\nSPDX-License-Identifier: MIT OR ISC\n";
        let (terms, complaints) = said(&[("a.mp4.license", text)], "a.mp4");
        assert_eq!(terms.licence.as_deref(), Some("CC-BY-3.0 AND (MIT OR ISC)"));
        assert_eq!((terms.author.as_deref(), complaints.len()), (Some("2008 Blender Foundation; Others"), 0));
        assert!(said(&[("b.mp4.license", text)], "a.mp4").0.is_empty());
    }

    #[test]
    fn an_item_of_the_internet_archive_describes_its_films() {
        let meta = "<metadata><identifier>popeye</identifier><title>Popeye &amp; Sindbad</title><creator>A</creator><creator>B</creator>\
                    <licenseurl>http://creativecommons.org/licenses/by-sa/3.0/de/</licenseurl></metadata>";
        let files = "<files><file name=\"reel 2.mp4\" source=\"original\"/></files>";
        let folder = [("popeye_meta.xml", meta), ("popeye_files.xml", files)];
        for (folder, film) in [(&folder[..1], "popeye_512kb.mp4"), (&folder[..], "reel 2.mp4")] {
            let (terms, complaints) = said(folder, film);
            assert_eq!(
                (terms.title.as_deref(), terms.author.as_deref()),
                (Some("Popeye & Sindbad"), Some("A; B"))
            );
            assert_eq!(terms.licence.as_deref(), Some("CC-BY-SA-3.0-DE"));
            assert_eq!(
                (terms.origin.as_deref(), complaints.len()),
                (Some("https://archive.org/details/popeye"), 0)
            );
        }
        assert!(said(&folder, "other.mp4").0.is_empty());
        // The list decides, and another name is another item.
        assert!(said(&folder, "popeye_512kb.mp4").0.is_empty());
        assert!(said(&folder[..1], "popeyes.mp4").0.is_empty());
        assert!(said(&[("_meta.xml", meta)], "popeye.mp4").0.is_empty());
        let two = [("popeye_meta.xml", meta), ("other_meta.xml", meta)];
        assert!(said(&two, "popeye.mp4").0.is_empty());
    }

    #[test]
    fn of_several_licences_none_is_lost() {
        let by =
            |name: &str| format!("<licenseurl>https://creativecommons.org/licenses/{name}/4.0/</licenseurl>");
        let meta = format!("<metadata><title>A<!-- c --> B</title>{}{}</metadata>", by("by"), by("by-nc-nd"));
        let (terms, _) = said(&[("a_meta.xml", &meta)], "a.mp4");
        assert_eq!((terms.licence.as_deref(), terms.title.as_deref()), (Some("CC-BY-4.0"), Some("A B")));
        assert_eq!(terms.otherwise[0].value, "CC-BY-NC-ND-4.0");
    }

    #[test]
    fn what_can_not_be_understood_is_said() {
        let bomb = "<!DOCTYPE a [<!ENTITY a \"aaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\">]><metadata><title>&c;</title></metadata>";
        for text in ["<metadata><title>cut", "", "no xml", bomb] {
            let (terms, complaints) = said(&[("a_meta.xml", text)], "a.mp4");
            assert!(terms.title.is_none(), "{text}");
            assert_eq!(complaints.len(), 1, "{text}: {complaints:?}");
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.mp4.license"), [0xff, 0xfe, 0]).unwrap();
        let mut complaints = Vec::new();
        terms(&folder.path().join("a.mp4"), &mut complaints);
        assert!(complaints[0].contains("a.mp4.license can't be read"), "{complaints:?}");
    }

    #[test]
    fn addresses_of_licences_are_known() {
        for (url, licence) in [
            ("https://creativecommons.org/licenses/by-nc-nd/4.0/", Some("CC-BY-NC-ND-4.0")),
            ("http://creativecommons.org/publicdomain/zero/1.0", Some("CC0-1.0")),
            ("https://creativecommons.org/publicdomain/mark/1.0/", None),
            ("https://creativecommons.org/licenses/by", None),
            ("https://example.org/licenses/by/4.0", None),
            ("https://evil.example/?x=creativecommons.org/publicdomain/zero/1.0/", None),
        ] {
            assert_eq!(licence_of_url(url).as_deref(), licence, "{url}");
        }
    }
}
