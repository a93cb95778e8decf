//! Documents that are edited together: how often, and who keeps them.

pub mod raw;

use routing::placement::Placement;

use crate::time::SimDuration;

use super::check::Check;
use super::design::{instances, placement};
use super::error::Problem;
use super::limits;
use super::model::{Design, Machine, Rate, Traffic};
use super::profile::Names;
use super::quantity::{count, duration, share};
use super::raw::Quantity;
use super::traffic::{payload, rate};

use raw::{RawConflict, RawDocuments, RawEdit};

const AT: &str = "design.documents";
/// Items of one document at the start: beyond, comparing copies takes longer than editing them.
const ITEMS: u64 = 4_000;
/// By how many times merging costs more than ordering, where nobody says.
const MERGE_FACTOR: u64 = 20;

/// The edit operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Edits {
    /// Edits per second.
    pub rate: Rate,
    /// Payload of one, bytes.
    pub size_bytes: u32,
    /// Share that deletes.
    pub deletes: f64,
}

/// How edits that are made at once are resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// The owner orders and transforms them.
    Ot,
    /// They merge.
    Crdt,
    /// The last one wins.
    LastWriterWins,
    /// One at a time.
    Lock,
}

/// The tier of document owners.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentsTier {
    /// Instances.
    pub count: u32,
    /// What each runs on.
    pub machine: Machine,
    /// How a document finds its owner.
    pub placement: Placement,
    /// How edits that are made at once are resolved.
    pub conflict: Conflict,
    /// Items of a document when the run begins.
    pub items: u32,
    /// CPU of ordering one message.
    pub sequence: SimDuration,
    /// CPU of merging one edit.
    pub merge: SimDuration,
    /// CPU of one step of transformation.
    pub transform: SimDuration,
    /// CPU of sending one copy to a server.
    pub copy: SimDuration,
    /// How often changes of a document leave together; zero: at once.
    pub window: SimDuration,
    /// Between two checkpoints.
    pub checkpoint: SimDuration,
    /// How often the journal is written; `None`: there is none.
    pub journal: Option<SimDuration>,
    /// Time until something is stored.
    pub store: SimDuration,
    /// How long a lock is kept.
    pub lease: SimDuration,
    /// How wrong clocks are.
    pub clock_skew: SimDuration,
    /// Time after which others take over; `None`: never.
    pub failover: Option<SimDuration>,
}

/// Checks the edit operation.
pub fn edits(raw: &RawEdit, check: &mut Check<'_>) -> Edits {
    check.sources("traffic.edit", &raw.source, &raw.sources);
    Edits {
        rate: rate("traffic.edit.rate", &raw.rate, check),
        size_bytes: payload("traffic.edit.size", &raw.size, check),
        deletes: check.take_or("traffic.edit.deletes", &raw.deletes, 0.2, share),
    }
}

/// Checks the document owners.
pub fn documents(raw: &RawDocuments, names: &Names<'_>, check: &mut Check<'_>) -> DocumentsTier {
    const NONE: SimDuration = SimDuration::ZERO;
    check.sources(AT, &raw.source, &raw.sources);
    let at = |name: &str| format!("{AT}.{name}");
    let service = |q: &Quantity| duration(q, NONE, limits::SERVICE);
    let long = |q: &Quantity| duration(q, limits::SHORT, limits::LONG);
    let micros = SimDuration::from_micros;
    let nouns = ["owners", "owner", "instances"];
    let sequence = check.take_or(&at("sequence"), &raw.sequence, micros(5), service);
    let merge = sequence * MERGE_FACTOR;
    let window = |q: &Quantity| duration(q, NONE, SimDuration::from_secs(10));
    DocumentsTier {
        count: instances(&at("count"), &raw.count, &nouns, check),
        machine: names.machine(&raw.machine, &at("machine"), check),
        placement: placement(
            raw.placement.as_ref(),
            Placement::Ring { virtual_nodes: 100 },
            &at("placement"),
            check,
        ),
        conflict: match raw.conflict.unwrap_or(RawConflict::Ot) {
            RawConflict::Ot => Conflict::Ot,
            RawConflict::Crdt => Conflict::Crdt,
            RawConflict::LastWriterWins => Conflict::LastWriterWins,
            RawConflict::Lock => Conflict::Lock,
        },
        items: check.take_or(&at("items"), &raw.items, 100, |q| {
            count(q, &["items", "registers"], 1, ITEMS)
        }) as u32,
        merge: check.take_or(&at("merge"), &raw.merge, merge, service),
        transform: check.take_or(&at("transform"), &raw.transform, sequence, service),
        copy: check.take_or(&at("copy"), &raw.copy, micros(5), service),
        sequence,
        window: check.take_or(&at("window"), &raw.window, NONE, window),
        checkpoint: check.take_or(
            &at("checkpoint"),
            &raw.checkpoint,
            SimDuration::from_secs(45),
            long,
        ),
        journal: raw
            .journal
            .as_ref()
            .map(|q| check.take(&at("journal"), long(q), NONE)),
        store: check.take_or(
            &at("store"),
            &raw.store,
            SimDuration::from_millis(50),
            |q| duration(q, NONE, limits::LONG),
        ),
        lease: check.take_or(&at("lease"), &raw.lease, SimDuration::from_secs(2), long),
        clock_skew: check.take_or(&at("clock_skew"), &raw.clock_skew, NONE, |q| {
            duration(q, NONE, limits::LONG)
        }),
        failover: raw
            .failover
            .as_ref()
            .map(|q| check.take(&at("failover"), duration(q, NONE, limits::LONG), NONE)),
    }
}

/// Edits need somebody who keeps documents, in one region.
pub fn check_together(traffic: &Traffic, design: &Design, check: &mut Check<'_>) {
    if traffic.edit.is_some() && design.documents.is_none() {
        let problem =
            Problem::new("documents are edited, but the design has nobody who keeps them");
        check.problem(
            "traffic.edit",
            problem.help("add design.documents, or leave out traffic.edit"),
        );
    }
    if design.documents.is_some() && design.regions.is_some() {
        let problem = Problem::new("document owners are not simulated in several regions");
        let help =
            "leave out design.regions: editors elsewhere reach the one region by its round trips";
        check.problem(AT, problem.help(help));
    }
}
