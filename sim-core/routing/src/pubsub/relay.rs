//! Relay trees for huge channels.
//!
//! *Models:* between a channel's owner and its sessions stands one layer of relays, each with a limit of
//! sessions. *Formula:* relays = ⌈N / limit⌉, which is the owner's work per message; each relay's is at most the
//! limit; depth 2. A channel within one limit needs no relay. *Property:* sessions stay within the limit; a
//! session that leaves frees a place that the next one takes.
//! *Leaves out:* merging half-empty relays. *Source:* Discord's relays (about 15 000 sessions each, reported).

use std::collections::BTreeSet;

/// Sessions per relay that Discord is reported to use.
pub const DEFAULT_LIMIT: u32 = 15_000;

/// The relays of one channel.
#[derive(Clone, Debug)]
pub struct RelayTree {
    limit: u32,
    loads: Vec<u32>,
    /// Relays with a free place.
    open: BTreeSet<u32>,
    sessions: u64,
}

impl RelayTree {
    /// A tree with `sessions` sessions, up to `limit` per relay, filled in order.
    #[must_use]
    pub fn new(sessions: u64, limit: u32) -> Self {
        assert!(limit > 0, "a relay serves at least one session");
        let full = sessions / u64::from(limit);
        let rest = (sessions % u64::from(limit)) as u32;
        let mut loads = vec![limit; full as usize];
        if rest > 0 {
            loads.push(rest);
        }
        let open = if rest > 0 {
            BTreeSet::from([full as u32])
        } else {
            BTreeSet::new()
        };
        Self {
            limit,
            loads,
            open,
            sessions,
        }
    }

    /// Relays in use.
    #[must_use]
    pub fn relays(&self) -> usize {
        self.loads.len()
    }

    /// Sessions served.
    #[must_use]
    pub fn sessions(&self) -> u64 {
        self.sessions
    }

    /// Sends by the owner per message: one per relay with sessions, or one per session when a single relay
    /// would do.
    #[must_use]
    pub fn root_sends(&self) -> u64 {
        if self.sessions <= u64::from(self.limit) {
            return self.sessions;
        }
        self.loads.iter().filter(|&&load| load > 0).count() as u64
    }

    /// Hops from the owner to a session: 1 without relays, 2 with.
    #[must_use]
    pub fn depth(&self) -> u32 {
        if self.sessions <= u64::from(self.limit) {
            1
        } else {
            2
        }
    }

    /// Sessions of each relay.
    #[must_use]
    pub fn loads(&self) -> &[u32] {
        &self.loads
    }

    /// A session joins; returns its relay: the first with a free place.
    pub fn join(&mut self) -> u32 {
        let relay = self.open.first().copied().unwrap_or_else(|| {
            self.loads.push(0);
            let relay = (self.loads.len() - 1) as u32;
            self.open.insert(relay);
            relay
        });
        let load = &mut self.loads[relay as usize];
        *load += 1;
        if *load == self.limit {
            self.open.remove(&relay);
        }
        self.sessions += 1;
        relay
    }

    /// A session leaves its relay; `false` if the relay has none.
    pub fn leave(&mut self, relay: u32) -> bool {
        let Some(load) = self.loads.get_mut(relay as usize).filter(|load| **load > 0) else {
            return false;
        };
        *load -= 1;
        self.open.insert(relay);
        self.sessions -= 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_members_need_67_relays() {
        let tree = RelayTree::new(1_000_000, DEFAULT_LIMIT);
        assert_eq!(
            (tree.relays(), tree.root_sends(), tree.depth()),
            (67, 67, 2)
        );
        assert!(tree.loads().iter().all(|&load| load <= DEFAULT_LIMIT));
        let small = RelayTree::new(200, DEFAULT_LIMIT);
        assert_eq!((small.root_sends(), small.depth()), (200, 1));
    }

    #[test]
    fn growing_one_by_one_equals_building_at_once() {
        let mut tree = RelayTree::new(0, 10);
        for _ in 0..57 {
            tree.join();
        }
        assert_eq!(tree.loads(), RelayTree::new(57, 10).loads());
        assert!(tree.leave(2) && !tree.leave(9));
        assert_eq!((tree.join(), tree.join(), tree.sessions()), (2, 5, 58));
    }
}
