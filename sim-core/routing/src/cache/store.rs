//! The store: entries by key within a capacity.
//!
//! *Models:* a map from dense or sparse 64-bit keys to values, limited in entries or bytes; when it is full, the
//! [`EvictionPolicy`] says which entry gives way. *Property:* the capacity is never exceeded, and a value that is
//! held is the one put last. *Formula:* 32 bytes of links, 16 to 32 of index and the value per entry.
//! *Leaves out:* time; an entry expires in the [`Cache`](super::Cache) in front.

use super::eviction::{Engine, EvictionPolicy};
use super::list::Nodes;
use crate::hash::{hash_bytes, scramble};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// How much a store holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Capacity {
    /// So many entries, whatever their size.
    Entries(u32),
    /// Entries whose sizes sum to so many bytes.
    Bytes(u64),
}

impl Capacity {
    pub(super) fn limit(self) -> u64 {
        match self {
            Self::Entries(entries) => u64::from(entries),
            Self::Bytes(bytes) => bytes,
        }
    }

    /// What an entry of this size takes of it.
    fn weight(self, bytes: u32) -> u32 {
        match self {
            Self::Entries(_) => 1,
            Self::Bytes(_) => bytes,
        }
    }
}

/// A map for lookups by key, with a hash that is the same in every process.
pub(super) type Index<V> = HashMap<u64, V, BuildHasherDefault<KeyHasher>>;

/// The finalizer of SplitMix64 as a hasher of numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = hash_bytes(self.0, bytes);
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = scramble(self.0 ^ key);
    }
}

/// Entries within a capacity.
#[derive(Clone, Debug)]
pub struct Store<T> {
    policy: EvictionPolicy,
    capacity: Capacity,
    used: u64,
    index: Index<u32>,
    nodes: Nodes,
    /// By slot; `None` where the slot is free.
    values: Vec<Option<T>>,
    engine: Engine,
}

impl<T> Store<T> {
    /// An empty store.
    #[must_use]
    pub fn new(policy: EvictionPolicy, capacity: Capacity) -> Self {
        Self {
            policy,
            capacity,
            used: 0,
            index: Index::default(),
            nodes: Nodes::default(),
            values: Vec::new(),
            engine: Engine::new(policy, capacity),
        }
    }

    /// Which entry gives way.
    #[must_use]
    pub fn policy(&self) -> EvictionPolicy {
        self.policy
    }

    /// How much it holds.
    #[must_use]
    pub fn capacity(&self) -> Capacity {
        self.capacity
    }

    /// How much of the capacity is taken, in its unit.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.used
    }

    /// Entries held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether no entry is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// The value for a key; counts as a request.
    pub fn get(&mut self, key: u64) -> Option<&mut T> {
        self.engine.on_request(key);
        let slot = *self.index.get(&key)?;
        self.engine.on_hit(&mut self.nodes, slot);
        self.values[slot as usize].as_mut()
    }

    /// The value for a key; the policy hears nothing of it.
    #[must_use]
    pub fn peek(&self, key: u64) -> Option<&T> {
        let slot = *self.index.get(&key)?;
        self.values[slot as usize].as_ref()
    }

    /// As [`Self::peek`], to be changed in place.
    pub fn peek_mut(&mut self, key: u64) -> Option<&mut T> {
        let slot = *self.index.get(&key)?;
        self.values[slot as usize].as_mut()
    }

    /// Holds a value of `bytes` in place of the key's old one; what gives way goes to `evicted`. A value beyond the
    /// whole capacity is not held but given back, and the old one with it is gone.
    pub fn put(
        &mut self,
        key: u64,
        bytes: u32,
        value: T,
        evicted: &mut Vec<(u64, T)>,
    ) -> Result<(), T> {
        let weight = self.capacity.weight(bytes);
        if u64::from(weight) > self.capacity.limit() {
            self.remove(key);
            return Err(value);
        }
        match self.index.get(&key) {
            Some(&slot) => self.replace(slot, weight, value, evicted),
            None => self.insert(key, weight, value, evicted),
        }
        Ok(())
    }

    /// Takes out the value for a key.
    pub fn remove(&mut self, key: u64) -> Option<T> {
        let slot = self.index.remove(&key)?;
        self.engine.remove(&mut self.nodes, slot);
        self.release(slot)
    }

    fn insert(&mut self, key: u64, weight: u32, value: T, evicted: &mut Vec<(u64, T)>) {
        self.make_room(u64::from(weight), evicted);
        let slot = self.nodes.allocate(key, weight);
        if slot as usize == self.values.len() {
            self.values.push(None);
        }
        self.values[slot as usize] = Some(value);
        self.index.insert(key, slot);
        self.used += u64::from(weight);
        self.engine.on_insert(&mut self.nodes, slot);
    }

    fn replace(&mut self, slot: u32, weight: u32, value: T, evicted: &mut Vec<(u64, T)>) {
        self.values[slot as usize] = Some(value);
        let before = self.nodes.get(slot).weight;
        if before != weight {
            self.engine.resize(&mut self.nodes, slot, weight);
            self.used = self.used - u64::from(before) + u64::from(weight);
            self.make_room(0, evicted);
        }
    }

    fn make_room(&mut self, incoming: u64, evicted: &mut Vec<(u64, T)>) {
        while self.used + incoming > self.capacity.limit() {
            let Some(slot) = self.engine.evict(&mut self.nodes, incoming) else {
                return;
            };
            let key = self.nodes.get(slot).key;
            self.index.remove(&key);
            evicted.extend(self.release(slot).map(|value| (key, value)));
        }
    }

    /// Frees a slot that is in no list and no longer in the index.
    fn release(&mut self, slot: u32) -> Option<T> {
        self.used -= u64::from(self.nodes.get(slot).weight);
        self.nodes.release(slot);
        self.values[slot as usize].take()
    }
}
