//! More shards while the system works: a plan, copies in batches, a double write, a cut-over.
//!
//! Models: the real [`RebalancePlan`] between the map of today and that with the new shards names what moves, over every key that
//! the population has; the real [`Migration`] says at any time who reads and writes a key. Each old shard copies its moves one
//! after the other. A batch of records is one query of the old shard and then one command of the new one, over connections of
//! their pools like any other, so copying takes from what users have, and waits for them. A refused batch is tried
//! again a second later. *Formula:* migration_s = the last cut-over − the begin.
//! Leaves out: the bytes of what is copied, records that are written faster than they are copied, and the rent of the new shards.

use routing::ShardId;
use routing::shard::{Migration, RebalancePlan};

use super::event::Event;
use super::operation::Kind;
use super::pools::Queried;
use super::servers::timestamp;
use super::world::World;
use crate::draw::Purpose;
use crate::engine::Schedule;
use crate::report::ReshardingReport;
use crate::scenario::Reshard;
use crate::time::{SimDuration, SimTime};

const BATCH: Purpose = Purpose::named("reshard/batch");
/// After which a refused batch is tried again.
const AGAIN: SimDuration = SimDuration::from_secs(1);

/// Copying under way, or done.
#[derive(Clone, Debug)]
pub struct Resharding {
    began: SimTime,
    /// The last cut-over so far.
    ends: SimTime,
    batch: u32,
    moved_share: f64,
    between_old: f64,
    /// Moves that are not all copied.
    open: usize,
    /// By move.
    copying: Vec<Copying>,
    /// By old shard: its moves that have yet to begin, the next one last.
    waiting: Vec<Vec<u32>>,
    batches: u64,
}

/// One move on its way.
#[derive(Clone, Copy, Debug)]
struct Copying {
    from: u32,
    to: u32,
    /// Records still to copy.
    left: u64,
    /// Batches so far.
    batches: u64,
    /// When its present step began, and whether that is the write.
    step: Option<(SimTime, bool)>,
}

impl Resharding {
    /// What a report says of it.
    #[must_use]
    pub fn report(&self, now: SimTime) -> ReshardingReport {
        let over = self.open == 0 && self.ends <= now;
        let lasted = self.ends.saturating_since(self.began).as_secs_f64();
        ReshardingReport {
            moved_keys: self.moved_share,
            moved_between_old_shards: self.between_old,
            moves: self.copying.len() as u64,
            batches: self.batches,
            migration_s: over.then_some(lasted),
        }
    }
}

impl World {
    /// The database gets more shards.
    pub(super) fn reshard(&mut self, change: Reshard, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let users = self.clients.len();
        let (records, channels) = (self.records.count(), self.channels);
        let Some(databases) = &mut self.databases else {
            return;
        };
        databases.grow(&self.scenario, change.to);
        let Some(split) = databases.split.as_mut() else {
            return;
        };
        let have = self.scenario.design.shards.map_or(1, |shards| shards.count);
        let mut map = split.map.clone();
        for shard in have..change.to {
            map.add(ShardId(shard));
        }
        let keys = split.keys(records, users, channels);
        let plan = RebalancePlan::between(&split.map, &map, &keys);
        drop(keys);
        let moves = plan.moves();
        let mut left: Vec<u64> = moves
            .iter()
            .map(|step| libm::round(step.share * f64::from(records)) as u64)
            .collect();
        if split.counts_records() {
            left.fill(0);
            for record in 0..records {
                let key = split.key_of_record(record);
                let owner = split.map.owner_of(key);
                if let Some(index) = owner.and_then(|owner| plan.find(owner, key)) {
                    left[index] += 1;
                }
            }
        }
        let mut waiting = vec![Vec::new(); have as usize];
        for (index, step) in moves.iter().enumerate().rev() {
            waiting[step.from.0 as usize].push(index as u32);
        }
        let copying = moves.iter().zip(left).map(|(step, left)| Copying {
            from: step.from.0,
            to: step.to.0,
            left,
            batches: 0,
            step: None,
        });
        let between = moves.iter().filter(|step| step.to.0 < have);
        self.resharding = Some(Resharding {
            began: now,
            ends: now,
            batch: change.batch,
            moved_share: plan.moved_share(),
            between_old: between.fold(0.0, |sum, step| sum + step.share),
            open: moves.len(),
            copying: copying.collect(),
            waiting,
            batches: 0,
        });
        split.migration = Some(Migration::new(plan, change.double_write.as_nanos()));
        for shard in 0..have {
            self.next_move(shard, out);
        }
    }

    /// An old shard begins its next move.
    fn next_move(&mut self, shard: u32, out: &mut Schedule<'_, Event>) {
        let split = self.databases.as_mut().and_then(|all| all.split.as_mut());
        let (Some(resharding), Some(split)) = (&mut self.resharding, split) else {
            return;
        };
        let Some(index) = resharding.waiting[shard as usize].pop() else {
            return;
        };
        if let Some(migration) = &mut split.migration {
            migration.begin(timestamp(out.now()), index as usize);
        }
        out.after(SimDuration::ZERO, Event::Moves(index));
    }

    /// The next step of a move: its batch was read, or written, or it has all been copied.
    pub(super) fn moves_on(&mut self, index: u32, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let (Some(databases), Some(resharding)) = (&mut self.databases, &mut self.resharding)
        else {
            return;
        };
        let moving = &mut resharding.copying[index as usize];
        let mut writes = false;
        if let Some((since, wrote)) = moving.step.take() {
            let shard = if wrote { moving.to } else { moving.from };
            let lost = databases.shards[shard as usize].lost(since, now);
            if wrote && !lost {
                moving.left = moving.left.saturating_sub(resharding.batch.into());
                resharding.batches += 1;
            }
            writes = !wrote && !lost;
        }
        if moving.left == 0 {
            return self.moved(index, out);
        }
        let (shard, kind) = if writes {
            (moving.to, Kind::Command)
        } else {
            (moving.from, Kind::Query)
        };
        moving.batches += 1;
        let bits = self.draws.u32(BATCH, index.into(), moving.batches);
        match databases.ask(now, (shard as usize, 0), kind, bits) {
            Queried::Served(departure) => {
                moving.step = Some((now, writes));
                out.at(departure.at, Event::Moves(index));
            }
            Queried::Refused | Queried::GivesUp(_) => out.after(AGAIN, Event::Moves(index)),
        }
    }

    /// All of a move is on its new shard.
    fn moved(&mut self, index: u32, out: &mut Schedule<'_, Event>) {
        let split = self.databases.as_mut().and_then(|all| all.split.as_mut());
        let migration = split.and_then(|split| split.migration.as_mut());
        let (Some(resharding), Some(migration)) = (&mut self.resharding, migration) else {
            return;
        };
        let cut_over = migration.on_copied(timestamp(out.now()), index as usize);
        let cut_over = cut_over.map_or(out.now(), |at| SimTime::from_nanos(at.0));
        let from = resharding.copying[index as usize].from;
        resharding.ends = resharding.ends.max(cut_over);
        resharding.open -= 1;
        self.next_move(from, out);
    }
}
