//! Reports and galleries as folders: the figures for programs, and a page for people that holds or links all it needs.

use crate::eval::gallery::Gallery;
use crate::eval::report::Report;
use crate::storage::{Overwrite, write_atomically};
use crate::{Error, Kind, Result};
use serde::Serialize;
use std::path::Path;

/// Where the figures go in a page.
const PLACE: &str = "/*REPORT*/null";
const REPORT: &str = include_str!("eval.html");
const GALLERY: &str = include_str!("gallery.html");

/// Writes `report.json` and `index.html`.
pub(crate) fn write_report(report: &Report, folder: &Path) -> Result<()> {
    write(report, REPORT, &folder.join(crate::eval::MARK), folder)
}

/// Writes `gallery.json` and `index.html`.
pub(crate) fn write_gallery(gallery: &Gallery, folder: &Path) -> Result<()> {
    write(gallery, GALLERY, &folder.join(crate::eval::gallery::MARK), folder)
}

fn write(content: &impl Serialize, template: &str, file: &Path, folder: &Path) -> Result<()> {
    let json = serde_json::to_string(content)
        .map_err(|e| Error::new(Kind::Io, "could not be made into JSON").at(file).because(e))?;
    write_atomically(file, Overwrite::Refuse, json.as_bytes())?;
    write_atomically(&folder.join("index.html"), Overwrite::Refuse, page(template, &json).as_bytes())
}

/// A name in the figures could end the script that holds them, or begin a comment in it: no tag gets through.
fn page(template: &str, json: &str) -> String {
    template.replacen(PLACE, &json.replace('<', "\\u003c"), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_have_one_place_and_fetch_nothing() {
        for template in [REPORT, GALLERY] {
            assert_eq!(template.matches(PLACE).count(), 1);
            for fetched in ["src=\"http", "href=\"http", "@import", "url(http"] {
                assert!(!template.contains(fetched), "{fetched}");
            }
        }
    }

    #[test]
    fn no_name_ends_the_script() {
        let json = serde_json::to_string("</script><!--").unwrap();
        let page = page("<script>const report = /*REPORT*/null;</script>", &json);
        assert_eq!(page, r#"<script>const report = "\u003c/script>\u003c!--";</script>"#);
        assert_eq!(serde_json::from_str::<String>(r#""\u003c/script>\u003c!--""#).unwrap(), "</script><!--");
    }
}
