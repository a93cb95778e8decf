//! Load-dependent service: a factor S(u) of recent utilisation.
//!
//! Models: service time = demand · S(u), with S piecewise linear between points and constant
//! beyond them. Real servers get *faster* per job under load (fewer wake-ups, fuller batches):
//! a measured server fell by 40 %. The utilisation u is that of a sliding window, approximated by the
//! running window and the one before it, weighted by how far the running one has come.
//! Leaves out: hysteresis and the effect of queue length itself.

use crate::time::{SimDuration, SimTime};

/// S(u) and the window over which u is taken.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadCurve {
    /// (utilisation, factor), ascending in utilisation.
    points: Vec<(f64, f64)>,
    window: SimDuration,
}

/// Why points are no curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadCurveError {
    /// There must be a point.
    #[error("a load curve needs at least one point")]
    Empty,
    /// Utilisations ascend, factors are positive, all are finite.
    #[error(
        "point {0} must have a higher utilisation than the one before it, and a positive factor"
    )]
    Point(usize),
    /// The window must last.
    #[error("the window of a load curve must be longer than zero")]
    Window,
}

impl LoadCurve {
    /// A curve through (utilisation 0 to 1, factor) points, over a sliding window.
    pub fn new(points: Vec<(f64, f64)>, window: SimDuration) -> Result<Self, LoadCurveError> {
        if points.is_empty() {
            return Err(LoadCurveError::Empty);
        }
        if window.is_zero() {
            return Err(LoadCurveError::Window);
        }
        for (index, &(u, factor)) in points.iter().enumerate() {
            let ascends = index == 0 || points[index - 1].0 < u;
            if !ascends || !u.is_finite() || !factor.is_finite() || factor <= 0.0 {
                return Err(LoadCurveError::Point(index));
            }
        }
        Ok(LoadCurve { points, window })
    }

    /// S(u).
    pub fn factor(&self, utilization: f64) -> f64 {
        let above = self.points.partition_point(|&(u, _)| u <= utilization);
        if above == 0 {
            return self.points[0].1;
        }
        let (u0, f0) = self.points[above - 1];
        match self.points.get(above) {
            Some(&(u1, f1)) => f0 + (f1 - f0) * ((utilization - u0) / (u1 - u0)),
            None => f0,
        }
    }

    pub(super) fn window(&self) -> SimDuration {
        self.window
    }
}

/// Utilisation of the recent past, from readings of cumulated busy time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct RecentUtilization {
    /// Start of the running window and the busy time read there.
    start: SimTime,
    busy_at_start_ns: u64,
    /// Busy share of the window before it.
    previous: f64,
}

impl RecentUtilization {
    /// The utilisation (0 to 1) of the last `window` given the busy time of all cores so far.
    pub(super) fn read(
        &mut self,
        now: SimTime,
        window: SimDuration,
        busy_ns: u64,
        cores: u32,
    ) -> f64 {
        let capacity = window.as_nanos() as f64 * f64::from(cores);
        let elapsed = now.saturating_since(self.start).as_nanos();
        if elapsed >= window.as_nanos() {
            // A gap of several windows is averaged over its whole length.
            let busy = (busy_ns - self.busy_at_start_ns) as f64;
            self.previous = busy / (elapsed as f64 * f64::from(cores));
            self.start = now;
            self.busy_at_start_ns = busy_ns;
            return self.previous;
        }
        let weight = 1.0 - elapsed as f64 / window.as_nanos() as f64;
        self.previous * weight + (busy_ns - self.busy_at_start_ns) as f64 / capacity
    }
}
