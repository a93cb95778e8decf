//! What a run, or a computation, says about a published metric.

use sim_core::cluster;
use sim_core::report::{LatencyReport, RunReport, TierReport};
use sim_core::scenario::Scenario;

use super::Run;

/// A figure, or several in words.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// `12.3`
    Number(f64),
    /// `27,15,22`, `yes`
    Words(String),
}

impl Answer {
    pub(super) fn read(text: &str) -> Self {
        text.parse()
            .map_or_else(|_| Answer::Words(text.to_owned()), Answer::Number)
    }

    /// The figure.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Answer::Number(value) => Some(*value),
            Answer::Words(_) => None,
        }
    }
}

/// The share of what is owed that has arrived by the end, of a system that keeps up.
const KEEPS_UP: f64 = 0.98;

/// What a run says: latencies in ms (of one delivery; `complete.` before it: of the last one), `cpu` as a share of the cores that
/// connection servers can use, `busy_cores` of them all, `broker_cpu` of the hottest node's core, `broker_busy_cores` of one node,
/// `memory_gb` of them all and `kb_per_connection`, `keeps_up` in words, `reads_per_s` of the database,
/// `database.p99` of queries without the constant way to the database and back, `append.p99` until a log has committed, and `held_back`: whether
/// producers had to wait for it longer than they may.
#[must_use]
pub fn of_run(run: &Run, metric: &str) -> Option<Answer> {
    let Run { scenario, report } = run;
    if metric == "keeps_up" {
        let publish = report.operations.get("publish")?;
        let late = report.stop.starts_with("Unstable")
            || (publish.received as f64) < KEEPS_UP * publish.owed as f64;
        return Some(Answer::Words(if late { "no" } else { "yes" }.to_owned()));
    }
    if metric == "held_back" {
        let rejected = report.operations.get("publish")?.rejected?;
        return Some(Answer::Words(
            if rejected > 0 { "yes" } else { "no" }.to_owned(),
        ));
    }
    number(scenario, report, metric).map(Answer::Number)
}

fn number(scenario: &Scenario, report: &RunReport, metric: &str) -> Option<f64> {
    let servers = report.tiers.get("connection_servers");
    let design = &scenario.design;
    let machine = &design.connection_servers.machine;
    let mean =
        |tier: Option<&TierReport>, resource: &str| Some(tier?.utilization.get(resource)?.mean);
    let cpu = || mean(servers, "cpu");
    let publish = || report.operations.get("publish");
    match metric {
        "delivered_per_s" => Some(publish()?.deliveries_per_s),
        "published_per_s" => Some(publish()?.offered_per_s),
        "cpu" => cpu(),
        "busy_cores" => {
            let cores = design.connection_servers.count * machine.cores;
            Some(cpu()? * f64::from(cores))
        }
        "memory_gb" => {
            let all = f64::from(design.connection_servers.count) * machine.memory_bytes as f64;
            Some(mean(servers, "memory")? * all / 1e9)
        }
        "kb_per_connection" => Some(
            design
                .connection_servers
                .profile
                .memory_per_connection_bytes as f64
                / 1e3,
        ),
        "broker_cpu" => {
            let broker = report.tiers.get("broker")?;
            Some(broker.utilization.get("cpu")?.hottest)
        }
        "broker_busy_cores" => {
            let cores = f64::from(design.broker.as_ref()?.machine.cores);
            Some(mean(report.tiers.get("broker"), "cpu")? * cores)
        }
        "reads_per_s" => {
            let fetches = report.tiers.get("cache")?.counters.get("fetches")?;
            Some(*fetches as f64 / report.simulated_s.max(1e-9))
        }
        within if within.starts_with("database.") => {
            let query = report.operations.get("query")?;
            let elsewhere = query.breakdown.iter().filter(|row| row.tier != "database");
            let way: f64 = elsewhere.map(|row| row.mean_ms).sum();
            let answered = query.latency_ms.get("answered")?;
            Some(of_latency(answered, &within["database.".len()..])? - way)
        }
        within if within.starts_with("append.") => {
            let log = report.tiers.get("log")?.append_ms.as_ref()?;
            match &within["append.".len()..] {
                "mean" => log.mean.value,
                "p50" => log.p50.value,
                "p95" => log.p95.value,
                "p99" => log.p99.value,
                "p99.9" => log.p999.value,
                _ => None,
            }
        }
        latency => {
            let (of, which) = match latency.strip_prefix("complete.") {
                Some(which) => ("complete", which),
                None => ("delivered", latency),
            };
            of_latency(publish()?.latency_ms.get(of)?, which)
        }
    }
}

fn of_latency(latency: &LatencyReport, metric: &str) -> Option<f64> {
    match metric {
        "mean" => latency.mean.value,
        "max" => Some(latency.max),
        percentile => {
            let p: f64 = percentile.strip_prefix('p')?.parse().ok()?;
            quantile(latency, p / 100.0)
        }
    }
}

/// The upper bound of the bucket that a share `p` does not exceed.
fn quantile(latency: &LatencyReport, p: f64) -> Option<f64> {
    let rank = (p * latency.count as f64).ceil() as u64;
    let mut so_far = 0;
    latency.buckets.iter().find_map(|&(high, count)| {
        so_far += count;
        (so_far >= rank).then_some(high)
    })
}

/// What follows from the routing code without a run, by a metric's name: `naive 128 on 6` and `balanced 128 on 6` partitions,
/// `sockets 200 to 128`, `commands 128 on 6 by 16` (the commands of as many workers for one node's partitions).
#[must_use]
pub fn computed(metric: &str) -> Option<Answer> {
    let words: Vec<&str> = metric.split(' ').collect();
    let read = |word: &str| word.parse::<u32>().ok();
    match words[..] {
        [how @ ("naive" | "balanced"), partitions, "on", nodes] => {
            let balanced = how == "balanced";
            let counts = cluster::partitions_per_node(read(partitions)?, read(nodes)?, balanced);
            let counts: Vec<String> = counts.iter().map(u32::to_string).collect();
            Some(Answer::Words(counts.join(",")))
        }
        ["sockets", servers, "to", each] => {
            let all = cluster::connections(read(servers)?.into(), read(each)?.into());
            Some(Answer::Number(all as f64))
        }
        ["commands", partitions, "on", nodes, "by", workers] => {
            let counts = cluster::partitions_per_node(read(partitions)?, read(nodes)?, true);
            let commands = counts.iter().min()? * read(workers)?;
            Some(Answer::Number(commands.into()))
        }
        _ => None,
    }
}
