//! Stock: units of which no more should be sold than there are.
//!
//! *Models:* three ways to sell. Strong: one owner checks and takes in one step. Reservation: one owner sets
//! units aside for `ttl_ns`, to be confirmed or released, or to come back by themselves. Stale: a seller looks
//! at a copy ([`StaleView`]) that is refreshed every so often, and sells by it. *Formula:* oversold = sold −
//! stocked where positive; with a copy refreshed every T and λ buyers per second about λ · T / 2 on average
//! over the phase of the refresh, λ · T at most. *Property:* nothing is oversold by the first two, in any order
//! of calls: available + reserved + sold = stocked. *Leaves out:* payment. *Source:* the reservation pattern as
//! in P. Helland, Life beyond Distributed Transactions (CIDR 2007).

use crate::ids::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

/// How units are sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StockMode {
    /// Checked and taken in one step.
    Strong,
    /// Set aside first.
    Reservation {
        /// For how long.
        ttl_ns: u64,
    },
    /// By a copy.
    Stale {
        /// How often it is refreshed.
        refresh_ns: u64,
    },
}

/// Why nothing was sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum StockError {
    /// There are too few.
    #[error("{available} units are left")]
    SoldOut {
        /// How many there are.
        available: u64,
    },
    /// The reservation has run out, or never was.
    #[error("there is no such reservation")]
    NoReservation,
}

/// The owner of a kind of unit.
#[derive(Clone, Debug)]
pub struct Stock {
    stocked: u64,
    sold: u64,
    reserved: u64,
    /// Units and end of each reservation.
    reservations: BTreeMap<u64, (u64, Timestamp)>,
    ends: BTreeSet<(Timestamp, u64)>,
    next_reservation: u64,
    expired: u64,
}

impl Stock {
    /// So many units.
    #[must_use]
    pub fn new(stocked: u64) -> Self {
        Self {
            stocked,
            sold: 0,
            reserved: 0,
            reservations: BTreeMap::new(),
            ends: BTreeSet::new(),
            next_reservation: 0,
            expired: 0,
        }
    }

    /// Units that are neither sold nor set aside at `now`.
    pub fn available(&mut self, now: Timestamp) -> u64 {
        self.expire(now);
        self.stocked.saturating_sub(self.sold + self.reserved)
    }

    /// Sells units in one step.
    pub fn take(&mut self, now: Timestamp, units: u64) -> Result<(), StockError> {
        let available = self.available(now);
        if units > available {
            return Err(StockError::SoldOut { available });
        }
        self.sold += units;
        Ok(())
    }

    /// Sets units aside for `ttl_ns`. Returns the reservation's number.
    pub fn reserve(&mut self, now: Timestamp, units: u64, ttl_ns: u64) -> Result<u64, StockError> {
        let available = self.available(now);
        if units > available {
            return Err(StockError::SoldOut { available });
        }
        let number = self.next_reservation;
        self.next_reservation += 1;
        let until = now.plus(ttl_ns);
        self.reserved += units;
        self.reservations.insert(number, (units, until));
        self.ends.insert((until, number));
        Ok(number)
    }

    /// The reserved units are sold.
    pub fn confirm(&mut self, now: Timestamp, reservation: u64) -> Result<(), StockError> {
        self.expire(now);
        let units = self.end(reservation).ok_or(StockError::NoReservation)?;
        self.sold += units;
        Ok(())
    }

    /// The reserved units are free again.
    pub fn release(&mut self, now: Timestamp, reservation: u64) -> Result<(), StockError> {
        self.expire(now);
        self.end(reservation)
            .map(|_| ())
            .ok_or(StockError::NoReservation)
    }

    /// Units were sold by somebody who looked at a copy.
    pub fn sold_unchecked(&mut self, units: u64) {
        self.sold += units;
    }

    /// Units that were sold are given back.
    pub fn put_back(&mut self, units: u64) {
        self.sold = self.sold.saturating_sub(units);
    }

    /// When the next reservation runs out.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.ends.first().map(|(until, _)| *until)
    }

    /// Reservations that have run out by `now` are free again. Returns how many.
    pub fn expire(&mut self, now: Timestamp) -> u64 {
        let before = self.expired;
        while let Some(&(until, reservation)) = self.ends.first() {
            if until > now {
                break;
            }
            self.end(reservation);
            self.expired += 1;
        }
        self.expired - before
    }

    /// Units sold.
    #[must_use]
    pub fn sold(&self) -> u64 {
        self.sold
    }

    /// Units set aside.
    #[must_use]
    pub fn reserved(&self) -> u64 {
        self.reserved
    }

    /// Units sold that do not exist.
    #[must_use]
    pub fn oversold(&self) -> u64 {
        self.sold.saturating_sub(self.stocked)
    }

    /// Reservations that ran out.
    #[must_use]
    pub fn expired(&self) -> u64 {
        self.expired
    }

    fn end(&mut self, reservation: u64) -> Option<u64> {
        let (units, until) = self.reservations.remove(&reservation)?;
        self.ends.remove(&(until, reservation));
        self.reserved -= units;
        Some(units)
    }
}

/// A copy of what is available, as a seller has it.
#[derive(Clone, Copy, Debug)]
pub struct StaleView {
    refresh_ns: u64,
    shown: u64,
    refreshed: Option<Timestamp>,
}

impl StaleView {
    /// A copy that was never made.
    #[must_use]
    pub fn new(refresh_ns: u64) -> Self {
        Self {
            refresh_ns,
            shown: 0,
            refreshed: None,
        }
    }

    /// When it should be refreshed; the origin of time if it was never made.
    #[must_use]
    pub fn next_due(&self) -> Timestamp {
        self.refreshed
            .map_or(Timestamp::ZERO, |at| at.plus(self.refresh_ns))
    }

    /// It is refreshed.
    pub fn refresh(&mut self, now: Timestamp, available: u64) {
        self.shown = available;
        self.refreshed = Some(now);
    }

    /// What it shows.
    #[must_use]
    pub fn shown(&self) -> u64 {
        self.shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_can_be_sold_again() {
        let mut stock = Stock::new(1);
        assert_eq!(stock.take(Timestamp(0), 1), Ok(()));
        stock.put_back(1);
        assert_eq!((stock.sold(), stock.available(Timestamp(1))), (0, 1));
        assert_eq!(stock.take(Timestamp(2), 1), Ok(()));
    }

    #[test]
    fn a_reservation_is_confirmed_released_or_runs_out() {
        let mut stock = Stock::new(10);
        let a = stock.reserve(Timestamp(0), 4, 100).unwrap();
        let b = stock.reserve(Timestamp(10), 4, 100).unwrap();
        let c = stock.reserve(Timestamp(20), 2, 100).unwrap();
        let none = StockError::SoldOut { available: 0 };
        assert_eq!(stock.take(Timestamp(20), 1), Err(none));
        assert_eq!(stock.confirm(Timestamp(30), a), Ok(()));
        assert_eq!(stock.release(Timestamp(30), b), Ok(()));
        assert_eq!(
            (stock.available(Timestamp(119)), stock.next_due()),
            (4, Some(Timestamp(120)))
        );
        assert_eq!(stock.available(Timestamp(120)), 6);
        assert_eq!(
            stock.confirm(Timestamp(120), c),
            Err(StockError::NoReservation)
        );
        assert_eq!((stock.sold(), stock.expired(), stock.oversold()), (4, 1, 0));
    }
}
