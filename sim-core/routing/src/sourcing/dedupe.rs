//! What comes twice is done once.
//!
//! *Models:* a window that remembers the keys seen in the last `window_ns`, at most `capacity` of them; and
//! idempotency keys, which remember the answer too, so that a repetition gets it, and a repetition while the
//! first is under way is told to wait. *Property:* no duplicate is visible whose delay is below the window, as
//! long as the window holds what arrives in it. *Formula:* keys held ≈ λ · window. *Leaves out:* keys that are
//! the same by accident. *Source:* SQS's deduplication interval; Stripe's idempotency keys.

use crate::ids::Timestamp;
use std::collections::{BTreeMap, VecDeque};

/// Keys seen lately.
#[derive(Clone, Debug)]
pub struct DedupeWindow {
    window_ns: u64,
    capacity: usize,
    seen: BTreeMap<u64, Timestamp>,
    /// In the order in which they were first seen.
    order: VecDeque<(Timestamp, u64)>,
    duplicates: u64,
}

impl DedupeWindow {
    /// An empty window of so many nanoseconds and keys.
    #[must_use]
    pub fn new(window_ns: u64, capacity: u32) -> Self {
        Self {
            window_ns,
            capacity: capacity as usize,
            seen: BTreeMap::new(),
            order: VecDeque::new(),
            duplicates: 0,
        }
    }

    /// Whether a key is seen for the first time within the window. A repetition does not extend it.
    pub fn first_time(&mut self, now: Timestamp, key: u64) -> bool {
        self.expire(now);
        if self.seen.contains_key(&key) {
            self.duplicates += 1;
            return false;
        }
        if self.capacity == 0 {
            return true;
        }
        if self.order.len() >= self.capacity
            && let Some((_, oldest)) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        self.seen.insert(key, now);
        self.order.push_back((now, key));
        true
    }

    /// Keys remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether none is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Repetitions recognised.
    #[must_use]
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    fn expire(&mut self, now: Timestamp) {
        while let Some(&(at, key)) = self.order.front() {
            if now.since(at) < self.window_ns {
                break;
            }
            self.order.pop_front();
            self.seen.remove(&key);
        }
    }
}

/// What to do with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin<R> {
    /// It is new: do it, and call [`IdempotencyKeys::finish`].
    New,
    /// The same request is under way.
    UnderWay,
    /// It was done, with this answer.
    Done(R),
}

/// Requests by their keys, with their answers.
#[derive(Clone, Debug)]
pub struct IdempotencyKeys<R> {
    window_ns: u64,
    requests: BTreeMap<u64, (Timestamp, Option<R>)>,
    order: VecDeque<(Timestamp, u64)>,
    repeated: u64,
}

impl<R: Clone> IdempotencyKeys<R> {
    /// Nothing was requested; an answer is kept for `window_ns` after its request.
    #[must_use]
    pub fn new(window_ns: u64) -> Self {
        Self {
            window_ns,
            requests: BTreeMap::new(),
            order: VecDeque::new(),
            repeated: 0,
        }
    }

    /// A request with a key begins.
    pub fn begin(&mut self, now: Timestamp, key: u64) -> Begin<R> {
        self.expire(now);
        if let Some((_, answer)) = self.requests.get(&key) {
            self.repeated += 1;
            return answer.clone().map_or(Begin::UnderWay, Begin::Done);
        }
        self.requests.insert(key, (now, None));
        self.order.push_back((now, key));
        Begin::New
    }

    /// A request is done.
    pub fn finish(&mut self, key: u64, answer: R) {
        if let Some(request) = self.requests.get_mut(&key) {
            request.1 = Some(answer);
        }
    }

    /// A request failed without effect: it may be begun anew.
    pub fn abandon(&mut self, key: u64) {
        self.requests.remove(&key);
    }

    /// Repetitions recognised.
    #[must_use]
    pub fn repeated(&self) -> u64 {
        self.repeated
    }

    fn expire(&mut self, now: Timestamp) {
        while let Some(&(at, key)) = self.order.front() {
            if now.since(at) < self.window_ns {
                break;
            }
            self.order.pop_front();
            // It may have been abandoned and begun anew since.
            if self
                .requests
                .get(&key)
                .is_some_and(|(since, _)| *since == at)
            {
                self.requests.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_that_is_too_short_or_too_small_lets_duplicates_through() {
        let mut window = DedupeWindow::new(100, 3);
        assert!(window.first_time(Timestamp(0), 1));
        assert!(!window.first_time(Timestamp(99), 1));
        assert!(window.first_time(Timestamp(100), 1), "too short");
        for key in [2, 3, 4] {
            assert!(window.first_time(Timestamp(110), key));
        }
        assert!(window.first_time(Timestamp(111), 1), "too small");
        assert_eq!((window.duplicates(), window.len()), (1, 3));
    }

    #[test]
    fn a_repetition_gets_the_first_answer() {
        let mut keys = IdempotencyKeys::new(100);
        assert_eq!(keys.begin(Timestamp(0), 7), Begin::New);
        assert_eq!(keys.begin(Timestamp(1), 7), Begin::UnderWay);
        keys.finish(7, "paid");
        assert_eq!(keys.begin(Timestamp(2), 7), Begin::Done("paid"));
        assert_eq!(keys.begin(Timestamp(100), 7), Begin::New);
        keys.abandon(7);
        assert_eq!(keys.begin(Timestamp(101), 7), Begin::New);
        assert_eq!(keys.repeated(), 2);
    }
}
