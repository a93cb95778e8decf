//! A fault as a scenario file writes it, so that what was done by hand can be done again.

use crate::scenario::model::{Design, Fault, TimedFault};
use crate::scenario::quantity::show_duration;

impl TimedFault {
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
    }
}
