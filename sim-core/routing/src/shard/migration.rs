//! An online move: who reads and writes a key while it changes shards.
//!
//! *Models:* every move of a plan in two steps. First the *double write*: from `begin` on, writes go to the old and
//! the new shard while what was there before is copied; the old shard still answers reads. Then the *cut-over*:
//! once all is copied, and not before the double write has lasted its least time, the new shard alone reads and
//! writes. A move may be aborted until then. *Property:* at any time a key has exactly one reader, and the reader
//! has seen every write. *Formula:* cut-over = max(begin + least double write, copied).
//! *Leaves out:* routers that still hold the old map, and the speed of copying; the caller says when it is done.
//! *Source:* J. Evans, "Online migrations at scale", Stripe 2017 (dual writes, then changed reads); Vitess Reshard
//! and SwitchTraffic.

use super::{Key, RebalancePlan};
use crate::ids::{ShardId, Timestamp};

/// Who reads and writes a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// The shard that answers reads, and takes writes.
    pub owner: ShardId,
    /// The shard that takes writes too, during a double write.
    pub also_writes: Option<ShardId>,
}

/// How far a move is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Progress {
    /// Not begun, or aborted.
    #[default]
    Waiting,
    /// Begun; copying.
    Copying { since: Timestamp },
    /// Copied; the cut-over is set.
    Copied {
        since: Timestamp,
        cut_over: Timestamp,
    },
}

/// A rebalancing plan under way.
#[derive(Clone, Debug)]
pub struct Migration {
    plan: RebalancePlan,
    progress: Vec<Progress>,
    double_write_ns: u64,
}

impl Migration {
    /// A migration whose moves have yet to begin; each writes double for at least `double_write_ns`.
    #[must_use]
    pub fn new(plan: RebalancePlan, double_write_ns: u64) -> Self {
        let progress = vec![Progress::Waiting; plan.moves().len()];
        Self {
            plan,
            progress,
            double_write_ns,
        }
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &RebalancePlan {
        &self.plan
    }

    /// Begins the double write of a move; `false` if there is no such move or it has begun already.
    pub fn begin(&mut self, now: Timestamp, index: usize) -> bool {
        let Some(waiting @ Progress::Waiting) = self.progress.get_mut(index) else {
            return false;
        };
        *waiting = Progress::Copying { since: now };
        true
    }

    /// All that the old shard held of a move is on the new one. Returns the time of the cut-over; `None` if the
    /// move is not being copied.
    pub fn on_copied(&mut self, now: Timestamp, index: usize) -> Option<Timestamp> {
        let progress = self.progress.get_mut(index)?;
        let Progress::Copying { since } = *progress else {
            return None;
        };
        let cut_over = now.max(since.plus(self.double_write_ns));
        *progress = Progress::Copied { since, cut_over };
        Some(cut_over)
    }

    /// Gives a move up: the old shard has it alone again, and it may begin anew. `false` if it has not begun, or
    /// after its cut-over.
    pub fn abort(&mut self, now: Timestamp, index: usize) -> bool {
        let Some(progress) = self.progress.get_mut(index) else {
            return false;
        };
        let aborted = match *progress {
            Progress::Waiting => false,
            Progress::Copying { .. } => true,
            Progress::Copied { cut_over, .. } => now < cut_over,
        };
        if aborted {
            *progress = Progress::Waiting;
        }
        aborted
    }

    /// Who reads and writes at `now` a key that the old map has on `owner`.
    #[must_use]
    pub fn access(&self, now: Timestamp, owner: ShardId, key: Key) -> Access {
        let alone = |owner| Access {
            owner,
            also_writes: None,
        };
        let Some(index) = self.plan.find(owner, key) else {
            return alone(owner);
        };
        let to = self.plan.moves()[index].to;
        match self.progress[index] {
            Progress::Copied { cut_over, .. } if now >= cut_over => alone(to),
            Progress::Copying { since } | Progress::Copied { since, .. } if now >= since => {
                let also_writes = Some(to);
                Access { owner, also_writes }
            }
            _ => alone(owner),
        }
    }

    /// Whether every move is past its cut-over at `now`: the new map may replace the old one and this.
    #[must_use]
    pub fn is_finished(&self, now: Timestamp) -> bool {
        self.progress.iter().all(
            |progress| matches!(progress, Progress::Copied { cut_over, .. } if now >= *cut_over),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shard::RangeMap;

    const OLD: ShardId = ShardId(0);
    const NEW: ShardId = ShardId(1);

    fn migration() -> Migration {
        let old = RangeMap::even(&[OLD]);
        let mut new = old.clone();
        new.split(100, NEW).unwrap();
        Migration::new(RebalancePlan::of_ranges(&old, &new), 50)
    }

    fn at(migration: &Migration, now: u64) -> Access {
        migration.access(Timestamp(now), OLD, Key::new(100))
    }

    fn access(owner: ShardId, also_writes: Option<ShardId>) -> Access {
        Access { owner, also_writes }
    }

    #[test]
    fn the_old_shard_reads_until_the_cut_over() {
        let mut moving = migration();
        assert_eq!(moving.on_copied(Timestamp(5), 0), None, "not begun");
        assert!(moving.begin(Timestamp(10), 0) && !moving.begin(Timestamp(11), 0));
        assert_eq!(moving.on_copied(Timestamp(20), 0), Some(Timestamp(60)));
        assert_eq!(at(&moving, 9), access(OLD, None));
        assert_eq!(at(&moving, 10), access(OLD, Some(NEW)));
        assert_eq!(at(&moving, 59), access(OLD, Some(NEW)));
        assert_eq!(at(&moving, 60), access(NEW, None));
        let elsewhere = moving.access(Timestamp(60), OLD, Key::new(99));
        assert_eq!(elsewhere, access(OLD, None));
        assert!(!moving.is_finished(Timestamp(59)) && moving.is_finished(Timestamp(60)));
    }

    #[test]
    fn a_slow_copy_delays_the_cut_over_and_an_abort_undoes_it() {
        let mut moving = migration();
        assert!(!moving.abort(Timestamp(0), 0), "nothing to abort");
        moving.begin(Timestamp(10), 0);
        assert!(moving.abort(Timestamp(20), 0));
        assert_eq!(at(&moving, 20), access(OLD, None));
        moving.begin(Timestamp(30), 0);
        assert_eq!(moving.on_copied(Timestamp(500), 0), Some(Timestamp(500)));
        assert!(!moving.abort(Timestamp(500), 0), "cut over");
        assert!(!moving.begin(Timestamp(500), 9) && !moving.abort(Timestamp(500), 9));
    }
}
