//! The quick estimate over many loads: the dotted line that is there before anything is simulated.
//!
//! Models: one placement for all loads, scaled as in [`super::estimate`]: servers keep their shares, channels that grow with the
//! users grow. *Leaves out:* what only another population would show (one channel that happens to be large). Source: the
//! approximations of [`super`].

use super::latency::Network;
use super::placement::Placement;
use super::stations::{Model, Operation};
use crate::scenario::Scenario;

/// What is estimated at one load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurvePoint {
    /// Users.
    pub users: u32,
    /// 99th percentile of the latency that the scenario is judged by, ms; `None`: more work than can be done.
    pub p99_ms: Option<f64>,
}

/// The 99th percentile of delivered messages, else of answered queries, else of status changes, at each load. Empty where
/// the scenario has none of them.
#[must_use]
pub fn curve(scenario: &Scenario, placement: &Placement, loads: &[u32]) -> Vec<CurvePoint> {
    let model = Model::new(scenario, placement);
    let network = Network::new(&model);
    let own = model.at(1.0);
    let mut known: Vec<Operation> = own.operations().collect();
    known.sort_by_key(|operation| rank(*operation));
    let Some(&main) = known.first() else {
        return Vec::new();
    };
    let at = |&users: &u32| {
        let load = model.at(f64::from(users) / model.users().max(1.0));
        let latency = network.latency(&model, &load, main);
        CurvePoint {
            users,
            p99_ms: latency.map(|latency| latency.quantile(0.99) * 1e3),
        }
    };
    loads.iter().map(at).collect()
}

fn rank(operation: Operation) -> u8 {
    match operation {
        Operation::Publish => 0,
        Operation::Query => 1,
        Operation::Presence => 2,
        Operation::Command => 3,
    }
}
