//! The embedded store: a pool of connections, each held for the time of a query that really passes.
//!
//! *Models:* `pool` queries at a time, a message's queries one after the other, first come first served, and a bound on the
//! messages that wait. *Leaves out:* what a query reads or writes, and query timeouts. Timers of the runtime round up to whole
//! milliseconds, so a query holds its connection up to a millisecond longer than asked: [`StoreStats`] says how long it was.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;
use tokio::sync::Semaphore;

use crate::plan::StorePlan;

/// What the store did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// Queries answered.
    pub queries: u64,
    /// Time they should have held a connection, in all.
    pub asked: Duration,
    /// Time they held one, in all.
    pub held: Duration,
    /// Time they waited for one, in all.
    pub waited: Duration,
}

/// A pool shared by the messages under way.
#[derive(Debug)]
pub(crate) struct Store {
    plan: StorePlan,
    permits: Semaphore,
    messages: AtomicUsize,
    queries: AtomicU64,
    asked_ns: AtomicU64,
    held_ns: AtomicU64,
    waited_ns: AtomicU64,
}

/// A message's place in the store, given back when dropped.
#[derive(Debug)]
pub(crate) struct Visit {
    store: Arc<Store>,
    times: Vec<Duration>,
}

impl Store {
    pub(crate) fn new(plan: StorePlan) -> Arc<Self> {
        Arc::new(Self {
            permits: Semaphore::new(plan.pool),
            plan,
            messages: AtomicUsize::new(0),
            queries: AtomicU64::new(0),
            asked_ns: AtomicU64::new(0),
            held_ns: AtomicU64::new(0),
            waited_ns: AtomicU64::new(0),
        })
    }

    /// Admits a message; `None` if too many wait. Only one task may admit.
    pub(crate) fn admit(self: &Arc<Self>, rng: &mut Xoshiro256PlusPlus) -> Option<Visit> {
        let room = self.plan.pool.saturating_add(self.plan.queue);
        if self.messages.load(Ordering::Relaxed) >= room {
            return None;
        }
        self.messages.fetch_add(1, Ordering::Relaxed);
        let times = &self.plan.times;
        let times = (0..self.plan.queries)
            .map(|_| times[rng.random_range(0..times.len())])
            .collect();
        Some(Visit {
            store: Arc::clone(self),
            times,
        })
    }

    pub(crate) fn stats(&self) -> StoreStats {
        let time = |ns: &AtomicU64| Duration::from_nanos(ns.load(Ordering::Relaxed));
        StoreStats {
            queries: self.queries.load(Ordering::Relaxed),
            asked: time(&self.asked_ns),
            held: time(&self.held_ns),
            waited: time(&self.waited_ns),
        }
    }
}

impl Visit {
    /// Makes the message's queries.
    pub(crate) async fn queries(self) {
        for &time in &self.times {
            let arrived = Instant::now();
            // The pool is never closed.
            let Ok(_permit) = self.store.permits.acquire().await else {
                return;
            };
            let began = Instant::now();
            tokio::time::sleep(time).await;
            self.store.queries.fetch_add(1, Ordering::Relaxed);
            add(&self.store.asked_ns, time);
            add(&self.store.held_ns, began.elapsed());
            add(&self.store.waited_ns, began - arrived);
        }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.store.messages.fetch_sub(1, Ordering::Relaxed);
    }
}

fn add(total_ns: &AtomicU64, time: Duration) {
    let ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    total_ns.fetch_add(ns, Ordering::Relaxed);
}
