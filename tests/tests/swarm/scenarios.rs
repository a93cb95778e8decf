//! A whole scenario of one seed: its text, so that what breaks the simulator can be kept and run by the command line.
//!
//! Every part of the format is drawn by itself; what does not go together is left to validation to refuse, as long as that is
//! rare. Rates are drawn by the work they make, receipts per second, so that a run is short whatever the channels are.

use super::copies;
use super::dice::{Dice, Fields};
use super::mishaps::faults;
use super::services::{Services, services};
use super::together::{joined, together};

const REGIONS: [&str; 8] = [
    "us-east-1",
    "us-west-2",
    "eu-west-1",
    "eu-central-1",
    "ap-southeast-1",
    "ap-northeast-1",
    "sa-east-1",
    "af-south-1",
];
const ACCESS: [&str; 9] = [
    "none", "fiber", "cable", "dsl", "wifi", "4g", "5g", "3g", "leo",
];
const MACHINES: [&str; 4] = ["c6g.medium", "c7g.large", "c7g.xlarge", "r7g.large"];
const EVICTION: [&str; 6] = ["Fifo", "Lru", "Lfu", "Sieve", "S3Fifo", "TinyLfu"];
/// Of whatever every scenario has.
const OBJECTIVES: &str =
    r#"["connect.answered.p99 < 1 s", "breaks_at > 100 users", "cost.usd_per_month < 1000"]"#;

/// What parts of one scenario must know of each other.
pub struct Shape {
    pub users: u64,
    pub places: Vec<&'static str>,
    /// Empty: in one place.
    pub regions: Vec<&'static str>,
    pub home: &'static str,
    /// Receipts of one message, about.
    pub fan_out: u64,
    pub database: bool,
    pub owners: bool,
    pub broker: bool,
    pub edge: bool,
    pub cache: bool,
    pub shards: u64,
    pub servers: u64,
    pub owner_count: u64,
    pub broker_count: u64,
    pub cache_count: u64,
    pub pops: Vec<&'static str>,
    pub origin: u64,
    /// Queries are asked twice.
    pub hedged: bool,
    /// Milliseconds of the run, warm-up included.
    pub end_ms: u64,
    pub services: Services,
}

/// The text of the scenario of a seed.
pub fn text(seed: u64) -> String {
    let dice = &mut Dice::new(seed);
    let shape = &mut shape(dice);
    shape.services = services(seed);
    let channels = channels(dice, shape);
    let mut all = Fields::default();
    all.set("version", 1)
        .set("name", format!("\"swarm-{seed}\""));
    all.set("load", load(dice, shape)).set("channels", channels);
    let traffic = traffic(dice, shape);
    let patterns = patterns(dice, shape);
    let more = together(seed, shape);
    all.set("traffic", joined(&traffic, more.traffic.all()));
    all.set("patterns", patterns);
    let design = design(dice, shape, more.writes.as_deref());
    all.set("design", joined(&design, more.design.all()));
    all.set("faults", joined(&faults(dice, shape), &more.faults));
    all.maybe("objectives", dice.chance(50).then_some(OBJECTIVES));
    let warmup = dice.pick(&[&0, &500, &1000]);
    let mut run = Fields::default();
    run.set("population_seed", dice.from(1, 1000));
    run.set("seed", dice.from(1, 1000));
    run.set("warmup", format!("\"{warmup} ms\""));
    run.set("duration", format!("\"{} ms\"", shape.end_ms - warmup));
    all.set("run", run.text());
    all.lines()
}

fn shape(dice: &mut Dice) -> Shape {
    let many = dice.from(1, 4) as usize;
    let places = dice.some(&REGIONS, many);
    let many = dice.from(2, 4) as usize;
    let regions = if dice.chance(50) {
        dice.some(&REGIONS, many)
    } else {
        Vec::new()
    };
    let home = match regions.as_slice() {
        [] => dice.pick(&REGIONS),
        some => dice.pick(some),
    };
    let least = regions.len().max(1) as u64;
    let database = dice.chance(75);
    let edge = dice.chance(35);
    let owners = dice.chance(60);
    let many = dice.from(1, 3) as usize;
    Shape {
        users: dice.log(50, 20_000),
        home,
        fan_out: 1,
        database,
        owners,
        broker: dice.chance(if owners { 40 } else { 85 }),
        cache: database && dice.chance(50),
        shards: if database && dice.chance(50) {
            dice.from(1, 6)
        } else {
            0
        },
        servers: dice.from(least, least + 8),
        owner_count: dice.from(least, least + 5),
        broker_count: dice.from(least, least + 5),
        cache_count: dice.from(1, 4),
        hedged: false,
        pops: if edge {
            dice.some(&REGIONS, many)
        } else {
            Vec::new()
        },
        edge,
        origin: if dice.chance(if edge { 80 } else { 30 }) {
            dice.from(1, 4)
        } else {
            0
        },
        end_ms: dice.from(3, 9) * 1000,
        services: Services::default(),
        places,
        regions,
    }
}

fn load(dice: &mut Dice, shape: &Shape) -> String {
    let mut load = Fields::default();
    load.set("users", shape.users);
    load.maybe("online", dice.chance(30).then(|| dice.share(20, 100)));
    load.set("places", dice.shares(&shape.places));
    let many = dice.from(1, 3) as usize;
    let access = dice.some(&ACCESS, many);
    load.set("access", dice.shares(&access));
    load.maybe("wifi", dice.chance(30).then(|| dice.share(0, 100)));
    let transport = match dice.from(0, 4) {
        0 => "Sse".to_owned(),
        1 => format!("LongPoll(hold: {})", dice.ms(1000, 30_000)),
        2 => format!("Poll(interval: {})", dice.ms(200, 5000)),
        _ => "WebSocket".to_owned(),
    };
    load.set("transport", transport);
    let heartbeat = dice.log(200, 10_000);
    load.set("heartbeat", format!("\"{heartbeat} ms\""));
    let timeout = dice.log(heartbeat, 3 * heartbeat);
    load.maybe(
        "heartbeat_timeout",
        dice.chance(70).then(|| format!("\"{timeout} ms\"")),
    );
    load.maybe("reconnect", dice.chance(80).then(|| reconnect(dice)));
    load.maybe("shape", dice.chance(30).then(|| over_time(dice)));
    if dice.chance(25) {
        let crowds: Vec<String> = (0..dice.from(1, 2)).map(|_| crowd(dice, shape)).collect();
        load.set("flash_crowds", format!("[{}]", crowds.join(", ")));
    }
    load.text()
}

fn reconnect(dice: &mut Dice) -> String {
    let spread = if dice.chance(40) {
        format!(", spread_first: {}", dice.ms(100, 3000))
    } else {
        String::new()
    };
    let base = dice.log(10, 2000);
    let cap = dice.log(base, 20 * base);
    match dice.from(0, 4) {
        0 => format!("Fixed(delay: \"{base} ms\"{spread})"),
        other => {
            let name = [
                "Exponential",
                "EqualJitter",
                "FullJitter",
                "DecorrelatedJitter",
            ][other as usize - 1];
            format!("{name}(base: \"{base} ms\", cap: \"{cap} ms\"{spread})")
        }
    }
}

fn over_time(dice: &mut Dice) -> String {
    match dice.from(0, 2) {
        0 => format!(
            "Daily(peak_hour: {}, trough: {})",
            dice.from(0, 23),
            dice.share(0, 90)
        ),
        1 => format!(
            "Ramp(from: {}, to: {}, over: {})",
            dice.share(0, 100),
            dice.share(1, 200),
            dice.ms(10, 8000)
        ),
        _ => format!(
            "Steps([(at: \"0 s\", level: {}), (at: {}, level: {})])",
            dice.share(0, 100),
            dice.ms(500, 4000),
            dice.share(0, 200)
        ),
    }
}

fn crowd(dice: &mut Dice, shape: &Shape) -> String {
    let mut crowd = Fields::default();
    crowd
        .set("at", at(dice, shape))
        .set("lasts", dice.ms(100, 6000));
    crowd.maybe("within", dice.chance(70).then(|| dice.ms(1, 3000)));
    crowd.set("joins", dice.share(1, 150));
    crowd.maybe("activity", dice.chance(40).then(|| dice.from(1, 3)));
    crowd.text()
}

/// A time before the end of the run; the very beginning now and then.
pub fn at(dice: &mut Dice, shape: &Shape) -> String {
    let ms = if dice.chance(10) {
        0
    } else {
        dice.from(0, shape.end_ms - 1)
    };
    format!("\"{ms} ms\"")
}

fn channels(dice: &mut Dice, shape: &mut Shape) -> String {
    let mut channels = Fields::default();
    let users = shape.users;
    let mut largest = 0;
    if dice.chance(20) {
        largest = dice.log(1, users);
        channels.set("largest", largest);
    }
    let several = dice.from(1, 4);
    let (members, fan_out) = match dice.from(0, 9) {
        0..=3 => {
            let median = dice.log(1, 30);
            let p99 = dice.log(median, 30 * median);
            let max = dice.log(p99, 10 * p99);
            channels.set("per_user", several);
            (
                format!("LogNormal(median: {median}, p99: {p99}, max: {max})"),
                p99,
            )
        }
        4..=6 => {
            let size = dice.log(1, 200.min(users));
            (format!("Rooms(size: {size})"), size)
        }
        7..=8 => {
            let count = dice.log(1, users);
            channels.set("per_user", several);
            (format!("Random(count: {count})"), several * users / count)
        }
        _ => ("Everyone".to_owned(), users),
    };
    if members.starts_with("Log") || members.starts_with("Rooms") || dice.chance(5) {
        channels.maybe("locality", dice.chance(40).then(|| dice.share(0, 100)));
    }
    shape.fan_out = fan_out.max(1) + largest / 10;
    channels.set("members", members).text()
}

fn traffic(dice: &mut Dice, shape: &mut Shape) -> String {
    let mut traffic = Fields::default();
    traffic.maybe("publish", dice.chance(90).then(|| publish(dice, shape)));
    if dice.chance(35) {
        let mut presence = Fields::default();
        let rate = dice.log(1, (20_000 / shape.fan_out).clamp(1, 500));
        presence.set("rate", format!("\"{rate}/s\""));
        presence.set("size", "\"100 B\"");
        presence.maybe("arrivals", dice.chance(30).then(|| arrivals(dice)));
        presence.maybe("coalesce", dice.chance(50).then(|| dice.ms(1, 5000)));
        traffic.set("presence", presence.text());
    }
    if shape.database {
        traffic.maybe("query", dice.chance(75).then(|| query(dice, shape)));
        if dice.chance(50) {
            let mut command = Fields::default();
            command.set("rate", rate(dice, shape, 2000));
            command.set("size", format!("\"{} B\"", dice.log(1, 5000)));
            command.maybe("arrivals", dice.chance(30).then(|| arrivals(dice)));
            traffic.set("command", command.text());
        }
        if dice.chance(70) {
            let skew = if dice.chance(50) {
                format!(", skew: Zipf(exponent: 0.{})", dice.from(1, 99))
            } else {
                String::new()
            };
            traffic.set("keys", format!("(count: {}{skew})", dice.log(1, 50_000)));
        }
    }
    if shape.origin > 0 && dice.chance(85) {
        let mut asset = Fields::default();
        asset.set("rate", rate(dice, shape, 1000));
        asset.set("size", format!("\"{} B\"", dice.log(100, 2_000_000)));
        asset.set("count", dice.log(1, 5000));
        asset.maybe("skew", dice.chance(50).then_some("Zipf(exponent: 1)"));
        asset.maybe("ttl", dice.chance(60).then(|| dice.ms(1, 20_000)));
        asset.maybe("cacheable", dice.chance(40).then(|| dice.share(0, 100)));
        traffic.set("asset", asset.text());
    }
    for (name, text) in &shape.services.traffic {
        traffic.set(name, text);
    }
    traffic.text()
}

/// Up to `most` per second in all, said in one of the ways to say it.
fn rate(dice: &mut Dice, shape: &Shape, most: u64) -> String {
    let per_s = dice.log(1, most.max(1));
    if dice.chance(50) {
        format!("\"{per_s}/s\"")
    } else {
        format!("\"{}/h per user\"", (per_s * 3600).div_ceil(shape.users))
    }
}

fn publish(dice: &mut Dice, shape: &Shape) -> String {
    let mut publish = Fields::default();
    publish.set(
        "rate",
        rate(dice, shape, (60_000 / shape.fan_out).min(3000)),
    );
    publish.set("size", format!("\"{} B\"", dice.log(1, 20_000)));
    let feed = shape.broker && dice.chance(15);
    if feed {
        let region = dice.pick(&REGIONS);
        publish.set("from", format!("Feed(\"{region}\")"));
    }
    if !feed && dice.chance(15) {
        publish.set("loop", closed(dice));
    } else {
        publish.maybe("arrivals", dice.chance(30).then(|| arrivals(dice)));
    }
    if shape.database {
        publish.maybe("queries", dice.chance(30).then(|| dice.from(0, 3)));
    }
    publish.text()
}

fn closed(dice: &mut Dice) -> String {
    format!(
        "Closed(think_time: {}, clients: {})",
        dice.ms(100, 5000),
        dice.from(1, 60)
    )
}

fn arrivals(dice: &mut Dice) -> String {
    match dice.from(0, 3) {
        0 => "Poisson".to_owned(),
        1 => format!(
            "Trace(instants: Some([0.0, 0.{}, 1.0, 1.0, 2.5]))",
            dice.from(1, 99)
        ),
        2 => format!(
            "Trace(points: Some([(0.0, {}.0), (1.5, 0.0), (2.5, 50.0), (4.0, 0.0)]))",
            dice.log(1, 300)
        ),
        _ => format!(
            "Bursty(on: {}, off: {}, factor: {})",
            dice.ms(10, 2000),
            dice.ms(10, 2000),
            dice.from(1, 20)
        ),
    }
}

fn query(dice: &mut Dice, shape: &mut Shape) -> String {
    let mut query = Fields::default();
    query.set("rate", rate(dice, shape, 3000));
    query.set("size", format!("\"{} B\"", dice.log(1, 20_000)));
    if dice.chance(20) {
        query.set("loop", closed(dice));
    } else {
        query.maybe("arrivals", dice.chance(30).then(|| arrivals(dice)));
    }
    query.maybe("scatter", dice.chance(35).then(|| dice.share(0, 100)));
    query.maybe("needed", dice.chance(25).then(|| dice.share(1, 100)));
    query.maybe("common", dice.chance(20).then(|| distribution(dice)));
    shape.hedged = dice.chance(30);
    if shape.hedged {
        let mut hedge = Fields::default();
        hedge.set("after", dice.ms(1, 200));
        hedge.set("to", dice.pick(&["Same", "NextShard"]));
        hedge.set("tied", dice.switch());
        query.set("hedge", hedge.text());
    }
    if shape.edge && dice.chance(60) {
        query.set(
            "edge",
            format!(
                "(ttl: {}, invalidate: {})",
                dice.ms(1, 20_000),
                dice.switch()
            ),
        );
    }
    query.text()
}

fn distribution(dice: &mut Dice) -> String {
    let low = dice.log(50, 20_000);
    let high = dice.log(low, 20 * low);
    match dice.from(0, 4) {
        0 => format!("Constant(\"{low} us\")"),
        1 => format!("Exponential(mean: \"{low} us\")"),
        2 => format!("Uniform(min: \"{low} us\", max: \"{high} us\")"),
        3 => format!("LogNormal(median: \"{low} us\", p99: \"{high} us\")"),
        _ => format!(
            "Percentiles(p50: \"{low} us\", p95: \"{} us\", p99: \"{high} us\")",
            (low + high) / 2
        ),
    }
}

fn patterns(dice: &mut Dice, shape: &Shape) -> String {
    let on = |there: bool, dice: &mut Dice, percent| {
        if there && dice.chance(percent) {
            "On"
        } else {
            "Off"
        }
    };
    let mut patterns = Fields::default();
    patterns.set("pooling", on(true, dice, 90));
    patterns.set("sharding", on(shape.shards > 0, dice, 85));
    let edge = shape.cache || shape.edge || !shape.regions.is_empty();
    patterns.set("caching_and_edge", on(edge, dice, 85));
    patterns.text()
}

fn design(dice: &mut Dice, shape: &Shape, writes: Option<&str>) -> String {
    let mut design = Fields::default();
    design.set("place", format!("\"{}\"", shape.home));
    if !shape.regions.is_empty() {
        let regions = regions(dice, shape);
        let writes = writes.map(|writes| format!("writes: {writes}"));
        let writes: Vec<String> = writes.into_iter().collect();
        design.set("regions", joined(&regions, &writes));
    }
    let routing = match (shape.owners, shape.broker) {
        (true, true) => dice.pick(&["ChannelOwner", "Interest", "Broadcast"]),
        (true, false) => "ChannelOwner",
        (false, true) => dice.pick(&["Interest", "Broadcast"]),
        (false, false) => "Local",
    };
    design.maybe("routing", dice.chance(70).then_some(routing));
    design.maybe("load_balancer", dice.chance(80).then(|| balancer(dice)));
    design.set("connection_servers", servers(dice, shape));
    if shape.owners {
        let mut owners = Fields::default();
        owners.set("count", shape.owner_count);
        owners.set("machine", machine(dice));
        owners.maybe("placement", dice.chance(70).then(|| placement(dice)));
        owners.maybe("sequence", dice.chance(50).then(|| dice.us(1, 2000)));
        owners.maybe("copy", dice.chance(50).then(|| dice.us(1, 500)));
        owners.maybe("failover", dice.chance(60).then(|| dice.ms(1, 4000)));
        owners.maybe("relay_members", dice.chance(40).then(|| dice.log(1, 500)));
        design.set("channel_owners", owners.text());
    }
    if shape.broker {
        design.set("broker", broker(dice, shape));
    }
    if shape.database {
        let (text, watched) = database(dice, shape);
        design.set("database", text);
        let replicas = dice.chance(35).then(|| copies::replicas(dice, watched));
        // Where every region has a database of its own, nothing follows another.
        design.maybe("replicas", replicas.filter(|_| writes.is_none()));
    }
    if shape.shards > 0 {
        let mut shards = Fields::default();
        shards.set("count", shape.shards);
        shards.maybe(
            "key",
            dice.chance(60).then(|| dice.pick(&["Record", "User"])),
        );
        shards.maybe("placement", dice.chance(60).then(|| placement(dice)));
        if dice.chance(20) {
            shards.set(
                "slow",
                format!(
                    "(share: {}, factor: {})",
                    dice.share(0, 100),
                    dice.from(1, 9)
                ),
            );
        }
        design.set("shards", shards.text());
    }
    if shape.cache {
        design.set("cache", cache(dice, shape));
    }
    if shape.edge {
        design.set("edge", edge(dice, shape));
    }
    if shape.origin > 0 {
        let mut origin = Fields::default();
        origin
            .set("count", shape.origin)
            .set("machine", machine(dice));
        origin.maybe("serve", dice.chance(60).then(|| dice.us(1, 5000)));
        design.set("origin", origin.text());
    }
    for (name, text) in &shape.services.design {
        design.set(name, text);
    }
    design.text()
}

fn machine(dice: &mut Dice) -> String {
    format!("\"{}\"", dice.pick(&MACHINES))
}

fn regions(dice: &mut Dice, shape: &Shape) -> String {
    let mut regions = Fields::default();
    regions.set("places", dice.shares(&shape.regions));
    let route = match dice.from(0, 3) {
        0 => "Nearest".to_owned(),
        1 => "Weighted".to_owned(),
        2 => {
            let many = dice.from(1, shape.regions.len() as u64) as usize;
            let order = dice.some(&shape.regions, many);
            format!("Failover([\"{}\"])", order.join("\", \""))
        }
        _ => format!(
            "SpillOver(overprovision: {}, panic: {})",
            dice.share(0, 300),
            dice.share(0, 100)
        ),
    };
    regions.maybe("route", dice.chance(80).then_some(route));
    regions.maybe("relay", dice.chance(60).then(|| dice.switch()));
    regions.maybe("detect", dice.chance(80).then(|| dice.ms(1, 5000)));
    if dice.chance(30) {
        let law: Vec<String> = REGIONS
            .iter()
            .filter(|_| dice.chance(60))
            .map(|place| format!("\"{place}\": \"{}\"", &place[..2]))
            .collect();
        regions.set(
            "residency",
            format!("(law: {{{}}}, enforce: {})", law.join(", "), dice.switch()),
        );
    }
    regions.text()
}

fn balancer(dice: &mut Dice) -> String {
    let policy = dice.pick(&[
        "Random",
        "RoundRobin",
        "LeastConnections",
        "PowerOfTwo",
        "Choices(d: 3)",
        "Ring(virtual_nodes: 50)",
        "BoundedRing(virtual_nodes: 50, factor: 1.25)",
        "Rendezvous",
        "Jump",
        "Maglev(table: 1009)",
        "Slots",
    ]);
    let mut balancer = Fields::default();
    balancer.set("policy", policy);
    balancer.maybe("counters_age", dice.chance(30).then(|| dice.ms(1, 3000)));
    balancer.maybe("slow_start", dice.chance(30).then(|| dice.ms(1, 5000)));
    balancer.maybe("count", dice.chance(30).then(|| dice.from(1, 3)));
    balancer.maybe(
        "max_connections",
        dice.chance(20).then(|| dice.log(10, 20_000)),
    );
    let new = dice.log(5, 5000);
    balancer.maybe(
        "new_connections",
        dice.chance(30).then(|| format!("\"{new}/s\"")),
    );
    balancer.maybe("hop", dice.chance(30).then(|| dice.us(1, 5000)));
    balancer.text()
}

fn servers(dice: &mut Dice, shape: &Shape) -> String {
    let mut servers = Fields::default();
    servers
        .set("count", shape.servers)
        .set("machine", machine(dice));
    let profile = dice.pick(&[
        "standard",
        "threaded",
        "tuned",
        "erlang-like",
        "tokio-websocket",
        "jvm-gateway",
        "node-socketio",
        "mosquitto-2",
    ]);
    servers.set("profile", format!("\"{profile}\""));
    let fair = shape.users / shape.servers + 1;
    servers.maybe(
        "max_connections",
        dice.chance(20).then(|| dice.log(fair / 2 + 1, 3 * fair)),
    );
    let accept = dice.log(5, 5000);
    servers.maybe("accept", dice.chance(60).then(|| format!("\"{accept}/s\"")));
    servers.maybe("accept_burst", dice.chance(60).then(|| dice.log(1, 1000)));
    servers.maybe("inbox", dice.chance(25).then(|| dice.log(1, 300)));
    servers.maybe("outbound", dice.chance(30).then(|| dice.log(1, 500)));
    let full = dice.pick(&[
        "Disconnect",
        "DropOldest",
        "DropNewest",
        "ConflateByKey",
        "Block",
    ]);
    servers.maybe("on_full", dice.chance(30).then_some(full));
    servers.maybe("resume", dice.chance(60).then(|| dice.ms(1, 20_000)));
    servers.maybe("replay", dice.chance(60).then(|| dice.log(1, 300)));
    servers.text()
}

fn placement(dice: &mut Dice) -> &'static str {
    dice.pick(&[
        "Modulo",
        "Jump",
        "Ring(virtual_nodes: 30)",
        "Rendezvous",
        "Maglev(table: 1009)",
        "Slots",
    ])
}

fn broker(dice: &mut Dice, shape: &Shape) -> String {
    let mut broker = Fields::default();
    broker.set("count", shape.broker_count);
    broker.set("machine", machine(dice));
    let profile = dice.pick(&["redis-7", "nats-2", "kafka-3"]);
    broker.maybe("profile", dice.chance(40).then(|| format!("\"{profile}\"")));
    broker.maybe("threads", dice.chance(20).then_some(1));
    broker.maybe("partitions", dice.chance(60).then(|| dice.log(1, 200)));
    let copies = dice.from(1, shape.broker_count);
    broker.maybe("replication", dice.chance(60).then_some(copies));
    broker.maybe("failover", dice.chance(80).then(|| dice.ms(1, 5000)));
    broker.maybe("publish", dice.chance(50).then(|| dice.us(1, 2000)));
    broker.maybe("copy", dice.chance(50).then(|| dice.us(1, 500)));
    broker.maybe("bus", dice.chance(30).then(|| dice.us(1, 200)));
    broker.maybe("linger", dice.chance(40).then(|| distribution(dice)));
    broker.text()
}

/// The database, and whether the single steps of what asks it are watched.
fn database(dice: &mut Dice, shape: &Shape) -> (String, bool) {
    let mut database = Fields::default();
    database.set("machine", machine(dice));
    database.set("query", distribution(dice));
    database.maybe("write", dice.chance(50).then(|| distribution(dice)));
    database.maybe("pool", dice.chance(80).then(|| dice.log(1, 100)));
    database.maybe("queue", dice.chance(50).then(|| dice.log(1, 5000)));
    database.maybe("timeout", dice.chance(40).then(|| dice.ms(1, 3000)));
    if dice.chance(20) {
        database.set(
            "outliers",
            format!(
                "(share: {}, takes: {})",
                dice.share(0, 20),
                dice.ms(1, 1000)
            ),
        );
    }
    let called = dice.chance(50);
    if called {
        database.set("callers", callers(dice));
    }
    let overloaded = dice.chance(30);
    if overloaded {
        let mut overload = Fields::default();
        overload.maybe("max_queue", dice.chance(70).then(|| dice.from(0, 300)));
        overload.maybe("drop_dead_work", called.then(|| dice.switch()));
        database.set("overload", overload.text());
    }
    let watched = called || overloaded || shape.hedged;
    if !watched && dice.chance(60) {
        copies::held(dice, &mut database);
    }
    (database.text(), watched)
}

fn callers(dice: &mut Dice) -> String {
    let mut callers = Fields::default();
    callers.maybe("timeout", dice.chance(85).then(|| dice.ms(1, 2000)));
    callers.maybe("attempts", dice.chance(70).then(|| dice.from(1, 6)));
    let base = dice.log(1, 500);
    let cap = dice.log(base, 10 * base);
    let backoff = match dice.from(0, 5) {
        0 => "Immediate".to_owned(),
        1 => format!("Fixed(delay: \"{base} ms\")"),
        other => {
            let name = [
                "Exponential",
                "EqualJitter",
                "FullJitter",
                "DecorrelatedJitter",
            ][other as usize - 2];
            format!("{name}(base: \"{base} ms\", cap: \"{cap} ms\")")
        }
    };
    callers.maybe("backoff", dice.chance(80).then_some(backoff));
    if dice.chance(40) {
        callers.set(
            "budget",
            format!(
                "(share: {}, burst: {})",
                dice.share(0, 100),
                dice.from(0, 50)
            ),
        );
    }
    if dice.chance(40) {
        let mut breaker = Fields::default();
        breaker.maybe("window", dice.chance(70).then(|| dice.ms(10, 5000)));
        breaker.maybe("calls", dice.chance(70).then(|| dice.from(1, 30)));
        breaker.maybe("failures", dice.chance(70).then(|| dice.share(1, 100)));
        breaker.maybe("open", dice.chance(70).then(|| dice.ms(1, 3000)));
        breaker.maybe("probes", dice.chance(50).then(|| dice.from(1, 5)));
        callers.set("breaker", breaker.text());
    }
    if dice.chance(30) {
        callers.set(
            "throttle",
            format!("(k: {}.5, window: {})", dice.from(1, 4), dice.ms(100, 9000)),
        );
    }
    callers.text()
}

fn eviction(dice: &mut Dice) -> &'static str {
    dice.pick(&EVICTION)
}

fn cache(dice: &mut Dice, shape: &Shape) -> String {
    let mut cache = Fields::default();
    cache
        .set("count", shape.cache_count)
        .set("machine", machine(dice));
    let profile = dice.pick(&["redis-7", "redis-7-pipelined"]);
    cache.maybe("profile", dice.chance(30).then(|| format!("\"{profile}\"")));
    cache.maybe("threads", dice.chance(20).then_some(1));
    cache.set("capacity", format!("\"{} KB\"", dice.log(1, 1_000_000)));
    cache.set("policy", eviction(dice));
    cache.maybe("ttl", dice.chance(70).then(|| dice.ms(1, 20_000)));
    cache.maybe("stale", dice.chance(40).then(|| dice.ms(1, 5000)));
    cache.maybe("coalesce", dice.chance(50).then(|| dice.switch()));
    cache.maybe("leases", dice.chance(25).then(|| dice.ms(1, 2000)));
    cache.maybe("early", dice.chance(30).then(|| dice.from(0, 3)));
    let write = dice.pick(&["Nothing", "Invalidate", "Replace"]);
    cache.maybe("on_write", dice.chance(60).then_some(write));
    cache.set("start", dice.pick(&["Warm", "Cold"]));
    cache.maybe("placement", dice.chance(50).then(|| placement(dice)));
    cache.maybe("lookup", dice.chance(50).then(|| dice.us(1, 1000)));
    cache.maybe("place", dice.chance(50).then_some("EachRegion"));
    cache.text()
}

fn edge(dice: &mut Dice, shape: &Shape) -> String {
    let mut edge = Fields::default();
    edge.set("places", format!("[\"{}\"]", shape.pops.join("\", \"")));
    edge.set("capacity", format!("\"{} KB\"", dice.log(1, 10_000_000)));
    edge.set("policy", eviction(dice));
    edge.maybe("stale", dice.chance(40).then(|| dice.ms(1, 5000)));
    edge.maybe("coalesce", dice.chance(50).then(|| dice.switch()));
    edge.set("start", dice.pick(&["Warm", "Cold"]));
    edge.maybe("cores", dice.chance(40).then(|| dice.from(1, 64)));
    edge.maybe("lookup", dice.chance(40).then(|| dice.us(1, 3000)));
    edge.maybe("detection", dice.chance(70).then(|| dice.ms(1, 6000)));
    if dice.chance(40) {
        let place = dice.pick(&REGIONS);
        edge.set(
            "shield",
            format!(
                "(place: \"{place}\", capacity: \"{} KB\")",
                dice.log(1, 1_000_000)
            ),
        );
    }
    edge.text()
}
