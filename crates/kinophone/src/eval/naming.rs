//! Names in reports and galleries.

use crate::brain::Brain;
use crate::dataset::HoldOut;

/// The kind of a brain, as reports have it.
pub(crate) fn brain_kind(brain: &Brain) -> &'static str {
    match brain {
        Brain::Classic(_) => "classic",
        Brain::Ensemble(_) => "ensemble",
    }
}

/// The rule as the option is written.
pub(crate) fn hold_out_name(rule: HoldOut) -> String {
    serde_json::to_value(rule).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The names, with a number behind each that occurred before.
pub(crate) fn distinct(names: Vec<String>) -> Vec<String> {
    let mut taken: Vec<String> = Vec::new();
    for name in names {
        let numbered = (1..).map(|n| if n == 1 { name.clone() } else { format!("{name}-{n}") });
        // On many file systems names that differ in case alone are one name.
        let free = |n: &String| !taken.iter().any(|t| t.eq_ignore_ascii_case(n));
        let found = numbered.into_iter().find(free).unwrap_or_default();
        taken.push(found);
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_occurred_before_are_numbered() {
        let names = ["a", "b", "A", "a-2", "a"].map(str::to_owned).to_vec();
        assert_eq!(distinct(names), ["a", "b", "A-2", "a-2-2", "a-3"]);
    }
}
