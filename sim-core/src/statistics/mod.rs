//! Statistics: numbers that can be trusted, from samples alone.
//!
//! Pure functions from samples to an [`Estimate`], or to the [`Unsupported`] that says why there is none. The message is the unit:
//! deliveries of one message share almost everything. A steady run keeps a [`SlotSeries`], is cut where [`steady_cut`]
//! says, and gives its intervals through [`Batches`]; a story that ends is [`replicated`]; two runs on common random numbers are
//! [`Paired`]. [`LookSchedule`] says when to stop and [`gate`] what an interval means for a limit.
//! Leaves out: where samples come from, and how numbers are shown.

pub mod batches;
pub mod compact;
pub mod estimate;
pub mod mser;
pub mod paired;
pub mod replications;
pub mod slots;
pub mod special;
pub mod stopping;

pub use batches::Batches;
pub use compact::CompactHistogram;
pub use estimate::{CONFIDENCE, Estimate, Unsupported, percentile_name};
pub use mser::{mser, mser5, steady_cut};
pub use paired::Paired;
pub use replications::replicated;
pub use slots::{Samples, Slot, SlotSeries};
pub use stopping::{Decision, LookSchedule, Verdict, ZeroVerdict, gate, never};
