//! What a run will need, before it starts: `needs about 5 GiB and 90 s`.
//!
//! A guess from the scenario alone. Memory is 64 bytes per connection and 20 per membership in the routing structures, and
//! as much again for the simulated clients. Time is a constant per delivery, per copy and per membership built, measured
//! once on one core of a small cloud machine; the true cost is in the report's `engine`.

use report::numbers::{bytes, seconds};
use sim_core::scenario::{Members, Per, Rate, Scenario};

const BYTES_PER_CONNECTION: f64 = 128.0;
const BYTES_PER_MEMBERSHIP: f64 = 24.0;
const BUILD_NS_PER_MEMBERSHIP: f64 = 100.0;
const NS_PER_DELIVERY: f64 = 4.0;
const NS_PER_EVENT: f64 = 250.0;
/// Below both, nothing is said.
const HEAVY_BYTES: f64 = 1e9;
const HEAVY_S: f64 = 15.0;

/// Needs of one run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Needs {
    bytes: f64,
    cpu_s: f64,
}

impl Needs {
    /// Of one scenario at `users`.
    pub(crate) fn of(scenario: &Scenario, users: u32) -> Self {
        let connections = f64::from(users) * scenario.load.online;
        let per_user = scenario.channels.per_user;
        let memberships = connections * per_user;
        let simulated_s = (scenario.run.warmup.as_secs_f64()) + scenario.run.duration.as_secs_f64();
        let (channels, fan_out) = audience(&scenario.channels.members, connections, per_user);
        let of = |rate: &Rate| match rate.per {
            Per::User => rate.per_s * connections,
            Per::Channel => rate.per_s * channels,
            Per::System => rate.per_s,
        };
        let servers = f64::from(scenario.design.connection_servers.count);
        let messages = scenario
            .traffic
            .publish
            .as_ref()
            .map_or(0.0, |p| of(&p.rate))
            * simulated_s;
        let presence = scenario
            .traffic
            .presence
            .as_ref()
            .map_or(0.0, |p| of(&p.rate))
            * simulated_s
            * per_user;
        let queries = scenario.traffic.query.as_ref().map_or(0.0, |q| of(&q.rate)) * simulated_s;
        let copies = (messages + presence) * fan_out.min(servers);
        let deliveries = (messages + presence) * fan_out;
        let events = 4.0 * messages + 3.0 * copies + 4.0 * queries;
        Self {
            bytes: connections * BYTES_PER_CONNECTION + memberships * BYTES_PER_MEMBERSHIP,
            cpu_s: 1e-9
                * (memberships * BUILD_NS_PER_MEMBERSHIP
                    + deliveries * NS_PER_DELIVERY
                    + events * NS_PER_EVENT),
        }
    }

    /// Several runs, `threads` at a time: the largest ones share the memory.
    pub(crate) fn together(mut each: Vec<Needs>, threads: usize) -> Self {
        let cpu_s: f64 = each.iter().map(|needs| needs.cpu_s).sum();
        each.sort_by(|a, b| b.bytes.total_cmp(&a.bytes));
        let longest = each.iter().map(|needs| needs.cpu_s).fold(0.0, f64::max);
        Self {
            bytes: each.iter().take(threads).map(|needs| needs.bytes).sum(),
            cpu_s: longest.max(cpu_s / threads.max(1) as f64),
        }
    }

    /// The sentence, when it is heavy.
    pub(crate) fn sentence(self) -> Option<String> {
        (self.bytes >= HEAVY_BYTES || self.cpu_s >= HEAVY_S).then(|| {
            format!(
                "needs about {} and {}",
                bytes(self.bytes),
                seconds(self.cpu_s.max(1.0).round())
            )
        })
    }
}

/// Number of channels, and members a message meets: the size-biased mean.
fn audience(members: &Members, connections: f64, per_user: f64) -> (f64, f64) {
    let memberships = connections * per_user;
    match *members {
        Members::Everyone => (1.0, connections),
        Members::Rooms { size } => (connections / f64::from(size.max(1)), f64::from(size)),
        Members::Random { count } => (f64::from(count), memberships / f64::from(count.max(1))),
        Members::LogNormal { median, p99, max } => {
            // 2.326 is the 99th percentile of the standard normal distribution.
            let sigma = (p99 / median).ln() / 2.326;
            let mean = median * (sigma * sigma / 2.0).exp();
            let biased = median * (1.5 * sigma * sigma).exp();
            (
                memberships / mean.max(1.0),
                biased.min(f64::from(max)).min(connections),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn light_work_is_not_announced() {
        assert_eq!(
            Needs {
                bytes: 1e6,
                cpu_s: 2.0
            }
            .sentence(),
            None
        );
        let heavy = Needs {
            bytes: 5.0 * 1024f64.powi(3),
            cpu_s: 90.0,
        };
        assert_eq!(
            heavy.sentence().as_deref(),
            Some("needs about 5 GiB and 90 s")
        );
    }

    #[test]
    fn threads_share_time_and_add_memory() {
        let one = Needs {
            bytes: 10.0,
            cpu_s: 4.0,
        };
        let both = Needs::together(vec![one, one, one], 2);
        assert_eq!(
            both,
            Needs {
                bytes: 20.0,
                cpu_s: 6.0
            }
        );
    }

    #[test]
    fn messages_meet_large_channels_more_often() {
        let members = Members::LogNormal {
            median: 8.0,
            p99: 330.0,
            max: 20_000,
        };
        let (_, fan_out) = audience(&members, 200_000.0, 12.0);
        assert!(fan_out > 100.0, "{fan_out}");
    }
}
