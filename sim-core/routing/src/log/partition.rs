//! One partition on several replicas.
//!
//! *Models:* a leader that appends and followers that copy a prefix of its records. A follower is *in sync* while
//! it has caught up within `max_lag_ns`. *Formula:* high watermark = the smallest end among in-sync replicas;
//! acknowledged with [`Acks::Local`]: what the leader has; with [`Acks::Quorum`]: what ⌊n/2⌋ + 1 of n replicas have;
//! with [`Acks::All`]: up to the high watermark, and only while `min_in_sync` replicas are in sync (else appends
//! are refused). *Property:* what is readable is never lost to a clean election; what only the leader had is lost
//! with it, which [`Election`] counts. *Leaves out:* which broker a replica lives on (see
//! [`crate::pubsub::partitions`]), epochs on the wire. *Source:* Kafka's replication and `acks`,
//! `min.insync.replicas`, `unclean.leader.election.enable`.

use super::{LogOffset, Segments};
use crate::ids::Timestamp;
use thiserror::Error;

/// Who must have a record before its producer hears that it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Acks {
    /// The leader.
    Local,
    /// Most replicas.
    Quorum,
    /// All replicas that are in sync.
    All,
}

/// How a partition is replicated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replication {
    /// Copies, the leader's included.
    pub factor: u32,
    /// In-sync replicas without which [`Acks::All`] refuses appends.
    pub min_in_sync: u32,
    /// Who must have a record.
    pub acks: Acks,
    /// A follower that has not caught up for this long is no longer in sync.
    pub max_lag_ns: u64,
}

impl Replication {
    /// One copy.
    pub const NONE: Self = Self {
        factor: 1,
        min_in_sync: 1,
        acks: Acks::Local,
        max_lag_ns: u64::MAX,
    };
}

/// Why a record was not appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AppendError {
    /// The leader is gone and none is elected yet.
    #[error("the partition has no leader")]
    NoLeader,
    /// Too few replicas would have it.
    #[error("{in_sync} replicas are in sync, {needed} are required")]
    TooFewInSync {
        /// Replicas in sync.
        in_sync: u32,
        /// Those required.
        needed: u32,
    },
}

/// The outcome of an election.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Election {
    /// The replica that leads.
    pub leader: u32,
    /// Records that no replica that is left has.
    pub lost: u64,
    /// Those of them whose producer had been told that they are stored.
    pub lost_acknowledged: u64,
}

#[derive(Clone, Copy, Debug)]
struct Replica {
    end: u64,
    up: bool,
    in_sync: bool,
    /// When it last had all the leader had.
    caught_up_at: Timestamp,
}

/// A partition's records and replicas.
#[derive(Clone, Debug)]
pub struct Partition<T> {
    log: Segments<T>,
    replication: Replication,
    replicas: Vec<Replica>,
    leader: Option<u32>,
    high_watermark: u64,
    /// The furthest end that was ever acknowledged.
    acknowledged: u64,
    elections: u32,
}

impl<T: Clone> Partition<T> {
    /// An empty partition led by replica 0; all replicas are in sync.
    #[must_use]
    pub fn new(replication: Replication, segment_records: u32) -> Self {
        let replica = Replica {
            end: 0,
            up: true,
            in_sync: true,
            caught_up_at: Timestamp::ZERO,
        };
        Self {
            log: Segments::new(segment_records),
            replicas: vec![replica; replication.factor.max(1) as usize],
            replication,
            leader: Some(0),
            high_watermark: 0,
            acknowledged: 0,
            elections: 0,
        }
    }

    /// The records, those not yet readable included.
    #[must_use]
    pub fn log(&self) -> &Segments<T> {
        &self.log
    }

    /// The records, for retention and compaction.
    pub fn log_mut(&mut self) -> &mut Segments<T> {
        &mut self.log
    }

    /// The replica that leads.
    #[must_use]
    pub fn leader(&self) -> Option<u32> {
        self.leader
    }

    /// Elections held.
    #[must_use]
    pub fn elections(&self) -> u32 {
        self.elections
    }

    /// Replicas in sync.
    #[must_use]
    pub fn in_sync(&self) -> u32 {
        self.replicas
            .iter()
            .filter(|replica| replica.in_sync)
            .count() as u32
    }

    /// What a replica has: its end.
    #[must_use]
    pub fn replica_end(&self, replica: u32) -> LogOffset {
        LogOffset(self.replicas[replica as usize].end)
    }

    /// The end of what all in-sync replicas have.
    #[must_use]
    pub fn high_watermark(&self) -> LogOffset {
        LogOffset(self.high_watermark)
    }

    /// The end of what consumers may read: what most replicas have under [`Acks::Quorum`], else up to the high
    /// watermark.
    #[must_use]
    pub fn readable(&self) -> LogOffset {
        match self.replication.acks {
            Acks::Quorum => LogOffset(self.quorum_end().min(self.log.end().0)),
            Acks::Local | Acks::All => self.high_watermark(),
        }
    }

    /// The end of what producers have been told is stored.
    #[must_use]
    pub fn acknowledged(&self) -> LogOffset {
        LogOffset(self.acknowledged)
    }

    /// The leader appends a record.
    pub fn append(
        &mut self,
        now: Timestamp,
        key: u64,
        bytes: u32,
        value: T,
    ) -> Result<LogOffset, AppendError> {
        let leader = self.leader.ok_or(AppendError::NoLeader)?;
        let (in_sync, needed) = (self.in_sync(), self.replication.min_in_sync);
        if self.replication.acks == Acks::All && in_sync < needed {
            return Err(AppendError::TooFewInSync { in_sync, needed });
        }
        let offset = self.log.append(now, key, bytes, value);
        // Whoever had all there was until now has lagged for no time yet.
        for replica in self.replicas.iter_mut().filter(|one| one.in_sync) {
            if replica.end == offset.0 {
                replica.caught_up_at = now;
            }
        }
        self.replicas[leader as usize].end = self.log.end().0;
        self.advance();
        Ok(offset)
    }

    /// A follower has copied everything before `end`. Returns whether more is readable now.
    pub fn copied(&mut self, now: Timestamp, replica: u32, end: LogOffset) -> bool {
        let leader_end = self.log.end().0;
        let before = self.readable();
        let follower = &mut self.replicas[replica as usize];
        if !follower.up || self.leader.is_none() {
            return false;
        }
        follower.end = follower.end.max(end.0.min(leader_end));
        if follower.end == leader_end {
            follower.caught_up_at = now;
        }
        if follower.end >= self.high_watermark && follower.end == leader_end {
            follower.in_sync = true;
        }
        self.advance();
        self.readable() > before
    }

    /// When a follower that lags falls out of sync.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        let end = self.log.end().0;
        self.replicas
            .iter()
            .filter(|replica| replica.in_sync && replica.end < end)
            .map(|replica| replica.caught_up_at.plus(self.replication.max_lag_ns))
            .filter(|due| *due < Timestamp::NEVER)
            .min()
    }

    /// Followers that have lagged too long at `now` are no longer in sync. Returns how many fell out.
    pub fn poll(&mut self, now: Timestamp) -> u32 {
        let end = self.log.end().0;
        let lag = self.replication.max_lag_ns;
        let mut fallen = 0;
        for (number, replica) in self.replicas.iter_mut().enumerate() {
            let behind = replica.end < end && replica.caught_up_at.plus(lag) <= now;
            if replica.in_sync && behind && self.leader != Some(number as u32) {
                replica.in_sync = false;
                fallen += 1;
            }
        }
        if fallen > 0 {
            self.advance();
        }
        fallen
    }

    /// A replica's broker dies. Without its leader the partition takes nothing until [`Self::elect`].
    pub fn replica_down(&mut self, replica: u32) {
        let gone = &mut self.replicas[replica as usize];
        gone.up = false;
        gone.in_sync = false;
        if self.leader == Some(replica) {
            self.leader = None;
        } else {
            self.advance();
        }
    }

    /// A replica's broker is back, with what it had, at most what the leader has; it is in sync once it has
    /// caught up.
    pub fn replica_up(&mut self, replica: u32) {
        let end = self.log.end().0;
        let back = &mut self.replicas[replica as usize];
        back.up = true;
        back.end = back.end.min(end);
    }

    /// A leader is chosen if there is none: of the in-sync replicas the one that has most (under
    /// [`Acks::Quorum`]: of all that are up, when they are most of them). An `unclean` election takes any replica
    /// that is up and loses what it lacks. `None` while nobody can lead.
    pub fn elect(&mut self, now: Timestamp, unclean: bool) -> Option<Election> {
        if self.leader.is_some() {
            return None;
        }
        let up = self.replicas.iter().filter(|replica| replica.up).count();
        let majority = self.replicas.len() / 2 + 1;
        let may_lead = |replica: &Replica| {
            let clean = match self.replication.acks {
                Acks::Quorum => up >= majority,
                Acks::Local | Acks::All => replica.in_sync,
            };
            replica.up && (clean || unclean)
        };
        let candidates = (0..self.replicas.len()).filter(|&i| may_lead(&self.replicas[i]));
        let leader = candidates.max_by_key(|&i| (self.replicas[i].end, std::cmp::Reverse(i)))?;
        let end = self.replicas[leader].end;
        let lost = self.log.truncate(LogOffset(end));
        let lost_acknowledged = self.acknowledged.saturating_sub(end);
        for replica in &mut self.replicas {
            replica.end = replica.end.min(end);
        }
        self.acknowledged = self.acknowledged.min(end);
        self.high_watermark = self.high_watermark.min(end);
        self.replicas[leader].in_sync = true;
        self.replicas[leader].caught_up_at = now;
        self.leader = Some(leader as u32);
        self.elections += 1;
        self.advance();
        Some(Election {
            leader: leader as u32,
            lost,
            lost_acknowledged,
        })
    }

    /// Moves the high watermark and what is acknowledged; neither ever falls but by an election.
    fn advance(&mut self) {
        let Some(leader) = self.leader else { return };
        let in_sync = self.replicas.iter().filter(|replica| replica.in_sync);
        let slowest = in_sync.map(|replica| replica.end).min().unwrap_or(0);
        self.high_watermark = self.high_watermark.max(slowest);
        let acknowledged = match self.replication.acks {
            Acks::Local => self.replicas[leader as usize].end,
            Acks::Quorum => self.quorum_end(),
            // With fewer replicas than asked for, nothing more is acknowledged.
            Acks::All if self.in_sync() < self.replication.min_in_sync => 0,
            Acks::All => self.high_watermark,
        };
        self.acknowledged = self.acknowledged.max(acknowledged);
    }

    /// The end that most replicas have reached.
    fn quorum_end(&self) -> u64 {
        let most = self.replicas.len() / 2 + 1;
        let has = |end: u64| self.replicas.iter().filter(|one| one.end >= end).count() >= most;
        let ends = self.replicas.iter().map(|replica| replica.end);
        ends.filter(|&end| has(end)).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(acks: Acks) -> Partition<u64> {
        let replication = Replication {
            factor: 3,
            min_in_sync: 2,
            acks,
            max_lag_ns: 1_000,
        };
        Partition::new(replication, 100)
    }

    fn fill(partition: &mut Partition<u64>, records: u64) {
        for i in 0..records {
            partition.append(Timestamp(i), i, 10, i).unwrap();
        }
    }

    #[test]
    fn acknowledged_is_what_one_most_or_all_have() {
        for (acks, expected) in [(Acks::Local, 10), (Acks::Quorum, 7), (Acks::All, 4)] {
            let mut partition = partition(acks);
            fill(&mut partition, 10);
            partition.copied(Timestamp(20), 1, LogOffset(7));
            partition.copied(Timestamp(20), 2, LogOffset(4));
            assert_eq!(partition.acknowledged(), LogOffset(expected), "{acks:?}");
            assert_eq!(partition.high_watermark(), LogOffset(4));
        }
    }

    #[test]
    fn a_leader_takes_what_only_it_had() {
        for (acks, lost_acknowledged) in [(Acks::Local, 3), (Acks::Quorum, 0), (Acks::All, 0)] {
            let mut partition = partition(acks);
            fill(&mut partition, 10);
            partition.copied(Timestamp(20), 1, LogOffset(7));
            partition.copied(Timestamp(20), 2, LogOffset(4));
            let readable = partition.readable();
            partition.replica_down(0);
            assert_eq!(
                partition.append(Timestamp(21), 0, 1, 0),
                Err(AppendError::NoLeader)
            );
            let election = partition.elect(Timestamp(30), false).unwrap();
            assert_eq!((election.leader, election.lost), (1, 3));
            assert_eq!(election.lost_acknowledged, lost_acknowledged, "{acks:?}");
            assert!(partition.readable() >= readable, "nothing readable is lost");
        }
    }

    #[test]
    fn too_few_in_sync_refuses_and_catching_up_helps() {
        let mut partition = partition(Acks::All);
        fill(&mut partition, 5);
        assert_eq!(partition.next_due(), Some(Timestamp(1_000)));
        assert_eq!(
            (
                partition.poll(Timestamp(999)),
                partition.poll(Timestamp(1_000))
            ),
            (0, 2)
        );
        // Alone the leader moves the high watermark, but it may not tell anybody that this is stored.
        assert_eq!(partition.high_watermark(), LogOffset(5));
        assert_eq!(partition.acknowledged(), LogOffset(0));
        let refused = AppendError::TooFewInSync {
            in_sync: 1,
            needed: 2,
        };
        assert_eq!(partition.append(Timestamp(2_000), 0, 1, 0), Err(refused));
        partition.copied(Timestamp(2_001), 2, LogOffset(5));
        assert_eq!(
            (partition.in_sync(), partition.acknowledged()),
            (2, LogOffset(5))
        );
        assert!(partition.append(Timestamp(2_002), 0, 1, 0).is_ok());
    }

    #[test]
    fn an_unclean_election_loses_what_was_acknowledged() {
        let mut partition = partition(Acks::All);
        partition.replica_down(2);
        fill(&mut partition, 10);
        partition.copied(Timestamp(20), 1, LogOffset(10));
        assert_eq!(partition.acknowledged(), LogOffset(10));
        partition.replica_down(1);
        partition.replica_down(0);
        partition.replica_up(2);
        assert_eq!(partition.elect(Timestamp(30), false), None);
        let election = partition.elect(Timestamp(30), true).unwrap();
        assert_eq!((election.lost, election.lost_acknowledged), (10, 10));
        partition.replica_up(0);
        assert_eq!(
            partition.replica_end(0),
            LogOffset(0),
            "it follows its leader"
        );
    }
}
