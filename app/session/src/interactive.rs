//! A simulation beside a window: its own thread, commands in, frames out.
//!
//! One thread owns the simulated system. It applies commands between batches of events, and about thirty times per second
//! it puts a [`Frame`] where the window finds it without waiting. A second thread ([`load_line`]) runs the same scenario
//! headless at other loads, point by point. Until the scenario's own duration is measured the run goes as fast as it can;
//! from then on it goes on for as long as somebody watches, at most [`WATCHED_PACE`] times real time, so that looking at a
//! design does not keep a machine busy.
//!
//! A wall clock decides only *when* a frame is published, never what is simulated.

mod faults;
mod load_line;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use crossbeam_channel::{Receiver, Sender, never, select, unbounded};
use sim_core::engine::{Interrupt, StopReason};
use sim_core::report::{LatencyReport, RunReport};
use sim_core::scenario::{Fault, Scenario};
use sim_core::system::{Heat, Readings, SystemRun};
use sim_core::time::{SimDuration, SimTime};

use crate::studies::{Found, Studies, Study};
use load_line::{LoadLine, Measured};

/// Wall time between two frames.
const FRAME_INTERVAL: Duration = Duration::from_millis(33);
/// A report that is dear to make is made this many times less often than it takes.
const REPORT_SHARE: u32 = 8;
/// Simulated seconds per wall second once the scenario's own duration is measured.
const WATCHED_PACE: f64 = 10.0;
/// Simulated time that is not measured after the number of users changed.
const SETTLE_S: f64 = 1.0;
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
    /// Change the number of users while running.
    SetUsers(u32),
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
    /// How many [`Command::Load`]s were obeyed: a window knows by it whether a frame is about what it sent last.
    pub loads: u64,
    /// Where the session is.
    pub phase: Phase,
    /// Simulated seconds reached.
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
    /// Faults of the scenario that began before this simulated second are undone: the load was changed since.
    pub faults_since_s: f64,
    /// The load line so far, by rising users.
    pub load_line: Arc<Vec<LoadPoint>>,
    /// A sentence when something went wrong.
    pub problem: Option<String>,
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
        let frames = Arc::new(ArcSwap::from_pointee(first_frame(&scenario)));
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
            publish_problem(
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

fn first_frame(scenario: &Arc<Scenario>) -> Frame {
    Frame {
        number: 0,
        loads: 0,
        phase: Phase::Building,
        simulated_s: 0.0,
        speed: 0.0,
        scenario: scenario.clone(),
        report: None,
        heat: Arc::default(),
        faults_since_s: 0.0,
        load_line: Arc::default(),
        problem: None,
    }
}

fn publish_problem(frames: &ArcSwap<Frame>, problem: String) {
    let mut frame = Frame::clone(&frames.load());
    frame.number += 1;
    frame.phase = Phase::Paused;
    frame.speed = 0.0;
    frame.problem = Some(problem);
    frames.store(Arc::new(frame));
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
    /// From this simulated second measuring starts again.
    settle_until_s: Option<f64>,
    /// From this simulated second a report is worth showing.
    show_from_s: f64,
    report: Option<Arc<RunReport>>,
    heat: Arc<Heat>,
    /// The readings that the next heat starts from.
    heat_from: Option<Readings>,
    faults_since_s: f64,
    load_line: Arc<Vec<LoadPoint>>,
    problem: Option<String>,
    speed: SpeedMeter,
    report_cost: Duration,
    next_report: Instant,
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
            settle_until_s: None,
            show_from_s: 0.0,
            report: None,
            heat: Arc::default(),
            heat_from: None,
            faults_since_s: 0.0,
            load_line: Arc::default(),
            problem: None,
            speed: SpeedMeter::default(),
            report_cost: Duration::ZERO,
            next_report: Instant::now(),
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
            if self.playing && !self.stalled && self.run.is_some() {
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
        self.problem = None;
        if let Some(line) = &self.line {
            line.request(self.scenario.clone());
        }
        self.build();
        self.publish(true);
    }

    fn build(&mut self) {
        self.run = None;
        self.stalled = false;
        self.settle_until_s = None;
        self.faults_since_s = 0.0;
        self.forget_heat();
        self.speed = SpeedMeter::default();
        self.publish(true);
        match SystemRun::new(&self.scenario) {
            Ok(run) => {
                self.show_from_s = seconds_of(self.scenario.run.warmup) + WORTH_SHOWING_S;
                self.run = Some(run);
            }
            Err(error) => {
                self.stalled = true;
                self.problem = Some(format!("{error}."));
            }
        }
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
                Command::SetUsers(wanted) => users = Some(wanted.max(1)),
                Command::Break { fault, lasts } => self.break_now(fault, lasts),
                Command::Mend(number) => self.mend_now(number),
                Command::Load(scenario) => {
                    users = None;
                    self.loads += 1;
                    self.scenario = Arc::from(scenario);
                    self.begin();
                }
                Command::Shutdown => return false,
            }
        }
        if let Some(users) = users {
            self.set_users(users);
        }
        if answered {
            self.speed = SpeedMeter::default();
            self.publish(true);
        }
        !self.stop.load(Ordering::Relaxed)
    }

    fn set_users(&mut self, users: u32) {
        let before = self.scenario.clone();
        let mut scenario = Scenario::clone(&before);
        scenario.load.users = users;
        self.scenario = Arc::new(scenario);
        self.problem = None;
        match &mut self.run {
            Some(run) if !self.stalled => match run.set_users(users) {
                Ok(()) => {
                    run.restart_measuring();
                    let now_s = seconds(run.now());
                    self.settle_until_s = Some(now_s + SETTLE_S);
                    self.show_from_s = now_s + SETTLE_S + WORTH_SHOWING_S;
                    self.faults_since_s = now_s;
                    self.forget_heat();
                }
                Err(error) => {
                    self.scenario = before;
                    self.problem = Some(format!("{error}."));
                }
            },
            _ => self.build(),
        }
    }

    /// Simulates until the next frame is due, a command is there, or simulated time is far enough ahead of the clock.
    fn step(&mut self) {
        let Some(run) = &mut self.run else { return };
        let started = Instant::now();
        let due = started + FRAME_INTERVAL;
        let now_s = seconds(run.now());
        let own_end_s =
            seconds_of(self.scenario.run.warmup) + seconds_of(self.scenario.run.duration);
        if seconds(run.end()) < now_s + HORIZON_S / 2.0 {
            run.set_end(at(now_s + HORIZON_S));
        }
        let pace = faults::pace(&self.scenario, now_s, self.faults_since_s);
        let until = match pace {
            None if now_s < own_end_s => {
                let next = faults::next(&self.scenario, run.now());
                next.map_or(run.end(), |next| next.min(run.end()))
            }
            pace => at(now_s + pace.unwrap_or(WATCHED_PACE) * FRAME_INTERVAL.as_secs_f64()),
        };
        let (inbox, stop) = (&self.inbox, &self.stop);
        let reason = run.advance(until, None, &mut |_, _| {
            if Instant::now() >= due || !inbox.is_empty() || stop.load(Ordering::Relaxed) {
                Interrupt::Stop
            } else {
                Interrupt::Continue
            }
        });
        let reached = seconds(run.now());
        let ahead_of_clock = matches!(reason, None | Some(StopReason::Finished));
        self.settle(reached);
        match reason {
            None | Some(StopReason::Finished | StopReason::Interrupted) => {}
            Some(reason) => self.stall(&reason),
        }
        self.take_points();
        self.speed.add(Instant::now(), reached);
        self.publish(true);
        let left = due.saturating_duration_since(Instant::now());
        if !self.stalled && !left.is_zero() && ahead_of_clock {
            self.wait(Some(left));
        }
    }

    fn settle(&mut self, reached_s: f64) {
        if self.settle_until_s.is_some_and(|until| reached_s >= until) {
            self.settle_until_s = None;
            if let Some(run) = &mut self.run {
                run.restart_measuring();
            }
        }
    }

    fn stall(&mut self, reason: &StopReason) {
        self.stalled = true;
        self.show_from_s = 0.0;
        self.next_report = Instant::now();
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
        if !self
            .line
            .as_ref()
            .is_some_and(|line| line.is_current(&measured))
        {
            return;
        }
        let points = Arc::make_mut(&mut self.load_line);
        match points.binary_search_by_key(&measured.point.users, |point| point.users) {
            Ok(index) => points[index] = measured.point,
            Err(index) => points.insert(index, measured.point),
        }
    }

    fn publish(&mut self, wake: bool) {
        self.refresh_report();
        self.refresh_heat();
        let phase = match (&self.run, self.playing) {
            (None, _) if !self.stalled => Phase::Building,
            (Some(_), true) => Phase::Running,
            _ => Phase::Paused,
        };
        self.frames.store(Arc::new(Frame {
            number: self.frames.load().number + 1,
            loads: self.loads,
            phase,
            simulated_s: self.run.as_ref().map_or(0.0, |run| seconds(run.now())),
            speed: if phase == Phase::Running && !self.stalled {
                self.speed.per_wall_second()
            } else {
                0.0
            },
            scenario: self.scenario.clone(),
            report: self.report.clone(),
            heat: self.heat.clone(),
            faults_since_s: self.faults_since_s,
            load_line: self.load_line.clone(),
            problem: self.problem.clone(),
        }));
        if wake {
            (self.wake)();
        }
    }

    fn refresh_report(&mut self) {
        let Some(run) = &self.run else { return };
        let started = Instant::now();
        if seconds(run.now()) < self.show_from_s || started < self.next_report {
            return;
        }
        self.report = Some(Arc::new(run.report()));
        self.report_cost = started.elapsed();
        self.next_report = started + self.report_cost * REPORT_SHARE;
    }

    fn refresh_heat(&mut self) {
        let Some(run) = &self.run else { return };
        let due = |from: &Readings| seconds(run.now()) >= seconds(from.at()) + HEAT_OVER_S;
        match &self.heat_from {
            Some(from) if due(from) => {
                let now = run.readings();
                self.heat = Arc::new(run.heat(from, &now));
                self.heat_from = Some(now);
            }
            Some(_) => {}
            None => self.heat_from = Some(run.readings()),
        }
    }

    fn forget_heat(&mut self) {
        self.heat = Arc::default();
        self.heat_from = None;
    }
}

/// Simulated seconds per wall second over about the last second.
#[derive(Default)]
struct SpeedMeter {
    marks: VecDeque<(Instant, f64)>,
}

impl SpeedMeter {
    fn add(&mut self, now: Instant, simulated_s: f64) {
        while self.marks.len() > 2 && now.duration_since(self.marks[0].0) > Duration::from_secs(1) {
            self.marks.pop_front();
        }
        self.marks.push_back((now, simulated_s));
    }

    fn per_wall_second(&self) -> f64 {
        match (self.marks.front(), self.marks.back()) {
            (Some(first), Some(last)) if last.0 > first.0 => {
                (last.1 - first.1) / (last.0 - first.0).as_secs_f64()
            }
            _ => 0.0,
        }
    }
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
