//! The file form of load over time.

use serde::Deserialize;

use crate::scenario::model::Source;
use crate::scenario::raw::Quantity;

/// The level of all operations over time.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum RawShape {
    /// Always the stated rates.
    Flat,
    /// A cosine over the day, by region in local time; the stated rates are those of the peak.
    Daily {
        /// Local hour of the peak.
        peak_hour: Quantity,
        /// Level twelve hours later.
        trough: Quantity,
    },
    /// 24 levels of 0 to 1, one per local hour.
    Hourly(Vec<f64>),
    /// Linear, then constant.
    Ramp {
        /// Level at the start: `"10 %"` or 0.1.
        from: Quantity,
        /// Level at the end.
        to: Quantity,
        /// Time between the two.
        over: Quantity,
    },
    /// Levels from times on.
    Steps(Vec<RawStep>),
}

/// One step.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawStep {
    /// From the start of the run.
    pub at: Quantity,
    /// Level from then on.
    pub level: Quantity,
}

/// The clock of a daily shape.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawDay {
    /// UTC hour at which the run begins. Default: the busiest quarter of an hour of all places together.
    pub starts: Option<Quantity>,
    /// Simulated time of 24 hours. Default: 24 h.
    pub lasts: Option<Quantity>,
}

/// People who come for a time.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawFlashCrowd {
    /// From the start of the run, warm-up included.
    pub at: Quantity,
    /// Until they begin to leave.
    pub lasts: Quantity,
    /// Time over which they come, and leave. Default: 10 s.
    pub within: Option<Quantity>,
    /// A share of those online, as in `"50 %"`, or a number.
    pub joins: Quantity,
    /// What everybody's rates are multiplied by meanwhile. Default: 1.
    pub activity: Option<Quantity>,
    /// Of all numbers here.
    pub source: Option<Source>,
}

/// How the operations of one kind arrive.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum RawArrivals {
    /// Independently of each other.
    Poisson,
    /// A two-state Markov-modulated Poisson process with the stated mean rate.
    Bursty {
        /// Mean length of a burst.
        on: Quantity,
        /// Mean time between bursts.
        off: Quantity,
        /// Rate in a burst over the rate between bursts.
        factor: Quantity,
        /// Of these numbers.
        source: Option<Source>,
    },
    /// A recording: exactly one of the three.
    Trace {
        /// A CSV file: seconds, or seconds and rate per second.
        file: Option<String>,
        /// (seconds, operations per second of the whole system).
        points: Option<Vec<(f64, f64)>>,
        /// Seconds of the operations.
        instants: Option<Vec<f64>>,
        /// Of these numbers.
        source: Option<Source>,
    },
}

/// Who waits for whom.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum RawLoop {
    /// Nobody: operations arrive at the stated rate.
    Open,
    /// Clients wait for their answer; the stated rate rests.
    Closed {
        /// Mean time between an answer and the next question.
        think_time: Quantity,
        /// A share of those online, or a number.
        clients: Quantity,
        /// Of these numbers.
        source: Option<Source>,
    },
}
