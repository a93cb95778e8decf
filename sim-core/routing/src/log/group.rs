//! Consumer groups: members share the partitions of a log and remember how far they have come.
//!
//! *Models:* members that join and leave; the partitions that move, and when: a cooperative group interrupts
//! only those, each from the moment its reader is told until it has handed over; an eager one stops everybody.
//! A position per partition (the next record to read) and a checkpoint (committed offset). *Property:* a
//! partition has one reader at most; who takes over after a hand-over reads on at its position, who takes over
//! after a death at the checkpoint, so that what lies between is read twice, never lost: [`Resumed`] counts it.
//! *Formula:* at λ records per second and a checkpoint every T, a death repeats λ · T / 2 on average. *Leaves
//! out:* the detection of a dead member (see [`crate::session::heartbeat`]). *Source:* KIP-429, KIP-54.

use super::{Assignor, EventLog, LogOffset, MemberId, PartitionId, assign};
use std::collections::BTreeSet;
use std::ops::Range;

/// A partition that changes its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handover {
    /// Which.
    pub partition: PartitionId,
    /// Who still reads it and must [`ConsumerGroup::release`] it; `None` if nobody does.
    pub from: Option<MemberId>,
    /// Who gets it; `None` if there is nobody.
    pub to: Option<MemberId>,
}

/// What a change of members does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rebalance {
    /// What moves, by partition.
    pub moved: Vec<Handover>,
    /// Partitions whose reader stays but must stop until the rebalance is over: none in a cooperative group.
    pub paused: Vec<PartitionId>,
}

/// How a partition is read on by its new reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resumed {
    /// The reader.
    pub member: MemberId,
    /// Where it starts.
    pub from: LogOffset,
    /// Records that were read before and are read again.
    pub repeated: u64,
}

#[derive(Clone, Copy, Debug)]
struct Reading {
    reader: Option<MemberId>,
    /// Who has it next, once the reader has released it.
    next: Option<MemberId>,
    position: u64,
    committed: u64,
}

/// A group over all partitions of a log.
#[derive(Clone, Debug)]
pub struct ConsumerGroup {
    assignor: Assignor,
    members: BTreeSet<MemberId>,
    partitions: Vec<Reading>,
    generation: u32,
    repeated: u64,
}

impl ConsumerGroup {
    /// A group without members that starts at the beginning.
    #[must_use]
    pub fn new(assignor: Assignor, partitions: u32) -> Self {
        let unread = Reading {
            reader: None,
            next: None,
            position: 0,
            committed: 0,
        };
        Self {
            assignor,
            members: BTreeSet::new(),
            partitions: vec![unread; partitions as usize],
            generation: 0,
            repeated: 0,
        }
    }

    /// A member joins. Partitions that nobody reads are its own at once; the others when they are released.
    pub fn join(&mut self, member: MemberId) -> Rebalance {
        if !self.members.insert(member) {
            return Rebalance::default();
        }
        self.rebalance()
    }

    /// A member leaves in good order: it has handled what it read, and committed it.
    pub fn leave(&mut self, member: MemberId) -> Rebalance {
        for reading in &mut self.partitions {
            if reading.reader == Some(member) {
                reading.committed = reading.position;
            }
        }
        self.remove(member)
    }

    /// A member is dead: what it read since its checkpoints is read again by others.
    pub fn died(&mut self, member: MemberId) -> Rebalance {
        for reading in &mut self.partitions {
            if reading.reader == Some(member) {
                self.repeated += reading.position - reading.committed;
                reading.position = reading.committed;
            }
        }
        self.remove(member)
    }

    /// The reader of a partition that moves has handled what it read: the next one may begin. `None` if nothing
    /// was to be handed over.
    pub fn release(&mut self, partition: PartitionId) -> Option<Resumed> {
        let reading = &mut self.partitions[partition.index()];
        let member = reading.next?;
        reading.reader = Some(member);
        reading.next = None;
        reading.committed = reading.position;
        Some(Resumed {
            member,
            from: LogOffset(reading.position),
            repeated: 0,
        })
    }

    /// A reader that crashed and is back before anybody noticed starts at its checkpoints: one entry for each of
    /// its partitions.
    pub fn restarted(&mut self, member: MemberId) -> Vec<Resumed> {
        let mut resumed = Vec::new();
        for reading in &mut self.partitions {
            if reading.reader != Some(member) {
                continue;
            }
            let repeated = reading.position - reading.committed;
            self.repeated += repeated;
            reading.position = reading.committed;
            resumed.push(Resumed {
                member,
                from: LogOffset(reading.committed),
                repeated,
            });
        }
        resumed
    }

    /// The next records of a partition, at most `max`, for its reader: the position moves past them. Records that
    /// retention has removed are skipped. Empty when nothing is readable, or the partition is about to move.
    pub fn fetch<T: Clone>(
        &mut self,
        log: &EventLog<T>,
        partition: PartitionId,
        max: u64,
    ) -> Range<u64> {
        let of_log = log.partition(partition);
        let reading = &mut self.partitions[partition.index()];
        let from = reading.position.max(of_log.log().start().0);
        if reading.reader.is_none() || reading.next.is_some() {
            return from..from;
        }
        let end = of_log.readable().0.min(from.saturating_add(max)).max(from);
        reading.position = end;
        from..end
    }

    /// What was read of a partition up to its position is handled: the checkpoint moves there.
    pub fn commit(&mut self, partition: PartitionId) {
        let reading = &mut self.partitions[partition.index()];
        reading.committed = reading.position;
    }

    /// The group starts a partition anew at an offset: a replay.
    pub fn seek(&mut self, partition: PartitionId, offset: LogOffset) {
        let reading = &mut self.partitions[partition.index()];
        reading.position = offset.0;
        reading.committed = offset.0;
    }

    /// Who reads a partition.
    #[must_use]
    pub fn reader(&self, partition: PartitionId) -> Option<MemberId> {
        self.partitions[partition.index()].reader
    }

    /// The partitions a member reads, ascending.
    pub fn partitions_of(&self, member: MemberId) -> impl Iterator<Item = PartitionId> + '_ {
        let of_member = move |(_, reading): &(usize, &Reading)| reading.reader == Some(member);
        let numbered = self.partitions.iter().enumerate().filter(of_member);
        numbered.map(|(number, _)| PartitionId(number as u32))
    }

    /// The next record to read.
    #[must_use]
    pub fn position(&self, partition: PartitionId) -> LogOffset {
        LogOffset(self.partitions[partition.index()].position)
    }

    /// The checkpoint.
    #[must_use]
    pub fn committed(&self, partition: PartitionId) -> LogOffset {
        LogOffset(self.partitions[partition.index()].committed)
    }

    /// Readable records that the group has not read.
    #[must_use]
    pub fn lag<T: Clone>(&self, log: &EventLog<T>) -> u64 {
        let behind = |(number, reading): (usize, &Reading)| {
            let readable = log.partition(PartitionId(number as u32)).readable().0;
            readable.saturating_sub(reading.position)
        };
        self.partitions.iter().enumerate().map(behind).sum()
    }

    /// Members in the group.
    #[must_use]
    pub fn members(&self) -> usize {
        self.members.len()
    }

    /// Rebalances so far.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Records read twice so far.
    #[must_use]
    pub fn repeated(&self) -> u64 {
        self.repeated
    }

    fn remove(&mut self, member: MemberId) -> Rebalance {
        if !self.members.remove(&member) {
            return Rebalance::default();
        }
        for reading in &mut self.partitions {
            if reading.reader == Some(member) {
                // What was on its way to somebody is theirs now, unless that is the one who goes.
                reading.reader = reading.next.take().filter(|next| *next != member);
            } else if reading.next == Some(member) {
                reading.next = None;
            }
        }
        self.rebalance()
    }

    fn rebalance(&mut self) -> Rebalance {
        self.generation += 1;
        let members: Vec<MemberId> = self.members.iter().copied().collect();
        // A partition on its way counts as arrived, so that it is not sent on without need.
        let before: Vec<Option<MemberId>> = self
            .partitions
            .iter()
            .map(|reading| reading.next.or(reading.reader))
            .collect();
        let target = assign(
            self.assignor,
            &[self.partitions.len() as u32],
            &members,
            &before,
        );
        let mut rebalance = Rebalance::default();
        for (number, (reading, to)) in self.partitions.iter_mut().zip(target).enumerate() {
            let partition = PartitionId(number as u32);
            let from = reading.reader;
            if from == to {
                reading.next = None;
                if from.is_some() && !self.assignor.is_cooperative() {
                    rebalance.paused.push(partition);
                }
                continue;
            }
            if from.is_none() {
                reading.reader = to;
            } else {
                reading.next = to;
            }
            rebalance.moved.push(Handover {
                partition,
                from,
                to,
            });
        }
        rebalance
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Timestamp;
    use crate::log::LogOptions;

    const A: MemberId = MemberId(0);
    const B: MemberId = MemberId(1);

    fn log(partitions: u32, records: u64) -> EventLog<u64> {
        let mut log = EventLog::new(LogOptions {
            partitions,
            ..LogOptions::default()
        });
        for i in 0..records {
            log.append(Timestamp(i), i, 1, i).unwrap();
        }
        log
    }

    #[test]
    fn a_cooperative_group_goes_on_with_what_stays() {
        let log = log(4, 400);
        let mut group = ConsumerGroup::new(Assignor::CooperativeSticky, 4);
        assert_eq!(group.join(A).moved.len(), 4);
        for partition in 0..4 {
            assert_eq!(group.fetch(&log, PartitionId(partition), 10), 0..10);
        }
        let change = group.join(B);
        assert!(change.moved.len() == 2 && change.paused.is_empty());
        let moving = change.moved[0];
        assert_eq!((moving.from, moving.to), (Some(A), Some(B)));
        assert!(group.fetch(&log, moving.partition, 10).is_empty());
        assert_eq!(group.fetch(&log, PartitionId(0), 10), 10..20, "0 stays");
        let resumed = group.release(moving.partition).unwrap();
        assert_eq!((resumed.member, resumed.from), (B, LogOffset(10)));
        assert_eq!(group.fetch(&log, moving.partition, 10), 10..20);
        let mut eager = ConsumerGroup::new(Assignor::Sticky, 4);
        eager.join(A);
        assert_eq!(eager.join(B).paused.len(), 2);
    }

    #[test]
    fn a_death_repeats_what_was_not_committed() {
        let log = log(2, 200);
        let mut group = ConsumerGroup::new(Assignor::CooperativeSticky, 2);
        group.join(A);
        group.join(B);
        let moved = PartitionId(1);
        group.release(moved);
        assert_eq!(group.fetch(&log, moved, 30), 0..30);
        group.commit(moved);
        assert_eq!(group.fetch(&log, moved, 12), 30..42);
        let change = group.died(B);
        assert_eq!((group.repeated(), group.reader(moved)), (12, Some(A)));
        assert_eq!(change.moved[0].from, None);
        assert_eq!(group.fetch(&log, moved, 5), 30..35);
        assert_eq!(group.lag(&log), 200 - 35);
        assert_eq!(group.restarted(A)[1].repeated, 5);
    }
}
