//! What would hold a load: counts and pools made larger until nothing gives way below it.
//!
//! The limit that the quick estimate names is relieved in proportion to what is missing, then the next limit is looked at, until
//! the load is held. Behind a latency that is too long stands the fullest resource. Last, each count is taken back one by one for as long as the load is still held.
//!
//! Left out: limits that no count relieves (a latency that is all network, bandwidth of the clients), and cheaper machines.

use super::advise::Variant;
use super::forecast::{Forecast, Forecaster};
use crate::scenario::{Edit, Scenario};

/// Limits that are relieved one after the other.
const LIMITS: usize = 8;
/// Counts that are taken back.
const BACK: u32 = 3;
/// Largest growth of one count at once.
const GROWTH: f64 = 16.0;

/// A count or a pool.
#[derive(Clone, Debug, PartialEq)]
struct Knob {
    path: &'static str,
    /// `connection server`
    noun: &'static str,
    before: u32,
    now: u32,
}

impl Forecaster {
    /// The smallest counts and pools with which this number of users is held; `None`: it is held as it is, no count helps, or
    /// `go_on` said no.
    #[must_use]
    pub fn holding(&self, users: f64, go_on: &dyn Fn() -> bool) -> Option<Variant> {
        if holds(&self.base, users) {
            return None;
        }
        let mut knobs: Vec<Knob> = Vec::new();
        let mut found = self.base.clone();
        for _ in 0..LIMITS {
            if holds(&found, users) {
                break;
            }
            let limit = knob(&self.scenario, found.limit.as_deref()?);
            // Behind a latency stands what is fullest.
            let behind = || knob(&self.scenario, found.fullest.as_deref()?);
            let wanted = limit.or_else(behind)?;
            let at = knobs.iter().position(|knob| knob.path == wanted.path);
            let at = at.unwrap_or_else(|| {
                knobs.push(wanted);
                knobs.len() - 1
            });
            let missing = (users / found.breaks_at?.max(1.0)).clamp(1.0, GROWTH);
            let knob = &mut knobs[at];
            let grown = libm::ceil(f64::from(knob.now) * missing) as u32;
            knob.now = grown.max(knob.now.saturating_add(1));
            found = self.with(&knobs, go_on)?;
        }
        if !holds(&found, users) {
            return None;
        }
        for index in 0..knobs.len() {
            for _ in 0..BACK {
                let mut fewer = knobs.clone();
                if fewer[index].now <= fewer[index].before + 1 {
                    break;
                }
                fewer[index].now -= 1;
                match self.with(&fewer, go_on) {
                    Some(forecast) if holds(&forecast, users) => (knobs, found) = (fewer, forecast),
                    _ => break,
                }
            }
        }
        let words: Vec<String> = knobs.iter().map(Knob::words).collect();
        Some(Variant {
            words: words.join(", "),
            edits: edits(&knobs),
            forecast: found,
        })
    }

    fn with(&self, knobs: &[Knob], go_on: &dyn Fn() -> bool) -> Option<Forecast> {
        go_on().then(|| self.forecast(&edits(knobs))).flatten()
    }
}

impl Knob {
    fn words(&self) -> String {
        if self.noun == "pool" {
            return format!("a pool of {}", self.now);
        }
        let more = self.now - self.before;
        let plural = if more == 1 { "" } else { "s" };
        format!("+{more} {}{plural}", self.noun)
    }
}

fn holds(forecast: &Forecast, users: f64) -> bool {
    forecast.breaks_at.is_none_or(|breaks| breaks >= users)
}

fn edits(knobs: &[Knob]) -> Vec<Edit> {
    let edit = |knob: &Knob| Edit::Set {
        path: knob.path.to_owned(),
        value: knob.now.to_string(),
    };
    knobs.iter().map(edit).collect()
}

/// What relieves a limit: `database.pool`, or `tiers.connection_servers.utilization.cpu.hottest < 80 %`.
fn knob(scenario: &Scenario, limit: &str) -> Option<Knob> {
    let mut steps = limit.split(['.', ' ']);
    let tier = match steps.next()? {
        "tiers" => steps.next()?,
        tier => tier,
    };
    let resource = steps.find(|step| *step != "utilization")?;
    let (patterns, design) = (scenario.patterns, &scenario.design);
    let knob = |path, noun, before| {
        Some(Knob {
            path,
            noun,
            before,
            now: before,
        })
    };
    match tier {
        "load_balancer" if patterns.pooling => knob(
            "design.load_balancer.count",
            "load balancer",
            design.load_balancer.count,
        ),
        "connection_servers" if patterns.pooling => knob(
            "design.connection_servers.count",
            "connection server",
            design.connection_servers.count,
        ),
        "channel_owners" if patterns.pooling => knob(
            "design.channel_owners.count",
            "channel owner",
            design.channel_owners.as_ref()?.count,
        ),
        "broker" if patterns.pooling => {
            let count = design.broker.as_ref()?.count;
            knob("design.broker.count", "broker node", count)
        }
        "database" if resource == "pool" => knob(
            "design.database.pool",
            "pool",
            design.database.as_ref()?.pool,
        ),
        "database" if patterns.sharding => {
            let count = design.shards.as_ref()?.count;
            knob("design.shards.count", "shard", count)
        }
        "cache" if patterns.caching_and_edge => {
            let count = design.cache.as_ref()?.count;
            knob("design.cache.count", "cache node", count)
        }
        "replicas" if patterns.caching_and_edge => {
            let count = design.replicas.as_ref()?.count;
            knob("design.replicas.count", "read replica", count)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Recipe;

    fn sketch(edits: &[(&str, &str)]) -> Forecaster {
        let set = |(path, value): &(&str, &str)| Edit::Set {
            path: (*path).to_owned(),
            value: (*value).to_owned(),
        };
        let recipe = Recipe {
            text: include_str!("../../../presets/team-chat.ron").to_owned(),
            file_name: "team-chat.ron".to_owned(),
            edits: edits.iter().map(set).collect(),
            files: Default::default(),
        };
        Forecaster::sketch(recipe).unwrap()
    }

    #[test]
    fn the_smallest_counts_hold_the_load_and_one_less_does_not() {
        let forecaster = sketch(&[("load.users", "20K"), ("design.database.pool", "10")]);
        let base = forecaster.base.breaks_at.unwrap();
        for times in [1.5, 3.0] {
            let users = base * times;
            let variant = forecaster.holding(users, &|| true).unwrap();
            assert!(holds(&variant.forecast, users), "{variant:?}");
            assert!(variant.words.contains("a pool of"), "{}", variant.words);
            for (index, edit) in variant.edits.iter().enumerate() {
                let Edit::Set { path, value } = edit else {
                    panic!("{edit:?}")
                };
                let mut fewer = variant.edits.clone();
                let less = value.parse::<u32>().unwrap() - 1;
                fewer[index] = Edit::Set {
                    path: path.clone(),
                    value: less.to_string(),
                };
                let less = forecaster.forecast(&fewer);
                assert!(
                    less.is_none_or(|less| !holds(&less, users)),
                    "one less of {path} holds it too: {}",
                    variant.words
                );
            }
        }
    }

    #[test]
    fn what_is_held_already_needs_nothing() {
        let forecaster = sketch(&[("load.users", "20K")]);
        assert_eq!(forecaster.holding(1_000.0, &|| true), None);
        assert_eq!(forecaster.holding(1e7, &|| false), None);
    }

    #[test]
    fn an_objective_names_the_tier_that_it_is_about() {
        let scenario = sketch(&[("load.users", "1K")]).scenario;
        let path = |limit: &str| knob(&scenario, limit).map(|knob| knob.path);
        let objective = "tiers.connection_servers.utilization.cpu.hottest < 80 %";
        assert_eq!(path(objective), Some("design.connection_servers.count"));
        assert_eq!(path("database.pool"), Some("design.database.pool"));
        assert_eq!(path("publish.delivered.p99 < 500 ms"), None);
    }
}
