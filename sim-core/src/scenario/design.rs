//! Tiers, machines and server profiles: names looked up, numbers checked, defaults filled in.

use routing::placement::Placement;
use routing::pubsub::RoutingMode;

use crate::quantile::Distribution;
use crate::time::SimDuration;

use super::assets::assets;
use super::check::Check;
use super::convert;
use super::error::{Problem, shorten};
use super::limits;
use super::model::{
    Broker, ChannelOwners, ConnectionServers, Database, Design, LoadBalancer, Machine, Patterns,
    PauseClass, Region, ServerProfile, Source,
};
use super::quantity::{self, count, duration, number, size};
use super::raw::{
    Ordered, Quantity, RawBroker, RawChannelOwners, RawConnectionServers, RawDatabase, RawDesign,
    RawDistribution, RawLoadBalancer, RawMachine, RawPatterns, RawPause, RawPlacement, RawPolicy,
    RawProfile, RawRouting, RawScenario, RawSlowConsumer, Switch,
};

const NONE: SimDuration = SimDuration::ZERO;

/// The design as it takes effect with these switches: without pooling it is one connection server that routes in process,
/// without owners or broker. The tuning of what is switched off stays in the scenario.
pub fn effective(design: &Design, patterns: Patterns) -> Design {
    let mut design = design.clone();
    if !patterns.pooling {
        design.connection_servers.count = 1;
        design.load_balancer.count = 1;
        design.routing = RoutingMode::Local;
        design.channel_owners = None;
        design.broker = None;
    }
    design
}

fn pooling_on(patterns: Option<&RawPatterns>) -> bool {
    patterns
        .and_then(|patterns| patterns.pooling)
        .unwrap_or(Switch::On)
        == Switch::On
}

/// Checks the design with the machines and profiles of the scenario.
pub fn design(raw: &RawScenario, check: &mut Check<'_>) -> Design {
    let names = Names::new(raw, check);
    let pooled = pooling_on(raw.patterns.as_ref());
    let raw = &raw.design;
    let place = assets().region(&raw.place).map(|_| ());
    check.take("design.place", place, ());
    let routing = routing_mode(raw, check);
    let design = Design {
        place: Region(raw.place.clone()),
        routing,
        load_balancer: load_balancer(&raw.load_balancer.clone().unwrap_or_default(), check),
        connection_servers: connection_servers(&raw.connection_servers, &names, check),
        channel_owners: raw
            .channel_owners
            .as_ref()
            .map(|raw| channel_owners(raw, &names, check)),
        broker: raw.broker.as_ref().map(|raw| broker(raw, &names, check)),
        database: raw
            .database
            .as_ref()
            .map(|raw| database(raw, &names, check)),
    };
    if pooled && routing == RoutingMode::Local && design.connection_servers.count > 1 {
        let problem =
            Problem::new("members on different servers cannot reach each other with routing Local")
                .help("choose Interest, Broadcast or ChannelOwner, or one connection server");
        check.problem("design.routing", problem);
    }
    design
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

/// The machines and profiles that a scenario brings, beside the embedded ones.
struct Names<'a> {
    machines: Vec<(String, Machine, Option<Source>)>,
    profiles: &'a [(String, RawProfile)],
}

impl<'a> Names<'a> {
    fn new(raw: &'a RawScenario, check: &mut Check<'_>) -> Self {
        let machines: &[(String, RawMachine)] = raw
            .machines
            .as_ref()
            .map_or(&[], |Ordered(entries)| entries);
        let profiles: &[(String, RawProfile)] = raw
            .profiles
            .as_ref()
            .map_or(&[], |Ordered(entries)| entries);
        check.names("machines", machines.iter().map(|(name, _)| name.as_str()));
        check.names("profiles", profiles.iter().map(|(name, _)| name.as_str()));
        let machines = machines
            .iter()
            .map(|(name, raw)| {
                (
                    name.clone(),
                    own_machine(name, raw, check),
                    raw.source.clone(),
                )
            })
            .collect();
        let names = Self { machines, profiles };
        for (name, _) in profiles {
            names.profile(name, &format!("profiles.{name}"), check);
        }
        names
    }

    /// A machine by name; notes where its numbers come from.
    fn machine(&self, name: &str, path: &str, check: &mut Check<'_>) -> Machine {
        if let Some((_, machine, source)) = self.machines.iter().find(|(own, ..)| own == name) {
            check.source(path, source);
            return machine.clone();
        }
        if let Some(machine) = assets().machine(name) {
            check.source(path, &Some(assets().machine_source()));
            return machine.clone();
        }
        let known = self
            .machines
            .iter()
            .map(|(own, ..)| own.as_str())
            .chain(assets().machine_names());
        check.problem(path, Problem::unknown("machine", name, known));
        Machine {
            name: name.to_owned(),
            cores: 1,
            memory_bytes: 1,
            network_bits_per_s: 1,
            usd_micro_per_hour: 0,
        }
    }

    fn raw_profile(&self, name: &str) -> Option<(&RawProfile, bool)> {
        let own = self
            .profiles
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, raw)| (raw, true));
        own.or_else(|| {
            assets()
                .profiles()
                .find(|(known, _)| *known == name)
                .map(|(_, raw)| (raw, false))
        })
    }

    /// The profile and those it is like, nearest first; notes unknown names and circles.
    fn chain(&self, name: &str, path: &str, check: &mut Check<'_>) -> Vec<Link<'_>> {
        const LONGEST: usize = 8;
        let mut chain: Vec<Link<'_>> = Vec::new();
        let (mut name, mut at) = (name.to_owned(), path.to_owned());
        while let Some((raw, own)) = self.raw_profile(&name) {
            chain.push(Link {
                path: own.then(|| format!("profiles.{name}")),
                raw,
            });
            let Some(like) = &raw.like else { return chain };
            if chain.len() == LONGEST {
                check.problem(
                    &at,
                    Problem::new(format!(
                        "\"{}\" is like itself, in a circle",
                        shorten(&name)
                    )),
                );
                return Vec::new();
            }
            at = format!("profiles.{name}.like");
            name = like.clone();
        }
        let known = self
            .profiles
            .iter()
            .map(|(own, _)| own.as_str())
            .chain(assets().profiles().map(|(name, _)| name));
        check.problem(&at, Problem::unknown("server profile", &name, known));
        Vec::new()
    }

    /// A profile with everything that its `like` gives.
    fn profile(&self, name: &str, path: &str, check: &mut Check<'_>) -> ServerProfile {
        let chain = self.chain(name, path, check);
        let mut read = Reader {
            chain: &chain,
            path,
            check,
        };
        let service = |q: &Quantity| duration(q, NONE, limits::SERVICE);
        let memory = |q: &Quantity| size(q, 1, limits::MEMORY);
        let profile = ServerProfile {
            name: name.to_owned(),
            memory_per_connection_bytes: read.field(
                "memory_per_connection",
                |p| &p.memory_per_connection,
                memory,
                1,
            ),
            base_memory_bytes: read.field(
                "base_memory",
                |p| &p.base_memory,
                |q| size(q, 0, limits::MEMORY),
                0,
            ),
            reserved_descriptors: read.field(
                "reserved_descriptors",
                |p| &p.reserved_descriptors,
                |q| count(q, &["descriptors"], 0, limits::COUNT),
                0,
            ) as u32,
            accept: read.field("accept", |p| &p.accept, service, NONE),
            receive: read.field("receive", |p| &p.receive, service, NONE),
            copy: read.field("copy", |p| &p.copy, service, NONE),
            deliver: read.field("deliver", |p| &p.deliver, service, NONE),
            deliver_ps_per_byte: read.field(
                "deliver_per_byte",
                |p| &p.deliver_per_byte,
                |q| quantity::picoseconds(q, limits::PER_BYTE_PS),
                0,
            ),
            heartbeat: read.field("heartbeat", |p| &p.heartbeat, service, NONE),
            load_curve: Vec::new(),
            pauses: Vec::new(),
        };
        let load_curve = load_curve(&chain, path, check);
        let pauses = pauses(&chain, path, check);
        ServerProfile {
            load_curve,
            pauses,
            ..profile
        }
    }
}

/// One profile in a chain; `path` where it stands in the scenario.
struct Link<'a> {
    path: Option<String>,
    raw: &'a RawProfile,
}

/// Reads profile fields: the nearest profile in the chain that has a field gives it.
struct Reader<'a, 'b, 'c> {
    chain: &'a [Link<'a>],
    path: &'a str,
    check: &'b mut Check<'c>,
}

impl Reader<'_, '_, '_> {
    fn field<T>(
        &mut self,
        name: &str,
        get: impl Fn(&RawProfile) -> &Option<Quantity>,
        read: impl Fn(&Quantity) -> Result<T, Problem>,
        fallback: T,
    ) -> T {
        for link in self.chain {
            let Some(quantity) = get(link.raw) else {
                continue;
            };
            let at = link.path.as_deref().unwrap_or(self.path);
            let at = format!("{at}.{name}");
            self.check
                .source(&format!("{}.{name}", self.path), &source_of(link.raw, name));
            return self.check.take(&at, read(quantity), fallback);
        }
        if !self.chain.is_empty() {
            let problem = Problem::new(format!("the profile has no {name}"));
            let problem =
                problem.help("give it, or name the profile it is like: like: \"standard\"");
            self.check
                .problem(&format!("{}.{name}", self.path), problem);
        }
        fallback
    }
}

fn source_of(raw: &RawProfile, field: &str) -> Option<Source> {
    let single = raw
        .sources
        .as_ref()
        .and_then(|Ordered(entries)| entries.iter().find(|(name, _)| name == field));
    single
        .map(|(_, source)| source.clone())
        .or_else(|| raw.source.clone())
}

fn load_curve(chain: &[Link<'_>], path: &str, check: &mut Check<'_>) -> Vec<(f64, f64)> {
    let found = chain
        .iter()
        .find_map(|link| Some((link, link.raw.load_curve.as_ref()?)));
    let Some((link, curve)) = found else {
        return Vec::new();
    };
    check.source(
        &format!("{path}.load_curve"),
        &source_of(link.raw, "load_curve"),
    );
    let good = curve
        .iter()
        .all(|(u, factor)| (0.0..=1.0).contains(u) && *factor > 0.0 && *factor <= 100.0);
    let rising = curve.windows(2).all(|pair| pair[0].0 < pair[1].0);
    if !good || !rising || curve.len() > limits::ENTRIES {
        let problem = Problem::new("the load curve is not a curve")
            .allowed("(utilisation, factor) pairs with rising utilisation in 0..=1 and factors above 0, up to 100");
        let at = link.path.as_deref().unwrap_or(path);
        check.problem(&format!("{at}.load_curve"), problem);
    }
    curve.clone()
}

fn pauses(chain: &[Link<'_>], path: &str, check: &mut Check<'_>) -> Vec<PauseClass> {
    let found = chain
        .iter()
        .find_map(|link| Some((link, link.raw.pauses.as_ref()?)));
    let Some((link, raw)) = found else {
        return Vec::new();
    };
    let at = format!("{}.pauses", link.path.as_deref().unwrap_or(path));
    check.source(&format!("{path}.pauses"), &source_of(link.raw, "pauses"));
    check.names(&at, raw.iter().map(|pause| pause.name.as_str()));
    let pause = |(i, raw): (usize, &RawPause)| {
        let at = format!("{at}[{i}]");
        check.source(&at, &raw.source);
        PauseClass {
            name: raw.name.clone(),
            every: distribution(
                &raw.every,
                &format!("{at}.every"),
                limits::SHORT,
                limits::LONG,
                check,
            ),
            lasts: distribution(
                &raw.lasts,
                &format!("{at}.lasts"),
                NONE,
                limits::LONG,
                check,
            ),
        }
    };
    raw.iter()
        .take(limits::ENTRIES)
        .enumerate()
        .map(pause)
        .collect()
}

fn own_machine(name: &str, raw: &RawMachine, check: &mut Check<'_>) -> Machine {
    let path = format!("machines.{name}");
    check.sources(&path, &raw.source, &raw.sources);
    let cores = count(&raw.cores, &["cores", "core", "vCPU"], 1, limits::CORES);
    Machine {
        name: name.to_owned(),
        cores: check.take(&format!("{path}.cores"), cores, 1) as u32,
        memory_bytes: check.take(
            &format!("{path}.memory"),
            size(&raw.memory, 1 << 20, limits::MEMORY),
            1,
        ),
        network_bits_per_s: check.take(
            &format!("{path}.network"),
            quantity::bits_per_s(&raw.network),
            1,
        ),
        usd_micro_per_hour: check.take_or(&format!("{path}.price"), &raw.price, 0, quantity::rent),
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

fn instances(path: &str, raw: &Quantity, nouns: &[&str], check: &mut Check<'_>) -> u32 {
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
        machine: names.machine(&raw.machine, &at("machine"), check),
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

fn placement(raw: Option<&RawPlacement>, path: &str, check: &mut Check<'_>) -> Placement {
    match raw {
        None => {
            check.default_source(path);
            Placement::Ring { virtual_nodes: 100 }
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
    let placement = placement(raw.placement.as_ref(), &at("placement"), check);
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
        machine: names.machine(&raw.machine, &at("machine"), check),
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
    Database {
        machine: names.machine(&raw.machine, &at("machine"), check),
        pool: check.take_or(&at("pool"), &raw.pool, 20, |q| {
            count(q, &["connections"], 1, 1_000_000)
        }) as u32,
        query: distribution(
            &raw.query,
            &at("query"),
            SimDuration::from_nanos(1),
            limits::LONG,
            check,
        ),
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
    }
}

/// A distribution whose parameters lie in `low..=high` and rise.
fn distribution(
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
