//! The assumed numbers of a scenario, each with a lower and a higher value.
//!
//! A number is a guess when its nearest source is `Assumed`. Rates, sizes, times and costs are halved and doubled; shares move
//! half of the way to 0 and to 1; numbers per user are taken a third down and half up. What is decided by somebody (counts,
//! machines, pools, limits, policies) is no guess: see [`super::candidates`].
//!
//! Left out: regions and access networks (they are whole tables), the tables in `assets/`, and heartbeats.

use crate::quantile::Distribution;
use crate::scenario::quantity::{show_duration, show_size};
use crate::scenario::{Edit, Members, Per, Rate, Scenario, ServerProfile, Source};
use crate::time::SimDuration;

/// Name of the profile that stands for one with a changed number.
const VARIED: &str = "varied";

/// One assumed number.
#[derive(Clone, Debug, PartialEq)]
pub struct Guess {
    /// Its path in the scenario.
    pub path: String,
    /// In words.
    pub words: String,
    /// As it is.
    pub value: String,
    /// Why it is assumed so.
    pub source: String,
    /// What makes it lower.
    pub low: Vec<Edit>,
    /// What makes it higher.
    pub high: Vec<Edit>,
}

/// All assumed numbers with an effect, in the order of the file.
#[must_use]
pub fn guesses(scenario: &Scenario) -> Vec<Guess> {
    let mut found = Found {
        scenario,
        all: Vec::new(),
    };
    found.load();
    found.traffic();
    found.design();
    found.all
}

struct Found<'a> {
    scenario: &'a Scenario,
    all: Vec<Guess>,
}

impl Found<'_> {
    fn load(&mut self) {
        let load = &self.scenario.load;
        let share = |value: f64| format!("{} %", digits(value * 100.0));
        let ends = |value: f64| [value / 2.0, (1.0 + value) / 2.0].map(share);
        self.add(
            "load.wifi",
            "share of lines with Wi-Fi",
            &share(load.wifi),
            ends(load.wifi),
        );
        if load.online < 1.0 {
            self.add(
                "load.online",
                "share of users online",
                &share(load.online),
                ends(load.online),
            );
        }
        let channels = &self.scenario.channels;
        let around = |value: f64| [value / 1.5, value * 1.5].map(digits);
        match channels.members {
            Members::LogNormal { median, p99, max } => {
                let per_user = channels.per_user;
                self.add(
                    "channels.per_user",
                    "channels per user",
                    &per_user.to_string(),
                    around(per_user),
                );
                let of = |factor: f64| {
                    format!(
                        "LogNormal(median: {median}, p99: {:.1}, max: {max})",
                        p99 * factor
                    )
                };
                let words = "size of large channels (p99)";
                self.add(
                    "channels.members",
                    words,
                    &p99.to_string(),
                    [of(0.5), of(2.0)],
                );
            }
            Members::Rooms { size } => {
                let of = |size: u32| format!("Rooms(size: {size})");
                let ends = [of((size / 2).max(1)), of(size.saturating_mul(2))];
                self.add(
                    "channels.members",
                    "members per room",
                    &size.to_string(),
                    ends,
                );
            }
            Members::Random { .. } => {
                let per_user = channels.per_user;
                self.add(
                    "channels.per_user",
                    "channels per user",
                    &per_user.to_string(),
                    around(per_user),
                );
            }
            Members::Everyone => {}
        }
    }

    fn traffic(&mut self) {
        let traffic = &self.scenario.traffic;
        let bytes =
            |size: u32| [(size / 2).max(1), size.saturating_mul(2)].map(|n| format!("{n} B"));
        let rates = |rate: Rate| [0.5, 2.0].map(|factor| show_rate(rate, factor));
        if let Some(publish) = &traffic.publish {
            let now = show_rate(publish.rate, 1.0);
            self.add(
                "traffic.publish.rate",
                "rate of messages",
                &now,
                rates(publish.rate),
            );
            let now = format!("{} B", publish.size_bytes);
            self.add(
                "traffic.publish.size",
                "size of a message",
                &now,
                bytes(publish.size_bytes),
            );
            let queries = publish.queries;
            if queries > 0 {
                let ends = [queries / 2, queries * 2].map(|n| n.to_string());
                self.add(
                    "traffic.publish.queries",
                    "queries per message",
                    &queries.to_string(),
                    ends,
                );
            }
        }
        if let Some(presence) = &traffic.presence {
            let now = show_rate(presence.rate, 1.0);
            self.add(
                "traffic.presence.rate",
                "rate of status changes",
                &now,
                rates(presence.rate),
            );
            let now = format!("{} B", presence.size_bytes);
            self.add(
                "traffic.presence.size",
                "size of a status change",
                &now,
                bytes(presence.size_bytes),
            );
        }
        if let Some(query) = &traffic.query {
            let now = show_rate(query.rate, 1.0);
            self.add(
                "traffic.query.rate",
                "rate of queries",
                &now,
                rates(query.rate),
            );
            let now = format!("{} B", query.size_bytes);
            self.add(
                "traffic.query.size",
                "size of an answer",
                &now,
                bytes(query.size_bytes),
            );
        }
    }

    fn design(&mut self) {
        let design = &self.scenario.design;
        self.profile(&design.connection_servers.profile);
        if self.scenario.patterns.pooling {
            if let Some(owners) = &design.channel_owners {
                self.time(
                    "design.channel_owners.sequence",
                    "CPU of ordering a message",
                    owners.sequence,
                );
                self.time(
                    "design.channel_owners.copy",
                    "CPU of an owner's copy",
                    owners.copy,
                );
            }
            if let Some(broker) = &design.broker {
                self.time(
                    "design.broker.publish",
                    "CPU of taking a message",
                    broker.publish,
                );
                self.time("design.broker.copy", "CPU of a broker's copy", broker.copy);
                self.distribution("design.broker.linger", "rest at the broker", broker.linger);
            }
        }
        if let Some(database) = &design.database {
            self.distribution(
                "design.database.query",
                "time of a database query",
                database.query,
            );
        }
    }

    fn time(&mut self, path: &str, words: &str, time: SimDuration) {
        let ends = [0.5, 2.0].map(|factor| show_duration(time.scaled(factor)));
        self.add(path, words, &show_duration(time), ends);
    }

    fn distribution(&mut self, path: &str, words: &str, distribution: Distribution) {
        if let Some(ends) = [0.5, 2.0]
            .map(|f| show_distribution(distribution, f))
            .into_iter()
            .collect::<Option<Vec<_>>>()
            && let [low, high] = ends.as_slice()
        {
            let now = show_distribution(distribution, 1.0).unwrap_or_default();
            self.add(path, words, &now, [low.clone(), high.clone()]);
        }
    }

    /// Costs of the server software: varied by a profile of their own that is like the one in use.
    fn profile(&mut self, profile: &ServerProfile) {
        let base = format!("profiles.{}", profile.name);
        let times = [
            ("deliver", "CPU of a delivery", profile.deliver),
            ("receive", "CPU of reading a message", profile.receive),
            ("copy", "CPU of taking a copy", profile.copy),
        ];
        for (field, words, time) in times {
            let ends = [0.5, 2.0].map(|factor| show_duration(time.scaled(factor)));
            self.add_varied(&base, profile, field, words, &show_duration(time), ends);
        }
        let memory = profile.memory_per_connection_bytes;
        let ends = [memory / 2, memory * 2].map(|n| format!("{n} B"));
        let words = "memory of a connection";
        self.add_varied(
            &base,
            profile,
            "memory_per_connection",
            words,
            &show_size(memory),
            ends,
        );
    }

    fn add_varied(
        &mut self,
        base: &str,
        profile: &ServerProfile,
        field: &str,
        words: &str,
        now: &str,
        ends: [String; 2],
    ) {
        let path = [
            format!("{base}.{field}"),
            format!("design.connection_servers.profile.{field}"),
        ];
        let Some((path, source)) = path
            .iter()
            .find_map(|path| Some((path, self.assumed(path)?)))
        else {
            return;
        };
        let overlay = |value: &String| {
            let text = format!(
                "(profiles: {{\"{VARIED}\": (like: \"{}\", {field}: \"{value}\")}}, design: (connection_servers: (profile: \"{VARIED}\")))",
                profile.name
            );
            vec![Edit::Overlay {
                file_name: format!("{} with {field} {value}", profile.name),
                text,
            }]
        };
        let [low, high] = ends;
        self.all.push(Guess {
            path: path.clone(),
            words: words.to_owned(),
            value: now.to_owned(),
            source,
            low: overlay(&low),
            high: overlay(&high),
        });
    }

    fn add(&mut self, path: &str, words: &str, now: &str, ends: [String; 2]) {
        let Some(source) = self.assumed(path) else {
            return;
        };
        let set = |value: String| {
            vec![Edit::Set {
                path: path.to_owned(),
                value,
            }]
        };
        let [low, high] = ends;
        self.all.push(Guess {
            path: path.to_owned(),
            words: words.to_owned(),
            value: now.to_owned(),
            source,
            low: set(low),
            high: set(high),
        });
    }

    /// The words of a source that is only assumed.
    fn assumed(&self, path: &str) -> Option<String> {
        match self.scenario.source_of(path)? {
            Source::Assumed(words) => Some(words.clone()),
            _ => None,
        }
    }
}

fn show_rate(rate: Rate, factor: f64) -> String {
    let unit = match rate.per {
        Per::User => " per user",
        Per::Channel => " per channel",
        Per::System => "",
    };
    let per_s = rate.per_s * factor;
    if per_s < 0.1 {
        format!("{}/h{unit}", digits(per_s * 3_600.0))
    } else {
        format!("{}/s{unit}", digits(per_s))
    }
}

/// A number with at most six decimals and no trailing zeros.
fn digits(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A distribution as files spell it, all times scaled; `None`: there is nothing to scale.
fn show_distribution(distribution: Distribution, factor: f64) -> Option<String> {
    let show = |time: SimDuration| show_duration(time.scaled(factor));
    Some(match distribution {
        Distribution::Constant(time) if time.is_zero() => return None,
        Distribution::Constant(time) => format!("Constant(\"{}\")", show(time)),
        Distribution::Uniform { min, max } => {
            format!("Uniform(min: \"{}\", max: \"{}\")", show(min), show(max))
        }
        Distribution::Exponential { mean } => format!("Exponential(mean: \"{}\")", show(mean)),
        Distribution::LogNormal { median, p99 } => {
            format!(
                "LogNormal(median: \"{}\", p99: \"{}\")",
                show(median),
                show(p99)
            )
        }
        Distribution::Percentiles { .. } => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load_str;

    fn check(text: &str) -> Vec<Guess> {
        let scenario = load_str(text, "x.ron", &[]).unwrap();
        let all = guesses(&scenario);
        for guess in &all {
            for edits in [&guess.low, &guess.high] {
                let changed = load_str(text, "x.ron", edits);
                assert!(
                    changed
                        .as_ref()
                        .is_ok_and(|changed| changed.hash() != scenario.hash()),
                    "{guess:?}\n{changed:?}"
                );
            }
        }
        all
    }

    #[test]
    fn every_guess_of_the_presets_is_a_valid_scenario() {
        let team = check(include_str!("../../../presets/team-chat.ron"));
        let paths: Vec<&str> = team.iter().map(|guess| guess.path.as_str()).collect();
        for assumed in [
            "traffic.publish.rate",
            "channels.per_user",
            "channels.members",
            "traffic.query.size",
        ] {
            assert!(
                paths.contains(&assumed),
                "{assumed} is missing in {paths:?}"
            );
        }
        // The query time is reported, not assumed.
        assert!(!paths.contains(&"design.database.query"), "{paths:?}");
        let mvp = check(include_str!("../../../presets/p1-mvp.ron"));
        let paths: Vec<&str> = mvp.iter().map(|guess| guess.path.as_str()).collect();
        assert!(paths.contains(&"design.database.query"), "{paths:?}");
        assert!(
            paths
                .iter()
                .any(|path| path.ends_with("memory_per_connection")),
            "{paths:?}"
        );
    }
}
