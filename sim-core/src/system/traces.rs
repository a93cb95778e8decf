//! Single messages and requests, followed from the client to the client, for those who ask for them.
//!
//! Models: one delivery in so many, chosen by a hash of its key and so the same in every run, keeps what its time went into; the
//! newest [`KEPT`] of each kind stay. Of a copy one recipient is followed, chosen alike. *Leaves out:* where it was at which
//! moment: time is by tier and cause, and what a message spends at two connection servers is one span; the order is that of the
//! way. *Source:* the same accounts as the breakdown of a report ([`super::ledger`]), so the spans add up to the latency.

use std::collections::VecDeque;

use routing::hash::{DEFAULT_SEED, hash_u64};

use super::SystemRun;
use super::clients::Client;
use super::inflight::Direct;
use super::ledger::units_ns;
use super::operation::{Kind, Part, Parts};
use super::world::World;
use crate::time::{SimDuration, SimTime};

/// Traces of a kind that are kept.
const KEPT: usize = 512;
/// Seconds that they should reach back.
const REACH_S: f64 = 8.0;
/// Parts in the order in which an operation meets them.
const WAY: [Part; super::operation::PARTS] = [
    Part::Offline,
    Part::Uplink,
    Part::EdgeQueue,
    Part::EdgeService,
    Part::EdgeFetch,
    Part::ServerQueue,
    Part::ServerService,
    Part::ServerPause,
    Part::CacheQueue,
    Part::CacheService,
    Part::CacheFetch,
    Part::PoolerQueue,
    Part::PoolerService,
    Part::DatabaseQueue,
    Part::DatabaseService,
    Part::DatabaseRetry,
    Part::ReplicaQueue,
    Part::ReplicaService,
    Part::OwnerQueue,
    Part::OwnerService,
    Part::BrokerQueue,
    Part::BrokerService,
    Part::BrokerLinger,
    Part::Link,
    Part::FanOut,
    Part::Poll,
    Part::Downlink,
    Part::Order,
];

/// One message on its way to one recipient, or one request and its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// Name of the operation in reports: `publish`.
    pub operation: &'static str,
    /// When it was started.
    pub started: SimTime,
    /// Until it was received.
    pub latency: SimDuration,
    /// What it consists of, in the order of the way; they add up.
    pub spans: Vec<TraceSpan>,
}

/// Time in one tier for one cause.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceSpan {
    /// Tier, as in the breakdown of a report.
    pub tier: &'static str,
    /// Cause, as there.
    pub cause: &'static str,
    /// How long.
    pub lasts: SimDuration,
}

/// What is kept while somebody asks for it.
#[derive(Clone, Debug)]
pub struct Traces {
    /// One in so many by kind.
    every: [u64; Kind::ALL.len()],
    kept: [VecDeque<Kept>; Kind::ALL.len()],
}

#[derive(Clone, Copy, Debug)]
struct Kept {
    started: SimTime,
    units: u32,
    parts: Parts,
}

/// The recipient of a copy that is followed: its place in the copy, and its client before the copy.
pub type Followed = (u32, u32, Client);

impl Traces {
    /// The number below `among` of the recipient that is followed; `None`: nobody is.
    fn chosen(&self, kind: Kind, key: u64, among: usize) -> Option<u32> {
        let hash = hash_u64(DEFAULT_SEED, key);
        let wanted = among > 0 && hash.is_multiple_of(self.every[kind.index()]);
        wanted.then(|| ((hash >> 32) % among as u64) as u32)
    }

    fn keep(&mut self, kind: Kind, kept: Kept) {
        let own = &mut self.kept[kind.index()];
        if own.len() == KEPT {
            own.pop_front();
        }
        own.push_back(kept);
    }
}

impl SystemRun {
    /// Follows single operations from now on, or no longer.
    pub fn follow(&mut self, on: bool) {
        let world = self.simulation.model_mut();
        if on != world.traces.is_some() {
            world.traces = on.then(|| Box::new(world.new_traces()));
        }
    }

    /// The newest operations that were followed, by kind and by when they ended; empty unless [`Self::follow`] was asked for.
    #[must_use]
    pub fn traces(&self) -> Vec<Trace> {
        let Some(traces) = &self.simulation.model().traces else {
            return Vec::new();
        };
        let now = self.now();
        let sourced = self.simulation.model().sourcing.is_some();
        let of_kind = |kind: Kind| {
            let own = traces.kept[kind.index()].iter();
            own.map(move |kept| kept.trace(kind, sourced))
        };
        let all = Kind::ALL.into_iter().flat_map(of_kind);
        // Receipts are known before they happen.
        all.filter(|trace| trace.started + trace.latency <= now)
            .collect()
    }
}

impl Kept {
    fn trace(&self, kind: Kind, sourced: bool) -> Trace {
        let ns: Vec<(usize, u64)> = self.parts.ns().collect();
        let span = |part: Part| {
            let (_, ns) = ns.iter().find(|(index, _)| *index == part as usize)?;
            let (tier, cause) = Part::name(part as usize, kind, sourced);
            Some(TraceSpan {
                tier,
                cause,
                lasts: SimDuration::from_nanos(*ns),
            })
        };
        Trace {
            operation: kind.name(),
            started: self.started,
            latency: SimDuration::from_nanos(units_ns(self.units)),
            spans: WAY.into_iter().filter_map(span).collect(),
        }
    }
}

impl World {
    fn new_traces(&self) -> Traces {
        let every = |kind: Kind| {
            let copies = match kind.is_answered() {
                true => 1.0,
                false => self.servers.servers.len() as f64,
            };
            let per_s = self.offered_per_s(kind) * copies;
            libm::ceil(per_s * REACH_S / KEPT as f64).max(1.0) as u64
        };
        Traces {
            every: core::array::from_fn(|kind| every(Kind::ALL[kind])),
            kept: Default::default(),
        }
    }

    /// Whom to follow of a copy that is about to be received by `ids`.
    #[inline]
    pub(super) fn followed(
        &self,
        server: usize,
        kind: Kind,
        key: u64,
        ids: &[u32],
    ) -> Option<Followed> {
        let traces = self.traces.as_ref()?;
        let index = traces.chosen(kind, key ^ ((server as u64) << 48), ids.len())?;
        let id = ids[index as usize];
        Some((index, id, self.clients.get(id)))
    }

    /// A recipient that is followed received something.
    pub(super) fn trace(&mut self, kind: Kind, started: SimTime, (units, parts): (u32, Parts)) {
        if let Some(traces) = &mut self.traces {
            let kept = Kept {
                started,
                units,
                parts,
            };
            traces.keep(kind, kept);
        }
    }

    /// An answer is on its way to its client.
    #[inline]
    pub(super) fn trace_direct(&mut self, direct: &Direct) {
        let Some(traces) = &self.traces else { return };
        let key = direct.started.as_nanos() ^ (u64::from(direct.connection) << 40);
        if direct.kind.is_answered() && traces.chosen(direct.kind, key, 1).is_some() {
            self.trace(direct.kind, direct.started, (direct.units, direct.parts));
        }
    }
}
