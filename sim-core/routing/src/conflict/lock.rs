//! Locks that end by themselves, and the tokens that make that safe.
//!
//! *Models:* one holder per resource for `lease_ns`, renewed or released or run out; those who want it wait in
//! order. Each grant has a greater token than all before; a store refuses a token that is less than the
//! greatest it has seen. *Property:* with fencing no write of a holder whose lease has run out follows a write
//! of its successor; without, a pause longer than the lease lets two write. *Formula:* a holder that is dead
//! blocks others for the rest of its lease, lease / 2 on average if it is renewed at once. *Leaves out:* the
//! agreement between lock servers. *Source:* C. Gray and D. Cheriton, Leases (SOSP 1989); M. Kleppmann, How to
//! do distributed locking (2016).

use crate::ids::Timestamp;
use std::collections::{BTreeMap, VecDeque};

/// A right to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Who has it.
    pub holder: u32,
    /// Its number: greater than that of every grant before.
    pub token: u64,
    /// When it runs out.
    pub until: Timestamp,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockRequest {
    /// The lock is theirs.
    Granted(Grant),
    /// Somebody else has it; so many wait before them.
    Waiting(usize),
}

#[derive(Clone, Debug, Default)]
struct Lock {
    grant: Option<Grant>,
    waiting: VecDeque<u32>,
}

/// Locks by resource.
#[derive(Clone, Debug)]
pub struct LockTable {
    lease_ns: u64,
    locks: BTreeMap<u64, Lock>,
    last_token: u64,
    expired: u64,
}

impl LockTable {
    /// Nothing is locked; a grant lasts `lease_ns` unless it is renewed.
    #[must_use]
    pub fn new(lease_ns: u64) -> Self {
        Self {
            lease_ns,
            locks: BTreeMap::new(),
            last_token: 0,
            expired: 0,
        }
    }

    /// Somebody wants a resource; who has it already keeps it, and its token.
    pub fn acquire(&mut self, now: Timestamp, resource: u64, holder: u32) -> LockRequest {
        self.poll(now, resource);
        let lock = self.locks.entry(resource).or_default();
        if let Some(grant) = lock.grant.filter(|grant| grant.holder == holder) {
            return LockRequest::Granted(grant);
        }
        if lock.grant.is_some() {
            let place = lock.waiting.iter().position(|waiting| *waiting == holder);
            let place = place.unwrap_or_else(|| {
                lock.waiting.push_back(holder);
                lock.waiting.len() - 1
            });
            return LockRequest::Waiting(place);
        }
        LockRequest::Granted(self.grant(now, resource, holder))
    }

    /// A holder goes on. `None` if the token's lease has run out.
    pub fn renew(&mut self, now: Timestamp, resource: u64, token: u64) -> Option<Grant> {
        let grant = self.locks.get_mut(&resource)?.grant.as_mut()?;
        if grant.token != token || grant.until <= now {
            return None;
        }
        grant.until = now.plus(self.lease_ns);
        Some(*grant)
    }

    /// A holder is done. Returns the next one's grant; `None` if nobody waits, or the token is not the present one.
    pub fn release(&mut self, now: Timestamp, resource: u64, token: u64) -> Option<Grant> {
        let lock = self.locks.get_mut(&resource)?;
        lock.grant.filter(|grant| grant.token == token)?;
        self.pass_on(now, resource)
    }

    /// If a resource's lease has run out at `now`, the next one gets it: returns that grant.
    pub fn poll(&mut self, now: Timestamp, resource: u64) -> Option<Grant> {
        let lock = self.locks.get(&resource)?;
        lock.grant.filter(|grant| grant.until <= now)?;
        self.expired += 1;
        self.pass_on(now, resource)
    }

    /// Who has a resource at `now`.
    #[must_use]
    pub fn holder(&self, now: Timestamp, resource: u64) -> Option<Grant> {
        let grant = self.locks.get(&resource)?.grant;
        grant.filter(|grant| grant.until > now)
    }

    /// Leases that ran out.
    #[must_use]
    pub fn expired(&self) -> u64 {
        self.expired
    }

    fn pass_on(&mut self, now: Timestamp, resource: u64) -> Option<Grant> {
        let lock = self.locks.get_mut(&resource)?;
        lock.grant = None;
        let Some(next) = lock.waiting.pop_front() else {
            self.locks.remove(&resource);
            return None;
        };
        Some(self.grant(now, resource, next))
    }

    fn grant(&mut self, now: Timestamp, resource: u64, holder: u32) -> Grant {
        self.last_token += 1;
        let grant = Grant {
            holder,
            token: self.last_token,
            until: now.plus(self.lease_ns),
        };
        self.locks.entry(resource).or_default().grant = Some(grant);
        grant
    }
}

/// The store behind a lock: which token wrote last.
#[derive(Clone, Debug, Default)]
pub struct FencedStore {
    greatest: BTreeMap<u64, u64>,
    refused: u64,
}

impl FencedStore {
    /// Nothing was written.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a write with this token may happen.
    pub fn write(&mut self, resource: u64, token: u64) -> bool {
        let greatest = self.greatest.entry(resource).or_insert(0);
        if token < *greatest {
            self.refused += 1;
            return false;
        }
        *greatest = token;
        true
    }

    /// Writes refused.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_that_slept_is_fenced_off() {
        let (mut locks, mut store) = (LockTable::new(100), FencedStore::new());
        let LockRequest::Granted(first) = locks.acquire(Timestamp(0), 7, 1) else {
            panic!("it is free");
        };
        assert_eq!(locks.acquire(Timestamp(10), 7, 2), LockRequest::Waiting(0));
        assert_eq!(locks.acquire(Timestamp(11), 7, 3), LockRequest::Waiting(1));
        assert_eq!(
            locks.renew(Timestamp(50), 7, first.token).unwrap().until,
            Timestamp(150)
        );
        assert!(store.write(7, first.token));
        assert_eq!(locks.poll(Timestamp(149), 7), None);
        let second = locks.poll(Timestamp(150), 7).unwrap();
        assert_eq!((second.holder, locks.expired()), (2, 1));
        assert!(store.write(7, second.token) && !store.write(7, first.token));
        assert_eq!(locks.renew(Timestamp(151), 7, first.token), None);
        assert_eq!(locks.release(Timestamp(160), 7, first.token), None);
        let third = locks.release(Timestamp(160), 7, second.token).unwrap();
        assert_eq!((third.holder, store.refused()), (3, 1));
        assert_eq!(locks.release(Timestamp(170), 7, third.token), None);
        assert_eq!(locks.holder(Timestamp(171), 7), None);
    }
}
