//! Instances of projections that die, and who reads their partitions after.
//!
//! Models: what a dead instance read falls back to the last snapshot; when its death is known, the others of the group take over, each
//! partition from its snapshot; one that is back gets its share again. Formula and source: [`super`]. Leaves out: instances that are slow to hand over.

use routing::log::{MemberId, PartitionId, Rebalance};

use super::{SourcingEvent, Waiter};
use crate::engine::Schedule;
use crate::system::event::Event;
use crate::system::recovery::Noticed;
use crate::system::world::World;

impl World {
    /// An instance of a projection dies; its partitions fall back to their last snapshots.
    pub(in crate::system) fn kill_projection(
        &mut self,
        instance: u32,
        out: &mut Schedule<'_, Event>,
    ) {
        let now = out.now();
        let Some(own) = &mut self.sourcing else {
            return;
        };
        let (number, member) = own.instance(instance);
        let projection = &mut own.projections[number];
        projection.nodes.kill(now, member);
        projection.deaths[member as usize] += 1;
        let held: Vec<PartitionId> = projection.group.partitions_of(MemberId(member)).collect();
        let mut lost = Vec::new();
        for id in held {
            let here = &mut projection.partitions[id.index()];
            here.epoch += 1;
            here.busy = false;
            projection.seen.repeated += here.projection.crashed();
            projection.group.seek(id, here.projection.checkpoint());
            here.waiting.retain(|&(_, who)| match who {
                Waiter::Query(query) => {
                    lost.push(query);
                    false
                }
                Waiter::Command(..) => true,
            });
        }
        let noticed = SourcingEvent::ReaderNoticed {
            instance: instance as u16,
            death: projection.deaths[member as usize],
        };
        out.after(projection.detect, noticed.into());
        for query in lost {
            self.fail_asking(query, false, out);
        }
    }

    /// The others of a projection know that an instance is dead, and take over what it read.
    pub(in crate::system) fn reader_noticed(
        &mut self,
        instance: u32,
        death: u32,
        out: &mut Schedule<'_, Event>,
    ) {
        let Some(own) = &mut self.sourcing else {
            return;
        };
        let (number, member) = own.instance(instance);
        let projection = &mut own.projections[number];
        let dead = projection.nodes.is_down(member) && projection.deaths[member as usize] == death;
        if !dead {
            return;
        }
        self.recovery.notice(out.now(), Noticed::Reader(instance));
        let change = projection.group.died(MemberId(member));
        self.rebalanced(number, change, out);
    }

    /// Partitions of a projection have other readers.
    fn rebalanced(&mut self, number: usize, change: Rebalance, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let Some(own) = &mut self.sourcing else {
            return;
        };
        let projection = &mut own.projections[number];
        let mut free = Vec::new();
        for moved in change.moved {
            let id = moved.partition;
            let here = &mut projection.partitions[id.index()];
            if here.busy {
                continue; // It is handed over when that is done.
            }
            projection.group.release(id);
            projection.group.seek(id, here.projection.position());
            if here.projection.position().0 < here.shown {
                here.recovering = Some((now, here.shown));
            }
            free.push(id.0);
        }
        for partition in free {
            self.read_on(number, partition, out);
        }
    }

    /// An instance of a projection is back.
    pub(in crate::system) fn restore_projection(
        &mut self,
        instance: u32,
        out: &mut Schedule<'_, Event>,
    ) {
        let now = out.now();
        let Some(own) = &mut self.sourcing else {
            return;
        };
        let (number, member) = own.instance(instance);
        let projection = &mut own.projections[number];
        projection.nodes.restore(member);
        let held: Vec<PartitionId> = projection.group.partitions_of(MemberId(member)).collect();
        for id in &held {
            let here = &mut projection.partitions[id.index()];
            here.recovering =
                (here.projection.position().0 < here.shown).then_some((now, here.shown));
        }
        let change = projection.group.join(MemberId(member));
        self.rebalanced(number, change, out);
        for id in held {
            self.read_on(number, id.0, out);
        }
    }
}
