//! The way between clients and servers, and between servers.
//!
//! One way to a client = half the round trip between the regions + half the round trip of the last mile, drawn once per
//! connection + half a Wi-Fi hop where there is one + the balancer's hop. Slow connections *are* the tail, so this base
//! delay stays with the connection; what varies from packet to packet is jitter: exponential with the access network's
//! deviation, and, for the share of packets the access network loses, one retransmission after TCP's minimum timeout of
//! 200 ms (Linux `TCP_RTO_MIN`) plus a median round trip. What is between servers stands in [`super::sites`].
//!
//! Left out: bandwidth of the last mile, congestion, and everything that makes a path change while a run lasts.
//! Source: `assets/regions.tsv` (measured round trips), `assets/access.tsv` (assumed last miles).

use super::population::ClassId;
use super::sites::{Site, round_trip, site_names};
use crate::delivery::{JitterTable, JitterTables, Place, hash32};
use crate::draw::{Draws, Purpose};
use crate::quantile::{Distribution, QuantileTable};
use crate::scenario::{
    Scenario,
    assets::{AccessNetwork, assets},
};
use crate::time::SimDuration;

const LAST_MILE: Purpose = Purpose::named("population/last-mile");
const WIFI_HOP: Purpose = Purpose::named("population/wifi-hop");
const HAS_WIFI: Purpose = Purpose::named("population/has-wifi");

/// TCP waits so long at least before it sends again.
pub const MIN_RETRANSMIT: SimDuration = SimDuration::from_millis(200);

/// One combination of region and access network.
#[derive(Clone, Debug)]
pub struct Class {
    /// Region name.
    pub place: String,
    /// Access network name.
    pub access: String,
    /// By region of the design.
    trunk_one_way: Vec<SimDuration>,
    last_mile: QuantileTable,
    wifi: Option<QuantileTable>,
}

/// Delays of a scenario's network.
#[derive(Clone, Debug)]
pub struct Network {
    classes: Vec<Class>,
    accesses: usize,
    wifi_share: f64,
    hop: SimDuration,
    jitter: JitterTables,
}

impl Network {
    /// The network of a scenario.
    #[must_use]
    pub fn new(scenario: &Scenario) -> Self {
        let sites = site_names(&scenario.design);
        let wifi = assets().wifi().map(last_mile_table);
        let mut classes = Vec::new();
        for (place, _) in &scenario.load.places {
            for (access, _) in &scenario.load.access {
                let Ok(network) = assets().access(&access.0) else {
                    continue;
                };
                classes.push(Class {
                    place: place.0.clone(),
                    access: access.0.clone(),
                    trunk_one_way: sites
                        .iter()
                        .map(|site| match scenario.design.colo {
                            Some(one_way) if *site == place.0 => one_way,
                            _ => round_trip(&place.0, site) / 2,
                        })
                        .collect(),
                    last_mile: last_mile_table(network),
                    wifi: if network.fixed { wifi.clone() } else { None },
                });
            }
        }
        let networks = scenario.load.access.iter();
        let by_access: Vec<JitterTable> = networks
            .filter_map(|(access, _)| assets().access(&access.0).ok())
            .map(jitter_table)
            .collect();
        let of_classes = (0..classes.len()).map(|class| &by_access[class % by_access.len()]);
        Self {
            accesses: scenario.load.access.len(),
            wifi_share: scenario.load.wifi,
            hop: scenario.design.load_balancer.hop,
            jitter: JitterTables::new(of_classes),
            classes,
        }
    }

    /// The combinations, by [`ClassId`].
    #[must_use]
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// The class of a place and an access network, by their order in the scenario.
    #[must_use]
    pub fn class(&self, place: usize, access: usize) -> ClassId {
        ClassId((place * self.accesses + access) as u8)
    }

    /// The place of a class, by its order in the scenario.
    #[must_use]
    pub fn place_of(&self, class: u8) -> usize {
        usize::from(class) / self.accesses
    }

    /// One way between the connection and a server of a region, without jitter; the same for the life of the population.
    #[must_use]
    pub fn base_delay(
        &self,
        draws: &Draws,
        connection: u32,
        class: ClassId,
        site: Site,
    ) -> SimDuration {
        let class = &self.classes[usize::from(class.0)];
        let entity = u64::from(connection);
        let mut one_way = class.trunk_one_way[usize::from(site)] + self.hop;
        one_way += class.last_mile.sample(draws.u32(LAST_MILE, entity, 0)) / 2;
        if let Some(wifi) = &class.wifi
            && draws.chance(HAS_WIFI, entity, 0, self.wifi_share)
        {
            one_way += wifi.sample(draws.u32(WIFI_HOP, entity, 0)) / 2;
        }
        one_way
    }

    /// What of a connection's base delay lies between its region's network and a server of a region.
    #[must_use]
    pub fn trunk(&self, place: Place, site: Site) -> SimDuration {
        self.classes[usize::from(place.class())].trunk_one_way[usize::from(site)] + self.hop
    }

    /// One way through the balancer.
    #[must_use]
    pub fn hop(&self) -> SimDuration {
        self.hop
    }

    /// The jitter of one message to (or from) one connection, in units; the same whenever it is asked for.
    #[inline]
    #[must_use]
    pub fn jitter_units(&self, place: Place, message_key: u64, connection: u32) -> u32 {
        self.jitter
            .sample(place.class(), hash32(message_key, connection))
    }

    /// Number of access networks; the network of class `c` is `c` modulo it.
    #[must_use]
    pub fn accesses(&self) -> usize {
        self.accesses
    }

    /// The jitter of all classes, for the delivery kernel.
    #[must_use]
    pub fn jitter(&self) -> &JitterTables {
        &self.jitter
    }
}

fn last_mile_table(network: &AccessNetwork) -> QuantileTable {
    let percentiles = Distribution::Percentiles {
        min: None,
        p50: network.rtt_p50,
        p95: network.rtt_p95,
        p99: network.rtt_p99,
    };
    QuantileTable::new(percentiles)
        .or_else(|_| QuantileTable::new(Distribution::Constant(network.rtt_p50)))
        .unwrap_or_else(|problem| panic!("the access table is checked: {problem}"))
}

/// Exponential, with the lost share arriving after a retransmission.
fn jitter_table(network: &AccessNetwork) -> JitterTable {
    let mean_ns = network.jitter.as_nanos() as f64;
    let retransmit_ns = (MIN_RETRANSMIT + network.rtt_p50).as_nanos() as f64;
    let loss = network.loss;
    JitterTable::of(|survival| {
        if survival < loss {
            retransmit_ns - libm::log(survival / loss) * mean_ns
        } else {
            -libm::log((survival - loss) / (1.0 - loss)) * mean_ns
        }
    })
}
