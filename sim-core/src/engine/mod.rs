//! The event engine: a total order of events over integer nanoseconds.
//!
//! Models: time that jumps from event to event; events at the same instant happen in the order
//! in which they were pushed. [`Simulation`] drives a [`Model`]; [`LadderQueue`] holds the
//! pending events, with [`HeapQueue`] as its oracle; [`TimerWheel`] keeps cohort timers out of it.
//! Leaves out: threads, wall clock and pacing, which belong to the driver.

pub mod heap;
pub mod ladder;
pub mod prefetch;
pub mod queue;
pub mod simulation;
pub mod wheel;

pub use heap::HeapQueue;
pub use ladder::LadderQueue;
pub use prefetch::prefetch;
pub use queue::Queue;
pub use simulation::{Interrupt, Limits, Model, Schedule, Simulation, StopCause, StopReason};
pub use wheel::TimerWheel;
