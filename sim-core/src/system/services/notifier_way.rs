//! The way of a notification: an instance of the service, the queue of its provider, and the user.

use super::ServiceEvent;
use super::notifier::{Fate, Notifier, class};
use crate::draw::Purpose;
use crate::engine::Schedule;
use crate::histogram::{bucket_of, units_of};
use crate::system::event::Event;
use crate::system::operation::{Kind, Operation, OperationId, Part};
use crate::system::world::World;
use crate::time::{SimDuration, SimTime};

const CARRIED: Purpose = Purpose::named("notify/carried");

/// What happens to notifications.
#[derive(Clone, Copy, Debug)]
pub enum NotifyEvent {
    /// An instance has looked at one.
    Decided(OperationId),
    /// A provider takes the next one.
    Look,
    /// The user has it.
    Told {
        /// Which.
        id: OperationId,
        /// By channel and priority.
        class: u8,
    },
}

fn event(event: NotifyEvent) -> Event {
    Event::Service(ServiceEvent::Notify(event))
}

impl World {
    fn notifier(&mut self) -> Option<&mut Notifier> {
        self.services.as_mut()?.notifier.as_mut()
    }

    /// Somebody is to be told something.
    pub(in crate::system) fn notify(
        &mut self,
        mut operation: Operation,
        out: &mut Schedule<'_, Event>,
    ) {
        let now = out.now();
        let Some(notifier) = self.notifier() else {
            return;
        };
        // In turn.
        let instance = (operation.ordinal % notifier.nodes.count() as u64) as u32;
        let turn = operation.ordinal / notifier.nodes.count() as u64;
        let work = (notifier.decide, SimDuration::ZERO);
        let served = notifier.nodes.serve(now, (instance, turn), work, 0);
        (operation.record, operation.mark) = (instance, now);
        let id = self.operations.insert(operation);
        let Some(served) = served else {
            return self.fail(id, false);
        };
        let left = served.departure;
        let parts = [Part::OwnerQueue, Part::OwnerService];
        self.served_at(id, parts, [now, left.started, left.at]);
        out.at(left.at, event(NotifyEvent::Decided(id)));
    }

    pub(super) fn notify_event(&mut self, what: NotifyEvent, out: &mut Schedule<'_, Event>) {
        match what {
            NotifyEvent::Decided(id) => self.notification_decided(id, out),
            NotifyEvent::Look => {
                let now = out.now();
                let notifier = self.notifier();
                let due = notifier.filter(|own| own.looks == Some(now));
                if let Some(notifier) = due {
                    notifier.looks = None;
                    self.hand_over(out);
                }
            }
            NotifyEvent::Told { id, class } => self.told(id, class, out.now()),
        }
    }

    fn notification_decided(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let operation = self.operations[id];
        let draws = self.draws;
        let Some(notifier) = self.notifier() else {
            return;
        };
        let node = operation.record as u16;
        if notifier.nodes.death(node, operation.mark, now).is_some() {
            return self.fail(id, false);
        }
        let whom = (id, operation.origin, operation.ordinal);
        let (fate, told) = notifier.decide(now, &draws, whom, operation.measured);
        self.operations[id].mark = now;
        // Which class it counts for, should it be dropped later.
        self.operations[id].version = class(told.priority) as u32;
        match fate {
            Fate::Withheld => return self.operations.remove(id),
            Fate::Shed => self.shed(id),
            Fate::Displaces(other) => self.shed(other),
            Fate::Waits => {}
        }
        self.hand_over(out);
    }

    /// A notification is dropped from a full queue.
    fn shed(&mut self, id: OperationId) {
        let operation = self.operations[id];
        if let Some(notifier) = self.notifier().filter(|_| operation.measured) {
            notifier.classes[operation.version as usize].shed += 1;
        }
        self.fail(id, false);
    }

    /// Providers take what they can now; the dispatcher is looked at again when they can take more.
    pub(in crate::system) fn hand_over(&mut self, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let draws = self.draws;
        while let Some(notifier) = self.notifier() {
            let Some((id, sent)) = notifier.next(now) else {
                break;
            };
            let channel = sent.notification.channel;
            let of = channel.index() * 3 + class(sent.notification.priority);
            let operation = &mut self.operations[id];
            let bits = draws.u32(CARRIED, operation.ordinal, 0);
            let waited = now.saturating_since(operation.mark);
            operation.parts.add(Part::DatabaseQueue, waited);
            let takes = self
                .notifier()
                .map_or(SimDuration::ZERO, |own| own.latency(channel, bits));
            self.operations[id].parts.add(Part::DatabaseService, takes);
            let told = NotifyEvent::Told {
                id,
                class: of as u8,
            };
            out.after(takes, event(told));
        }
        let Some(notifier) = self.notifier() else {
            return;
        };
        let Some(due) = notifier.next_due() else {
            return;
        };
        let due = due.max(now);
        if notifier
            .looks
            .is_none_or(|looks| due < looks || looks < now)
        {
            notifier.looks = Some(due);
            out.at(due, event(NotifyEvent::Look));
        }
    }

    fn told(&mut self, id: OperationId, of: u8, now: SimTime) {
        let operation = self.operations[id];
        self.operations.remove(id);
        if !operation.measured {
            return;
        }
        let units = units_of(now - operation.started);
        let place = self.clients.get(operation.origin).place.class();
        let ledger = self.ledger.kind(Kind::Notify);
        ledger.completed += 1;
        ledger.ended(operation.started, units);
        ledger.receive(operation.started, place, units, &operation.parts);
        if let Some(notifier) = self.notifier() {
            notifier.told[usize::from(of)].record(bucket_of(units) as u16, units);
            notifier.classes[usize::from(of) % 3].delivered += 1;
        }
    }

    /// A provider stops, or takes messages again.
    pub(in crate::system) fn set_provider(
        &mut self,
        provider: u32,
        up: bool,
        out: &mut Schedule<'_, Event>,
    ) {
        if let Some(notifier) = self.notifier() {
            notifier.set_up(provider, up);
            self.hand_over(out);
        }
    }
}
