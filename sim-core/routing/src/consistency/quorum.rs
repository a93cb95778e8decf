//! Quorums: a write that w of n replicas have, a read that asks r of them.
//!
//! *Formula:* r + w > n: every read meets the last write that was acknowledged, on r + w − n replicas at least;
//! 2w > n: of two writes one meets the other. A write takes as long as its w-th fastest replica, across regions
//! the k-th smallest round trip: [`commit_delay_ns`]. *Property:* a read that overlaps returns the last
//! acknowledged value or a later one. *Leaves out:* sloppy quorums, hinted hand-off; who repairs is told, not
//! done. *Source:* D. Gifford (SOSP 1979); G. DeCandia et al., Dynamo (SOSP 2007).

use crate::log::Acks;

/// Sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quorum {
    /// Replicas.
    pub replicas: u32,
    /// That must have a write.
    pub write: u32,
    /// That are asked by a read.
    pub read: u32,
}

impl Quorum {
    /// Most of `replicas`, for reads and for writes.
    #[must_use]
    pub const fn majority(replicas: u32) -> Self {
        Self {
            replicas,
            write: replicas / 2 + 1,
            read: replicas / 2 + 1,
        }
    }

    /// Whether every read meets every write.
    #[must_use]
    pub const fn overlaps(&self) -> bool {
        self.read + self.write > self.replicas
    }

    /// Whether of two writes one meets the other.
    #[must_use]
    pub const fn orders_writes(&self) -> bool {
        2 * self.write > self.replicas
    }
}

/// How long a write waits for other regions, given the round trips to them: none, the k-th smallest so that most of
/// all regions have it, or the longest. Reorders `round_trips`.
#[must_use]
pub fn commit_delay_ns(acks: Acks, round_trips: &mut [u64]) -> u64 {
    round_trips.sort_unstable();
    let others = match acks {
        Acks::Local => 0,
        // Most of the regions, less the own one.
        Acks::Quorum => round_trips.len().div_ceil(2),
        Acks::All => round_trips.len(),
    };
    others.checked_sub(1).map_or(0, |last| round_trips[last])
}

/// A write under way.
#[derive(Clone, Debug)]
pub struct QuorumWrite {
    quorum: Quorum,
    stored: u32,
    failed: u32,
}

impl QuorumWrite {
    /// A write that was sent to all replicas.
    #[must_use]
    pub const fn new(quorum: Quorum) -> Self {
        Self {
            quorum,
            stored: 0,
            failed: 0,
        }
    }

    /// A replica answers. `Some(true)` when this one makes the write acknowledged, `Some(false)` when it makes it
    /// impossible: the write failed, although some may have it.
    pub fn answer(&mut self, stored: bool) -> Option<bool> {
        let most_failures = self.quorum.replicas - self.quorum.write;
        if stored {
            self.stored += 1;
            (self.stored == self.quorum.write && self.failed <= most_failures).then_some(true)
        } else {
            self.failed += 1;
            (self.failed == most_failures + 1 && self.stored < self.quorum.write).then_some(false)
        }
    }

    /// Replicas that have it.
    #[must_use]
    pub const fn stored(&self) -> u32 {
        self.stored
    }
}

/// A read under way: the versions that replicas answered with.
#[derive(Clone, Debug)]
pub struct QuorumRead<T> {
    quorum: Quorum,
    /// Replica, version and value.
    answers: Vec<(u32, u64, T)>,
}

impl<T: Clone> QuorumRead<T> {
    /// A read that was sent to at least as many replicas as it needs.
    #[must_use]
    pub fn new(quorum: Quorum) -> Self {
        Self {
            quorum,
            answers: Vec::with_capacity(quorum.read as usize),
        }
    }

    /// A replica answers with its version of the value. Returns the newest version and its value once enough
    /// have answered.
    pub fn answer(&mut self, replica: u32, version: u64, value: T) -> Option<(u64, T)> {
        let enough = self.quorum.read as usize;
        if self.answers.len() >= enough {
            return None;
        }
        self.answers.push((replica, version, value));
        if self.answers.len() < enough {
            return None;
        }
        let newest = self.answers.iter().max_by_key(|answer| answer.1)?;
        Some((newest.1, newest.2.clone()))
    }

    /// The replicas that answered with an older version: they should be given the newest (read repair).
    pub fn stale(&self) -> impl Iterator<Item = u32> + '_ {
        let newest = self.answers.iter().map(|answer| answer.1).max();
        let older = move |answer: &&(u32, u64, T)| Some(answer.1) < newest;
        self.answers.iter().filter(older).map(|answer| answer.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// algorithms.md 3.5: with 75, 165 and 215 ms between three regions a quorum commits after 75 ms in us-east and
    /// after 165 ms in ap-southeast.
    #[test]
    fn a_quorum_of_regions_waits_for_the_kth_smallest_round_trip() {
        let of = |acks, mut trips: [u64; 2]| commit_delay_ns(acks, &mut trips);
        assert_eq!(of(Acks::Quorum, [215, 75]), 75);
        assert_eq!(of(Acks::Quorum, [215, 165]), 165);
        assert_eq!(
            (of(Acks::Local, [75, 215]), of(Acks::All, [215, 75])),
            (0, 215)
        );
        // Three of five and three of four: two others.
        assert_eq!(commit_delay_ns(Acks::Quorum, &mut [40, 10, 30, 20]), 20);
        assert_eq!(commit_delay_ns(Acks::Quorum, &mut [30, 10, 20]), 20);
        assert_eq!(commit_delay_ns(Acks::All, &mut []), 0);
    }

    #[test]
    fn a_write_is_decided_once() {
        let quorum = Quorum::majority(3);
        assert!(quorum.overlaps() && quorum.orders_writes());
        let mut write = QuorumWrite::new(quorum);
        let answers = [false, true, true].map(|stored| write.answer(stored));
        assert_eq!((answers, write.stored()), ([None, None, Some(true)], 2));
        let mut write = QuorumWrite::new(quorum);
        let answers = [false, true, false].map(|stored| write.answer(stored));
        assert_eq!((answers, write.stored()), ([None, None, Some(false)], 1));
    }

    #[test]
    fn a_read_takes_the_newest_and_names_the_stale() {
        let mut read = QuorumRead::new(Quorum::majority(3));
        assert_eq!(read.answer(2, 4, 'a'), None);
        assert_eq!(read.answer(0, 7, 'b'), Some((7, 'b')));
        assert_eq!(read.answer(1, 9, 'c'), None, "it has answered");
        assert_eq!(read.stale().collect::<Vec<_>>(), [2]);
    }
}
