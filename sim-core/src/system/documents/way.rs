//! The way of an edit: from its author's copy to the owner, and from there to the other editors.

use routing::conflict::LockRequest;
use routing::{ChannelId, ConnectionId, Home, ServerId};

use super::content::{Content, Refusal, Wish, skew_ns};
use super::document::{Document, Ready, Sent, written_at};
use super::{Ack, COPIES, DocumentEvent, Documents, Frame, Message};
use crate::draw::{Draws, Purpose};
use crate::engine::Schedule;
use crate::scenario::Conflict;
use crate::system::backend::Ordered;
use crate::system::event::{Event, Work};
use crate::system::ledger::units_ns;
use crate::system::operation::{Kind, NOBODY, Operation, OperationId, Part};
use crate::system::servers::timestamp;
use crate::system::world::World;
use crate::time::{SimDuration, SimTime};

const DELETES: Purpose = Purpose::named("edit/deletes");
const PLACE: Purpose = Purpose::named("edit/place");
const SKEW: Purpose = Purpose::named("client/clock-skew");
/// Uplink jitter is keyed like downlink jitter, on another stream.
const UPLINK: u64 = 0x6564_6974_2075_7000;
/// Ordinals of messages that are sent again.
const AGAIN: u64 = 1 << 57;
/// Items that edits write are told from those that were there.
const FIRST_ITEM: u64 = 1 << 20;
/// Keeps the choice of a core apart from the choice of a node.
const CORE_SEED: u64 = 0x646f_635f_636f_7265;

/// How far the clock of an editor is ahead.
pub(super) fn skew_of(population: &Draws, most: SimDuration, editor: u32) -> i64 {
    skew_ns(most, population.unit_f64(SKEW, editor.into(), 0))
}

impl World {
    /// An event of documents.
    pub(in crate::system) fn document_event(
        &mut self,
        event: DocumentEvent,
        out: &mut Schedule<'_, Event>,
    ) {
        match event {
            DocumentEvent::AtOwner(id) => self.edits_at_owner(id, out),
            DocumentEvent::Window { channel, epoch } => self.window_ends(channel, epoch, out),
            DocumentEvent::AtEditor { channel, editor } => self.at_editor(channel, editor, out),
            DocumentEvent::Lease(channel) => self.lease_over(channel, out),
            DocumentEvent::Save { channel, epoch } => self.save_document(channel, epoch, out),
            DocumentEvent::Saved { channel, epoch } => {
                self.document_saved(channel, epoch, out.now());
            }
            DocumentEvent::TakeOver(node) => {
                let documents = self.documents.as_deref_mut();
                if documents.is_some_and(|all| all.take_over(out.now(), node)) {
                    self.reload_documents();
                    self.recovery
                        .notice(out.now(), crate::system::recovery::Noticed::Documents(node));
                }
            }
        }
    }

    /// Somebody edits a document.
    pub(in crate::system) fn edit(&mut self, operation: Operation, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let (channel, author) = (operation.channel.0, operation.origin);
        self.open_document(channel, now);
        let (key, ordinal) = (operation.key(), operation.ordinal);
        let Some(documents) = self.documents.as_deref_mut() else {
            return;
        };
        let deletes = self.draws.chance(DELETES, key, 0, documents.deletes);
        let wish = Wish {
            insert: (!deletes).then_some((FIRST_ITEM + ordinal) as u32),
            place: self.draws.u64(PLACE, key, 0),
        };
        let registers = documents.tier.items;
        let Some(document) = documents.all.get_mut(&channel) else {
            return;
        };
        if document.is_followed() && !document.replicas.contains_key(&author) {
            let population = Draws::new(self.scenario.run.population_seed);
            document.load(
                author,
                skew_of(&population, documents.tier.clock_skew, author),
            );
        }
        let Some(replica) = document.replicas.get_mut(&author) else {
            return self.send_edits((channel, author), vec![operation], None, out);
        };
        replica.drain(author, now);
        replica.edits += 1;
        replica.waiting.push(operation);
        let content = replica.mine.edit(written_at(now), wish, registers);
        if let Some(content) = content {
            let edits = core::mem::take(&mut replica.waiting);
            self.send_edits((channel, author), edits, Some(content), out);
        }
    }

    /// The first edit of a document: its editors have it, if there is room to follow it.
    fn open_document(&mut self, channel: u32, now: SimTime) {
        let population = Draws::new(self.scenario.run.population_seed);
        let Some(documents) = self.documents.as_deref_mut() else {
            return;
        };
        if documents.all.contains_key(&channel) {
            return;
        }
        let members = self.hub.directory().groups(ChannelId(channel));
        let mut editors: Vec<u32> = members
            .flat_map(|(_, members)| members.iter().map(|one| one.0))
            .collect();
        editors.sort_unstable();
        let followed = documents.copies + editors.len() <= COPIES;
        documents.copies += if followed { editors.len() } else { 0 };
        let tier = &documents.tier;
        let owner = documents
            .placement
            .owner(channel.into())
            .unwrap_or_default();
        let most = tier.clock_skew;
        let skewed = editors
            .into_iter()
            .map(|editor| (editor, skew_of(&population, most, editor)));
        let document = Document::new(now, (channel, owner), tier, skewed, followed);
        documents.all.insert(channel, document);
    }

    /// Edits leave their author for its connection server.
    pub(super) fn send_edits(
        &mut self,
        (channel, author): (u32, u32),
        mut edits: Vec<Operation>,
        content: Option<Content>,
        out: &mut Schedule<'_, Event>,
    ) {
        let now = out.now();
        let Some(documents) = self.documents.as_deref_mut() else {
            return;
        };
        let Some(document) = documents.all.get_mut(&channel) else {
            return;
        };
        for edit in &mut edits {
            edit.parts.add(Part::BrokerQueue, now - edit.started);
        }
        let count = edits.len() as u32;
        let (mut seen, mut number) = (document.revision, (0, 0));
        if let (Some(replica), Some(content)) = (document.replicas.get_mut(&author), &content) {
            seen = replica.heard;
            replica.sent += 1;
            number = (replica.id, replica.sent);
            replica.unheard.push_back(Sent {
                at: now,
                edits: count,
                content: content.clone(),
                seen,
                number: replica.sent,
            });
        }
        let message = Message {
            channel,
            epoch: document.epoch,
            author,
            count,
            seen,
            number,
            content,
            edits,
        };
        let ordinal = message.edits.first().map_or(0, |first| first.ordinal);
        self.send_message(message, ordinal, out);
    }

    /// A message leaves its author.
    pub(super) fn send_message(
        &mut self,
        message: Message,
        ordinal: u64,
        out: &mut Schedule<'_, Event>,
    ) {
        let author = message.author;
        let mut carrier = Operation::new(Kind::Edit, out.now(), author, ordinal, false);
        carrier.channel = ChannelId(message.channel);
        carrier.record = message.count;
        let client = self.clients.get(author);
        let jitter = self
            .network
            .jitter_units(client.place, carrier.key() ^ UPLINK, author);
        let uplink = SimDuration::from_nanos(units_ns(client.place.base_units() + jitter));
        carrier.parts.add(Part::Uplink, uplink);
        let server = self.hub.connections().server(ConnectionId(author));
        carrier.server = server.0;
        let id = self.operations.insert(carrier);
        if let Some(documents) = self.documents.as_deref_mut() {
            documents.messages.insert(id, message);
        }
        out.after(uplink, self.at_server(server.0, Work::Receive(id)));
    }

    /// What an author has sent is sent once more.
    pub(super) fn resend(&mut self, channel: u32, author: u32, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let Some(documents) = self.documents.as_deref_mut() else {
            return;
        };
        let Some(document) = documents.all.get_mut(&channel) else {
            return;
        };
        let epoch = document.epoch;
        let Some(replica) = document.replicas.get_mut(&author) else {
            return;
        };
        let heard = replica.heard;
        let mut messages = Vec::new();
        let taken = replica.taken;
        let open = replica.unheard.iter_mut();
        for sent in open.filter(|one| one.number > taken) {
            sent.at = now;
            sent.content = replica.mine.again(&sent.content);
            messages.push(Message {
                channel,
                epoch,
                author,
                edits: Vec::new(),
                count: sent.edits,
                seen: sent.seen.max(heard),
                number: (replica.id, sent.number),
                content: Some(sent.content.clone()),
            });
        }
        for message in messages {
            let Some(documents) = self.documents.as_deref_mut() else {
                return;
            };
            documents.counts.resent += 1;
            let ordinal = AGAIN + documents.counts.resent;
            self.send_message(message, ordinal, out);
        }
    }

    /// A connection server has read edits: they go to the owner of their document.
    pub(in crate::system) fn edits_to_owner(
        &mut self,
        id: OperationId,
        out: &mut Schedule<'_, Event>,
    ) {
        let link = self.sites.link(0, 0);
        self.operations[id].parts.add(Part::Link, link);
        self.ledger.inner.to_order += self.inner_bytes(Kind::Edit);
        out.after(link, Event::Document(DocumentEvent::AtOwner(id)));
    }

    fn edits_at_owner(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let carrier = self.operations[id];
        let Some(documents) = self.documents.as_deref_mut() else {
            return;
        };
        let Some(message) = documents.messages.get_mut(&id) else {
            return;
        };
        let Some(document) = documents.all.get_mut(&message.channel) else {
            return;
        };
        if documents.nodes.is_down(document.owner) || message.epoch != document.epoch {
            documents.counts.refused += u64::from(message.epoch != document.epoch);
            return self.fail(id, false);
        }
        for edit in &mut message.edits {
            edit.parts.join(&carrier.parts);
            edit.mark = now;
        }
        let Some(message) = documents.messages.remove(&id) else {
            return;
        };
        self.operations.remove(id);
        self.take_edits(message, out);
    }

    /// The owner takes the messages of a copy in the order in which they were sent, each once.
    fn take_edits(&mut self, message: Message, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let Some(documents) = self.documents.as_deref_mut() else {
            return;
        };
        let document = documents.all.get_mut(&message.channel);
        let replica = document.and_then(|one| one.replicas.get_mut(&message.author));
        let Some(replica) = replica.filter(|_| message.content.is_some()) else {
            return self.lock_edits(message, out);
        };
        let (id, number) = message.number;
        if id != replica.id || number <= replica.taken {
            return self.fail_edits(message.edits);
        }
        replica.early.insert(number, message);
        let mut ready = Vec::new();
        while let Some(mut message) = replica.early.remove(&(replica.taken + 1)) {
            replica.taken += 1;
            for edit in &mut message.edits {
                // A connection keeps their order.
                edit.parts.add(Part::Uplink, now - edit.mark);
                edit.mark = now;
            }
            ready.push(message);
        }
        for message in ready {
            self.lock_edits(message, out);
        }
    }

    /// Where there is a lock, only who has it may go on.
    fn lock_edits(&mut self, message: Message, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let channel = message.channel;
        let Some(documents) = self.documents.as_deref_mut() else {
            return;
        };
        let Some(document) = documents.all.get_mut(&channel) else {
            return;
        };
        let lease = match &mut document.lock {
            None => None,
            Some((lock, queue)) => {
                let asked = lock.acquire(timestamp(now), channel.into(), message.author);
                match asked {
                    // Who waits already goes on waiting in order.
                    LockRequest::Granted(grant) => {
                        Some((grant.token, grant.until, queue.is_empty()))
                    }
                    LockRequest::Waiting(_) => {
                        documents.counts.waited_for_lock += u64::from(message.count);
                        queue.push_back((now, message));
                        if queue.len() == 1
                            && let Some(grant) = lock.holder(timestamp(now), channel.into())
                        {
                            let until = SimTime::from_nanos(grant.until.0).max(now);
                            out.at(until, Event::Document(DocumentEvent::Lease(channel)));
                        }
                        return;
                    }
                }
            }
        };
        if let (Some((token, _, true)), Some((lock, _))) = (lease, &mut document.lock) {
            lock.renew(timestamp(now), channel.into(), token);
        }
        self.order_edits(message, out);
    }

    /// A lease has run out: the next one may, and does what it wanted to.
    fn lease_over(&mut self, channel: u32, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let Some(documents) = self.documents.as_deref_mut() else {
            return;
        };
        let Some(document) = documents.all.get_mut(&channel) else {
            return;
        };
        let Some((lock, queue)) = &mut document.lock else {
            return;
        };
        lock.poll(timestamp(now), channel.into());
        let Some(grant) = lock.holder(timestamp(now), channel.into()) else {
            return;
        };
        let mut ready = Vec::new();
        let waiting = core::mem::take(queue);
        for (since, mut message) in waiting {
            if message.author == grant.holder {
                for edit in &mut message.edits {
                    edit.parts.add(Part::BrokerService, now - since);
                    edit.mark = now;
                }
                ready.push(message);
            } else {
                queue.push_back((since, message));
            }
        }
        if !queue.is_empty() {
            let until = SimTime::from_nanos(grant.until.0).max(now);
            out.at(until, Event::Document(DocumentEvent::Lease(channel)));
        }
        for message in ready {
            self.order_edits(message, out);
        }
    }

    /// The owner orders what it has taken in.
    fn order_edits(&mut self, mut message: Message, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let measured = now >= self.ledger.since;
        let bytes = self.inner_bytes(Kind::Edit);
        let Some(documents) = self.documents.as_deref_mut() else {
            return;
        };
        let channel = message.channel;
        let Some(document) = documents.all.get_mut(&channel) else {
            return;
        };
        let taken = match (&mut document.original, &message.content) {
            (Some(original), Some(content)) => Some(original.take(content)),
            _ => None,
        };
        let (what, steps) = match taken {
            None => (None, 0),
            Some(Ok((what, steps))) => (Some(what), steps),
            Some(Err(refusal)) => return self.refuse_edits(message, refusal),
        };
        let tier = &documents.tier;
        let count = u64::from(message.count);
        let merges = matches!(tier.conflict, Conflict::Ot | Conflict::Crdt);
        let merge = if merges {
            tier.merge * count
        } else {
            SimDuration::ZERO
        };
        let work = (tier.sequence, merge + tier.transform * steps);
        let (owner, window) = (document.owner, tier.window);
        if document.is_concurrent(message.author, message.seen) {
            documents.counts.conflicting += u64::from(measured) * count;
        }
        document.edits += count;
        let change = what.map(|what| document.ordered(now, &message, what));
        if change.is_some()
            && let Some(due) = document.note_change(now, bytes * count)
        {
            let epoch = document.epoch;
            let save = DocumentEvent::Save { channel, epoch };
            out.at(due, Event::Document(save));
        }
        let counts = &mut documents.counts;
        counts.edits += count;
        counts.steps += steps;
        counts.cpu[0] += work.0;
        counts.cpu[1] += work.1;
        let epoch = document.epoch;
        documents.changed.insert(channel);
        let lane = routing::hash::hash_u64(CORE_SEED, channel.into());
        let first = work.0 + work.1;
        let edits = core::mem::take(&mut message.edits);
        if window.is_zero() {
            let frame = Frame {
                epoch,
                edits,
                changes: change.iter().cloned().collect(),
            };
            let author = message.author;
            let served = self.send_frame((channel, frame), (owner, lane, first), Some(author), out);
            if let Some(served) = served {
                let ack = Ack {
                    channel,
                    epoch,
                    author,
                    change,
                };
                self.acknowledge(ack, served.departure.at, out);
            }
            return;
        }
        let served = documents
            .nodes
            .serve(now, (owner, lane), (first, SimDuration::ZERO), 0);
        let Some(served) = served else { return };
        document.window.push(Ready {
            edits,
            change,
            ordered: now,
        });
        if document.window.len() == 1 {
            // Windows of a document end at fixed times, of different documents at different ones.
            let phase = lane % window.as_nanos();
            let since = served.departure.at.as_nanos().saturating_sub(phase);
            let ends = (since / window.as_nanos() + 1) * window.as_nanos() + phase;
            let event = DocumentEvent::Window { channel, epoch };
            out.at(SimTime::from_nanos(ends), Event::Document(event));
        }
    }

    /// A message that the owner has already, or that comes from a copy that is too old.
    fn refuse_edits(&mut self, message: Message, refusal: Refusal) {
        let population = Draws::new(self.scenario.run.population_seed);
        if let (Refusal::Reload, Some(documents)) = (refusal, self.documents.as_deref_mut()) {
            let skew = skew_of(&population, documents.tier.clock_skew, message.author);
            documents.counts.refused += u64::from(message.count);
            if let Some(document) = documents.all.get_mut(&message.channel) {
                documents.counts.lost += document.load(message.author, skew);
                documents.counts.reloaded += 1;
            }
        }
        self.fail_edits(message.edits);
    }

    /// A window ends: what was ordered in it leaves in one frame for each editor.
    fn window_ends(&mut self, channel: u32, epoch: u32, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let Some(documents) = self.documents.as_deref_mut() else {
            return;
        };
        let Some(document) = documents.all.get_mut(&channel) else {
            return;
        };
        if document.epoch != epoch {
            return;
        }
        let mut frame = Frame {
            epoch,
            ..Frame::default()
        };
        for ready in core::mem::take(&mut document.window) {
            frame.changes.extend(ready.change);
            for mut edit in ready.edits {
                edit.parts.add(Part::BrokerLinger, now - ready.ordered);
                edit.mark = now;
                frame.edits.push(edit);
            }
        }
        let lane = routing::hash::hash_u64(CORE_SEED, channel.into());
        let owner = document.owner;
        self.send_frame(
            (channel, frame),
            (owner, lane, SimDuration::ZERO),
            None,
            out,
        );
    }

    /// Sends a frame to the editors of a document, but for one. What the owner does for it; `None`: it is dead.
    fn send_frame(
        &mut self,
        (channel, mut frame): (u32, Frame),
        (node, lane, first): (u32, u64, SimDuration),
        without: Option<u32>,
        out: &mut Schedule<'_, Event>,
    ) -> Option<Ordered> {
        let now = out.now();
        let mut pairs = core::mem::take(&mut self.pairs);
        self.live_editors(channel, without, &mut pairs);
        let list = self.lists.insert(&pairs, &mut self.plan);
        let copies = self.plan.copies().len();
        // Its author is told with one copy more.
        let told = usize::from(without.is_some());
        let served = self.documents.as_deref_mut().and_then(|documents| {
            documents.counts.cpu[2] += documents.tier.copy * (copies + told) as u64;
            let work = (first, documents.tier.copy);
            documents
                .nodes
                .serve(now, (node, lane), work, copies + told)
        });
        let Some(served) = served else {
            self.pairs = pairs;
            self.lists.remove(list);
            self.fail_edits(frame.edits);
            return None;
        };
        for edit in &mut frame.edits {
            let own = pairs.iter().any(|(_, editor)| editor.0 == edit.origin);
            edit.owed = (pairs.len() - usize::from(own)) as u64;
            edit.outstanding = edit.owed as u32;
            edit.received = 0;
            if edit.measured {
                let ledger = self.ledger.kind(Kind::Edit);
                ledger.owed += edit.owed;
                ledger.in_transit += edit.owed;
            }
        }
        self.pairs = pairs;
        let ordinal = frame
            .edits
            .first()
            .map_or(u64::from(channel), |one| one.ordinal);
        let mut carrier = Operation::new(Kind::Edit, now, NOBODY, ordinal, false);
        carrier.channel = ChannelId(channel);
        carrier.record = frame.edits.len().max(1) as u32;
        carrier.recipients = Some(list);
        carrier.leader = node as u16;
        let queued = served.departure.started - now;
        carrier.parts.add(Part::OwnerQueue, queued);
        carrier.mark = served.departure.started;
        let id = self.operations.insert(carrier);
        if let Some(documents) = self.documents.as_deref_mut() {
            documents.frames.insert(id, frame);
        }
        self.send_copies(id, out, |k| served.leaves(k));
        Some(served)
    }

    /// The editors of a document who have a connection, with their servers.
    fn live_editors(
        &self,
        channel: u32,
        without: Option<u32>,
        pairs: &mut Vec<(ServerId, ConnectionId)>,
    ) {
        pairs.clear();
        for (home, members) in self.hub.directory().groups(ChannelId(channel)) {
            if let Home::Live(server) = home {
                let others = members.iter().filter(|one| Some(one.0) != without);
                pairs.extend(others.map(|&one| (server, one)));
            }
        }
    }

    /// Word that an edit is ordered leaves for its author.
    fn acknowledge(&mut self, ack: Ack, at: SimTime, out: &mut Schedule<'_, Event>) {
        let author = ConnectionId(ack.author);
        if !self.is_online(author) {
            return;
        }
        let server = self.hub.connections().server(author).0;
        let mut carrier = Operation::new(Kind::Edit, at, ack.author, ack_key(&ack), false);
        carrier.channel = ChannelId(ack.channel);
        carrier.server = server;
        let link = self.sites.link(0, 0);
        let id = self.operations.insert(carrier);
        if let Some(documents) = self.documents.as_deref_mut() {
            documents.acks.insert(id, ack);
        }
        out.at(at + link, self.at_server(server, Work::Answer(id)));
    }

    /// Edits whose way has failed.
    pub(super) fn fail_edits(&mut self, edits: Vec<Operation>) {
        let failed = edits.iter().filter(|edit| edit.measured).count();
        self.ledger.kind(Kind::Edit).failed += failed as u64;
    }

    /// A node dies: what it had taken in and not sent fails.
    pub(in crate::system) fn kill_documents(&mut self, node: u32, out: &mut Schedule<'_, Event>) {
        let Some(documents) = self.documents.as_deref_mut() else {
            return;
        };
        let mut failed = Vec::new();
        for document in documents.all.values_mut().filter(|one| one.owner == node) {
            let window = core::mem::take(&mut document.window);
            failed.extend(window.into_iter().flat_map(|ready| ready.edits));
            if let Some((_, queue)) = &mut document.lock {
                let waiting = core::mem::take(queue);
                failed.extend(waiting.into_iter().flat_map(|(_, message)| message.edits));
            }
        }
        let failover = documents.kill(out.now(), node);
        self.fail_edits(failed);
        if let Some(after) = failover {
            out.after(after, Event::Document(DocumentEvent::TakeOver(node)));
        }
    }

    /// A node is back.
    pub(in crate::system) fn restore_documents(&mut self, node: u32, now: SimTime) {
        if let Some(documents) = self.documents.as_deref_mut() {
            documents.node_back(now, node);
        }
        self.reload_documents();
    }
}

/// The key of the draws of an acknowledgement.
fn ack_key(ack: &Ack) -> u64 {
    let revision = ack.change.as_ref().map_or(0, |change| change.revision);
    u64::from(ack.channel) << 24 ^ revision ^ u64::from(ack.author) << 44
}

impl Documents {
    /// Bytes held by documents, roughly: what is kept of items.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let items = self.tier.items as usize * 24;
        self.copies * items
    }
}
