//! Client connections as the simulator sees them: how far away each is, and when it last received something.
//!
//! 8 bytes per connection: its [`Place`], and its last receipt in ticks of 1.024 µs, rounded up, modulo 2³² (73 minutes).
//! Receipts are told from past ones by the sign of the difference, hence lie at most 36 minutes ahead, and rows that have
//! been quiet for long are moved along ([`Clients::keep_up`]). The rows are shared between clones until one of them writes:
//! all at once, since recipients lie anywhere. Membership and session state live in the real [`routing::Hub`].

use std::sync::Arc;

use super::network::Network;
use super::population::{ClassId, Newcomers, Population};
use super::sites::Sites;
use crate::delivery::Place;
use crate::draw::Draws;
use crate::engine::prefetch;
use crate::histogram::{MAX_UNITS, UNIT_NS, units_of};
use crate::time::{SimDuration, SimTime};

const UNITS_PER_TICK_BITS: u32 = 3;
const TICK_NS: u64 = UNIT_NS << UNITS_PER_TICK_BITS;
/// What last receipts are rounded up to.
pub const TICK: SimDuration = SimDuration::from_nanos(TICK_NS);
/// A quarter of the range of ticks: rows are moved along so often, and stay so far behind at most.
const STALE_TICKS: u64 = 1 << 30;

/// One connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Client {
    /// Last receipt: TCP delivers in order, so nothing arrives before it. In ticks.
    last: u32,
    /// One way to its server without jitter, and its class.
    pub place: Place,
}

/// The start of a message, to which the receipts of its recipients are related.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// Tick in which it lies, and units of that tick that are past.
    tick: u32,
    units: u32,
    /// The same with the start rounded up to whole units.
    next_tick: u32,
    next_units: u32,
}

impl Start {
    /// The start of a message started at `at`.
    #[must_use]
    pub fn of(at: SimTime) -> Self {
        let split = |units: u64| {
            (
                (units >> UNITS_PER_TICK_BITS) as u32,
                units as u32 & ((1 << UNITS_PER_TICK_BITS) - 1),
            )
        };
        let (tick, units) = split(at.as_nanos() / UNIT_NS);
        let (next_tick, next_units) = split(at.as_nanos().div_ceil(UNIT_NS));
        Self {
            tick,
            units,
            next_tick,
            next_units,
        }
    }
}

impl Client {
    /// The shortest latency, in units, that order allows a message on this connection.
    #[inline]
    #[must_use]
    pub fn floor_units(&self, start: Start) -> u32 {
        let ahead = (self.last.wrapping_sub(start.tick) as i32).max(0) as u32;
        let units = ahead.min(MAX_UNITS >> UNITS_PER_TICK_BITS) << UNITS_PER_TICK_BITS;
        units.saturating_sub(start.units)
    }

    /// The same connection, with nothing under way for as long before `now` as ticks can tell apart from what lies ahead.
    #[must_use]
    pub fn unheld(self, now: SimTime) -> Self {
        let now_ticks = now.as_nanos() / TICK_NS;
        Client {
            last: now_ticks.saturating_sub(STALE_TICKS) as u32,
            ..self
        }
    }

    /// A message arrives at `at`.
    pub fn receive_at(&mut self, at: SimTime) {
        self.last = at.as_nanos().div_ceil(TICK_NS) as u32;
    }

    /// A message that began at `start` arrives after `units`.
    #[inline]
    pub fn receive(&mut self, start: Start, units: u32) {
        let ticks =
            (start.next_units + units + ((1 << UNITS_PER_TICK_BITS) - 1)) >> UNITS_PER_TICK_BITS;
        self.last = start.next_tick.wrapping_add(ticks);
    }
}

/// A connection that has received nothing yet.
fn client(id: u32, class: ClassId, (network, sites): (&Network, &Sites), draws: &Draws) -> Client {
    // Who may go nowhere is as far from the first region as any other.
    let site = sites.route(network.place_of(class.0), id).unwrap_or(0);
    let base_units = units_of(network.base_delay(draws, id, class, site));
    Client {
        last: 0,
        place: Place::new(base_units, class.0),
    }
}

/// All connections.
#[derive(Clone, Debug)]
pub struct Clients {
    rows: Arc<Vec<Client>>,
    /// When [`Self::keep_up`] last did something, in ticks.
    kept_up: u64,
}

impl Clients {
    /// The connections of a population; delays are drawn from the population seed.
    #[must_use]
    pub fn new(
        population: &Population<'_>,
        (network, sites): (&Network, &Sites),
        draws: &Draws,
    ) -> Self {
        let client = |id: u32| {
            let class = population.class(routing::ConnectionId(id), network);
            client(id, class, (network, sites), draws)
        };
        Self {
            rows: Arc::new((0..population.connections()).map(client).collect()),
            kept_up: 0,
        }
    }

    /// Adds so many who come while the system runs.
    pub fn extend(
        &mut self,
        many: u32,
        newcomers: &Newcomers<'_>,
        (network, sites): (&Network, &Sites),
        draws: &Draws,
    ) {
        let first = self.len();
        let client = |id: u32| {
            let class = newcomers.class(routing::ConnectionId(id), network);
            client(id, class, (network, sites), draws)
        };
        Arc::make_mut(&mut self.rows).extend((first..first + many).map(client));
    }

    /// Number of connections wanted.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.rows.len() as u32
    }

    /// One connection.
    #[inline]
    #[must_use]
    pub fn get(&self, id: u32) -> Client {
        self.rows[id as usize]
    }

    /// A connection is as far from its server as this from now on; nothing may be under way to it.
    pub fn move_to(&mut self, id: u32, base_delay: SimDuration) {
        let row = &mut Arc::make_mut(&mut self.rows)[id as usize];
        row.place = Place::new(units_of(base_delay), row.place.class());
    }

    /// Begins to load the row of a connection.
    #[inline]
    pub fn prefetch(&self, id: u32) {
        prefetch(&self.rows, id as usize);
    }

    /// The rows of `ids`, in their order.
    pub fn gather(&self, ids: &[u32], into: &mut Vec<Client>) {
        let rows = self.rows.as_slice();
        into.clear();
        into.extend(ids.iter().map(|&id| rows[id as usize]));
    }

    /// When a connection last received something, or will; never less than 36 minutes before `now`.
    #[must_use]
    pub fn last_receipt(&self, id: u32, now: SimTime) -> SimTime {
        let now_ticks = now.as_nanos() / TICK_NS;
        let ahead = self.rows[id as usize].last.wrapping_sub(now_ticks as u32) as i32;
        SimTime::from_nanos(now_ticks.saturating_add_signed(ahead.into()) * TICK_NS)
    }

    /// Moves the last receipt of a connection.
    pub fn set_last_receipt(&mut self, id: u32, at: SimTime) {
        Arc::make_mut(&mut self.rows)[id as usize].receive_at(at);
    }

    /// A message that began at `start` arrives at each of `ids` after its latency.
    #[inline]
    pub fn receive(&mut self, start: Start, ids: &[u32], latency_units: &[u32]) {
        let rows = Arc::make_mut(&mut self.rows).as_mut_slice();
        for (&id, &units) in ids.iter().zip(latency_units) {
            rows[id as usize].receive(start, units);
        }
    }

    /// Moves along the rows that have been quiet for so long that their last receipt would seem to lie ahead.
    pub fn keep_up(&mut self, now: SimTime) {
        let now_ticks = now.as_nanos() / TICK_NS;
        if now_ticks < self.kept_up + STALE_TICKS {
            return;
        }
        self.kept_up = now_ticks;
        let oldest = (now_ticks - STALE_TICKS) as u32;
        for row in Arc::make_mut(&mut self.rows) {
            if (row.last.wrapping_sub(oldest) as i32) < 0 {
                row.last = oldest;
            }
        }
    }

    /// Bytes held.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.rows.len() * size_of::<Client>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one() -> Clients {
        Clients {
            rows: Arc::new(vec![Client::default()]),
            kept_up: 0,
        }
    }

    #[test]
    fn a_receipt_is_a_floor_for_the_next_message_and_rounds_up_by_a_tick_at_most() {
        let mut clients = one();
        let first = SimTime::from_nanos(10_000_000_077);
        clients.receive(Start::of(first), &[0], &[1_000_003]);
        let receipt = first + SimDuration::from_nanos(1_000_003 * UNIT_NS);
        for later_ns in [0, 1, 127, 128, 1_000, 1_024, 77_777_777] {
            let second = first + SimDuration::from_nanos(later_ns);
            let floor = clients.get(0).floor_units(Start::of(second));
            let earliest = second + SimDuration::from_nanos(u64::from(floor) * UNIT_NS);
            assert!(earliest >= receipt, "after {later_ns} ns");
            assert!(earliest <= receipt + SimDuration::from_nanos(2 * TICK_NS));
        }
        let long_after = receipt + SimDuration::from_millis(1);
        assert_eq!(clients.get(0).floor_units(Start::of(long_after)), 0);
    }

    #[test]
    fn a_connection_that_is_quiet_for_hours_never_seems_to_have_receipts_ahead() {
        let mut clients = one();
        for second in 0..20_000 {
            let now = SimTime::from_nanos(second * 1_000_000_000);
            clients.keep_up(now);
            assert_eq!(clients.get(0).floor_units(Start::of(now)), 0, "{second} s");
            assert!(clients.last_receipt(0, now) <= now);
        }
    }

    #[test]
    fn a_connection_with_nothing_under_way_holds_nothing_back_however_late_it_is() {
        for second in (0..20_000).step_by(7) {
            let now = SimTime::from_secs(second);
            let started = now.saturating_sub(SimDuration::from_secs(60));
            let client = one().get(0).unheld(now);
            assert_eq!(client.floor_units(Start::of(started)), 0, "{second} s");
        }
    }

    #[test]
    fn a_receipt_far_ahead_stays_ahead() {
        let mut clients = one();
        let start = SimTime::from_nanos(3_000_000_000_000);
        clients.keep_up(start);
        clients.receive(Start::of(start), &[0], &[MAX_UNITS]);
        let floor = clients.get(0).floor_units(Start::of(start));
        assert!(floor >= MAX_UNITS - 8, "{floor}");
        let at = clients.last_receipt(0, start);
        assert!(at >= start + SimDuration::from_nanos(u64::from(MAX_UNITS - 8) * UNIT_NS));
    }
}
