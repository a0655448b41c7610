//! Facts in sections: aligned lines as text, the complete value as JSON.

use crate::report;
use serde_json::{Value, json};
use std::fmt::Display;
use std::path::{Path, PathBuf};

/// The facts of one file or folder.
pub(super) struct Facts {
    json: Value,
    sections: Vec<Section>,
}

struct Section {
    title: String,
    lines: Vec<(String, String)>,
}

impl Facts {
    /// Begins with the kind ("brain", "library", "corpus", "shard" or "film") and the path; `json` is an
    /// object that gets both as its first keys.
    pub(super) fn new(kind: &str, path: &Path, json: Value) -> Self {
        let mut whole = json!({ "kind": kind, "path": report::lossy(path) });
        if let (Value::Object(whole), Value::Object(json)) = (&mut whole, json) {
            whole.extend(json);
        }
        Self { json: whole, sections: Vec::new() }.section(format!("{kind} {}", crate::report::shown(path)))
    }

    /// Begins a section.
    pub(super) fn section(mut self, title: impl Into<String>) -> Self {
        self.sections.push(Section { title: title.into(), lines: Vec::new() });
        self
    }

    /// Adds a line to the last section.
    pub(super) fn line(mut self, name: impl Into<String>, value: impl Display) -> Self {
        if let Some(section) = self.sections.last_mut() {
            section.lines.push((name.into(), value.to_string()));
        }
        self
    }

    /// Adds a line where there is a value.
    pub(super) fn maybe(self, name: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.line(name, value),
            None => self,
        }
    }

    /// Lists the pictures that were drawn.
    pub(super) fn drawn(mut self, files: &[PathBuf]) -> Self {
        if files.is_empty() {
            return self;
        }
        self.json["drawn"] = files.iter().map(|f| report::lossy(f)).collect();
        files.iter().fold(self.section("drawn"), |facts, file| facts.line("png", crate::report::shown(file)))
    }

    pub(super) fn as_json(&self) -> Value {
        self.json.clone()
    }

    pub(super) fn as_text(&self) -> String {
        let width = self
            .sections
            .iter()
            .flat_map(|s| &s.lines)
            .map(|(name, _)| name.chars().count())
            .max()
            .unwrap_or(0);
        let mut text = String::new();
        for (i, section) in self.sections.iter().enumerate() {
            text += if i > 0 { "\n" } else { "" };
            text += &format!("{}\n", section.title);
            for (name, value) in &section.lines {
                text += &format!("  {:width$}  {value}\n", format!("{name}:"), width = width + 1);
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_aligned_over_all_sections() {
        let facts = Facts::new("film", Path::new("a.mp4"), json!({ "bytes": 3 }))
            .line("bytes", 3)
            .maybe("nothing", None::<u8>)
            .section("sound 0")
            .line("sample rate", "48000 Hz");
        assert_eq!(facts.as_text(), "film a.mp4\n  bytes:        3\n\nsound 0\n  sample rate:  48000 Hz\n");
        assert_eq!(facts.as_json().to_string(), r#"{"kind":"film","path":"a.mp4","bytes":3}"#);
    }
}
