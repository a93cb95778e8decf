//! The order of messages.

pub mod raw;

use crate::time::SimDuration;

use super::check::Check;
use super::error::Problem;
use super::limits;
use super::model::Design;
use super::quantity::duration;

use raw::{RawOrdering, RawPromise};

const AT: &str = "design.ordering";

/// In which order members see messages.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ordering {
    /// What is promised.
    pub promise: Promise,
    /// How long a message is held back.
    pub patience: SimDuration,
}

/// What is promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// Nothing.
    None,
    /// The messages of one sender in one channel.
    PerSender,
    /// All messages of one channel.
    PerChannel,
    /// All messages.
    Total,
}

/// Checks the order of a design.
pub fn ordering(raw: &RawOrdering, check: &mut Check<'_>) -> Ordering {
    check.sources(AT, &raw.source, &raw.sources);
    let time = |q: &_| duration(q, SimDuration::ZERO, limits::LONG);
    let at = format!("{AT}.patience");
    Ordering {
        promise: match raw.promise {
            RawPromise::None => Promise::None,
            RawPromise::PerSender => Promise::PerSender,
            RawPromise::PerChannel => Promise::PerChannel,
            RawPromise::Total => Promise::Total,
        },
        patience: check.take_or(&at, &raw.patience, SimDuration::from_secs(1), time),
    }
}

/// Messages are ordered by an owner or a partition, in one region.
pub fn check_together(design: &Design, pooling: bool, check: &mut Check<'_>) {
    if design.ordering.is_none() {
        return;
    }
    if pooling && design.routing == routing::RoutingMode::Local {
        let problem =
            Problem::new("with routing Local nobody but the server itself orders messages");
        let help = "add design.channel_owners or design.broker, or leave this out";
        check.problem(AT, problem.help(help));
    }
    let relays = design.channel_owners.as_ref();
    if design.regions.is_some() || relays.is_some_and(|owners| owners.relay_members.is_some()) {
        let problem = Problem::new("order is not simulated across relays or regions");
        let help = "leave out design.regions and design.channel_owners.relay_members, or this";
        check.problem(AT, problem.help(help));
    }
}
