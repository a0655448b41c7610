//! Credits of a soundtrack: summed up while it is made, for its end title, and for its file's own tags.

use crate::score::{ClipEvent, CreditedSource, ScoreHeader, rounded};
use crate::wording::one_line;
use serde::{Deserialize, Serialize};

/// The format of credits in a file's tags.
const VERSION: u32 = 1;
/// The beginning of credits in a file's tags.
const TAG_HEAD: &str = "{\"kinophone_credits\":1,";
/// Bytes of credits in a file's tags at most: more would not fit into a command line everywhere.
const MAX_TAG_BYTES: usize = 16_000;
/// Pauses between stretches of a source that are left out, in seconds.
const MAX_PAUSE_SECONDS: f64 = 1.0;
/// Stretches that are named in words at most.
const MAX_NAMED: usize = 3;

/// The sources of a soundtrack and their shares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Credits {
    /// Version of the format: 1.
    #[serde(rename = "kinophone_credits")]
    pub version: u32,
    /// File name of the film, if there is one.
    pub film: Option<String>,
    /// Length of the soundtrack in seconds.
    pub seconds: f64,
    /// A part for each source that sounds, the largest share first.
    pub credits: Vec<Credit>,
    /// Sources that sound and are not listed, as there was no room for more in a file's tags.
    #[serde(default)]
    pub left_out: usize,
}

/// A source's part of a soundtrack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Credit {
    /// The source.
    pub source: CreditedSource,
    /// Seconds in which it is played.
    pub seconds: f64,
    /// Its share of the energy of the whole, 0 to 1.
    pub share: f64,
    /// Its first beginning, in seconds.
    pub first: f64,
    /// Beginnings and ends of its stretches, in seconds; pauses of less than a second are left out. A file's tags have no room for
    /// them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub times: Vec<[f64; 2]>,
}

/// Sums up clips as they come, in little memory: sixteen bytes for each change of the source.
#[derive(Clone, Debug, Default)]
pub struct CreditTally {
    /// By the number of the source.
    parts: Vec<CreditShare>,
}

#[derive(Clone, Debug, Default)]
struct CreditShare {
    energy: f64,
    /// Beginnings and ends of its stretches: in order, without overlap.
    times: Vec<[f64; 2]>,
}

impl CreditTally {
    /// Adds a clip; they come about in the order of time.
    pub fn add(&mut self, clip: &ClipEvent) {
        if self.parts.len() <= clip.source {
            self.parts.resize_with(clip.source + 1, CreditShare::default);
        }
        let part = &mut self.parts[clip.source];
        part.energy += clip.seconds * 10f64.powf(clip.level_db / 10.0);
        if !clip.is_tail() {
            part.play(clip.at.max(0.0), clip.at + clip.seconds);
        }
    }

    /// The credits of all clips so far; `sources` are in the order of their numbers.
    pub fn credits(&self, about: &ScoreHeader, sources: &[CreditedSource]) -> Credits {
        let all: f64 = self.parts.iter().map(|part| part.energy).sum();
        let credit = |(part, source): (&CreditShare, &CreditedSource)| {
            let within = part.times.iter().map(|[from, to]| [*from, to.min(about.seconds)]);
            let times: Vec<[f64; 2]> = within.filter(|[from, to]| from < to).collect();
            Some(Credit {
                source: source.clone(),
                seconds: times.iter().map(|[from, to]| to - from).sum(),
                share: part.energy / all.max(f64::MIN_POSITIVE),
                first: times.first()?[0],
                times: joined(&times, MAX_PAUSE_SECONDS),
            })
        };
        let mut credits: Vec<Credit> = self.parts.iter().zip(sources).filter_map(credit).collect();
        credits.sort_by(|a, b| b.share.total_cmp(&a.share));
        Credits { version: VERSION, film: about.film.clone(), seconds: about.seconds, credits, left_out: 0 }
    }
}

impl CreditShare {
    fn play(&mut self, mut from: f64, mut to: f64) {
        // A millionth of a second is rounding.
        let place = self.times.iter().rposition(|[_, end]| *end + 1e-6 < from).map_or(0, |place| place + 1);
        let met = self.times[place..].iter().take_while(|[begin, _]| *begin <= to + 1e-6).count();
        for [begin, end] in self.times.drain(place..place + met) {
            (from, to) = (from.min(begin), to.max(end));
        }
        self.times.insert(place, [from, to]);
    }
}

fn joined(times: &[[f64; 2]], apart: f64) -> Vec<[f64; 2]> {
    let mut joined: Vec<[f64; 2]> = Vec::new();
    for time in times {
        match joined.last_mut() {
            Some(last) if time[0] - last[1] < apart => last[1] = time[1],
            _ => joined.push(*time),
        }
    }
    joined
}

impl Credits {
    /// The text of an end title, a paragraph a source.
    pub fn titles(&self) -> String {
        let mut text = String::new();
        for credit in &self.credits {
            let (source, terms) = (&credit.source, &credit.source.terms);
            let mut line = terms.title.as_deref().unwrap_or(&source.name).to_owned();
            if let Some(author) = &terms.author {
                line += &format!(" by {author}");
            }
            line += &format!(" ({})", terms.licence.as_deref().unwrap_or("terms unknown"));
            if let Some(origin) = &terms.origin {
                line += &format!(", {origin}");
            }
            text += &one_line(&line);
            text += &format!(
                "\n  {:.1} seconds, {} of the sound, {}\n",
                credit.seconds,
                percent(credit.share),
                credit.when()
            );
        }
        text + &self.missing()
    }

    /// The credits as a table in Markdown.
    pub fn markdown(&self) -> String {
        let cell = |text: Option<&str>| one_line(text.unwrap_or("unknown")).replace('|', "\\|");
        let mut text =
            "| source | author | licence | from | seconds | share | when |\n|---|---|---|---|---|---|---|\n"
                .to_owned();
        for credit in &self.credits {
            let (source, terms) = (&credit.source, &credit.source.terms);
            text += &format!(
                "| {} | {} | {} | {} | {:.1} | {} | {} |\n",
                cell(terms.title.as_deref().or(Some(&source.name))),
                cell(terms.author.as_deref()),
                cell(terms.licence.as_deref()),
                cell(terms.origin.as_deref()),
                credit.seconds,
                percent(credit.share),
                credit.when()
            );
        }
        match &*self.missing() {
            "" => text,
            missing => format!("{text}\n{missing}"),
        }
    }

    fn missing(&self) -> String {
        match self.left_out {
            0 => String::new(),
            n => format!("and {n} more, which the file has no room to name\n"),
        }
    }

    /// A text that the credits of these sources replace in a file's tags when it is known who sounds: it has as many bytes as
    /// [`Credits::tag`] makes then, and nothing else in the file is like it.
    pub fn placeholder(about: &ScoreHeader, sources: &[CreditedSource], seed: &str) -> String {
        let widest = |source: &CreditedSource| Credit {
            source: source.clone(),
            seconds: -99_999.999,
            share: 0.123_456_7,
            first: -99_999.999,
            times: Vec::new(),
        };
        let credits = sources.iter().map(widest).collect();
        let whole = Self {
            version: VERSION,
            film: about.film.clone(),
            seconds: -99_999.999,
            credits,
            left_out: sources.len(),
        };
        let bytes = whole.compact().len().clamp(TAG_HEAD.len() + seed.len() + 16, MAX_TAG_BYTES);
        let head = format!("{TAG_HEAD}\"room\":\"{seed}\"");
        format!("{head:<width$}}}", width = bytes - 1)
    }

    /// The credits in place of a placeholder: JSON of as many bytes. Times are left out; where there is no room for all, the works of the
    /// sources, and then the sources with the least share.
    pub fn tag(&self, placeholder: &str) -> String {
        let mut credits = self.clone();
        credits.seconds = rounded(credits.seconds, 1e3);
        for credit in &mut credits.credits {
            credit.times.clear();
            (credit.seconds, credit.first) = (rounded(credit.seconds, 1e3), rounded(credit.first, 1e3));
            credit.share = rounded(credit.share, 1e6);
        }
        let mut text = credits.compact();
        if text.len() > placeholder.len() {
            credits.credits.iter_mut().for_each(|credit| credit.source.terms.works.clear());
            text = credits.compact();
        }
        while text.len() > placeholder.len() && credits.credits.pop().is_some() {
            credits.left_out += 1;
            text = credits.compact();
        }
        let body = text.strip_suffix('}').unwrap_or(&text);
        format!("{body}{}}}", " ".repeat(placeholder.len().saturating_sub(text.len())))
    }

    /// Reads the credits in a file's tags, on the last line of a text that may begin with somebody else's; `None` for any other text.
    pub fn of_tag(text: &str) -> Option<Self> {
        let own = text.lines().rfind(|line| line.starts_with(TAG_HEAD))?;
        serde_json::from_str(own).ok()
    }

    /// The part of a tag that is not ours: all lines before the first credits.
    pub fn others_in_tag(text: &str) -> &str {
        let mut ends = text.match_indices(TAG_HEAD).map(|(at, _)| &text[..at]);
        ends.find(|before| before.is_empty() || before.ends_with('\n')).unwrap_or(text).trim_end()
    }

    fn compact(&self) -> String {
        serde_json::to_string(self).expect("numbers and words become JSON")
    }
}

impl Credit {
    fn when(&self) -> String {
        if self.times.is_empty() {
            return format!("first at {}", clock(self.first));
        }
        let named: Vec<String> = self
            .times
            .iter()
            .take(MAX_NAMED)
            .map(|[from, to]| format!("{} to {}", clock(*from), clock(*to)))
            .collect();
        let more = self.times.len().saturating_sub(MAX_NAMED);
        let rest = if more > 0 { format!(", and {more} more times") } else { String::new() };
        format!("from {}{rest}", named.join(", "))
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn clock(at: f64) -> String {
    let whole = at as u64;
    format!("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
}
