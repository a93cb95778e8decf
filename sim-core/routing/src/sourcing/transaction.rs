//! A change across several stores: one write after another, two-phase commit, or a saga.
//!
//! *Models:* the coordinator of one transaction as a state machine: what it calls, what it has written to its
//! own log, a crash that forgets all but the log, and recovery. *Formula:* calls without failure, for n
//! participants: n in one row of n steps (none and saga); 2n in two rounds of parallel calls (two-phase
//! commit), with two writes to the coordinator's log. *Property:* with two-phase commit and saga, once
//! everybody is back, all participants have the change or none has; without, a crash or a refusal leaves it
//! partial. Two-phase commit blocks: a participant that voted yes holds its locks until the coordinator is back
//! ([`super::Participant::in_doubt`]). A saga shows its half-done state to others meanwhile. *Leaves out:*
//! coordinators with replicas. *Source:* J. Gray (1978) and C. Mohan et al. (TODS 1986, presumed abort); H.
//! Garcia-Molina and K. Salem, Sagas (SIGMOD 1987).

/// How a transaction is coordinated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransactionMode {
    /// It is not: one write after another.
    None,
    /// Everybody votes, then everybody does the same.
    TwoPhase,
    /// One write after another; after a failure those done are compensated, last first.
    Saga,
}

/// What a participant is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Do it.
    Write,
    /// Make sure that you can do it, and lock it.
    Prepare,
    /// Do what you have prepared.
    Commit,
    /// Forget what you have prepared.
    Abort,
    /// Undo what you have done.
    Compensate,
}

/// A call to a participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Which, from 0.
    pub participant: u32,
    /// What.
    pub step: Step,
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// All have it.
    Committed,
    /// None has it.
    Aborted,
    /// Some have it.
    Partial,
}

/// The coordinator of one transaction.
#[derive(Clone, Debug)]
pub struct Transaction {
    mode: TransactionMode,
    participants: u32,
    phase: Phase,
    /// Participants whose answer to the present phase is in, in the log for sagas.
    answered: u32,
    /// Bits of the participants that answered the present round, for parallel calls.
    heard: Vec<bool>,
    crashed: bool,
    /// Writes to the coordinator's own log that must be durable before it goes on.
    log_writes: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    /// One write after another.
    Writing,
    /// Votes come in; nothing is decided.
    Voting,
    /// The decision is in the log, and is carried out.
    Deciding {
        commit: bool,
    },
    /// Undoing, from the last.
    Compensating,
    Done(Outcome),
}

impl Transaction {
    /// A transaction over participants `0..participants` (at least one) that has not begun.
    #[must_use]
    pub fn new(mode: TransactionMode, participants: u32) -> Self {
        assert!(participants > 0, "a transaction has a participant");
        Self {
            mode,
            participants,
            phase: Phase::Idle,
            answered: 0,
            heard: vec![false; participants as usize],
            crashed: false,
            log_writes: 0,
        }
    }

    /// Begins. Calls are pushed to `calls`.
    pub fn start(&mut self, calls: &mut Vec<Call>) {
        if self.phase != Phase::Idle || self.crashed {
            return;
        }
        match self.mode {
            TransactionMode::TwoPhase => self.round(Phase::Voting, Step::Prepare, calls),
            TransactionMode::None | TransactionMode::Saga => {
                self.phase = Phase::Writing;
                self.call(0, Step::Write, calls);
            }
        }
    }

    /// A participant answers a step: whether it did it. Answers to an earlier phase are ignored.
    pub fn reply(&mut self, call: Call, ok: bool, calls: &mut Vec<Call>) {
        if self.crashed {
            return;
        }
        match (self.phase, call.step) {
            (Phase::Writing, Step::Write) if call.participant == self.answered => {
                self.written(ok, calls);
            }
            (Phase::Voting, Step::Prepare) => self.voted(call.participant, ok, calls),
            (Phase::Deciding { commit }, Step::Commit | Step::Abort) if ok => {
                self.carried_out(call.participant, commit);
            }
            (Phase::Compensating, Step::Compensate)
                if ok && call.participant + 1 == self.answered =>
            {
                self.answered -= 1;
                self.log_writes += 1;
                self.compensate_next(calls);
            }
            _ => {}
        }
    }

    /// Answers are overdue: votes count as no; everything else is asked again, since it must happen. A write
    /// that is not answered may have happened: a saga compensates it too; without coordination the transaction
    /// ends as it is.
    pub fn timed_out(&mut self, calls: &mut Vec<Call>) {
        if self.crashed {
            return;
        }
        match self.phase {
            Phase::Voting => self.decide(false, calls),
            Phase::Writing if self.mode == TransactionMode::Saga => {
                self.answered += 1;
                self.phase = Phase::Compensating;
                self.compensate_next(calls);
            }
            Phase::Writing => self.phase = Phase::Done(Outcome::Partial),
            Phase::Idle | Phase::Deciding { .. } | Phase::Compensating | Phase::Done(_) => {
                self.ask_again(calls);
            }
        }
    }

    /// The coordinator crashes: what is not in its log is forgotten.
    pub fn crash(&mut self) {
        if !matches!(self.phase, Phase::Done(_)) {
            self.crashed = true;
        }
    }

    /// The coordinator is back and reads its log. Nothing decided: two-phase commit aborts; a saga goes back
    /// from the step under way; without coordination there is no log, and what is written stays.
    pub fn recover(&mut self, calls: &mut Vec<Call>) {
        if !std::mem::take(&mut self.crashed) {
            return;
        }
        match (self.mode, self.phase) {
            (_, Phase::Idle) => self.phase = Phase::Done(Outcome::Aborted),
            (TransactionMode::None, _) => {
                let nothing = self.answered == 0;
                // The write under way may have happened: only an audit of the participants can tell.
                self.phase = Phase::Done(if nothing {
                    Outcome::Aborted
                } else {
                    Outcome::Partial
                });
            }
            _ => self.timed_out(calls),
        }
    }

    /// How it ended, as far as the coordinator knows; `None` while it is under way. What the participants have is
    /// told by [`super::Participant`].
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        match self.phase {
            Phase::Done(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// Whether the coordinator is down.
    #[must_use]
    pub fn is_crashed(&self) -> bool {
        self.crashed
    }

    /// Writes to the coordinator's log so far.
    #[must_use]
    pub fn log_writes(&self) -> u32 {
        self.log_writes
    }

    fn call(&self, participant: u32, step: Step, calls: &mut Vec<Call>) {
        calls.push(Call { participant, step });
    }

    fn round(&mut self, phase: Phase, step: Step, calls: &mut Vec<Call>) {
        self.phase = phase;
        self.heard.fill(false);
        for participant in 0..self.participants {
            self.call(participant, step, calls);
        }
    }

    /// Notes an answer; whether all are in.
    fn hear(&mut self, participant: u32) -> bool {
        if let Some(heard) = self.heard.get_mut(participant as usize) {
            *heard = true;
        }
        self.heard.iter().all(|heard| *heard)
    }

    fn written(&mut self, ok: bool, calls: &mut Vec<Call>) {
        let saga = self.mode == TransactionMode::Saga;
        if !ok && saga {
            self.phase = Phase::Compensating;
            self.compensate_next(calls);
            return;
        }
        if !ok {
            let nothing = self.answered == 0;
            self.phase = Phase::Done(if nothing {
                Outcome::Aborted
            } else {
                Outcome::Partial
            });
            return;
        }
        self.answered += 1;
        self.log_writes += u32::from(saga);
        if self.answered == self.participants {
            self.phase = Phase::Done(Outcome::Committed);
        } else {
            self.call(self.answered, Step::Write, calls);
        }
    }

    fn voted(&mut self, participant: u32, yes: bool, calls: &mut Vec<Call>) {
        if !yes {
            self.decide(false, calls);
        } else if self.hear(participant) {
            self.decide(true, calls);
        }
    }

    fn carried_out(&mut self, participant: u32, commit: bool) {
        if self.hear(participant) {
            self.phase = Phase::Done(if commit {
                Outcome::Committed
            } else {
                Outcome::Aborted
            });
        }
    }

    /// The decision is written to the log before anybody hears it.
    fn decide(&mut self, commit: bool, calls: &mut Vec<Call>) {
        self.log_writes += 1;
        let step = if commit { Step::Commit } else { Step::Abort };
        self.round(Phase::Deciding { commit }, step, calls);
    }

    fn compensate_next(&mut self, calls: &mut Vec<Call>) {
        match self.answered.checked_sub(1) {
            None => self.phase = Phase::Done(Outcome::Aborted),
            Some(last) => self.call(last, Step::Compensate, calls),
        }
    }

    fn ask_again(&self, calls: &mut Vec<Call>) {
        match self.phase {
            Phase::Deciding { commit } => {
                let step = if commit { Step::Commit } else { Step::Abort };
                for participant in 0..self.participants {
                    if !self.heard[participant as usize] {
                        self.call(participant, step, calls);
                    }
                }
            }
            Phase::Compensating => {
                if let Some(last) = self.answered.checked_sub(1) {
                    self.call(last, Step::Compensate, calls);
                }
            }
            Phase::Idle | Phase::Writing | Phase::Voting | Phase::Done(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everybody answers at once; participant `refusing` says no to writing and preparing.
    fn run(mode: TransactionMode, refusing: Option<u32>) -> (Outcome, Vec<Call>) {
        let mut transaction = Transaction::new(mode, 3);
        let mut calls = Vec::new();
        transaction.start(&mut calls);
        let mut next = 0;
        while let Some(&call) = calls.get(next) {
            next += 1;
            let refuses = Some(call.participant) == refusing
                && matches!(call.step, Step::Write | Step::Prepare);
            transaction.reply(call, !refuses, &mut calls);
        }
        (transaction.outcome().unwrap(), calls)
    }

    #[test]
    fn all_agree() {
        for (mode, calls) in [
            (TransactionMode::None, 3),
            (TransactionMode::TwoPhase, 6),
            (TransactionMode::Saga, 3),
        ] {
            let (outcome, made) = run(mode, None);
            assert_eq!(
                (outcome, made.len()),
                (Outcome::Committed, calls),
                "{mode:?}"
            );
        }
    }

    #[test]
    fn one_refuses() {
        assert_eq!(run(TransactionMode::None, Some(2)).0, Outcome::Partial);
        assert_eq!(run(TransactionMode::None, Some(0)).0, Outcome::Aborted);
        assert_eq!(run(TransactionMode::TwoPhase, Some(2)).0, Outcome::Aborted);
        let (outcome, calls) = run(TransactionMode::Saga, Some(2));
        let undone: Vec<u32> = calls
            .iter()
            .filter(|call| call.step == Step::Compensate)
            .map(|call| call.participant)
            .collect();
        assert_eq!((outcome, undone), (Outcome::Aborted, vec![1, 0]));
    }

    #[test]
    fn a_decision_in_the_log_outlives_a_crash() {
        for decided in [false, true] {
            let mut transaction = Transaction::new(TransactionMode::TwoPhase, 2);
            let mut calls = Vec::new();
            transaction.start(&mut calls);
            let votes = std::mem::take(&mut calls);
            transaction.reply(votes[0], true, &mut calls);
            if decided {
                transaction.reply(votes[1], true, &mut calls);
            }
            transaction.crash();
            calls.clear();
            transaction.reply(votes[1], true, &mut calls);
            assert!(calls.is_empty() && transaction.is_crashed());
            transaction.recover(&mut calls);
            let step = if decided { Step::Commit } else { Step::Abort };
            assert!(calls.len() == 2 && calls.iter().all(|call| call.step == step));
        }
    }
}
