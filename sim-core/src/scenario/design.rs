//! The tiers of a design: names looked up, numbers checked, defaults filled in.

use routing::placement::Placement;
use routing::pubsub::RoutingMode;

use crate::quantile::Distribution;
use crate::time::SimDuration;

use super::assets::assets;
use super::check::Check;
use super::convert;
use super::data;
use super::data::raw::RawDatabase;
use super::documents;
use super::edge;
use super::error::Problem;
use super::limits;
use super::model::{
    Broker, ChannelOwners, ConnectionServers, Database, Design, LoadBalancer, Patterns, Region,
    Traffic,
};
use super::product::{self, Products};
use super::profile::Names;
use super::quantity::{self, count, duration, number};
use super::raw::{
    Quantity, RawBroker, RawChannelOwners, RawConnectionServers, RawDesign, RawDistribution,
    RawLoadBalancer, RawPlacement, RawPolicy, RawRouting, RawScenario, RawSlowConsumer,
};
use super::{ordering, pooler, regions, replicas, services, sourcing};

const NONE: SimDuration = SimDuration::ZERO;

/// The design as it takes effect with these switches: without pooling it is one connection server that routes in process,
/// without owners, broker or connection pooler; without sharding one database holds everything; without caching every read is the database's; with event sourcing a log and its projections stand in
/// place of the database. The tuning of what is switched off stays in the scenario.
pub fn effective(design: &Design, traffic: Option<&Traffic>, patterns: Patterns) -> Design {
    let mut design = design.clone();
    sourcing::switch(&mut design, traffic, patterns);
    if !patterns.pooling {
        design.connection_servers.count = 1;
        design.load_balancer.count = 1;
        design.routing = RoutingMode::Local;
        design.channel_owners = None;
        design.broker = None;
        if let Some(held) = design.database.as_mut().and_then(|tier| tier.held.as_mut()) {
            held.pooler = None;
        }
    }
    if !patterns.sharding {
        design.shards = None;
    }
    if !patterns.caching_and_edge {
        design.cache = None;
        design.replicas = None;
        design.edge = None;
    }
    if !patterns.caching_and_edge || !patterns.pooling {
        design.regions = None;
    }
    if let Some(regions) = &design.regions {
        // Clients of a region meet a balancer there.
        design.load_balancer.count *= regions.places.len() as u32;
    }
    design
}

/// Checks the design with the machines and profiles of the scenario.
pub fn design(raw: &RawScenario, check: &mut Check<'_>) -> Design {
    let names = Names::new(raw, check);
    let products = Products::new(raw, check);
    let features = raw.traffic.features.as_ref();
    let raw = &raw.design;
    let place = assets().region(&raw.place).map(|_| ());
    check.take("design.place", place, ());
    let routing = routing_mode(raw, check);
    Design {
        place: Region(raw.place.clone()),
        regions: raw.regions.as_ref().map(|raw| regions::regions(raw, check)),
        routing,
        load_balancer: load_balancer(&raw.load_balancer.clone().unwrap_or_default(), check),
        connection_servers: connection_servers(&raw.connection_servers, &names, check),
        channel_owners: raw
            .channel_owners
            .as_ref()
            .map(|raw| channel_owners(raw, &names, check)),
        broker: raw
            .broker
            .as_ref()
            .map(|raw| broker(&products.broker(raw, check), &names, check)),
        database: raw
            .database
            .as_ref()
            .map(|raw| database(&products.database(raw, check), &names, check)),
        replicas: raw
            .replicas
            .as_ref()
            .map(|raw| replicas::replicas(raw, check)),
        shards: raw
            .shards
            .as_ref()
            .map(|raw| data::shards(raw, features, check)),
        cache: raw
            .cache
            .as_ref()
            .map(|raw| data::cache(&products.cache(raw, check), &names, check)),
        edge: raw.edge.as_ref().map(|raw| edge::edge(raw, check)),
        origin: raw
            .origin
            .as_ref()
            .map(|raw| edge::origin(raw, &names, check)),
        documents: raw
            .documents
            .as_ref()
            .map(|raw| documents::documents(raw, &names, check)),
        ordering: raw
            .ordering
            .as_ref()
            .map(|raw| ordering::ordering(raw, check)),
        sourcing: sourcing::sourcing(raw, &names, check),
        stock: raw
            .stock
            .as_ref()
            .map(|raw| services::stock::stock(raw, &names, check)),
        matching: raw
            .matching
            .as_ref()
            .map(|raw| services::matching::matching(raw, &names, check)),
        notifications: raw
            .notifications
            .as_ref()
            .map(|raw| services::notify::notifications(raw, &names, check)),
        providers: raw
            .providers
            .as_ref()
            .map_or_else(Vec::new, |raw| services::notify::providers(raw, check)),
        colo: services::matching::net(raw.net.as_ref(), check),
    }
}

fn routing_mode(raw: &RawDesign, check: &mut Check<'_>) -> RoutingMode {
    let needs_broker = |mode, check: &mut Check<'_>| {
        if raw.broker.is_none() {
            let problem = Problem::new(format!(
                "routing {mode:?} goes through a broker, but the design has none"
            ));
            check.problem(
                "design.routing",
                problem.help("add design.broker, or choose Local or ChannelOwner"),
            );
        }
        mode
    };
    match raw.routing {
        Some(RawRouting::Local) => RoutingMode::Local,
        Some(RawRouting::Broadcast) => needs_broker(RoutingMode::Broadcast, check),
        Some(RawRouting::Interest) => needs_broker(RoutingMode::Interest, check),
        Some(RawRouting::ChannelOwner) => {
            if raw.channel_owners.is_none() {
                let problem = Problem::new(
                    "routing ChannelOwner needs channel owners, but the design has none",
                );
                check.problem("design.routing", problem.help("add design.channel_owners"));
            }
            RoutingMode::ChannelOwner
        }
        None if raw.channel_owners.is_some() => RoutingMode::ChannelOwner,
        None if raw.broker.is_some() => RoutingMode::Interest,
        None => RoutingMode::Local,
    }
}

fn load_balancer(raw: &RawLoadBalancer, check: &mut Check<'_>) -> LoadBalancer {
    const AT: &str = "design.load_balancer";
    check.sources(AT, &raw.source, &raw.sources);
    let at = |name: &str| format!("{AT}.{name}");
    let time = |q: &Quantity| duration(q, NONE, limits::LONG);
    LoadBalancer {
        policy: policy(raw.policy.as_ref(), check),
        counters_age: check.take_or(&at("counters_age"), &raw.counters_age, NONE, time),
        slow_start: check.take_or(&at("slow_start"), &raw.slow_start, NONE, time),
        count: check.take_or(&at("count"), &raw.count, 1, |q| {
            count(q, &["instances"], 1, limits::INSTANCES)
        }) as u32,
        max_connections: check.take_or(
            &at("max_connections"),
            &raw.max_connections,
            1_000_000,
            |q| count(q, &["connections"], 1, limits::COUNT),
        ) as u32,
        new_connections_per_s: check.take_or(
            &at("new_connections"),
            &raw.new_connections,
            20_000,
            |q| quantity::per_second(q, 1, limits::COUNT),
        ) as u32,
        hop: check.take_or(&at("hop"), &raw.hop, SimDuration::from_micros(100), |q| {
            duration(q, NONE, limits::SERVICE)
        }),
    }
}

fn policy(raw: Option<&RawPolicy>, check: &mut Check<'_>) -> routing::balance::Policy {
    use routing::balance::Policy;
    const AT: &str = "design.load_balancer.policy";
    let mut whole = |name: &str, q: &Quantity, low: u64, high: u64| {
        check.take(&format!("{AT}.{name}"), count(q, &[], low, high), low) as u32
    };
    match raw {
        None | Some(RawPolicy::LeastConnections) => Policy::LeastConnections,
        Some(RawPolicy::Random) => Policy::Random,
        Some(RawPolicy::RoundRobin) => Policy::RoundRobin,
        Some(RawPolicy::PowerOfTwo) => Policy::Choices { d: 2 },
        Some(RawPolicy::Choices { d }) => Policy::Choices {
            d: whole("d", d, 1, 64),
        },
        Some(RawPolicy::Ring { virtual_nodes }) => Policy::Ring {
            virtual_nodes: whole("virtual_nodes", virtual_nodes, 1, limits::VIRTUAL_NODES),
        },
        Some(RawPolicy::BoundedRing {
            virtual_nodes,
            factor,
        }) => {
            let virtual_nodes = whole("virtual_nodes", virtual_nodes, 1, limits::VIRTUAL_NODES);
            let factor = check.take(
                &format!("{AT}.factor"),
                number(factor, &[], 1.0, 100.0),
                1.0,
            );
            Policy::BoundedRing {
                virtual_nodes,
                factor_percent: libm::round(factor * 100.0) as u32,
            }
        }
        Some(RawPolicy::Rendezvous) => Policy::Rendezvous,
        Some(RawPolicy::Jump) => Policy::Jump,
        Some(RawPolicy::Maglev { table }) => {
            let table = check.take(&format!("{AT}.table"), prime(table), 65_537);
            Policy::Maglev { table }
        }
        Some(RawPolicy::Slots) => Policy::Slots,
    }
}

fn prime(raw: &Quantity) -> Result<u32, Problem> {
    let n = count(raw, &[], 2, 10_000_019)?;
    let divides = (2..).take_while(|d| d * d <= n).any(|d| n % d == 0);
    if divides {
        return Err(Problem::new(format!("{n} is not a prime"))
            .allowed("a prime well above 100 times the servers: 65537"));
    }
    Ok(n as u32)
}

/// So many instances of a tier.
pub(super) fn instances(path: &str, raw: &Quantity, nouns: &[&str], check: &mut Check<'_>) -> u32 {
    check.take(path, count(raw, nouns, 1, limits::INSTANCES), 1) as u32
}

fn connection_servers(
    raw: &RawConnectionServers,
    names: &Names<'_>,
    check: &mut Check<'_>,
) -> ConnectionServers {
    const AT: &str = "design.connection_servers";
    check.sources(AT, &raw.source, &raw.sources);
    let at = |name: &str| format!("{AT}.{name}");
    let messages = |q: &Quantity| count(q, &["messages", "message"], 1, 1_000_000);
    let connections = |q: &Quantity| count(q, &["connections"], 1, limits::COUNT);
    let profile = raw.profile.as_deref().unwrap_or("standard");
    if raw.profile.is_none() {
        check.default_source(&at("profile"));
    }
    ConnectionServers {
        count: instances(
            &at("count"),
            &raw.count,
            &["servers", "server", "instances"],
            check,
        ),
        machine: names.used(
            profile,
            names.machine(&raw.machine, &at("machine"), check),
            &at("profile"),
            check,
        ),
        profile: names.profile(profile, &at("profile"), check),
        max_connections: raw
            .max_connections
            .as_ref()
            .map(|q| check.take(&at("max_connections"), connections(q), 1) as u32),
        descriptors: check.take_or(&at("descriptors"), &raw.descriptors, 1_048_576, |q| {
            count(q, &["descriptors"], 16, limits::COUNT)
        }) as u32,
        accept_per_s: check.take_or(&at("accept"), &raw.accept, 5_000, |q| {
            quantity::per_second(q, 1, limits::COUNT)
        }) as u32,
        accept_burst: check.take_or(&at("accept_burst"), &raw.accept_burst, 1_000, connections)
            as u32,
        inbox: raw
            .inbox
            .as_ref()
            .map(|q| check.take(&at("inbox"), messages(q), 1) as u32),
        outbound_messages: check.take_or(&at("outbound"), &raw.outbound, 256, messages) as u32,
        on_full: convert::slow_consumer(raw.on_full.unwrap_or(RawSlowConsumer::Disconnect)),
        resume: check.take_or(&at("resume"), &raw.resume, NONE, |q| {
            duration(q, NONE, limits::LONG)
        }),
        replay_messages: check.take_or(&at("replay"), &raw.replay, 128, |q| {
            count(q, &["messages", "message"], 0, 1_000_000)
        }) as u32,
    }
}

/// A placement; `default` where none is written.
pub(super) fn placement(
    raw: Option<&RawPlacement>,
    default: Placement,
    path: &str,
    check: &mut Check<'_>,
) -> Placement {
    match raw {
        None => {
            check.default_source(path);
            default
        }
        Some(RawPlacement::Modulo) => Placement::Modulo,
        Some(RawPlacement::Jump) => Placement::Jump,
        Some(RawPlacement::Ring { virtual_nodes }) => {
            let points = count(virtual_nodes, &[], 1, limits::VIRTUAL_NODES);
            Placement::Ring {
                virtual_nodes: check.take(&format!("{path}.virtual_nodes"), points, 1) as u32,
            }
        }
        Some(RawPlacement::Rendezvous) => Placement::Rendezvous,
        Some(RawPlacement::Maglev { table }) => Placement::Maglev {
            table: check.take(&format!("{path}.table"), prime(table), 65_537),
        },
        Some(RawPlacement::Slots) => Placement::Slots,
    }
}

fn channel_owners(
    raw: &RawChannelOwners,
    names: &Names<'_>,
    check: &mut Check<'_>,
) -> ChannelOwners {
    const AT: &str = "design.channel_owners";
    check.sources(AT, &raw.source, &raw.sources);
    let at = |name: &str| format!("{AT}.{name}");
    let service = |q: &Quantity| duration(q, NONE, limits::SERVICE);
    let ring = Placement::Ring { virtual_nodes: 100 };
    let placement = placement(raw.placement.as_ref(), ring, &at("placement"), check);
    ChannelOwners {
        count: instances(
            &at("count"),
            &raw.count,
            &["owners", "owner", "instances"],
            check,
        ),
        machine: names.machine(&raw.machine, &at("machine"), check),
        placement,
        sequence: check.take_or(
            &at("sequence"),
            &raw.sequence,
            SimDuration::from_micros(20),
            service,
        ),
        copy: check.take_or(&at("copy"), &raw.copy, SimDuration::from_micros(5), service),
        relay_members: raw.relay_members.as_ref().map(|q| {
            let nouns = ["members", "sessions", "connections"];
            check.take(&at("relay_members"), count(q, &nouns, 1, limits::COUNT), 1) as u32
        }),
        failover: raw
            .failover
            .as_ref()
            .map(|q| check.take(&at("failover"), duration(q, NONE, limits::LONG), NONE)),
    }
}

fn broker(raw: &RawBroker, names: &Names<'_>, check: &mut Check<'_>) -> Broker {
    const AT: &str = "design.broker";
    check.sources(AT, &raw.source, &raw.sources);
    let at = |name: &str| format!("{AT}.{name}");
    let service = |q: &Quantity| duration(q, NONE, limits::SERVICE);
    let nodes = instances(
        &at("count"),
        &raw.count,
        &["nodes", "node", "brokers", "instances"],
        check,
    );
    Broker {
        count: nodes,
        machine: product::used(
            names.machine(&raw.machine, &at("machine"), check),
            raw.threads.as_ref(),
            AT,
            check,
        ),
        partitions: check.take_or(&at("partitions"), &raw.partitions, 64, |q| {
            count(q, &["partitions"], 1, limits::PARTITIONS)
        }) as u32,
        replication: check.take_or(&at("replication"), &raw.replication, 1, |q| {
            count(q, &["copies"], 1, u64::from(nodes))
        }) as u32,
        failover: check.take_or(
            &at("failover"),
            &raw.failover,
            SimDuration::from_secs(10),
            |q| duration(q, NONE, limits::LONG),
        ),
        publish: check.take_or(
            &at("publish"),
            &raw.publish,
            SimDuration::from_micros(10),
            service,
        ),
        copy: check.take_or(&at("copy"), &raw.copy, SimDuration::from_micros(5), service),
        bus: raw
            .bus
            .as_ref()
            .map(|q| check.take(&at("bus"), service(q), NONE)),
        linger: match &raw.linger {
            Some(raw) => distribution(raw, &at("linger"), NONE, limits::LONG, check),
            None => {
                check.default_source(&at("linger"));
                Distribution::Constant(NONE)
            }
        },
    }
}

fn database(raw: &RawDatabase, names: &Names<'_>, check: &mut Check<'_>) -> Database {
    const AT: &str = "design.database";
    check.sources(AT, &raw.source, &raw.sources);
    let at = |name: &str| format!("{AT}.{name}");
    let shortest = SimDuration::from_nanos(1);
    let query = match &raw.query {
        Some(query) => distribution(query, &at("query"), shortest, limits::LONG, check),
        None => {
            let problem = Problem::new("the field `query` is missing");
            let help = "say how long one query holds a connection, as in query: Exponential(mean: \"3 ms\"), or name a profile that does";
            check.problem(AT, problem.help(help));
            Distribution::Constant(shortest)
        }
    };
    Database {
        machine: names.machine(&raw.machine, &at("machine"), check),
        pool: check.take_or(&at("pool"), &raw.pool, 20, |q| {
            count(q, &["connections"], 1, 1_000_000)
        }) as u32,
        write: match &raw.write {
            Some(raw) => distribution(raw, &at("write"), shortest, limits::LONG, check),
            None => {
                check.default_source(&at("write"));
                query
            }
        },
        query,
        queue: check.take_or(&at("queue"), &raw.queue, 10_000, |q| {
            count(q, &["queries"], 0, limits::COUNT)
        }) as u32,
        timeout: raw.timeout.as_ref().map(|q| {
            check.take(
                &at("timeout"),
                duration(q, limits::SHORT, limits::LONG),
                NONE,
            )
        }),
        held: pooler::held(raw, names, check),
    }
}

/// A distribution whose parameters lie in `low..=high` and rise.
pub fn distribution(
    raw: &RawDistribution,
    path: &str,
    low: SimDuration,
    high: SimDuration,
    check: &mut Check<'_>,
) -> Distribution {
    let tiny = low.max(SimDuration::from_nanos(1));
    let mut read = |name: &str, q: &Quantity, low: SimDuration| {
        let at = if name.is_empty() {
            path.to_owned()
        } else {
            format!("{path}.{name}")
        };
        check.take(&at, duration(q, low, high), low)
    };
    let (distribution, source) = match raw {
        RawDistribution::Constant(q) => (Distribution::Constant(read("", q, low)), &None),
        RawDistribution::Exponential { mean, source } => (
            Distribution::Exponential {
                mean: read("mean", mean, tiny),
            },
            source,
        ),
        RawDistribution::Uniform { min, max, source } => {
            let min = read("min", min, low);
            (
                Distribution::Uniform {
                    min,
                    max: read("max", max, min),
                },
                source,
            )
        }
        RawDistribution::LogNormal {
            median,
            p99,
            source,
        } => {
            let median = read("median", median, tiny);
            (
                Distribution::LogNormal {
                    median,
                    p99: read("p99", p99, median),
                },
                source,
            )
        }
        RawDistribution::Percentiles {
            min,
            p50,
            p95,
            p99,
            source,
        } => {
            let p50 = read("p50", p50, tiny);
            let p95 = read("p95", p95, p50);
            let p99 = read("p99", p99, p95);
            let min = min.as_ref().map(|q| read("min", q, low));
            (Distribution::Percentiles { min, p50, p95, p99 }, source)
        }
    };
    check.source(path, source);
    if let Err(problem) = distribution.validate() {
        check.problem(path, Problem::new(problem.to_string()));
    }
    distribution
}
