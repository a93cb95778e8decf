//! Runs simulations: headless to the end ([`execute`]), or on a thread of their own beside a window ([`Session`]).
//!
//! Commands go in through a channel, frames come out through an atomic pointer. One simulation is single-threaded;
//! several run in parallel. This crate is the only one with simulation threads and a wall clock.

mod aim;
mod clock;
mod compare;
mod execute;
mod experiment;
mod inquiry;
mod interactive;
mod lesson;
mod populations;
mod studies;

pub use aim::Aim;
pub use compare::compare;
pub use execute::{ExecuteError, Progress, RunOptions, ramp, resumed_ramp, run};
pub use experiment::{Experiment, experiment};
pub use inquiry::{Answers, Inquiry};
pub use interactive::{Command, Frame, LoadPoint, Pace, Phase, Seeking, Session, Step, TimeFrame};
pub use lesson::{LessonFrame, LessonRun, run_lesson};
pub use populations::run_populations;
pub use studies::{Compared, Fix, Fixes, Found, Guesses, Studies, Study};
