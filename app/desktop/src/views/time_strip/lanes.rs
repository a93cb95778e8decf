//! The series of a report as lanes of one strip.

use session::Frame;

use crate::{format, words};

/// One figure over time; a lane may have a second line of the same unit.
pub struct Lane {
    /// What it is.
    pub title: String,
    /// The first step, simulated seconds.
    pub start_s: f64,
    /// Length of a step.
    pub step_s: f64,
    /// Steps that are over: the last one may still be filling.
    pub complete: usize,
    /// One value per step, the one that is said first.
    pub lines: Vec<Vec<Option<f64>>>,
    /// A value in words.
    pub words: fn(f64) -> String,
    /// Number of its first colour.
    pub color: usize,
}

impl Lane {
    /// The value that is said, at a time.
    pub fn at(&self, time_s: f64) -> Option<f64> {
        let step = ((time_s - self.start_s) / self.step_s).floor();
        let line = self.lines.first()?;
        // The last step that is complete stands for what follows it.
        let step = (step >= 0.0).then_some(step as usize)?;
        let complete = line.len().min(self.complete).checked_sub(1)?;
        *line.get(step.min(complete))?
    }

    /// The largest value.
    pub fn most(&self) -> f64 {
        let values = self.lines.iter().flatten().flatten();
        values.copied().fold(0.0, f64::max)
    }
}

/// Percentiles, throughput, connections, how far projections are behind, and the queue that is longest; empty until there are two steps.
pub fn lanes(frame: &Frame) -> Vec<Lane> {
    let report = frame.time.newest.as_ref();
    let Some(series) = report.and_then(|report| report.series.as_ref()) else {
        return Vec::new();
    };
    let lane = |title: &str, lines, words, color| Lane {
        title: title.to_owned(),
        start_s: series.start_s,
        step_s: series.step_s,
        complete: ((frame.time.reached_s - series.start_s) / series.step_s + 1e-6) as usize,
        lines,
        words,
        color,
    };
    let known = |values: &[f64]| values.iter().copied().map(Some).collect::<Vec<_>>();
    let mut lanes = Vec::new();
    let main = ["publish", "edit", "query", "presence", "connect", "command"];
    let main = main
        .into_iter()
        .find_map(|name| Some((name, series.operations.get(name)?)));
    if let Some((name, own)) = main {
        let lines = vec![own.p99_ms.clone(), own.p50_ms.clone()];
        lanes.push(lane("p99 and median", lines, format::millis, 0));
        let (title, rate) = match own.deliveries_per_s.iter().any(|rate| *rate > 0.0) {
            true if matches!(name, "publish" | "presence" | "edit") => {
                ("delivered", &own.deliveries_per_s)
            }
            _ => ("offered", &own.offered_per_s),
        };
        lanes.push(lane(title, vec![known(rate)], format::rate, 2));
    }
    let open = series.connections_open.iter();
    let open = open.map(|count| Some(*count as f64)).collect();
    lanes.push(lane("connections", vec![open], format::count, 3));
    let models = series.tiers.get("projections");
    for (name, lag) in models.iter().flat_map(|own| &own.lag_ms) {
        let title = format!("{name} behind");
        lanes.push(lane(&title, vec![known(lag)], format::millis, 1));
    }
    let longest = |queue: &[f64]| queue.iter().copied().fold(0.0, f64::max);
    let queues = series.tiers.iter();
    let queue =
        queues.max_by(|one, other| longest(&one.1.queue).total_cmp(&longest(&other.1.queue)));
    if let Some((tier, own)) = queue {
        let title = format!("{} queue", words::tier_title(tier));
        lanes.push(lane(&title, vec![known(&own.queue)], format::count, 4));
    }
    lanes
}
