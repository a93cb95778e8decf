//! How an owner saves, what a crash costs, and how a document is restored.
//!
//! Models: [`Journal`] says when a checkpoint or a batch of the journal is due; it is stored after `store`. A crash forgets what
//! is not stored; the next owner takes the last checkpoint and replays the journal. Every version in between is made again and
//! compared with what the document was then. *Leaves out:* the bytes of checkpoints; clients that send again what a crash lost.

use std::collections::VecDeque;
use std::sync::Arc;

use routing::log::BatchLimits;
use routing::sourcing::{Journal, JournalOptions, JournalWrite};

use super::content::{Original, Version};
use super::document::{Change, Document};
use super::{Counts, DocumentEvent, Documents};
use crate::draw::{Draws, mix};
use crate::engine::Schedule;
use crate::histogram::{bucket_of, units_of};
use crate::scenario::DocumentsTier;
use crate::system::event::Event;
use crate::system::servers::timestamp;
use crate::system::world::World;
use crate::time::{SimDuration, SimTime};

/// For how long changes are kept at least, for editors that have not received them.
const KEPT: SimDuration = SimDuration::from_secs(10);

/// What a document has stored, and is storing.
#[derive(Clone, Debug)]
pub struct Saving {
    journal: Journal,
    /// The last checkpoint, and the number of the change that it was made after.
    stored: (u64, Version),
    /// Under way, the oldest first.
    writes: VecDeque<(JournalWrite, Option<Version>)>,
    /// Changes that a crash would lose.
    open: VecDeque<(u64, SimTime)>,
    /// When the next write is scheduled for.
    scheduled: Option<SimTime>,
}

impl Saving {
    /// Nothing has changed.
    pub fn new(now: SimTime, tier: &DocumentsTier, version: Version, channel: u32) -> Self {
        let journal = tier.journal.map(|every| BatchLimits {
            linger_ns: every.as_nanos(),
            records: u32::MAX,
            bytes: u64::MAX,
        });
        let options = JournalOptions {
            checkpoint_ns: tier.checkpoint.as_nanos(),
            journal,
        };
        // Documents were opened at any time before.
        let phase = mix(u64::from(channel)) % tier.checkpoint.as_nanos().max(1);
        let first = now + SimDuration::from_nanos(phase);
        Self {
            journal: Journal::new(timestamp(now), options).first_checkpoint(timestamp(first)),
            stored: (0, version),
            writes: VecDeque::new(),
            open: VecDeque::new(),
            scheduled: None,
        }
    }

    /// When something is to be stored, unless that is scheduled.
    fn due(&mut self, now: SimTime) -> Option<SimTime> {
        let due = SimTime::from_nanos(self.journal.next_due().0).max(now);
        let news = self.scheduled.is_none_or(|known| due < known);
        news.then(|| *self.scheduled.insert(due))
    }
}

impl Document {
    /// It has changed; when something is to be stored, unless that is known.
    pub fn note_change(&mut self, now: SimTime, bytes: u64) -> Option<SimTime> {
        let saving = &mut self.saving;
        saving.open.push_back((self.revision, now));
        let full = saving.journal.changed(timestamp(now), bytes);
        assert!(full.is_none(), "only time closes a batch");
        saving.due(now)
    }

    /// Something is stored: what of the log is not needed any more goes. Entered in `saved`.
    fn is_stored(&mut self, now: SimTime, documents: &mut (Counts, Vec<SimDuration>)) {
        let Some((write, version)) = self.saving.writes.pop_front() else {
            return;
        };
        self.saving.journal.stored(&write);
        let safe = self.saving.journal.safe();
        while let Some(&(_, at)) = self.saving.open.front().filter(|one| one.0 <= safe) {
            documents.1.push(now.saturating_since(at));
            self.saving.open.pop_front();
        }
        if let (JournalWrite::Checkpoint { upto }, Some(version)) = (write, version) {
            let from = self.saving.stored.0;
            self.check_versions(upto, &mut documents.0);
            self.saving.stored = (upto, version);
            // Who was away for less than a checkpoint is sent what it missed.
            self.forget_log(from, now.saturating_sub(KEPT));
        }
    }

    /// Makes every version after the last checkpoint again, up to a number, and compares it with what the document was then.
    fn check_versions(&mut self, upto: u64, counts: &mut Counts) -> Version {
        let (from, mut version) = self.saving.stored.clone();
        let first = (from - self.log_from()) as usize;
        let changes: Vec<Arc<Change>> = self.log.range(first..).cloned().collect();
        for change in changes.iter().take_while(|one| one.revision <= upto) {
            version.apply(&change.what);
            counts.versions_checked += 1;
            let was = self.digest_at(change.revision);
            counts.versions_wrong += u64::from(was != Some(version.digest()));
        }
        version
    }

    /// Its owner has died: it is what was stored, and nobody's copy counts any more. Returns how long the first of the lost
    /// changes had been open.
    fn restore(&mut self, now: SimTime, tier: &DocumentsTier, counts: &mut Counts) -> SimDuration {
        let crash = self.saving.journal.crash(timestamp(now));
        self.epoch += 1;
        let safe = self.saving.journal.safe();
        let version = self.check_versions(safe, counts);
        let mut lost = 0;
        while self.revision > safe {
            self.digests.pop_back();
            if let Some(change) = self.log.pop_back() {
                lost += u64::from(change.edits);
                let author = self.replicas.get_mut(&change.author);
                if let Some(author) = author.filter(|one| one.heard < change.revision) {
                    author.settled += u64::from(change.edits);
                }
            }
            self.revision -= 1;
        }
        counts.restored += 1;
        counts.lost += lost;
        counts.lost_in_crash += lost;
        self.edits -= lost;
        self.saving.writes.clear();
        self.saving.open.clear();
        self.saving.scheduled = None;
        self.latest = [(u32::MAX, safe); 2];
        self.original = Some(Original::restored(version, safe, tier.conflict));
        let since = crash.since.filter(|_| lost > 0);
        since.map_or(SimDuration::ZERO, |at| {
            now.saturating_since(SimTime::from_nanos(at.0))
        })
    }
}

impl Documents {
    /// The node dies: what it knew is gone, and what it had not sent.
    pub fn kill(&mut self, now: SimTime, node: u32) -> Option<SimDuration> {
        self.nodes.kill(now, node);
        let died: Vec<u32> = self.of_node(node);
        for channel in died {
            self.restore(channel, now);
        }
        self.tier.failover
    }

    fn of_node(&self, node: u32) -> Vec<u32> {
        let own = self.all.iter().filter(|(_, one)| one.owner == node);
        own.map(|(&channel, _)| channel).collect()
    }

    /// The node is back; its documents come back to it.
    pub fn node_back(&mut self, now: SimTime, node: u32) {
        self.nodes.restore(node);
        self.placement.add(routing::Node::new(node));
        self.place_anew(now);
    }

    /// Others take over from a node, if it is still dead.
    pub fn take_over(&mut self, now: SimTime, node: u32) -> bool {
        let dead = self.nodes.is_down(node);
        if dead {
            self.placement.remove(node);
            self.place_anew(now);
        }
        dead
    }

    /// Documents go where they are placed now; one that is handed over takes everything with it.
    fn place_anew(&mut self, _now: SimTime) {
        for (&channel, document) in &mut self.all {
            if let Some(node) = self.placement.owner(channel.into()) {
                document.owner = node;
            }
        }
    }

    fn restore(&mut self, channel: u32, now: SimTime) {
        let Some(document) = self.all.get_mut(&channel).filter(|one| one.is_followed()) else {
            return;
        };
        let loss = document.restore(now, &self.tier, &mut self.counts);
        if !loss.is_zero() {
            self.counts.crash_loss += loss;
            self.counts.crash_losses += 1;
            self.crash_loss_max = self.crash_loss_max.max(loss);
        }
        self.changed.insert(channel);
    }
}

impl World {
    /// Something of a document is to be stored.
    pub(super) fn save_document(
        &mut self,
        channel: u32,
        epoch: u32,
        out: &mut Schedule<'_, Event>,
    ) {
        let now = out.now();
        let Some(documents) = self.documents.as_deref_mut() else {
            return;
        };
        let store = documents.tier.store;
        let Some(document) = documents.all.get_mut(&channel) else {
            return;
        };
        if document.epoch != epoch {
            return;
        }
        let saving = &mut document.saving;
        while let Some(write) = saving.journal.poll(timestamp(now)) {
            let version = matches!(write, JournalWrite::Checkpoint { .. })
                .then(|| document.original.as_ref().map(Original::version));
            saving.writes.push_back((write, version.flatten()));
            let saved = DocumentEvent::Saved { channel, epoch };
            out.after(store, Event::Document(saved));
        }
        saving.scheduled = None;
        let open = saving.journal.safe() < document.revision;
        if let Some(due) = saving.due(now).filter(|_| open) {
            let save = DocumentEvent::Save { channel, epoch };
            out.at(due, Event::Document(save));
        }
    }

    /// A write of a document is stored.
    pub(super) fn document_saved(&mut self, channel: u32, epoch: u32, now: SimTime) {
        let Some(documents) = self.documents.as_deref_mut() else {
            return;
        };
        let Some(document) = documents.all.get_mut(&channel) else {
            return;
        };
        if document.epoch != epoch {
            return;
        }
        let mut noted = (documents.counts, Vec::new());
        document.is_stored(now, &mut noted);
        documents.counts = noted.0;
        for age in noted.1 {
            let units = units_of(age);
            documents.saved.record(bucket_of(units) as u16, units);
        }
    }

    /// Everybody loads the documents of a node anew, once somebody keeps them again.
    pub(in crate::system) fn reload_documents(&mut self) {
        let draws = Draws::new(self.scenario.run.population_seed);
        let Some(documents) = self.documents.as_deref_mut() else {
            return;
        };
        for document in documents.all.values_mut() {
            if documents.nodes.is_down(document.owner) {
                continue;
            }
            let behind: Vec<u32> = document.outdated();
            for editor in behind {
                let skew = super::way::skew_of(&draws, documents.tier.clock_skew, editor);
                documents.counts.lost += document.load(editor, skew);
                documents.counts.reloaded += 1;
            }
        }
    }
}
