//! What the design costs per month of 730 hours, at the measured load around the clock.
//!
//! machines: instances × rent; the load balancer: rent and capacity units; egress: bytes that clients received, through the
//! price tiers of the region. Amounts are integers of micro-dollars until they are printed, so that they add up exactly.
//!
//! Left out: traffic between zones, storage, support, discounts, and the shape of the day.
//! Source: `assets/` tables, prices of 2026-07.

use super::world::World;
use crate::report::{CostItem, CostReport};
use crate::scenario::Tier;
use crate::scenario::assets::{EgressTier, assets};

const HOURS: u64 = 730;
const SECONDS: f64 = 730.0 * 3600.0;

/// The bill of a system that sends `egress_per_s` bytes per second and publishes `messages_per_s`.
#[must_use]
pub fn cost(
    world: &World,
    egress_per_s: f64,
    new_connections_per_s: f64,
    messages_per_s: f64,
) -> CostReport {
    let design = &world.scenario.design;
    let mut items: Vec<(Tier, &str, u64)> = Vec::new();
    let machines =
        |count: u32, usd_micro_per_hour: u64| u64::from(count) * usd_micro_per_hour * HOURS;
    if let Some(price) = assets().balancer("nlb") {
        let units = [
            f64::from(world.clients.len()) / price.active.max(1) as f64,
            new_connections_per_s / price.new_per_s.max(1) as f64,
            egress_per_s * 3600.0 / 1e9 / price.gb_per_hour.max(1) as f64,
        ];
        let fullest = units.into_iter().fold(0.0, f64::max);
        let rent = price.usd_micro_per_hour * HOURS * u64::from(design.load_balancer.count);
        let capacity = libm::ceil(fullest * (price.usd_micro_per_unit_hour * HOURS) as f64) as u64;
        items.push((Tier::LoadBalancer, "machines", rent + capacity));
    }
    let servers = &design.connection_servers;
    items.push((
        Tier::ConnectionServers,
        "machines",
        machines(servers.count, servers.machine.usd_micro_per_hour),
    ));
    if let Some(owners) = &design.channel_owners {
        items.push((
            Tier::ChannelOwners,
            "machines",
            machines(owners.count, owners.machine.usd_micro_per_hour),
        ));
    }
    if let Some(broker) = &design.broker {
        items.push((
            Tier::Broker,
            "machines",
            machines(broker.count, broker.machine.usd_micro_per_hour),
        ));
    }
    if let Some(database) = &design.database {
        items.push((
            Tier::Database,
            "machines",
            machines(1, database.machine.usd_micro_per_hour),
        ));
    }
    let bytes = egress_per_s * SECONDS;
    items.push((
        Tier::ConnectionServers,
        "egress",
        egress(bytes, assets().egress_tiers(&design.place.0)),
    ));
    let total: u64 = items.iter().map(|item| item.2).sum();
    let usd = |micro: u64| micro as f64 / 1e6;
    let messages = messages_per_s * SECONDS;
    CostReport {
        usd_per_month: usd(total),
        usd_per_million_messages: if messages > 0.0 {
            usd(total) / (messages / 1e6)
        } else {
            0.0
        },
        usd_per_user_month: usd(total) / f64::from(world.scenario.load.users.max(1)),
        price_book: world.scenario.run.price_book.clone(),
        items: items
            .into_iter()
            .map(|(tier, category, micro)| CostItem {
                tier: tier.name().to_owned(),
                category: category.to_owned(),
                usd_per_month: usd(micro),
            })
            .collect(),
    }
}

/// Micro-dollars of `bytes` per month, tier by tier.
fn egress(bytes: f64, tiers: &[EgressTier]) -> u64 {
    let mut from = 0.0;
    let mut micro = 0.0;
    for tier in tiers {
        let end = tier.up_to_bytes.map_or(f64::INFINITY, |end| end as f64);
        let here = (bytes.min(end) - from).max(0.0);
        micro += here / 1e9 * tier.usd_micro_per_gb as f64;
        from = end;
    }
    libm::round(micro) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn egress_goes_through_its_tiers() {
        let tiers = [
            EgressTier {
                up_to_bytes: Some(10_000_000_000_000),
                usd_micro_per_gb: 90_000,
            },
            EgressTier {
                up_to_bytes: None,
                usd_micro_per_gb: 50_000,
            },
        ];
        assert_eq!(egress(1e12, &tiers), 90_000_000);
        assert_eq!(egress(11e12, &tiers), 900_000_000 + 50_000_000);
    }
}
