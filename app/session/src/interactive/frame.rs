//! What a window is given to draw.

use std::sync::Arc;

use sim_core::quick::CurvePoint;
use sim_core::report::RunReport;
use sim_core::scenario::{Draft, Scenario};
use sim_core::system::{Heat, Trace};

use super::Pace;

/// Where the session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Building the population.
    Building,
    /// Simulated time runs.
    Running,
    /// Held.
    Paused,
}

/// One simulated point of the load line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoadPoint {
    /// Users.
    pub users: u32,
    /// 99th percentile of the main latency, ms; `None`: unstable there.
    pub p99_ms: Option<f64>,
    /// Its interval, low and high; `None`: too short a run to have one.
    pub p99_between_ms: Option<(f64, f64)>,
    /// Fullest resource.
    pub utilization: f64,
}

/// What the window draws.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Rises with every frame.
    pub number: u64,
    /// How many [`super::Command::Load`]s were obeyed: a window knows by it whether a frame is about what it sent last.
    pub loads: u64,
    /// Where the session is.
    pub phase: Phase,
    /// The simulated second that is shown.
    pub simulated_s: f64,
    /// Simulated seconds per wall second achieved.
    pub speed: f64,
    /// The scenario being run, with the number of users that is running now.
    pub scenario: Arc<Scenario>,
    /// What was measured so far; `None` until there is something. Just after the load changed it is still the report of
    /// the load before: `report.users` says which.
    pub report: Option<Arc<RunReport>>,
    /// How full each instance was over the last seconds; empty until there is something.
    pub heat: Arc<Heat>,
    /// The load line so far, by rising users.
    pub load_line: Arc<Vec<LoadPoint>>,
    /// The quick estimate of the same line, by rising users; there within a moment.
    pub estimate: Arc<Vec<CurvePoint>>,
    /// What is known of the run's time.
    pub time: TimeFrame,
    /// A sentence when something went wrong.
    pub problem: Option<String>,
}

/// The run over time.
#[derive(Clone, Debug, Default)]
pub struct TimeFrame {
    /// The newest simulated second; later than what is shown after going back.
    pub reached_s: f64,
    /// The report of the newest time: what time strips draw.
    pub newest: Option<Arc<RunReport>>,
    /// How fast simulated time should go.
    pub pace: Pace,
    /// On the way to another time.
    pub seeking: Option<Seeking>,
    /// States that are kept to go back to.
    pub keyframes: usize,
    /// Single messages and requests of the last seconds, while they are followed.
    pub traces: Arc<Vec<Trace>>,
}

/// On the way to another time: nothing moves until it is reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seeking {
    /// The simulated second that is wanted.
    pub to_s: f64,
    /// About how many seconds it takes from now on.
    pub wait_s: f64,
}

impl Frame {
    /// Whether an earlier time than the newest is shown.
    #[must_use]
    pub fn is_back(&self) -> bool {
        self.simulated_s < self.time.reached_s
    }

    /// The command line whose result is the report: byte for byte, but for `engine`. `None`: there is no report, or it is a first
    /// look at a system that still warms up, which no run of its own ends with.
    #[must_use]
    pub fn command(&self, draft: &Draft) -> Option<String> {
        let report = self.report.as_ref().filter(|_| !self.is_early())?;
        if report.users != u64::from(self.scenario.load.users) {
            return None;
        }
        let ms = (report.simulated_s * 1e9).round() / 1e6;
        let model = report.model.filter(|_| self.scenario.run.scale.is_none());
        let model = model.map_or_else(String::new, |model| {
            format!(" --set run.scale={}", model.one_in)
        });
        Some(format!("{}{model} --duration {ms}ms", draft.command("run")))
    }

    /// Whether the report is a first look at a system that still warms up.
    #[must_use]
    pub fn is_early(&self) -> bool {
        let warmup_s = self.scenario.run.warmup.as_secs_f64();
        self.report
            .as_ref()
            .is_some_and(|report| report.warmup_s < warmup_s)
    }
}

pub(super) fn first(scenario: &Arc<Scenario>) -> Frame {
    Frame {
        number: 0,
        loads: 0,
        phase: Phase::Building,
        simulated_s: 0.0,
        speed: 0.0,
        scenario: scenario.clone(),
        report: None,
        heat: Arc::default(),
        load_line: Arc::default(),
        estimate: Arc::default(),
        time: TimeFrame::default(),
        problem: None,
    }
}
