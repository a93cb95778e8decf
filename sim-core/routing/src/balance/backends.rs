//! The backends of a balancer: states, effective weights under slow start, and counters with their age.
//!
//! *Formula:* effective weight = weight × step, where step goes from 1 to 128 in proportion to the time since
//! the backend came up over the slow-start window, and is 128 after it. Counters seen = counters at the last
//! refresh. *Leaves out:* ramps other than linear (Envoy's aggression exponent).

use super::{Backend, BackendState, Options};
use crate::ids::{ServerId, Timestamp};

/// Steps of the slow-start ramp.
const STEPS: u64 = 128;

#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) id: ServerId,
    pub(super) weight: u64,
    pub(super) state: BackendState,
    /// When it came up, while it ramps.
    since: Option<Timestamp>,
    /// Weight times slow-start step; 0 when it takes no new connections.
    pub(super) effective: u64,
    pub(super) open: u32,
    pub(super) seen: u32,
}

impl Slot {
    /// Connections per weight if one more came, from what the balancer sees; a fixed-point number.
    pub(super) fn load(&self) -> u64 {
        let load = ((u128::from(self.seen) + 1) << 32) / u128::from(self.effective.max(1));
        load.min(u128::from(u64::MAX)) as u64
    }
}

#[derive(Clone, Debug)]
pub(super) struct Backends {
    pub(super) slots: Vec<Slot>,
    /// Server id → slot + 1; 0 for none.
    index: Vec<u32>,
    /// Slots that take connections, ascending.
    pub(super) eligible: Vec<u32>,
    pub(super) max_effective: u64,
    /// Open connections on eligible slots.
    pub(super) open_eligible: u64,
    warming: Vec<u32>,
    next_step: Timestamp,
    next_refresh: Timestamp,
    options: Options,
}

/// What a tick changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tick {
    Nothing,
    Loads,
}

impl Backends {
    pub(super) fn new(options: Options, backends: &[Backend]) -> Self {
        let mut all = Self {
            slots: Vec::new(),
            index: Vec::new(),
            eligible: Vec::new(),
            max_effective: 0,
            open_eligible: 0,
            warming: Vec::new(),
            next_step: Timestamp::NEVER,
            next_refresh: Timestamp::ZERO,
            options,
        };
        for backend in backends {
            all.push(*backend, None);
        }
        all.recompute(Timestamp::ZERO);
        all
    }

    pub(super) fn find(&self, server: ServerId) -> Option<usize> {
        self.index
            .get(server.index())
            .and_then(|&i| (i as usize).checked_sub(1))
    }

    pub(super) fn takes(&self, server: ServerId) -> bool {
        self.find(server)
            .is_some_and(|i| self.slots[i].effective > 0)
    }

    pub(super) fn add(&mut self, now: Timestamp, backend: Backend) -> bool {
        if self.find(backend.id).is_some() {
            return false;
        }
        self.push(backend, Some(now));
        self.recompute(now);
        true
    }

    pub(super) fn remove(&mut self, now: Timestamp, server: ServerId) -> bool {
        let Some(i) = self.find(server) else {
            return false;
        };
        self.slots.remove(i);
        self.index[server.index()] = 0;
        for (i, slot) in self.slots.iter().enumerate() {
            self.index[slot.id.index()] = i as u32 + 1;
        }
        self.recompute(now);
        true
    }

    pub(super) fn set_state(
        &mut self,
        now: Timestamp,
        server: ServerId,
        state: BackendState,
    ) -> bool {
        let Some(i) = self.find(server) else {
            return false;
        };
        let slot = &mut self.slots[i];
        if slot.state == state {
            return false;
        }
        if state == BackendState::Up && slot.state == BackendState::Down {
            slot.since = Some(now);
        }
        slot.state = state;
        self.recompute(now);
        true
    }

    /// Advances ramps and refreshes counters.
    pub(super) fn tick(&mut self, now: Timestamp) -> Tick {
        let mut tick = Tick::Nothing;
        if now >= self.next_step {
            self.recompute(now);
            tick = Tick::Loads;
        }
        if self.options.information_age_ns > 0 && now >= self.next_refresh {
            for slot in &mut self.slots {
                slot.seen = slot.open;
            }
            let age = self.options.information_age_ns;
            self.next_refresh = Timestamp((now.0 / age + 1).saturating_mul(age));
            tick = Tick::Loads;
        }
        tick
    }

    /// Counts a connection; returns the slot if the balancer sees the change at once.
    pub(super) fn count(&mut self, server: ServerId, opened: bool) -> Option<usize> {
        let i = self.find(server)?;
        let slot = &mut self.slots[i];
        let before = slot.open;
        slot.open = if opened {
            before + 1
        } else {
            before.saturating_sub(1)
        };
        if slot.effective > 0 {
            self.open_eligible = self.open_eligible + u64::from(slot.open) - u64::from(before);
        }
        if self.options.information_age_ns > 0 {
            return None;
        }
        slot.seen = slot.open;
        Some(i)
    }

    fn push(&mut self, backend: Backend, since: Option<Timestamp>) {
        assert!(backend.id != ServerId::NOWHERE, "nowhere is not a server");
        assert!(backend.weight <= 65_535, "a weight is at most 65 535");
        if self.index.len() <= backend.id.index() {
            self.index.resize(backend.id.index() + 1, 0);
        }
        assert!(
            self.index[backend.id.index()] == 0,
            "a server is a backend once"
        );
        let (id, weight, state) = (backend.id, u64::from(backend.weight), BackendState::Up);
        self.slots.push(Slot {
            id,
            weight,
            state,
            since,
            effective: 0,
            open: 0,
            seen: 0,
        });
        self.index[id.index()] = self.slots.len() as u32;
    }

    /// Effective weights, eligible slots and the next step of a ramp.
    fn recompute(&mut self, now: Timestamp) {
        let window = self.options.slow_start_ns;
        self.eligible.clear();
        self.warming.clear();
        (self.max_effective, self.open_eligible) = (0, 0);
        for (i, slot) in self.slots.iter_mut().enumerate() {
            slot.since = slot.since.filter(|&since| now.since(since) < window);
            let step = slot.since.map_or(STEPS, |since| {
                (u128::from(now.since(since)) * u128::from(STEPS) / u128::from(window)).max(1)
                    as u64
            });
            slot.effective = if slot.state == BackendState::Up {
                slot.weight * step
            } else {
                0
            };
            if slot.since.is_some() {
                self.warming.push(i as u32);
            }
            if slot.effective > 0 {
                self.eligible.push(i as u32);
                self.open_eligible += u64::from(slot.open);
            }
            self.max_effective = self.max_effective.max(slot.effective);
        }
        let step_ns = (window / STEPS).max(1);
        self.next_step = if self.warming.is_empty() {
            Timestamp::NEVER
        } else {
            now.plus(step_ns)
        };
    }
}
