//! The connection-server tier: stations that hold connections, read from clients and write to them.
//!
//! One station per server: `cores` of its machine, inbox before sockets, the profile's load curve and stop-the-world
//! pauses. Demand by work, from the profile: receive; copy + recipients × (deliver + bytes × per byte); accept; heartbeat.
//! A server holds at most min((memory − base) / memory per connection, descriptors − reserved, configured limit)
//! connections and admits `accept_per_s` with a burst of `accept_burst`.
//!
//! Left out: memory of messages in queues, and the kernel's own scheduling.

use std::collections::VecDeque;

use routing::Timestamp;
use routing::session::AcceptLimiter;

use super::event::Work;
use super::inflight::InFlight;
use super::ledger::Refusal;
use super::world::COHORT;
use crate::quantile::QuantileTable;
use crate::scenario::{ConnectionServers, ServerProfile};
use crate::station::{Discipline, LoadCurve, Overflow, Station, StationConfig};
use crate::time::{SimDuration, SimTime};

/// Over how long a server's recent utilisation is averaged for its load curve.
const LOAD_WINDOW: SimDuration = SimDuration::from_millis(100);

/// What one server can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// By memory.
    pub memory: u64,
    /// By file descriptors.
    pub descriptors: u64,
    /// By configuration.
    pub configured: u64,
}

impl Capacity {
    /// The capacity of a server of the tier.
    #[must_use]
    pub fn of(tier: &ConnectionServers) -> Self {
        let profile = &tier.profile;
        let free = tier
            .machine
            .memory_bytes
            .saturating_sub(profile.base_memory_bytes);
        Self {
            memory: free / profile.memory_per_connection_bytes.max(1),
            descriptors: u64::from(
                tier.descriptors
                    .saturating_sub(profile.reserved_descriptors),
            ),
            configured: tier.max_connections.map_or(u64::MAX, u64::from),
        }
    }

    /// Why one more connection beside `held` does not fit, if it does not.
    #[must_use]
    pub fn refuses(&self, held: u64) -> Option<Refusal> {
        if held >= self.configured {
            Some(Refusal::Connections)
        } else if held >= self.descriptors {
            Some(Refusal::Descriptors)
        } else if held >= self.memory {
            Some(Refusal::Memory)
        } else {
            None
        }
    }
}

/// Connections a server of the tier holds at most.
pub(crate) fn server_room(tier: &ConnectionServers) -> u64 {
    let capacity = Capacity::of(tier);
    capacity
        .memory
        .min(capacity.descriptors)
        .min(capacity.configured)
}

/// One connection server.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its cores and queues.
    pub station: Station<Work>,
    /// Its life: rises when it dies, so that work sent before is void.
    pub epoch: u16,
    /// Connections it holds, those being admitted included.
    pub held: u64,
    /// Connections the balancer counts on it.
    pub counted: u64,
    /// Its admission control.
    pub accept: AcceptLimiter,
    /// What it has written and may not have been received.
    pub in_flight: InFlight,
    /// Connections that left or came lately: (when, which, came).
    pub churn: VecDeque<(SimTime, u32, bool)>,
    /// Bytes sent to clients.
    pub bytes_out: u64,
    /// Most connections held.
    pub held_max: u64,
    /// Parts of heartbeats and polls carried to the next cohort, in connection-nanoseconds.
    chores_carry: [u64; 2],
    /// Pauses so far, by class: the ordinals of their draws.
    pub pauses: Vec<u64>,
    /// Copies that found the inbox full.
    pub turned_away: u64,
    /// Copies that found no member.
    pub wasted_copies: u64,
    /// Copies that reached it.
    pub copies: u64,
    /// CPU time asked for at low load by open connections (heartbeats, polls, accepting) and by messages.
    pub demand_ns: [u64; 2],
}

/// The tier.
#[derive(Clone, Debug)]
pub struct Servers {
    /// Its instances.
    pub servers: Vec<Server>,
    /// What each holds.
    pub capacity: Capacity,
    /// Intervals and lengths of its pauses, by class.
    pub pauses: Vec<(QuantileTable, QuantileTable)>,
    profile: ServerProfile,
    inbox: usize,
}

impl Servers {
    /// The servers of a tier, empty.
    #[must_use]
    pub fn new(tier: &ConnectionServers) -> Self {
        let profile = tier.profile.clone();
        let curve = LoadCurve::new(profile.load_curve.clone(), LOAD_WINDOW).ok();
        let server = Server {
            station: Station::new(StationConfig {
                cores: tier.machine.cores,
                discipline: Discipline::DrainInboxThenSockets,
                capacity: usize::MAX,
                overflow: Overflow::Reject,
                load_curve: curve,
            }),
            epoch: 0,
            held: 0,
            counted: 0,
            accept: AcceptLimiter::new(tier.accept_per_s, tier.accept_burst),
            in_flight: InFlight::default(),
            churn: VecDeque::new(),
            bytes_out: 0,
            held_max: 0,
            chores_carry: [0; 2],
            pauses: vec![0; profile.pauses.len()],
            turned_away: 0,
            wasted_copies: 0,
            copies: 0,
            demand_ns: [0; 2],
        };
        let table = |distribution| {
            QuantileTable::new(distribution)
                .unwrap_or_else(|problem| panic!("a validated pause: {problem}"))
        };
        let pauses = profile
            .pauses
            .iter()
            .map(|class| (table(class.every), table(class.lasts)))
            .collect();
        Self {
            servers: vec![server; tier.count as usize],
            capacity: Capacity::of(tier),
            pauses,
            profile,
            inbox: tier.inbox.map_or(usize::MAX, |most| most as usize),
        }
    }

    /// Whether no more copies may wait in a server.
    #[inline]
    #[must_use]
    pub fn is_full(&self, server: usize) -> bool {
        self.servers[server].station.inbox_len() >= self.inbox
    }

    /// What a piece of work is for: 0 open connections, 1 messages.
    #[inline]
    #[must_use]
    pub fn purpose(work: Work) -> usize {
        match work {
            Work::Accept(_) | Work::Chores { .. } => 0,
            Work::Receive(_) | Work::Copy { .. } | Work::Answer(_) | Work::Replay(_) => 1,
        }
    }

    /// CPU time of a piece of work at low load.
    #[inline]
    #[must_use]
    pub fn demand(&self, work: Work, bytes: u32) -> SimDuration {
        let profile = &self.profile;
        match work {
            Work::Receive(_) => profile.receive,
            Work::Copy { recipients, .. } => {
                profile.copy + self.deliver(bytes) * u64::from(recipients)
            }
            Work::Answer(_) => profile.copy + self.deliver(bytes),
            Work::Accept(_) => profile.accept,
            Work::Replay(messages) => profile.copy + self.deliver(bytes) * u64::from(messages),
            Work::Chores { heartbeats, polls } => {
                profile.heartbeat * u64::from(heartbeats) + profile.receive * u64::from(polls)
            }
        }
    }

    /// CPU time of writing one message of `bytes` to one connection.
    #[inline]
    #[must_use]
    pub fn deliver(&self, bytes: u32) -> SimDuration {
        self.profile.deliver
            + SimDuration::from_nanos(u64::from(bytes) * self.profile.deliver_ps_per_byte / 1_000)
    }

    /// CPU time of taking one copy.
    #[must_use]
    pub fn copy(&self) -> SimDuration {
        self.profile.copy
    }
}

impl Server {
    /// Whether the server answers.
    #[must_use]
    pub fn is_up(&self) -> bool {
        !self.station.is_down()
    }

    /// Asks for a place for one more connection.
    pub fn admit(&mut self, now: SimTime, capacity: &Capacity) -> Result<(), Refusal> {
        if let Some(reason) = capacity.refuses(self.held) {
            return Err(reason);
        }
        if !self.accept.try_accept(timestamp(now)) {
            return Err(Refusal::AcceptRate);
        }
        self.hold();
        Ok(())
    }

    /// Requests of one cohort from clients that each make one per `interval`; what is left over is carried on.
    pub fn chores(&mut self, which: usize, interval: SimDuration) -> u32 {
        let owed = self.chores_carry[which] + self.held * COHORT.as_nanos();
        let interval = interval.as_nanos().max(1);
        self.chores_carry[which] = owed % interval;
        (owed / interval) as u32
    }

    /// Takes one more connection.
    pub fn hold(&mut self) {
        self.held += 1;
        self.held_max = self.held_max.max(self.held);
    }

    /// Whether no connection has come or gone since `at`.
    #[must_use]
    pub fn is_quiet_since(&self, at: SimTime) -> bool {
        self.churn.back().is_none_or(|&(newest, _, _)| newest < at)
    }

    /// Remembers that a connection came or went, so that copies under way know whom they still concern.
    pub fn note_churn(&mut self, now: SimTime, connection: u32, came: bool) {
        /// Nothing stays in a server's queue for longer.
        const MEMORY: SimDuration = SimDuration::from_secs(300);
        while self
            .churn
            .front()
            .is_some_and(|&(at, _, _)| at + MEMORY < now)
        {
            self.churn.pop_front();
        }
        self.churn.push_back((now, connection, came));
    }
}

/// Simulated time as the routing library counts it.
#[inline]
#[must_use]
pub fn timestamp(at: SimTime) -> Timestamp {
    Timestamp(at.as_nanos())
}
