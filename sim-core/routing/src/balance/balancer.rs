//! The factory and dispatcher over all policies.
//!
//! *Models:* one cloneable object, whatever the policy. *Property:* a pick is always a backend that is up;
//! draining ones keep what they have. Random and round robin honour weights by thinning: a backend passed
//! over with probability (or at a rate) 1 − weight / largest weight. *Leaves out:* queues at the backends.

use super::backends::{Backends, Tick};
use super::least::LeastHeap;
use super::{Backend, BackendState, Balancer, Options, Policy};
use crate::draw;
use crate::hash::hash_u64;
use crate::ids::{ServerId, Timestamp};
use crate::placement::{Maglev, Node, Rendezvous, Ring, SlotMap, jump, slots};
use rand::Rng;

/// Draws before a weighted random pick falls back to a scan.
const THINNING_DRAWS: u32 = 64;

/// Hashes tried before jump hash falls back to a remainder.
const REHASHES: u32 = 64;

#[derive(Clone, Debug)]
enum Engine {
    Random,
    RoundRobin { next: usize, credit: Vec<u64> },
    Least(LeastHeap),
    Choices { d: u32, drawn: Vec<u32> },
    Ring(Ring),
    BoundedRing { ring: Ring, factor_percent: u64 },
    Rendezvous(Rendezvous),
    Jump,
    Maglev(Maglev),
    Slots(SlotMap),
}

/// A load balancer.
#[derive(Clone, Debug)]
pub struct LoadBalancer {
    policy: Policy,
    options: Options,
    backends: Backends,
    engine: Engine,
}

impl LoadBalancer {
    /// A balancer over backends that are up and past their slow start. The order of the backends counts for
    /// round robin, ties and jump hash.
    #[must_use]
    pub fn new(policy: Policy, options: Options, backends: &[Backend]) -> Self {
        let backends = Backends::new(options, backends);
        let mut balancer = Self {
            policy,
            options,
            backends,
            engine: Engine::Random,
        };
        balancer.rebuild(true);
        balancer
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// Open connections of a backend, as they are.
    #[must_use]
    pub fn open(&self, server: ServerId) -> u32 {
        self.backends
            .find(server)
            .map_or(0, |i| self.backends.slots[i].open)
    }

    /// The state of a backend; `None` for an unknown one.
    #[must_use]
    pub fn state(&self, server: ServerId) -> Option<BackendState> {
        self.backends
            .find(server)
            .map(|i| self.backends.slots[i].state)
    }

    /// The backends in order, with their open connections.
    pub fn backends(&self) -> impl Iterator<Item = (ServerId, u32)> + '_ {
        self.backends.slots.iter().map(|slot| (slot.id, slot.open))
    }

    /// Changes the state of a backend. One that comes up from down starts slowly. `false` if nothing changed.
    pub fn set_state(&mut self, now: Timestamp, server: ServerId, state: BackendState) -> bool {
        let changed = self.backends.set_state(now, server, state);
        if changed {
            self.rebuild(false);
        }
        changed
    }

    /// Adds a backend, which starts slowly; `false` if it is there already.
    pub fn add(&mut self, now: Timestamp, backend: Backend) -> bool {
        let added = self.backends.add(now, backend);
        if added {
            self.rebuild(true);
        }
        added
    }

    /// Removes a backend and its counter; `false` if there is none.
    pub fn remove(&mut self, now: Timestamp, server: ServerId) -> bool {
        let removed = self.backends.remove(now, server);
        if removed {
            self.rebuild(true);
        }
        removed
    }

    /// Brings the engine up to date after backends changed (`renumbered`: came or went, not just their state).
    fn rebuild(&mut self, renumbered: bool) {
        match (self.policy, &mut self.engine) {
            (Policy::LeastConnections, Engine::Least(_)) => self.reload_heap(renumbered),
            (Policy::Ring { .. } | Policy::BoundedRing { .. } | Policy::Choices { .. }, _)
                if !renumbered => {}
            _ => {
                self.engine = self.new_engine();
                self.reload_heap(renumbered);
            }
        }
    }

    fn new_engine(&self) -> Engine {
        let nodes = || -> Vec<Node> {
            let node = |slot: &super::backends::Slot| Node {
                id: u32::from(slot.id.0),
                weight: slot.weight as u32,
            };
            self.backends.slots.iter().map(node).collect()
        };
        match self.policy {
            Policy::Random => Engine::Random,
            Policy::RoundRobin => Engine::RoundRobin {
                next: 0,
                credit: vec![0; self.backends.slots.len()],
            },
            Policy::LeastConnections => Engine::Least(LeastHeap::default()),
            Policy::Choices { d } => Engine::Choices {
                d: d.max(1),
                drawn: Vec::new(),
            },
            Policy::BoundedRing {
                virtual_nodes,
                factor_percent,
            } => Engine::BoundedRing {
                ring: Ring::new(&nodes(), virtual_nodes, self.options.seed),
                factor_percent: u64::from(factor_percent.max(100)),
            },
            Policy::Ring { virtual_nodes } => {
                Engine::Ring(Ring::new(&nodes(), virtual_nodes, self.options.seed))
            }
            Policy::Rendezvous => Engine::Rendezvous(Rendezvous::new(&nodes(), self.options.seed)),
            Policy::Jump => Engine::Jump,
            Policy::Maglev { table } => {
                Engine::Maglev(Maglev::new(&self.nodes_up(), table, self.options.seed))
            }
            Policy::Slots => Engine::Slots(SlotMap::new(&ids(&nodes()))),
        }
    }

    fn nodes_up(&self) -> Vec<Node> {
        let slots = &self.backends.slots;
        let node = |&i: &u32| Node {
            id: u32::from(slots[i as usize].id.0),
            weight: slots[i as usize].weight as u32,
        };
        self.backends.eligible.iter().map(node).collect()
    }

    fn reload_heap(&mut self, renumbered: bool) {
        if let Engine::Least(heap) = &mut self.engine {
            let slots = &self.backends.slots;
            let loads = self
                .backends
                .eligible
                .iter()
                .map(|&i| (i, slots[i as usize].load()));
            heap.rebuild(slots.len(), renumbered, loads);
        }
    }
}

impl Balancer for LoadBalancer {
    fn pick(&mut self, now: Timestamp, key: u64, rng: &mut dyn Rng) -> Option<ServerId> {
        if self.backends.tick(now) == Tick::Loads {
            self.reload_heap(false);
        }
        let backends = &self.backends;
        if backends.eligible.is_empty() {
            return None;
        }
        let hash = || hash_u64(self.options.seed, key);
        let slot = match &mut self.engine {
            Engine::Random => pick_random(backends, rng),
            Engine::RoundRobin { next, credit } => pick_in_turn(backends, next, credit),
            Engine::Least(heap) => heap.pick()?,
            Engine::Choices { d, drawn } => pick_of_choices(backends, *d, drawn, rng),
            Engine::Ring(ring) => {
                return by_id(ring.owner_where(hash(), |&id| takes(backends, id)));
            }
            Engine::BoundedRing {
                ring,
                factor_percent,
            } => {
                return by_id(pick_bounded(backends, ring, *factor_percent, hash()));
            }
            Engine::Rendezvous(all) => {
                return by_id(all.owner_where(hash(), |&id| takes(backends, id)));
            }
            Engine::Jump => pick_jump(backends, hash()),
            Engine::Maglev(maglev) => return by_id(maglev.owner(hash())),
            Engine::Slots(map) => {
                return by_id(pick_slot(backends, map, slots::slot_of_number(key)));
            }
        };
        Some(backends.slots[slot as usize].id)
    }

    fn on_opened(&mut self, _now: Timestamp, server: ServerId) {
        self.count(server, true);
    }

    fn on_closed(&mut self, _now: Timestamp, server: ServerId) {
        self.count(server, false);
    }
}

impl LoadBalancer {
    fn count(&mut self, server: ServerId, opened: bool) {
        if let Some(i) = self.backends.count(server, opened)
            && let Engine::Least(heap) = &mut self.engine
        {
            heap.set_load(i as u32, self.backends.slots[i].load());
        }
    }
}

fn by_id(node: Option<u32>) -> Option<ServerId> {
    node.map(|id| ServerId(id as u16))
}

fn ids(nodes: &[Node]) -> Vec<u32> {
    nodes.iter().map(|node| node.id).collect()
}

fn takes(backends: &Backends, id: u32) -> bool {
    backends.takes(ServerId(id as u16))
}

/// A uniform draw, kept with probability effective / largest effective weight.
fn pick_random(backends: &Backends, rng: &mut dyn Rng) -> u32 {
    for _ in 0..THINNING_DRAWS {
        let slot = backends.eligible[draw::below(rng, backends.eligible.len() as u64) as usize];
        let effective = backends.slots[slot as usize].effective;
        if effective == backends.max_effective
            || draw::below(rng, backends.max_effective) < effective
        {
            return slot;
        }
    }
    let total: u64 = backends
        .eligible
        .iter()
        .map(|&i| backends.slots[i as usize].effective)
        .sum();
    let mut point = draw::below(rng, total);
    for &slot in &backends.eligible {
        let effective = backends.slots[slot as usize].effective;
        if point < effective {
            return slot;
        }
        point -= effective;
    }
    backends.eligible[0]
}

/// In turn; each visit earns a backend its effective weight, and the largest weight buys a pick.
fn pick_in_turn(backends: &Backends, next: &mut usize, credit: &mut [u64]) -> u32 {
    loop {
        let slot = *next % backends.slots.len();
        *next = slot + 1;
        let effective = backends.slots[slot].effective;
        if effective == 0 {
            continue;
        }
        credit[slot] += effective;
        if credit[slot] >= backends.max_effective {
            credit[slot] -= backends.max_effective;
            return slot as u32;
        }
    }
}

/// The least loaded of `d` different backends; the first drawn among equals.
fn pick_of_choices(backends: &Backends, d: u32, drawn: &mut Vec<u32>, rng: &mut dyn Rng) -> u32 {
    let n = backends.eligible.len();
    let d = (d as usize).min(n);
    drawn.clear();
    while drawn.len() < d {
        let slot = backends.eligible[draw::below(rng, n as u64) as usize];
        if !drawn.contains(&slot) {
            drawn.push(slot);
        }
    }
    let mut best = drawn[0];
    for &slot in &drawn[1..] {
        if backends.slots[slot as usize].load() < backends.slots[best as usize].load() {
            best = slot;
        }
    }
    best
}

/// The first backend clockwise below ⌈factor × (connections + 1) / backends⌉.
fn pick_bounded(backends: &Backends, ring: &Ring, factor_percent: u64, hash: u64) -> Option<u32> {
    let n = backends.eligible.len() as u64;
    let cap = ((backends.open_eligible + 1) * factor_percent).div_ceil(100 * n);
    ring.owner_where(hash, |&id| {
        let slot = backends
            .find(ServerId(id as u16))
            .map(|i| &backends.slots[i]);
        slot.is_some_and(|slot| slot.effective > 0 && u64::from(slot.open) < cap)
    })
}

/// The key's bucket; if it takes nothing, the bucket of the hash hashed again, and so on.
fn pick_jump(backends: &Backends, hash: u64) -> u32 {
    let buckets = backends.slots.len() as u32;
    let mut hash = hash;
    for _ in 0..REHASHES {
        match jump(hash, buckets) {
            Some(slot) if backends.slots[slot as usize].effective > 0 => return slot,
            _ => hash = hash_u64(hash, u64::from(buckets)),
        }
    }
    backends.eligible[(hash % backends.eligible.len() as u64) as usize]
}

/// The owner of the slot; if it takes nothing, the owner of the next slot whose owner does.
fn pick_slot(backends: &Backends, map: &SlotMap, slot: u16) -> Option<u32> {
    let order = (slot..slots::SLOTS).chain(0..slot);
    order
        .filter_map(|slot| map.owner_of_slot(slot))
        .find(|&id| takes(backends, id))
}
