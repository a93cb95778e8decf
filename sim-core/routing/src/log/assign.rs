//! Assignors: which member of a group reads which partition.
//!
//! *Models:* range (consecutive partitions of each topic), round robin, and sticky (balanced, moving as little
//! as possible); the cooperative form of the last interrupts only what moves. *Formula:* with n partitions and
//! m members each has ⌊n/m⌋ or ⌈n/m⌉; a member that joins m others takes ⌊n/(m+1)⌋ and nothing else moves.
//! *Leaves out:* members that subscribe to some of the topics only. *Source:* the assignors of Kafka's consumer
//! (their documentation's example is a test here), KIP-54, KIP-429.

use super::MemberId;
use std::collections::BTreeMap;

/// A way to share partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Assignor {
    /// Consecutive partitions of each topic.
    Range,
    /// One after another in turn.
    RoundRobin,
    /// Balanced, as before where possible; everybody stops during a rebalance.
    Sticky,
    /// The same, but who keeps a partition goes on reading it.
    CooperativeSticky,
}

impl Assignor {
    /// Whether members go on with what they keep during a rebalance.
    #[must_use]
    pub const fn is_cooperative(self) -> bool {
        matches!(self, Self::CooperativeSticky)
    }
}

/// Who reads each partition of topics with so many partitions, numbered one topic after another; `before` is who
/// read it last. `members` is ascending; without any, nobody reads anything.
#[must_use]
pub fn assign(
    assignor: Assignor,
    topics: &[u32],
    members: &[MemberId],
    before: &[Option<MemberId>],
) -> Vec<Option<MemberId>> {
    let partitions: usize = topics.iter().map(|&count| count as usize).sum();
    if members.is_empty() {
        return vec![None; partitions];
    }
    match assignor {
        Assignor::Range => topics
            .iter()
            .flat_map(|&count| range(count as usize, members))
            .collect(),
        Assignor::RoundRobin => (0..partitions)
            .map(|partition| Some(members[partition % members.len()]))
            .collect(),
        Assignor::Sticky | Assignor::CooperativeSticky => sticky(partitions, members, before),
    }
}

/// The first members have one partition more where it does not divide.
fn range(count: usize, members: &[MemberId]) -> impl Iterator<Item = Option<MemberId>> + '_ {
    let (each, more) = (count / members.len(), count % members.len());
    members.iter().enumerate().flat_map(move |(i, &member)| {
        let share = each + usize::from(i < more);
        std::iter::repeat_n(Some(member), share)
    })
}

fn sticky(
    partitions: usize,
    members: &[MemberId],
    before: &[Option<MemberId>],
) -> Vec<Option<MemberId>> {
    let mut had: BTreeMap<MemberId, usize> = members.iter().map(|&member| (member, 0)).collect();
    for member in before.iter().take(partitions).flatten() {
        if let Some(count) = had.get_mut(member) {
            *count += 1;
        }
    }
    let quotas = quotas(partitions, &had);
    let mut room = quotas;
    let mut owners: Vec<Option<MemberId>> = vec![None; partitions];
    for (partition, owner) in owners.iter_mut().enumerate() {
        let Some(member) = before.get(partition).copied().flatten() else {
            continue;
        };
        if let Some(left) = room.get_mut(&member).filter(|left| **left > 0) {
            *left -= 1;
            *owner = Some(member);
        }
    }
    let mut free = room
        .iter()
        .flat_map(|(&member, &left)| std::iter::repeat_n(member, left));
    for owner in owners.iter_mut().filter(|owner| owner.is_none()) {
        *owner = free.next();
    }
    owners
}

/// How many partitions each member may have: those that had most keep the odd ones.
fn quotas(partitions: usize, had: &BTreeMap<MemberId, usize>) -> BTreeMap<MemberId, usize> {
    let (each, more) = (partitions / had.len(), partitions % had.len());
    let mut by_count: Vec<(MemberId, usize)> = had.iter().map(|(&m, &count)| (m, count)).collect();
    by_count.sort_by_key(|&(member, count)| (std::cmp::Reverse(count), member));
    let quota = |(i, (member, _))| (member, each + usize::from(i < more));
    by_count.into_iter().enumerate().map(quota).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(n: u32) -> Vec<MemberId> {
        (0..n).map(MemberId).collect()
    }

    fn numbers(owners: &[Option<MemberId>]) -> Vec<u32> {
        owners.iter().map(|owner| owner.unwrap().0).collect()
    }

    /// C0: [t0p0, t0p1, t1p0, t1p1], C1: [t0p2, t1p2], as in the documentation of Kafka's range assignor; round
    /// robin: C0: [t0p0, t0p2, t1p1], C1: [t0p1, t1p0, t1p2].
    #[test]
    fn two_topics_of_three_and_two_members() {
        let of = |assignor| numbers(&assign(assignor, &[3, 3], &members(2), &[]));
        assert_eq!(of(Assignor::Range), [0, 0, 1, 0, 0, 1]);
        assert_eq!(of(Assignor::RoundRobin), [0, 1, 0, 1, 0, 1]);
    }

    #[test]
    fn sticky_moves_what_it_must() {
        let first = assign(Assignor::CooperativeSticky, &[12], &members(3), &[]);
        let joined = assign(Assignor::CooperativeSticky, &[12], &members(4), &first);
        let moved = first.iter().zip(&joined).filter(|(a, b)| a != b).count();
        assert_eq!(moved, 3);
        let round_robin = assign(Assignor::RoundRobin, &[12], &members(3), &[]);
        let all_anew = assign(Assignor::RoundRobin, &[12], &members(4), &round_robin);
        let moved = round_robin
            .iter()
            .zip(&all_anew)
            .filter(|(a, b)| a != b)
            .count();
        assert_eq!(moved, 9);
        assert_eq!(assign(Assignor::Sticky, &[2], &[], &first), [None, None]);
    }
}
