//! The monthly bill at expected rates: the same usage and price book as a run's, with expectations in place of counts.
//!
//! Left out: resynchronisation after losses, and the division of rent between idle connections and messages, which does not
//! change the total; and bytes between regions.

use super::stations::{Load, Operation};
use crate::cost::{SECONDS_PER_MONTH, bill, book};
use crate::scenario::Scenario;
use crate::scenario::assets::PRICE_BOOK;
use crate::system::{Flows, usage_of};
use routing::RoutingMode;

/// US dollars per month of 730 hours at this load around the clock; `None`: some of it is not estimated.
pub(super) fn usd_per_month(load: &Load<'_>) -> Option<f64> {
    let model = load.model;
    let traffic = &model.scenario.traffic;
    let services = traffic.reserve.is_some() || traffic.order.is_some() || traffic.notify.is_some();
    if services || traffic.asset.is_some() || model.scenario.keeps_queries_at_edge() {
        return None;
    }
    let placement = model.placement;
    let month = |per_s: f64| libm::round(per_s * SECONDS_PER_MONTH as f64) as u128;
    let inner = |operation: Operation| {
        let payload = u64::from(model.payload(operation));
        routing::session::Transport::WebSocket.bytes_down(payload) as f64
    };
    let kinds = [
        (Operation::Publish, load.publish_per_s, &placement.publish),
        (
            Operation::Presence,
            load.presence_per_s,
            &placement.presence,
        ),
    ];
    let (mut egress, mut deliveries, mut to_order, mut copies) = (0.0, 0.0, 0.0, 0.0);
    let local = model.scenario.design.routing == RoutingMode::Local;
    for (operation, rate, audience) in kinds {
        let received = rate * audience.recipients * load.fan_out;
        deliveries += received;
        egress += received * load.wire_bytes(operation);
        let client = operation == Operation::Presence || model.clients_publish();
        if !local && client {
            to_order += rate * inner(operation);
        }
        if (!local || !client) && placement.network.link_s > 0.0 {
            copies += rate * audience.copies * inner(operation);
        }
    }
    for operation in [Operation::Query, Operation::Command] {
        egress += load.offered(operation) * load.wire_bytes(operation);
    }
    let asked = |operation: Operation| {
        load.offered(operation) * f64::from(model.queries(operation)) * inner(operation)
    };
    let flows = Flows {
        connections: libm::round(load.connections) as u64,
        new_connections: 0,
        egress: month(egress),
        publishes: month(load.publish_per_s),
        edits: 0,
        deliveries: month(deliveries),
        to_order: month(to_order),
        copies: month(copies),
        database: month(
            asked(Operation::Publish)
                + asked(Operation::Query) * (1.0 - load.hit_ratio())
                + asked(Operation::Command),
        ),
        cache: month(if model.scenario.design.cache.is_some() {
            asked(Operation::Query) + asked(Operation::Command)
        } else {
            0.0
        }),
        egress_of: Vec::new(),
        between: Vec::new(),
        idle_ppm: 0,
    };
    Some(priced(&model.scenario, &flows))
}

fn priced(scenario: &Scenario, flows: &Flows) -> f64 {
    let book = book(&scenario.run.price_book).or_else(|| book(PRICE_BOOK));
    book.map_or(0.0, |book| {
        bill(&usage_of(scenario, flows), book).usd_micro_per_month() as f64 / 1e6
    })
}
