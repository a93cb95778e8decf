//! Documents that several people edit at once, and the owners that keep them.
//!
//! Models: a document is a channel. Whoever edits has a real copy; an edit changes it at once, goes to the owner of the document
//! (one node by placement, one core for order), is transformed or merged there with all others ([`content`]), numbered, and
//! sent to the other editors by their connection servers; its author is told its number. Copies take changes over in the order
//! of their numbers, at their receipts. An owner saves by [`routing::sourcing::Journal`]: a checkpoint every so often, a journal
//! between them if there is one. *Formula:* CPU of an edit at the owner = sequence + merge + steps of transformation x
//! transform + copies x copy. With a window the changes of a document leave together, at the end of each.
//! *Counts:* an edit is *conflicting* when it was ordered after one by somebody else that its author had not seen; *lost* when
//! its effect is in no copy any more although nobody deleted it; a document has *diverged* when a copy with nothing of its own
//! on its way differs from what its owner had at the number that the copy has reached.
//!
//! *Assumed:* who has missed a change asks for it when nothing has come for [`PATIENCE`]; a message that is not acknowledged
//! within it is sent again. *Bound:* at most [`COPIES`] copies are followed; the edits of documents beyond go the same way and
//! cost the same, and say nothing. *Leaves out:* regions; opening a document (its editors have it when the run begins); cursors;
//! the time to load a document again after its owner died.
//! Source: J. Day-Richter, What's different about the new Google Docs (2010); Figma, Making multiplayer more reliable.

pub mod content;
mod document;
mod keeping;
pub mod reading;
mod receipts;
mod saving;
mod way;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use routing::PlacementMap;

use super::backend::Nodes;
use super::operation::{Operation, OperationId};
use crate::scenario::DocumentsTier;
use crate::statistics::CompactHistogram;
use crate::time::{SimDuration, SimTime};
use content::Content;
use document::{Change, Document};

/// How long a client waits for what it misses, or for word of what it has sent.
const PATIENCE: SimDuration = SimDuration::from_secs(3);
/// Copies that are followed at most.
const COPIES: usize = 100_000;

/// What happens to documents.
#[derive(Clone, Copy, Debug)]
pub enum DocumentEvent {
    /// A message with edits reaches the owner.
    AtOwner(OperationId),
    /// A window of a document ends.
    Window {
        /// Which document.
        channel: u32,
        /// Which life of it.
        epoch: u32,
    },
    /// Word of its own edits reaches an editor.
    AtEditor {
        /// Which document.
        channel: u32,
        /// Whose copy.
        editor: u32,
    },
    /// A lease of a document's lock has run out.
    Lease(u32),
    /// Something of a document is to be stored.
    Save {
        /// Which document.
        channel: u32,
        /// Which life of it.
        epoch: u32,
    },
    /// It is stored.
    Saved {
        /// Which document.
        channel: u32,
        /// Which life of it.
        epoch: u32,
    },
    /// Others take over from a node, if it is still dead.
    TakeOver(u32),
}

/// Cumulative counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Edits ordered.
    pub edits: u64,
    /// Those that were concurrent with somebody else's.
    pub conflicting: u64,
    /// Edits whose effect is gone, but for those that were overwritten.
    pub lost: u64,
    /// Edits that came to a copy that was about to be replaced.
    pub refused: u64,
    /// Steps of transformation.
    pub steps: u64,
    /// What went to editors: each may hold several edits.
    pub frames: u64,
    /// Messages sent again.
    pub resent: u64,
    /// Changes that editors had missed and asked for.
    pub caught_up: u64,
    /// Documents that an editor loaded again.
    pub reloaded: u64,
    /// Edits that waited for a lock.
    pub waited_for_lock: u64,
    /// CPU of ordering, of merging and transforming, and of copies.
    pub cpu: [SimDuration; 3],
    /// Documents that were restored after a crash.
    pub restored: u64,
    /// Edits that crashes lost.
    pub lost_in_crash: u64,
    /// Time that crashes lost, summed over the documents that lost any.
    pub crash_loss: SimDuration,
    /// Those documents.
    pub crash_losses: u64,
    /// Versions that were made again from what was stored, and compared.
    pub versions_checked: u64,
    /// Those that were not what they had been.
    pub versions_wrong: u64,
}

/// What is on its way to an owner.
#[derive(Clone, Debug)]
struct Message {
    channel: u32,
    epoch: u32,
    author: u32,
    edits: Vec<Operation>,
    /// Edits in it, those included whose operation has failed before.
    count: u32,
    /// The last change that its author had seen.
    seen: u64,
    /// Of its copy, and among what that copy sent.
    number: (u32, u64),
    /// `None`: the document is not followed.
    content: Option<Content>,
}

/// What is on its way to the editors: edits of one document.
#[derive(Clone, Debug, Default)]
struct Frame {
    epoch: u32,
    edits: Vec<Operation>,
    changes: Vec<Arc<Change>>,
}

/// Word to an author.
#[derive(Clone, Debug)]
struct Ack {
    channel: u32,
    epoch: u32,
    author: u32,
    change: Option<Arc<Change>>,
}

/// The tier.
#[derive(Clone, Debug)]
pub struct Documents {
    /// Cores of the owners.
    pub nodes: Nodes,
    /// What has been counted since the start.
    pub counts: Counts,
    /// From a change to the moment when a crash would not lose it.
    pub saved: CompactHistogram,
    /// The longest time that a crash lost.
    pub crash_loss_max: SimDuration,
    /// Documents with a copy that was not what it should be.
    pub diverged: BTreeSet<u32>,
    tier: DocumentsTier,
    /// Share of edits that delete.
    deletes: f64,
    placement: PlacementMap,
    /// Those that have been edited.
    all: BTreeMap<u32, Document>,
    /// Those that changed since their copies were compared.
    changed: BTreeSet<u32>,
    copies: usize,
    messages: BTreeMap<OperationId, Message>,
    frames: BTreeMap<OperationId, Frame>,
    acks: BTreeMap<OperationId, Ack>,
    /// Editors who hear of their own edits, and when: to be scheduled.
    wakes: Vec<(SimTime, u32, u32)>,
    /// Receipts of the copy that is being written: latency and what it consists of.
    receipts: Vec<(u32, super::operation::Parts)>,
}

impl Documents {
    /// The owners of a tier, idle.
    #[must_use]
    pub fn new(tier: &DocumentsTier, deletes: f64) -> Self {
        let ids: Vec<u32> = (0..tier.count).collect();
        Self {
            nodes: Nodes::new(tier.count, tier.machine.cores),
            placement: PlacementMap::new(tier.placement, &ids),
            deletes,
            tier: tier.clone(),
            counts: Counts::default(),
            saved: CompactHistogram::new(),
            crash_loss_max: SimDuration::ZERO,
            diverged: BTreeSet::new(),
            all: BTreeMap::new(),
            changed: BTreeSet::new(),
            copies: 0,
            messages: BTreeMap::new(),
            frames: BTreeMap::new(),
            acks: BTreeMap::new(),
            wakes: Vec::new(),
            receipts: Vec::new(),
        }
    }

    /// Forgets what was measured; documents stay as they are.
    pub fn restart_measuring(&mut self) {
        self.saved = CompactHistogram::new();
        self.crash_loss_max = SimDuration::ZERO;
        for edit in self.messages.values_mut().flat_map(|one| &mut one.edits) {
            edit.measured = false;
        }
        for edit in self.frames.values_mut().flat_map(|one| &mut one.edits) {
            edit.measured = false;
        }
        self.all.values_mut().for_each(Document::forget_measured);
    }

    /// Documents that are followed.
    #[must_use]
    pub fn followed(&self) -> u64 {
        self.all.values().filter(|one| one.is_followed()).count() as u64
    }

    /// Documents that have been edited.
    #[must_use]
    pub fn edited(&self) -> u64 {
        self.all.len() as u64
    }

    /// Editors of documents that are followed.
    #[must_use]
    pub fn editors(&self) -> u64 {
        let editors = self.all.values().flat_map(|one| one.replicas.values());
        editors.filter(|one| one.edits > 0).count() as u64
    }

    /// Edits that others overwrote without having seen them.
    #[must_use]
    pub fn overwritten(&self) -> u64 {
        self.all.values().map(Document::overwritten).sum()
    }
}
