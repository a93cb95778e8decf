//! A simulation beside a window: its own thread, commands in, frames out.

use std::sync::Arc;

use sim_core::report::RunReport;
use sim_core::scenario::Scenario;

/// What the window asks for.
#[derive(Clone, Debug)]
pub enum Command {
    /// Let simulated time run.
    Play,
    /// Hold simulated time; a paused session does not wake the window.
    Pause,
    /// Change the number of users while running.
    SetUsers(u32),
    /// Start another scenario.
    Load(Box<Scenario>),
    /// End the thread.
    Shutdown,
}

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
#[derive(Clone, Debug, PartialEq)]
pub struct LoadPoint {
    /// Users.
    pub users: u32,
    /// 99th percentile of the main latency, ms; `None`: unstable there.
    pub p99_ms: Option<f64>,
    /// Fullest resource.
    pub utilization: f64,
}

/// What the window draws.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Rises with every frame.
    pub number: u64,
    /// Where the session is.
    pub phase: Phase,
    /// Simulated seconds reached.
    pub simulated_s: f64,
    /// Simulated seconds per wall second achieved.
    pub speed: f64,
    /// The scenario being run.
    pub scenario: Arc<Scenario>,
    /// What was measured so far; `None` until there is something.
    pub report: Option<Arc<RunReport>>,
    /// The load line so far, by rising users.
    pub load_line: Arc<Vec<LoadPoint>>,
    /// A sentence when something went wrong.
    pub problem: Option<String>,
}

/// A running session.
pub struct Session {}

impl Session {
    /// Starts the thread, paused or running. `wake` is called when a new frame is there, never while paused.
    pub fn start(scenario: Scenario, playing: bool, wake: impl Fn() + Send + Sync + 'static) -> Self {
        let _ = (scenario, playing, wake);
        unimplemented!()
    }

    /// Sends a command; never blocks.
    pub fn send(&self, command: Command) {
        let _ = command;
        unimplemented!()
    }

    /// The newest frame; never blocks.
    #[must_use]
    pub fn frame(&self) -> Arc<Frame> {
        unimplemented!()
    }
}
