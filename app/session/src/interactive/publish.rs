//! Frames: what the driver knows, put where the window finds it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use sim_core::quick::audit;
use sim_core::report::RunReport;
use sim_core::system::{Readings, SystemRun};

use super::frame::{Frame, Phase, TimeFrame};
use super::{
    Driver, EARLY_S, FIRST_REPORTS, HEAT_OVER_S, REPORT_SHARE, REPORTS_SHARE, WORTH_SHOWING_S,
    seconds, seconds_of,
};

/// Says in the last frame what went wrong.
pub(super) fn problem(frames: &ArcSwap<Frame>, problem: String) {
    let mut frame = Frame::clone(&frames.load());
    frame.number += 1;
    frame.phase = Phase::Paused;
    frame.speed = 0.0;
    frame.problem = Some(problem);
    frames.store(Arc::new(frame));
}

impl Driver {
    pub(super) fn publish(&mut self, wake: bool) {
        self.refresh_report();
        self.refresh_heat();
        let phase = match (&self.run, self.playing) {
            (None, _) if !self.stalled => Phase::Building,
            (Some(_), true) => Phase::Running,
            _ => Phase::Paused,
        };
        let shown_s = self.run.as_ref().map_or(0.0, |run| seconds(run.now()));
        let newest = self.newest.as_ref();
        let seeking = self.seeking();
        let reached_s = newest.map_or(shown_s, |newest| seconds(newest.now()));
        self.frames.store(Arc::new(Frame {
            number: self.frames.load().number + 1,
            loads: self.loads,
            phase,
            simulated_s: seeking.map_or(shown_s, |seeking| seeking.to_s),
            speed: if phase == Phase::Running && !self.stalled {
                self.speed.per_wall_second()
            } else {
                0.0
            },
            scenario: self.scenario.clone(),
            report: self.report.clone(),
            heat: self.heat.clone(),
            load_line: self.load_line.clone(),
            estimate: self.estimate.clone(),
            time: TimeFrame {
                reached_s,
                newest: match newest {
                    Some(_) => self.newest_report.clone(),
                    None => self.report.clone(),
                },
                pace: self.pace,
                seeking,
                keyframes: self.keyframes.len(),
                traces: self.traces.clone(),
            },
            problem: self.problem.clone(),
        }));
        if wake {
            (self.wake)();
        }
    }

    /// While time runs a report is made when there is enough to report and the last one is paid for; while it is held, whenever
    /// it is not that of the time shown.
    fn refresh_report(&mut self) {
        let Some(run) = &self.run else { return };
        let started = Instant::now();
        let now_s = seconds(run.now());
        let warm_s = seconds_of(self.scenario.run.warmup);
        if self.playing && !self.stalled {
            let own_end = warm_s + seconds_of(self.scenario.run.duration);
            let worth = |since: f64| now_s >= since + WORTH_SHOWING_S;
            let early = now_s < warm_s && worth(EARLY_S);
            let due = started >= self.next_report || now_s == own_end;
            if self.seek.is_some() || !due || !(early || worth(warm_s)) {
                return;
            }
        } else if self.seek.is_some() {
            return;
        } else if now_s <= EARLY_S.min(warm_s) {
            // Of a time before anything was measured there is nothing to say.
            if self.newest.is_some() {
                self.report = None;
            }
            return;
        } else if self.reported_at == Some((run.now(), self.scenario.faults.len())) {
            return;
        }
        self.reported_at = Some((run.now(), self.scenario.faults.len()));
        self.report = Some(fresh_report(run));
        if self.follows {
            self.traces = Arc::new(run.traces());
        }
        let cost = started.elapsed();
        let (all, begun) = &mut self.reports_cost;
        *all += cost;
        let paid = *begun + all.saturating_sub(FIRST_REPORTS) * REPORTS_SHARE;
        self.next_report = paid.max(started + cost * REPORT_SHARE);
    }

    fn refresh_heat(&mut self) {
        let Some(run) = &self.run else { return };
        if self.seek.is_some() {
            return;
        }
        let due = |from: &Readings| seconds(run.now()) >= seconds(from.at()) + HEAT_OVER_S;
        match &self.heat_from {
            Some(from) if due(from) => self.refresh_heat_now(),
            Some(_) => {}
            None => self.heat_from = Some(run.readings()),
        }
    }

    /// How full everything was since the last readings.
    pub(super) fn refresh_heat_now(&mut self) {
        let (Some(run), Some(from)) = (&self.run, &self.heat_from) else {
            return;
        };
        if run.now() > from.at() {
            let now = run.readings();
            self.heat = Arc::new(run.heat(from, &now));
            self.heat_from = Some(now);
        }
    }

    pub(super) fn forget_heat(&mut self) {
        self.heat = Arc::default();
        self.heat_from = None;
        self.reported_at = None;
    }
}

/// What a run that ends now reports.
pub(super) fn fresh_report(run: &SystemRun) -> Arc<RunReport> {
    let mut report = run.report_so_far();
    report.warnings.extend(audit(&report));
    Arc::new(report)
}

/// Simulated seconds per wall second over about the last second.
#[derive(Default)]
pub(super) struct SpeedMeter {
    marks: VecDeque<(Instant, f64)>,
}

impl SpeedMeter {
    pub(super) fn add(&mut self, now: Instant, simulated_s: f64) {
        while self.marks.len() > 2 && now.duration_since(self.marks[0].0) > Duration::from_secs(1) {
            self.marks.pop_front();
        }
        self.marks.push_back((now, simulated_s));
    }

    pub(super) fn per_wall_second(&self) -> f64 {
        match (self.marks.front(), self.marks.back()) {
            (Some(first), Some(last)) if last.0 > first.0 => {
                (last.1 - first.1) / (last.0 - first.0).as_secs_f64()
            }
            _ => 0.0,
        }
    }
}
