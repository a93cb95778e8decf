//! A fault as a scenario file writes it, so that what was done by hand can be done again.

use crate::scenario::People;
use crate::scenario::model::{Design, Fault, TimedFault};
use crate::scenario::quantity::show_duration;
use crate::time::SimDuration;

impl TimedFault {
    /// How long it takes in this design; `None`: until it is undone, or as long as it needs.
    #[must_use]
    pub fn length(&self, design: &Design) -> Option<SimDuration> {
        match self.fault {
            Fault::RollingRestart { drain, restart } => {
                Some((drain + restart) * u64::from(design.connection_servers.count))
            }
            Fault::DropConnections { within } => Some(within),
            Fault::FlushCache => Some(SimDuration::ZERO),
            Fault::Reshard(_) => None,
            _ => self.lasts,
        }
    }

    /// Whether it lasts for good, and can be undone.
    #[must_use]
    pub fn can_be_ended(&self) -> bool {
        let at_once = matches!(
            self.fault,
            Fault::RollingRestart { .. }
                | Fault::DropConnections { .. }
                | Fault::FlushCache
                | Fault::Reshard(_)
        );
        self.lasts.is_none() && !at_once
    }

    /// The entry of `faults` that means this one, in a scenario with this design.
    #[must_use]
    pub fn written(&self, design: &Design) -> String {
        let lasts = self.lasts.map_or_else(String::new, |lasts| {
            format!(", lasts: \"{}\"", show_duration(lasts))
        });
        let (at, fault) = (show_duration(self.at), kind(&self.fault, design));
        format!("(at: \"{at}\"{lasts}, fault: {fault})")
    }
}

impl Fault {
    /// What it is called in a scenario.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Fault::Kill { .. } => "Kill",
            Fault::SlowDown { .. } => "SlowDown",
            Fault::HotKey { .. } => "HotKey",
            Fault::RollingRestart { .. } => "RollingRestart",
            Fault::FlushCache => "FlushCache",
            Fault::LoseRegion { .. } => "LoseRegion",
            Fault::LoseZone { .. } => "LoseZone",
            Fault::Partition { .. } => "Partition",
            Fault::SlowLink { .. } => "SlowLink",
            Fault::Reshard(_) => "Reshard",
            Fault::DropConnections { .. } => "DropConnections",
            Fault::FlashCrowd { .. } => "FlashCrowd",
        }
    }
}

fn kind(fault: &Fault, design: &Design) -> String {
    let name = |region: u16| {
        let regions = design.regions.as_ref();
        let place = regions.and_then(|all| all.places.get(usize::from(region)));
        let place = place.map_or(&design.place, |(place, _)| place);
        format!("\"{}\"", place.0)
    };
    match *fault {
        Fault::Kill {
            tier,
            first,
            instances,
        } => format!(
            "Kill(tier: \"{}\", first: {first}, instances: {instances})",
            tier.name()
        ),
        Fault::SlowDown {
            tier,
            first,
            instances,
            factor,
        } => format!(
            "SlowDown(tier: \"{}\", first: {first}, instances: {instances}, factor: {factor})",
            tier.name()
        ),
        Fault::HotKey { share } => format!("HotKey(share: \"{} %\")", share * 100.0),
        Fault::RollingRestart { drain, restart } => format!(
            "RollingRestart(drain: \"{}\", restart: \"{}\")",
            show_duration(drain),
            show_duration(restart)
        ),
        Fault::FlushCache => "FlushCache".to_owned(),
        Fault::LoseRegion { region } => format!("LoseRegion(region: {})", name(region)),
        Fault::LoseZone { region, zone } => {
            format!("LoseZone(region: {}, zone: {zone})", name(region))
        }
        Fault::Partition { from, to } => {
            format!("Partition(from: {}, to: {})", name(from), name(to))
        }
        Fault::SlowLink {
            from,
            to,
            adds,
            loss,
        } => format!(
            "SlowLink(from: {}, to: {}, adds: \"{}\", loss: \"{} %\")",
            name(from),
            name(to),
            show_duration(adds),
            loss * 100.0
        ),
        Fault::Reshard(reshard) => format!(
            "Reshard(to: {}, batch: {}, double_write: \"{}\")",
            reshard.to,
            reshard.batch,
            show_duration(reshard.double_write)
        ),
        Fault::DropConnections { within } => {
            format!("DropConnections(within: \"{}\")", show_duration(within))
        }
        Fault::FlashCrowd { joins, within } => {
            let joins = match joins {
                People::Share(share) => format!("\"{} %\"", share * 100.0),
                People::Count(count) => count.to_string(),
            };
            let within = show_duration(within);
            format!("FlashCrowd(joins: {joins}, within: \"{within}\")")
        }
    }
}
