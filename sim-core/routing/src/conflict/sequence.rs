//! A text that merges: every character has a name, and says after which one it was written.
//!
//! *Models:* a replicated growable array. An insertion goes behind its origin, and behind what follows with a
//! greater name; names count up beyond everything seen (Lamport), so concurrent insertions at one place stand
//! in the same order everywhere. What is deleted stays as a tombstone. Operations that come before what they
//! need wait; those that come again do nothing. *Property:* replicas that have applied the same operations, in
//! any order, read the same, and nothing is lost. *Formula:* 24 bytes and the value per character ever written;
//! an operation here looks its place up by a scan, O(length). *Leaves out:* runs of characters in one element,
//! trees that look up in O(log n), removal of tombstones. Two runs typed at one place do not interleave when
//! typed forwards. *Source:* H.-G. Roh et al., Replicated abstract data types (JPDC 2011).

use super::ReplicaId;
use std::collections::BTreeMap;

/// The name of an element, ordered by counter, then replica.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ElementId {
    /// Greater than all its writer had seen.
    pub counter: u64,
    /// Its writer.
    pub replica: ReplicaId,
}

/// What an operation does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SequenceChange<T> {
    /// A new element.
    Insert {
        /// Its name.
        id: ElementId,
        /// What it stands behind; `None` for the beginning.
        after: Option<ElementId>,
        /// What it says.
        value: T,
    },
    /// An element is no longer shown.
    Delete {
        /// Which.
        id: ElementId,
    },
}

/// An operation, to be applied everywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceOp<T> {
    /// Who made it.
    pub replica: ReplicaId,
    /// Its number there; the first is 1.
    pub number: u64,
    /// What it does.
    pub change: SequenceChange<T>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Element<T> {
    id: ElementId,
    value: T,
    deleted: bool,
}

/// One replica's text.
#[derive(Clone, Debug)]
pub struct Sequence<T> {
    replica: ReplicaId,
    elements: Vec<Element<T>>,
    shown: usize,
    counter: u64,
    /// Operations applied, by replica.
    applied: BTreeMap<ReplicaId, u64>,
    waiting: BTreeMap<(ReplicaId, u64), SequenceChange<T>>,
}

impl<T: Clone> Sequence<T> {
    /// An empty text at a replica.
    #[must_use]
    pub fn new(replica: ReplicaId) -> Self {
        Self {
            replica,
            elements: Vec::new(),
            shown: 0,
            counter: 0,
            applied: BTreeMap::new(),
            waiting: BTreeMap::new(),
        }
    }

    /// A new replica that has loaded what this one has.
    #[must_use]
    pub fn loaded_by(&self, replica: ReplicaId) -> Self {
        Self {
            replica,
            ..self.clone()
        }
    }

    /// Writes a value at a place, at most the end. Returns the operation for the others.
    pub fn insert(&mut self, at: usize, value: T) -> SequenceOp<T> {
        let after = at
            .min(self.shown)
            .checked_sub(1)
            .and_then(|before| self.place_of_shown(before))
            .map(|place| self.elements[place].id);
        let id = ElementId {
            counter: self.counter + 1,
            replica: self.replica,
        };
        self.own(SequenceChange::Insert { id, after, value })
    }

    /// Deletes the value at a place; `None` beyond the end.
    pub fn delete(&mut self, at: usize) -> Option<SequenceOp<T>> {
        let id = self.elements[self.place_of_shown(at)?].id;
        Some(self.own(SequenceChange::Delete { id }))
    }

    /// An operation of another replica arrives. Returns how many operations took effect: none if it waits or
    /// came before, more if others waited for it.
    pub fn apply(&mut self, op: SequenceOp<T>) -> usize {
        if op.number <= self.applied_of(op.replica) {
            return 0;
        }
        self.waiting.insert((op.replica, op.number), op.change);
        let mut done = 0;
        while let Some((replica, number)) = self.next_ready() {
            let Some(change) = self.waiting.remove(&(replica, number)) else {
                break;
            };
            self.integrate(change);
            self.applied.insert(replica, number);
            done += 1;
        }
        done
    }

    /// What is shown.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        let shown = self.elements.iter().filter(|element| !element.deleted);
        shown.map(|element| &element.value)
    }

    /// Elements shown.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shown
    }

    /// Whether nothing is shown.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shown == 0
    }

    /// Elements that are deleted and kept.
    #[must_use]
    pub fn tombstones(&self) -> usize {
        self.elements.len() - self.shown
    }

    /// Operations that wait for others.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn applied_of(&self, replica: ReplicaId) -> u64 {
        self.applied.get(&replica).copied().unwrap_or(0)
    }

    fn own(&mut self, change: SequenceChange<T>) -> SequenceOp<T> {
        let number = self.applied_of(self.replica) + 1;
        self.applied.insert(self.replica, number);
        self.integrate(change.clone());
        SequenceOp {
            replica: self.replica,
            number,
            change,
        }
    }

    /// The first operation that waits for nothing.
    fn next_ready(&self) -> Option<(ReplicaId, u64)> {
        let ready = |&(&(replica, number), change): &(&(ReplicaId, u64), &SequenceChange<T>)| {
            let needs = match change {
                SequenceChange::Insert { after, .. } => *after,
                SequenceChange::Delete { id } => Some(*id),
            };
            number == self.applied_of(replica) + 1
                && needs.is_none_or(|id| self.place(id).is_some())
        };
        self.waiting.iter().find(ready).map(|(key, _)| *key)
    }

    fn integrate(&mut self, change: SequenceChange<T>) {
        match change {
            SequenceChange::Insert { id, after, value } => {
                let behind = after.and_then(|after| self.place(after));
                let mut place = behind.map_or(0, |place| place + 1);
                while self.elements.get(place).is_some_and(|one| one.id > id) {
                    place += 1;
                }
                let element = Element {
                    id,
                    value,
                    deleted: false,
                };
                self.elements.insert(place, element);
                self.shown += 1;
                self.counter = self.counter.max(id.counter);
            }
            SequenceChange::Delete { id } => {
                if let Some(place) = self.place(id) {
                    let deleted = std::mem::replace(&mut self.elements[place].deleted, true);
                    self.shown -= usize::from(!deleted);
                }
            }
        }
    }

    fn place(&self, id: ElementId) -> Option<usize> {
        self.elements.iter().position(|element| element.id == id)
    }

    fn place_of_shown(&self, at: usize) -> Option<usize> {
        let shown = self.elements.iter().enumerate();
        shown
            .filter(|(_, element)| !element.deleted)
            .nth(at)
            .map(|(place, _)| place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(sequence: &Sequence<char>) -> String {
        sequence.iter().collect()
    }

    #[test]
    fn two_words_at_one_place_do_not_mix_and_early_operations_wait() {
        let (mut a, mut b) = (Sequence::new(ReplicaId(0)), Sequence::new(ReplicaId(1)));
        let of_a: Vec<_> = "cat"
            .chars()
            .zip(0..)
            .map(|(c, i)| a.insert(i, c))
            .collect();
        let of_b: Vec<_> = "dog"
            .chars()
            .zip(0..)
            .map(|(c, i)| b.insert(i, c))
            .collect();
        let mut late = a.loaded_by(ReplicaId(2));
        assert_eq!(a.apply(late.insert(0, '!')), 1);
        assert_eq!(text(&a), "!cat");
        a.delete(0);
        // Backwards: everything waits for the first.
        for op in of_b.iter().rev() {
            a.apply(op.clone());
        }
        for op in of_a.iter().rev().chain(&of_a) {
            b.apply(op.clone());
        }
        assert_eq!((text(&a), text(&b)), ("dogcat".into(), "dogcat".into()));
        assert_eq!((a.waiting(), b.waiting()), (0, 0));
    }

    #[test]
    fn a_deletion_and_an_insertion_behind_it() {
        let mut a = Sequence::new(ReplicaId(0));
        let x = a.insert(0, 'x');
        let mut b = Sequence::new(ReplicaId(1));
        b.apply(x);
        let (gone, y) = (a.delete(0).unwrap(), b.insert(1, 'y'));
        assert_eq!(
            (a.apply(y), b.apply(gone.clone()), b.apply(gone)),
            (1, 1, 0)
        );
        assert_eq!(
            (text(&a), text(&b), a.tombstones()),
            ("y".into(), "y".into(), 1)
        );
        assert!(a.delete(5).is_none());
    }
}
