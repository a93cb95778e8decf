//! What this design can suffer: what the menus offer, and what is going on in words.

use session::Frame;
use sim_core::report::FaultReport;
use sim_core::scenario::{
    Fault, People, Scenario, Tier, TimedFault, can_happen, channel_name, instances_of,
};
use sim_core::system::Heat;
use sim_core::time::SimDuration;

use crate::{format, words};

/// How long what is broken by hand may last, seconds; `None`: until it is undone.
pub const LASTING_S: [Option<u64>; 4] = [Some(10), Some(30), Some(120), None];
/// The one that is chosen at first.
pub const LASTS_S: Option<u64> = LASTING_S[1];
/// Seconds that something is remembered after it is over.
const REMEMBERED_S: f64 = 60.0;
/// How many times as long a slowed instance takes.
const SLOWER: f64 = 5.0;
/// How fast a crowd comes.
const CROWD_WITHIN: SimDuration = SimDuration::from_secs(10);
/// Share of all questions that a hot key gets.
const HOT_SHARE: f64 = 0.5;

/// Something to break.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// In words.
    pub title: String,
    /// What happens.
    pub fault: Fault,
}

/// Offers under a common name; a single one without a name stands by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// `Kill`; empty for a single offer.
    pub title: &'static str,
    /// What can be chosen.
    pub offers: Vec<Offer>,
}

/// How long a fault lasts that is chosen from a menu; `None`: it happens at once, or lasts until it is undone.
pub fn lasts(fault: &Fault, chosen_s: Option<u64>) -> Option<SimDuration> {
    let at_once = matches!(
        fault,
        Fault::FlushCache | Fault::DropConnections { .. } | Fault::RollingRestart { .. }
    );
    chosen_s.filter(|_| !at_once).map(SimDuration::from_secs)
}

/// `10 s`, `2 min`, `until undone`.
pub fn lasting(chosen_s: Option<u64>) -> String {
    match chosen_s {
        None => "until undone".into(),
        Some(minutes) if minutes >= 60 => format!("{} min", minutes / 60),
        Some(seconds) => format!("{seconds} s"),
    }
}

/// All that can happen to this design now; of a tier the fullest instance.
pub fn offered(scenario: &Scenario, heat: &Heat) -> Vec<Group> {
    let design = scenario.effective_design();
    let mut groups = vec![
        of_tiers("Kill", scenario, heat, kill),
        of_tiers("Slow down", scenario, heat, slow),
        Group {
            title: "Lose a region",
            offers: (0..region_count(scenario))
                .map(|region| Offer {
                    title: region_name(scenario, region),
                    fault: Fault::LoseRegion { region },
                })
                .collect(),
        },
        of_pairs("Partition", scenario, |from, to| Fault::Partition {
            from,
            to,
        }),
        of_pairs("Slow a link by 250 ms", scenario, |from, to| {
            Fault::SlowLink {
                from,
                to,
                adds: SimDuration::from_millis(250),
                loss: 0.0,
            }
        }),
    ];
    groups.extend(single(scenario).into_iter().map(|(title, fault)| Group {
        title: "",
        offers: vec![Offer { title, fault }],
    }));
    for group in &mut groups {
        group
            .offers
            .retain(|offer| can_happen(&offer.fault, &design));
    }
    groups.retain(|group| !group.offers.is_empty());
    groups
}

/// What needs no choice.
fn single(scenario: &Scenario) -> Vec<(String, Fault)> {
    let region = home(scenario);
    let zone = format!("Lose a zone of {}", region_name(scenario, region));
    let mut single = vec![
        (zone, Fault::LoseZone { region, zone: 0 }),
        ("Flush the caches".into(), Fault::FlushCache),
    ];
    if scenario.traffic.query.is_some() || scenario.traffic.command.is_some() {
        let share = HOT_SHARE;
        let title = "One hot key: half of all questions".into();
        single.push((title, Fault::HotKey { share }));
    }
    let crowd = |share: f64| Fault::FlashCrowd {
        joins: People::Share(share),
        within: CROWD_WITHIN,
    };
    single.push(("Flash crowd: half as many more".into(), crowd(0.5)));
    let (drain, restart) = (SimDuration::from_secs(5), SimDuration::from_secs(2));
    let within = SimDuration::from_secs(1);
    single.extend([
        (
            "Roll a restart".into(),
            Fault::RollingRestart { drain, restart },
        ),
        (
            "Drop all connections".into(),
            Fault::DropConnections { within },
        ),
    ]);
    single
}

/// What can happen to one instance of a tier.
pub fn of_instance(scenario: &Scenario, tier: Tier, instance: u32) -> Vec<Offer> {
    let design = scenario.effective_design();
    let name = instance_name(scenario, tier, instance);
    let offer = |what: &str, fault| Offer {
        title: format!("{what} {name}"),
        fault,
    };
    let mut offers = vec![
        offer("Kill", kill(tier, instance)),
        offer("Slow down", slow(tier, instance)),
    ];
    offers.retain(|offer| can_happen(&offer.fault, &design));
    offers
}

fn of_tiers(
    title: &'static str,
    scenario: &Scenario,
    heat: &Heat,
    fault: fn(Tier, u32) -> Fault,
) -> Group {
    let design = scenario.effective_design();
    let of_tier = |tier: Tier| {
        let fullest = heat.get(tier.name()).and_then(|heat| heat.fullest());
        let instance = fullest.map_or(0, |(instance, _)| instance as u32);
        let name = instance_name(scenario, tier, instance);
        let many = instances_of(tier, &design) > 1;
        Offer {
            title: match fullest {
                Some((_, share)) if many => {
                    format!("{name}, the fullest: {}", format::percent(share.into()))
                }
                _ => name,
            },
            fault: fault(tier, instance),
        }
    };
    let there = Tier::ALL.into_iter();
    let there = there.filter(|tier| instances_of(*tier, &design) > 0);
    Group {
        title,
        offers: there.map(of_tier).collect(),
    }
}

fn of_pairs(title: &'static str, scenario: &Scenario, fault: impl Fn(u16, u16) -> Fault) -> Group {
    let count = region_count(scenario);
    let pairs = (0..count).flat_map(|from| (from + 1..count).map(move |to| (from, to)));
    Group {
        title,
        offers: pairs
            .map(|(from, to)| Offer {
                title: format!(
                    "{} and {}",
                    region_name(scenario, from),
                    region_name(scenario, to)
                ),
                fault: fault(from, to),
            })
            .collect(),
    }
}

fn kill(tier: Tier, first: u32) -> Fault {
    Fault::Kill {
        tier,
        first,
        instances: 1,
    }
}

fn slow(tier: Tier, first: u32) -> Fault {
    Fault::SlowDown {
        tier,
        first,
        instances: 1,
        factor: SLOWER,
    }
}

fn region_count(scenario: &Scenario) -> u16 {
    let design = scenario.effective_design();
    design
        .regions
        .map_or(1, |regions| regions.places.len() as u16)
}

/// The name of a region of the design.
pub fn region_name(scenario: &Scenario, region: u16) -> String {
    let regions = scenario.design.regions.as_ref();
    let place = regions.and_then(|regions| regions.places.get(usize::from(region)));
    place.map_or_else(
        || scenario.design.place.0.clone(),
        |(place, _)| place.0.clone(),
    )
}

fn home(scenario: &Scenario) -> u16 {
    let mut names = (0..region_count(scenario)).map(|region| region_name(scenario, region));
    let home = names.position(|name| name == scenario.design.place.0);
    home.unwrap_or_default() as u16
}

/// `connection server 3`, `the database`, `shard 2 of the database`.
pub fn instance_name(scenario: &Scenario, tier: Tier, instance: u32) -> String {
    let design = scenario.effective_design();
    let number = instance + 1;
    let alone = instances_of(tier, &design) == 1;
    let (one, many) = match tier {
        Tier::LoadBalancer => ("the load balancer", "load balancer"),
        Tier::ConnectionServers => ("the connection server", "connection server"),
        Tier::ChannelOwners => ("the channel owner", "channel owner"),
        Tier::Broker => ("the broker", "broker node"),
        Tier::Cache => ("the cache", "cache node"),
        Tier::Pooler => ("the connection pooler", "connection pooler"),
        Tier::Database => ("the database", "database shard"),
        Tier::Replicas => ("the read replica", "read replica"),
        Tier::Edge => {
            let places = design.edge.as_ref().map(|edge| &edge.places);
            let place = places.and_then(|places| places.get(instance as usize));
            let place = place.map_or("", |place| place.0.as_str());
            return format!("the point of presence in {place}");
        }
        Tier::Origin => ("the origin", "origin server"),
        Tier::Documents => ("the document owner", "document owner"),
        Tier::CommandSide => ("the command side", "command-side instance"),
        Tier::Log => ("the event log", "node of the event log"),
        Tier::Projections => ("the projection", "projection instance"),
        Tier::Stock => ("the stock", "stock node"),
        Tier::MatchingEngine => ("the matching engine", "matching engine"),
        Tier::Notifications => ("the notification service", "notification server"),
        Tier::Providers => {
            let provider = design.providers.get(instance as usize);
            let name = provider.map_or("", |own| channel_name(own.channel));
            return format!("the provider of {}", name.replace('_', "-"));
        }
    };
    if alone {
        one.into()
    } else {
        format!("{many} {number}")
    }
}

/// The faults as a scenario file writes them.
pub fn entry(scenario: &Scenario) -> String {
    let faults = scenario.faults.iter();
    let lines = faults.map(|timed| format!("    {},\n", timed.written(&scenario.design)));
    format!("faults: [\n{}],", lines.collect::<String>())
}

/// The list alone, on one line.
pub fn list(scenario: &Scenario) -> String {
    let faults = scenario.faults.iter();
    let entries: Vec<String> = faults
        .map(|timed| timed.written(&scenario.design))
        .collect();
    format!("[{}]", entries.join(", "))
}

/// What is going on, and what has been: newest first.
pub fn going_on(frame: &Frame) -> Vec<Event> {
    let faults = frame.scenario.faults.iter().enumerate();
    let begun = faults.filter(|(_, timed)| {
        let at = timed.at.as_secs_f64();
        at <= frame.simulated_s
    });
    let mut events: Vec<Event> = begun
        .filter_map(|(number, timed)| event(frame, number, timed))
        .collect();
    events.sort_by(|one, other| other.began_s.total_cmp(&one.began_s));
    events
}

/// A fault that happens or has happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When it began, simulated seconds.
    pub began_s: f64,
    /// It lasts.
    pub now: bool,
    /// In one sentence.
    pub words: String,
    /// Its number in the scenario, if it lasts until it is undone.
    pub undo: Option<usize>,
}

fn event(frame: &Frame, number: usize, timed: &TimedFault) -> Option<Event> {
    let began_s = timed.at.as_secs_f64();
    let sentence = |past| words::capitalized(&what(&frame.scenario, &timed.fault, past));
    let event = |now, words| {
        Some(Event {
            began_s,
            now,
            words,
            undo: timed.can_be_ended().then_some(number),
        })
    };
    let Some(lasts_s) = length_s(&frame.scenario, timed) else {
        return event(true, format!("{}, until it is undone.", sentence(false)));
    };
    let left_s = began_s + lasts_s - frame.simulated_s;
    if left_s > 0.0 {
        let left = format::clock(left_s.ceil());
        return event(true, format!("{}; {left} left.", sentence(false)));
    }
    if -left_s > REMEMBERED_S {
        return None;
    }
    let until = if timed.lasts.is_some() { " until" } else { "" };
    let over = format!("{}{until} {} ago", sentence(true), format::clock(-left_s));
    let told = outcome(frame, timed, began_s);
    let words = told.map_or_else(|| format!("{over}."), |told| format!("{over}: {told}."));
    event(false, words)
}

/// `Connection server 3 was dead`, from when to when in simulated seconds; for good ends with `until_s`.
pub fn band(scenario: &Scenario, timed: &TimedFault, until_s: f64) -> (String, f64, f64) {
    let at = timed.at.as_secs_f64();
    let ends = length_s(scenario, timed).map_or(until_s, |lasts| at + lasts);
    let words = words::capitalized(&what(scenario, &timed.fault, true));
    (words, at, ends.min(until_s))
}

/// How long it takes, seconds; `None`: for good.
fn length_s(scenario: &Scenario, timed: &TimedFault) -> Option<f64> {
    let length = timed.length(&scenario.effective_design());
    length.map(SimDuration::as_secs_f64)
}

/// `detected after 5 s, served elsewhere after 9 s, all as before 8 s after its end, 1.2 K operations failed`.
fn outcome(frame: &Frame, timed: &TimedFault, began_s: f64) -> Option<String> {
    timed.lasts?;
    let same = |report: &&FaultReport| (report.began_s - began_s).abs() < 1e-6;
    let report = frame.report.as_ref()?.faults.iter().find(same)?;
    let mut told = Vec::new();
    if let Some(after) = report.time_to_detect_s.filter(|after| *after > 0.0) {
        told.push(format!("detected after {}", format::clock(after.ceil())));
    }
    if let Some(after) = report.time_to_fail_over_s.filter(|after| *after > 0.0) {
        told.push(format!(
            "served elsewhere after {}",
            format::clock(after.ceil())
        ));
    }
    let ended = report.ended_s.unwrap_or(report.began_s);
    told.push(report.recovered_s.map_or_else(
        || "not yet as before".into(),
        |at| match at - ended {
            after if after < 1.5 => "all as before at once".into(),
            after => format!("all as before {} after its end", format::clock(after)),
        },
    ));
    told.push(match report.failed {
        0 => "nothing failed".into(),
        1 => "one operation failed".into(),
        failed => format!("{} operations failed", format::count(failed as f64)),
    });
    if report.lost.deliveries > 0 {
        let lost = format::count(report.lost.deliveries as f64);
        told.push(format!("{lost} deliveries lost"));
    }
    Some(told.join(", "))
}

/// `connection server 3 is dead`, or was.
fn what(scenario: &Scenario, fault: &Fault, past: bool) -> String {
    let tense = |now, then| if past { then } else { now };
    let (is, are) = (tense("is", "was"), tense("are", "were"));
    let region = |region| region_name(scenario, region);
    let of = |tier: Tier, first: u32, instances: u32| match instances {
        1 => format!("{} {is}", instance_name(scenario, tier, first)),
        _ => {
            let (tier, last) = (words::tier_title(tier.name()), first + instances);
            format!("{tier} {} to {last} {are}", first + 1)
        }
    };
    match *fault {
        Fault::Kill {
            tier,
            first,
            instances,
        } => format!("{} dead", of(tier, first, instances)),
        Fault::SlowDown {
            tier,
            first,
            instances,
            factor,
        } => format!("{} {factor} times as slow", of(tier, first, instances)),
        Fault::HotKey { share } => {
            let share = format::percent(share);
            format!("{share} of all questions {are} about one record")
        }
        Fault::RollingRestart { .. } => {
            let restart = tense("restart", "restarted");
            format!("connection servers {restart} one after the other")
        }
        Fault::FlushCache => format!("the caches {are} flushed"),
        Fault::Reshard(reshard) => {
            format!("the database {is} spread over {} shards", reshard.to)
        }
        Fault::LoseRegion { region: lost } => format!("region {} {is} lost", region(lost)),
        Fault::LoseZone { region: lost, .. } => format!("a zone of {} {is} lost", region(lost)),
        Fault::Partition { from, to } => {
            let (from, to, cannot) = (region(from), region(to), tense("do not", "did not"));
            format!("regions {from} and {to} {cannot} reach each other")
        }
        Fault::SlowLink {
            from,
            to,
            adds,
            loss,
        } => {
            let (from, to, takes) = (region(from), region(to), tense("takes", "took"));
            let by = format::millis(adds.as_secs_f64() * 1e3);
            let lossy = if loss > 0.0 {
                format!(", {} {is} lost", format::percent(loss))
            } else {
                String::new()
            };
            format!("the way between {from} and {to} {takes} {by} longer{lossy}")
        }
        Fault::DropConnections { .. } => format!("all connections {are} cut"),
        Fault::FlashCrowd { joins, .. } => {
            let come = tense("come", "came");
            match joins {
                People::Share(share) => {
                    format!(
                        "a flash crowd: {} more people {come}",
                        format::percent(share)
                    )
                }
                People::Count(count) => {
                    format!(
                        "a flash crowd: {} people {come}",
                        format::count(f64::from(count))
                    )
                }
            }
        }
    }
}
