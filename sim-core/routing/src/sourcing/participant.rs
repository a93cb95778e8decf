//! A store that takes part in transactions.
//!
//! *Models:* what it has of each transaction; every step may come twice and does its work once. A compensation
//! that comes before (or without) its write is remembered, so that a late write does nothing. *Formula:* a
//! prepared transaction locks what it touches from its vote to the decision: one round and the coordinator's
//! log write, or as long as the coordinator is down. *Property:* an answer to a step is the same whenever it is
//! asked. *Leaves out:* the data itself, and deadlocks. *Source:* as [`super::transaction`].

use super::Step;
use crate::ids::Timestamp;
use std::collections::BTreeMap;

/// A transaction, as its coordinator numbers it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionId(pub u64);

/// What a participant has of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartState {
    /// It has voted yes and waits, since then.
    Prepared(Timestamp),
    /// It has the change.
    Applied,
    /// It has undone the change, will not do it, or refused it.
    Undone,
}

/// A participant's side of all its transactions.
#[derive(Clone, Debug, Default)]
pub struct Participant {
    parts: BTreeMap<TransactionId, PartState>,
    /// Nanoseconds for which finished transactions held locks.
    locked_ns: u64,
}

impl Participant {
    /// No transaction was heard of.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Does a step of a transaction; `willing` is whether the store can do this change. Returns the answer.
    pub fn handle(
        &mut self,
        now: Timestamp,
        transaction: TransactionId,
        step: Step,
        willing: bool,
    ) -> bool {
        let part = self.parts.get(&transaction).copied();
        if let Some(PartState::Prepared(since)) = part
            && matches!(step, Step::Commit | Step::Abort)
        {
            self.locked_ns += now.since(since);
        }
        let (state, answer) = match (step, part) {
            (Step::Write, None) if willing => (PartState::Applied, true),
            (Step::Prepare, None) if willing => (PartState::Prepared(now), true),
            (Step::Write | Step::Prepare, None) => (PartState::Undone, false),
            (Step::Write | Step::Prepare, Some(PartState::Undone)) => (PartState::Undone, false),
            (Step::Write | Step::Prepare, Some(state)) => (state, true),
            (Step::Commit, Some(PartState::Prepared(_) | PartState::Applied)) => {
                (PartState::Applied, true)
            }
            // Nobody decides to commit what was not prepared.
            (Step::Commit, None | Some(PartState::Undone)) => (PartState::Undone, false),
            (Step::Abort, Some(PartState::Applied)) => (PartState::Applied, false),
            (Step::Abort | Step::Compensate, _) => (PartState::Undone, true),
        };
        self.parts.insert(transaction, state);
        answer
    }

    /// What it has of a transaction; `None` if it has never heard of it.
    #[must_use]
    pub fn state(&self, transaction: TransactionId) -> Option<PartState> {
        self.parts.get(&transaction).copied()
    }

    /// Whether it has the change.
    #[must_use]
    pub fn has(&self, transaction: TransactionId) -> bool {
        self.state(transaction) == Some(PartState::Applied)
    }

    /// Transactions that it has prepared and not heard the decision of: what they touch is locked.
    pub fn in_doubt(&self) -> impl Iterator<Item = (TransactionId, Timestamp)> + '_ {
        self.parts.iter().filter_map(|(&id, &state)| match state {
            PartState::Prepared(since) => Some((id, since)),
            PartState::Applied | PartState::Undone => None,
        })
    }

    /// Nanoseconds for which transactions that are decided held locks.
    #[must_use]
    pub fn locked_ns(&self) -> u64 {
        self.locked_ns
    }

    /// Forgets a transaction that nobody will ask for again.
    pub fn forget(&mut self, transaction: TransactionId) {
        self.parts.remove(&transaction);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: TransactionId = TransactionId(1);

    #[test]
    fn steps_may_come_twice_and_late() {
        let mut store = Participant::new();
        let mut handle = |now, step| store.handle(Timestamp(now), T, step, true);
        assert!(handle(0, Step::Prepare) && handle(5, Step::Prepare));
        assert!(handle(30, Step::Commit) && handle(40, Step::Commit));
        assert!(!handle(50, Step::Abort), "it is committed");
        assert!(store.has(T) && store.locked_ns() == 30);
        let late = TransactionId(2);
        assert!(store.handle(Timestamp(60), late, Step::Compensate, true));
        assert!(!store.handle(Timestamp(61), late, Step::Write, true));
        assert!(!store.has(late));
    }

    #[test]
    fn a_vote_is_kept_and_blocks() {
        let mut store = Participant::new();
        assert!(store.handle(Timestamp(0), T, Step::Prepare, true));
        let no = TransactionId(3);
        assert!(!store.handle(Timestamp(0), no, Step::Prepare, false));
        assert!(!store.handle(Timestamp(1), no, Step::Prepare, true));
        assert_eq!(store.in_doubt().collect::<Vec<_>>(), [(T, Timestamp(0))]);
        assert_eq!(store.state(no), Some(PartState::Undone));
    }
}
