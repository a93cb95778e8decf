//! Replicas that take over from a dead primary.
//!
//! Models: each shard has one primary, at home until it dies. Its death is known after `detect`; after `promote` more the replica
//! that has heard most of the nearest region that has one alive is the primary, at its own place. Meanwhile whatever asks the
//! primary fails, and replicas answer with what they know. A write that had been acknowledged and was not yet sent to that replica
//! (it leaves after the replica's lag, in the order of the log), or had not reached it by then, is lost. The other replicas of
//! the shard follow the new primary from what it has. The old one comes back as a replica where it stood. A primary that is
//! back before the promotion is over goes on, and sends what it had not sent.
//! *Formula:* lost = rate of acknowledged writes × lag; unavailable = detect + promote.
//!
//! Leaves out: elections, a primary that lives and is thought dead, the work of catching up, what versions of a record
//! that lost a write are called (they keep their numbers), and the way of a query that asks several shards (it is that to the home region).

use super::event::Event;
use super::operation::{Asks, Operation};
use super::sites::{Site, Sites};
use super::world::World;
use crate::engine::Schedule;
use crate::scenario::{Failover, Tier};
use crate::time::{SimDuration, SimTime};

/// The primaries of all shards.
#[derive(Clone, Debug)]
pub struct Primaries {
    /// Acknowledged writes that no primary has any more.
    pub lost: u64,
    rule: Failover,
    shards: Vec<Primary>,
}

/// The primary of a shard.
#[derive(Clone, Debug, Default)]
struct Primary {
    site: Site,
    /// Writes acknowledged so far: the number of the last one.
    written: u64,
    /// Those up to here are of an earlier primary: what of them is still on its way is void.
    taken_over: u64,
    died: Option<SimTime>,
    deaths: u32,
    /// Old primaries that are away: which replica each will be, and where.
    away: Vec<(u32, Site)>,
}

/// What becomes of a write that reaches a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrived {
    /// It is taken in.
    Taken,
    /// The primary died before it could send it: it comes when that is back.
    Unsent,
    /// It is of a primary that has been replaced.
    Void,
}

impl Primaries {
    /// The primaries of so many shards, at home.
    #[must_use]
    pub fn new(rule: Failover, shards: u32, home: Site) -> Self {
        let primary = Primary {
            site: home,
            ..Primary::default()
        };
        Self {
            lost: 0,
            rule,
            shards: vec![primary; shards as usize],
        }
    }

    /// A write of a shard is acknowledged: its number.
    pub fn acknowledged(&mut self, shard: u32) -> u64 {
        let Some(primary) = self.shards.get_mut(shard as usize) else {
            return 0;
        };
        primary.written += 1;
        primary.written
    }

    /// The number of the last write of a shard.
    #[must_use]
    pub fn written(&self, shard: u32) -> u64 {
        let primary = self.shards.get(shard as usize);
        primary.map_or(0, |primary| primary.written)
    }

    /// Where the primary of a shard stands.
    #[must_use]
    pub fn site(&self, shard: u32) -> Option<Site> {
        self.shards.get(shard as usize).map(|primary| primary.site)
    }

    /// Write `number` of a shard, sent at `sent`, reaches a replica.
    #[must_use]
    pub fn arrives(&self, shard: u32, number: u64, sent: SimTime) -> Arrived {
        let Some(primary) = self.shards.get(shard as usize) else {
            return Arrived::Taken;
        };
        if number <= primary.taken_over {
            Arrived::Void
        } else if primary.died.is_some_and(|died| sent > died) {
            Arrived::Unsent
        } else {
            Arrived::Taken
        }
    }
}

impl World {
    /// Where what an operation asks the database goes.
    pub(super) fn primary_of(&self, operation: &Operation) -> Site {
        let home = self.sites.home;
        let (Some(replicas), Some(databases)) = (&self.replicas, &self.databases) else {
            return home;
        };
        match &replicas.primaries {
            Some(primaries) if operation.asks == Asks::One => primaries
                .site(databases.shard_of(operation) as u32)
                .unwrap_or(home),
            _ => home,
        }
    }

    /// The shards whose primary stands in a region, or that one stood there that is away and comes back.
    pub(super) fn primaries_at(&self, site: Site, or_away: bool) -> Vec<u32> {
        let shards = self.databases.as_ref().map_or(0, |all| all.shards.len());
        let primaries = self
            .replicas
            .as_ref()
            .and_then(|all| all.primaries.as_ref());
        let here = |shard: &u32| {
            let Some(primary) = primaries.and_then(|all| all.shards.get(*shard as usize)) else {
                return site == self.sites.home;
            };
            let mut away = primary.away.iter();
            primary.site == site || or_away && away.any(|(_, stood)| *stood == site)
        };
        (0..shards as u32).filter(here).collect()
    }

    /// The primary of a shard has died.
    pub(super) fn primary_died(&mut self, shard: u32, out: &mut Schedule<'_, Event>) {
        let replicas = self.replicas.as_mut();
        let Some(primaries) = replicas.and_then(|all| all.primaries.as_mut()) else {
            return;
        };
        let rule = primaries.rule;
        if let Some(primary) = primaries.shards.get_mut(shard as usize) {
            primary.died = Some(out.now());
            primary.deaths += 1;
            let death = primary.deaths;
            out.after(rule.detect + rule.promote, Event::Promote { shard, death });
        }
    }

    /// A replica takes over from the primary of a shard, if that is still dead.
    pub(super) fn promote(&mut self, shard: u32, death: u32, now: SimTime) {
        let Some(replicas) = &mut self.replicas else {
            return;
        };
        let next = replicas.next_primary(shard, &self.sites);
        let (Some(primaries), Some((replica, site, heard))) = (&mut replicas.primaries, next)
        else {
            return;
        };
        let promote = primaries.rule.promote;
        let Some(primary) = primaries.shards.get_mut(shard as usize) else {
            return;
        };
        if primary.died.is_none() || primary.deaths != death {
            return;
        }
        if now >= self.ledger.since {
            primaries.lost += primary.written - heard;
        }
        primary.taken_over = primary.written;
        primary.died = None;
        primary.away.push((replica, primary.site));
        primary.site = site;
        let written = primary.written;
        let known = self.records.written_versions();
        replicas.follow_another(shard, replica, (&known, written));
        self.down.remove(&(Tier::Database, shard));
        if let Some(databases) = &mut self.databases {
            databases.shards[shard as usize].restore();
        }
        self.recovery
            .promoted(now.saturating_sub(promote), now, shard);
    }

    /// The machine of a primary that died is back: as a replica, if another took over meanwhile.
    pub(super) fn primary_back(&mut self, shard: u32) {
        let known = self.records.written_versions();
        let replicas = self.replicas.as_mut();
        let old = replicas.and_then(|replicas| {
            let primaries = replicas.primaries.as_mut()?;
            let primary = primaries.shards.get_mut(shard as usize)?;
            let Some((replica, site)) = primary.away.pop() else {
                primary.died = None;
                return None;
            };
            let written = primary.written;
            replicas.joins((replica, shard, site), known, written);
            Some(replica)
        });
        if let (None, Some(databases)) = (old, &mut self.databases) {
            databases.shards[shard as usize].restore();
        }
    }
}

/// The nearest region first, then the replica that has heard most, then the first.
#[must_use]
pub fn first_choice(
    sites: &Sites,
    from: Site,
    alive: impl Iterator<Item = (u32, Site, u64)>,
) -> Option<(u32, Site, u64)> {
    let far = |site: Site| -> SimDuration { sites.link(from, site) };
    alive.min_by_key(|&(replica, site, heard)| (far(site), u64::MAX - heard, replica))
}
