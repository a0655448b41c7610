//! `kinophone doctor`: checks that this machine has what Kinophone needs, and advises where it has not.

mod finding;
mod machine;
mod tools;

use crate::context::Context;
use crate::doctor::finding::{Finding, State};
use crate::report::{Failure, Outcome};
use clap::Args;
use serde_json::json;

const EXAMPLES: &str = "\
Examples:
  Check this machine:
    kinophone doctor

  Check another ffmpeg:
    kinophone doctor --ffmpeg /opt/ffmpeg/bin/ffmpeg

  In a script: exit code 1 only where Kinophone can't work:
    kinophone doctor --json > health.json";

/// Options of `doctor`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct DoctorArgs {}

/// Runs all checks and prints the findings.
pub fn run(_: &DoctorArgs, context: &Context) -> Result<Outcome, Failure> {
    let mut findings = tools::check(context);
    findings.extend(machine::check());
    let works = findings.iter().all(|f| f.state != State::Problem);
    context.report.data(|| json!({ "works": works, "findings": findings }), || as_text(&findings, works))?;
    Ok(if works { Outcome::Done } else { Outcome::Problems })
}

fn as_text(findings: &[Finding], works: bool) -> String {
    let width = findings.iter().map(|f| f.topic.len()).max().unwrap_or(0);
    let mut text = String::new();
    for finding in findings {
        let state = match finding.state {
            State::Ok => "ok     ",
            State::Warning => "warning",
            State::Problem => "PROBLEM",
        };
        text += &format!("{state}  {:width$}  {}\n", finding.topic, finding.found);
        if let Some(advice) = &finding.advice {
            text += &format!("{:7}  {:width$}  -> {advice}\n", "", "");
        }
    }
    text + if works { "\nKinophone works here.\n" } else { "\nKinophone does not work here yet.\n" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_aligned_and_advice_stands_below() {
        let findings = [
            Finding::ok("ffmpeg", "5.1"),
            Finding::warning("codecs", "no Opus", "install one"),
            Finding::problem("disk", "full", "make room"),
        ];
        assert_eq!(
            as_text(&findings, false),
            "ok       ffmpeg  5.1\n\
             warning  codecs  no Opus\n\
             \x20                -> install one\n\
             PROBLEM  disk    full\n\
             \x20                -> make room\n\
             \nKinophone does not work here yet.\n"
        );
    }
}
