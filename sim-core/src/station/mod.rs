//! Stations: places where jobs wait for and receive service, whatever they serve.
//!
//! Models: cores with a stated [`Discipline`], bounded queues with a stated [`Overflow`] rule,
//! pauses, slow-downs and crashes. A station owns no event queue: it is told the time, and
//! says at which instants it wants to be woken ([`Wake`]). [`Station`] is the general form;
//! [`FastFifo`] computes departures at arrival where nothing can intervene; [`Pool`] is a bounded set of permits.
//! Leaves out: what a job is, and where it goes next.

pub mod accounts;
pub mod fast_fifo;
pub mod load_curve;
pub mod pool;
pub mod server;
pub mod sharing;

pub use accounts::Accounts;
pub use fast_fifo::{Departure, FastFifo, Stamp};
pub use load_curve::{LoadCurve, LoadCurveError};
pub use pool::{Acquire, Granted, Pool, PoolConfig};
pub use server::{Admission, Completed, Discipline, Lane, Overflow, Station, StationConfig, Wake};
