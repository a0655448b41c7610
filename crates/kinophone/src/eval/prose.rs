//! The verdict in prose: better than chance or not, by how much, silent without events or not, and the likely
//! remedy.

use crate::eval::report::{Estimate, FilmReport, GrowthRow, LeaveOneFilmOut, Report, Stillness, Version};
use crate::eval::still::{INAUDIBLE_DB, NOISE};
use crate::wording::count;

/// Excess of the comb over the original's, in dB, from which a buzz is audible.
const AUDIBLE_BUZZ_DB: f64 = 3.0;
/// Footage in seconds below which more of it would help most.
const LITTLE_FOOTAGE_SECS: f64 = 300.0;
/// Excess of a correlation over chance below which, without an interval, it may be chance.
const DOUBTFUL_EXCESS: f64 = 0.1;
/// Smallest difference of correlations that is reported as a gain.
const MIN_GAIN: f64 = 0.03;

/// The verdict, a paragraph.
pub(crate) fn verdict(report: &Report) -> String {
    let mut sentences: Vec<String> = Vec::new();
    for (learned, what) in [(true, "of held-out film"), (false, "of film that it was not trained on")] {
        let films: Vec<&FilmReport> = report.films.iter().filter(|film| film.learned == learned).collect();
        if !films.is_empty() {
            sentences.extend(on_films(&films, what));
        }
    }
    sentences.extend(report.leave_one_film_out.as_ref().map(on_left_out_films));
    sentences.extend(on_stillness(&report.stillness));
    sentences.extend(report.growth.as_deref().and_then(on_growth));
    sentences.push(advice(report));
    sentences.join(" ")
}

fn on_films(films: &[&FilmReport], what: &str) -> Vec<String> {
    let seconds: f64 = films.iter().map(|film| film.seconds).sum();
    let ours = |pick: &dyn Fn(&Version) -> Estimate| over(films, |film| version(film, "ours").map(pick));
    let (onset, loudness) = (ours(&|v| v.measures.onset_r), ours(&|v| v.measures.loudness_r));
    let chance = |pick: fn(&FilmReport) -> Option<f64>| {
        over(films, |film| pick(film).map(|value| Estimate { value, low: None, high: None })).map(|e| e.value)
    };
    let mut sentences = Vec::new();
    if let (Some(onset), Some(loudness)) = (onset, loudness) {
        sentences.push(format!(
            "On {} {what}, its attacks follow the picture {}, and its loudness {}.",
            duration(seconds),
            follows(onset, chance(|film| film.chance.onset_r)),
            follows(loudness, chance(|film| film.chance.loudness_r)),
        ));
        if onset.low.is_none() && films.len() == 1 {
            sentences.push(
                "So little film was evaluated that no interval can be given: differences of 0.1 mean nothing."
                    .to_owned(),
            );
        }
    }
    sentences.extend(against_the_mean(films));
    sentences.extend(on_buzz(films));
    sentences
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
        None if r < known + DOUBTFUL_EXCESS => "perhaps better than chance",
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

fn on_buzz(films: &[&FilmReport]) -> Option<String> {
    let excess = films.iter().filter_map(|film| {
        Some(version(film, "ours")?.measures.comb_db? - film.original.comb_db.unwrap_or(0.0))
    });
    let most = excess.reduce(f64::max)?;
    Some(if most > AUDIBLE_BUZZ_DB {
        format!("It buzzes at the frame rate, {most:.0} dB more than the original.")
    } else {
        "It does not buzz at the frame rate.".to_owned()
    })
}

fn on_stillness(films: &[Stillness]) -> Option<String> {
    let empty = || films.iter().filter(|film| film.picture != NOISE);
    let loud: Vec<String> = empty()
        .filter(|film| film.dbfs > INAUDIBLE_DB)
        .map(|film| format!("{} ({:.0} dBFS)", film.picture, film.dbfs))
        .collect();
    empty().next()?;
    Some(if loud.is_empty() {
        "Where the picture shows nothing it keeps silent.".to_owned()
    } else {
        format!("It does not keep silent where the picture shows nothing: {}.", loud.join(", "))
    })
}

fn on_left_out_films(left_out: &LeaveOneFilmOut) -> String {
    let LeaveOneFilmOut { rows, mean, low, high } = left_out;
    let interval = match (low, high) {
        (Some(low), Some(high)) => {
            format!(", between {:.2} and {:.2} in 95 of 100 cases", low.onset_r, high.onset_r)
        }
        _ => String::new(),
    };
    format!(
        "Of {} left out of such a training in turn, attacks are followed with a mean correlation of {:.2}{interval}, loudness \
         of {:.2}.",
        count(rows.len(), "films"),
        mean.onset_r,
        mean.loudness_r
    )
}

fn on_growth(rows: &[GrowthRow]) -> Option<String> {
    let (first, last) = (rows.first()?, rows.last()?);
    let (before, gain) = (rows.get(rows.len().checked_sub(2)?)?, last.figures.onset_r);
    Some(if gain - before.figures.onset_r > MIN_GAIN {
        format!(
            "More footage still improves it: attacks {:.2} after {}, {:.2} after {}.",
            first.figures.onset_r,
            duration(first.seconds),
            gain,
            duration(last.seconds)
        )
    } else {
        format!(
            "The second half of its footage made hardly a difference: attacks {:.2} and {:.2}.",
            before.figures.onset_r, gain
        )
    })
}

/// Advice on more footage or longer training, from the training's own trials where there are any.
fn advice(report: &Report) -> String {
    if let Some(curve) = &report.brain.learning_curve {
        return curve.words.clone();
    }
    let seconds: f64 = report.brain.learned_from.iter().filter_map(|film| film.seconds).sum();
    let known = report.brain.learned_from.iter().any(|film| film.seconds.is_some());
    if !known {
        "More footage of the same kind would help; longer training would not.".to_owned()
    } else if seconds < LITTLE_FOOTAGE_SECS {
        format!(
            "It was trained on {} of film: more footage of the same kind would help most; longer training would not.",
            duration(seconds)
        )
    } else {
        format!(
            "It was trained on {} of film: footage in which sound and picture belong together more closely would help more \
             than longer training.",
            duration(seconds)
        )
    }
}

/// "20 seconds", "2 min 05 s".
pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    if whole < 100 { count(whole, "seconds") } else { format!("{} min {:02} s", whole / 60, whole % 60) }
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
    fn durations_are_words() {
        assert_eq!([1.0, 99.7, 125.0].map(duration), ["1 second", "1 min 40 s", "2 min 05 s"]);
    }

    #[test]
    fn figures_no_better_than_chance_are_called_so() {
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
    fn silence_is_reported_and_noise_is_not_expected_to_be_silent() {
        let film = |picture, dbfs| Stillness { picture, dbfs };
        let text = on_stillness(&[film("black", -91.0), film("noise", -20.0)]).unwrap();
        assert_eq!(text, "Where the picture shows nothing it keeps silent.");
        let text = on_stillness(&[film("black", -91.0), film("white", -33.3)]).unwrap();
        assert!(text.ends_with("white (-33 dBFS)."), "{text}");
        assert_eq!(on_stillness(&[]), None);
    }
}
