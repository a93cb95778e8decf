//! From a scenario to what the live deployment needs, so that `live` never sees the simulator.
//!
//! Left out: places and access (there is no distance on a loopback device), machines and prices, presence, queries of their own,
//! faults, query timeouts. What the deployment cannot do is refused; what it leaves out is said on standard error.

use std::time::Duration;

use anyhow::Context;
use live::{DeployError, DeployPlan, PlanError, StorePlan};
use routing::session::SlowConsumer;
use routing::{ConnectionId, ReplayLimits};
use sim_core::quantile::{Distribution, QuantileTable};
use sim_core::scenario::{
    Channels, Database, Design, Members, OverTime, Per, Publish, Publisher, Scenario, Transport,
};
use sim_core::time::SimDuration;

use crate::exit::{Exit, Failure};
use crate::output::{self, Output};

/// A real system has no queues to fill in simulated hours: warming up longer than this changes nothing.
const LONGEST_WARMUP: Duration = Duration::from_secs(2);
/// Equally likely query times that stand for a distribution.
const QUERY_TIMES: u32 = 1_000;

/// Deploys a scenario's design and prints what was measured.
pub(crate) fn deploy(scenario: &Scenario, output: &Output) -> Result<Exit, Failure> {
    let plan = translate(scenario)?;
    if !output.quiet {
        for line in left_out(scenario) {
            output::say(&format!("{}: {line}", scenario.name));
        }
        output::say(&format!(
            "{}: deploying {} users on 127.0.0.1, about {:.0} s",
            scenario.name,
            plan.users,
            (plan.warmup + plan.duration).as_secs_f64()
        ));
    }
    match live::deploy(&plan) {
        Ok(measured) => {
            output::print(&measured.to_string())?;
            Ok(Exit::Ok)
        }
        Err(DeployError::Plan(error)) => Err(refused(scenario, &error)),
        Err(error) => Err(anyhow::Error::new(error)
            .context(format!("failed to deploy {}", scenario.name))
            .into()),
    }
}

/// The deployment of a scenario.
fn translate(scenario: &Scenario) -> Result<DeployPlan, Failure> {
    let design = scenario.effective_design();
    let servers = &design.connection_servers;
    let count = u16::try_from(servers.count).unwrap_or(u16::MAX);
    if count != 1 {
        return Err(refused(scenario, &PlanError::Servers(count)));
    }
    supported(scenario, &design)?;
    let users = (f64::from(scenario.load.users) * scenario.load.online).round() as u32;
    if users > live::plan::MOST_USERS {
        return Err(refused(scenario, &PlanError::Users(users)));
    }
    let channels = channels(scenario, users)?;
    let publish = scenario.traffic.publish.as_ref();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(DeployPlan {
        name: scenario.name.clone(),
        users,
        publish_per_user_s: publish
            .map_or(0.0, |publish| per_user_s(publish, channels.len(), users)),
        channels,
        servers: count,
        server_threads: threads.min(servers.machine.cores.max(1) as usize),
        routing: design.routing,
        payload_bytes: publish.map_or(0, |publish| publish.size_bytes as usize),
        replay: ReplayLimits {
            window_ns: servers.resume.as_nanos(),
            max_entries: servers.replay_messages,
        },
        outbound_messages: servers.outbound_messages as usize,
        store: store(publish, design.database.as_ref())?,
        warmup: real(scenario.run.warmup).min(LONGEST_WARMUP),
        duration: real(scenario.run.duration),
        seed: scenario.run.seed,
        heartbeat: real(scenario.load.heartbeat),
        heartbeat_timeout: real(scenario.load.heartbeat + scenario.load.heartbeat_timeout),
    })
}

/// Refuses what would be measured wrongly.
fn supported(scenario: &Scenario, design: &Design) -> Result<(), Failure> {
    let refuse = |what: &str| Err(unsupported(scenario, what));
    if !matches!(scenario.load.transport, Transport::WebSocket) {
        return refuse("clients that do not use WebSockets");
    }
    if design.connection_servers.on_full != SlowConsumer::Disconnect {
        return refuse("any on_full but Disconnect");
    }
    if design.sourcing.is_some() {
        return refuse("an event log with projections");
    }
    if design.broker.is_some() || design.channel_owners.is_some() {
        return refuse("a broker or channel owners");
    }
    match &scenario.traffic.publish {
        Some(publish) if publish.from != Publisher::Members => refuse("publishes of a feed"),
        _ => Ok(()),
    }
}

/// What the scenario has and the deployment has not, one sentence each.
fn left_out(scenario: &Scenario) -> Vec<String> {
    let traffic = &scenario.traffic;
    let database = scenario.design.database.as_ref();
    let parts = [
        (traffic.presence.is_some(), "presence"),
        (traffic.query.is_some(), "queries of clients"),
        (
            traffic.reserve.is_some() || traffic.order.is_some(),
            "purchases and orders",
        ),
        (traffic.notify.is_some(), "notifications"),
        (!scenario.faults.is_empty(), "faults"),
        (
            scenario.over_time != OverTime::default(),
            "load that changes over time, bursts and waiting clients",
        ),
        (
            database.is_some_and(|database| database.timeout.is_some()),
            "query timeouts",
        ),
    ];
    let missing = parts.into_iter().filter(|(is_there, _)| *is_there);
    missing
        .map(|(_, what)| format!("{what}: not deployed, so not measured"))
        .collect()
}

/// The members of every channel, as the simulator has them.
fn channels(scenario: &Scenario, users: u32) -> Result<Vec<Vec<ConnectionId>>, Failure> {
    let Channels { members, .. } = &scenario.channels;
    match *members {
        Members::Rooms { size } => {
            let firsts = (0..users).step_by(size.max(1) as usize);
            Ok(firsts
                .map(|first| {
                    (first..users.min(first.saturating_add(size)))
                        .map(ConnectionId)
                        .collect()
                })
                .collect())
        }
        Members::Everyone => Ok(vec![(0..users).map(ConnectionId).collect()]),
        Members::LogNormal { .. } | Members::Random { .. } => Err(unsupported(
            scenario,
            "channels whose members are drawn; allowed: Rooms, Everyone",
        )),
    }
}

fn per_user_s(publish: &Publish, channels: usize, users: u32) -> f64 {
    let users = f64::from(users.max(1));
    match publish.rate.per {
        Per::User => publish.rate.per_s,
        Per::Channel => publish.rate.per_s * channels as f64 / users,
        Per::System => publish.rate.per_s / users,
    }
}

fn store(
    publish: Option<&Publish>,
    database: Option<&Database>,
) -> Result<Option<StorePlan>, Failure> {
    let (Some(publish), Some(database)) = (publish, database) else {
        return Ok(None);
    };
    Ok(Some(StorePlan {
        pool: database.pool as usize,
        queue: database.queue as usize,
        queries: publish.queries,
        times: query_times(&database.query)?,
    }))
}

/// Equally likely times: the middles of equal shares of the distribution.
fn query_times(distribution: &Distribution) -> Result<Vec<Duration>, Failure> {
    if let Distribution::Constant(time) = *distribution {
        return Ok(vec![real(time)]);
    }
    let table = QuantileTable::new(*distribution).context("failed to draw query times")?;
    let middles = (0..QUERY_TIMES).map(|i| (f64::from(i) + 0.5) / f64::from(QUERY_TIMES));
    Ok(middles.map(|p| real(table.quantile(p))).collect())
}

fn real(time: SimDuration) -> Duration {
    Duration::from_nanos(time.as_nanos())
}

fn refused(scenario: &Scenario, error: &PlanError) -> Failure {
    let help = match error {
        PlanError::Servers(_) => "; --set patterns.pooling=Off leaves one",
        PlanError::Users(_) | PlanError::Descriptors { .. } => "; choose with --users",
        _ => "",
    };
    Failure::Usage(format!("{}: {error}{help}", scenario.name))
}

fn unsupported(scenario: &Scenario, what: &str) -> Failure {
    Failure::Usage(format!(
        "{}: the live deployment does not have {what} so far",
        scenario.name
    ))
}

#[cfg(test)]
mod tests {
    use sim_core::scenario::load_str;

    use super::*;

    fn preset(name: &str, edits: &[(&str, &str)]) -> Scenario {
        let preset = crate::presets::ALL
            .iter()
            .find(|preset| preset.name == name)
            .unwrap();
        let edits: Vec<_> = edits
            .iter()
            .map(|(path, value)| sim_core::scenario::Edit::Set {
                path: (*path).to_owned(),
                value: (*value).to_owned(),
            })
            .collect();
        load_str(preset.text, name, &edits).unwrap()
    }

    #[test]
    fn p1_mvp_is_one_server_with_rooms_and_a_pool() {
        let plan = translate(&preset("p1-mvp", &[])).unwrap();
        assert_eq!(
            (plan.users, plan.channels.len(), plan.servers),
            (6_000, 120, 1)
        );
        assert!(plan.channels.iter().all(|members| members.len() == 50));
        let store = plan.store.unwrap();
        assert_eq!((store.pool, store.queries), (20, 5));
        assert_eq!(store.times, [Duration::from_millis(10)]);
        assert!((plan.publish_per_user_s - 0.05).abs() < 1e-12);
        assert_eq!(plan.warmup, LONGEST_WARMUP);
    }

    #[test]
    fn what_cannot_be_deployed_is_refused_in_words() {
        let Failure::Usage(text) = translate(&preset("team-chat", &[])).unwrap_err() else {
            panic!("a usage error is expected");
        };
        assert!(
            text.contains("one connection server") && text.contains("pooling=Off"),
            "{text}"
        );
    }
}
