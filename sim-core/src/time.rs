//! Simulated time: instants and durations in integer nanoseconds.
//!
//! Models: a clock that starts at zero and reaches 584 years. Additions saturate at
//! [`SimTime::MAX`] ("never") and [`SimDuration::MAX`]; subtractions that would be negative
//! are a broken invariant and panic, unless the method says `saturating`.
//! Leaves out: calendars, time zones and leap seconds.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, Sub, SubAssign};

use serde::{Deserialize, Serialize};

/// An instant of simulated time, in nanoseconds since the start of the simulation.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct SimTime(u64);

/// A span of simulated time, in nanoseconds; never negative.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct SimDuration(u64);

/// Why a number of seconds is not a span of simulated time.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum TimeError {
    /// The number is not a number, or infinite.
    #[error("{0} s is not a finite time")]
    NotFinite(f64),
    /// Time does not run backwards.
    #[error("{0} s is negative")]
    Negative(f64),
    /// More than 2⁶⁴ nanoseconds.
    #[error("{0} s is longer than 584 years")]
    TooLong(f64),
}

const NANOS_PER_SEC: f64 = 1e9;

impl SimTime {
    /// The start of every simulation.
    pub const ZERO: SimTime = SimTime(0);
    /// The end of time; stands for "never".
    pub const MAX: SimTime = SimTime(u64::MAX);

    /// The instant `ns` nanoseconds after the start.
    #[inline]
    pub const fn from_nanos(ns: u64) -> Self {
        SimTime(ns)
    }

    /// The instant `ms` milliseconds after the start (saturating).
    pub const fn from_millis(ms: u64) -> Self {
        SimTime(ms.saturating_mul(1_000_000))
    }

    /// The instant `s` seconds after the start (saturating).
    pub const fn from_secs(s: u64) -> Self {
        SimTime(s.saturating_mul(1_000_000_000))
    }

    /// The instant `seconds` after the start, rounded to the nearest nanosecond.
    pub fn from_secs_f64(seconds: f64) -> Result<Self, TimeError> {
        SimDuration::from_secs_f64(seconds).map(|d| SimTime(d.0))
    }

    /// Nanoseconds since the start.
    #[inline]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Seconds since the start.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / NANOS_PER_SEC
    }

    /// Milliseconds since the start.
    pub fn as_millis_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// The span since the start.
    #[inline]
    pub const fn since_start(self) -> SimDuration {
        SimDuration(self.0)
    }

    /// The span since `earlier`; zero if `earlier` is later (saturating).
    #[inline]
    pub const fn saturating_since(self, earlier: SimTime) -> SimDuration {
        SimDuration(self.0.saturating_sub(earlier.0))
    }

    /// This instant moved back by `span`, but not before the start (saturating).
    #[inline]
    pub const fn saturating_sub(self, span: SimDuration) -> SimTime {
        SimTime(self.0.saturating_sub(span.0))
    }
}

impl SimDuration {
    /// No time at all.
    pub const ZERO: SimDuration = SimDuration(0);
    /// The longest span.
    pub const MAX: SimDuration = SimDuration(u64::MAX);

    /// A span of `ns` nanoseconds.
    #[inline]
    pub const fn from_nanos(ns: u64) -> Self {
        SimDuration(ns)
    }

    /// A span of `us` microseconds (saturating).
    pub const fn from_micros(us: u64) -> Self {
        SimDuration(us.saturating_mul(1_000))
    }

    /// A span of `ms` milliseconds (saturating).
    pub const fn from_millis(ms: u64) -> Self {
        SimDuration(ms.saturating_mul(1_000_000))
    }

    /// A span of `s` seconds (saturating).
    pub const fn from_secs(s: u64) -> Self {
        SimDuration(s.saturating_mul(1_000_000_000))
    }

    /// A span of `seconds`, rounded to the nearest nanosecond.
    pub fn from_secs_f64(seconds: f64) -> Result<Self, TimeError> {
        if !seconds.is_finite() {
            return Err(TimeError::NotFinite(seconds));
        }
        if seconds < 0.0 {
            return Err(TimeError::Negative(seconds));
        }
        let ns = libm::round(seconds * NANOS_PER_SEC);
        if ns >= 18_446_744_073_709_551_616.0 {
            return Err(TimeError::TooLong(seconds));
        }
        Ok(SimDuration(ns as u64))
    }

    /// A span of `ms` milliseconds, rounded to the nearest nanosecond.
    pub fn from_millis_f64(ms: f64) -> Result<Self, TimeError> {
        Self::from_secs_f64(ms / 1e3)
    }

    /// Nanoseconds.
    #[inline]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Seconds.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / NANOS_PER_SEC
    }

    /// Milliseconds.
    pub fn as_millis_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// Microseconds.
    pub fn as_micros_f64(self) -> f64 {
        self.0 as f64 / 1e3
    }

    /// Whether the span is empty.
    #[inline]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The span less `other`; zero if `other` is longer (saturating).
    #[inline]
    pub const fn saturating_sub(self, other: SimDuration) -> SimDuration {
        SimDuration(self.0.saturating_sub(other.0))
    }

    /// The span times a non-negative factor, truncated to whole nanoseconds (saturating).
    /// A factor below zero or not a number gives zero.
    #[inline]
    pub fn scaled(self, factor: f64) -> SimDuration {
        SimDuration((self.0 as f64 * factor) as u64)
    }
}

impl Add<SimDuration> for SimTime {
    type Output = SimTime;
    /// Saturates at [`SimTime::MAX`].
    #[inline]
    fn add(self, span: SimDuration) -> SimTime {
        SimTime(self.0.saturating_add(span.0))
    }
}

impl AddAssign<SimDuration> for SimTime {
    #[inline]
    fn add_assign(&mut self, span: SimDuration) {
        *self = *self + span;
    }
}

impl Sub<SimDuration> for SimTime {
    type Output = SimTime;
    /// Panics if the result would lie before the start.
    #[inline]
    fn sub(self, span: SimDuration) -> SimTime {
        assert!(
            self.0 >= span.0,
            "an instant before the start of simulated time"
        );
        SimTime(self.0 - span.0)
    }
}

impl Sub for SimTime {
    type Output = SimDuration;
    /// Panics if `earlier` is later.
    #[inline]
    fn sub(self, earlier: SimTime) -> SimDuration {
        assert!(self.0 >= earlier.0, "a negative span of simulated time");
        SimDuration(self.0 - earlier.0)
    }
}

impl Add for SimDuration {
    type Output = SimDuration;
    /// Saturates at [`SimDuration::MAX`].
    #[inline]
    fn add(self, other: SimDuration) -> SimDuration {
        SimDuration(self.0.saturating_add(other.0))
    }
}

impl AddAssign for SimDuration {
    #[inline]
    fn add_assign(&mut self, other: SimDuration) {
        *self = *self + other;
    }
}

impl Sub for SimDuration {
    type Output = SimDuration;
    /// Panics if `other` is longer.
    #[inline]
    fn sub(self, other: SimDuration) -> SimDuration {
        assert!(self.0 >= other.0, "a negative span of simulated time");
        SimDuration(self.0 - other.0)
    }
}

impl SubAssign for SimDuration {
    #[inline]
    fn sub_assign(&mut self, other: SimDuration) {
        *self = *self - other;
    }
}

impl Mul<u64> for SimDuration {
    type Output = SimDuration;
    /// Saturates at [`SimDuration::MAX`].
    #[inline]
    fn mul(self, times: u64) -> SimDuration {
        SimDuration(self.0.saturating_mul(times))
    }
}

impl Div<u64> for SimDuration {
    type Output = SimDuration;
    /// Truncates; panics on division by zero.
    #[inline]
    fn div(self, parts: u64) -> SimDuration {
        SimDuration(self.0 / parts)
    }
}

impl Sum for SimDuration {
    fn sum<I: Iterator<Item = SimDuration>>(spans: I) -> SimDuration {
        spans.fold(SimDuration::ZERO, |a, b| a + b)
    }
}

impl fmt::Display for SimDuration {
    /// Three to four digits and a unit: `850 ns`, `12.3 ms`, `1.5 s`, `3 min 20 s`, `2 h 5 min`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ns = self.0;
        let (unit_ns, unit) = match ns {
            0..1_000 => return f.pad(&format!("{ns} ns")),
            1_000..1_000_000 => (1_000, "µs"),
            1_000_000..1_000_000_000 => (1_000_000, "ms"),
            1_000_000_000..120_000_000_000 => (1_000_000_000, "s"),
            _ => return f.pad(&long_form(ns / 1_000_000_000)),
        };
        let tenths = (ns as u128 * 10 + unit_ns / 2) / unit_ns;
        let text = match tenths % 10 {
            0 => format!("{} {unit}", tenths / 10),
            tenth => format!("{}.{tenth} {unit}", tenths / 10),
        };
        f.pad(&text)
    }
}

impl fmt::Display for SimTime {
    /// Like a span since the start.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.since_start(), f)
    }
}

fn long_form(seconds: u64) -> String {
    let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes, rest) {
        (0, m, 0) => format!("{m} min"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, 0, _) => format!("{h} h"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_people_write_it() {
        let text = |ns| SimDuration::from_nanos(ns).to_string();
        assert_eq!(text(850), "850 ns");
        assert_eq!(text(12_340_000), "12.3 ms");
        assert_eq!(text(1_500_000_000), "1.5 s");
        assert_eq!(text(2_000), "2 µs");
        assert_eq!(SimDuration::from_secs(200).to_string(), "3 min 20 s");
        assert_eq!(SimTime::from_secs(7_500).to_string(), "2 h 5 min");
    }

    #[test]
    fn refuses_seconds_that_are_no_time() {
        assert!(matches!(
            SimDuration::from_secs_f64(-1.0),
            Err(TimeError::Negative(_))
        ));
        assert!(matches!(
            SimDuration::from_secs_f64(f64::NAN),
            Err(TimeError::NotFinite(_))
        ));
        assert!(matches!(
            SimDuration::from_secs_f64(1e12),
            Err(TimeError::TooLong(_))
        ));
        assert_eq!(
            SimDuration::from_secs_f64(0.25),
            Ok(SimDuration::from_millis(250))
        );
    }

    #[test]
    fn sums_saturate_at_never() {
        assert_eq!(SimTime::MAX + SimDuration::from_secs(1), SimTime::MAX);
        let late = SimTime::from_secs(3);
        assert_eq!(SimTime::ZERO.saturating_since(late), SimDuration::ZERO);
        assert_eq!(late - SimTime::from_secs(1), SimDuration::from_secs(2));
    }
}
