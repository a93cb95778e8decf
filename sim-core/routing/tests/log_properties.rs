//! The event log: total order per partition, parallelism and the slope of lag (algorithms.md 3.5), what is
//! acknowledged survives, consumer groups against their rules, and a producer above capacity.

mod common;

use common::{TestRng, near, proptest_config};
use proptest::prelude::*;
use routing::Timestamp;
use routing::log::{
    Acks, Assignor, BatchLimits, ConsumerGroup, EventLog, LogOffset, LogOptions, MemberId, OnFull,
    Partition, PartitionId, Producer, ProducerOptions, Replication, assign,
};
use std::collections::{BTreeMap, BTreeSet};

fn options(partitions: u32) -> LogOptions {
    LogOptions {
        partitions,
        ..LogOptions::default()
    }
}

/// 1 200 records/s into 4 partitions, 250 records/s per consumer: lag grows by 1 200 − 250 · min(consumers, 4).
#[test]
fn lag_grows_at_arrival_minus_service_and_partitions_bound_parallelism() {
    for consumers in [1, 2, 4, 6] {
        let mut log = EventLog::new(options(4));
        let mut group = ConsumerGroup::new(Assignor::CooperativeSticky, 4);
        for member in 0..consumers {
            for moved in group.join(MemberId(member)).moved {
                group.release(moved.partition);
            }
        }
        let mut key = 0;
        let mut lags = Vec::new();
        // Ticks of 4 ms: each consumer handles one record in each, of its partitions in turn.
        for tick in 0..5_000u64 {
            for _ in 0..if tick % 5 < 4 { 5 } else { 4 } {
                log.append(Timestamp(tick * 4_000_000), key, 100, ())
                    .unwrap();
                key += 1;
            }
            for member in 0..consumers {
                let own: Vec<PartitionId> = group.partitions_of(MemberId(member)).collect();
                for i in 0..own.len() as u64 {
                    let partition = own[((tick + i) % own.len() as u64) as usize];
                    if !group.fetch(&log, partition, 1).is_empty() {
                        break;
                    }
                }
            }
            if tick % 250 == 249 {
                lags.push(group.lag(&log));
            }
        }
        let slope = (lags[19] - lags[4]) as f64 / 15.0;
        let expected = 1_200.0 - 250.0 * f64::from(consumers.min(4));
        println!("{consumers} consumers: lag grows by {slope:.1} records/s, expected {expected}");
        assert!(near(slope, expected, 2.0));
    }
}

/// Offered 3 000/s to a log that takes 1 000/s: the buffer fills, then 1 000/s pass and the rest is refused.
#[test]
fn a_producer_above_capacity_passes_on_what_the_log_takes() {
    let mut producer = Producer::new(
        ProducerOptions {
            batch: BatchLimits {
                linger_ns: 5_000_000,
                records: 10,
                bytes: 16_384,
            },
            buffer_bytes: 400_000,
            on_full: OnFull::Refuse,
        },
        1,
    );
    let (mut accepted_late, mut refused_before, mut full_at) = (0, 0, None);
    let mut in_flight = std::collections::VecDeque::new();
    for ms in 0..10_000u64 {
        let now = Timestamp(ms * 1_000_000);
        for _ in 0..3 {
            let accepted =
                producer.offer(now, PartitionId(0), 100, ()) == routing::log::Offer::Buffered;
            if !accepted {
                full_at = full_at.or(Some(ms));
            }
            accepted_late += u64::from(accepted && ms >= 5_000);
        }
        if ms == 4_999 {
            refused_before = producer.refused();
        }
        while let Some(submitted) = producer.poll(now) {
            in_flight.push_back(submitted.batch.bytes);
        }
        // One batch of ten every 10 ms is written.
        if ms % 10 == 9
            && let Some(bytes) = in_flight.pop_front()
        {
            producer.settled(now, bytes);
        }
        assert!(producer.buffered_bytes() <= 400_000);
    }
    let full_at = full_at.unwrap();
    println!(
        "full after {full_at} ms (400 KB at 200 KB/s net: 2 000), then {} records/s pass",
        accepted_late / 5
    );
    assert!(near(full_at as f64, 2_000.0, 2.0));
    assert!(near(accepted_late as f64, 5_000.0, 1.0));
    assert!(near(
        (producer.refused() - refused_before) as f64,
        10_000.0,
        1.0
    ));
}

#[derive(Clone, Copy, Debug)]
enum Action {
    Append,
    Copy { replica: u32, upto: u64 },
    Down(u32),
    Up(u32),
    Wait(u64),
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        4 => Just(Action::Append),
        4 => (0u32..3, 0u64..4).prop_map(|(replica, upto)| Action::Copy { replica, upto }),
        1 => (0u32..3).prop_map(Action::Down),
        2 => (0u32..3).prop_map(Action::Up),
        1 => (0u64..200).prop_map(Action::Wait),
    ]
}

proptest! {
    #![proptest_config(proptest_config(512))]

    /// With clean elections what all in-sync replicas had is never lost, nor what most have while most are up.
    #[test]
    fn what_was_readable_stays(actions in prop::collection::vec(action(), 1..120), quorum: bool) {
        let acks = if quorum { Acks::Quorum } else { Acks::All };
        let replication = Replication { factor: 3, min_in_sync: 2, acks, max_lag_ns: 100 };
        let mut partition = Partition::new(replication, 8);
        let (mut now, mut value) = (0, 0u64);
        let mut read: Vec<u64> = Vec::new();
        let mut acknowledged: BTreeMap<u64, u64> = BTreeMap::new();
        for action in actions {
            now += 1;
            match action {
                Action::Append => {
                    value += 1;
                    let _refused_or_not = partition.append(Timestamp(now), 0, 1, value);
                }
                Action::Copy { replica, upto } => {
                    let end = LogOffset(partition.replica_end(replica).0 + upto);
                    partition.copied(Timestamp(now), replica, end);
                }
                Action::Down(replica) => partition.replica_down(replica),
                Action::Up(replica) => partition.replica_up(replica),
                Action::Wait(ns) => {
                    now += ns;
                    partition.poll(Timestamp(now));
                }
            }
            if let Some(election) = partition.elect(Timestamp(now), false) {
                prop_assert_eq!(election.lost_acknowledged, 0);
            }
            let readable = partition.readable();
            prop_assert!(readable.0 >= read.len() as u64);
            let more: Vec<u64> = partition.log().read(LogOffset(read.len() as u64))
                .take_while(|entry| entry.offset < readable).map(|entry| entry.value).collect();
            read.extend(more);
            for offset in acknowledged.len() as u64..partition.acknowledged().0 {
                let entry = partition.log().get(LogOffset(offset)).unwrap();
                acknowledged.insert(offset, entry.value);
            }
        }
        for (offset, value) in read.iter().enumerate() {
            prop_assert_eq!(partition.log().get(LogOffset(offset as u64)).unwrap().value, *value);
        }
        for (offset, value) in acknowledged {
            prop_assert_eq!(partition.log().get(LogOffset(offset)).unwrap().value, value);
        }
    }

    /// Balanced, complete, and never more moved than the change of members needs.
    #[test]
    fn sticky_assignment_is_balanced_and_moves_least(
        partitions in 1u32..60,
        changes in prop::collection::vec((0u32..12, any::<bool>()), 1..30),
    ) {
        let mut members: BTreeSet<MemberId> = BTreeSet::new();
        let mut before: Vec<Option<MemberId>> = vec![None; partitions as usize];
        for (member, joins) in changes {
            if joins { members.insert(MemberId(member)); } else { members.remove(&MemberId(member)); }
            let list: Vec<MemberId> = members.iter().copied().collect();
            let after = assign(Assignor::CooperativeSticky, &[partitions], &list, &before);
            if list.is_empty() {
                prop_assert!(after.iter().all(Option::is_none));
                before = after;
                continue;
            }
            let count = |owners: &[Option<MemberId>], member| {
                owners.iter().filter(|owner| **owner == Some(member)).count()
            };
            let (low, high) = (partitions as usize / list.len(), (partitions as usize).div_ceil(list.len()));
            for &member in &list {
                prop_assert!((low..=high).contains(&count(&after, member)));
                // A member loses only what is above its share, and then gains nothing.
                let lost = before.iter().zip(&after)
                    .filter(|(was, is)| **was == Some(member) && **is != Some(member)).count();
                prop_assert!(lost <= count(&before, member).saturating_sub(low));
                let gained = before.iter().zip(&after)
                    .filter(|(was, is)| **was != Some(member) && **is == Some(member)).count();
                prop_assert!(lost == 0 || gained == 0);
            }
            before = after;
        }
    }

    /// Members come, go and die; every record is handled at least once, and twice only if it was counted.
    #[test]
    fn a_group_reads_everything_and_counts_what_it_repeats(seed: u64, eager: bool) {
        let mut rng = TestRng(seed);
        let assignor = if eager { Assignor::Sticky } else { Assignor::CooperativeSticky };
        let mut log = EventLog::new(options(7));
        let mut group = ConsumerGroup::new(assignor, 7);
        let mut handled: BTreeMap<(PartitionId, u64), u64> = BTreeMap::new();
        let mut members: BTreeSet<MemberId> = BTreeSet::new();
        let mut pending: BTreeSet<PartitionId> = BTreeSet::new();
        for step in 0..400u64 {
            log.append(Timestamp(step), step, 1, step).unwrap();
            let member = MemberId(rng.below(5) as u32);
            let change = match rng.below(12) {
                0 => { members.insert(member); group.join(member) }
                1 => { members.remove(&member); group.leave(member) }
                2 => { members.remove(&member); group.died(member) }
                _ => Default::default(),
            };
            pending.extend(change.moved.iter().map(|moved| moved.partition));
            let partition = PartitionId(rng.below(7) as u32);
            if rng.below(2) == 0 && pending.remove(&partition) {
                group.release(partition);
            }
            prop_assert!((0..7).all(|p| group.reader(PartitionId(p)).is_none_or(|m| members.contains(&m))));
            for offset in group.fetch(&log, partition, 1 + rng.below(4)) {
                *handled.entry((partition, offset)).or_default() += 1;
            }
            if rng.below(3) == 0 { group.commit(partition); }
        }
        group.join(MemberId(99));
        for partition in (0..7).map(PartitionId) {
            group.release(partition);
            for offset in group.fetch(&log, partition, u64::MAX) {
                *handled.entry((partition, offset)).or_default() += 1;
            }
        }
        let records: u64 = handled.len() as u64;
        prop_assert_eq!(records, 400);
        prop_assert_eq!(handled.values().sum::<u64>(), records + group.repeated());
    }
}
