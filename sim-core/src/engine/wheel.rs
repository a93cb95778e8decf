//! A hashed timer wheel for cohort timers: heartbeats, timeouts, times to live.
//!
//! Models: one timer per entity. Timers are gathered in slots of a fixed *resolution*; a slot is
//! one event of the engine, however many timers it holds. A timer fires at the end of its slot:
//! never early, and late by less than the resolution. Timers of one slot fire in the order in
//! which they were set.
//!
//! The wheel has a power of two of slots; timers beyond its span wait in an ordered overflow and
//! fire just as exactly. Setting a timer again or cancelling it leaves the old entry in its slot,
//! where its generation no longer matches and it is skipped. A timer that would be pushed back on
//! every message is better left to fire and set again from the owner's time of last activity.
//!
//! Memory: 4 bytes per entity and 8 per pending entry. Leaves out: several timers per entity
//! (use one wheel for each kind). Source: Varghese and Lauck 1987, scheme 6.

use std::collections::BTreeMap;

use crate::time::{SimDuration, SimTime};

/// Timers of many entities, gathered in slots.
#[derive(Clone, Debug)]
pub struct TimerWheel {
    resolution_ns: u64,
    /// Slots of the ticks `passed + 1 ..= passed + slots.len()`.
    slots: Vec<Vec<Timer>>,
    overflow: BTreeMap<u64, Vec<Timer>>,
    /// Per entity: the generation of its timer; odd while one is set.
    generations: Vec<u32>,
    /// The last tick that was due.
    passed: u64,
}

#[derive(Clone, Copy, Debug)]
struct Timer {
    entity: u32,
    generation: u32,
}

impl TimerWheel {
    /// A wheel of `slots` (rounded up to a power of two) of `resolution` each.
    /// Panics if the resolution is zero.
    pub fn new(resolution: SimDuration, slots: usize) -> Self {
        assert!(!resolution.is_zero(), "a timer wheel needs a resolution");
        TimerWheel {
            resolution_ns: resolution.as_nanos(),
            slots: vec![Vec::new(); slots.max(1).next_power_of_two()],
            overflow: BTreeMap::new(),
            generations: Vec::new(),
            passed: 0,
        }
    }

    /// The width of a slot.
    pub fn resolution(&self) -> SimDuration {
        SimDuration::from_nanos(self.resolution_ns)
    }

    /// Sets the timer of `entity` to fire at `at` or less than one resolution later, replacing
    /// an earlier setting. Returns the instant of the slot if it was empty until now: the caller
    /// then schedules one event there and answers it with [`TimerWheel::due`].
    #[must_use = "the caller must schedule the slot's event"]
    pub fn schedule(&mut self, entity: u32, at: SimTime) -> Option<SimTime> {
        let timer = self.next_generation(entity);
        let tick = at
            .as_nanos()
            .div_ceil(self.resolution_ns)
            .max(self.passed + 1);
        let slot = self.slot_of(tick);
        let in_wheel = tick - self.passed <= self.slots.len() as u64;
        let fresh = if in_wheel {
            let was_empty = self.slots[slot].is_empty();
            self.slots[slot].push(timer);
            was_empty && !self.overflow.contains_key(&tick)
        } else {
            let waiting = self.overflow.entry(tick).or_default();
            waiting.push(timer);
            waiting.len() == 1
        };
        fresh.then(|| SimTime::from_nanos(tick.saturating_mul(self.resolution_ns)))
    }

    /// Cancels the timer of `entity`, if one is set.
    pub fn cancel(&mut self, entity: u32) {
        if self.is_set(entity) {
            let generation = &mut self.generations[entity as usize];
            *generation = generation.wrapping_add(1);
        }
    }

    /// Whether `entity` has a timer set.
    pub fn is_set(&self, entity: u32) -> bool {
        self.generations
            .get(entity as usize)
            .is_some_and(|generation| generation % 2 == 1)
    }

    /// Appends to `fired` the entities whose timers are due in the slot of the instant `at`, which
    /// [`TimerWheel::schedule`] gave. Slots must come due in order of time.
    pub fn due(&mut self, at: SimTime, fired: &mut Vec<u32>) {
        let tick = at.as_nanos() / self.resolution_ns;
        assert!(
            tick > self.passed,
            "a slot of the timer wheel came due twice or out of order"
        );
        self.passed = tick;
        for timer in self.overflow.remove(&tick).unwrap_or_default() {
            self.fire(timer, fired);
        }
        let slot = self.slot_of(tick);
        let mut timers = std::mem::take(&mut self.slots[slot]);
        for &timer in &timers {
            self.fire(timer, fired);
        }
        timers.clear();
        self.slots[slot] = timers;
    }

    /// The number of entries, cancelled ones included until their slot is due.
    pub fn entries(&self) -> usize {
        let far = self.overflow.values().map(Vec::len).sum::<usize>();
        self.slots.iter().map(Vec::len).sum::<usize>() + far
    }

    fn fire(&mut self, timer: Timer, fired: &mut Vec<u32>) {
        let generation = &mut self.generations[timer.entity as usize];
        if *generation == timer.generation {
            *generation = generation.wrapping_add(1);
            fired.push(timer.entity);
        }
    }

    fn next_generation(&mut self, entity: u32) -> Timer {
        let index = entity as usize;
        if index >= self.generations.len() {
            self.generations.resize(index + 1, 0);
        }
        let generation = &mut self.generations[index];
        *generation = generation.wrapping_add(1 + *generation % 2);
        Timer {
            entity,
            generation: *generation,
        }
    }

    fn slot_of(&self, tick: u64) -> usize {
        tick as usize & (self.slots.len() - 1)
    }
}
