//! Once a second: copies take over what has arrived and are compared with the original; who has missed something asks for it,
//! and who has no word of what it sent sends it again.

use std::sync::Arc;

use routing::ConnectionId;

use super::document::Document;
use super::{DocumentEvent, Documents, PATIENCE};
use crate::draw::Draws;
use crate::engine::Schedule;
use crate::system::event::Event;
use crate::system::operation::Kind;
use crate::system::world::World;
use crate::time::SimTime;

/// What an editor does about what it does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Remedy {
    /// It asks for the changes that it has missed.
    CatchUp,
    /// It loads the document.
    Load,
    /// It sends again.
    Resend,
}

impl Document {
    /// What an editor has to do, if anything.
    fn remedy(&self, editor: u32, now: SimTime) -> Option<Remedy> {
        let replica = self.replicas.get(&editor)?;
        if replica.epoch != self.epoch {
            return Some(Remedy::Load);
        }
        let next = replica.heard + 1;
        if next <= self.revision && !replica.inbox.contains_key(&next) {
            let Some(index) = replica.heard.checked_sub(self.log_from()) else {
                return Some(Remedy::Load);
            };
            let change = self.log.get(index as usize)?;
            return (change.at + PATIENCE <= now).then_some(Remedy::CatchUp);
        }
        // What the owner has taken in is not sent again, whatever becomes of it there.
        let mut sent = replica.unheard.iter();
        let oldest = sent.find(|one| one.number > replica.taken)?;
        (oldest.at + PATIENCE <= now).then_some(Remedy::Resend)
    }

    /// Whether a copy is what it should be; `None`: something of its own is on its way.
    fn is_alike(&self, editor: u32) -> Option<bool> {
        let replica = self.replicas.get(&editor)?;
        if !replica.is_settled() {
            return None;
        }
        let was = self.digest_at(replica.heard)?;
        Some(was == replica.mine.digest())
    }
}

impl Documents {
    /// Compares the copies of those who are online with what they should be; what they have to do about it.
    fn compare(
        &mut self,
        channel: u32,
        now: SimTime,
        online: impl Fn(u32) -> bool,
    ) -> Vec<(u32, Remedy)> {
        let mut remedies = Vec::new();
        let Some(document) = self.all.get_mut(&channel) else {
            return remedies;
        };
        if self.nodes.is_down(document.owner) {
            return remedies;
        }
        let mut quiet = document.window.is_empty();
        let mut builds_on = document.revision;
        let editors: Vec<u32> = document.replicas.keys().copied().collect();
        for editor in editors.into_iter().filter(|&editor| online(editor)) {
            if let Some(replica) = document.replicas.get_mut(&editor) {
                replica.drain(editor, now);
                let sent = replica
                    .unheard
                    .front()
                    .map_or(replica.heard, |one| one.seen);
                builds_on = builds_on.min(sent).min(replica.heard);
                quiet &= replica.is_settled() && replica.heard == document.revision;
            }
            if document.is_alike(editor) == Some(false) {
                self.diverged.insert(channel);
            }
            let remedy = document.remedy(editor, now);
            remedies.extend(remedy.map(|remedy| (editor, remedy)));
        }
        if let Some(original) = &mut document.original {
            original.forget_before(builds_on);
        }
        if quiet {
            self.changed.remove(&channel);
        }
        remedies
    }
}

impl World {
    /// Looks after the documents that have changed.
    pub(in crate::system) fn keep_documents(&mut self, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let Some(mut documents) = self.documents.take() else {
            return;
        };
        let changed: Vec<u32> = documents.changed.iter().copied().collect();
        let mut all = Vec::new();
        let mut dropped = Vec::new();
        for channel in &changed {
            if let Some(document) = documents.all.get_mut(channel) {
                dropped.append(&mut document.dropped);
            }
        }
        self.fail_edits(dropped);
        for channel in changed {
            let online = |editor: u32| self.is_online(ConnectionId(editor));
            let remedies = documents.compare(channel, now, online);
            all.extend(remedies.into_iter().map(|one| (channel, one)));
        }
        self.documents = Some(documents);
        for (channel, (editor, remedy)) in all {
            match remedy {
                Remedy::CatchUp => self.catch_up(channel, editor, out),
                Remedy::Load => self.load_document(channel, editor),
                Remedy::Resend => self.resend(channel, editor, out),
            }
        }
    }

    /// Somebody is back: its documents are looked after.
    pub(in crate::system) fn editor_back(&mut self, editor: u32) {
        if let Some(documents) = self.documents.as_deref_mut() {
            let channels = self.hub.directory().channels_of(ConnectionId(editor));
            let edited = channels.iter().map(|channel| channel.0);
            let edited = edited.filter(|channel| documents.all.contains_key(channel));
            documents.changed.extend(edited);
        }
    }

    fn load_document(&mut self, channel: u32, editor: u32) {
        let population = Draws::new(self.scenario.run.population_seed);
        if let Some(documents) = self.documents.as_deref_mut()
            && let Some(document) = documents.all.get_mut(&channel)
        {
            let skew = super::way::skew_of(&population, documents.tier.clock_skew, editor);
            documents.counts.lost += document.load(editor, skew);
            documents.counts.reloaded += 1;
        }
    }

    /// An editor asks for what it has missed: it is there after a round trip.
    fn catch_up(&mut self, channel: u32, editor: u32, out: &mut Schedule<'_, Event>) {
        let way = self.one_way(editor) + self.sites.link(0, 0);
        let receipt = (out.now() + way + way).max(self.clients.last_receipt(editor, out.now()));
        let bytes = u64::from(self.wire_bytes(Kind::Edit));
        let Some(documents) = self.documents.as_deref_mut() else {
            return;
        };
        let Some(document) = documents.all.get_mut(&channel) else {
            return;
        };
        let from = document.log_from();
        let Some(replica) = document.replicas.get_mut(&editor) else {
            return;
        };
        let mut count = 0;
        for change in document.log.range((replica.heard - from) as usize..) {
            let known = replica.inbox.contains_key(&change.revision);
            if !known {
                replica
                    .inbox
                    .insert(change.revision, (receipt, Arc::clone(change)));
                count += 1;
            }
        }
        documents.counts.caught_up += count;
        self.ledger.egress_bytes += bytes * count;
        let event = DocumentEvent::AtEditor { channel, editor };
        out.at(receipt, Event::Document(event));
    }
}
