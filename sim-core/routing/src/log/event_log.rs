//! A log of several partitions.
//!
//! *Models:* a record goes to the partition of its key's hash, so that the records of one key keep their order for
//! as long as the number of partitions stays. *Formula:* growing from P to P + 1 partitions sends P / (P + 1) of the
//! keys elsewhere; at most P consumers of a group work at once. *Leaves out:* records without a key: give them a
//! number. *Source:* Kafka's default partitioner, with the one hash of this crate instead of murmur2.

use super::{AppendError, LogOffset, Partition, PartitionId, Replication, Retention};
use crate::hash;
use crate::ids::Timestamp;

/// How a log is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// Partitions, at least one.
    pub partitions: u32,
    /// Copies of each.
    pub replication: Replication,
    /// Records per segment.
    pub segment_records: u32,
    /// What is kept.
    pub retention: Retention,
}

impl Default for LogOptions {
    /// One partition, one copy, everything kept.
    fn default() -> Self {
        Self {
            partitions: 1,
            replication: Replication::NONE,
            segment_records: 4_096,
            retention: Retention::default(),
        }
    }
}

/// A partitioned log.
#[derive(Clone, Debug)]
pub struct EventLog<T> {
    partitions: Vec<Partition<T>>,
    retention: Retention,
    seed: u64,
}

impl<T: Clone> EventLog<T> {
    /// An empty log.
    #[must_use]
    pub fn new(options: LogOptions) -> Self {
        let empty = Partition::new(options.replication, options.segment_records);
        Self {
            partitions: vec![empty; options.partitions.max(1) as usize],
            retention: options.retention,
            seed: hash::DEFAULT_SEED,
        }
    }

    /// Number of partitions.
    #[must_use]
    pub fn partitions(&self) -> u32 {
        self.partitions.len() as u32
    }

    /// Where the records of a key are.
    #[must_use]
    pub fn partition_of(&self, key: u64) -> PartitionId {
        PartitionId((hash::hash_u64(self.seed, key) % self.partitions.len() as u64) as u32)
    }

    /// One partition.
    #[must_use]
    pub fn partition(&self, partition: PartitionId) -> &Partition<T> {
        &self.partitions[partition.index()]
    }

    /// One partition, to be copied, failed over or compacted.
    pub fn partition_mut(&mut self, partition: PartitionId) -> &mut Partition<T> {
        &mut self.partitions[partition.index()]
    }

    /// Appends a record to the partition of its key.
    pub fn append(
        &mut self,
        now: Timestamp,
        key: u64,
        bytes: u32,
        value: T,
    ) -> Result<(PartitionId, LogOffset), AppendError> {
        let partition = self.partition_of(key);
        let offset = self.partitions[partition.index()].append(now, key, bytes, value)?;
        Ok((partition, offset))
    }

    /// Removes what retention no longer keeps. Returns the number of records removed.
    pub fn retain(&mut self, now: Timestamp) -> u64 {
        let retention = self.retention;
        let partitions = self.partitions.iter_mut();
        partitions
            .map(|partition| partition.log_mut().retain(now, retention))
            .sum()
    }

    /// Bytes held, of one copy.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.partitions.iter().map(|one| one.log().bytes()).sum()
    }

    /// Records ever appended.
    #[must_use]
    pub fn appended(&self) -> u64 {
        self.partitions.iter().map(|one| one.log().end().0).sum()
    }

    /// The fullest partition over the mean, by records ever appended; 1 for an empty log.
    #[must_use]
    pub fn skew(&self) -> f64 {
        let fullest = self.partitions.iter().map(|one| one.log().end().0).max();
        match (self.appended(), fullest) {
            (0, _) | (_, None) => 1.0,
            (all, Some(most)) => most as f64 * self.partitions.len() as f64 / all as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_records_of_a_key_keep_their_order() {
        let mut log = EventLog::new(LogOptions {
            partitions: 8,
            ..LogOptions::default()
        });
        for i in 0..1_000u64 {
            log.append(Timestamp(i), i % 50, 10, i).unwrap();
        }
        for key in 0..50 {
            let records = log.partition(log.partition_of(key)).log();
            let of_key: Vec<u64> = records
                .read(LogOffset(0))
                .filter(|entry| entry.key == key)
                .map(|entry| entry.value)
                .collect();
            assert!(of_key.len() == 20 && of_key.is_sorted());
        }
        assert_eq!((log.appended(), log.bytes()), (1_000, 10_000));
        assert!(log.skew() >= 1.0);
    }
}
