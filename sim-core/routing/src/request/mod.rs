//! Requests that go to several servers: all of a scatter, the second copy of a hedge, the twins of a tie.
//!
//! *Models:* state machines that are told what happened (an answer, a failure, a timer) and say what to do. A
//! timer is asked for by `next_timeout`; firing it early or twice does nothing. *Leaves out:* the network and
//! the queues; which server gets which copy. *Source:* Dean and Barroso, "The tail at scale", CACM 2013.

pub mod hedge;
pub mod scatter;
pub mod tied;

pub use hedge::{HedgeAction, HedgeAnswer, HedgeOptions, Hedged, Twin};
pub use scatter::{Gathered, Outcome, Scatter, ScatterOptions};
pub use tied::{Started, TiedCopy};
