//! What documents say: the original at its owner, the copies of those who edit it, and what travels between them.
//!
//! Models: the real objects of [`routing::conflict`]. Ot: an [`OtServer`] and [`OtClient`]s. Crdt: a [`Sequence`] everywhere.
//! LastWriterWins: an [`LwwMap`] of registers, with the timestamps of a hybrid logical clock per editor. Lock: a plain list that
//! only the holder of the document's lock changes; what it does is said by place, and is carried out when it holds the lock.
//! An item is a number: that of the edit which wrote it. *Formula:* edits fall anywhere in the document with equal chance.
//! *Leaves out:* where people type, which makes conflicts more frequent than this; edits of several items.

use routing::Timestamp;
use routing::conflict::ot::{Edit, Ordered, OtBatch, OtClient, OtError, OtServer, apply};
use routing::conflict::{Crdt, LwwMap, ReplicaId, Sequence, SequenceOp};
use routing::order::HlcClock;

use crate::draw::mix;
use crate::scenario::Conflict;
use crate::time::SimDuration;

/// Items of a document at most: beyond, an edit deletes in place of inserting.
const MOST_ITEMS: usize = 4_096;

/// What an editor wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The new item; `None`: one goes.
    pub insert: Option<u32>,
    /// Any number: the place, by the items there are.
    pub place: u64,
}

/// What a client sends to the owner.
#[derive(Clone, Debug)]
pub enum Content {
    /// A batch, to be transformed.
    Ot(OtBatch<u32>),
    /// An operation, to be merged.
    Crdt(SequenceOp<u32>),
    /// A register as it was written.
    Registers(LwwMap<u32, u32>),
    /// Something to do while holding the lock.
    Plain(Wish),
}

/// What the owner sends to all.
#[derive(Clone, Debug)]
pub enum What {
    /// A batch in its order.
    Ot(Ordered<u32>),
    /// An operation.
    Crdt(SequenceOp<u32>),
    /// A register.
    Registers(LwwMap<u32, u32>),
    /// A change of the list.
    Plain(Edit<u32>),
}

/// Why an owner does not take what a client sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It has it already.
    Repeated,
    /// The client's copy is too old: it must load the document.
    Reload,
}

/// A document as it is kept, stored and restored.
#[derive(Clone, Debug)]
pub enum Version {
    /// A list.
    List(Vec<u32>),
    /// A text that merges.
    Text(Sequence<u32>),
    /// Registers.
    Registers(LwwMap<u32, u32>),
}

impl Version {
    /// A document as everybody finds it.
    #[must_use]
    pub fn new(conflict: Conflict, items: u32) -> Self {
        match conflict {
            Conflict::Ot | Conflict::Lock => Version::List((0..items).collect()),
            Conflict::Crdt => {
                let mut text = Sequence::new(ReplicaId(0));
                for item in 0..items {
                    text.insert(item as usize, item);
                }
                Version::Text(text)
            }
            Conflict::LastWriterWins => Version::Registers(LwwMap::new()),
        }
    }

    /// Takes a change over.
    pub fn apply(&mut self, what: &What) {
        match (self, what) {
            (Version::List(list), What::Ot(ordered)) => {
                ordered.edits.iter().for_each(|edit| apply(list, edit));
            }
            (Version::List(list), What::Plain(edit)) => apply(list, edit),
            (Version::Text(text), What::Crdt(operation)) => {
                text.apply(operation.clone());
            }
            (Version::Registers(own), What::Registers(other)) => {
                own.merge(other);
            }
            _ => unreachable!("a document has one way to resolve conflicts"),
        }
    }

    /// What tells two versions apart.
    #[must_use]
    pub fn digest(&self) -> u64 {
        match self {
            Version::List(list) => digest(list.iter().copied()),
            Version::Text(text) => digest(text.iter().copied()),
            Version::Registers(own) => digest(own.iter().flat_map(|(&key, &value)| [key, value])),
        }
    }
}

fn digest(items: impl Iterator<Item = u32>) -> u64 {
    items.fold(0, |sum, item| mix(sum ^ u64::from(item)))
}

/// A place among so many.
fn among(place: u64, count: usize) -> usize {
    ((u128::from(place) * count.max(1) as u128) >> 64) as usize
}

/// What a wish does to a list of so many items.
fn edit_of(wish: Wish, items: usize) -> Edit<u32> {
    match wish.insert {
        Some(value) if items < MOST_ITEMS => Edit::Insert {
            at: among(wish.place, items + 1),
            value,
        },
        _ if items > 0 => Edit::Delete {
            at: among(wish.place, items),
        },
        _ => Edit::Nothing,
    }
}

/// A document at its owner.
#[derive(Clone, Debug)]
pub enum Original {
    /// It transforms.
    Ot(OtServer<u32>),
    /// It merges, or does what it is told.
    Other(Version),
}

impl Original {
    /// A document that was stored at a revision.
    #[must_use]
    pub fn restored(version: Version, revision: u64, conflict: Conflict) -> Self {
        match version {
            Version::List(list) if conflict == Conflict::Ot => {
                Original::Ot(OtServer::restored(list, revision))
            }
            other => Original::Other(other),
        }
    }

    /// Takes what a client sends; what becomes of it, and the steps that this took beyond taking it.
    pub fn take(&mut self, content: &Content) -> Result<(What, u64), Refusal> {
        match (self, content) {
            (Original::Ot(server), Content::Ot(batch)) => {
                let before = server.steps();
                let ordered = server.submit(batch.clone()).cloned();
                match ordered {
                    Ok(ordered) => Ok((What::Ot(ordered), server.steps() - before)),
                    Err(OtError::Repeated) => Err(Refusal::Repeated),
                    Err(_) => Err(Refusal::Reload),
                }
            }
            (Original::Other(Version::Text(text)), Content::Crdt(operation)) => {
                match text.apply(operation.clone()) {
                    0 => Err(Refusal::Repeated),
                    _ => Ok((What::Crdt(operation.clone()), 0)),
                }
            }
            (Original::Other(Version::Registers(own)), Content::Registers(other)) => {
                own.merge(other);
                Ok((What::Registers(other.clone()), 0))
            }
            (Original::Other(Version::List(list)), Content::Plain(wish)) => {
                let edit = edit_of(*wish, list.len());
                apply(list, &edit);
                Ok((What::Plain(edit), 0))
            }
            _ => unreachable!("a document has one way to resolve conflicts"),
        }
    }

    /// The document as it is.
    #[must_use]
    pub fn version(&self) -> Version {
        match self {
            Original::Ot(server) => Version::List(server.document().to_vec()),
            Original::Other(version) => version.clone(),
        }
    }

    /// What tells it apart.
    #[must_use]
    pub fn digest(&self) -> u64 {
        match self {
            Original::Ot(server) => digest(server.document().iter().copied()),
            Original::Other(version) => version.digest(),
        }
    }

    /// Writes that left no trace, of so many that it took.
    #[must_use]
    pub fn overwritten(&self, writes: u64) -> u64 {
        match self {
            Original::Other(Version::Registers(own)) => own.lost(writes),
            _ => 0,
        }
    }

    /// No client builds on what was before this revision.
    pub fn forget_before(&mut self, revision: u64) {
        if let Original::Ot(server) = self {
            server.forget_before(revision);
        }
    }
}

/// The copy of somebody who edits.
#[derive(Clone, Debug)]
pub enum Mine {
    /// It transforms.
    Ot(OtClient<u32>),
    /// Registers with a clock.
    Registers(LwwMap<u32, u32>, HlcClock),
    /// It merges, or waits for what the owner does.
    Other(Version),
}

impl Mine {
    /// What somebody has who has loaded a document at a revision, under a number that nobody had before.
    #[must_use]
    pub fn loaded(original: &Original, number: u32, revision: u64, skew_ns: i64) -> Self {
        match original {
            Original::Ot(server) => {
                Mine::Ot(OtClient::new(number, server.document().to_vec(), revision))
            }
            Original::Other(Version::Text(text)) => {
                Mine::Other(Version::Text(text.loaded_by(ReplicaId(number))))
            }
            Original::Other(Version::Registers(own)) => {
                Mine::Registers(own.clone(), HlcClock::new(number, skew_ns, u64::MAX))
            }
            Original::Other(list) => Mine::Other(list.clone()),
        }
    }

    /// Its user edits, at once in its own copy (but for what needs a lock). What to send now; `None`: it goes with what is sent
    /// later.
    pub fn edit(&mut self, now: Timestamp, wish: Wish, registers: u32) -> Option<Content> {
        match self {
            Mine::Ot(client) => {
                client.edit(edit_of(wish, client.document().len()));
                self.send()
            }
            Mine::Registers(own, clock) => {
                let key = among(wish.place, registers as usize) as u32;
                let delta = own.set(clock.tick(now), key, wish.insert);
                Some(Content::Registers(delta))
            }
            Mine::Other(Version::Text(text)) => {
                let operation = match edit_of(wish, text.len()) {
                    Edit::Insert { at, value } => text.insert(at, value),
                    Edit::Delete { at } => text.delete(at)?,
                    Edit::Nothing => text.insert(0, u32::MAX),
                };
                Some(Content::Crdt(operation))
            }
            Mine::Other(_) => Some(Content::Plain(wish)),
        }
    }

    /// What was held back while something was on its way.
    pub fn send(&mut self) -> Option<Content> {
        match self {
            Mine::Ot(client) => client.send().map(Content::Ot),
            _ => None,
        }
    }

    /// What is on its way once more, as it is now.
    #[must_use]
    pub fn again(&self, content: &Content) -> Content {
        match self {
            Mine::Ot(client) => client.resend().map_or_else(|| content.clone(), Content::Ot),
            _ => content.clone(),
        }
    }

    /// A change arrives in its turn; one of its own is known already, but for what needs a lock.
    pub fn receive(&mut self, now: Timestamp, what: &What, own: bool) {
        match (self, what) {
            (Mine::Ot(client), What::Ot(ordered)) => {
                let received = client.receive(ordered);
                assert!(received.is_ok(), "changes are received in turn");
            }
            (Mine::Registers(mine, clock), What::Registers(other)) => {
                for (key, _) in other.iter() {
                    let written = other.register(key).and_then(|one| one.written_at());
                    if let Some(at) = written.filter(|_| !own) {
                        // No clock is refused, however far it is ahead.
                        let seen = clock.observe(now, at);
                        assert!(seen.is_ok(), "any timestamp is taken");
                    }
                }
                mine.merge(other);
            }
            (Mine::Other(_), What::Crdt(_)) if own => {}
            (Mine::Other(version), what) => version.apply(what),
            _ => unreachable!("a document has one way to resolve conflicts"),
        }
    }

    /// What tells the copy apart.
    #[must_use]
    pub fn digest(&self) -> u64 {
        match self {
            Mine::Ot(client) => digest(client.document().iter().copied()),
            Mine::Registers(own, _) => digest(own.iter().flat_map(|(&key, &value)| [key, value])),
            Mine::Other(version) => version.digest(),
        }
    }
}

/// How far an editor's clock is ahead: anything between `-most` and `most`, by a draw.
#[must_use]
pub fn skew_ns(most: SimDuration, draw: f64) -> i64 {
    ((2.0 * draw - 1.0) * most.as_nanos() as f64) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stored_and_replayed_is_what_was() {
        for conflict in [
            Conflict::Ot,
            Conflict::Crdt,
            Conflict::LastWriterWins,
            Conflict::Lock,
        ] {
            let stored = Version::new(conflict, 8);
            let mut original = Original::restored(stored.clone(), 0, conflict);
            let mut mine = Mine::loaded(&original, 1, 0, 0);
            let mut replayed = stored;
            for step in 0..20u32 {
                let now = Timestamp(u64::from(step) + 1);
                let wish = Wish {
                    insert: (step % 3 != 2).then_some(100 + step),
                    place: mix(step.into()),
                };
                let content = mine.edit(now, wish, 4).expect("nothing is on its way");
                let (what, steps) = original.take(&content).expect("it is new");
                mine.receive(now, &what, true);
                replayed.apply(&what);
                assert_eq!(steps, 0);
                assert_eq!(original.digest(), replayed.digest());
                assert_eq!(original.digest(), mine.digest());
            }
        }
    }
}
