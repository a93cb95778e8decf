//! What clients do: operations, their rates and sizes.

pub mod raw;

use crate::time::SimDuration;

use super::assets::assets;
use super::check::Check;
use super::model::{Command, Per, Presence, Publish, Publisher, Query, Rate, Region, Traffic};
use super::quantity::{self, count, duration, size};
use super::raw::Quantity;
use super::{data, documents, edge, limits, services, sourcing};

use raw::{RawCommand, RawPresence, RawPublish, RawPublisher, RawQuery, RawTraffic};

/// Checks the operations of a scenario.
pub fn traffic(raw: &RawTraffic, check: &mut Check<'_>) -> Traffic {
    Traffic {
        publish: raw.publish.as_ref().map(|raw| publish(raw, check)),
        presence: raw.presence.as_ref().map(|raw| presence(raw, check)),
        query: raw.query.as_ref().map(|raw| query(raw, check)),
        command: raw.command.as_ref().map(|raw| command(raw, check)),
        keys: data::keys(raw.keys.as_ref(), check),
        spread: data::spread::spread(raw, check),
        asset: raw.asset.as_ref().map(|raw| edge::asset(raw, check)),
        edit: raw.edit.as_ref().map(|raw| documents::edits(raw, check)),
        reserve: raw
            .reserve
            .as_ref()
            .map(|raw| services::stock::reserve(raw, check)),
        order: raw
            .order
            .as_ref()
            .map(|raw| services::matching::order(raw, check)),
        notify: raw
            .notify
            .as_ref()
            .map(|raw| services::notify::notify(raw, check)),
    }
}

pub(super) fn rate(path: &str, raw: &Quantity, check: &mut Check<'_>) -> Rate {
    let none = Rate {
        per_s: 0.0,
        per: Per::System,
    };
    check.take(path, quantity::rate(raw, limits::RATE), none)
}

pub(super) fn payload(path: &str, raw: &Quantity, check: &mut Check<'_>) -> u32 {
    check.take(path, size(raw, 1, limits::PAYLOAD), 1) as u32
}

fn publish(raw: &RawPublish, check: &mut Check<'_>) -> Publish {
    check.sources("traffic.publish", &raw.source, &raw.sources);
    let from = match &raw.from {
        None | Some(RawPublisher::Members) => Publisher::Members,
        Some(RawPublisher::Feed(region)) => {
            let known = assets().region(region).map(|_| ());
            check.take("traffic.publish.from", known, ());
            Publisher::Feed(Region(region.clone()))
        }
    };
    Publish {
        rate: rate("traffic.publish.rate", &raw.rate, check),
        size_bytes: payload("traffic.publish.size", &raw.size, check),
        from,
        queries: check.take_or("traffic.publish.queries", &raw.queries, 0, |q| {
            count(q, &["queries"], 0, 1_000)
        }) as u32,
    }
}

fn presence(raw: &RawPresence, check: &mut Check<'_>) -> Presence {
    check.sources("traffic.presence", &raw.source, &raw.sources);
    Presence {
        rate: rate("traffic.presence.rate", &raw.rate, check),
        coalesce: check.take_or(
            "traffic.presence.coalesce",
            &raw.coalesce,
            SimDuration::ZERO,
            |q| duration(q, SimDuration::ZERO, limits::LONG),
        ),
        size_bytes: payload("traffic.presence.size", &raw.size, check),
    }
}

fn query(raw: &RawQuery, check: &mut Check<'_>) -> Query {
    check.sources("traffic.query", &raw.source, &raw.sources);
    Query {
        rate: rate("traffic.query.rate", &raw.rate, check),
        size_bytes: payload("traffic.query.size", &raw.size, check),
        scatter: check.take_or("traffic.query.scatter", &raw.scatter, 0.0, quantity::share),
        edge: raw.edge.as_ref().map(|raw| edge::query_at_edge(raw, check)),
        read_model: raw
            .read_model
            .as_ref()
            .map(|raw| sourcing::read_model(raw, check)),
    }
}

fn command(raw: &RawCommand, check: &mut Check<'_>) -> Command {
    check.sources("traffic.command", &raw.source, &raw.sources);
    Command {
        rate: rate("traffic.command.rate", &raw.rate, check),
        size_bytes: payload("traffic.command.size", &raw.size, check),
    }
}
