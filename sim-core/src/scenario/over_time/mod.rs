//! Load over time: the shape of the day, ramps and steps, flash crowds, how operations arrive, and who waits for whom.
//!
//! *Models:* a level by which the rates of a scenario's traffic are multiplied. *Formula:* a day is
//! `trough + (1 − trough) · (1 + cos 2π(h − peak) / 24) / 2` at local hour `h`, or 24 given levels; a ramp is linear and then
//! stays; steps stay until the next. The rates that a scenario states are those of level 1, the busiest hour of a day. A
//! [`Arrivals::Bursty`] stream is a two-state Markov-modulated Poisson process whose mean is the stated rate. The level of a
//! day is that of the person who acts, in local time, so that places peak at different hours.
//!
//! *Leaves out:* people who close their connection at night (only what they do follows the shape; a bill counts connections
//! with it), shapes and crowds around traces and closed loops (a recording and a client that waits have a pace of their own),
//! weekends, daylight saving, and bursts that differ from place to place.
//! *Source:* offsets from `assets/utc-offsets.tsv`; the cosine is an assumed form, fitted days go in as `Hourly`; the two-state
//! process is that of Fischer and Meier-Hellstern, "The Markov-modulated Poisson process cookbook", 1993.
//!
//! A file may hold a trace by name; its text comes from a callback ([`super::load_with`]), and [`trace`] reads it.

pub mod check;
pub mod raw;
pub mod trace;

use std::sync::Arc;

use super::assets::assets;
use super::model::{Region, Scenario};
use crate::time::SimDuration;

/// How load changes while a run lasts. The default does not change: Poisson arrivals at the stated rates, in an open loop.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OverTime {
    /// The level of all operations.
    pub shape: Shape,
    /// When the run begins, and how long a day lasts.
    pub day: Day,
    /// People who come for a time.
    pub flash_crowds: Vec<FlashCrowd>,
    /// How messages arrive.
    pub publish: Arrivals,
    /// How status changes arrive.
    pub presence: Arrivals,
    /// How queries arrive, in an open loop.
    pub query: Arrivals,
    /// Commands.
    pub command: Arrivals,
    /// Edits.
    pub edit: Arrivals,
    /// Whether those who query wait for the answer.
    pub query_loop: Loop,
    /// Whether those who publish wait until the last recipient has their message.
    pub publish_loop: Loop,
}

/// The level over time by which stated rates are multiplied.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Shape {
    /// Always 1.
    #[default]
    Flat,
    /// A cosine over the day, in local time.
    Daily {
        /// Local hour at which the level is 1.
        peak_hour: f64,
        /// Level twelve hours later, 0..=1.
        trough: f64,
    },
    /// A level of 0..=1 for each local hour.
    Hourly([f64; 24]),
    /// From one level to another, which then stays.
    Ramp {
        /// Level at the start of the run.
        from: f64,
        /// Level after `over`.
        to: f64,
        /// Time it takes.
        over: SimDuration,
    },
    /// Levels from given times on; 1 before the first.
    Steps(Vec<(SimDuration, f64)>),
}

/// The clock on the wall of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Day {
    /// UTC hour at which the run begins.
    pub starts: f64,
    /// Simulated time of 24 hours: less than a day for a day in fast motion.
    pub lasts: SimDuration,
}

impl Default for Day {
    fn default() -> Self {
        Self {
            starts: 0.0,
            lasts: SimDuration::from_secs(86_400),
        }
    }
}

/// People who arrive, connect through the balancer, and leave again.
#[derive(Clone, Debug, PartialEq)]
pub struct FlashCrowd {
    /// From the start of the run.
    pub at: SimDuration,
    /// From then until they begin to leave.
    pub lasts: SimDuration,
    /// Time over which they come, and over which they leave.
    pub within: SimDuration,
    /// How many.
    pub joins: People,
    /// What everybody's rates are multiplied by while it lasts.
    pub activity: f64,
}

/// A number of people.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum People {
    /// Relative to those online; 1 doubles them.
    Share(f64),
    /// So many.
    Count(u32),
}

impl People {
    /// How many beside `online` people.
    #[must_use]
    pub fn of(self, online: u32) -> u32 {
        match self {
            People::Share(share) => libm::round(f64::from(online) * share) as u32,
            People::Count(count) => count,
        }
    }
}

/// How the operations of one kind arrive.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Arrivals {
    /// Independently of each other.
    #[default]
    Poisson,
    /// In bursts, everywhere at once.
    Bursty {
        /// Mean length of a burst.
        on: SimDuration,
        /// Mean time between bursts.
        off: SimDuration,
        /// Rate in a burst over the rate between bursts.
        factor: f64,
    },
    /// At these times from the start of the run, whatever the number of users.
    Instants(Arc<Vec<SimDuration>>),
    /// Poisson with a rate per second of the whole system from each time on, none before the first.
    Rates(Arc<Vec<(SimDuration, f64)>>),
}

impl Arrivals {
    /// Whether the times come from a recording, which the shape of the load does not touch.
    #[must_use]
    pub fn is_trace(&self) -> bool {
        matches!(self, Arrivals::Instants(_) | Arrivals::Rates(_))
    }

    /// Rates in and between bursts relative to the mean, which is kept.
    #[must_use]
    pub fn burst_levels(&self) -> (f64, f64) {
        match self {
            Arrivals::Bursty { on, off, factor } => {
                let (on, off) = (on.as_secs_f64(), off.as_secs_f64());
                let quiet = (on + off) / (on * factor + off);
                (quiet * factor, quiet)
            }
            _ => (1.0, 1.0),
        }
    }
}

/// Who waits for whom.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Loop {
    /// Nobody waits: operations arrive at their rate whatever becomes of the earlier ones.
    #[default]
    Open,
    /// Each client thinks, asks, and waits for the answer before it thinks again; the stated rate rests.
    Closed {
        /// Mean time between an answer and the next question, exponential.
        think_time: SimDuration,
        /// Clients that do so.
        clients: People,
    },
}

impl Shape {
    /// Whether the level depends on the hour of the day.
    #[must_use]
    pub fn is_daily(&self) -> bool {
        matches!(self, Shape::Daily { .. } | Shape::Hourly(_))
    }

    /// The largest level.
    #[must_use]
    pub fn peak(&self) -> f64 {
        match self {
            Shape::Flat | Shape::Daily { .. } => 1.0,
            Shape::Hourly(levels) => levels.iter().copied().fold(0.0, f64::max),
            Shape::Ramp { from, to, .. } => from.max(*to),
            Shape::Steps(steps) => {
                let first = if steps.first().is_some_and(|step| step.0.is_zero()) {
                    0.0
                } else {
                    1.0
                };
                steps.iter().map(|step| step.1).fold(first, f64::max)
            }
        }
    }

    /// The level at a local hour; 1 where the hour does not matter.
    #[must_use]
    pub fn at_hour(&self, hour: f64) -> f64 {
        let hour = hour - 24.0 * libm::floor(hour / 24.0);
        match self {
            Shape::Daily { peak_hour, trough } => {
                let turn = core::f64::consts::TAU * (hour - peak_hour) / 24.0;
                trough + (1.0 - trough) * (1.0 + libm::cos(turn)) / 2.0
            }
            Shape::Hourly(levels) => levels[(hour as usize).min(23)],
            Shape::Flat | Shape::Ramp { .. } | Shape::Steps(_) => 1.0,
        }
    }

    /// The level at a time since the start of the run, for somebody whose clock is `utc_offset_h` ahead of UTC.
    #[must_use]
    pub fn level(&self, day: &Day, utc_offset_h: f64, at: SimDuration) -> f64 {
        match self {
            Shape::Flat => 1.0,
            Shape::Daily { .. } | Shape::Hourly(_) => {
                let passed = at.as_secs_f64() / day.lasts.as_secs_f64() * 24.0;
                self.at_hour(day.starts + passed + utc_offset_h)
            }
            Shape::Ramp { from, to, over } => {
                let way = (at.as_secs_f64() / over.as_secs_f64()).min(1.0);
                from + (to - from) * way
            }
            Shape::Steps(steps) => {
                let next = steps.partition_point(|step| step.0 <= at);
                next.checked_sub(1).map_or(1.0, |step| steps[step].1)
            }
        }
    }
}

impl OverTime {
    /// The level of a mix of places, each with its share, at a UTC hour.
    #[must_use]
    pub fn mix_at_hour(&self, places: &[(Region, f64)], utc_hour: f64) -> f64 {
        let level = |(region, share): &(Region, f64)| {
            share * self.shape.at_hour(utc_hour + utc_offset_h(region))
        };
        places.iter().map(level).sum()
    }

    /// What everybody's rates are multiplied by because of flash crowds: the most excited one decides.
    #[must_use]
    pub fn excitement(&self, at: SimDuration) -> f64 {
        let now = self
            .flash_crowds
            .iter()
            .filter(|crowd| crowd.at <= at && at < crowd.at + crowd.lasts);
        now.map(|crowd| crowd.activity)
            .reduce(f64::max)
            .unwrap_or(1.0)
    }

    /// Whether the expected load is the same at all times.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        let traces = [
            &self.publish,
            &self.presence,
            &self.query,
            &self.command,
            &self.edit,
        ];
        self.shape == Shape::Flat
            && self.flash_crowds.is_empty()
            && !traces.into_iter().any(Arrivals::is_trace)
    }
}

/// Hours that local time in a region is ahead of UTC.
#[must_use]
pub fn utc_offset_h(region: &Region) -> f64 {
    assets().utc_offset_h(&region.0).unwrap_or(0.0)
}

impl Scenario {
    /// Whether the load is constant and nothing breaks: such a run has a steady state. Any other is a story that ends.
    #[must_use]
    pub fn is_steady(&self) -> bool {
        let sale = self.traffic.reserve.as_ref();
        let ends = sale.is_some_and(|sale| sale.lasts.is_some() || !sale.opens.is_zero());
        self.faults.is_empty() && self.over_time.is_constant() && !ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(s: u64) -> SimDuration {
        SimDuration::from_secs(s)
    }

    #[test]
    fn a_day_peaks_and_rests_in_local_time() {
        let shape = Shape::Daily {
            peak_hour: 14.0,
            trough: 0.2,
        };
        assert!((shape.at_hour(14.0) - 1.0).abs() < 1e-12);
        assert!((shape.at_hour(2.0) - 0.2).abs() < 1e-12);
        assert!((shape.at_hour(26.0) - 0.2).abs() < 1e-12);
        let day = Day {
            starts: 14.0,
            lasts: secs(240),
        };
        assert!((shape.level(&day, 0.0, secs(0)) - 1.0).abs() < 1e-12);
        assert!((shape.level(&day, -12.0, secs(0)) - 0.2).abs() < 1e-12);
        assert!((shape.level(&day, 0.0, secs(120)) - 0.2).abs() < 1e-12);
    }

    #[test]
    fn ramps_end_where_asked_and_steps_stay() {
        let ramp = Shape::Ramp {
            from: 0.5,
            to: 3.0,
            over: secs(10),
        };
        let day = Day::default();
        assert_eq!(ramp.level(&day, 0.0, secs(0)), 0.5);
        assert_eq!(ramp.level(&day, 0.0, secs(5)), 1.75);
        assert_eq!(ramp.level(&day, 0.0, secs(99)), 3.0);
        let steps = Shape::Steps(vec![(secs(5), 2.0), (secs(9), 0.0)]);
        let levels = [0, 4, 5, 8, 9].map(|s| steps.level(&day, 0.0, secs(s)));
        assert_eq!(levels, [1.0, 1.0, 2.0, 2.0, 0.0]);
        assert_eq!((ramp.peak(), steps.peak()), (3.0, 2.0));
    }

    #[test]
    fn bursts_keep_the_mean() {
        let bursty = Arrivals::Bursty {
            on: secs(2),
            off: secs(8),
            factor: 10.0,
        };
        let (on, off) = bursty.burst_levels();
        assert!((on / off - 10.0).abs() < 1e-12);
        assert!((0.2 * on + 0.8 * off - 1.0).abs() < 1e-12);
    }
}
