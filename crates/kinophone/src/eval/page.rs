//! Reports and galleries as folders: the data as JSON, and a page for people.

use crate::storage::{Overwrite, write_atomically};
use crate::{Error, Kind, Result};
use serde::Serialize;
use std::path::Path;

/// The part of a template that the data replaces.
const DATA_SLOT: &str = "/*REPORT*/null";

/// The pages that are made here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    Report,
    Gallery,
}

impl Page {
    /// The file with the data, by which the folder is recognized.
    pub(crate) fn data_file(self) -> &'static str {
        match self {
            Self::Report => "report.json",
            Self::Gallery => "gallery.json",
        }
    }

    fn template(self) -> &'static str {
        match self {
            Self::Report => include_str!("eval.html"),
            Self::Gallery => include_str!("gallery.html"),
        }
    }
}

/// Writes the data file and `index.html`.
pub(crate) fn write(page: Page, data: &impl Serialize, folder: &Path) -> Result<()> {
    let file = folder.join(page.data_file());
    let json = serde_json::to_string(data)
        .map_err(|e| Error::new(Kind::Io, "could not be made into JSON").at(&file).because(e))?;
    write_atomically(&file, Overwrite::Refuse, json.as_bytes())?;
    let html = filled(page.template(), &json);
    write_atomically(&folder.join("index.html"), Overwrite::Refuse, html.as_bytes())
}

/// The template with its data. A name in the data could end the script that holds it, or begin a comment in
/// it: every `<` is escaped.
fn filled(template: &str, json: &str) -> String {
    template.replacen(DATA_SLOT, &json.replace('<', "\\u003c"), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_have_one_slot_and_fetch_nothing() {
        for template in [Page::Report.template(), Page::Gallery.template()] {
            assert_eq!(template.matches(DATA_SLOT).count(), 1);
            for fetched in ["src=\"http", "href=\"http", "@import", "url(http"] {
                assert!(!template.contains(fetched), "{fetched}");
            }
        }
    }

    #[test]
    fn no_name_ends_the_script() {
        let json = serde_json::to_string("</script><!--").unwrap();
        let page = filled("<script>const report = /*REPORT*/null;</script>", &json);
        assert_eq!(page, r#"<script>const report = "\u003c/script>\u003c!--";</script>"#);
        assert_eq!(serde_json::from_str::<String>(r#""\u003c/script>\u003c!--""#).unwrap(), "</script><!--");
    }
}
