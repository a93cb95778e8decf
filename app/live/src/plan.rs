//! What is deployed: users, channels, traffic, the embedded store and how long it is measured.
//!
//! *Models:* one connection server and one store, as a translation of a scenario leaves them. *Leaves out:* machines, prices,
//! distances, faults; several servers and a broker are not deployed yet.

use std::time::Duration;

use routing::{ChannelId, ConnectionId, ReplayLimits, RoutingMode};

use crate::protocol::{DELIVER_HEADER_BYTES, MAX_FRAME_BYTES};

/// Most users of one deployment: each is two sockets of this process and a port of the loopback device.
pub const MOST_USERS: u32 = 20_000;
/// Longest time to warm up and measure.
pub const LONGEST: Duration = Duration::from_secs(3600);
/// Most publishes of a deployment, per second.
pub const MOST_PUBLISHES_PER_S: f64 = 200_000.0;
/// Largest payload of a message.
pub const MOST_PAYLOAD_BYTES: usize = MAX_FRAME_BYTES - DELIVER_HEADER_BYTES;
/// Descriptors of the process that are not users' sockets.
const SPARE_DESCRIPTORS: u64 = 64;

/// A deployment to measure.
#[derive(Clone, Debug)]
pub struct DeployPlan {
    /// What it is called.
    pub name: String,
    /// Users, each with one connection.
    pub users: u32,
    /// Members of every channel.
    pub channels: Vec<Vec<ConnectionId>>,
    /// Connection servers: 1.
    pub servers: u16,
    /// Worker threads of the server.
    pub server_threads: usize,
    /// How messages find their servers.
    pub routing: RoutingMode,
    /// Mean publishes of a user, per second.
    pub publish_per_user_s: f64,
    /// Bytes of a message.
    pub payload_bytes: usize,
    /// What is held for clients that come back.
    pub replay: ReplayLimits,
    /// Messages that may wait for a slow client before it is disconnected.
    pub outbound_messages: usize,
    /// What a message asks of the store before it is numbered.
    pub store: Option<StorePlan>,
    /// Time before measuring.
    pub warmup: Duration,
    /// Time measured.
    pub duration: Duration,
    /// Seed of arrivals and service.
    pub seed: u64,
    /// Time between a client's signs of life.
    pub heartbeat: Duration,
    /// Silence after which a server gives a client up.
    pub heartbeat_timeout: Duration,
}

/// The embedded store: a pool of connections that are held for the time of a query.
#[derive(Clone, Debug)]
pub struct StorePlan {
    /// Queries at a time.
    pub pool: usize,
    /// Messages that may wait for the pool.
    pub queue: usize,
    /// Queries of a message, one after the other.
    pub queries: u32,
    /// Times of a query, all equally likely.
    pub times: Vec<Duration>,
}

/// Why a plan cannot be deployed here.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// More servers than can be deployed.
    #[error("the live deployment has one connection server so far, and this design has {0}")]
    Servers(u16),
    /// Nobody, or too many.
    #[error("{0} users cannot be deployed on one machine; allowed: 1 to {MOST_USERS}")]
    Users(u32),
    /// The process may not open so many sockets.
    #[error(
        "{users} users need {needed} file descriptors and this process may open {limit}; raise it (ulimit -n) or take fewer users"
    )]
    Descriptors {
        /// The users.
        users: u32,
        /// What they need.
        needed: u64,
        /// What there is.
        limit: u64,
    },
    /// A member of a channel that is no user.
    #[error("channel {} names user {}, and there are {users}", channel.0, member.0)]
    Member {
        /// The channel.
        channel: ChannelId,
        /// The member.
        member: ConnectionId,
        /// The users.
        users: u32,
    },
    /// Too often, or not a number.
    #[error("{0} publishes per second cannot be generated; allowed: 0 to {MOST_PUBLISHES_PER_S}")]
    Rate(f64),
    /// Too large.
    #[error("{0} bytes are too much for one message; allowed: up to {MOST_PAYLOAD_BYTES}")]
    Payload(usize),
    /// A count or time that must be positive.
    #[error("{0} must be more than zero")]
    Zero(&'static str),
    /// Too long.
    #[error("warm-up and duration together are longer than {} s", LONGEST.as_secs())]
    TooLong,
}

impl DeployPlan {
    /// Publishes of all users, per second.
    #[must_use]
    pub fn publishes_per_s(&self) -> f64 {
        self.publish_per_user_s * f64::from(self.users)
    }

    /// Checks that this machine can deploy the plan.
    ///
    /// # Errors
    /// What is out of bounds.
    pub fn check(&self) -> Result<(), PlanError> {
        if self.servers != 1 {
            return Err(PlanError::Servers(self.servers));
        }
        if !(1..=MOST_USERS).contains(&self.users) {
            return Err(PlanError::Users(self.users));
        }
        if !(0.0..=MOST_PUBLISHES_PER_S).contains(&self.publishes_per_s()) {
            return Err(PlanError::Rate(self.publishes_per_s()));
        }
        if self.payload_bytes > MOST_PAYLOAD_BYTES {
            return Err(PlanError::Payload(self.payload_bytes));
        }
        if self.warmup.saturating_add(self.duration) > LONGEST {
            return Err(PlanError::TooLong);
        }
        self.check_positive()?;
        self.check_members()?;
        self.check_descriptors(descriptor_limit())
    }

    fn check_positive(&self) -> Result<(), PlanError> {
        let store = self.store.as_ref();
        let positive = [
            ("duration", !self.duration.is_zero()),
            ("server_threads", self.server_threads > 0),
            ("outbound_messages", self.outbound_messages > 0),
            ("heartbeat", !self.heartbeat.is_zero()),
            ("heartbeat_timeout", !self.heartbeat_timeout.is_zero()),
            ("store.pool", store.is_none_or(|store| store.pool > 0)),
            (
                "store.times",
                store.is_none_or(|store| !store.times.is_empty()),
            ),
        ];
        match positive.iter().find(|(_, is_positive)| !is_positive) {
            Some((name, _)) => Err(PlanError::Zero(name)),
            None => Ok(()),
        }
    }

    fn check_members(&self) -> Result<(), PlanError> {
        for (channel, members) in (0..).map(ChannelId).zip(&self.channels) {
            if let Some(&member) = members.iter().find(|member| member.0 >= self.users) {
                return Err(PlanError::Member {
                    channel,
                    member,
                    users: self.users,
                });
            }
        }
        Ok(())
    }

    fn check_descriptors(&self, limit: Option<u64>) -> Result<(), PlanError> {
        let needed = 2 * u64::from(self.users) + SPARE_DESCRIPTORS;
        match limit {
            Some(limit) if limit < needed => Err(PlanError::Descriptors {
                users: self.users,
                needed,
                limit,
            }),
            _ => Ok(()),
        }
    }
}

/// The soft limit of open files, where the system tells (Linux); elsewhere a refused socket does.
fn descriptor_limit() -> Option<u64> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A few users in one room.
    pub(crate) fn small() -> DeployPlan {
        DeployPlan {
            name: "small".to_owned(),
            users: 8,
            channels: vec![(0..8).map(ConnectionId).collect()],
            servers: 1,
            server_threads: 1,
            routing: RoutingMode::Local,
            publish_per_user_s: 20.0,
            payload_bytes: 100,
            replay: ReplayLimits::default(),
            outbound_messages: 256,
            store: Some(StorePlan {
                pool: 4,
                queue: 100,
                queries: 2,
                times: vec![Duration::from_millis(1)],
            }),
            warmup: Duration::from_millis(100),
            duration: Duration::from_millis(500),
            seed: 7,
            heartbeat: Duration::from_secs(30),
            heartbeat_timeout: Duration::from_secs(60),
        }
    }

    #[test]
    fn plans_are_checked() {
        assert_eq!(small().check(), Ok(()));
        let wrong = |change: fn(&mut DeployPlan)| {
            let mut plan = small();
            change(&mut plan);
            plan.check().unwrap_err().to_string()
        };
        assert!(wrong(|p| p.servers = 3).contains("one connection server"));
        assert!(wrong(|p| p.users = 0).contains("1 to 20000"));
        assert!(wrong(|p| p.users = 4).contains("names user 4"));
        assert!(wrong(|p| p.publish_per_user_s = f64::NAN).contains("NaN"));
        assert!(wrong(|p| p.payload_bytes = 1 << 30).contains("too much"));
        assert!(wrong(|p| p.duration = Duration::ZERO).contains("duration"));
        assert!(wrong(|p| p.warmup = Duration::MAX).contains("longer than"));
        let few = small().check_descriptors(Some(70)).unwrap_err();
        assert!(few.to_string().contains("80"), "{few}");
    }
}
