//! Quantities in words, and other people's texts, for messages, reports and files.

use std::fmt::Display;

/// A count with its unit: "1 film", "2 films". `plural` is a regular plural: its last word ends in "s".
pub fn count<N: Display + PartialEq + From<u8>>(number: N, plural: &str) -> String {
    if number == N::from(1) {
        format!("{number} {}", plural.strip_suffix('s').unwrap_or(plural))
    } else {
        format!("{number} {plural}")
    }
}

/// True for characters that a terminal or reader would obey instead of showing: control characters, line separators, and what turns
/// the direction of writing. A title may hold any of them.
pub fn is_obeyed(c: char) -> bool {
    let turns =
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns
}

/// A text on one line, for readers that know no control characters: each that is obeyed is a space.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if is_obeyed(c) { ' ' } else { c }).collect()
}

pub(crate) fn cut(text: &str, most: usize, end: &str) -> String {
    if text.len() <= most {
        text.to_owned()
    } else {
        format!("{}{end}", &text[..text.floor_char_boundary(most)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_nothing_is_plural() {
        assert_eq!(
            [count(0u64, "films"), count(1, "films"), count(2, "films")],
            ["0 films", "1 film", "2 films"]
        );
        assert_eq!(count(1usize, "manual pages"), "1 manual page");
    }
}
