//! Words of attribution, ready to paste: title, author, source, licence, as Creative Commons recommends.
//!
//! What a ledger has is other people's text. It stays text: markup in it is escaped, and what a terminal or reader would obey
//! becomes a space. Only addresses of plain letters become links.

use super::licence::Licences;
use kinophone::ledger::Terms;
use kinophone::wording::is_obeyed;

/// A source to be named.
#[derive(Clone, Copy, Debug)]
pub struct Credited<'a> {
    /// Its file's name, for want of a title.
    pub name: &'a str,
    /// Its terms.
    pub terms: &'a Terms,
}

/// How words of attribution are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A line for each source.
    Plain,
    /// A list of CommonMark.
    Markdown,
    /// A list of HTML, `<ul>`.
    Html,
}

/// Names all sources, one a line, in their order. What is unknown of one is said to be unknown.
pub fn attribution(licences: &Licences, sources: &[Credited], style: Style) -> String {
    let line = |source: &Credited| {
        let [title, author, licence] = parts(licences, source, style);
        let line = format!("{title} by {author}, {licence}");
        match style {
            Style::Plain => format!("{line}\n"),
            Style::Markdown => format!("- {line}\n"),
            Style::Html => format!("<li>{line}</li>\n"),
        }
    };
    let lines: String = sources.iter().map(line).collect();
    if style == Style::Html { format!("<ul>\n{lines}</ul>\n") } else { lines }
}

/// Title with its address, author, and licence.
fn parts(licences: &Licences, source: &Credited, style: Style) -> [String; 3] {
    let terms = source.terms;
    let stated = |text: &Option<String>| text.as_deref().map(clean).filter(|text| !text.is_empty());
    let title = format!("“{}”", stated(&terms.title).unwrap_or_else(|| clean(source.name)));
    let author = stated(&terms.author).map_or("an unknown author".to_owned(), |author| style.text(&author));
    let origin = stated(&terms.origin);
    [style.linked(&title, origin.as_deref()), author, licence(licences, stated(&terms.licence), style)]
}

fn licence(licences: &Licences, stated: Option<String>, style: Style) -> String {
    let Some(words) = stated else { return "licence unknown".to_owned() };
    let Ok(choices) = licences.read(&words) else { return style.text(&words) };
    let names = choices.iter().map(|together| {
        let names: Vec<_> = together.iter().map(|one| style.linked(&one.name, Some(&one.url))).collect();
        names.join(" and ")
    });
    names.collect::<Vec<_>>().join(" or ")
}

impl Style {
    /// Text that stays text.
    fn text(self, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Markdown => text.chars().map(|c| escaped(c, c.is_ascii_punctuation())).collect(),
            Self::Html => html(text),
        }
    }

    /// Text that leads to an address; one that is none follows as text.
    fn linked(self, text: &str, address: Option<&str>) -> String {
        let shown = self.text(text);
        match (self, address) {
            (_, None) => shown,
            (Self::Markdown, Some(address)) if is_address(address) => format!("[{shown}](<{address}>)"),
            (Self::Html, Some(address)) if is_address(address) => {
                format!("<a href=\"{}\">{shown}</a>", html(address))
            }
            (_, Some(address)) => format!("{shown} ({})", self.text(address)),
        }
    }
}

/// On one line, without what a reader would obey, and without spaces that say nothing.
fn clean(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if is_obeyed(c) { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// True for an address of the web without anything that ends a link.
fn is_address(text: &str) -> bool {
    let web = ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme));
    web && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"\\`{}|^".contains(&byte))
}

fn escaped(c: char, special: bool) -> String {
    if special { format!("\\{c}") } else { c.to_string() }
}

fn html(text: &str) -> String {
    let escape = |c: char| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        '\'' => "&#39;".to_owned(),
        c => c.to_string(),
    };
    text.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn terms(title: &str, author: &str, origin: &str, licence: &str) -> Terms {
        let stated = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Terms {
            title: stated(title),
            author: stated(author),
            origin: stated(origin),
            licence: stated(licence),
            ..Terms::default()
        }
    }

    fn written(terms: &Terms, style: Style) -> String {
        attribution(Licences::embedded(), &[Credited { name: "rain.wav", terms }], style)
    }

    #[test]
    fn title_author_source_and_licence_are_named() {
        let terms = terms(
            "Rain",
            "Ada B.",
            "https://example.org/rain?a=1&b=2",
            "http://creativecommons.org/licenses/by/3.0/",
        );
        assert_eq!(
            written(&terms, Style::Plain),
            "“Rain” (https://example.org/rain?a=1&b=2) by Ada B., CC BY 3.0 (https://creativecommons.org/licenses/by/3.0/)\n"
        );
        assert_eq!(
            written(&terms, Style::Markdown),
            "- [“Rain”](<https://example.org/rain?a=1&b=2>) by Ada B\\., \
             [CC BY 3\\.0](<https://creativecommons.org/licenses/by/3.0/>)\n"
        );
        assert_eq!(
            written(&terms, Style::Html),
            "<ul>\n<li><a href=\"https://example.org/rain?a=1&amp;b=2\">“Rain”</a> by Ada B., \
             <a href=\"https://creativecommons.org/licenses/by/3.0/\">CC BY 3.0</a></li>\n</ul>\n"
        );
    }

    #[test]
    fn what_is_unknown_is_said() {
        assert_eq!(
            written(&Terms::default(), Style::Plain),
            "“rain.wav” by an unknown author, licence unknown\n"
        );
        let free = terms("", "", "a drawer", "MIT OR (CC0-1.0 AND Zlib)");
        let told = written(&free, Style::Plain);
        assert!(
            told.starts_with("“rain.wav” (a drawer) by an unknown author, MIT License (https://spdx"),
            "{told}"
        );
        assert!(told.contains(" or CC0 1.0 (") && told.contains(" and zlib License ("), "{told}");
        let words = terms("a", "b", "", "© 1936\nall rights reserved");
        assert_eq!(written(&words, Style::Plain), "“a” by b, © 1936 all rights reserved\n");
        assert_eq!(attribution(Licences::embedded(), &[], Style::Plain), "");
    }

    #[test]
    fn hostile_text_stays_text() {
        let hostile = "<script>alert(1)</script>\u{202e}\u{1b}[31m\n- [x](javascript:alert(1))";
        for address in
            ["javascript:alert(1)", "https://a.example/\"onclick=x", "https://a.example/>) <b>", "http://a b"]
        {
            let terms = terms(hostile, hostile, address, hostile);
            let html = written(&terms, Style::Html);
            assert!(!html.contains("<script") && !html.contains("href") && !html.contains("<b>"), "{html}");
            let markdown = written(&terms, Style::Markdown);
            assert!(!markdown.contains("](") && !markdown.contains('\u{1b}'), "{markdown}");
            assert_eq!(markdown.lines().count(), 1);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_one_line_that_nobody_obeys(text in proptest::collection::vec(proptest::char::any(), 0..40)) {
            let text: String = text.into_iter().collect();
            let terms = terms(&text, &text, &text, &text);
            for style in [Style::Plain, Style::Markdown] {
                let told = written(&terms, style);
                prop_assert_eq!(told.matches('\n').count(), 1);
                prop_assert!(!told.trim_end_matches('\n').chars().any(is_obeyed));
            }
            let told = written(&terms, Style::Html);
            let inner = told.trim_start_matches("<ul>\n<li>").trim_end_matches("</li>\n</ul>\n");
            prop_assert!(!inner.contains(['<', '>', '"', '\'']), "{}", inner);
        }
    }
}
