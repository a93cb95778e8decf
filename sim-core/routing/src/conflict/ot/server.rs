//! The server of a document: it orders batches of edits.
//!
//! *Models:* a document, its revision, and the batches since the oldest revision that a client may still build
//! on. A batch that comes again is not carried out again. *Formula:* revision = batches ordered. *Leaves out:*
//! the journal: append what [`OtServer::submit`] returns to a [`crate::log::EventLog`]; a batch is ordered when
//! it is stored. *Source:* as [`super`].

use super::{Edit, edit};
use std::collections::{BTreeMap, VecDeque};
use thiserror::Error;

/// Edits that a client made on a revision, in order, each on the result of the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtBatch<T> {
    /// Who.
    pub client: u32,
    /// Its number there; the first is 1.
    pub number: u64,
    /// The revision that it was made on.
    pub base: u64,
    /// What.
    pub edits: Vec<Edit<T>>,
}

/// A batch in the server's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ordered<T> {
    /// The revision it makes.
    pub revision: u64,
    /// Whose it is.
    pub client: u32,
    /// The edits as they are on the revision before.
    pub edits: Vec<Edit<T>>,
}

/// Why a batch was not ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OtError {
    /// It was ordered before.
    #[error("this batch was ordered before")]
    Repeated,
    /// A batch before it is missing.
    #[error("batch {expected} is missing")]
    Missing {
        /// Its number.
        expected: u64,
    },
    /// What it must be transformed against is forgotten: the client has to load the document.
    #[error("revision {base} is forgotten; the oldest is {oldest}")]
    TooOld {
        /// What it was made on.
        base: u64,
        /// What is known.
        oldest: u64,
    },
    /// It was made on a revision that does not exist.
    #[error("revision {base} does not exist yet; the last is {last}")]
    Unknown {
        /// What it claims to be made on.
        base: u64,
        /// The last there is.
        last: u64,
    },
}

/// A document at its server.
#[derive(Clone, Debug)]
pub struct OtServer<T> {
    document: Vec<T>,
    revision: u64,
    history: VecDeque<Ordered<T>>,
    /// The last batch of each client.
    numbers: BTreeMap<u32, u64>,
    steps: u64,
}

impl<T: Clone> OtServer<T> {
    /// A document at revision 0.
    #[must_use]
    pub fn new(document: Vec<T>) -> Self {
        Self::restored(document, 0)
    }

    /// A document that was stored at a revision. Nobody's batches are known: clients load it, under new numbers.
    #[must_use]
    pub fn restored(document: Vec<T>, revision: u64) -> Self {
        Self {
            document,
            revision,
            history: VecDeque::new(),
            numbers: BTreeMap::new(),
            steps: 0,
        }
    }

    /// Orders a batch. What it returns goes to all clients, its own included.
    pub fn submit(&mut self, batch: OtBatch<T>) -> Result<&Ordered<T>, OtError> {
        let last = self.numbers.get(&batch.client).copied().unwrap_or(0);
        let oldest = self.revision - self.history.len() as u64;
        if batch.number <= last {
            return Err(OtError::Repeated);
        }
        if batch.number != last + 1 {
            return Err(OtError::Missing { expected: last + 1 });
        }
        if batch.base < oldest {
            let base = batch.base;
            return Err(OtError::TooOld { base, oldest });
        }
        if batch.base > self.revision {
            let (base, last) = (batch.base, self.revision);
            return Err(OtError::Unknown { base, last });
        }
        let mut edits = batch.edits;
        for ordered in self.history.range((batch.base - oldest) as usize..) {
            let mut first = ordered.edits.clone();
            self.steps += edit::transform_all(&mut first, &mut edits);
        }
        for one in &edits {
            edit::apply(&mut self.document, one);
        }
        self.revision += 1;
        self.numbers.insert(batch.client, batch.number);
        self.history.push_back(Ordered {
            revision: self.revision,
            client: batch.client,
            edits,
        });
        Ok(&self.history[self.history.len() - 1])
    }

    /// The batches after a revision, for a client that comes back; `None` if some are forgotten.
    pub fn since(&self, revision: u64) -> Option<impl Iterator<Item = &Ordered<T>>> {
        let oldest = self.revision - self.history.len() as u64;
        let from = revision.checked_sub(oldest)? as usize;
        (revision <= self.revision).then(|| self.history.range(from..))
    }

    /// No client builds on revisions before this one any more.
    pub fn forget_before(&mut self, revision: u64) {
        while self
            .history
            .front()
            .is_some_and(|one| one.revision <= revision)
        {
            self.history.pop_front();
        }
    }

    /// The document as it is.
    #[must_use]
    pub fn document(&self) -> &[T] {
        &self.document
    }

    /// Its revision.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Steps of transformation so far.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_comes_once_in_turn_and_not_too_late() {
        let mut server = OtServer::new(vec!['a', 'b']);
        let batch = |client, number, base, at| OtBatch {
            client,
            number,
            base,
            edits: vec![Edit::Delete { at }],
        };
        assert_eq!(server.submit(batch(0, 1, 0, 0)).unwrap().revision, 1);
        assert_eq!(server.submit(batch(0, 1, 0, 0)), Err(OtError::Repeated));
        assert_eq!(
            server.submit(batch(0, 3, 1, 0)),
            Err(OtError::Missing { expected: 2 })
        );
        assert_eq!(
            server.submit(batch(2, 1, 9, 0)),
            Err(OtError::Unknown { base: 9, last: 1 })
        );
        // The same item is deleted once.
        assert_eq!(
            server.submit(batch(1, 1, 0, 0)).unwrap().edits,
            [Edit::Nothing]
        );
        assert_eq!((server.document(), server.steps()), (&['b'][..], 1));
        assert_eq!(server.since(1).unwrap().count(), 1);
        server.forget_before(2);
        assert_eq!(
            server.submit(batch(3, 1, 1, 0)),
            Err(OtError::TooOld { base: 1, oldest: 2 })
        );
        assert!(server.since(1).is_none());
    }

    #[test]
    fn a_restored_document_goes_on_from_its_revision() {
        let mut server = OtServer::restored(vec!['a'], 7);
        let batch = |client, base| OtBatch {
            client,
            number: 1,
            base,
            edits: vec![Edit::Insert { at: 0, value: 'b' }],
        };
        let too_old = OtError::TooOld { base: 6, oldest: 7 };
        assert_eq!(server.submit(batch(3, 6)), Err(too_old));
        assert_eq!(server.submit(batch(4, 7)).unwrap().revision, 8);
        assert_eq!(server.document(), ['b', 'a']);
    }
}
