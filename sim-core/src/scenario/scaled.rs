//! A scale model: the same system, so many times smaller, for loads that are too large to be simulated whole in a moment.
//!
//! Models: one in `k` of the users, on connection servers with one in `k` of the cores, memory, network and connections. All
//! instances stay, and channels keep their sizes, so that a message still goes to as many servers and each of them is as busy as
//! in the whole. Owners, brokers and databases keep their cores; their clocks go `k` times as slow
//! ([`crate::station::FastFifo::slow_clock`]), so that one in `k` of the jobs meets the queue of the whole. What is counted is
//! multiplied by `k` again ([`crate::system`]), money included.
//! Formula: λ/k on c/k cores: utilisation λS/c as in the whole; λ/k of service kS on c: k times the wait, told as one.
//! Leaves out: that the many cores of a server wait less together than the few of its model, so it errs to the slow side as
//! servers fill; [`ERROR`] is what was measured.
//! Refused where something does not get smaller with the users: channels of all, caches (their keys stay), regions, assets,
//! documents, purchases, orders, notifications.
//! Source: measured against whole runs, `cargo test -p system-tests --test scale`.

use super::asking::Asking;
use super::check::Check;
use super::error::Problem;
use super::model::{
    Channels, ConnectionServers, Design, Fault, LoadBalancer, Machine, Members, Per, Rate,
    Scenario, Traffic,
};
use super::over_time::People;

/// Largest relative error of a latency's mean and percentiles up to the 99th, against whole runs of designs that hold.
pub const ERROR: f64 = 0.03;
/// A server has at least so many cores in a model: of one alone, the wait is felt.
const CORES: u32 = 2;
/// Smallest model, as a share of the whole: one in so many.
pub const SMALLEST: u32 = 64;

/// Why there is no such model of a scenario, in words that go on after "a model of one in so many".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unscalable(pub String);

impl Scenario {
    /// The same with its patterns applied to its design.
    #[must_use]
    pub fn effective(&self) -> Scenario {
        Scenario {
            design: self.effective_design(),
            ..self.clone()
        }
    }

    /// What is simulated: the patterns applied to the design, and the scale model of it if one is asked for.
    #[must_use]
    pub fn simulated(&self) -> Scenario {
        let mut whole = self.effective();
        let model = whole.run.scale.map(|k| scaled(&whole, k));
        match model {
            Some(Ok(model)) => model,
            _ => {
                whole.run.scale = None;
                whole
            }
        }
    }

    /// Whether there is a model of one in `k`.
    pub fn scales(&self, k: u32) -> Result<(), Unscalable> {
        scaled(&self.effective(), k).map(|_| ())
    }

    /// The least small model that has at most so many users, else the smallest there is; `None`: none is needed, or there is none.
    #[must_use]
    pub fn model_of(&self, users: u32) -> Option<u32> {
        if self.load.users <= users {
            return None;
        }
        let fits = (2..=SMALLEST).filter(|&k| self.scales(k).is_ok());
        let mut best = None;
        for k in fits {
            best = Some(k);
            if self.load.users / k <= users {
                break;
            }
        }
        best
    }
}

/// Whether there is such a model, if one is asked for.
pub fn check(scenario: &Scenario, check: &mut Check<'_>) -> bool {
    let asked = scenario.run.scale;
    let Some((k, Err(Unscalable(why)))) = asked.map(|k| (k, scenario.scales(k))) else {
        return true;
    };
    let fits: Vec<String> = (2..=SMALLEST)
        .filter(|&k| scenario.scales(k).is_ok())
        .map(|k| k.to_string())
        .collect();
    let problem = Problem::new(format!("a model of one in {k} {why}"));
    let problem = match fits.is_empty() {
        true => problem.help("leave run.scale out: the whole is simulated"),
        false => problem.allowed(fits.join(", ")),
    };
    check.problem("run.scale", problem);
    false
}

fn scaled(whole: &Scenario, k: u32) -> Result<Scenario, Unscalable> {
    let refuse = |why: &str| Err(Unscalable(why.to_owned()));
    if k < 2 {
        return refuse("is the whole");
    }
    if whole.asking != Asking::default() {
        return refuse("has no words for a database that is asked under stress (asking)");
    }
    let mut load = whole.load.clone();
    load.users = (load.users / k).max(1);
    let mut over_time = whole.over_time.clone();
    for crowd in &mut over_time.flash_crowds {
        crowd.joins = fewer(crowd.joins, k);
    }
    let faults = whole.faults.iter().cloned();
    let faults = faults.map(|mut timed| {
        if let Fault::FlashCrowd { joins, .. } = &mut timed.fault {
            *joins = fewer(*joins, k);
        }
        timed
    });
    channels(&whole.channels, load.users)?;
    let model = Scenario {
        load,
        traffic: traffic(&whole.traffic, k)?,
        over_time,
        design: design(&whole.design, k)?,
        faults: faults.collect(),
        ..whole.clone()
    };
    if model
        .faults
        .iter()
        .any(|timed| matches!(timed.fault, Fault::Reshard(_)))
    {
        return refuse("has no words for more shards while it runs");
    }
    Ok(model)
}

fn fewer(people: People, k: u32) -> People {
    match people {
        People::Share(share) => People::Share(share),
        People::Count(count) => People::Count((count / k).max(1)),
    }
}

fn channels(channels: &Channels, users: u32) -> Result<(), Unscalable> {
    let largest = match channels.members {
        Members::LogNormal { max, .. } => max,
        Members::Rooms { size } => size,
        Members::Random { .. } | Members::Everyone => u32::MAX,
    };
    if channels.largest.is_some() || largest > users {
        return Err(Unscalable(
            "has fewer users than its largest channel has members".to_owned(),
        ));
    }
    Ok(())
}

fn traffic(whole: &Traffic, k: u32) -> Result<Traffic, Unscalable> {
    let mut traffic = whole.clone();
    let Traffic {
        publish,
        presence,
        query,
        command,
        keys: _,
        asset,
        // The design that it needs is refused.
        edit: _,
        spread: _,
        reserve,
        order,
        notify,
    } = &mut traffic;
    if reserve.is_some() || order.is_some() || notify.is_some() {
        return Err(Unscalable(
            "has no words for stock, matching engines and providers: they do not get smaller with the users"
                .to_owned(),
        ));
    }
    let rates = [
        publish.as_mut().map(|publish| &mut publish.rate),
        presence.as_mut().map(|presence| &mut presence.rate),
        query.as_mut().map(|query| &mut query.rate),
        command.as_mut().map(|command| &mut command.rate),
    ];
    for rate in rates.into_iter().flatten() {
        less_often(rate, k);
    }
    if asset.is_some() {
        return Err(Unscalable(
            "does not know what points of presence would hold (traffic.asset)".to_owned(),
        ));
    }
    Ok(traffic)
}

/// What is counted per user or channel is less often already: they are fewer.
fn less_often(rate: &mut Rate, k: u32) {
    if rate.per == Per::System {
        rate.per_s /= f64::from(k);
    }
}

fn design(whole: &Design, k: u32) -> Result<Design, Unscalable> {
    let Design {
        place: _,
        regions,
        routing: _,
        load_balancer,
        connection_servers,
        // Their clocks go slower in place of having fewer cores, see `FastFifo::slow_clock`.
        channel_owners: _,
        broker: _,
        database,
        shards: _,
        replicas,
        cache,
        edge,
        origin,
        documents,
        ordering,
        sourcing,
        // Nothing comes to them, see `traffic`.
        stock: _,
        matching: _,
        notifications: _,
        providers: _,
        colo: _,
    } = whole;
    let kept = [
        ("regions", regions.is_some()),
        ("read replicas", replicas.is_some()),
        ("a cache", cache.is_some()),
        (
            "connections of the database that servers hold",
            database.as_ref().is_some_and(|tier| tier.held.is_some()),
        ),
        ("points of presence", edge.is_some() || origin.is_some()),
        ("document owners", documents.is_some()),
        ("messages that wait for their turn", ordering.is_some()),
        ("an event log", sourcing.is_some()),
    ];
    if let Some((what, _)) = kept.iter().find(|(_, there)| *there) {
        return Err(Unscalable(format!(
            "is not made of a design with {what}: they do not get smaller with the users"
        )));
    }
    Ok(Design {
        load_balancer: LoadBalancer {
            max_connections: less(load_balancer.max_connections, k),
            new_connections_per_s: less(load_balancer.new_connections_per_s, k),
            ..load_balancer.clone()
        },
        connection_servers: servers(connection_servers, k)?,
        ..whole.clone()
    })
}

fn servers(whole: &ConnectionServers, k: u32) -> Result<ConnectionServers, Unscalable> {
    let cores = whole.machine.cores;
    if !cores.is_multiple_of(k) || cores / k < CORES {
        return Err(Unscalable(format!(
            "would have connection servers with {cores} / {k} cores"
        )));
    }
    let mut tier = whole.clone();
    tier.machine = smaller(&whole.machine, whole.machine.cores / k, k);
    tier.max_connections = whole.max_connections.map(|most| less(most, k));
    tier.descriptors = less(whole.descriptors, k);
    tier.accept_per_s = less(whole.accept_per_s, k);
    tier.accept_burst = less(whole.accept_burst, k);
    tier.inbox = whole.inbox.map(|copies| less(copies, k));
    tier.profile.base_memory_bytes /= u64::from(k);
    tier.profile.reserved_descriptors /= k;
    Ok(tier)
}

fn smaller(machine: &Machine, cores: u32, k: u32) -> Machine {
    Machine {
        cores,
        memory_bytes: machine.memory_bytes / u64::from(k),
        network_bits_per_s: machine.network_bits_per_s / u64::from(k),
        ..machine.clone()
    }
}

fn less(count: u32, k: u32) -> u32 {
    (count / k).max(1)
}
