//! Whether every tier keeps up: how long waiting work has waited, sampled at every audit.
//!
//! A tier is *hopeless* when its backlog exceeds 30 s: the run stops. A steady run is *unstable* when the mean backlog of
//! its last third exceeds one second and twice that of its first third: percentiles of a growing queue say how long
//! somebody watched, so none is given. Stories with faults build backlogs that drain; they are only stopped when hopeless.

use super::world::AUDIT;
use crate::time::{SimDuration, SimTime};

/// Tiers in the order of the samples.
pub const TIERS: [&str; 15] = [
    "connection_servers",
    "channel_owners",
    "broker",
    "database",
    "cache",
    "edge",
    "origin",
    "pooler",
    "command_side",
    "log",
    "projections",
    "stock",
    "matching_engine",
    "notifications",
    "documents",
];
const HOPELESS: SimDuration = SimDuration::from_secs(30);
const NOTABLE: SimDuration = SimDuration::from_secs(1);

/// Backlog by tier and time.
#[derive(Clone, Debug)]
pub struct Backlog {
    steady: bool,
    /// Of the first sample; the others follow at every audit.
    first: SimTime,
    samples: Vec<[SimDuration; TIERS.len()]>,
}

impl Backlog {
    /// No samples yet; `steady`: no faults are planned.
    #[must_use]
    pub fn new(steady: bool) -> Self {
        Self {
            steady,
            first: SimTime::ZERO,
            samples: Vec::new(),
        }
    }

    /// Something is going to break: what grows may drain again.
    pub fn no_longer_steady(&mut self) {
        self.steady = false;
    }

    /// Adds a sample.
    pub fn push(&mut self, now: SimTime, sample: [SimDuration; TIERS.len()]) {
        if self.samples.is_empty() {
            self.first = now;
        }
        self.samples.push(sample);
    }

    /// Forgets all samples.
    pub fn restart(&mut self) {
        self.samples.clear();
    }

    /// Seconds of backlog from `since` on, by tier; of tiers where anything waited for long enough to matter.
    pub fn series(&self, since: SimTime) -> impl Iterator<Item = Vec<f64>> + '_ {
        const MATTERS: SimDuration = SimDuration::from_millis(10);
        let skipped = since.saturating_since(self.first).as_nanos() / AUDIT.as_nanos();
        let samples = self.samples.get(skipped as usize..).unwrap_or_default();
        (0..TIERS.len())
            .filter(move |&tier| samples.iter().any(|sample| sample[tier] > MATTERS))
            .map(move |tier| samples.iter().map(|s| s[tier].as_secs_f64()).collect())
    }

    /// A tier that no reasonable time would work off.
    #[must_use]
    pub fn hopeless(&self) -> Option<&'static str> {
        let last = self.samples.last()?;
        TIERS
            .into_iter()
            .zip(last)
            .find(|(_, backlog)| **backlog > HOPELESS)
            .map(|(tier, _)| tier)
    }

    /// The tier whose queue grew throughout a steady run, if one did.
    #[must_use]
    pub fn unstable(&self) -> Option<&'static str> {
        if let Some(tier) = self.hopeless() {
            return Some(tier);
        }
        let third = self.samples.len() / 3;
        if !self.steady || third == 0 {
            return None;
        }
        let mean = |part: &[[SimDuration; TIERS.len()]], tier: usize| {
            part.iter().map(|sample| sample[tier]).sum::<SimDuration>() / part.len() as u64
        };
        let first = &self.samples[..third];
        let last = &self.samples[self.samples.len() - third..];
        let grew = |tier: &usize| {
            mean(last, *tier) > NOTABLE && mean(last, *tier) > mean(first, *tier) * 2
        };
        (0..TIERS.len()).find(grew).map(|tier| TIERS[tier])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rising(step_ms: u64) -> Backlog {
        let mut backlog = Backlog::new(true);
        for second in 0..60 {
            let mut sample = [SimDuration::ZERO; TIERS.len()];
            sample[3] = SimDuration::from_millis(step_ms * second);
            backlog.push(SimTime::from_secs(second), sample);
        }
        backlog
    }

    #[test]
    fn a_growing_queue_is_named() {
        assert_eq!(rising(100).unstable(), Some("database"));
        assert_eq!(rising(1_000).hopeless(), Some("database"));
    }

    #[test]
    fn a_short_queue_is_no_news() {
        assert_eq!(rising(5).unstable(), None);
    }
}
