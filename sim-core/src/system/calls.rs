//! Questions whose every step is watched: the calls of the connection servers, the copies that go to the shards, and what
//! each server knows of each shard.
//!
//! Models: a question of an operation to one shard is a *call*: its attempts, timeouts and backoff are those of
//! [`routing::retry::Attempts`], under the [`RetryBudget`] of the server and its [`CircuitBreaker`] and [`AdaptiveThrottle`]
//! for that shard. An attempt is one *copy*, or two when it is hedged ([`routing::request::Hedged`], [`TiedCopy`]). A query that
//! scatters is a call to every shard, gathered by [`routing::request::Scatter`]. Copies outlive the call that gave them up: they
//! go on taking the shard's time. Places are reused; a number and how often it was used before name a call or a copy.
//! Leaves out: budgets that servers share.

use std::collections::BTreeMap;

use routing::request::{HedgeAnswer, Hedged, Scatter, TiedCopy, Twin};
use routing::retry::{
    AdaptiveThrottle, Attempts, CircuitBreaker, Deadline, Permit, RetryBudget, RetryPolicy, Step,
};

use rand::Rng;

use super::operation::{Kind, OperationId};
use super::servers::timestamp;
use crate::scenario::{Callers, Scenario};
use crate::time::{SimDuration, SimTime};

/// Names a call.
pub type CallId = Named;
/// Names a copy.
pub type CopyId = Named;

/// A place of a [`Slab`] and how often it was used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    place: u32,
    life: u32,
}

/// Things by name, with free places reused.
#[derive(Clone, Debug)]
pub struct Slab<T> {
    places: Vec<(u32, Option<T>)>,
    free: Vec<u32>,
}

impl<T> Slab<T> {
    const fn new() -> Self {
        Self {
            places: Vec::new(),
            free: Vec::new(),
        }
    }

    /// Keeps something.
    pub fn insert(&mut self, thing: T) -> Named {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push((0, None));
            (self.places.len() - 1) as u32
        });
        let (life, kept) = &mut self.places[place as usize];
        *kept = Some(thing);
        Named { place, life: *life }
    }

    /// What is kept under a name; `None`: no longer.
    #[must_use]
    pub fn get(&self, name: Named) -> Option<&T> {
        let (life, kept) = self.places.get(name.place as usize)?;
        kept.as_ref().filter(|_| *life == name.life)
    }

    /// As [`Self::get`], to change it.
    pub fn get_mut(&mut self, name: Named) -> Option<&mut T> {
        let (life, kept) = self.places.get_mut(name.place as usize)?;
        kept.as_mut().filter(|_| *life == name.life)
    }

    /// Forgets it.
    pub fn remove(&mut self, name: Named) -> Option<T> {
        let (life, kept) = self.places.get_mut(name.place as usize)?;
        if *life != name.life {
            return None;
        }
        let gone = kept.take()?;
        *life = life.wrapping_add(1);
        self.free.push(name.place);
        Some(gone)
    }

    /// All that is kept, by place.
    pub fn iter(&self) -> impl Iterator<Item = (Named, &T)> {
        let named = |(place, (life, kept)): (u32, &'_ (u32, Option<T>))| {
            let name = Named { place, life: *life };
            kept.is_some().then_some(name)
        };
        let names: Vec<Named> = (0..).zip(&self.places).filter_map(named).collect();
        names
            .into_iter()
            .filter_map(|name| Some((name, self.get(name)?)))
    }
}

/// One question to one shard.
#[derive(Clone, Debug)]
pub struct Call {
    /// Whose it is.
    pub operation: OperationId,
    /// The shard that holds what is asked for.
    pub shard: u32,
    /// When the first attempt was made.
    pub began: SimTime,
    /// The attempts.
    pub attempts: Attempts,
    /// The copies of the present attempt.
    pub hedged: Option<Hedged>,
    /// Those copies.
    pub copies: [Option<CopyId>; 2],
    /// Leave of the breaker for the present attempt.
    pub permit: Option<Permit>,
    /// When it will be woken.
    pub wakes: Option<SimTime>,
    /// Whether the last attempt that failed had timed out.
    pub timed_out: bool,
}

/// One copy of an attempt.
#[derive(Clone, Copy, Debug)]
pub struct Copy {
    /// The call that sent it.
    pub call: CallId,
    /// One way between its server and its shard, on a good day.
    pub link: SimDuration,
    /// What is asked.
    pub kind: Kind,
    /// Which attempt of it.
    pub attempt: u32,
    /// Which copy of that.
    pub twin: Twin,
    /// Where it goes.
    pub shard: u32,
    /// How long it holds a connection, if nothing is slow.
    pub demand: SimDuration,
    /// Until when its answer is of use to the caller.
    pub deadline: Deadline,
    /// When it was sent.
    pub sent: SimTime,
    /// When it reached its shard.
    pub came: SimTime,
    /// When it began to be served.
    pub started: Option<SimTime>,
    /// When it had been.
    pub served: SimTime,
    /// Its place in the queue.
    pub ticket: Option<u64>,
    /// The other copy of a tie.
    pub tied: Option<TiedCopy>,
}

/// What one server knows of one shard.
#[derive(Clone, Debug)]
pub struct Knowledge {
    /// It may stop asking.
    pub breaker: Option<CircuitBreaker>,
    /// It may ask more rarely.
    pub throttle: Option<AdaptiveThrottle>,
}

/// A query that asked every shard.
#[derive(Clone, Debug)]
pub struct Scattered {
    /// The answers so far.
    pub scatter: Scatter,
    /// The calls, by part.
    pub calls: Vec<CallId>,
    /// Their shards, ascending.
    pub shards: Vec<u32>,
}

impl Scattered {
    /// The part that a shard answers.
    #[must_use]
    pub fn part(&self, shard: u32) -> u32 {
        self.shards.binary_search(&shard).unwrap_or_default() as u32
    }
}

/// All of it.
#[derive(Clone, Debug)]
pub struct Calls {
    /// Questions that have no answer yet.
    pub calls: Slab<Call>,
    /// Copies on their way, waiting, being served or on their way back.
    pub copies: Slab<Copy>,
    /// Queries that scatter.
    pub scattered: BTreeMap<OperationId, Scattered>,
    /// How often and when a question is tried.
    pub policy: RetryPolicy,
    /// Copies sent as hedges.
    pub hedges: u64,
    /// Copies served for nobody: given up, or not the first of two.
    pub wasted: u64,
    /// Attempts that the server's own breaker or throttle refused.
    pub held_back: u64,
    /// By server.
    budgets: Vec<Option<RetryBudget>>,
    /// By server and shard.
    knowledge: Vec<Knowledge>,
    shards: u32,
}

impl Calls {
    /// For a scenario whose questions are watched; `None` for any other.
    #[must_use]
    pub fn of(scenario: &Scenario) -> Option<Self> {
        let asking = &scenario.asking;
        if scenario.design.database.is_none() || !asking.is_watched() {
            return None;
        }
        let shards = scenario.design.shards.map_or(1, |shards| shards.count);
        let servers = scenario.design.connection_servers.count;
        let callers = asking.callers.as_ref();
        let budget = callers
            .and_then(|callers| callers.budget)
            .map(|(percent, burst)| RetryBudget::new(percent, burst));
        let knowledge = Knowledge {
            breaker: callers
                .and_then(|callers| callers.breaker)
                .map(CircuitBreaker::new),
            throttle: callers
                .and_then(|callers| callers.throttle)
                .map(|(k_percent, window)| AdaptiveThrottle::new(k_percent, window.as_nanos())),
        };
        Some(Self {
            calls: Slab::new(),
            copies: Slab::new(),
            scattered: BTreeMap::new(),
            policy: policy(callers),
            hedges: 0,
            wasted: 0,
            held_back: 0,
            budgets: vec![budget; servers as usize],
            knowledge: match knowledge.breaker.is_some() || knowledge.throttle.is_some() {
                true => vec![knowledge; (servers * shards) as usize],
                false => Vec::new(),
            },
            shards,
        })
    }

    /// A server asks a shard for an operation.
    pub fn open(
        &mut self,
        now: SimTime,
        (server, shard): (u16, u32),
        operation: OperationId,
    ) -> CallId {
        if let Some(budget) = &mut self.budgets[usize::from(server)] {
            budget.on_request();
        }
        self.calls.insert(Call {
            operation,
            shard,
            began: now,
            attempts: Attempts::new(self.policy, timestamp(now), Deadline::NONE),
            hedged: None,
            copies: [None; 2],
            permit: None,
            wakes: None,
            timed_out: false,
        })
    }

    /// Whether a server may send an attempt of a call; if so the attempt is out.
    pub fn try_send(&mut self, now: SimTime, server: u16, id: CallId, rng: &mut dyn Rng) -> bool {
        let now = timestamp(now);
        let Some(call) = self.calls.get_mut(id) else {
            return false;
        };
        call.copies = [None; 2];
        let index = (u32::from(server) * self.shards + call.shard) as usize;
        let Some(knowledge) = self.knowledge.get_mut(index) else {
            return true;
        };
        let throttle = knowledge.throttle.as_mut();
        let mut sends = throttle.is_none_or(|throttle| throttle.try_send(now, rng));
        if let Some(breaker) = knowledge.breaker.as_mut().filter(|_| sends) {
            call.permit = breaker.try_call(now);
            sends = call.permit.is_some();
        }
        self.held_back += u64::from(!sends);
        sends
    }

    /// An attempt of a call has failed: what the server does next. `by_timer`: because its time is over.
    pub fn attempt_failed(
        &mut self,
        now: SimTime,
        server: u16,
        id: CallId,
        by_timer: bool,
        rng: &mut dyn Rng,
    ) -> Step {
        let now = timestamp(now);
        let Some(call) = self.calls.get_mut(id) else {
            return Step::Wait;
        };
        let index = (u32::from(server) * self.shards + call.shard) as usize;
        let breaker = self
            .knowledge
            .get_mut(index)
            .and_then(|k| k.breaker.as_mut());
        if let (Some(breaker), Some(permit)) = (breaker, call.permit.take()) {
            breaker.on_result(now, permit, false);
        }
        let budget = self.budgets[usize::from(server)].as_mut();
        if by_timer {
            return call.attempts.on_timeout(now, budget, rng);
        }
        let attempt = call.attempts.attempt();
        call.attempts.on_error(now, attempt, budget, rng)
    }

    /// An answer is back at the server. `Some`: it is the one that counts, and this copy can be taken out of its queue.
    pub fn on_answer(&mut self, now: SimTime, server: u16, copy: &Copy) -> Option<Option<CopyId>> {
        let now = timestamp(now);
        let call = self
            .calls
            .get_mut(copy.call)
            .filter(|call| call.attempts.attempt() == copy.attempt)?;
        let cancel = match call
            .hedged
            .as_mut()
            .map(|hedged| hedged.on_answer(copy.twin))
        {
            None => None,
            Some(HedgeAnswer::Counts { cancel }) => cancel,
            Some(HedgeAnswer::Late) => return None,
        };
        if !call.attempts.on_answer(copy.attempt) {
            return None;
        }
        let index = (u32::from(server) * self.shards + call.shard) as usize;
        if let Some(knowledge) = self.knowledge.get_mut(index) {
            if let Some(throttle) = &mut knowledge.throttle {
                throttle.on_accepted(now);
            }
            if let (Some(breaker), Some(permit)) = (&mut knowledge.breaker, call.permit.take()) {
                breaker.on_result(now, permit, true);
            }
        }
        Some(cancel.and_then(|twin| call.copies[twin as usize]))
    }

    /// The copies that a shard is serving, in a fixed order.
    #[must_use]
    pub fn in_service_at(&self, shard: u32) -> Vec<CopyId> {
        let there =
            |copy: &Copy| copy.shard == shard && copy.started.is_some() && copy.served == NOT_YET;
        self.copies
            .iter()
            .filter(|(_, copy)| there(copy))
            .map(|(id, _)| id)
            .collect()
    }
}

/// The time at which something has been served that has not.
pub const NOT_YET: SimTime = SimTime::MAX;

fn policy(callers: Option<&Callers>) -> RetryPolicy {
    let once = RetryPolicy::immediate(u64::MAX, 0);
    callers.map_or(once, |callers| RetryPolicy {
        timeout_ns: callers
            .timeout
            .map_or(once.timeout_ns, |timeout| timeout.as_nanos()),
        max_attempts: callers.attempts,
        backoff: callers.backoff,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_not_that_of_the_next_in_its_place() {
        let mut slab = Slab::new();
        let first = slab.insert("a");
        assert_eq!(slab.remove(first), Some("a"));
        let second = slab.insert("b");
        assert_eq!(slab.get(first), None);
        assert_eq!(slab.remove(first), None);
        assert_eq!(slab.get(second), Some(&"b"));
        assert_eq!(slab.iter().count(), 1);
    }
}
