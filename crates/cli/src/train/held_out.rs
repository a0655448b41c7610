//! Films that are held out of a training as a whole, by their names.

use crate::report::Failure;
use crate::wording::visible_line;
use kinophone::dataset::{Corpus, HeldOutFilm};
use std::ffi::OsString;
use std::path::Path;

/// Most names of films that an error lists.
const MAX_NAMES: usize = 30;

/// Fails where a name is of none of the films, or where no film is left to learn from.
pub(super) fn check(wanted: &[OsString], films: &[&str]) -> Result<(), Failure> {
    let list = || format!("the films are {}", listed(films));
    for name in wanted.iter().map(|name| name.to_string_lossy()) {
        if meant(&name, films).is_empty() {
            let what = format!("--hold-out-film {name}: no film has that name");
            return Err(Failure::usage(what, list()));
        }
    }
    if !wanted.is_empty() && all_meant(wanted, films).iter().all(|meant| *meant) {
        let help = format!("name fewer of them: {}", list());
        return Err(Failure::usage("--hold-out-film leaves no film to learn from", help));
    }
    Ok(())
}

/// The films of a corpus that the names mean. Fails as [`check`] does.
pub(super) fn find(wanted: &[OsString], corpus: &Corpus) -> Result<Vec<HeldOutFilm>, Failure> {
    let films: Vec<&str> = corpus.shards.iter().map(|shard| &shard.source().name[..]).collect();
    check(wanted, &films)?;
    let meant = corpus.shards.iter().zip(all_meant(wanted, &films)).filter(|(_, meant)| *meant);
    let film = |source: &kinophone::ledger::Source| HeldOutFilm {
        name: source.name.clone(),
        blake3: source.blake3.clone(),
    };
    Ok(meant.map(|(shard, _)| film(shard.source())).collect())
}

/// For each film, true if one of the names means it.
fn all_meant(wanted: &[OsString], films: &[&str]) -> Vec<bool> {
    let mut all = vec![false; films.len()];
    for name in wanted {
        meant(&name.to_string_lossy(), films).into_iter().for_each(|k| all[k] = true);
    }
    all
}

/// Numbers of the films that have that name, or, where there is none, have it before their extension.
fn meant(name: &str, films: &[&str]) -> Vec<usize> {
    let numbers = |is: &dyn Fn(&str) -> bool| (0..films.len()).filter(|k| is(films[*k])).collect::<Vec<_>>();
    let whole = numbers(&|film| film == name);
    let stem = |film: &str| Path::new(film).file_stem().is_some_and(|stem| stem == name);
    if whole.is_empty() { numbers(&stem) } else { whole }
}

/// The names in order, each once.
fn listed(films: &[&str]) -> String {
    let mut names: Vec<String> = films.iter().map(|film| visible_line(film)).collect();
    names.sort();
    names.dedup();
    let more = names.len().saturating_sub(MAX_NAMES);
    names.truncate(MAX_NAMES);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{rest}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILMS: [&str; 4] = ["a.mp4", "b.mp4", "a.mkv", "a"];

    #[test]
    fn names_mean_films_with_or_without_their_extension() {
        assert_eq!(meant("b", &FILMS), [1]);
        assert_eq!(meant("a.mkv", &FILMS), [2]);
        // The name itself comes first; without it all that begin so.
        assert_eq!(meant("a", &FILMS), [3]);
        assert_eq!(meant("a", &FILMS[..3]), [0, 2]);
        assert!(meant("a.", &FILMS).is_empty() && meant("c", &FILMS).is_empty());
    }

    #[test]
    fn names_of_no_film_or_of_all_are_usage_errors() {
        let names = |names: &[&str]| names.iter().map(OsString::from).collect::<Vec<_>>();
        let refused = |wanted: &[&str]| match check(&names(wanted), &FILMS[..2]) {
            Err(Failure::Usage(error)) => format!("{error}; {}", error.advice().unwrap_or_default()),
            other => panic!("{other:?}"),
        };
        assert!(check(&[], &FILMS).is_ok() && check(&names(&["b", "a.mp4"]), &FILMS).is_ok());
        assert_eq!(
            refused(&["b", "c"]),
            "--hold-out-film c: no film has that name; the films are a.mp4, b.mp4"
        );
        assert!(refused(&["b", "a"]).starts_with("--hold-out-film leaves no film to learn from; name fewer"));
        let many: Vec<String> = (0..40).map(|k| format!("{k:02}")).collect();
        let many: Vec<&str> = many.iter().map(|name| &name[..]).collect();
        assert!(listed(&many).ends_with("28, 29 and 10 more"));
    }
}
