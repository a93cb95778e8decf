//! Shares and levers that a bill is computed with.
//!
//! *Rent of connection servers:* a server is rented for two things, and the rent is divided in proportion to what each would
//! need alone. Idle connections need the larger of their share of memory (open connections × memory per connection) and
//! their share of CPU (heartbeats, polls, accepting); messages need the larger of their share of CPU (reading, copying,
//! writing, replays) and of network. Memory of the process itself and room to grow are divided with the rest.
//!
//! *Zones:* instances of a tier are spread over zones in turn, starting in the same zone; a copy from a random instance of
//! one tier to a random one of another crosses with 1 − Σ pₐ(z)·pᵦ(z).
//!
//! *Multiplexing:* k logical sessions share one transport connection; memory = sessions × session + transports × transport.
//! *Source:* stand-alone cost allocation (proportional); unit costs of `assets/profiles/servers.ron`.

use super::MILLION;

/// The part of a connection server's rent that idle connections answer for, of a million. Arguments are shares of one
/// server, of a million.
#[must_use]
pub fn rent_share_ppm(memory: u64, connection_cpu: u64, message_cpu: u64, network: u64) -> u64 {
    let idle = memory.max(connection_cpu);
    let messages = message_cpu.max(network);
    // A server that does nothing waits for connections.
    (idle * MILLION)
        .checked_div(idle + messages)
        .unwrap_or(MILLION)
}

/// The share of copies between two tiers that cross zones, of a million, with instances spread over `zones` in turn.
#[must_use]
pub fn zones_crossed_ppm(from: u64, to: u64, zones: u64) -> u64 {
    let zones = zones.max(1);
    let (from, to) = (from.max(1), to.max(1));
    let in_zone =
        |instances: u64, zone: u64| instances / zones + u64::from(zone < instances % zones);
    let together: u64 = (0..zones).map(|z| in_zone(from, z) * in_zone(to, z)).sum();
    MILLION - together * MILLION / (from * to)
}

/// Heartbeats per second of connections that each send one per interval.
#[must_use]
pub fn heartbeats_per_s(connections: u64, interval_ms: u64) -> f64 {
    connections as f64 * 1_000.0 / interval_ms.max(1) as f64
}

/// Logical sessions that share transport connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Multiplexing {
    /// Logical sessions.
    pub sessions: u64,
    /// Sessions on one transport connection; 1: none share.
    pub per_transport: u64,
    /// Memory of a transport connection: socket, TLS, buffers.
    pub transport_bytes: u64,
    /// Memory of a logical session: its state and queue.
    pub session_bytes: u64,
}

impl Multiplexing {
    /// Transport connections.
    #[must_use]
    pub fn transports(&self) -> u64 {
        self.sessions.div_ceil(self.per_transport.max(1))
    }

    /// Memory of all.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.sessions * self.session_bytes + self.transports() * self.transport_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rent_is_divided_by_what_each_would_need_alone() {
        assert_eq!(rent_share_ppm(300_000, 10_000, 100_000, 50_000), 750_000);
        assert_eq!(rent_share_ppm(0, 0, 100_000, 0), 0);
        assert_eq!(rent_share_ppm(0, 0, 0, 0), MILLION);
    }

    #[test]
    fn copies_cross_zones_as_instances_are_spread() {
        assert_eq!(zones_crossed_ppm(1, 1, 3), 0);
        assert_eq!(zones_crossed_ppm(3, 3, 3), 666_667);
        assert_eq!(zones_crossed_ppm(300, 2, 3), 666_667);
        assert_eq!(zones_crossed_ppm(10, 4, 1), 0);
        // 4 of 10 and 2 of 4 in the first zone, 3 and 1 in each of the others: 14 of 40 stay.
        assert_eq!(zones_crossed_ppm(10, 4, 3), 650_000);
    }
}
