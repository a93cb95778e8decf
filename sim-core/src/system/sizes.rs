//! How often each kind of operation is offered, and how large it is.
//!
//! Formula: offered = rate x units it is counted per; on the wire a payload has the headers of its transport
//! ([`routing::session::Transport`]), between tiers one TLS record on a connection that stays open.

use super::operation::{Kind, Operation};
use super::world::World;
use crate::scenario::{Per, Rate, Transport};

impl World {
    /// Operations of a kind per second over the whole system.
    #[must_use]
    pub fn offered_per_s(&self, kind: Kind) -> f64 {
        let traffic = &self.scenario.traffic;
        let rate = match kind {
            Kind::Publish => traffic.publish.as_ref().map(|publish| publish.rate),
            Kind::Presence => traffic.presence.as_ref().map(|presence| presence.rate),
            Kind::Query => traffic.query.as_ref().map(|query| query.rate),
            Kind::Command => traffic.command.as_ref().map(|command| command.rate),
            Kind::FetchAsset => traffic.asset.as_ref().map(|asset| asset.rate),
            Kind::Reserve => traffic.reserve.as_ref().map(|reserve| reserve.rate),
            Kind::Order => traffic.order.as_ref().map(|order| order.rate),
            Kind::Notify => traffic.notify.as_ref().map(|notify| notify.rate),
            Kind::Edit => traffic.edit.as_ref().map(|edit| edit.rate),
            Kind::Connect => None,
        };
        rate.map_or(0.0, |Rate { per_s, per }| {
            per_s
                * match per {
                    Per::User => f64::from(self.clients.len()),
                    Per::Channel => f64::from(self.channels),
                    Per::System => 1.0,
                }
        })
    }

    /// Payload of an operation, bytes.
    #[must_use]
    pub fn payload_bytes(&self, kind: Kind) -> u32 {
        let traffic = &self.scenario.traffic;
        match kind {
            Kind::Publish => traffic
                .publish
                .as_ref()
                .map_or(0, |publish| publish.size_bytes),
            Kind::Presence => traffic
                .presence
                .as_ref()
                .map_or(0, |presence| presence.size_bytes),
            Kind::Query => traffic.query.as_ref().map_or(0, |query| query.size_bytes),
            Kind::Command => traffic
                .command
                .as_ref()
                .map_or(0, |command| command.size_bytes),
            Kind::FetchAsset => traffic.asset.as_ref().map_or(0, |asset| asset.size_bytes),
            Kind::Reserve => traffic.reserve.as_ref().map_or(0, |own| own.size_bytes),
            Kind::Order => traffic.order.as_ref().map_or(0, |own| own.size_bytes),
            Kind::Notify => traffic.notify.as_ref().map_or(0, |own| own.size_bytes),
            Kind::Edit => traffic.edit.as_ref().map_or(0, |edit| edit.size_bytes),
            Kind::Connect => 0,
        }
    }

    /// Payload of an operation: of a frame with edits, of all of them.
    #[must_use]
    pub fn payload_of(&self, operation: &Operation) -> u32 {
        self.payload_bytes(operation.kind) * operation.edits()
    }

    /// The same on the wire to one client, headers included.
    #[must_use]
    pub fn wire_bytes_of(&self, operation: &Operation) -> u32 {
        self.wire.bytes_down(self.payload_of(operation).into()) as u32
    }

    /// Bytes of an operation on the wire to one client, headers included.
    #[must_use]
    pub fn wire_bytes(&self, kind: Kind) -> u32 {
        self.wire.bytes_down(self.payload_bytes(kind).into()) as u32
    }

    /// Bytes of an operation between two tiers of the design: one TLS record on a connection that stays open.
    #[must_use]
    pub fn inner_bytes(&self, kind: Kind) -> u64 {
        routing::session::Transport::WebSocket.bytes_down(self.payload_bytes(kind).into())
    }
}

/// The transport as the routing library accounts for it.
pub fn wire(transport: Transport) -> routing::session::Transport {
    match transport {
        Transport::WebSocket => routing::session::Transport::WebSocket,
        Transport::Sse => routing::session::Transport::Sse,
        Transport::LongPoll { hold } => routing::session::Transport::LongPoll {
            timeout_ns: hold.as_nanos(),
        },
        Transport::Poll { interval } => routing::session::Transport::Poll {
            interval_ns: interval.as_nanos(),
        },
    }
}
