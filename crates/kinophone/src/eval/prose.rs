//! The verdict in plain words: better than chance or not, by how much, whether it keeps silent, what would help.

use crate::eval::length;
use crate::eval::report::{Estimate, FilmReport, GrowthRow, Report, Stillness, Version};
use crate::eval::still::{INAUDIBLE_DB, NOISE};

/// From this many dB above the original's comb on a buzz is heard.
const BUZZ_DB: f64 = 3.0;
/// Less footage than this is little.
const LITTLE_SECS: f64 = 300.0;
/// Without an interval, a correlation this little over chance may be chance.
const DOUBTFUL: f64 = 0.1;
/// Correlations must differ by as much to say anything.
const WORTH_SAYING: f64 = 0.03;

/// A paragraph.
pub(crate) fn verdict(report: &Report) -> String {
    let mut words: Vec<String> = Vec::new();
    for (learned, what) in [(true, "of held-out film"), (false, "of film that it never saw")] {
        let films: Vec<&FilmReport> = report.films.iter().filter(|film| film.learned == learned).collect();
        if !films.is_empty() {
            words.extend(of_films(&films, what));
        }
    }
    words.extend(of_stillness(&report.stillness));
    words.extend(report.growth.as_deref().and_then(of_growth));
    words.push(advice(report));
    words.join(" ")
}

fn of_films(films: &[&FilmReport], what: &str) -> Vec<String> {
    let seconds: f64 = films.iter().map(|film| film.seconds).sum();
    let ours = |pick: &dyn Fn(&Version) -> Estimate| over(films, |film| version(film, "ours").map(pick));
    let (onset, loudness) = (ours(&|v| v.measures.onset_r), ours(&|v| v.measures.loudness_r));
    let chance = |pick: fn(&FilmReport) -> Option<f64>| {
        over(films, |film| pick(film).map(|value| Estimate { value, low: None, high: None })).map(|e| e.value)
    };
    let mut words = Vec::new();
    if let (Some(onset), Some(loudness)) = (onset, loudness) {
        words.push(format!(
            "On {} {what}, its attacks follow the picture {}, and its loudness {}.",
            length(seconds),
            follows(onset, chance(|film| film.chance.onset_r)),
            follows(loudness, chance(|film| film.chance.loudness_r)),
        ));
        if onset.low.is_none() && films.len() == 1 {
            words.push(
                "So little film was judged that no interval can be given: differences of 0.1 mean nothing."
                    .to_owned(),
            );
        }
    }
    words.extend(against_the_mean(films));
    words.extend(of_the_buzz(films));
    words
}

/// A figure over films by their length. An interval is given for a single film only.
fn over(films: &[&FilmReport], pick: impl Fn(&FilmReport) -> Option<Estimate>) -> Option<Estimate> {
    let found: Vec<(f64, Estimate)> =
        films.iter().filter_map(|film| Some((film.seconds, pick(film)?))).collect();
    match &found[..] {
        [] => None,
        [(_, one)] => Some(*one),
        many => {
            let seconds: f64 = many.iter().map(|(seconds, _)| seconds).sum();
            let sum: f64 = many.iter().map(|(seconds, e)| seconds * e.value).sum();
            Some(Estimate { value: sum / seconds, low: None, high: None })
        }
    }
}

fn follows(figure: Estimate, chance: Option<f64>) -> String {
    let r = figure.value;
    let known = chance.unwrap_or(0.0);
    let how = match figure.low {
        _ if r <= known => "no better than chance",
        Some(low) if low <= known => "perhaps better than chance",
        None if r < known + DOUBTFUL => "perhaps better than chance",
        _ if r >= 0.6 => "well",
        _ if r >= 0.35 => "clearly",
        _ => "loosely, but better than chance",
    };
    let interval = match (figure.low, figure.high) {
        (Some(low), Some(high)) => format!(", between {low:.2} and {high:.2} in 95 of 100 cases"),
        _ => String::new(),
    };
    let chance = chance.map_or(String::new(), |chance| format!("; chance reaches {chance:.2}"));
    format!("{how} (correlation {r:.2}{interval}{chance})")
}

fn against_the_mean(films: &[&FilmReport]) -> Option<String> {
    let distance =
        |key: &'static str| over(films, move |film| version(film, key).map(|v| v.measures.logmel_l1));
    let (ours, mean) = (distance("ours")?.value, distance("mean")?.value);
    let how = match ours - mean {
        d if d < -0.01 => "nearer to the original's than that of a constant mean sound",
        d if d > 0.01 => "further from the original's than that of a constant mean sound",
        _ => "as far from the original's as that of a constant mean sound",
    };
    Some(format!("Its timbre is {how} (distance {ours:.2} against {mean:.2})."))
}

fn of_the_buzz(films: &[&FilmReport]) -> Option<String> {
    let excess = films.iter().filter_map(|film| {
        Some(version(film, "ours")?.measures.comb_db? - film.original.comb_db.unwrap_or(0.0))
    });
    let most = excess.reduce(f64::max)?;
    Some(if most > BUZZ_DB {
        format!("It buzzes at the frame rate, {most:.0} dB more than the original.")
    } else {
        "It does not buzz at the frame rate.".to_owned()
    })
}

fn of_stillness(films: &[Stillness]) -> Option<String> {
    let empty = || films.iter().filter(|film| film.picture != NOISE);
    let loud: Vec<String> = empty()
        .filter(|film| film.dbfs > INAUDIBLE_DB)
        .map(|film| format!("{} ({:.0} dBFS)", film.picture, film.dbfs))
        .collect();
    empty().next()?;
    Some(if loud.is_empty() {
        "Where nothing is to be seen it keeps silent.".to_owned()
    } else {
        format!("It does not keep silent where nothing is to be seen: {}.", loud.join(", "))
    })
}

fn of_growth(rows: &[GrowthRow]) -> Option<String> {
    let (first, last) = (rows.first()?, rows.last()?);
    let (before, gain) = (rows.get(rows.len().checked_sub(2)?)?, last.figures.onset_r);
    Some(if gain - before.figures.onset_r > WORTH_SAYING {
        format!(
            "With more footage it got better and still does: attacks {:.2} after {}, {:.2} after {}.",
            first.figures.onset_r,
            length(first.seconds),
            gain,
            length(last.seconds)
        )
    } else {
        format!(
            "The second half of its footage made hardly a difference: attacks {:.2} and {:.2}.",
            before.figures.onset_r, gain
        )
    })
}

/// What was tried out in training says it best.
fn advice(report: &Report) -> String {
    if let Some(prospects) = &report.brain.prospects {
        return prospects.words.clone();
    }
    let seconds: f64 = report.brain.learned_from.iter().filter_map(|film| film.seconds).sum();
    let known = report.brain.learned_from.iter().any(|film| film.seconds.is_some());
    if !known {
        "More footage of the same kind would help; longer training would not.".to_owned()
    } else if seconds < LITTLE_SECS {
        format!(
            "It learned from {} of film: more footage of the same kind would help most; longer training would not.",
            length(seconds)
        )
    } else {
        format!(
            "It learned from {} of film: footage in which sound and picture belong together more closely would help more \
             than longer training.",
            length(seconds)
        )
    }
}

fn version<'a>(film: &'a FilmReport, key: &str) -> Option<&'a Version> {
    film.versions.iter().find(|version| version.key == key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(value: f64, low: f64) -> Estimate {
        Estimate { value, low: Some(low), high: Some(value + 0.1) }
    }

    #[test]
    fn what_is_no_better_than_chance_is_called_so() {
        let alone = Estimate { value: 0.42, low: None, high: None };
        assert_eq!(follows(alone, Some(0.12)), "clearly (correlation 0.42; chance reaches 0.12)");
        for (e, chance, how) in [
            (figure(0.10, 0.01), 0.12, "no better than chance"),
            (figure(0.40, 0.05), 0.12, "perhaps better than chance"),
            (Estimate { value: 0.20, low: None, high: None }, 0.12, "perhaps better than chance"),
            (figure(0.40, 0.30), 0.12, "clearly"),
            (figure(0.70, 0.60), 0.12, "well"),
            (figure(0.20, 0.15), 0.12, "loosely"),
        ] {
            assert!(follows(e, Some(chance)).starts_with(how), "{e:?}: {}", follows(e, Some(chance)));
        }
    }

    #[test]
    fn silence_is_praised_and_noise_is_no_silence() {
        let film = |picture, dbfs| Stillness { picture, dbfs };
        let said = of_stillness(&[film("black", -91.0), film("noise", -20.0)]).unwrap();
        assert_eq!(said, "Where nothing is to be seen it keeps silent.");
        let said = of_stillness(&[film("black", -91.0), film("white", -33.3)]).unwrap();
        assert!(said.ends_with("white (-33 dBFS)."), "{said}");
        assert_eq!(of_stillness(&[]), None);
    }
}
