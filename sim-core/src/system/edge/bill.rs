//! What assets and points of presence add to a month's usage.
//!
//! Points of presence are billed by bytes to clients and by requests, in the groups of countries that a price book knows; what
//! the origin sends, to clients or to points of presence, is internet egress of its region.
//!
//! *Assumed:* bytes from the origin to the points of presence are billed: a provider may waive them for a network of its own.
//! *Left out:* the shield's own bytes and requests, which most networks do not bill.

use super::way::REQUEST;
use crate::cost::{EdgeUse, Transfer, Usage};
use crate::scenario::Tier;
use crate::system::world::World;
use crate::time::SimTime;

use super::reading::WebReading;

/// What price books call the network of the points of presence.
const PRODUCT: &str = "cloudfront";
/// Said with every bill that has points of presence.
pub const ASSUMED: &str =
    "bytes from the origin to the points of presence are billed as internet egress (Assumed)";

/// Adds what was used since measuring began; `month` makes a month's count of a count.
pub fn add(usage: &mut Usage, world: &World, now: SimTime, month: impl Fn(u64) -> u128) {
    let before = &world.baseline.web;
    let after = WebReading::of(world, now);
    let bytes = after.bytes.from_origin - before.bytes.from_origin;
    if world.web.origin.is_some() {
        usage.egress.push(Transfer {
            tier: Tier::Origin.name().to_owned(),
            region: world.scenario.design.place.0.clone(),
            to: None,
            bytes: month(bytes),
        });
    }
    let places = world
        .scenario
        .design
        .edge
        .iter()
        .flat_map(|edge| &edge.places);
    for (index, (place, after)) in places.zip(&after.pops).enumerate() {
        let before = before.pops.get(index).copied().unwrap_or_default();
        let sent_on = after.forwarded - before.forwarded;
        usage.edge.push(EdgeUse {
            tier: Tier::Edge.name().to_owned(),
            region: group(&place.0).to_owned(),
            product: PRODUCT.to_owned(),
            bytes: month(after.cores.bytes_out - before.cores.bytes_out),
            requests: month(after.requests - before.requests),
            origin_bytes: month(sent_on * REQUEST),
        });
    }
}

/// The group of countries that a region's point of presence is billed in; the region itself where no group is known.
fn group(region: &str) -> &str {
    match region.split('-').next() {
        Some("us" | "ca") => "US,Mexico,Canada",
        Some("eu") => "Europe,Israel",
        Some("af" | "me") => "South Africa,Kenya,Middle East",
        _ => region,
    }
}
