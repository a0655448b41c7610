//! The result of a check.

use serde::Serialize;

/// Severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// As it should be.
    Ok,
    /// Something works less well, or something that few need does not work.
    Warning,
    /// Kinophone does not work.
    Problem,
}

/// One line of the result.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    pub(super) state: State,
    /// Subject of the check: "ffmpeg", "disk".
    pub(super) topic: &'static str,
    /// Result of the check.
    pub(super) found: String,
    /// Advice.
    pub(super) advice: Option<String>,
}

impl Finding {
    pub(super) fn ok(topic: &'static str, found: impl Into<String>) -> Self {
        Self { state: State::Ok, topic, found: found.into(), advice: None }
    }

    pub(super) fn warning(topic: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { state: State::Warning, topic, found: found.into(), advice: Some(advice.into()) }
    }

    pub(super) fn problem(topic: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { state: State::Problem, topic, found: found.into(), advice: Some(advice.into()) }
    }
}
