//! Other people's texts in files that have lines.

/// A text on one line, for readers that know no control characters: each is a space, as are line separators and what turns the
/// direction of writing. A title may hold anything, also what a terminal would obey.
pub(crate) fn one_line(text: &str) -> String {
    let obeyed = |c: char| matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if c.is_control() || obeyed(c) { ' ' } else { c }).collect()
}
