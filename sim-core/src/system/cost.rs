//! What a measured system used in a month, and its bill.
//!
//! Rates measured over the run are taken for a month of 730 hours, at this load around the clock ([`DayShape::FLAT`]); with a
//! daily shape they are first related to the busiest hour and then integrated over the day. They are
//! priced by the scenario's price book ([`crate::cost`]). The rent of connection servers is divided between idle connections
//! (memory held, heartbeats, polls, accepting) and messages (CPU, network) by [`rent_share_ppm`]; what the servers did is
//! counted by the work itself, not guessed from the traffic.
//!
//! *Assumed:* every tier is spread over [`ZONES`] zones in turn; the balancer keeps clients in their zone; a copy between
//! tiers crosses zones as [`zones_crossed_ppm`] says; every database call carries the operation's payload once; replicas of
//! a broker partition stand in other zones; messages that pass through the database stay for [`KEPT_MONTHS`] month.
//!
//! *Left out:* disks of machines, backups, bytes from clients (vendors do not bill them).

use std::collections::BTreeMap;

use routing::RoutingMode;

use super::baseline::Baseline;
use super::edge;
use super::ledger::Ledger;
use super::operation::Kind;
use super::sites::{Site, site_names};
use super::sourcing;
use super::world::World;
use crate::cost::{
    Activity, BalancerUse, Bill, DayShape, HOURS_PER_MONTH, Instances, MILLION, MINUTES_PER_MONTH,
    PriceBook, Purpose, Rent, SECONDS_PER_MONTH, Stored, Transfer, Usage, bill, book, integrate,
    managed, managed_names, rent_share_ppm, zones_crossed_ppm,
};
use crate::report::{CostItem, CostReport, ManagedReport};
use crate::scenario::assets::{PRICE_BOOK, assets};
use crate::scenario::{Design, Machine, Scenario, Tier, pooler};
use crate::time::SimTime;

/// Zones of a region that tiers are spread over.
const ZONES: u64 = 3;
/// The tier that bytes between regions are billed for.
const INTER_REGION: &str = "inter_region_links";
/// How long the database keeps a message.
const KEPT_MONTHS: u128 = 1;

/// The bill of a system by what was measured up to `now`.
#[must_use]
pub fn cost(world: &World, ledger: &Ledger, now: SimTime) -> CostReport {
    let (shape, of_busiest) = day(world, ledger, now);
    let month = Month::new(ledger, now, of_busiest / world.stands_for());
    let usage = usage(world, ledger, &month, now);
    let usage = integrate(&usage, &BTreeMap::new(), shape);
    let Some(book) = book(&world.scenario.run.price_book).or_else(|| book(PRICE_BOOK)) else {
        return CostReport::default();
    };
    let bill = bill(&usage, book);
    CostReport {
        crossover_deliveries_per_s: crossover(&usage),
        shape: label(world, shape),
        managed: alternatives(world, ledger, &month, &usage, shape),
        notes: notes(&bill, &usage, book)
            .into_iter()
            .chain(left_out(&world.scenario.design))
            .collect(),
        ..report(&bill, world.scenario.run.price_book.clone())
    }
}

/// The shape of the day, and the mean level of the measured time, by which what was measured falls short of the busiest
/// hour. Days are those of all places together, in UTC, since the tiers stand in one region.
fn day(world: &World, ledger: &Ledger, now: SimTime) -> (DayShape, f64) {
    const PARTS: u32 = 96;
    let over_time = &world.scenario.over_time;
    let places = &world.scenario.load.places;
    if !over_time.shape.is_daily() {
        return (DayShape::FLAT, 1.0);
    }
    let hour = |hour: usize| {
        over_time
            .mix_at_hour(places, hour as f64 + 0.5)
            .clamp(0.0, 1.0)
    };
    let Ok(shape) = DayShape::from_hourly(core::array::from_fn(hour)) else {
        return (DayShape::FLAT, 1.0);
    };
    let clock = |at: f64| over_time.day.starts + at / over_time.day.lasts.as_secs_f64() * 24.0;
    let (from, to) = (ledger.since.as_secs_f64(), now.as_secs_f64());
    let level = |part: u32| {
        let at = from + (to - from) * (f64::from(part) + 0.5) / f64::from(PARTS);
        over_time.mix_at_hour(places, clock(at))
    };
    let mean = (0..PARTS).map(level).sum::<f64>() / f64::from(PARTS);
    (shape, mean)
}

/// What the bill is about.
fn label(world: &World, shape: DayShape) -> String {
    let over_time = &world.scenario.over_time;
    if over_time.is_constant() || over_time.shape.is_daily() {
        shape.label()
    } else {
        "at the mean load of this run around the clock".to_owned()
    }
}

fn report(bill: &Bill, price_book: String) -> CostReport {
    let table = |sums: BTreeMap<String, u64>| {
        let all = sums.into_iter();
        all.map(|(name, micro)| (name, usd(micro))).collect()
    };
    let total = bill.usd_micro_per_month();
    let per = |parts: f64| if parts > 0.0 { usd(total) / parts } else { 0.0 };
    CostReport {
        usd_per_month: usd(total),
        usd_per_million_messages: per(bill.messages as f64 / 1e6),
        usd_per_user_month: per(bill.users.max(1) as f64),
        price_book,
        items: bill
            .items()
            .into_iter()
            .map(|(tier, category, micro)| CostItem {
                tier: tier.to_owned(),
                category: category.to_owned(),
                usd_per_month: usd(micro),
            })
            .collect(),
        usd_per_year: usd(bill.usd_micro_per_year()),
        by_tier: table(bill.by_tier()),
        by_purpose: bill
            .by_purpose()
            .into_iter()
            .map(|(purpose, micro)| (purpose.name().to_owned(), usd(micro)))
            .collect(),
        by_region: table(bill.by_region()),
        ..CostReport::default()
    }
}

fn usd(micro: u64) -> f64 {
    micro as f64 / 1e6
}

/// Counts of the measured time as counts of a month.
struct Month {
    seconds: f64,
}

impl Month {
    /// `level`: what was measured relative to the load that the month is counted at, and to the whole.
    fn new(ledger: &Ledger, now: SimTime, level: f64) -> Self {
        Self {
            seconds: now.saturating_since(ledger.since).as_secs_f64() * level,
        }
    }

    fn of(&self, count: u64) -> u128 {
        if self.seconds > 0.0 {
            libm::round(count as f64 / self.seconds * SECONDS_PER_MONTH as f64) as u128
        } else {
            0
        }
    }
}

/// What a month's traffic adds up to; counts and bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flows {
    /// Open connections wanted.
    pub(crate) connections: u64,
    /// Connect attempts.
    pub(crate) new_connections: u128,
    /// Bytes to clients.
    pub(crate) egress: u128,
    /// Messages published.
    pub(crate) publishes: u128,
    /// Edits made.
    pub(crate) edits: u128,
    /// Copies received.
    pub(crate) deliveries: u128,
    /// Bytes to whoever orders messages.
    pub(crate) to_order: u128,
    /// Bytes of copies between tiers.
    pub(crate) copies: u128,
    /// Bytes to and from the database.
    pub(crate) database: u128,
    /// Bytes to and from the cache.
    pub(crate) cache: u128,
    /// Bytes to clients by region; empty for a design in one.
    pub(crate) egress_of: Vec<u128>,
    /// Bytes between regions: from, to, how many.
    pub(crate) between: Vec<(usize, usize, u128)>,
    /// The part of the connection servers' rent that idle connections answer for, of a million.
    pub(crate) idle_ppm: u64,
}

fn usage(world: &World, ledger: &Ledger, month: &Month, now: SimTime) -> Usage {
    let (total, before) = (world.ledger.inner, world.baseline.inner);
    let flows = Flows {
        connections: libm::round(f64::from(world.clients.len()) * world.stands_for()) as u64,
        new_connections: month.of(ledger.attempts),
        egress: month.of(ledger.egress_bytes - world.baseline.egress_bytes),
        publishes: month.of(ledger.kinds[Kind::Publish.index()].offered),
        edits: month.of(ledger.kinds[Kind::Edit.index()].offered),
        deliveries: deliveries(ledger, month),
        to_order: month.of(total.to_order - before.to_order),
        copies: month.of(total.copies - before.copies),
        database: month.of(total.database - before.database),
        cache: month.of(total.cache - before.cache),
        egress_of: egress_of(world, month),
        between: world
            .sites
            .bytes()
            .map(|(from, to, bytes)| (from, to, month.of(bytes)))
            .collect(),
        idle_ppm: idle_share(world, now),
    };
    let mut usage = usage_of(world.billed(), &flows);
    edge::bill::add(&mut usage, world, now, |count| month.of(count));
    sourcing::bill::add(&mut usage, world, now, |count| month.of(count));
    usage
}

/// Bytes that the servers of each region sent to clients.
fn egress_of(world: &World, month: &Month) -> Vec<u128> {
    if !world.sites.many() {
        return Vec::new();
    }
    let sent = |id: u32| {
        let before = world.baseline.servers.get(id as usize);
        world.servers.servers[id as usize].bytes_out - before.map_or(0, |reading| reading.bytes_out)
    };
    let sites = 0..world.sites.len();
    sites
        .map(|site| world.sites.servers.at(site as Site).map(sent).sum())
        .map(|bytes| month.of(bytes))
        .collect()
}

/// The usage of a scenario (its patterns applied to its design) with these flows.
pub(crate) fn usage_of(scenario: &Scenario, flows: &Flows) -> Usage {
    let design = &scenario.design;
    let region = design.place.0.clone();
    let connections = flows.connections;
    Usage {
        users: scenario.load.users.into(),
        instances: instances(design, flows.idle_ppm),
        balancers: balancers(design, flows),
        // Who stands in the same hall is reached by cross-connects.
        egress: match design.colo {
            Some(_) => Vec::new(),
            None => egress(design, flows),
        },
        inter_zone: inter_zone(design, flows),
        inter_region: inter_region(design, flows),
        storage: stored(scenario, flows.publishes).into_iter().collect(),
        edge: Vec::new(),
        metered: Vec::new(),
        activity: vec![Activity {
            region,
            messages: flows.publishes + flows.edits,
            deliveries: flows.deliveries,
            connection_minutes: u128::from(connections * MINUTES_PER_MONTH),
        }],
    }
}

/// Shares of what is done in each region, of a million.
fn by_region(design: &Design, flows: &Flows) -> Vec<(String, u128)> {
    let names = site_names(design);
    let all: u128 = flows.egress_of.iter().sum();
    let share = |site: usize| match flows.egress_of.get(site) {
        Some(bytes) if all > 0 => bytes * u128::from(MILLION) / all,
        _ => u128::from(MILLION) / names.len() as u128,
    };
    let shares: Vec<u128> = (0..names.len()).map(share).collect();
    names.into_iter().zip(shares).collect()
}

/// Parts of a count by region, which add up to it.
fn parts(count: u128, regions: &[(String, u128)]) -> Vec<(String, u128)> {
    let mut left = count;
    let mut parts: Vec<(String, u128)> = Vec::new();
    for (name, ppm) in regions {
        let part = (count * ppm / u128::from(MILLION)).min(left);
        left -= part;
        parts.push((name.clone(), part));
    }
    if let Some((_, first)) = parts.first_mut() {
        *first += left;
    }
    parts
}

fn balancers(design: &Design, flows: &Flows) -> Vec<BalancerUse> {
    let regions = by_region(design, flows);
    let many = regions.len() as u32;
    let hours = u128::from(flows.connections * HOURS_PER_MONTH);
    let each = parts(flows.new_connections, &regions)
        .into_iter()
        .zip(parts(hours, &regions))
        .zip(parts(flows.egress, &regions));
    each.map(
        |(((region, new_connections), (_, connection_hours)), (_, bytes))| BalancerUse {
            tier: Tier::LoadBalancer.name().to_owned(),
            region,
            count: (design.load_balancer.count / many).into(),
            new_connections,
            connection_hours,
            bytes,
        },
    )
    .collect()
}

fn egress(design: &Design, flows: &Flows) -> Vec<Transfer> {
    let parts = parts(flows.egress, &by_region(design, flows));
    parts
        .into_iter()
        .map(|(region, bytes)| Transfer {
            tier: Tier::ConnectionServers.name().to_owned(),
            region,
            to: None,
            bytes,
        })
        .collect()
}

/// Copies, messages to be ordered, and calls of the database that leave a region.
fn inter_region(design: &Design, flows: &Flows) -> Vec<Transfer> {
    let names = site_names(design);
    let each = flows.between.iter();
    each.map(|&(from, to, bytes)| Transfer {
        tier: INTER_REGION.to_owned(),
        region: names[from].clone(),
        to: Some(names[to].clone()),
        bytes,
    })
    .collect()
}

fn deliveries(ledger: &Ledger, month: &Month) -> u128 {
    [Kind::Publish, Kind::Presence, Kind::Edit]
        .iter()
        .map(|kind| month.of(ledger.kinds[kind.index()].received))
        .sum()
}

fn instances(design: &Design, idle_ppm: u64) -> Vec<Instances> {
    let at = |region: String, tier: Tier, machine: &Machine, count: u32, rent: Rent| Instances {
        tier: tier.name().to_owned(),
        region,
        machine: machine.name.clone(),
        // A scenario may bring a machine of its own, even under a known name.
        own_usd_micro_per_hour: (assets().machine(&machine.name) != Some(machine))
            .then_some(machine.usd_micro_per_hour),
        count: count.into(),
        rent,
    };
    let of = |tier, machine: &Machine, count, rent| {
        at(design.place.0.clone(), tier, machine, count, rent)
    };
    let spread = |tier: Tier, machine: &Machine, count: u32, rent: Rent| -> Vec<Instances> {
        let Some(regions) = &design.regions else {
            return vec![of(tier, machine, count, rent)];
        };
        let named = regions.names().zip(regions.spread(count));
        named
            .map(|(name, count)| at(name.to_owned(), tier, machine, count, rent))
            .collect()
    };
    let servers = &design.connection_servers;
    let mut all = spread(
        Tier::ConnectionServers,
        &servers.machine,
        servers.count,
        Rent::Connections { idle_ppm },
    );
    let messages = Rent::All(Purpose::MessageCpu);
    if let Some(owners) = &design.channel_owners {
        let owned = (&owners.machine, owners.count);
        all.extend(spread(Tier::ChannelOwners, owned.0, owned.1, messages));
    }
    if let Some(broker) = &design.broker {
        let carried = (&broker.machine, broker.count);
        all.extend(spread(Tier::Broker, carried.0, carried.1, messages));
    }
    if let Some(documents) = &design.documents {
        let kept = (&documents.machine, documents.count);
        all.push(of(Tier::Documents, kept.0, kept.1, messages));
    }
    if let Some(cache) = &design.cache {
        let rent = Rent::All(Purpose::Data);
        if design.cache_clusters() > 1 {
            let own = |region| at(region, Tier::Cache, &cache.machine, cache.count, rent);
            all.extend(site_names(design).into_iter().map(own));
        } else {
            all.push(of(Tier::Cache, &cache.machine, cache.count, rent));
        }
    }
    if let Some(pooler) = pooler(design)
        && let Some(machine) = &pooler.machine
    {
        let rent = Rent::All(Purpose::Data);
        all.push(of(Tier::Pooler, machine, pooler.count, rent));
    }
    if let (Some(replicas), Some(database)) = (design.replicas, &design.database) {
        let count = design.shards.map_or(1, |shards| shards.count) * replicas.count;
        let rent = Rent::All(Purpose::Data);
        for region in site_names(design) {
            all.push(at(region, Tier::Replicas, &database.machine, count, rent));
        }
    }
    if let Some(database) = &design.database {
        let rent = Rent::All(Purpose::Data);
        let count = design.shards.map_or(1, |shards| shards.count);
        let many = design
            .regions
            .as_ref()
            .is_some_and(|all| all.writes.is_some());
        if many {
            let own = |region| at(region, Tier::Database, &database.machine, count, rent);
            all.extend(site_names(design).into_iter().map(own));
        } else {
            all.push(of(Tier::Database, &database.machine, count, rent));
        }
    }
    if let Some(origin) = &design.origin {
        let rent = Rent::All(Purpose::Edge);
        all.push(of(Tier::Origin, &origin.machine, origin.count, rent));
    }
    let data = Rent::All(Purpose::Data);
    if let Some(own) = &design.sourcing {
        let side = &own.commands;
        all.push(of(Tier::CommandSide, &side.machine, side.count, messages));
        all.push(of(Tier::Log, &own.log.machine, own.log.count, data));
        for one in &own.projections {
            all.push(of(Tier::Projections, &one.machine, one.count, data));
        }
    }
    if let Some(stock) = &design.stock {
        all.push(of(Tier::Stock, &stock.machine, stock.count, data));
    }
    if let Some(engines) = &design.matching {
        let count = engines.count * (1 + engines.replicas);
        all.push(of(Tier::MatchingEngine, &engines.machine, count, data));
    }
    if let Some(service) = &design.notifications {
        all.push(of(
            Tier::Notifications,
            &service.machine,
            service.count,
            messages,
        ));
    }
    all
}

/// The part of the connection servers' rent that idle connections answer for, of a million.
fn idle_share(world: &World, now: SimTime) -> u64 {
    let tier = &world.scenario.design.connection_servers;
    let servers = &world.servers.servers;
    let after = Baseline::of(world, now);
    let before = &world.baseline;
    let mut sums = [0u64; 4];
    for (index, (server, reading)) in servers.iter().zip(&after.servers).enumerate() {
        let start = before.servers.get(index).copied().unwrap_or_default();
        let add = [
            server.held,
            reading.demand_ns[0] - start.demand_ns[0],
            reading.demand_ns[1] - start.demand_ns[1],
            reading.bytes_out - start.bytes_out,
        ];
        for (sum, more) in sums.iter_mut().zip(add) {
            *sum += more;
        }
    }
    let [held, for_connections, for_messages, bytes] = sums.map(u128::from);
    let count = servers.len().max(1) as u128;
    let measured = now.saturating_since(world.ledger.since).as_nanos().max(1);
    let share = |used: u128, there_is: u128| {
        (used * u128::from(MILLION) / (there_is * count).max(1)) as u64
    };
    let cpu = u128::from(measured) * u128::from(tier.machine.cores);
    rent_share_ppm(
        share(
            held * u128::from(tier.profile.memory_per_connection_bytes),
            tier.machine.memory_bytes.into(),
        ),
        share(for_connections, cpu),
        share(for_messages, cpu),
        // bits × 10⁹ / (bits per second × nanoseconds)
        share(
            bytes * 8 * 1_000_000_000,
            u128::from(tier.machine.network_bits_per_s) * u128::from(measured),
        ),
    )
}

/// What messages need grows with their rate, what idle connections need does not: where both answer for half of the rent of
/// the connection servers, in deliveries per second and connection.
fn crossover(usage: &Usage) -> Option<f64> {
    let servers = usage.instances.iter().find_map(|tier| match tier.rent {
        Rent::Connections { idle_ppm } => Some(idle_ppm),
        Rent::All(_) => None,
    })?;
    let messages = MILLION.checked_sub(servers).filter(|ppm| *ppm > 0)?;
    let minutes: u128 = usage.activity.iter().map(|a| a.connection_minutes).sum();
    let deliveries: u128 = usage.activity.iter().map(|a| a.deliveries).sum();
    let per_connection_s = deliveries as f64 / (minutes.max(1) as f64 * 60.0);
    Some(per_connection_s * servers as f64 / messages as f64)
}

/// Bytes that cross zones, by the tier that sends them.
fn inter_zone(design: &Design, flows: &Flows) -> Vec<Transfer> {
    let servers = u64::from(design.connection_servers.count);
    let ordering = match design.routing {
        RoutingMode::ChannelOwner => design
            .channel_owners
            .as_ref()
            .map(|owners| (Tier::ChannelOwners, u64::from(owners.count), 1)),
        RoutingMode::Broadcast | RoutingMode::Interest => design.broker.as_ref().map(|broker| {
            let replicas = u64::from(broker.replication);
            (Tier::Broker, u64::from(broker.count), replicas)
        }),
        RoutingMode::Local => None,
    };
    let (tier, nodes, replicas) = ordering.unwrap_or((Tier::ConnectionServers, 1, 1));
    let Flows {
        to_order,
        copies,
        database,
        cache,
        ..
    } = flows.clone();
    let shards = design.shards.map_or(1, |shards| u64::from(shards.count));
    let (answering, stores) = match &design.sourcing {
        Some(own) => (Tier::Projections, own.instances().max(1).into()),
        None => (Tier::Database, shards),
    };
    let nodes_of_cache = design.cache.as_ref().map_or(1, |cache| cache.count.into());
    let crossing = |bytes: u128, from: u64, to: u64| {
        bytes * u128::from(zones_crossed_ppm(from, to, ZONES)) / u128::from(MILLION)
    };
    let to_replicas = to_order * u128::from(replicas.saturating_sub(1).min(ZONES - 1));
    let sent = [
        (Tier::ConnectionServers, crossing(to_order, servers, nodes)),
        (tier, crossing(copies, nodes, servers) + to_replicas),
        (Tier::Cache, crossing(cache, nodes_of_cache, servers)),
        (answering, crossing(database, stores, servers)),
    ];
    sent.into_iter()
        .filter(|(_, bytes)| *bytes > 0)
        .map(|(tier, bytes)| Transfer {
            tier: tier.name().to_owned(),
            region: design.place.0.clone(),
            to: None,
            bytes,
        })
        .collect()
}

/// Messages that pass through the database and stay there.
fn stored(scenario: &Scenario, publishes: u128) -> Option<Stored> {
    let publish = scenario.traffic.publish.as_ref()?;
    let design = &scenario.design;
    let keeps = design.database.is_some() && publish.queries > 0;
    keeps.then(|| Stored {
        tier: Tier::Database.name().to_owned(),
        region: design.place.0.clone(),
        product: "ebs-gp3".to_owned(),
        byte_months: publishes * u128::from(publish.size_bytes) * KEPT_MONTHS,
    })
}

/// The same connections and messages at each managed service.
fn alternatives(
    world: &World,
    ledger: &Ledger,
    month: &Month,
    usage: &Usage,
    shape: DayShape,
) -> Vec<ManagedReport> {
    let connections = u64::from(world.residents);
    let minutes = usage.activity.iter().map(|a| a.connection_minutes).sum();
    let (mut messages, mut bytes) = (0u128, 0u128);
    for kind in [
        Kind::Publish,
        Kind::Presence,
        Kind::Query,
        Kind::Command,
        Kind::Edit,
    ] {
        let own = &ledger.kinds[kind.index()];
        // Requests are published once and answered once.
        let received = if kind.is_answered() {
            own.completed
        } else {
            own.received
        };
        let metered = month.of(own.offered) + month.of(received);
        messages += metered;
        bytes += metered * u128::from(world.payload_bytes(kind));
    }
    let messages = shape.scale(messages);
    let bytes = shape.scale(bytes);
    let mean_bytes = bytes.checked_div(messages).unwrap_or(0) as u64;
    let priced = |service: &str| match managed(service, connections, minutes, messages, mean_bytes)
    {
        Ok(bill) => ManagedReport {
            service: service.to_owned(),
            usd_per_month: Some(usd(bill.bill.usd_micro_per_month())),
            limits: bill
                .limits
                .iter()
                .map(|limit| format!("{}: {} {}", limit.name, limit.value, limit.unit))
                .collect(),
            note: std::iter::once(bill.note)
                .chain(bill.exceeded)
                .collect::<Vec<_>>()
                .join("; "),
        },
        Err(problem) => ManagedReport {
            service: service.to_owned(),
            note: problem.to_string(),
            ..ManagedReport::default()
        },
    };
    managed_names().into_iter().map(priced).collect()
}

/// What a bill leaves out of what a design has.
fn left_out(design: &Design) -> impl Iterator<Item = String> {
    let hall = design
        .colo
        .map(|_| "cross-connects within the hall are left out: no price is known");
    let told = (!design.providers.is_empty())
        .then_some("what providers charge for each notification is left out");
    hall.into_iter().chain(told).map(str::to_owned)
}

fn notes(bill: &Bill, usage: &Usage, book: &PriceBook) -> Vec<String> {
    let mut notes = bill.notes.clone();
    if !usage.inter_zone.is_empty() {
        notes.push(format!(
            "every tier is spread over {ZONES} zones of the region (Assumed)"
        ));
    }
    let kept_in = |tier: Tier| usage.storage.iter().any(|own| own.tier == tier.name());
    if kept_in(Tier::Log) {
        notes.push(sourcing::bill::ASSUMED.to_owned());
    }
    if kept_in(Tier::Database) {
        notes.push(format!(
            "messages stay in the database for {KEPT_MONTHS} month (Assumed)"
        ));
    }
    if !usage.edge.is_empty() {
        notes.push(edge::bill::ASSUMED.to_owned());
    }
    notes.push(format!(
        "prices of {} at {}, on demand unless the book says otherwise",
        book.provider, book.date
    ));
    notes
}
