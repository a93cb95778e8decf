//! A simulation beside a window: its own thread, commands in, frames out.
//!
//! One thread owns the simulated system. It applies commands between batches of events, and about thirty times per second
//! it puts a [`Frame`] where the window finds it without waiting. A second thread ([`load_line`]) estimates and simulates the same
//! scenario at other loads. Until the scenario's own duration is measured the run goes as fast as it can; from then on it
//! goes on for as long as somebody watches, at most [`WATCHED_PACE`] times real time, so that looking at a design does not keep a
//! machine busy; unless a [`Pace`] is asked for.
//!
//! What is shown is always what a run of the command line would say: another number of users begins the run anew, what is broken
//! is an entry of the scenario, and frames fall on whole milliseconds, so that `plimsoll run … --duration` ends where the window
//! stands. Time goes back, too: see [`time`].
//!
//! A wall clock decides only *when* a frame is published, never what is simulated.

mod faults;
mod frame;
mod keyframes;
mod load_line;
mod publish;
mod time;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use crossbeam_channel::{Receiver, Sender, never, select, unbounded};
use sim_core::engine::{Interrupt, StopReason};
use sim_core::quick::CurvePoint;
use sim_core::report::{LatencyReport, RunReport};
use sim_core::scenario::{Fault, Scenario};
use sim_core::system::{Heat, Readings, SystemRun, Trace};
use sim_core::time::{SimDuration, SimTime};

use crate::studies::{Found, Studies, Study};
pub use frame::{Frame, LoadPoint, Phase, Seeking, TimeFrame};
use keyframes::Keyframes;
use load_line::{LoadLine, Measured, Part};
use publish::SpeedMeter;
pub use time::{Pace, Step};

/// Wall time between two frames.
const FRAME_INTERVAL: Duration = Duration::from_millis(33);
/// A report that is dear to make is made this many times less often than it takes.
const REPORT_SHARE: u32 = 8;
/// All of them together may take this part of the time since the run began, …
const REPORTS_SHARE: u32 = 40;
/// … beyond what the first ones may take: they are waited for.
const FIRST_REPORTS: Duration = Duration::from_millis(300);
/// Simulated seconds per wall second once the scenario's own duration is measured.
const WATCHED_PACE: f64 = 10.0;
/// From this simulated second on the warm-up is measured for a first look.
const EARLY_S: f64 = 0.5;
/// More users than these are simulated by a scale model, where there is one: so many are seated in a fraction of a second.
const WHOLE_USERS: u32 = 400_000;
/// Simulated time measured before a report is worth showing.
const WORTH_SHOWING_S: f64 = 1.0;
/// Simulated time over which it is said how full each instance is.
const HEAT_OVER_S: f64 = 3.0;
/// How far ahead of the present the end of the run is kept.
const HORIZON_S: f64 = 60.0;

/// What the window asks for.
#[derive(Clone, Debug)]
pub enum Command {
    /// Let simulated time run.
    Play,
    /// Hold simulated time; a paused session does not wake the window.
    Pause,
    /// The same scenario with another number of users: the run begins anew, and the load line stays. A whole scenario, because what
    /// is read from a file may depend on the number of users (no channel has more members than there are users).
    SetUsers(Box<Scenario>),
    /// Go to a simulated time that was reached before, and hold there.
    Scrub(SimTime),
    /// Back to the newest time, and hold there.
    Newest,
    /// Hold, and go a little further.
    Step(Step),
    /// How fast simulated time should go.
    SetPace(Pace),
    /// Follow single messages, or no longer.
    Follow(bool),
    /// Break something now: from then on a fault of the scenario like any other.
    Break {
        /// What.
        fault: Fault,
        /// How long it lasts; `None`: what happens at once and needs no end, or until it is undone.
        lasts: Option<SimDuration>,
    },
    /// Let a fault that lasts for good end now, by its number in the scenario.
    Mend(usize),
    /// Start another scenario.
    Load(Box<Scenario>),
    /// End the thread.
    Shutdown,
}

/// A running session. Dropping it ends its threads without waiting for them.
pub struct Session {
    commands: Sender<Command>,
    frames: Arc<ArcSwap<Frame>>,
    stop: Arc<AtomicBool>,
    studies: Option<Studies>,
}

impl Session {
    /// Starts the thread, paused or running. `wake` is called once per new frame; while paused only as the answer to a
    /// command, never by itself.
    pub fn start(
        scenario: Scenario,
        playing: bool,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let scenario = Arc::new(scenario);
        let frames = Arc::new(ArcSwap::from_pointee(frame::first(&scenario)));
        let stop = Arc::new(AtomicBool::new(false));
        let (commands, inbox) = unbounded();
        let wake: Arc<dyn Fn() + Send + Sync> = Arc::new(wake);
        let waking = wake.clone();
        let driver = Driver::new(
            scenario,
            playing,
            inbox,
            frames.clone(),
            stop.clone(),
            Box::new(move || waking()),
        );
        let spawned = std::thread::Builder::new()
            .name("simulation".into())
            .spawn(move || driver.drive());
        if let Err(error) = spawned {
            publish::problem(
                &frames,
                format!("The simulation could not start a thread: {error}."),
            );
        }
        Self {
            commands,
            frames,
            stop,
            studies: Studies::start(wake).ok(),
        }
    }

    /// Asks for an experiment beside the simulation; never blocks.
    pub fn ask(&self, study: Study) {
        if let Some(studies) = &self.studies {
            studies.ask(study);
        }
    }

    /// What such experiments found out so far; never blocks.
    #[must_use]
    pub fn found(&self) -> Arc<Found> {
        self.studies
            .as_ref()
            .map(Studies::found)
            .unwrap_or_default()
    }

    /// Sends a command; never blocks.
    pub fn send(&self, command: Command) {
        // A thread that has ended has said why in its last frame.
        let _ = self.commands.send(command);
    }

    /// The newest frame; never blocks.
    #[must_use]
    pub fn frame(&self) -> Arc<Frame> {
        self.frames.load_full()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.send(Command::Shutdown);
    }
}

/// The latency a scenario is judged by: of delivered messages, else of answered queries, else of whatever is measured.
pub(crate) fn main_latency(report: &RunReport) -> Option<&LatencyReport> {
    let of = |operation: &str, kind: &str| report.operations.get(operation)?.latency_ms.get(kind);
    of("publish", "delivered")
        .or_else(|| of("query", "answered"))
        .or_else(|| {
            report
                .operations
                .values()
                .find_map(|operation| operation.latency_ms.values().next())
        })
}

/// What the simulation thread owns.
struct Driver {
    inbox: Receiver<Command>,
    /// Commands taken from the inbox while waiting.
    taken: VecDeque<Command>,
    points: Receiver<Measured>,
    line: Option<LoadLine>,
    frames: Arc<ArcSwap<Frame>>,
    wake: Box<dyn Fn() + Send + Sync>,
    stop: Arc<AtomicBool>,
    scenario: Arc<Scenario>,
    loads: u64,
    run: Option<SystemRun>,
    playing: bool,
    /// Stopped on its own: nothing more happens until the load or the scenario changes.
    stalled: bool,
    /// The newest state, while an earlier one is shown.
    newest: Option<Box<SystemRun>>,
    /// The newest report, while an earlier one is shown.
    newest_report: Option<Arc<RunReport>>,
    /// The time that is being gone to.
    seek: Option<SimTime>,
    keyframes: Keyframes,
    pace: Pace,
    /// Single messages are followed.
    follows: bool,
    traces: Arc<Vec<Trace>>,
    report: Option<Arc<RunReport>>,
    heat: Arc<Heat>,
    /// The readings that the next heat starts from.
    heat_from: Option<Readings>,
    load_line: Arc<Vec<LoadPoint>>,
    estimate: Arc<Vec<CurvePoint>>,
    problem: Option<String>,
    speed: SpeedMeter,
    /// What the reports of this run have taken, and when it began.
    reports_cost: (Duration, Instant),
    next_report: Instant,
    /// The time and the number of faults that the report is about.
    reported_at: Option<(SimTime, usize)>,
}

impl Driver {
    fn new(
        scenario: Arc<Scenario>,
        playing: bool,
        inbox: Receiver<Command>,
        frames: Arc<ArcSwap<Frame>>,
        stop: Arc<AtomicBool>,
        wake: Box<dyn Fn() + Send + Sync>,
    ) -> Self {
        Self {
            inbox,
            taken: VecDeque::new(),
            points: never(),
            line: None,
            frames,
            wake,
            stop,
            scenario,
            loads: 0,
            run: None,
            playing,
            stalled: false,
            newest: None,
            newest_report: None,
            seek: None,
            keyframes: Keyframes::default(),
            pace: Pace::default(),
            follows: false,
            traces: Arc::default(),
            report: None,
            heat: Arc::default(),
            heat_from: None,
            load_line: Arc::default(),
            estimate: Arc::default(),
            problem: None,
            speed: SpeedMeter::default(),
            reports_cost: (Duration::ZERO, Instant::now()),
            next_report: Instant::now(),
            reported_at: None,
        }
    }

    /// Runs to the end. An internal error becomes a sentence, not a window that waits for ever; another scenario or another
    /// number of users starts afresh.
    fn drive(mut self) {
        match LoadLine::start() {
            Ok((line, points)) => {
                self.line = Some(line);
                self.points = points;
            }
            Err(error) => {
                self.problem = Some(format!("The load line could not start a thread: {error}."))
            }
        }
        let mut begun = false;
        loop {
            let ended = catch_unwind(AssertUnwindSafe(|| {
                if !std::mem::replace(&mut begun, true) {
                    self.begin();
                }
                self.attend();
            }));
            if ended.is_ok() || self.stop.load(Ordering::Relaxed) {
                return;
            }
            self.run = None;
            self.stalled = true;
            self.problem = Some(
                "The simulation stopped on an internal error. Choose another load or scenario."
                    .into(),
            );
            self.publish(true);
        }
    }

    /// Commands, simulated time, frames, until the session ends.
    fn attend(&mut self) {
        while self.obey() {
            if self.seek.is_some() {
                self.seek_on();
            } else if self.playing && !self.stalled && self.run.is_some() {
                self.step();
            } else {
                self.wait(None);
            }
        }
    }

    /// Builds the system of `self.scenario` and asks for its load line.
    fn begin(&mut self) {
        self.report = None;
        self.load_line = Arc::default();
        self.estimate = Arc::default();
        self.problem = None;
        if let Some(line) = &self.line {
            line.request(self.scenario.clone());
        }
        self.build();
        self.publish(true);
    }

    fn build(&mut self) {
        self.run = None;
        self.begin_time();
        self.stalled = false;
        self.publish(true);
        match SystemRun::new(&to_watch(&self.scenario)) {
            Ok(run) => self.run_from_the_start(run),
            Err(error) => {
                self.stalled = true;
                self.problem = Some(format!("{error}."));
            }
        }
    }

    fn run_from_the_start(&mut self, mut run: SystemRun) {
        run.measure_early(at(EARLY_S));
        run.follow(self.follows);
        self.begin_time();
        self.reports_cost = (Duration::ZERO, Instant::now());
        self.stalled = false;
        self.keyframes.keep(&run);
        self.run = Some(run);
    }

    /// Applies the commands that are there. `false`: the session ends.
    fn obey(&mut self) -> bool {
        let mut users = None;
        let mut answered = false;
        while let Some(command) = self
            .taken
            .pop_front()
            .or_else(|| self.inbox.try_recv().ok())
        {
            answered = true;
            match command {
                Command::Play => self.playing = true,
                Command::Pause => self.playing = false,
                Command::SetUsers(scenario) => users = Some(scenario),
                Command::Break { fault, lasts } => self.break_now(fault, lasts),
                Command::Mend(number) => self.mend_now(number),
                Command::Scrub(to) => self.scrub(to),
                Command::Newest => self.back_to_newest(),
                Command::Step(step) => self.step_once(step),
                Command::SetPace(pace) => self.pace = pace,
                Command::Follow(on) => self.follow(on),
                Command::Load(scenario) => {
                    users = None;
                    self.loads += 1;
                    self.scenario = Arc::from(scenario);
                    self.begin();
                }
                Command::Shutdown => return false,
            }
        }
        if let Some(scenario) = users {
            self.set_users(*scenario);
        }
        if answered {
            self.speed = SpeedMeter::default();
            self.publish(true);
        }
        !self.stop.load(Ordering::Relaxed)
    }

    /// Another number of users. The old run goes on where the new one cannot be built.
    fn set_users(&mut self, scenario: Scenario) {
        match SystemRun::new(&to_watch(&scenario)) {
            Ok(run) => {
                self.scenario = Arc::new(scenario);
                self.problem = None;
                self.run_from_the_start(run);
            }
            Err(error) => self.problem = Some(format!("{error}.")),
        }
    }

    /// Simulates until the next frame is due, a command is there, or simulated time is far enough ahead of the clock.
    fn step(&mut self) {
        let until = self.until();
        let Some(run) = &mut self.run else { return };
        let due = Instant::now() + FRAME_INTERVAL;
        let (inbox, stop) = (&self.inbox, &self.stop);
        let reason = run.advance(until, None, &mut |_, _| {
            if Instant::now() >= due || !inbox.is_empty() || stop.load(Ordering::Relaxed) {
                Interrupt::Stop
            } else {
                Interrupt::Continue
            }
        });
        let ahead_of_clock = matches!(reason, None | Some(StopReason::Finished));
        match reason {
            None | Some(StopReason::Finished) => {}
            Some(StopReason::Interrupted) => self.reach_whole_millisecond(),
            Some(reason) => self.stall(&reason),
        }
        self.passed();
        self.take_points();
        self.publish(true);
        let left = due.saturating_duration_since(Instant::now());
        if !self.stalled && !left.is_zero() && ahead_of_clock {
            self.wait(Some(left));
        }
    }

    fn stall(&mut self, reason: &StopReason) {
        self.stalled = true;
        self.problem = Some(match reason {
            StopReason::Unstable { tier } => {
                format!(
                    "The {} cannot keep up at this load, so the simulation stopped.",
                    tier.replace('_', " ")
                )
            }
            other => format!("The simulation stopped by itself: {other:?}."),
        });
    }

    /// Sleeps until a command or a point of the load line is there, or the time is over.
    fn wait(&mut self, at_most: Option<Duration>) {
        let timeout = at_most.map_or_else(never, crossbeam_channel::after);
        select! {
            recv(self.inbox) -> command => self.taken.push_back(command.unwrap_or(Command::Shutdown)),
            recv(self.points) -> point => match point {
                Ok(point) => {
                    self.insert(point);
                    self.publish(self.playing);
                }
                Err(_) => self.points = never(),
            },
            recv(timeout) -> _ => {}
        }
    }

    fn take_points(&mut self) {
        while let Ok(point) = self.points.try_recv() {
            self.insert(point);
        }
    }

    fn insert(&mut self, measured: Measured) {
        let current = |line: &LoadLine| line.is_current(&measured);
        if !self.line.as_ref().is_some_and(current) {
            return;
        }
        match measured.part {
            Part::Estimate(curve) => self.estimate = curve.into(),
            Part::Point(point) => {
                let points = Arc::make_mut(&mut self.load_line);
                match points.binary_search_by_key(&point.users, |point| point.users) {
                    Ok(index) => points[index] = point,
                    Err(index) => points.insert(index, point),
                }
            }
        }
    }
}

/// The scenario as it is simulated while somebody waits for it: by a scale model if it is large and says nothing else.
fn to_watch(scenario: &Scenario) -> Scenario {
    let mut scenario = scenario.clone();
    let said = scenario.run.scale;
    scenario.run.scale = said.or_else(|| scenario.model_of(WHOLE_USERS));
    scenario
}

fn seconds(time: SimTime) -> f64 {
    time.as_secs_f64()
}

fn seconds_of(duration: SimDuration) -> f64 {
    duration.as_secs_f64()
}

fn at(seconds: f64) -> SimTime {
    SimTime::from_nanos((seconds * 1e9) as u64)
}

fn lasting(seconds: f64) -> SimDuration {
    SimDuration::from_nanos((seconds * 1e9) as u64)
}

#[cfg(test)]
mod tests;
