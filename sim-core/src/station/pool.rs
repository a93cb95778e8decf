//! A bounded pool of permits, such as database connections.
//!
//! Models: `permits` that are held and given back, and a bounded first-come-first-served queue
//! of those who wait for one, with an optional longest wait. The caller schedules the timeout at
//! the deadline it is given and answers it with [`Pool::timeout`]; once the permit is
//! granted, the timeout finds nothing. Leaves out: how long a permit is held; that is the caller's.

use std::collections::VecDeque;

use super::accounts::Accounts;
use crate::time::{SimDuration, SimTime};

/// A pool's fixed properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolConfig {
    /// How many can hold a permit at once.
    pub permits: u32,
    /// How many can wait; further ones are turned away.
    pub capacity: usize,
    /// The longest wait.
    pub timeout: Option<SimDuration>,
}

/// The answer to a wish for a permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acquire {
    /// The permit is held from now on.
    Granted,
    /// The wish waits.
    Waiting {
        /// Names the waiting wish.
        ticket: u64,
        /// When [`Pool::timeout`] is to be called.
        deadline: Option<SimTime>,
    },
    /// Too many wait already.
    Rejected,
}

/// A permit that passed to a waiting job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted<J> {
    /// The job that now holds it.
    pub job: J,
    /// The ticket under which it waited.
    pub ticket: u64,
    /// How long it waited.
    pub waited: SimDuration,
}

/// A pool of permits.
#[derive(Clone, Debug)]
pub struct Pool<J> {
    config: PoolConfig,
    held: u32,
    /// In order of tickets; `None` was withdrawn.
    waiting: VecDeque<Option<(J, SimTime)>>,
    /// The ticket of the first entry of `waiting`.
    first_ticket: u64,
    accounts: Accounts,
    timed_out: u64,
    held_ns: u128,
    held_since: SimTime,
}

impl<J: Copy> Pool<J> {
    /// A pool of free permits. Panics without permits.
    pub fn new(config: PoolConfig) -> Self {
        assert!(config.permits > 0, "a pool needs a permit");
        Pool {
            config,
            held: 0,
            waiting: VecDeque::new(),
            first_ticket: 0,
            accounts: Accounts::default(),
            timed_out: 0,
            held_ns: 0,
            held_since: SimTime::ZERO,
        }
    }

    /// Asks for a permit.
    pub fn acquire(&mut self, now: SimTime, job: J) -> Acquire {
        if self.held < self.config.permits {
            self.accounts.accepted += 1;
            self.set_held(now, self.held + 1);
            return Acquire::Granted;
        }
        if self.accounts.queued() >= self.config.capacity {
            self.accounts.rejected += 1;
            return Acquire::Rejected;
        }
        self.accounts.accepted += 1;
        let ticket = self.first_ticket + self.waiting.len() as u64;
        self.waiting.push_back(Some((job, now)));
        self.accounts.set_queued(now, self.accounts.queued() + 1);
        Acquire::Waiting {
            ticket,
            deadline: self.config.timeout.map(|timeout| now + timeout),
        }
    }

    /// Gives a permit back; it passes to the first who waits. Panics if none is held.
    pub fn release(&mut self, now: SimTime) -> Option<Granted<J>> {
        assert!(self.held > 0, "a permit given back that nobody holds");
        self.accounts.completed += 1;
        while let Some(waiting) = self.waiting.pop_front() {
            let ticket = self.first_ticket;
            self.first_ticket += 1;
            if let Some((job, since)) = waiting {
                self.accounts.set_queued(now, self.accounts.queued() - 1);
                return Some(Granted {
                    job,
                    ticket,
                    waited: now - since,
                });
            }
        }
        self.set_held(now, self.held - 1);
        None
    }

    /// Ends the wait of a ticket at its deadline; `None` if it no longer waits.
    pub fn timeout(&mut self, now: SimTime, ticket: u64) -> Option<J> {
        let job = self.withdraw(now, ticket)?;
        self.timed_out += 1;
        Some(job)
    }

    /// Withdraws a waiting ticket; `None` if it no longer waits.
    pub fn cancel(&mut self, now: SimTime, ticket: u64) -> Option<J> {
        self.withdraw(now, ticket)
    }

    /// Frees all permits and forgets all who wait, appended to `lost`. Holders must know themselves:
    /// what they held is lost and must not be given back.
    pub fn reset(&mut self, now: SimTime, lost: &mut Vec<J>) {
        self.first_ticket += self.waiting.len() as u64;
        self.accounts.lost += u64::from(self.held) + self.accounts.queued() as u64;
        lost.extend(self.waiting.drain(..).flatten().map(|(job, _)| job));
        self.accounts.set_queued(now, 0);
        self.set_held(now, 0);
    }

    /// Permits held now.
    pub fn held(&self) -> u32 {
        self.held
    }

    /// Jobs waiting now.
    pub fn queued(&self) -> usize {
        self.accounts.queued()
    }

    /// How long the first of those who wait has waited.
    pub fn longest_wait(&self, now: SimTime) -> SimDuration {
        let first = self.waiting.iter().flatten().next();
        first.map_or(SimDuration::ZERO, |&(_, since)| now.saturating_since(since))
    }

    /// The integral of held permits up to `now`, in permit-nanoseconds.
    pub fn held_ns(&self, now: SimTime) -> u128 {
        let since = now.saturating_since(self.held_since).as_nanos();
        self.held_ns + u128::from(self.held) * u128::from(since)
    }

    /// Waits that ended at their deadline; among the cancelled.
    pub fn timed_out(&self) -> u64 {
        self.timed_out
    }

    /// Counters since the start.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// The pool's fixed properties.
    pub fn config(&self) -> &PoolConfig {
        &self.config
    }

    /// Whether every accepted wish is accounted for.
    pub fn conserves(&self) -> bool {
        self.accounts.conserves(self.held as usize)
    }

    fn withdraw(&mut self, now: SimTime, ticket: u64) -> Option<J> {
        let index = usize::try_from(ticket.checked_sub(self.first_ticket)?).ok()?;
        let (job, _) = self.waiting.get_mut(index)?.take()?;
        self.accounts.cancelled += 1;
        self.accounts.set_queued(now, self.accounts.queued() - 1);
        Some(job)
    }

    fn set_held(&mut self, now: SimTime, held: u32) {
        self.held_ns = self.held_ns(now);
        self.held_since = now;
        self.held = held;
    }
}
