//! `kinophone credits`: whose sounds a soundtrack is made of.

use crate::context::{self, Context};
use crate::report::{Failure, Outcome};
use clap::Args;
use kinophone::render::{Credit, Score};
use serde_json::json;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  A soundtrack and its score, then the words for an end title:
    kinophone render my.brain film.mp4 -o out.mp4 --sounds voices.sounds --score out.json
    kinophone credits out.json

  A table for a web page:
    kinophone credits out.json --markdown > credits.md

  Everything, for programs:
    kinophone credits out.json --json

Shares are of the sound's energy, the gain of each piece included.";

/// Options of `credits`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct CreditsArgs {
    /// A score that 'kinophone render --score' wrote as .json
    #[arg(value_name = "SCORE")]
    pub score: PathBuf,
    /// As a table in Markdown
    #[arg(long)]
    pub markdown: bool,
}

/// Prints them.
pub fn run(args: &CreditsArgs, context: &Context) -> Result<Outcome, Failure> {
    context::existing(&args.score)?;
    let score = Score::read(&args.score)?;
    let credits = score.credits();
    let text = || if args.markdown { table(&credits) } else { titles(&credits) };
    context
        .report
        .data(|| json!({ "film": score.film, "seconds": score.seconds, "credits": credits }), text)?;
    Ok(Outcome::Done)
}

/// A paragraph a source, as an end title has them.
fn titles(credits: &[Credit]) -> String {
    let mut text = String::new();
    for credit in credits {
        let source = &credit.source;
        text += source.title.as_deref().unwrap_or(&source.name);
        if let Some(author) = &source.author {
            text += &format!(" by {author}");
        }
        text += &format!(" ({})", source.licence.as_deref().unwrap_or("terms unknown"));
        if let Some(origin) = &source.origin {
            text += &format!(", {origin}");
        }
        text += &format!(
            "\n  {}, {} of the sound, first at {}\n",
            seconds(credit.seconds),
            percent(credit.share),
            clock(credit.first)
        );
    }
    text
}

fn table(credits: &[Credit]) -> String {
    let cell = |text: Option<&str>| text.unwrap_or("unknown").replace('|', "\\|");
    let mut text =
        "| source | author | licence | from | seconds | share | first at |\n|---|---|---|---|---|---|---|\n"
            .to_owned();
    for credit in credits {
        let source = &credit.source;
        text += &format!(
            "| {} | {} | {} | {} | {:.1} | {} | {} |\n",
            cell(source.title.as_deref().or(Some(&source.name))),
            cell(source.author.as_deref()),
            cell(source.licence.as_deref()),
            cell(source.origin.as_deref()),
            credit.seconds,
            percent(credit.share),
            clock(credit.first)
        );
    }
    text
}

fn seconds(seconds: f64) -> String {
    format!("{seconds:.1} seconds")
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn clock(at: f64) -> String {
    let whole = at as u64;
    format!("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinophone::render::Credited;

    #[test]
    fn titles_and_tables_name_everybody() {
        let source = Credited {
            name: "a|b.wav".into(),
            blake3: String::new(),
            title: None,
            author: Some("A. Toner".into()),
            licence: None,
            origin: Some("https://example.org".into()),
        };
        let credits = [Credit { source, seconds: 12.34, share: 0.5, first: 3661.0 }];
        assert_eq!(
            titles(&credits),
            "a|b.wav by A. Toner (terms unknown), https://example.org\n  12.3 seconds, 50.0 % of the sound, first at 1:01:01\n"
        );
        let last = "| a\\|b.wav | A. Toner | unknown | https://example.org | 12.3 | 50.0 % | 1:01:01 |";
        assert_eq!(table(&credits).lines().last(), Some(last));
    }
}
