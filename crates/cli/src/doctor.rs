//! `kinophone doctor`: whether this machine has what Kinophone needs, and what to do where it has not.

pub(crate) mod machine;
mod tools;

use crate::context::Context;
use crate::report::{Failure, Outcome};
use clap::Args;
use serde::Serialize;
use serde_json::json;

const EXAMPLES: &str = "\
Examples:
  Is everything here?
    kinophone doctor

  Would another ffmpeg do?
    kinophone doctor --ffmpeg /opt/ffmpeg/bin/ffmpeg

  In a script: exit code 1 only for what stops Kinophone from working:
    kinophone doctor --json > health.json";

/// Options of `doctor`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct DoctorArgs {}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// As it should be.
    Ok,
    /// Something works less well, or not at all that few need.
    Warning,
    /// Kinophone does not work.
    Problem,
}

/// One line of the answer.
#[derive(Debug, Serialize)]
struct Finding {
    state: State,
    /// What was looked at: "ffmpeg", "disk".
    topic: &'static str,
    /// What was found.
    found: String,
    /// What to do about it.
    advice: Option<String>,
}

impl Finding {
    fn ok(topic: &'static str, found: impl Into<String>) -> Self {
        Self { state: State::Ok, topic, found: found.into(), advice: None }
    }

    fn warning(topic: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { state: State::Warning, topic, found: found.into(), advice: Some(advice.into()) }
    }

    fn problem(topic: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { state: State::Problem, topic, found: found.into(), advice: Some(advice.into()) }
    }
}

/// Looks at everything and tells.
pub fn run(_: &DoctorArgs, context: &Context) -> Result<Outcome, Failure> {
    let mut findings = tools::look(context);
    findings.extend(machine::look());
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
