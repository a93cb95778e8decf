//! What goes wrong, and when.

pub mod raw;
mod written;

use crate::time::SimDuration;

use super::check::Check;
use super::data::spread::reshard;
use super::error::Problem;
use super::limits;
use super::model::{Design, Fault, Run, Tier, TimedFault, ZONES};
use super::objective;
use super::over_time::People;
use super::over_time::check::{CROWD_WITHIN, LEVEL, people};
use super::pooler::pooler;
use super::quantity::{self, count, duration};
use super::raw::Quantity;
use super::regions::numbered;

use raw::{RawFault, RawFaultKind};

/// A value that stands in for a refused one; the scenario is refused as a whole, so it is never used.
const REFUSED: SimDuration = SimDuration::ZERO;

/// Checks the faults of a scenario.
pub fn faults(
    raw: &[RawFault],
    (users, design): (u32, &Design),
    run: &Run,
    check: &mut Check<'_>,
) -> Vec<TimedFault> {
    let mut people_in_all = u64::from(users);
    raw.iter()
        .take(limits::ENTRIES)
        .enumerate()
        .map(|(i, raw)| {
            let path = format!("faults[{i}]");
            check.source(&path, &raw.source);
            let end = SimDuration::from_nanos(
                run.warmup
                    .as_nanos()
                    .saturating_add(run.duration.as_nanos()),
            );
            let at = check.take(
                &format!("{path}.at"),
                duration(&raw.at, SimDuration::ZERO, limits::LONG),
                REFUSED,
            );
            if at >= end {
                let shown = quantity::show_duration(end);
                let problem = Problem::new(format!("{} lies behind the end of the run", raw.at))
                    .allowed(format!(
                        "before {shown}, the warm-up and the duration of the run"
                    ));
                check.problem(&format!("{path}.at"), problem);
            }
            let lasts = raw.lasts.as_ref().map(|q| {
                check.take(
                    &format!("{path}.lasts"),
                    duration(q, limits::SHORT, limits::LONG),
                    REFUSED,
                )
            });
            let fault = fault(&raw.fault, &format!("{path}.fault"), design, check);
            if let Fault::FlashCrowd { joins, .. } = fault {
                people_in_all += u64::from(joins.of(users));
                if people_in_all > limits::USERS {
                    let problem = Problem::new("flash crowds make too many people");
                    let most = quantity::group(limits::USERS);
                    check.problem(
                        &format!("{path}.fault.joins"),
                        problem.allowed(format!("up to {most} users, those who join included")),
                    );
                }
            }
            TimedFault { at, lasts, fault }
        })
        .collect()
}

fn fault(raw: &RawFaultKind, path: &str, design: &Design, check: &mut Check<'_>) -> Fault {
    let mut time = |name: &str, q: &Quantity| {
        check.take(
            &format!("{path}.{name}"),
            duration(q, SimDuration::ZERO, limits::LONG),
            REFUSED,
        )
    };
    match raw {
        RawFaultKind::FlushCache => {
            if design.cache.is_none() && design.edge.is_none() {
                let problem = Problem::new("there is no cache to flush");
                let help = "add design.cache, and patterns.caching_and_edge: On";
                check.problem(path, problem.help(help));
            }
            Fault::FlushCache
        }
        RawFaultKind::LoseRegion { region } => Fault::LoseRegion {
            region: region_at(&format!("{path}.region"), region, design, check),
        },
        RawFaultKind::LoseZone { region, zone } => Fault::LoseZone {
            region: region.as_ref().map_or_else(
                || home(design),
                |name| region_at(&format!("{path}.region"), name, design, check),
            ),
            zone: check.take(
                &format!("{path}.zone"),
                count(zone, &[], 0, u64::from(ZONES) - 1),
                0,
            ) as u32,
        },
        RawFaultKind::Partition { from, to } => {
            let (from, to) = link(path, (from, to), design, check);
            Fault::Partition { from, to }
        }
        RawFaultKind::SlowLink {
            from,
            to,
            adds,
            loss,
        } => {
            let (from, to) = link(path, (from, to), design, check);
            Fault::SlowLink {
                from,
                to,
                adds: check.take_or(&format!("{path}.adds"), adds, REFUSED, |q| {
                    duration(q, SimDuration::ZERO, limits::LONG)
                }),
                loss: check.take_or(&format!("{path}.loss"), loss, 0.0, quantity::share),
            }
        }
        RawFaultKind::DropConnections { within } => Fault::DropConnections {
            within: time("within", within),
        },
        RawFaultKind::FlashCrowd { joins, within } => Fault::FlashCrowd {
            within: within
                .as_ref()
                .map_or(CROWD_WITHIN, |within| time("within", within)),
            joins: people(&format!("{path}.joins"), joins, LEVEL, check),
        },
        RawFaultKind::RollingRestart { drain, restart } => Fault::RollingRestart {
            drain: time("drain", drain),
            restart: time("restart", restart),
        },
        RawFaultKind::Kill {
            tier,
            first,
            instances,
        } => {
            let (tier, first, instances) = hit(
                ("killed", &[Tier::LoadBalancer, Tier::Pooler]),
                (tier, first, instances),
                path,
                design,
                check,
            );
            Fault::Kill {
                tier,
                first,
                instances,
            }
        }
        RawFaultKind::SlowDown {
            tier,
            first,
            instances,
            factor,
        } => {
            let (tier, first, instances) = hit(
                (
                    "slowed down",
                    &[Tier::LoadBalancer, Tier::Edge, Tier::Origin, Tier::Replicas],
                ),
                (tier, first, instances),
                path,
                design,
                check,
            );
            let at = format!("{path}.factor");
            let factor = quantity::factor(factor, 1.0, limits::SLOW_DOWN);
            Fault::SlowDown {
                tier,
                first,
                instances,
                factor: check.take(&at, factor, 1.0),
            }
        }
        RawFaultKind::Reshard {
            to,
            batch,
            double_write,
        } => Fault::Reshard(reshard((to, batch, double_write), path, design, check)),
        RawFaultKind::HotKey { share } => {
            if design.database.is_none() && design.sourcing.is_none() {
                let problem = Problem::new("there is no record to ask for");
                check.problem(path, problem.help("add design.database"));
            }
            let share = quantity::share(share);
            Fault::HotKey {
                share: check.take(&format!("{path}.share"), share, 0.0),
            }
        }
    }
}

/// The instances that a fault is about.
fn hit(
    (how, cannot): (&str, &[Tier]),
    (name, first, instances): (&str, &Option<Quantity>, &Option<Quantity>),
    path: &str,
    design: &Design,
    check: &mut Check<'_>,
) -> (Tier, u32, u32) {
    let mut tiers = objective::tiers(design);
    tiers.retain(|tier| !cannot.contains(tier));
    let names: Vec<&str> = tiers.iter().map(|tier| tier.name()).collect();
    let Some(tier) = tiers.iter().copied().find(|tier| tier.name() == name) else {
        check.problem(
            &format!("{path}.tier"),
            Problem::unknown(
                &format!("tier of this design that can be {how}"),
                name,
                names,
            ),
        );
        return (Tier::ConnectionServers, 0, 1);
    };
    let have = u64::from(instances_of(tier, design));
    let first_at = format!("{path}.first");
    let first = first.as_ref().map_or(0, |q| {
        check.take(&first_at, count(q, &[], 0, have.saturating_sub(1)), 0)
    });
    let instances_at = format!("{path}.instances");
    let instances = instances.as_ref().map_or(1, |q| {
        check.take(
            &instances_at,
            count(
                q,
                &["instances", "servers", "nodes"],
                1,
                (have - first).max(1),
            ),
            1,
        )
    });
    (tier, first as u32, instances as u32)
}

/// The position of a region by its name; a design without regions has the one it stands in.
fn region_at(path: &str, name: &str, design: &Design, check: &mut Check<'_>) -> u16 {
    let alone = [(design.place.clone(), 1.0)];
    let places = design
        .regions
        .as_ref()
        .map_or(&alone[..], |regions| &regions.places);
    numbered(path, name, places, check).0
}

/// The position of the region that the database stands in.
fn home(design: &Design) -> u16 {
    let mut places = design.regions.iter().flat_map(|regions| &regions.places);
    let at = places.position(|(place, _)| *place == design.place);
    at.unwrap_or_default() as u16
}

/// The positions of two different regions.
fn link(
    path: &str,
    (from, to): (&str, &str),
    design: &Design,
    check: &mut Check<'_>,
) -> (u16, u16) {
    let ends = (
        region_at(&format!("{path}.from"), from, design, check),
        region_at(&format!("{path}.to"), to, design, check),
    );
    if from == to {
        let problem = Problem::new(format!("{from} and {to} are one region"));
        check.problem(
            &format!("{path}.to"),
            problem.allowed("two regions of design.regions"),
        );
    }
    ends
}

/// Whether a design has what a fault is about.
#[must_use]
pub fn can_happen(fault: &Fault, design: &Design) -> bool {
    let regions = design.regions.as_ref();
    let regions = regions.map_or(1, |regions| regions.places.len());
    let there = |region: u16| usize::from(region) < regions;
    let has = |tier: Tier, first: u32, instances: u32| {
        let end = first.checked_add(instances);
        instances > 0 && end.is_some_and(|end| end <= instances_of(tier, design))
    };
    match *fault {
        Fault::Kill {
            tier,
            first,
            instances,
        } => !matches!(tier, Tier::LoadBalancer | Tier::Pooler) && has(tier, first, instances),
        Fault::SlowDown {
            tier,
            first,
            instances,
            factor,
        } => {
            let cannot = matches!(
                tier,
                Tier::LoadBalancer | Tier::Edge | Tier::Origin | Tier::Replicas
            );
            !cannot && has(tier, first, instances) && (1.0..=limits::SLOW_DOWN).contains(&factor)
        }
        Fault::HotKey { share } => {
            let asked = design.database.is_some() || design.sourcing.is_some();
            asked && (0.0..=1.0).contains(&share)
        }
        Fault::FlushCache => design.cache.is_some() || design.edge.is_some(),
        Fault::LoseRegion { region } => regions > 1 && there(region),
        Fault::LoseZone { region, zone } => there(region) && zone < ZONES,
        Fault::Partition { from, to } | Fault::SlowLink { from, to, .. } => {
            from != to && there(from) && there(to)
        }
        // What moves is planned before the run begins.
        Fault::Reshard(_) => false,
        Fault::FlashCrowd { joins, .. } => match joins {
            People::Share(share) => share > 0.0 && share <= LEVEL,
            People::Count(count) => (1..=limits::USERS).contains(&u64::from(count)),
        },
        Fault::RollingRestart { .. } | Fault::DropConnections { .. } => true,
    }
}

/// A fault as far as the tiers exist that the switches leave; `None`: nothing is left to fail.
pub fn in_effect(mut fault: TimedFault, design: &Design) -> Option<TimedFault> {
    let regions = design
        .regions
        .as_ref()
        .map_or(1, |regions| regions.places.len());
    let (tier, first, instances) = match &mut fault.fault {
        Fault::Kill {
            tier,
            first,
            instances,
        }
        | Fault::SlowDown {
            tier,
            first,
            instances,
            ..
        } => (tier, first, instances),
        // Without its regions, a design stands in one that nobody loses by itself.
        Fault::LoseRegion { .. } | Fault::Partition { .. } | Fault::SlowLink { .. } => {
            return (regions > 1).then_some(fault);
        }
        Fault::Reshard(_) => return design.shards.is_some().then_some(fault),
        Fault::LoseZone { region, .. } => {
            return (usize::from(*region) < regions).then_some(fault);
        }
        _ => return Some(fault),
    };
    let have = instances_of(*tier, design);
    *instances = (*instances).min(have.saturating_sub(*first));
    (*first < have).then_some(fault)
}

/// How many instances a tier has.
#[must_use]
pub fn instances_of(tier: Tier, design: &Design) -> u32 {
    match tier {
        Tier::LoadBalancer => design.load_balancer.count,
        Tier::ConnectionServers => design.connection_servers.count,
        Tier::ChannelOwners => design
            .channel_owners
            .as_ref()
            .map_or(0, |owners| owners.count),
        Tier::Broker => design.broker.as_ref().map_or(0, |broker| broker.count),
        Tier::Cache => {
            let clusters = design.cache_clusters();
            design
                .cache
                .as_ref()
                .map_or(0, |cache| cache.count * clusters)
        }
        Tier::Pooler => pooler(design).map_or(0, |pooler| pooler.count),
        Tier::Database => match &design.database {
            None => 0,
            Some(_) => design.shards.map_or(1, |shards| shards.count),
        },
        Tier::Edge => design
            .edge
            .as_ref()
            .map_or(0, |edge| edge.places.len() as u32),
        Tier::Replicas => {
            let regions = design.regions.as_ref().map_or(1, |r| r.places.len() as u32);
            let shards = design.shards.map_or(1, |shards| shards.count);
            design
                .replicas
                .map_or(0, |replicas| replicas.count * shards * regions)
        }
        Tier::Origin => design.origin.as_ref().map_or(0, |origin| origin.count),
        Tier::Documents => design.documents.as_ref().map_or(0, |tier| tier.count),
        Tier::CommandSide => {
            let own = design.sourcing.as_ref();
            own.map_or(0, |own| own.commands.count)
        }
        Tier::Log => design.sourcing.as_ref().map_or(0, |own| own.log.count),
        Tier::Projections => design
            .sourcing
            .as_ref()
            .map_or(0, super::sourcing::Sourcing::instances),
        Tier::Stock => design.stock.as_ref().map_or(0, |stock| stock.count),
        Tier::MatchingEngine => design.matching.as_ref().map_or(0, |engines| engines.count),
        Tier::Notifications => design.notifications.as_ref().map_or(0, |tier| tier.count),
        Tier::Providers => design.providers.len() as u32,
    }
}
