//! Results of the finished presets from an earlier run: what the first frame shows while the same runs again.
//!
//! A stored result holds for exactly one scenario: it carries its hash, and a test compares every hash with the preset as it is.
//! Written anew by `cargo test -p desktop --release -- --ignored writes_the_stored_results`.
//!
//! Leaves out: distributions, series and sources, which the run brings within seconds.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use session::{Frame, LoadPoint};
use sim_core::report::RunReport;
use sim_core::scenario::Scenario;

/// Until a run has measured this long, what is stored says more.
const SAYS_MORE_S: f64 = 5.0;

/// Preset and text.
const TEXTS: [(&str, &str); 5] = [
    (
        "team-chat",
        include_str!("../../../assets/stored/team-chat.json"),
    ),
    ("uber", include_str!("../../../assets/stored/uber.json")),
    (
        "collab-editor",
        include_str!("../../../assets/stored/collab-editor.json"),
    ),
    (
        "inventory",
        include_str!("../../../assets/stored/inventory.json"),
    ),
    ("p1-mvp", include_str!("../../../assets/stored/p1-mvp.json")),
];

/// A result as a file holds it.
#[derive(Serialize, Deserialize)]
struct Stored {
    report: RunReport,
    /// Users, p99 in ms if the system was stable, how full the fullest resource was.
    load_line: Vec<(u32, Option<f64>, f64)>,
}

/// What is known of the scenario that is shown.
#[derive(Debug, Default)]
pub struct Shelf {
    /// Whether anything is looked up.
    open: bool,
    /// What was looked up last, and what was there.
    last: Option<(Arc<Scenario>, Option<Known>)>,
    /// Whether what is shown comes from here.
    pub shown: bool,
}

#[derive(Clone, Debug)]
struct Known {
    report: Arc<RunReport>,
    line: Arc<Vec<LoadPoint>>,
}

impl Shelf {
    /// One that is used.
    pub fn open() -> Self {
        Self {
            open: true,
            ..Self::default()
        }
    }

    /// The frame, with what is stored in the place of what is not measured yet.
    pub fn fill(&mut self, frame: Arc<Frame>) -> Arc<Frame> {
        self.shown = false;
        let measured = frame
            .report
            .as_ref()
            .map_or(0.0, |report| report.simulated_s);
        if !self.open || measured >= SAYS_MORE_S || frame.problem.is_some() {
            return frame;
        }
        let Some(known) = self.known(&frame.scenario) else {
            return frame;
        };
        self.shown = true;
        let mut filled = Frame::clone(&frame);
        filled.report = Some(known.report);
        if frame.load_line.len() < known.line.len() {
            filled.load_line = known.line;
        }
        Arc::new(filled)
    }

    fn known(&mut self, scenario: &Arc<Scenario>) -> Option<Known> {
        match &self.last {
            Some((last, known)) if Arc::ptr_eq(last, scenario) => known.clone(),
            _ => {
                let known = of(scenario);
                self.last = Some((scenario.clone(), known.clone()));
                known
            }
        }
    }
}

fn of(scenario: &Scenario) -> Option<Known> {
    let (_, text) = TEXTS.iter().find(|(name, _)| *name == scenario.name)?;
    let stored = read(text).ok()?;
    let same = stored.report.scenario.hash == format!("{:016x}", scenario.hash());
    same.then(|| Known {
        report: Arc::new(stored.report),
        line: Arc::new(stored.load_line.into_iter().map(point).collect()),
    })
}

fn point((users, p99_ms, utilization): (u32, Option<f64>, f64)) -> LoadPoint {
    LoadPoint {
        users,
        p99_ms,
        p99_between_ms: None,
        utilization,
    }
}

fn read(text: &str) -> Result<Stored, serde_json::Error> {
    serde_json::from_str(text)
}

#[cfg(test)]
mod tests;
