//! Quantities in words, for messages and reports.

use std::fmt::Display;

/// A count with its unit: "1 film", "2 films". `plural` is a regular plural: its last word ends in "s".
pub fn count<N: Display + PartialEq + From<u8>>(number: N, plural: &str) -> String {
    if number == N::from(1) {
        format!("{number} {}", plural.strip_suffix('s').unwrap_or(plural))
    } else {
        format!("{number} {plural}")
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
