//! Time limit of a training: every network is given its share, and plans its steps by its own speed, so that its step size still
//! falls to 0 at the end.

use std::time::{Duration, Instant};

/// Steps in which the step size rises.
pub(crate) const WARM_UP: u32 = 20;

/// Steps by which a network's speed is measured. The step size still rises then, whatever is planned.
pub(crate) const PROBE_STEPS: u32 = 10;
/// Fewest steps in which a network learns, whatever the time.
const MIN_STEPS: u32 = WARM_UP + PROBE_STEPS;
/// Share of the time that is reserved for validation and assembly of the brain.
const RESERVED_SHARE: f64 = 0.05;

/// Steps and time that one network may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NetworkBudget {
    /// Largest number of steps.
    pub(crate) steps: u32,
    time: Option<Duration>,
}

impl NetworkBudget {
    /// So many steps, however long they take.
    pub(crate) fn of_steps(steps: u32) -> Self {
        Self { steps, time: None }
    }

    /// Half of the steps, in the same time.
    pub(crate) fn halved(self) -> Self {
        Self { steps: (self.steps / 2).max(1), ..self }
    }

    /// Number of steps to plan, when `done` of them took that long.
    pub(crate) fn plan(&self, done: u32, took: Duration) -> u32 {
        let Some(time) = self.time else { return self.steps };
        let possible = time.as_secs_f64() / took.as_secs_f64().max(1e-9) * f64::from(done.max(1));
        (possible as u32).max(MIN_STEPS).min(self.steps)
    }
}

/// Time and networks that are left.
pub(crate) struct StepBudget {
    steps: u32,
    end: Option<Instant>,
    /// Networks still to be trained. Steps take about as long for all kinds.
    left: f64,
}

impl StepBudget {
    /// Budget of so many networks, a part of one being one that learns for as much less, in a training that began at `begun` and
    /// has `minutes`.
    pub(crate) fn new(steps: u32, minutes: Option<f32>, begun: Instant, networks: f64) -> Self {
        let time = minutes.map(|minutes| f64::from(minutes) * 60.0 * (1.0 - RESERVED_SHARE));
        let end = time.and_then(|secs| Duration::try_from_secs_f64(secs).ok());
        Self { steps, end: end.and_then(|time| begun.checked_add(time)), left: networks }
    }

    /// Budget of the next so many networks, out of what is left now.
    pub(crate) fn next(&mut self, networks: f64) -> NetworkBudget {
        let share = (networks / self.left.max(networks)).min(1.0);
        self.left -= networks;
        let left = self.end.map(|end| end.saturating_duration_since(Instant::now()));
        NetworkBudget { steps: self.steps, time: left.map(|left| left.mul_f64(share)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_shared_and_steps_follow_speed() {
        let mut step_budget = StepBudget::new(250, Some(1e6), Instant::now(), 4.0);
        let (one, rest) = (step_budget.next(1.0), step_budget.next(3.0));
        let [one_time, rest_time] = [one, rest].map(|budget| budget.time.unwrap().as_secs_f64());
        assert!((one_time / 57e6 - 0.25).abs() < 1e-3 && (rest_time / 57e6 - 1.0).abs() < 1e-3);
        assert_eq!(one.plan(10, Duration::from_secs(1)), 250);

        let budget = NetworkBudget { steps: 250, time: Some(Duration::from_secs(10)) };
        assert_eq!(budget.plan(10, Duration::from_secs(1)), 100);
        assert_eq!(budget.plan(10, Duration::from_secs(100)), MIN_STEPS);
        assert_eq!(NetworkBudget { steps: 12, ..budget }.plan(10, Duration::from_secs(100)), 12);
        assert_eq!(NetworkBudget::of_steps(7).plan(5, Duration::from_secs(9)), 7);
        assert!(StepBudget::new(250, None, Instant::now(), 1.0).next(1.0).time.is_none());
    }
}
