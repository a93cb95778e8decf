//! Frames become receipts: each edit in a frame reaches each editor but its author, and each copy takes the changes over.
//!
//! Formula: latency of an edit = time until its frame left + latency of the frame for that editor. What a connection had not
//! received when it went is taken back, as with all copies ([`super::super::deliveries`]), and is not in the copy.

use routing::{ConnectionId, ServerId};

use super::{Ack, DocumentEvent};
use crate::engine::Schedule;
use crate::histogram::{MAX_UNITS, units_of};
use crate::system::event::Event;
use crate::system::inflight::Direct;
use crate::system::ledger::{Ledger, units_ns};
use crate::system::operation::{Kind, Operation, OperationId, Part, Parts};
use crate::system::receipts::Copy;
use crate::system::world::World;
use crate::time::{SimDuration, SimTime};

/// The latency of an edit that is in a frame, and what it consists of.
fn whole(edit: &Operation, frame: &Parts) -> (u32, Parts) {
    let mut parts = edit.parts;
    parts.join(frame);
    parts.clip(MAX_UNITS);
    (parts.total_units() as u32, parts)
}

impl World {
    /// Notes the receipts of a frame before they are entered.
    pub(in crate::system) fn foresee(&mut self, copy: &Copy, ids: &[u32]) {
        let Some(documents) = self.documents.as_deref_mut() else {
            return;
        };
        documents.receipts.clear();
        for (stretch, range) in copy.stretches(ids.len() as u32) {
            for index in range {
                let (id, jitter) = (ids[index], self.network.jitter());
                let client = self.clients.get(id);
                let receipt = copy.one(&stretch, index as u32, id, client, jitter);
                documents.receipts.push(receipt);
            }
        }
    }

    /// Enters the receipts of the edits in a frame, and has its changes arrive.
    pub(in crate::system) fn enter_frame(&mut self, id: OperationId, ids: &[u32]) {
        let (started, channel) = {
            let carrier = &self.operations[id];
            (carrier.started, carrier.channel.0)
        };
        let Some(documents) = self.documents.as_deref_mut() else {
            return;
        };
        let receipts = core::mem::take(&mut documents.receipts);
        documents.counts.frames += ids.len() as u64;
        let Some(frame) = documents.frames.get_mut(&id) else {
            return;
        };
        for edit in &mut frame.edits {
            for (&editor, (units, parts)) in ids.iter().zip(&receipts) {
                if editor == edit.origin {
                    continue;
                }
                let (total, all) = whole(edit, parts);
                let receipt = started + SimDuration::from_nanos(units_ns(*units));
                edit.received += 1;
                edit.outstanding -= 1;
                edit.latency_units += u64::from(total);
                edit.last_receipt = edit.last_receipt.max(receipt);
                if edit.measured {
                    let class = self.clients.get(editor).place.class();
                    let ledger = self.ledger.kind(Kind::Edit);
                    ledger.in_transit -= 1;
                    ledger.receive(edit.started, class, total, &all);
                }
            }
        }
        let document = documents.all.get_mut(&channel);
        if let Some(document) = document.filter(|one| one.epoch == frame.epoch) {
            for (&editor, (units, _)) in ids.iter().zip(&receipts) {
                let receipt = started + SimDuration::from_nanos(units_ns(*units));
                let Some(replica) = document.replicas.get_mut(&editor) else {
                    continue;
                };
                for change in &frame.changes {
                    let arrives = (receipt, std::sync::Arc::clone(change));
                    replica.inbox.insert(change.revision, arrives);
                    if change.author == editor {
                        documents.wakes.push((receipt, channel, editor));
                    }
                }
            }
        }
        documents.receipts = receipts;
    }

    /// Schedules those who hear of their own edits with a frame.
    pub(in crate::system) fn wake_editors(&mut self, out: &mut Schedule<'_, Event>) {
        if let Some(documents) = self.documents.as_deref_mut() {
            for (at, channel, editor) in documents.wakes.drain(..) {
                let event = DocumentEvent::AtEditor { channel, editor };
                out.at(at.max(out.now()), Event::Document(event));
            }
        }
    }

    /// All copies of a frame are received, or lost.
    pub(in crate::system) fn frame_over(&mut self, id: OperationId) {
        let documents = self.documents.as_deref_mut();
        let Some(frame) = documents.and_then(|all| all.frames.remove(&id)) else {
            return;
        };
        for edit in &frame.edits {
            if edit.measured {
                self.ledger.kind(Kind::Edit).in_transit -= u64::from(edit.outstanding);
            }
            self.ledger.copies_ended(edit);
        }
    }

    /// A receipt of a frame did not happen.
    pub(in crate::system) fn void_frame(&mut self, id: OperationId, direct: &Direct) {
        let documents = self.documents.as_deref_mut();
        let Some(frame) = documents.and_then(|all| all.frames.get_mut(&id)) else {
            return;
        };
        let class = self.clients.get(direct.connection).place.class();
        for edit in &mut frame.edits {
            if edit.origin == direct.connection {
                continue;
            }
            let (total, all) = whole(edit, &direct.parts);
            edit.received -= 1;
            edit.latency_units -= u64::from(total);
            if edit.measured {
                let ledger = self.ledger.kind(Kind::Edit);
                ledger.void(edit.started, class, total, &all);
            }
        }
    }

    /// Takes a receipt of a frame that lies in the future out of a ledger; how many edits that are measured it holds.
    pub(in crate::system) fn take_out_frame(
        &self,
        id: OperationId,
        direct: &Direct,
        ledger: &mut Ledger,
    ) -> u64 {
        let documents = self.documents.as_deref();
        let Some(frame) = documents.and_then(|all| all.frames.get(&id)) else {
            return 0;
        };
        let class = self.clients.get(direct.connection).place.class();
        let mut count = 0;
        for edit in &frame.edits {
            if edit.measured && edit.origin != direct.connection {
                let (total, all) = whole(edit, &direct.parts);
                let own = ledger.kind(Kind::Edit);
                own.void(edit.started, class, total, &all);
                count += 1;
            }
        }
        count
    }

    /// The edits of a frame that has been received by all are over.
    pub(in crate::system) fn end_frame_in(&self, id: OperationId, ledger: &mut Ledger) {
        let documents = self.documents.as_deref();
        if let Some(frame) = documents.and_then(|all| all.frames.get(&id)) {
            frame
                .edits
                .iter()
                .for_each(|edit| ledger.copies_ended(edit));
        }
    }

    /// A message with edits, or word to their author, did not arrive.
    pub(in crate::system) fn edits_failed(&mut self, id: OperationId) {
        let Some(documents) = self.documents.as_deref_mut() else {
            return;
        };
        documents.acks.remove(&id);
        if let Some(message) = documents.messages.remove(&id) {
            self.fail_edits(message.edits);
        }
    }

    /// What connections that are gone had not received does not arrive.
    pub(in crate::system) fn forget_arrivals(
        &mut self,
        server: usize,
        now: SimTime,
        only: Option<u32>,
    ) {
        let Some(documents) = self.documents.as_deref_mut() else {
            return;
        };
        let connections = self.hub.connections();
        for document in documents.all.values_mut() {
            for (&editor, replica) in &mut document.replicas {
                let gone = match only {
                    Some(connection) => connection == editor,
                    None => connections.server(ConnectionId(editor)) == ServerId(server as u16),
                };
                if gone {
                    replica.inbox.retain(|_, (receipt, _)| *receipt <= now);
                }
            }
        }
    }

    /// A connection server has written word to an author that its edits are ordered.
    pub(in crate::system) fn edit_acknowledged(
        &mut self,
        server: usize,
        id: OperationId,
        out: &mut Schedule<'_, Event>,
    ) {
        let now = out.now();
        let carrier = self.operations[id];
        self.operations.remove(id);
        let documents = self.documents.as_deref_mut();
        let Some(ack) = documents.and_then(|all| all.acks.remove(&id)) else {
            return;
        };
        if !self.still_here(server, ack.author, carrier.started) {
            return;
        }
        let client = self.clients.get(ack.author);
        let key = carrier.key();
        let jitter = self.network.jitter_units(client.place, key, ack.author);
        let free = now + SimDuration::from_nanos(units_ns(client.place.base_units() + jitter));
        let receipt = free.max(self.clients.last_receipt(ack.author, now));
        let direct = Direct {
            connection: ack.author,
            kind: Kind::Edit,
            measured: false,
            started: now,
            receipt,
            units: units_of(receipt - now),
            parts: Parts::default(),
            message: None,
        };
        // What is written to the same client after it comes after it.
        self.receive_direct(server, direct);
        let bytes = u64::from(self.wire_bytes(Kind::Edit));
        self.servers.servers[server].bytes_out += bytes;
        self.ledger.egress_bytes += bytes;
        self.hears(ack, receipt, out);
    }

    /// An author hears of its own edit at `receipt`.
    fn hears(&mut self, ack: Ack, receipt: SimTime, out: &mut Schedule<'_, Event>) {
        let Some(documents) = self.documents.as_deref_mut() else {
            return;
        };
        let document = documents.all.get_mut(&ack.channel);
        let Some(document) = document.filter(|one| one.epoch == ack.epoch) else {
            return;
        };
        let replica = document.replicas.get_mut(&ack.author);
        if let (Some(replica), Some(change)) = (replica, ack.change) {
            replica.inbox.insert(change.revision, (receipt, change));
            let (channel, editor) = (ack.channel, ack.author);
            let event = DocumentEvent::AtEditor { channel, editor };
            out.at(receipt, Event::Document(event));
        }
    }

    /// Word of its own edits is there: what waited for it is sent.
    pub(super) fn at_editor(&mut self, channel: u32, editor: u32, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let online = self.is_online(ConnectionId(editor));
        let Some(documents) = self.documents.as_deref_mut() else {
            return;
        };
        let document = documents.all.get_mut(&channel);
        let Some(replica) = document.and_then(|one| one.replicas.get_mut(&editor)) else {
            return;
        };
        replica.drain(editor, now);
        if !online || replica.waiting.is_empty() {
            return;
        }
        if let Some(content) = replica.mine.send() {
            let edits = core::mem::take(&mut replica.waiting);
            self.send_edits((channel, editor), edits, Some(content), out);
        }
    }

    /// The part that the service at whoever ordered an operation belongs to.
    pub(in crate::system) fn ordering_part(&self, kind: Kind) -> Part {
        match (kind, self.scenario.design.routing) {
            (Kind::Edit, _) | (_, routing::RoutingMode::ChannelOwner) => Part::OwnerService,
            (_, routing::RoutingMode::Local) => Part::DatabaseService,
            _ => Part::BrokerService,
        }
    }
}
