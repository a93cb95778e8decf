//! Rebalancing plans: what moves from where to where when one map replaces another.
//!
//! *Models:* the difference of two maps as a list of moves, each naming a group of keys and its share. Ranges and
//! hash slots are named exactly, whatever keys there are; all other maps are compared over the keys that the
//! caller has, and those that move are named one by one. *Property:* the old map with the plan applied is the new
//! map. *Formula:* from n to n + 1 shards, n/(n + 1) of the keys move by modulo and 1/(n + 1) by jump, ring,
//! rendezvous and slots. *Leaves out:* keys that only one of the maps places, and the order of the moves.
//! *Source:* Vitess Reshard and Redis Cluster resharding for the two exact forms.

use super::{Key, KeyRange, RangeMap, Record, ShardMap};
use crate::ids::ShardId;
use crate::placement::SlotMap;
use crate::placement::slots::{self, SLOTS};
use std::collections::{BTreeMap, BTreeSet};

/// Keys that move together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Group {
    /// All keys of a range.
    Range(KeyRange),
    /// All keys of the slots from the first to the last.
    Slots {
        /// The first slot.
        first: u16,
        /// The last slot.
        last: u16,
    },
    /// These keys, ascending.
    Keys(Vec<Key>),
}

impl Group {
    /// Whether a key is among them.
    #[must_use]
    pub fn contains(&self, key: Key) -> bool {
        match self {
            Self::Range(range) => range.contains(key.value),
            Self::Slots { first, last } => {
                (*first..=*last).contains(&slots::slot_of_number(key.value))
            }
            Self::Keys(keys) => keys.binary_search(&key).is_ok(),
        }
    }
}

/// One move.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    /// What moves.
    pub group: Group,
    /// Its share: of the key space for ranges and slots, of the caller's keys for others.
    pub share: f64,
    /// The shard that has it.
    pub from: ShardId,
    /// The shard that gets it.
    pub to: ShardId,
}

/// What moves when one map replaces another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RebalancePlan {
    moves: Vec<Move>,
}

impl RebalancePlan {
    /// The plan from `old` to `new`. Two maps by ranges of the same key, or by slots, are compared exactly; others
    /// over the keys of `records`.
    #[must_use]
    pub fn between(old: &ShardMap, new: &ShardMap, records: &[Record]) -> Self {
        match (old, new) {
            (ShardMap::Ranges(a, v, old), ShardMap::Ranges(b, w, new)) if (a, v) == (b, w) => {
                Self::of_ranges(old, new)
            }
            (ShardMap::Hash(a, before), ShardMap::Hash(b, after)) if a == b => {
                match (before.slots(), after.slots()) {
                    (Some(before), Some(after)) => Self::of_slots(before, after),
                    _ => Self::of_records(old, new, records),
                }
            }
            _ => Self::of_records(old, new, records),
        }
    }

    /// The exact plan between two range maps: neighbouring keys that move together are one move.
    #[must_use]
    pub fn of_ranges(old: &RangeMap, new: &RangeMap) -> Self {
        let starts: BTreeSet<u64> = old
            .ranges()
            .chain(new.ranges())
            .map(|(range, _)| range.first)
            .collect();
        let mut moves: Vec<Move> = Vec::new();
        for first in starts {
            let (Some(from), Some(to)) = (old.owner(first), new.owner(first)) else {
                continue;
            };
            let ends = [old, new].map(|map| map.range_of(first).map_or(first, |range| range.last));
            let last = ends[0].min(ends[1]);
            if from != to {
                push_range(&mut moves, KeyRange { first, last }, from, to);
            }
        }
        Self { moves }
    }

    /// The exact plan between two slot maps: neighbouring slots that move together are one move.
    #[must_use]
    pub fn of_slots(old: &SlotMap, new: &SlotMap) -> Self {
        let mut moves: Vec<Move> = Vec::new();
        for slot in 0..SLOTS {
            let owner = |map: &SlotMap| map.owner_of_slot(slot).map(ShardId);
            let (Some(from), Some(to)) = (owner(old), owner(new)) else {
                continue;
            };
            if from != to {
                push_slot(&mut moves, slot, from, to);
            }
        }
        Self { moves }
    }

    /// The plan between any two maps over the keys of `records`, one move for each pair of shards. Records are
    /// told apart by their key under the old map, which must decide their shard under the new one.
    #[must_use]
    pub fn of_records(old: &ShardMap, new: &ShardMap, records: &[Record]) -> Self {
        let owners: BTreeMap<Key, (Option<ShardId>, Option<ShardId>)> = records
            .iter()
            .map(|record| {
                let key = old.key(record);
                (key, (old.owner_of(key), new.owner(record)))
            })
            .collect();
        let mut groups: BTreeMap<(ShardId, ShardId), Vec<Key>> = BTreeMap::new();
        for (&key, &owners) in &owners {
            if let (Some(from), Some(to)) = owners
                && from != to
            {
                groups.entry((from, to)).or_default().push(key);
            }
        }
        let all = owners.len() as f64;
        let name = |((from, to), keys): (_, Vec<Key>)| Move {
            share: keys.len() as f64 / all,
            group: Group::Keys(keys),
            from,
            to,
        };
        Self {
            moves: groups.into_iter().map(name).collect(),
        }
    }

    /// The moves: ranges and slots in order, keys by pair of shards.
    #[must_use]
    pub fn moves(&self) -> &[Move] {
        &self.moves
    }

    /// The share of keys that moves.
    #[must_use]
    pub fn moved_share(&self) -> f64 {
        self.moves.iter().fold(0.0, |sum, step| sum + step.share)
    }

    /// The move that concerns a key of the old map, which has it on `owner`.
    #[must_use]
    pub fn find(&self, owner: ShardId, key: Key) -> Option<usize> {
        self.moves
            .iter()
            .position(|step| step.from == owner && step.group.contains(key))
    }

    /// Where a key of the old map, which has it on `owner`, is once all moves are done.
    #[must_use]
    pub fn applied(&self, owner: ShardId, key: Key) -> ShardId {
        self.find(owner, key).map_or(owner, |i| self.moves[i].to)
    }
}

fn push_range(moves: &mut Vec<Move>, range: KeyRange, from: ShardId, to: ShardId) {
    if let Some(step) = moves.last_mut()
        && let Group::Range(before) = &mut step.group
        && (step.from, step.to) == (from, to)
        && before.last.checked_add(1) == Some(range.first)
    {
        before.last = range.last;
        step.share = before.share();
        return;
    }
    moves.push(Move {
        group: Group::Range(range),
        share: range.share(),
        from,
        to,
    });
}

fn push_slot(moves: &mut Vec<Move>, slot: u16, from: ShardId, to: ShardId) {
    let each = 1.0 / f64::from(SLOTS);
    if let Some(step) = moves.last_mut()
        && let Group::Slots { last, .. } = &mut step.group
        && (step.from, step.to) == (from, to)
        && *last + 1 == slot
    {
        *last = slot;
        step.share += each;
        return;
    }
    moves.push(Move {
        group: Group::Slots {
            first: slot,
            last: slot,
        },
        share: each,
        from,
        to,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_is_one_move_and_pieces_join() {
        let shards: Vec<ShardId> = (0..4).map(ShardId).collect();
        let old = RangeMap::even(&shards);
        let mut new = old.clone();
        let part = new.split(0x60 << 56, ShardId(9)).unwrap();
        let plan = RebalancePlan::of_ranges(&old, &new);
        let expected = Move {
            group: Group::Range(part),
            share: 0.125,
            from: ShardId(1),
            to: ShardId(9),
        };
        assert_eq!(plan.moves(), std::slice::from_ref(&expected));
        new.split(0x70 << 56, ShardId(9)).unwrap();
        let pieces = RebalancePlan::of_ranges(&old, &new);
        assert_eq!(pieces.moves(), [expected], "two pieces, one move");
        assert_eq!(plan.applied(ShardId(1), Key::new(part.last)), ShardId(9));
        assert_eq!(plan.applied(ShardId(1), Key::new(0x50 << 56)), ShardId(1));
    }

    #[test]
    fn slots_that_move_are_named() {
        let old = SlotMap::new(&[0, 1]);
        let mut new = old.clone();
        for slot in [5, 6, 7, 9_000] {
            new.reassign(slot, 2);
        }
        let plan = RebalancePlan::of_slots(&old, &new);
        let named: Vec<&Group> = plan.moves().iter().map(|step| &step.group).collect();
        let single = |first, last| Group::Slots { first, last };
        assert_eq!(named, [&single(5, 7), &single(9_000, 9_000)]);
        assert!((plan.moved_share() - 4.0 / 16_384.0).abs() < 1e-15);
    }
}
