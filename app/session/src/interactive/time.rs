//! Simulated time: how fast it goes, and back to what was.
//!
//! Going back takes the nearest keyframe and simulates from there: the same draws give the same state, so what is shown is what
//! was shown. The newest state is kept aside meanwhile. Going on from an earlier time repeats what happened until the newest time
//! is reached; breaking something there lets something else happen.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use sim_core::engine::{Interrupt, StopReason};
use sim_core::time::{SimDuration, SimTime};

use super::faults;
use super::frame::Seeking;
use super::publish::fresh_report;
use super::{
    Driver, FRAME_INTERVAL, HEAT_OVER_S, HORIZON_S, WATCHED_PACE, at, seconds, seconds_of,
};

/// Simulated time that is simulated on from what is shown rather than from a keyframe.
const ONWARD_S: f64 = 10.0;
/// Simulated seconds per wall second that a wait is stated by before any was measured.
const ASSUMED_SPEED: f64 = 10.0;

/// How fast simulated time should go.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Pace {
    /// As fast as it can until the scenario's own duration is measured, then so that it can be watched.
    #[default]
    Watch,
    /// As fast as it can.
    Fast,
    /// So many simulated seconds per wall second, if it can.
    Times(f64),
}

/// How far one step goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// To the next event.
    Event,
    /// So long.
    Lasting(SimDuration),
}

impl Driver {
    /// Nothing was simulated yet.
    pub(super) fn begin_time(&mut self) {
        self.newest = None;
        self.newest_report = None;
        self.seek = None;
        self.keyframes.clear();
        self.forget_heat();
        self.speed = super::SpeedMeter::default();
    }

    /// How far the next frame may go.
    pub(super) fn until(&mut self) -> SimTime {
        let Some(run) = &mut self.run else {
            return SimTime::ZERO;
        };
        let now = run.now();
        let now_s = seconds(now);
        if seconds(run.end()) < now_s + HORIZON_S / 2.0 {
            run.set_end(at(now_s + HORIZON_S));
        }
        let own = self.scenario.run.warmup + self.scenario.run.duration;
        let own_end = SimTime::ZERO + own;
        // Whole milliseconds, at least one.
        let frame = |pace: f64| {
            let ms = ((now_s + pace * FRAME_INTERVAL.as_secs_f64()) * 1e3) as u64;
            SimTime::from_nanos(ms * 1_000_000).max(now + SimDuration::from_millis(1))
        };
        let until = match self.pace {
            Pace::Times(pace) => frame(pace),
            Pace::Fast => run.end(),
            Pace::Watch => match faults::pace(&self.scenario, now_s) {
                None if now < own_end => {
                    let next = faults::next(&self.scenario, now);
                    next.map_or(run.end(), |next| next.min(run.end()))
                }
                pace => frame(pace.unwrap_or(WATCHED_PACE)),
            },
        };
        // The end of the scenario's own run is shown: it is the result of the command line.
        if now < own_end {
            until.min(own_end)
        } else {
            until
        }
    }

    /// A frame is over: what is to be remembered of it.
    pub(super) fn passed(&mut self) {
        let Some(run) = &self.run else { return };
        let now = run.now();
        if self
            .newest
            .as_ref()
            .is_none_or(|newest| now >= newest.now())
        {
            self.newest = None;
            self.newest_report = None;
            self.keyframes.offer(run);
        }
        self.speed.add(Instant::now(), seconds(now));
    }

    /// On to the end of this millisecond: a time that a command line can name.
    pub(super) fn reach_whole_millisecond(&mut self) {
        let Some(run) = &mut self.run else { return };
        let until = SimTime::from_nanos(run.now().as_nanos().next_multiple_of(1_000_000));
        let reason = run.advance(until, None, &mut |_, _| Interrupt::Continue);
        if let Some(reason) = reason.filter(|reason| *reason != StopReason::Finished) {
            self.stall(&reason);
        }
    }

    /// Goes to a time that was reached, and holds there.
    pub(super) fn scrub(&mut self, to: SimTime) {
        self.playing = false;
        self.speed = super::SpeedMeter::default();
        let Some(run) = &self.run else { return };
        let newest = self
            .newest
            .as_ref()
            .map_or(run.now(), |newest| newest.now());
        if to >= newest {
            return self.back_to_newest();
        }
        let (shown, at_work) = (run.now(), self.seek.is_some());
        if self.newest.is_none() {
            self.newest = Some(Box::new(run.clone()));
            self.newest_report = self.report.is_some().then(|| fresh_report(run));
        }
        if shown > to || (!at_work && seconds(to) > seconds(shown) + ONWARD_S) {
            let heat_from = at((seconds(to) - HEAT_OVER_S).max(0.0));
            self.run = self.keyframes.before(heat_from).cloned();
            if let Some(run) = &mut self.run {
                run.follow(self.follows);
            }
            self.forget_heat();
        }
        self.stalled = false;
        self.problem = None;
        self.seek = Some(to);
    }

    /// Follows single messages from now on, or no longer.
    pub(super) fn follow(&mut self, on: bool) {
        self.follows = on;
        self.traces = Arc::default();
        for run in self.run.iter_mut().chain(self.newest.as_deref_mut()) {
            run.follow(on);
        }
    }

    /// Shows the newest time again, and holds there.
    pub(super) fn back_to_newest(&mut self) {
        self.playing = false;
        self.seek = None;
        if let Some(newest) = self.newest.take() {
            self.run = Some(*newest);
            self.report = self.newest_report.take();
            self.forget_heat();
        }
    }

    /// Simulates towards the wanted time, until a frame is due or a command is there.
    pub(super) fn seek_on(&mut self) {
        let due = Instant::now() + FRAME_INTERVAL;
        let (inbox, stop) = (self.inbox.clone(), self.stop.clone());
        self.seek_while(&mut || {
            Instant::now() < due && inbox.is_empty() && !stop.load(Ordering::Relaxed)
        });
        self.publish(true);
    }

    /// Simulates to the wanted time.
    pub(super) fn finish_seek(&mut self) {
        while self.seek.is_some() {
            self.seek_while(&mut || true);
        }
    }

    fn seek_while(&mut self, go_on: &mut dyn FnMut() -> bool) {
        let (Some(to), Some(run)) = (self.seek, &mut self.run) else {
            self.seek = None;
            return;
        };
        run.set_end(to.max(run.end()));
        // How full everything is at the end is said about the last seconds before.
        let heat_from = at((seconds(to) - HEAT_OVER_S).max(0.0));
        if run.now() == heat_from {
            self.heat_from = Some(run.readings());
        }
        let until = if run.now() < heat_from { heat_from } else { to };
        let reason = run.advance(until, None, &mut |_, _| match go_on() {
            true => Interrupt::Continue,
            false => Interrupt::Stop,
        });
        let now = run.now();
        self.speed.add(Instant::now(), seconds(now));
        if let Some(reason @ StopReason::Unstable { .. }) = reason {
            self.seek = None;
            self.stall(&reason);
        } else if now >= to {
            self.seek = None;
            self.refresh_heat_now();
        }
    }

    /// What is being waited for.
    pub(super) fn seeking(&self) -> Option<Seeking> {
        let (to, run) = (self.seek?, self.run.as_ref()?);
        let speed = match self.speed.per_wall_second() {
            speed if speed > 0.0 => speed,
            _ => ASSUMED_SPEED,
        };
        let left = seconds_of(to.saturating_since(run.now()));
        Some(Seeking {
            to_s: seconds(to),
            wait_s: left / speed,
        })
    }

    /// Holds, and goes a little further.
    pub(super) fn step_once(&mut self, step: Step) {
        self.finish_seek();
        self.playing = false;
        let Some(run) = self.run.as_mut().filter(|_| !self.stalled) else {
            return;
        };
        let reason = match step {
            Step::Event => {
                run.set_end(at(seconds(run.now()) + HORIZON_S));
                run.step()
            }
            Step::Lasting(lasts) => {
                let until = run.now() + lasts;
                run.set_end(until.max(run.end()));
                run.advance(until, None, &mut |_, _| Interrupt::Continue)
            }
        };
        if let Some(reason @ StopReason::Unstable { .. }) = reason {
            self.stall(&reason);
        }
        self.passed();
    }
}
