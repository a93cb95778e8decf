//! A client's copy of a document.
//!
//! *Models:* the document with the client's own edits at once; the batch on its way to the server, the edits
//! made since, and the last revision heard of. *Property:* the copy equals the server's document after all that
//! the server will order from it. *Formula:* a client sends at most one batch per round trip, so edits per
//! second of one client are not bounded, its batches are. *Leaves out:* cursors. *Source:* as [`super`].

use super::{Edit, Ordered, OtBatch, edit};
use thiserror::Error;

/// A batch came out of turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("revision {expected} is expected, not {got}")]
pub struct OtGap {
    /// The revision that comes next.
    pub expected: u64,
    /// The one that came.
    pub got: u64,
}

/// A client of a document.
#[derive(Clone, Debug)]
pub struct OtClient<T> {
    client: u32,
    document: Vec<T>,
    revision: u64,
    /// The last batch sent.
    number: u64,
    sent: Option<Vec<Edit<T>>>,
    pending: Vec<Edit<T>>,
}

impl<T: Clone> OtClient<T> {
    /// A client that has loaded a document at a revision; its number is its own, never used before.
    #[must_use]
    pub fn new(client: u32, document: Vec<T>, revision: u64) -> Self {
        Self {
            client,
            document,
            revision,
            number: 0,
            sent: None,
            pending: Vec::new(),
        }
    }

    /// The user edits.
    pub fn edit(&mut self, change: Edit<T>) {
        edit::apply(&mut self.document, &change);
        self.pending.push(change);
    }

    /// What to send now: the edits since the last batch, unless that is still on its way.
    pub fn send(&mut self) -> Option<OtBatch<T>> {
        if self.sent.is_some() || self.pending.is_empty() {
            return None;
        }
        self.number += 1;
        self.sent = Some(std::mem::take(&mut self.pending));
        self.resend()
    }

    /// The batch on its way once more, after a connection was lost and everything since was received.
    #[must_use]
    pub fn resend(&self) -> Option<OtBatch<T>> {
        self.sent.as_ref().map(|edits| OtBatch {
            client: self.client,
            number: self.number,
            base: self.revision,
            edits: edits.clone(),
        })
    }

    /// A batch in the server's order arrives; one that was received before is skipped. Returns whether it changed
    /// anything here.
    pub fn receive(&mut self, ordered: &Ordered<T>) -> Result<bool, OtGap> {
        if ordered.revision <= self.revision {
            return Ok(false);
        }
        if ordered.revision != self.revision + 1 {
            return Err(OtGap {
                expected: self.revision + 1,
                got: ordered.revision,
            });
        }
        self.revision = ordered.revision;
        if ordered.client == self.client {
            self.sent = None;
            return Ok(false);
        }
        let mut edits = ordered.edits.clone();
        if let Some(sent) = &mut self.sent {
            edit::transform_all(&mut edits, sent);
        }
        edit::transform_all(&mut edits, &mut self.pending);
        for one in &edits {
            edit::apply(&mut self.document, one);
        }
        Ok(true)
    }

    /// The document as its user sees it.
    #[must_use]
    pub fn document(&self) -> &[T] {
        &self.document
    }

    /// The last revision heard of.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Edits that the server has not ordered, as far as heard.
    #[must_use]
    pub fn unsaved(&self) -> usize {
        self.pending.len() + self.sent.as_ref().map_or(0, Vec::len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conflict::ot::OtServer;

    #[test]
    fn two_clients_type_at_one_place() {
        let mut server = OtServer::new(Vec::new());
        let mut clients = [0, 1].map(|client| OtClient::new(client, Vec::new(), 0));
        for (client, word) in clients.iter_mut().zip(["cat", "dog"]) {
            for (value, at) in word.chars().zip(0..) {
                client.edit(Edit::Insert { at, value });
            }
        }
        let batches = clients.each_mut().map(|client| client.send().unwrap());
        assert!(clients[0].send().is_none(), "one batch is on its way");
        for batch in batches {
            let ordered = server.submit(batch).unwrap().clone();
            for client in &mut clients {
                client.receive(&ordered).unwrap();
                assert_eq!(client.receive(&ordered), Ok(false));
            }
        }
        for client in &clients {
            assert_eq!(client.document().iter().collect::<String>(), "catdog");
            assert_eq!((client.unsaved(), client.revision()), (0, 2));
        }
        let gap = Ordered {
            revision: 4,
            client: 0,
            edits: Vec::new(),
        };
        let expected = OtGap {
            expected: 3,
            got: 4,
        };
        assert_eq!(clients[1].receive(&gap), Err(expected));
    }
}
