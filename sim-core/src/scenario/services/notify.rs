//! Notifications, what users want of them, and the providers that carry them.

use routing::notify::{Channel, Queueing};

use super::raw::{RawNotifications, RawNotify, RawPreferences, RawProvider, RawQueueing, RawQuiet};
use crate::quantile::Distribution;
use crate::scenario::check::Check;
use crate::scenario::design::{distribution, instances};
use crate::scenario::error::{Problem, list, shorten};
use crate::scenario::limits;
use crate::scenario::model::{Design, Machine, Per, Rate, Traffic};
use crate::scenario::profile::Names;
use crate::scenario::quantity::{self, count, duration, share};
use crate::scenario::raw::{Ordered, Quantity};
use crate::scenario::traffic::{payload, rate};
use crate::time::SimDuration;

/// Messages a second that one provider takes, at most.
const PER_S: f64 = 1e7;
const DAY: SimDuration = SimDuration::from_secs(86_400);

/// The operation of telling people things outside their connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Notify {
    /// Notifications per second.
    pub rate: Rate,
    /// Payload of one, bytes.
    pub size_bytes: u32,
    /// Share of urgent ones.
    pub high: f64,
    /// Share of those that matter least.
    pub low: f64,
    /// By channel, its share.
    pub channels: Vec<(Channel, f64)>,
    /// Share of those that say again what was said last.
    pub repeats: f64,
    /// What users want.
    pub preferences: Preferences,
}

/// What users want.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preferences {
    /// Share of the users who have switched a channel off.
    pub off: Vec<(Channel, f64)>,
    /// Share of the users who want quiet hours, and from when to when.
    pub quiet: Option<(f64, SimDuration, SimDuration)>,
    /// Notifications to one user within an hour.
    pub hourly_cap: Option<u32>,
}

/// The service that decides and queues.
#[derive(Clone, Debug, PartialEq)]
pub struct NotificationsTier {
    /// Instances.
    pub count: u32,
    /// What each runs on.
    pub machine: Machine,
    /// CPU of one notification.
    pub decide: SimDuration,
    /// Whether providers have queues of their own.
    pub queueing: Queueing,
    /// Notifications in one queue.
    pub queue: u32,
    /// The same thing is told once within this time.
    pub dedupe: SimDuration,
}

/// A provider.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderTier {
    /// What it is for.
    pub channel: Channel,
    /// Notifications per second.
    pub per_s: f64,
    /// Time from there to the user.
    pub latency: Distribution,
}

/// What a channel is called in scenarios and reports.
#[must_use]
pub fn channel_name(channel: Channel) -> &'static str {
    match channel {
        Channel::Push => "push",
        Channel::Email => "email",
        Channel::Sms => "sms",
        Channel::InApp => "in_app",
    }
}

fn channel(name: &str, path: &str, check: &mut Check<'_>) -> Channel {
    let all = Channel::ALL.map(channel_name);
    let found = Channel::ALL.into_iter().find(|c| channel_name(*c) == name);
    let known = found.ok_or_else(|| Problem::unknown("provider", name, all));
    check.take(path, known, Channel::Push)
}

/// Checks notifications.
pub fn notify(raw: &RawNotify, check: &mut Check<'_>) -> Notify {
    const AT: &str = "traffic.notify";
    check.sources(AT, &raw.source, &raw.sources);
    let at = |name: &str| format!("{AT}.{name}");
    let rate = rate(&at("rate"), &raw.rate, check);
    if rate.per == Per::Channel {
        let problem = Problem::new("somebody is told, not a channel");
        check.problem(&at("rate"), problem.allowed("/s, or /s per user"));
    }
    let high = check.take_or(&at("high"), &raw.high, 0.0, share);
    let low = check.take_or(&at("low"), &raw.low, 0.0, share);
    if high + low > 1.0 {
        let problem = Problem::new("urgent ones and those that matter least are more than all");
        check.problem(&at("low"), problem.allowed("together 100 % at most"));
    }
    let channels = shares(&raw.providers, &at("providers"), check);
    let sum: f64 = channels.iter().map(|(_, share)| share).sum();
    if (sum - 1.0).abs() > 1e-6 {
        let problem = Problem::new(format!(
            "the shares add up to {:.1} %, not to 100 %",
            sum * 100.0
        ));
        check.problem(
            &at("providers"),
            problem.allowed("shares that add up to 100 %"),
        );
    }
    Notify {
        rate,
        size_bytes: payload(&at("size"), &raw.size, check),
        high,
        low,
        channels,
        repeats: check.take_or(&at("repeats"), &raw.repeats, 0.0, share),
        preferences: raw
            .preferences
            .as_ref()
            .map(|raw| preferences(raw, check))
            .unwrap_or_default(),
    }
}

fn shares(raw: &Ordered<Quantity>, path: &str, check: &mut Check<'_>) -> Vec<(Channel, f64)> {
    let Ordered(entries) = raw;
    check.names(path, entries.iter().map(|(name, _)| name.as_str()));
    let mut all = Vec::new();
    for (name, q) in entries.iter().take(limits::ENTRIES) {
        let at = format!("{path}.{name}");
        all.push((channel(name, &at, check), check.take(&at, share(q), 0.0)));
    }
    all
}

fn preferences(raw: &RawPreferences, check: &mut Check<'_>) -> Preferences {
    const AT: &str = "traffic.notify.preferences";
    check.sources(AT, &raw.source, &raw.sources);
    let off = raw.off.as_ref();
    Preferences {
        off: off.map_or_else(Vec::new, |raw| shares(raw, &format!("{AT}.off"), check)),
        quiet: raw.quiet.as_ref().map(|raw| quiet(raw, check)),
        hourly_cap: raw.hourly_cap.as_ref().map(|q| {
            let at = format!("{AT}.hourly_cap");
            check.take(&at, count(q, &["notifications"], 0, limits::COUNT), 0) as u32
        }),
    }
}

fn quiet(raw: &RawQuiet, check: &mut Check<'_>) -> (f64, SimDuration, SimDuration) {
    const AT: &str = "traffic.notify.preferences.quiet";
    check.source(AT, &raw.source);
    let hour = |q: &Quantity| duration(q, SimDuration::ZERO, DAY);
    (
        check.take(&format!("{AT}.share"), share(&raw.share), 0.0),
        check.take(&format!("{AT}.from"), hour(&raw.from), SimDuration::ZERO),
        check.take(&format!("{AT}.to"), hour(&raw.to), SimDuration::ZERO),
    )
}

/// Checks the service.
pub fn notifications(
    raw: &RawNotifications,
    names: &Names<'_>,
    check: &mut Check<'_>,
) -> NotificationsTier {
    const AT: &str = "design.notifications";
    check.sources(AT, &raw.source, &raw.sources);
    let at = |name: &str| format!("{AT}.{name}");
    NotificationsTier {
        count: instances(&at("count"), &raw.count, &["instances", "servers"], check),
        machine: names.machine(&raw.machine, &at("machine"), check),
        decide: check.take_or(
            &at("decide"),
            &raw.decide,
            SimDuration::from_micros(50),
            |q| duration(q, SimDuration::ZERO, limits::SERVICE),
        ),
        queueing: match raw.queueing.unwrap_or(RawQueueing::Bulkheads) {
            RawQueueing::Bulkheads => Queueing::Bulkheads,
            RawQueueing::Shared => Queueing::Shared,
        },
        queue: check.take_or(&at("queue"), &raw.queue, 10_000, |q| {
            count(q, &["notifications"], 1, limits::COUNT)
        }) as u32,
        dedupe: check.take_or(
            &at("dedupe"),
            &raw.dedupe,
            SimDuration::from_secs(60),
            |q| duration(q, SimDuration::ZERO, limits::LONG),
        ),
    }
}

/// Checks the providers, in the order of the scenario.
pub fn providers(raw: &Ordered<RawProvider>, check: &mut Check<'_>) -> Vec<ProviderTier> {
    const AT: &str = "design.providers";
    let Ordered(entries) = raw;
    check.names(AT, entries.iter().map(|(name, _)| name.as_str()));
    let mut all = Vec::new();
    for (name, raw) in entries.iter().take(limits::ENTRIES) {
        let at = format!("{AT}.{name}");
        check.sources(&at, &raw.source, &raw.sources);
        let channel = channel(name, &at, check);
        let per_s = match quantity::rate(&raw.rate, PER_S) {
            Ok(rate) if rate.per != Per::System => {
                let problem = Problem::new("a provider takes so many from everybody together");
                Err(problem.allowed("a rate, as in \"10K/s\""))
            }
            other => other.map(|rate| rate.per_s),
        };
        all.push(ProviderTier {
            channel,
            per_s: check.take(&format!("{at}.rate"), per_s, 0.0),
            latency: distribution(
                &raw.latency,
                &format!("{at}.latency"),
                SimDuration::ZERO,
                limits::LONG,
                check,
            ),
        });
    }
    all
}

/// Notifications need the service and their providers.
pub fn check_together(traffic: &Traffic, design: &Design, check: &mut Check<'_>) {
    let Some(notify) = &traffic.notify else {
        return;
    };
    if design.notifications.is_none() {
        let problem = Problem::new("notifications need a service, but the design has none");
        let help = "add design.notifications, or leave out traffic.notify";
        check.problem("traffic.notify", problem.help(help));
    }
    let there: Vec<Channel> = design.providers.iter().map(|p| p.channel).collect();
    for (channel, _) in &notify.channels {
        if !there.contains(channel) {
            let name = channel_name(*channel);
            let names: Vec<&str> = there.iter().map(|c| channel_name(*c)).collect();
            let mut problem = Problem::new(format!(
                "there is no provider \"{}\" in the design",
                shorten(name)
            ));
            if !names.is_empty() {
                problem = problem.allowed(list(&names));
            }
            check.problem(
                &format!("traffic.notify.providers.{name}"),
                problem.help(format!("add it to design.providers, or leave {name} out")),
            );
        }
    }
}
