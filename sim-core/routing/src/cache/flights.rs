//! Fetches under way: who may fetch a key now, and whose fill is accepted.
//!
//! *Models:* request coalescing (at most one fetch of a key until it is filled or abandoned) and leases (a token per
//! key at most once per interval; an invalidation voids it). A lease that was not used lapses when the next is
//! given. *Formula:* a record per key under way, and per key leased within the interval.
//! *Source:* Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013, section 3.2.1.

use super::{Fetching, Index};
use crate::ids::Timestamp;
use std::collections::VecDeque;

/// The right to fetch one key and fill it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token {
    id: u64,
    issued_at: Timestamp,
}

impl Token {
    /// When the fetch began.
    #[must_use]
    pub fn issued_at(self) -> Timestamp {
        self.issued_at
    }
}

/// A fetch under way, or a lease that was given within the interval.
#[derive(Clone, Copy, Debug)]
struct Flight {
    issued_at: Timestamp,
    /// The token that may still fill.
    token: Option<u64>,
}

/// All fetches under way.
#[derive(Clone, Debug)]
pub(super) struct Flights {
    fetching: Fetching,
    issued: u64,
    by_key: Index<Flight>,
    /// When leases were given and for which key, oldest first; those past the interval are forgotten.
    leases: VecDeque<(Timestamp, u64)>,
}

impl Flights {
    pub(super) fn new(fetching: Fetching) -> Self {
        Self {
            fetching,
            issued: 0,
            by_key: Index::default(),
            leases: VecDeque::new(),
        }
    }

    /// Begins a fetch; if none may begin now, says until when at most (unless a fill comes first).
    pub(super) fn begin(&mut self, now: Timestamp, key: u64) -> Result<Token, Timestamp> {
        let blocked_until = match self.fetching {
            Fetching::Each => None,
            Fetching::Coalesced => self.by_key.get(&key).map(|_| Timestamp::NEVER),
            Fetching::Leased { interval_ns } => {
                self.forget(now, interval_ns);
                let flight = self.by_key.get(&key);
                let until = flight.map(|flight| flight.issued_at.plus(interval_ns));
                until.filter(|&until| now < until)
            }
        };
        match blocked_until {
            Some(until) => Err(until),
            None => Ok(self.issue(now, key)),
        }
    }

    /// Ends a fetch; whether its fill is accepted.
    pub(super) fn end(&mut self, now: Timestamp, key: u64, token: Token) -> bool {
        let flight = self.by_key.get(&key);
        let latest = flight.is_some_and(|flight| flight.token == Some(token.id));
        if latest {
            self.settle(now, key);
        }
        latest || !matches!(self.fetching, Fetching::Leased { .. })
    }

    /// Refuses the fill under way under a lease, since the source has changed.
    pub(super) fn void(&mut self, now: Timestamp, key: u64) {
        if matches!(self.fetching, Fetching::Leased { .. }) {
            self.settle(now, key);
        }
    }

    fn issue(&mut self, now: Timestamp, key: u64) -> Token {
        self.issued += 1;
        let token = Token {
            id: self.issued,
            issued_at: now,
        };
        if self.fetching != Fetching::Each {
            let flight = Flight {
                issued_at: now,
                token: Some(token.id),
            };
            self.by_key.insert(key, flight);
        }
        if matches!(self.fetching, Fetching::Leased { .. }) {
            self.leases.push_back((now, key));
        }
        token
    }

    /// Nobody may fill any more; a lease still counts until its interval has passed.
    fn settle(&mut self, now: Timestamp, key: u64) {
        let interval_ns = match self.fetching {
            Fetching::Leased { interval_ns } => interval_ns,
            Fetching::Each | Fetching::Coalesced => 0,
        };
        if let Some(flight) = self.by_key.get_mut(&key) {
            flight.token = None;
            if flight.issued_at.plus(interval_ns) <= now {
                self.by_key.remove(&key);
            }
        }
    }

    /// Drops the leases past the interval, but for those that may still fill.
    fn forget(&mut self, now: Timestamp, interval_ns: u64) {
        while let Some(&(issued_at, key)) = self.leases.front()
            && issued_at.plus(interval_ns) <= now
        {
            self.leases.pop_front();
            let flight = self.by_key.get(&key);
            if flight.is_some_and(|f| f.issued_at == issued_at && f.token.is_none()) {
                self.by_key.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASED: Fetching = Fetching::Leased { interval_ns: 10 };

    #[test]
    fn coalescing_lets_one_through_until_it_ends() {
        let mut flights = Flights::new(Fetching::Coalesced);
        let token = flights.begin(Timestamp(0), 1).unwrap();
        assert_eq!(flights.begin(Timestamp(99), 1), Err(Timestamp::NEVER));
        assert!(flights.begin(Timestamp(99), 2).is_ok());
        flights.void(Timestamp(99), 1);
        assert!(flights.end(Timestamp(100), 1, token));
        assert!(flights.begin(Timestamp(100), 1).is_ok());
    }

    #[test]
    fn a_lease_is_given_once_per_interval_whatever_becomes_of_it() {
        let mut flights = Flights::new(LEASED);
        let token = flights.begin(Timestamp(0), 1).unwrap();
        assert!(flights.end(Timestamp(3), 1, token));
        assert_eq!(flights.begin(Timestamp(9), 1), Err(Timestamp(10)));
        assert!(flights.begin(Timestamp(10), 1).is_ok());
    }

    #[test]
    fn a_voided_or_lapsed_lease_does_not_fill() {
        let mut flights = Flights::new(LEASED);
        let voided = flights.begin(Timestamp(0), 1).unwrap();
        flights.void(Timestamp(1), 1);
        assert!(!flights.end(Timestamp(2), 1, voided));
        let lapsed = flights.begin(Timestamp(10), 1).unwrap();
        let latest = flights.begin(Timestamp(20), 1).unwrap();
        assert!(!flights.end(Timestamp(21), 1, lapsed));
        assert!(flights.end(Timestamp(22), 1, latest) && !flights.end(Timestamp(22), 1, latest));
    }

    #[test]
    fn a_slow_fill_under_the_latest_lease_counts_and_nothing_stays_behind() {
        let mut flights = Flights::new(LEASED);
        let slow = flights.begin(Timestamp(0), 1).unwrap();
        let other = flights.begin(Timestamp(5), 2).unwrap();
        assert!(flights.end(Timestamp(6), 2, other));
        assert!(flights.begin(Timestamp(50), 3).is_ok());
        assert!(flights.end(Timestamp(51), 1, slow));
        assert_eq!((flights.by_key.len(), flights.leases.len()), (1, 1));
    }
}
