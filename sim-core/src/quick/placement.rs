//! What the quick estimate knows of a population and its placement: shares, not people.
//!
//! Taken once from the real routing structures of a world at time zero (`system::survey`): who sits on which server, which
//! core orders which channel, how many copies a message makes and how many recipients a copy has, weighted as messages are
//! (a message lands in a channel in proportion to its members). Holds for every rate, service time and machine; another
//! number of users scales it ([`Placement::suits`] says when a design needs a survey of its own).
//!
//! Left out: the joint distribution of a message's copies. Presence is counted exactly for a sample of users, and its mean
//! corrected by the ratio of distinct to all co-members.

use super::grid::Pmf;
use crate::report::RunReport;
use crate::scenario::{Design, Scenario};
use crate::system::BuildError;

/// Shares of one population under one design.
#[derive(Clone, Debug)]
pub struct Placement {
    /// Users it was taken at.
    pub users: f64,
    /// Connections wanted.
    pub connections: f64,
    /// Channels.
    pub channels: f64,
    /// Share of users who sit in at least one channel, and so can publish.
    pub starters: f64,
    /// Members of a channel as a random membership meets it: the size-biased mean.
    pub size_biased_members: f64,
    /// Members of a channel, every channel alike.
    pub mean_members: f64,
    /// Messages of channels.
    pub publish: Audience,
    /// Status changes.
    pub presence: Audience,
    /// Connection servers.
    pub servers: Vec<ServerShare>,
    /// Cores of the channel owners or the broker, node by node; empty with routing Local.
    pub cores: Vec<CoreShare>,
    /// How busy connections are, in groups: messages one gets per message sent in the system.
    pub(crate) met: Vec<Met>,
    pub(crate) network: NetworkShares,
    pub(crate) key: Key,
}

/// Recipients of a kind of message, over random messages.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Audience {
    /// Mean recipients of a message: the size-biased fan-out.
    pub recipients: f64,
    /// Mean copies of a message.
    pub copies: f64,
    /// Mean square of the copies.
    pub copies_sq: f64,
    /// Mean over messages of Σ n² over copies of n recipients.
    pub recipients_sq: f64,
    /// Recipients of the copy that a random delivery is part of.
    pub copy_sizes: Sizes,
    /// Number of the copy, from 1, that a random delivery is part of.
    pub copy_numbers: Sizes,
}

/// What one connection server gets, per message sent in the system.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ServerShare {
    /// Connections it holds.
    pub connections: f64,
    /// Copies.
    pub copies: f64,
    /// Recipients.
    pub recipients: f64,
    /// Sum of squared recipients of its copies.
    pub recipients_sq: f64,
}

/// What one ordering core gets.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CoreShare {
    /// Share of messages.
    pub messages: f64,
    /// Copies per message sent in the system.
    pub copies: f64,
    /// Squared copies per message sent in the system.
    pub copies_sq: f64,
    /// Recipients per message sent in the system.
    pub recipients: f64,
    /// Share of status changes.
    pub presence: f64,
}

/// Connections that are about as busy as each other.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Met {
    /// Messages one of them gets, per message sent in the system.
    pub(crate) per_message: f64,
    /// Their share of connections.
    pub(crate) of_connections: f64,
    /// Their share of deliveries.
    pub(crate) of_deliveries: f64,
}

/// Delays of the clients as they are, by access network.
#[derive(Clone, Debug)]
pub(crate) struct NetworkShares {
    /// Grid step, seconds.
    pub(crate) step: f64,
    pub(crate) access: Vec<AccessShare>,
    /// One way from a random client, jitter included.
    pub(crate) uplink: Pmf,
    /// One way between servers, seconds.
    pub(crate) link_s: f64,
}

/// Clients of one access network.
#[derive(Clone, Debug)]
pub(crate) struct AccessShare {
    pub(crate) share: f64,
    pub(crate) base: Pmf,
    pub(crate) jitter: Pmf,
}

/// What a survey depends on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Key(String);

impl Key {
    /// Of a scenario with this design.
    pub(crate) fn of(scenario: &Scenario, design: &Design) -> Self {
        let servers = &design.connection_servers;
        let owners = design.channel_owners.as_ref();
        let broker = design.broker.as_ref();
        let publish = scenario.traffic.publish.as_ref();
        Self(format!(
            "{:?}|{:?}|{:?}|{:?}|{}|{:?}|{:?}|{:?}",
            (
                &scenario.load.places,
                &scenario.load.access,
                scenario.load.wifi,
                scenario.load.online
            ),
            scenario.channels,
            (scenario.run.population_seed, &design.place, design.routing),
            (
                design.load_balancer.policy,
                design.load_balancer.counters_age,
                design.load_balancer.hop
            ),
            servers.count,
            crate::system::server_room(servers),
            owners.map(|o| (o.count, o.machine.cores, o.placement)),
            (
                broker.map(|b| (b.count, b.machine.cores, b.partitions)),
                publish.map(|publish| (publish.rate.per, &publish.from)),
            ),
        ))
    }
}

impl Placement {
    /// Builds the population of a scenario, seats it and takes the survey.
    pub fn of(scenario: &Scenario) -> Result<Self, BuildError> {
        crate::system::survey_of(scenario)
    }

    /// Whether this survey answers for `scenario`: the same people, seats and owners; rates, service times, machines and (near
    /// it) the number of users may differ.
    #[must_use]
    pub fn suits(&self, scenario: &Scenario) -> bool {
        self.key == Key::of(scenario, &scenario.effective_design())
    }
}

/// A histogram of whole numbers from 0, eight buckets per doubling; each keeps the mean of what is in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sizes {
    /// (weight, weight × number) by bucket.
    buckets: Vec<(f64, f64)>,
}

impl Sizes {
    /// Counts a number.
    pub fn add(&mut self, number: u32, weight: f64) {
        let bucket = if number < 16 {
            number as usize
        } else {
            let octave = 31 - number.leading_zeros();
            let part = (number >> (octave - 3)) & 7;
            16 + ((octave - 4) * 8 + part) as usize
        };
        if self.buckets.len() <= bucket {
            self.buckets.resize(bucket + 1, (0.0, 0.0));
        }
        self.buckets[bucket].0 += weight;
        self.buckets[bucket].1 += weight * f64::from(number);
    }

    /// (number, weight) of every bucket in use.
    pub fn iter(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let used = self.buckets.iter().filter(|(weight, _)| *weight > 0.0);
        used.map(|&(weight, sum)| (sum / weight, weight))
    }

    /// The mean number.
    #[must_use]
    pub fn mean(&self) -> f64 {
        let weight: f64 = self.buckets.iter().map(|bucket| bucket.0).sum();
        let sum: f64 = self.buckets.iter().map(|bucket| bucket.1).sum();
        if weight > 0.0 { sum / weight } else { 0.0 }
    }
}

/// The estimate a report carries, if it carries one.
pub(super) fn value(report: &RunReport, path: &str) -> Option<f64> {
    report.quick_estimate.as_ref()?.get(path).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_keep_their_mean() {
        let mut sizes = Sizes::default();
        for n in 0..5_000 {
            sizes.add(n, 1.0);
        }
        assert!((sizes.mean() - 2_499.5).abs() < 1e-6);
        assert!(sizes.iter().count() < 100);
        for (number, _) in sizes.iter() {
            assert!((0.0..5_000.0).contains(&number));
        }
    }
}
