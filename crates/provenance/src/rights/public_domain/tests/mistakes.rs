//! Every number of the table matters: with one moved by one, some case comes out otherwise.

use super::super::{Rules, TABLE};
use super::cases::{BORDERS, DOUBTS};
use super::{country, date, day_before, work};
use kinophone::ledger::{PartialDate, Right};

/// No film published by 1952 had less than 50 years by 2004, so that the least of 70 is never reached.
const UNREACHED: [&str; 2] = ["[69, 83], after = \"publication\"", "[71, 83], after = \"publication\""];

type Case = (&'static str, Right, &'static str, [PartialDate; 4]);

/// A table with a mistake.
struct Mistake {
    /// The country that it is in.
    code: String,
    /// The line, with its number.
    line: String,
    table: String,
}

/// All cases, with the days around their ends.
fn cases() -> Vec<Case> {
    let days = |[first, last]: [&str; 2]| [day_before(first), date(first), day_before(last), date(last)];
    let borders = BORDERS.iter().map(|(code, right, facts, day)| (*code, *right, *facts, [*day, *day]));
    let cases = borders.chain(DOUBTS.iter().copied());
    cases.map(|(code, right, facts, ends)| (code, right, facts, days(ends))).collect()
}

/// Tells whether two tables answer a case otherwise.
fn differ(one: &Rules, other: &Rules, (code, right, facts, days): &Case) -> bool {
    let (work, country) = (work(*right, facts), country(code));
    days.iter().any(|day| one.status(&work, &country, *day) != other.status(&work, &country, *day))
}

/// The table with a number of years, or the year of a date, moved by one either way.
fn mistakes() -> impl Iterator<Item = Mistake> {
    let lines: Vec<&str> = TABLE.lines().collect();
    let begin = lines.iter().position(|line| line.starts_with("[[country]]")).unwrap();
    let places: Vec<_> = (begin..lines.len())
        .flat_map(|k| numbers(lines[k]).into_iter().map(move |(from, to)| (k, from, to)))
        .collect();
    places.into_iter().flat_map(move |(k, from, to)| {
        let number: u32 = lines[k][from..to].parse().unwrap();
        let code = lines[..k].iter().rev().find_map(|line| line.strip_prefix("code = ")).unwrap();
        let with = |number: u32| {
            let line = format!("{}{number}{}", &lines[k][..from], &lines[k][to..]);
            let table = [&lines[..k], &[line.as_str()], &lines[k + 1..]].concat().join("\n");
            Mistake { code: code.trim_matches('"').into(), line: format!("{}: {line}", k + 1), table }
        };
        let moved = [Some(number + 1), number.checked_sub(1)].into_iter().flatten();
        moved.map(with).collect::<Vec<_>>()
    })
}

/// Where numbers of years and years of dates are in a line; none within words, and not the year of a term that adds nothing.
fn numbers(line: &str) -> Vec<(usize, usize)> {
    let words = ["citation", "source", "says", "depends", "assuming", "#"];
    if words.iter().any(|key| line.trim_start().starts_with(key)) {
        return Vec::new();
    }
    let bytes = line.as_bytes();
    let quoted = |k: usize| line[..k].matches('"').count() % 2 == 1;
    let begins = |k: usize| match bytes[k - 1] {
        b'"' => quoted(k) && !line[k..].starts_with("1901-01-01"),
        b' ' | b'[' => !quoted(k),
        _ => false,
    };
    let end = |from: usize| from + bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let starts = (1..bytes.len()).filter(|k| bytes[*k].is_ascii_digit() && begins(*k));
    starts.map(|from| (from, end(from))).collect()
}

#[test]
fn a_wrong_number_in_the_table_is_found() {
    let (right, cases) = (Rules::embedded(), cases());
    let is_found = |mistake: &Mistake| {
        let Ok(wrong) = Rules::parse(&mistake.table) else { return true };
        let near = cases.iter().filter(|case| case.0 == mistake.code);
        let far = cases.iter().filter(|case| case.0 != mistake.code);
        near.chain(far).any(|case| differ(right, &wrong, case))
    };
    let all: Vec<_> =
        mistakes().filter(|mistake| !UNREACHED.iter().any(|end| mistake.line.contains(end))).collect();
    assert!(all.len() > 300);
    let unnoticed: Vec<_> =
        all.into_iter().filter(|mistake| !is_found(mistake)).map(|mistake| mistake.line).collect();
    assert!(unnoticed.is_empty(), "{} go unnoticed:\n{}", unnoticed.len(), unnoticed.join("\n"));
}
