//! Adaptive throttling: a client refuses its own requests when its servers do.
//!
//! *Models:* a client that counts what it wanted to send and what was accepted over a sliding window, and rejects
//! by itself with a probability. *Formula:* p = max(0, (requests − K · accepts) / (requests + 1)) with K = 2, in
//! integers throughout. *Property:* a healthy server (accepts ≥ requests / K) sees every request; one that accepts
//! nothing is soon asked almost nothing, yet always something, so that recovery is noticed. *Leaves out:*
//! criticalities. *Source:* Google SRE book, "Handling overload", client-side throttling.

use super::window::SlidingWindow;
use crate::draw;
use crate::ids::Timestamp;
use rand::Rng;

/// The window of the SRE book, in nanoseconds.
pub const TWO_MINUTES_NS: u64 = 120_000_000_000;

/// The throttle of one client.
#[derive(Clone, Debug)]
pub struct AdaptiveThrottle {
    k_percent: u64,
    /// Requests and accepts.
    window: SlidingWindow,
}

impl AdaptiveThrottle {
    /// A throttle with K in percent (200 is usual: as many rejections reach the servers as requests they accept).
    #[must_use]
    pub fn new(k_percent: u32, window_ns: u64) -> Self {
        Self {
            k_percent: u64::from(k_percent),
            window: SlidingWindow::new(window_ns),
        }
    }

    /// Whether to send a request. It counts as wanted either way.
    pub fn try_send(&mut self, now: Timestamp, rng: &mut dyn Rng) -> bool {
        let (excess, of) = self.odds(now);
        self.window.add(now, [1, 0]);
        excess == 0 || draw::below(rng, of) >= excess
    }

    /// A server accepted a request, whatever came of it then.
    pub fn on_accepted(&mut self, now: Timestamp) {
        self.window.add(now, [0, 1]);
    }

    /// The probability that the next request is rejected here.
    #[must_use]
    pub fn rejection(&mut self, now: Timestamp) -> f64 {
        let (excess, of) = self.odds(now);
        excess as f64 / of as f64
    }

    /// Numerator and denominator of the formula, times 100.
    fn odds(&mut self, now: Timestamp) -> (u64, u64) {
        let [requests, accepts] = self.window.totals(now);
        let excess = (requests * 100).saturating_sub(accepts * self.k_percent);
        (excess, (requests + 1) * 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::testing::TestRng;

    #[test]
    fn the_formula_holds() {
        let mut throttle = AdaptiveThrottle::new(200, TWO_MINUTES_NS);
        let mut rng = TestRng(1);
        for _ in 0..100 {
            throttle.try_send(Timestamp(0), &mut rng);
        }
        (0..20).for_each(|_| throttle.on_accepted(Timestamp(0)));
        assert!((throttle.rejection(Timestamp(0)) - 60.0 / 101.0).abs() < 1e-12);
        (0..30).for_each(|_| throttle.on_accepted(Timestamp(0)));
        assert_eq!(throttle.rejection(Timestamp(0)), 0.0);
        assert_eq!(throttle.rejection(Timestamp(2 * TWO_MINUTES_NS)), 0.0);
    }
}
