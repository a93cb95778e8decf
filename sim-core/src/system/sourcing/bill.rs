//! What an event log adds to a month's usage: disks for what it keeps, and bytes between zones.
//!
//! *Assumed:* every copy stands in a zone of its own as far as there are zones; what is appended in a month of this load is kept for the retention on disks
//! like those of the database, each copy on its own.
//! *Left out:* snapshots of projections, and indexes.

use crate::cost::{SECONDS_PER_MONTH, Stored, Transfer, Usage};
use crate::scenario::Tier;
use crate::system::world::World;
use crate::time::SimTime;

use super::reading::SourcingReading;

/// Said with every bill that has a log.
pub const ASSUMED: &str =
    "each copy of the log keeps what is appended for its retention on disks of its own (Assumed)";
/// Zones of a region.
const ZONES: u128 = 3;
/// What the log is kept on.
const DISK: &str = "ebs-gp3";

/// Adds what was used since measuring began; `month` makes a month's count of a count.
pub fn add(usage: &mut Usage, world: &World, now: SimTime, month: impl Fn(u64) -> u128) {
    let Some(tier) = &world.scenario.design.sourcing else {
        return;
    };
    let after = SourcingReading::of(world, now);
    let bytes = month(after.bytes - world.baseline.sourcing.bytes);
    let region = world.scenario.design.place.0.clone();
    let log = &tier.log;
    let copies = u128::from(log.replication);
    let kept_s = u128::from(log.retention.as_nanos() / 1_000_000_000);
    usage.storage.push(Stored {
        tier: Tier::Log.name().to_owned(),
        region: region.clone(),
        product: DISK.to_owned(),
        byte_months: bytes * copies * kept_s / u128::from(SECONDS_PER_MONTH),
    });
    let crossing = [
        (Tier::CommandSide, bytes * (ZONES - 1) / ZONES),
        (Tier::Log, bytes * (copies - 1).min(ZONES - 1)),
        (
            Tier::Log,
            bytes * tier.projections.len() as u128 * (ZONES - 1) / ZONES,
        ),
    ];
    for (tier, bytes) in crossing.into_iter().filter(|sent| sent.1 > 0) {
        usage.inter_zone.push(Transfer {
            tier: tier.name().to_owned(),
            region: region.clone(),
            to: None,
            bytes,
        });
    }
}
