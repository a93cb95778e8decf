//! Nodes of the log that die, and who leads their partitions after.
//!
//! Models: at the failover time every partition without a leader elects one of the replicas that may lead, if there is any; what the
//! dead leader had alone is truncated, batches that nobody was told of are sent again, and the state of records is made anew.
//! A node that is back copies what it lacks. Formula and source: [`super`]. Leaves out: unclean elections.

use routing::log::PartitionId;
use routing::sourcing::{Aggregate, StreamId};

use super::{BatchId, SourcingEvent, timestamp};
use crate::engine::Schedule;
use crate::system::event::Event;
use crate::system::world::World;
use crate::time::SimDuration;

impl World {
    /// A node dies with the lead of its partitions.
    pub(in crate::system) fn kill_log(&mut self, node: u32, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let Some(own) = &mut self.sourcing else {
            return;
        };
        let log = &mut own.log;
        log.nodes.kill(now, node);
        log.deaths[node as usize] += 1;
        for partition in 0..log.events.partitions() {
            for replica in log.replicas_on(partition, node) {
                let of_log = log.events.partition_mut(PartitionId(partition));
                of_log.replica_down(replica);
            }
        }
        let death = log.deaths[node as usize];
        let elect = SourcingEvent::Elect {
            node: node as u16,
            death,
        };
        out.after(log.failover, elect.into());
        // Those that are left may be enough for what waited for the dead one.
        for partition in 0..self.partitions_of_log() {
            self.note_commits(partition, out);
        }
    }

    fn partitions_of_log(&self) -> u32 {
        let own = self.sourcing.as_ref();
        own.map_or(0, |own| own.log.events.partitions())
    }

    /// Partitions without a leader get one, if anybody may lead.
    pub(in crate::system) fn elect(
        &mut self,
        node: u32,
        death: u32,
        out: &mut Schedule<'_, Event>,
    ) {
        let known = self
            .sourcing
            .as_ref()
            .is_some_and(|own| own.log.deaths[node as usize] == death);
        if known {
            self.elect_all(out);
        }
    }

    fn elect_all(&mut self, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let mut lost = 0;
        for partition in 0..self.partitions_of_log() {
            let Some(own) = &mut self.sourcing else {
                return;
            };
            let log = &mut own.log;
            let of_log = log.events.partition_mut(PartitionId(partition));
            let Some(election) = of_log.elect(timestamp(now), false) else {
                continue;
            };
            log.elections += 1;
            log.lost_acknowledged += election.lost_acknowledged;
            lost += election.lost;
            let end = log.events.partition(PartitionId(partition)).log().end().0;
            let here = &mut log.partitions[partition as usize];
            while here.commits.last().is_some_and(|commit| commit.0 > end) {
                here.commits.pop();
            }
            // Nobody was told of these, and the new leader does not have them.
            let mut again: Vec<BatchId> = core::mem::take(&mut here.parked);
            while let Some(&id) = here.pending.back() {
                if log.batches[id as usize].end <= end {
                    break;
                }
                here.pending.pop_back();
                again.push(id);
            }
            again.sort_by_key(|&id| log.batches[id as usize].number);
            for id in again {
                log.resent += 1;
                out.after(SimDuration::ZERO, SourcingEvent::AtLog(id).into());
            }
            let number = log.sent;
            self.copy_to_followers(partition, (0, number), out);
            self.note_commits(partition, out);
        }
        if lost > 0
            && let Some(own) = &mut self.sourcing
        {
            own.log.make_anew();
            let state = |stream| own.log.store.state(stream).map_or(0, Aggregate::digest);
            own.replay.begin_anew((0..own.log.store.streams()).map(|n| {
                let stream = StreamId(n as u32);
                (stream, state(stream))
            }));
        }
    }

    /// A node is back, with what it had.
    pub(in crate::system) fn restore_log(&mut self, node: u32, out: &mut Schedule<'_, Event>) {
        let Some(own) = &mut self.sourcing else {
            return;
        };
        let log = &mut own.log;
        log.nodes.restore(node);
        let number = log.sent;
        for partition in 0..log.events.partitions() {
            for replica in log.replicas_on(partition, node) {
                let of_log = log.events.partition_mut(PartitionId(partition));
                of_log.replica_up(replica);
            }
        }
        self.elect_all(out);
        for partition in 0..self.partitions_of_log() {
            self.copy_to_followers(partition, (0, number), out);
        }
    }
}
