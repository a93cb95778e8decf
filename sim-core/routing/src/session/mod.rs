//! Client sessions: connections, what they missed, and how they come back.
//!
//! *Models:* the connection table, replay rings, heartbeats, reconnection, admission, outbound queues,
//! presence and transports. *Leaves out:* authentication and the bytes themselves.

pub mod accept;
pub mod connections;
pub mod heartbeat;
pub mod outbound;
pub mod presence;
pub mod reconnect;
pub mod replay;
pub mod transport;

pub use accept::AcceptLimiter;
pub use connections::{ConnectionState, ConnectionTable};
pub use heartbeat::Heartbeat;
pub use outbound::{Offer, OutboundLimits, OutboundQueue, SlowConsumer};
pub use presence::{PresenceAudience, PresenceTracker, Status};
pub use reconnect::{Backoff, ReconnectPolicy};
pub use replay::{ReplayLimits, ReplayRing, Resume};
pub use transport::Transport;
