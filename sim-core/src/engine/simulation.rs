//! The simulation loop: takes the first event, moves time there, hands it to the model.
//!
//! Models: one clock, one queue, one model that handles each event and schedules others. A run
//! ends for exactly one [`StopReason`]; it never hangs as long as limits are given.
//! A clone is an independent simulation in the same state: continuing either gives the same bytes.
//! Leaves out: pacing against a wall clock, and threads: both belong to the caller, who is asked
//! between batches of events whether to go on.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ladder::LadderQueue;
use super::queue::Queue;
use crate::time::{SimDuration, SimTime};

/// Events handled between two questions to the caller.
const POLL_EVENTS: u64 = 4_096;

/// What is simulated: state that reacts to events.
pub trait Model: Clone {
    /// What can happen. Small and without handles, so that a clone is a snapshot.
    type Event: Copy;

    /// Reacts to `event` at the instant `at`, scheduling what follows through `out`.
    fn handle(&mut self, at: SimTime, event: Self::Event, out: &mut Schedule<'_, Self::Event>);

    /// Hears of an event that is likely to be handled soon, to [`prefetch`](super::prefetch()) the
    /// rows it will touch. A hint: called for some events, at any time, changing nothing.
    #[inline]
    fn anticipate(&self, event: &Self::Event) {
        let _ = event;
    }
}

/// Where a model puts the events that follow.
pub struct Schedule<'a, E> {
    now: SimTime,
    queue: &'a mut LadderQueue<E>,
    stop: &'a mut Option<StopCause>,
}

impl<E: Copy> Schedule<'_, E> {
    /// The present instant.
    #[inline]
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// Schedules an event at an instant; after everything already scheduled there.
    /// Panics if the instant lies in the past.
    #[inline]
    pub fn at(&mut self, at: SimTime, event: E) {
        assert!(at >= self.now, "an event in the past");
        self.queue.push(at, event);
    }

    /// Schedules an event `delay` from now.
    #[inline]
    pub fn after(&mut self, delay: SimDuration, event: E) {
        self.queue.push(self.now + delay, event);
    }

    /// Ends the run after this event. The first cause given wins.
    pub fn stop(&mut self, cause: StopCause) {
        self.stop.get_or_insert(cause);
    }

    /// The number of pending events.
    pub fn pending(&self) -> usize {
        self.queue.len()
    }
}

/// Why a model ends a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopCause {
    /// The model has done what it was to do.
    Finished,
    /// A tier's queue grows without bound.
    Unstable {
        /// The name of the tier.
        tier: String,
    },
}

/// How a run ended; all the ways there are. Serialised as its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum StopReason {
    /// The end of the asked span was reached, or the model was done.
    Finished,
    /// As many events as allowed have been handled.
    EventBudget,
    /// The caller's wall-time budget is spent.
    TimeBudget,
    /// The caller asked to stop.
    Interrupted,
    /// A tier's queue grew without bound.
    Unstable {
        /// The name of the tier.
        tier: String,
    },
    /// Nothing is left to happen before the end of the asked span.
    QueueEmpty,
}

/// A text that names no [`StopReason`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a reason to stop")]
pub struct UnknownStopReason(String);

/// How far a run may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Events up to and including this instant are handled.
    pub until: SimTime,
    /// The most events handled by this call of [`Simulation::run`].
    pub max_events: Option<u64>,
}

impl Limits {
    /// As many events as there are up to and including `until`.
    pub fn until(until: SimTime) -> Self {
        Limits {
            until,
            max_events: None,
        }
    }
}

/// The caller's answer between batches of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupt {
    /// Go on.
    Continue,
    /// Stop: someone asked for it.
    Stop,
    /// Stop: the wall-time budget is spent.
    OutOfTime,
}

/// A model, its clock and its pending events; a value that can be cloned at any instant.
#[derive(Clone, Debug)]
pub struct Simulation<M: Model> {
    model: M,
    queue: LadderQueue<M::Event>,
    now: SimTime,
    events: u64,
    stop: Option<StopCause>,
}

impl<M: Model> Simulation<M> {
    /// A simulation at instant zero with nothing scheduled.
    pub fn new(model: M) -> Self {
        Simulation {
            model,
            queue: LadderQueue::new(),
            now: SimTime::ZERO,
            events: 0,
            stop: None,
        }
    }

    /// A simulation at the instant `now` with nothing scheduled: it takes over from another one.
    pub fn starting_at(model: M, now: SimTime) -> Self {
        Simulation {
            now,
            ..Simulation::new(model)
        }
    }

    /// The present instant: that of the last event handled, or the end of the last run.
    #[inline]
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// The number of events handled since the start.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The number of pending events.
    pub fn pending(&self) -> usize {
        self.queue.len()
    }

    /// The instant of the next event.
    pub fn next_time(&self) -> Option<SimTime> {
        self.queue.peek_time()
    }

    /// The model.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// The model, to be changed between events.
    pub fn model_mut(&mut self) -> &mut M {
        &mut self.model
    }

    /// The model, once the run is over.
    pub fn into_model(self) -> M {
        self.model
    }

    /// Schedules an event from outside. Panics if the instant lies in the past.
    pub fn schedule(&mut self, at: SimTime, event: M::Event) {
        assert!(at >= self.now, "an event in the past");
        self.queue.push(at, event);
    }

    /// Lets `act` change the model and schedule events at the present instant, from outside.
    pub fn with<R>(&mut self, act: impl FnOnce(&mut M, &mut Schedule<'_, M::Event>) -> R) -> R {
        let mut out = Schedule {
            now: self.now,
            queue: &mut self.queue,
            stop: &mut self.stop,
        };
        act(&mut self.model, &mut out)
    }

    /// Handles one event and returns its instant; `None` if nothing is pending.
    pub fn step(&mut self) -> Option<SimTime> {
        self.step_until(SimTime::MAX)
    }

    /// Runs until a limit, the model or the caller stops it. `interrupt` is asked every few
    /// thousand events with the present instant and the number of events handled since the start.
    ///
    /// At the end of the asked span ([`StopReason::Finished`] or [`StopReason::QueueEmpty`]) the
    /// present instant is `until`, except when `until` is [`SimTime::MAX`]. Running to `a` and
    /// then to `b` equals running to `b`.
    pub fn run(
        &mut self,
        limits: Limits,
        interrupt: &mut dyn FnMut(SimTime, u64) -> Interrupt,
    ) -> StopReason {
        let mut left = limits.max_events.unwrap_or(u64::MAX);
        while left > 0 {
            let batch = left.min(POLL_EVENTS);
            let handled = self.run_batch(limits.until, batch);
            left -= handled;
            if let Some(cause) = self.stop.take() {
                return cause.into();
            }
            if handled < batch {
                return self.end_of_span(limits.until);
            }
            match interrupt(self.now, self.events) {
                Interrupt::Continue => {}
                Interrupt::Stop => return StopReason::Interrupted,
                Interrupt::OutOfTime => return StopReason::TimeBudget,
            }
        }
        StopReason::EventBudget
    }

    /// Runs to `until` without being asked to stop.
    pub fn run_until(&mut self, until: SimTime) -> StopReason {
        self.run(Limits::until(until), &mut |_, _| Interrupt::Continue)
    }

    #[inline]
    fn step_until(&mut self, until: SimTime) -> Option<SimTime> {
        let model = &self.model;
        let (at, event) = self
            .queue
            .pop_foreseeing(until, |event| model.anticipate(event))?;
        self.now = at;
        self.events += 1;
        let mut out = Schedule {
            now: at,
            queue: &mut self.queue,
            stop: &mut self.stop,
        };
        self.model.handle(at, event, &mut out);
        Some(at)
    }

    /// Handles up to `batch` events; fewer if the span ends or the model stops.
    fn run_batch(&mut self, until: SimTime, batch: u64) -> u64 {
        for handled in 0..batch {
            if self.step_until(until).is_none() {
                return handled;
            }
            if self.stop.is_some() {
                return handled + 1;
            }
        }
        batch
    }

    fn end_of_span(&mut self, until: SimTime) -> StopReason {
        let empty = self.queue.is_empty();
        if until != SimTime::MAX {
            self.now = self.now.max(until);
        }
        if empty {
            StopReason::QueueEmpty
        } else {
            StopReason::Finished
        }
    }
}

impl From<StopCause> for StopReason {
    fn from(cause: StopCause) -> Self {
        match cause {
            StopCause::Finished => StopReason::Finished,
            StopCause::Unstable { tier } => StopReason::Unstable { tier },
        }
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StopReason::Finished => f.write_str("finished"),
            StopReason::EventBudget => f.write_str("event budget"),
            StopReason::TimeBudget => f.write_str("time budget"),
            StopReason::Interrupted => f.write_str("interrupted"),
            StopReason::Unstable { tier } => write!(f, "unstable: {tier}"),
            StopReason::QueueEmpty => f.write_str("queue empty"),
        }
    }
}

impl FromStr for StopReason {
    type Err = UnknownStopReason;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "finished" => StopReason::Finished,
            "event budget" => StopReason::EventBudget,
            "time budget" => StopReason::TimeBudget,
            "interrupted" => StopReason::Interrupted,
            "queue empty" => StopReason::QueueEmpty,
            _ => match text.strip_prefix("unstable: ") {
                Some(tier) => StopReason::Unstable {
                    tier: tier.to_owned(),
                },
                None => return Err(UnknownStopReason(text.to_owned())),
            },
        })
    }
}

impl From<StopReason> for String {
    fn from(reason: StopReason) -> String {
        reason.to_string()
    }
}

impl TryFrom<String> for StopReason {
    type Error = UnknownStopReason;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}
