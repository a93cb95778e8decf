//! Documents that are edited together, as written.

use serde::Deserialize;

use crate::scenario::model::Source;
use crate::scenario::over_time::raw::RawArrivals;
use crate::scenario::raw::{Quantity, RawPlacement, Sources};

/// Edits of documents; a document is a channel, its members edit it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawEdit {
    /// Edits, as in: `"0.6/s per user"`.
    pub rate: Quantity,
    /// When edits come at that rate. Default: `Poisson`.
    pub arrivals: Option<RawArrivals>,
    /// Payload of one edit.
    pub size: Quantity,
    /// Share of edits that delete something; the others insert. Default: 20 %.
    pub deletes: Option<Quantity>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// Document owners: each document is kept, ordered and saved by one of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawDocuments {
    /// Instances.
    pub count: Quantity,
    /// Name of a machine.
    pub machine: String,
    /// How a document finds its owner. Default: `Ring(virtual_nodes: 100)`.
    pub placement: Option<RawPlacement>,
    /// How edits that are made at once are resolved. Default: `Ot`.
    pub conflict: Option<RawConflict>,
    /// Items of a document when the run begins; with `LastWriterWins` the registers that it has. Default: 100.
    pub items: Option<Quantity>,
    /// CPU of ordering one message. Default: 5 us.
    pub sequence: Option<Quantity>,
    /// CPU of merging one edit, with `Ot` and `Crdt`. Default: 20 times `sequence`.
    pub merge: Option<Quantity>,
    /// CPU of one step of transformation: one edit against one other. Default: `sequence`.
    pub transform: Option<Quantity>,
    /// CPU of sending one copy to a server. Default: 5 us.
    pub copy: Option<Quantity>,
    /// Changes of a document leave together, so often. Default: at once.
    pub window: Option<Quantity>,
    /// Between two checkpoints of a document that changes. Default: 45 s.
    pub checkpoint: Option<Quantity>,
    /// Changes are written to a journal, so often. Default: no journal.
    pub journal: Option<Quantity>,
    /// Time until something is stored. Default: 50 ms.
    pub store: Option<Quantity>,
    /// With `Lock`: how long an editor keeps the lock after its last edit. Default: 2 s.
    pub lease: Option<Quantity>,
    /// Editors' clocks are ahead or behind by up to this; matters with `LastWriterWins`. Default: 0 s.
    pub clock_skew: Option<Quantity>,
    /// Time after which the others take over from one that died. Default: they do not.
    pub failover: Option<Quantity>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// How edits that are made at once are resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum RawConflict {
    /// The owner orders and transforms them.
    Ot,
    /// They merge, in any order.
    Crdt,
    /// The last one to write a register wins; the others are lost.
    LastWriterWins,
    /// Who edits holds a lock; the others wait.
    Lock,
}
