//! The last writer wins: registers and maps of them.
//!
//! *Models:* a value with the timestamp of its write; a merge keeps the greater one. *Formula:* a value knows
//! how many writes it builds on, its own included (its depth: one more than that of the value its writer saw),
//! so that after all have merged lost writes = writes − depth of the winner: n − 1 of n concurrent ones.
//! *Property:* commutative, associative, idempotent; a clock that is ahead wins whatever happens after it,
//! which hybrid logical clocks prevent for writers that have seen its value. *Leaves out:* timestamps chosen by
//! clients; tombstones that expire. *Source:* P. Johnson and R. Thomas, RFC 677 (1975); M. Shapiro et al.,
//! INRIA RR-7506 (2011).

use super::Crdt;
use crate::order::Hlc;
use std::collections::BTreeMap;

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LwwRegister<T> {
    written: Option<(Hlc, T)>,
    depth: u64,
}

impl<T> Default for LwwRegister<T> {
    fn default() -> Self {
        Self {
            written: None,
            depth: 0,
        }
    }
}

impl<T: Clone> LwwRegister<T> {
    /// Nothing was written.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A write at this replica by somebody who has seen what it has. Returns the register as others should have
    /// it. A timestamp that is not greater than the present one (a clock behind) writes nothing that stays: the
    /// write is lost at once.
    pub fn set(&mut self, at: Hlc, value: T) -> Self {
        let delta = Self {
            written: Some((at, value)),
            depth: self.depth + 1,
        };
        self.merge(&delta);
        delta
    }

    /// The value.
    #[must_use]
    pub fn get(&self) -> Option<&T> {
        self.written.as_ref().map(|(_, value)| value)
    }

    /// When it was written.
    #[must_use]
    pub fn written_at(&self) -> Option<Hlc> {
        self.written.as_ref().map(|(at, _)| *at)
    }

    /// Writes it builds on, its own included.
    #[must_use]
    pub fn depth(&self) -> u64 {
        self.depth
    }

    /// Of so many writes to this register those that left no trace; true once all have been merged.
    #[must_use]
    pub fn lost(&self, writes: u64) -> u64 {
        writes.saturating_sub(self.depth)
    }
}

impl<T: Clone> Crdt for LwwRegister<T> {
    fn merge(&mut self, other: &Self) -> bool {
        let newer = other.written_at() > self.written_at();
        if newer {
            self.clone_from(other);
        }
        newer
    }
}

/// Values by key; a removed key remembers when it was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LwwMap<K, T> {
    entries: BTreeMap<K, LwwRegister<Option<T>>>,
}

impl<K, T> Default for LwwMap<K, T> {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
        }
    }
}

impl<K: Ord + Clone, T: Clone> LwwMap<K, T> {
    /// An empty map.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes a key, or removes it. Returns the delta.
    pub fn set(&mut self, at: Hlc, key: K, value: Option<T>) -> Self {
        let delta = self.entries.entry(key.clone()).or_default().set(at, value);
        Self {
            entries: BTreeMap::from([(key, delta)]),
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &K) -> Option<&T> {
        self.entries.get(key)?.get()?.as_ref()
    }

    /// The register of a key, removed or not.
    pub fn register(&self, key: &K) -> Option<&LwwRegister<Option<T>>> {
        self.entries.get(key)
    }

    /// Keys and values, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &T)> {
        let present = |(key, register)| {
            let register: &LwwRegister<Option<T>> = register;
            register.get()?.as_ref().map(|value| (key, value))
        };
        self.entries.iter().filter_map(present)
    }

    /// Of so many writes to any key those that left no trace; true once all have been merged.
    #[must_use]
    pub fn lost(&self, writes: u64) -> u64 {
        let depth: u64 = self.entries.values().map(LwwRegister::depth).sum();
        writes.saturating_sub(depth)
    }
}

impl<K: Ord + Clone, T: Clone> Crdt for LwwMap<K, T> {
    fn merge(&mut self, other: &Self) -> bool {
        let mut changed = false;
        for (key, register) in &other.entries {
            if let Some(own) = self.entries.get_mut(key) {
                changed |= own.merge(register);
            } else {
                self.entries.insert(key.clone(), register.clone());
                changed = true;
            }
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Timestamp;

    fn at(wall: u64, node: u32) -> Hlc {
        Hlc {
            wall: Timestamp(wall),
            logical: 0,
            node,
        }
    }

    #[test]
    fn of_n_concurrent_writes_one_is_left() {
        let mut base = LwwRegister::new();
        base.set(at(1, 0), 0);
        let replicas: Vec<LwwRegister<u32>> = (0..10)
            .map(|node| {
                let mut replica = base.clone();
                replica.set(at(100 + u64::from(node % 3), node), node);
                replica
            })
            .collect();
        for replica in replicas.iter().rev() {
            base.merge(replica);
        }
        // Eleven writes: the first is built on; the greatest time, then the greatest node wins.
        assert_eq!((base.get(), base.depth(), base.lost(11)), (Some(&8), 2, 9));
        let mut behind = base.clone();
        behind.set(at(5, 0), 77);
        assert_eq!((behind.get(), behind.lost(12)), (Some(&8), 10));
    }

    #[test]
    fn a_map_removes_and_merges_key_by_key() {
        let mut a = LwwMap::new();
        a.set(at(1, 0), "x", Some(1));
        let mut b = a.clone();
        let removed = a.set(at(2, 0), "x", None);
        b.set(at(3, 1), "y", Some(5));
        assert!(b.merge(&removed) && !b.merge(&removed));
        a.merge(&b);
        assert_eq!(a, b);
        assert_eq!(a.iter().collect::<Vec<_>>(), [(&"y", &5)]);
        assert_eq!((a.get(&"x"), a.lost(3)), (None, 0));
    }
}
