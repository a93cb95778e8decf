//! Broker partitions with replicas, leaders and failover.
//!
//! *Models:* keys hash to partitions; a partition has `replication` replicas on consecutive brokers and is led
//! by the first that is up. When the leader's broker dies the partition has no leader until the death is
//! detected; then the next replica that is up leads. With one replica it stays without a leader until its
//! broker returns. *Formula:* unavailable for `detection_ns` with a second replica up, else for the outage.
//! *Property:* with r replicas any r − 1 dead brokers leave every partition available after detection.
//! *Leaves out:* replication lag (every replica is in sync) and moving leaders back.
//! *Source:* Kafka replica assignment and leader election.

use crate::hash;
use crate::ids::Timestamp;

/// A partition changed its leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failover {
    /// When.
    pub at: Timestamp,
    /// The partition.
    pub partition: u32,
    /// The broker that leads now.
    pub leader: u32,
}

#[derive(Clone, Copy, Debug)]
struct Partition {
    leader: Option<u32>,
    /// When the lost leader's death is detected.
    detected_at: Timestamp,
}

/// Partitions over brokers.
#[derive(Clone, Debug)]
pub struct Partitions {
    partitions: Vec<Partition>,
    /// Up, or down since.
    brokers: Vec<Option<Timestamp>>,
    replication: u32,
    detection_ns: u64,
    seed: u64,
}

impl Partitions {
    /// `count` partitions over brokers `0..brokers`, `replication` replicas each (at most one per broker);
    /// a dead broker is detected after `detection_ns`.
    #[must_use]
    pub fn new(count: u32, brokers: u32, replication: u32, detection_ns: u64) -> Self {
        assert!(
            count > 0 && brokers > 0,
            "there is at least one partition and one broker"
        );
        let replication = replication.clamp(1, brokers);
        let led = |partition| Partition {
            leader: Some(partition % brokers),
            detected_at: Timestamp::NEVER,
        };
        Self {
            partitions: (0..count).map(led).collect(),
            brokers: vec![None; brokers as usize],
            replication,
            detection_ns,
            seed: hash::DEFAULT_SEED,
        }
    }

    /// Number of partitions.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.partitions.len() as u32
    }

    /// The partition of a key: its hash modulo the partitions (so that their number is for ever).
    #[must_use]
    pub fn partition_of(&self, key: u64) -> u32 {
        (hash::hash_u64(self.seed, key) % self.partitions.len() as u64) as u32
    }

    /// The brokers with a replica of a partition, preferred leader first.
    pub fn replicas(&self, partition: u32) -> impl Iterator<Item = u32> + '_ {
        let brokers = self.brokers.len() as u32;
        (0..self.replication).map(move |i| (partition % brokers + i) % brokers)
    }

    /// The broker that leads a partition; `None` while it is unavailable.
    #[must_use]
    pub fn leader(&self, partition: u32) -> Option<u32> {
        self.partitions.get(partition as usize)?.leader
    }

    /// Whether a broker is up.
    #[must_use]
    pub fn is_up(&self, broker: u32) -> bool {
        self.brokers
            .get(broker as usize)
            .is_some_and(Option::is_none)
    }

    /// Partitions without a leader.
    #[must_use]
    pub fn unavailable(&self) -> u32 {
        self.partitions
            .iter()
            .filter(|partition| partition.leader.is_none())
            .count() as u32
    }

    /// A broker dies: the partitions it led are without a leader.
    pub fn broker_down(&mut self, now: Timestamp, broker: u32) {
        if !self.is_up(broker) {
            return;
        }
        self.brokers[broker as usize] = Some(now);
        for partition in self
            .partitions
            .iter_mut()
            .filter(|partition| partition.leader == Some(broker))
        {
            *partition = Partition {
                leader: None,
                detected_at: now.plus(self.detection_ns),
            };
        }
    }

    /// A broker returns: it leads what had no leader and has a replica there, once that was detected or its
    /// own replica was the one lost. Returns what it leads now.
    pub fn broker_up(&mut self, now: Timestamp, broker: u32) -> Vec<Failover> {
        if self.is_up(broker) || broker as usize >= self.brokers.len() {
            return Vec::new();
        }
        self.brokers[broker as usize] = None;
        let mut taken = Vec::new();
        for partition in 0..self.count() {
            if self.leader(partition).is_none()
                && self.replicas(partition).any(|replica| replica == broker)
            {
                taken.push(self.lead(now, partition, broker));
            }
        }
        taken
    }

    /// When the next failover is due; `None` if none is.
    #[must_use]
    pub fn next_failover_at(&self) -> Option<Timestamp> {
        let waiting = (0..self.count()).filter(|&partition| self.candidate(partition).is_some());
        waiting
            .map(|partition| self.partitions[partition as usize].detected_at)
            .min()
    }

    /// Performs the failovers due at `now` and returns them, by partition.
    pub fn poll(&mut self, now: Timestamp) -> Vec<Failover> {
        let mut done = Vec::new();
        for partition in 0..self.count() {
            if self.partitions[partition as usize].detected_at > now {
                continue;
            }
            if let Some(leader) = self.candidate(partition) {
                let at = self.partitions[partition as usize].detected_at;
                done.push(self.lead(at, partition, leader));
            }
        }
        done
    }

    /// The replica that would lead a partition without a leader.
    fn candidate(&self, partition: u32) -> Option<u32> {
        if self.leader(partition).is_some() {
            return None;
        }
        self.replicas(partition)
            .find(|&replica| self.is_up(replica))
    }

    fn lead(&mut self, at: Timestamp, partition: u32, leader: u32) -> Failover {
        self.partitions[partition as usize] = Partition {
            leader: Some(leader),
            detected_at: Timestamp::NEVER,
        };
        Failover {
            at,
            partition,
            leader,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_dead_broker_of_three_with_two_replicas() {
        let mut partitions = Partitions::new(30, 3, 2, 5);
        partitions.broker_down(Timestamp(100), 1);
        assert_eq!(
            (partitions.unavailable(), partitions.next_failover_at()),
            (10, Some(Timestamp(105)))
        );
        assert!(partitions.poll(Timestamp(104)).is_empty());
        let done = partitions.poll(Timestamp(105));
        assert!(done.len() == 10 && done.iter().all(|failover| failover.leader == 2));
        assert_eq!(
            (partitions.unavailable(), partitions.next_failover_at()),
            (0, None)
        );
        assert!(partitions.broker_up(Timestamp(200), 1).is_empty());
    }

    #[test]
    fn a_lone_replica_is_unavailable_until_it_returns() {
        let mut partitions = Partitions::new(30, 3, 1, 5);
        partitions.broker_down(Timestamp(100), 1);
        assert!(
            partitions.poll(Timestamp(1_000)).is_empty() && partitions.next_failover_at().is_none()
        );
        assert_eq!(
            (
                partitions.unavailable(),
                partitions.leader(1),
                partitions.leader(0)
            ),
            (10, None, Some(0))
        );
        let back = partitions.broker_up(Timestamp(2_000), 1);
        assert!(back.len() == 10 && back.iter().all(|failover| failover.at == Timestamp(2_000)));
        assert_eq!(partitions.unavailable(), 0);
    }

    #[test]
    fn a_second_death_before_detection_passes_to_the_third() {
        let mut partitions = Partitions::new(3, 3, 3, 5);
        partitions.broker_down(Timestamp(0), 0);
        partitions.broker_down(Timestamp(1), 1);
        partitions.poll(Timestamp(6));
        assert_eq!(
            [0, 1, 2].map(|partition| partitions.leader(partition)),
            [Some(2); 3]
        );
    }
}
