//! Client sessions: connections, what they missed, and how they come back.
//!
//! *Models:* the connection table, replay rings, heartbeats, reconnection, admission, outbound queues,
//! presence and transports. *Leaves out:* authentication and the bytes themselves.

pub mod connections;
pub mod replay;

pub use connections::{ConnectionState, ConnectionTable};
pub use replay::{ReplayLimits, ReplayRing, Resume};
