//! Retry budgets: retries as a share of the requests.
//!
//! *Models:* a token bucket. Every request earns a share of a token, every retry takes a whole one or is not sent.
//! *Formula:* retries ≤ burst + percent/100 · requests, over any stretch of time; in hundredths of a token, so that
//! nothing is rounded. *Property:* the load on a server that answers nobody is at most 1 + percent/100 times the
//! requests, and not 1 + R times. *Leaves out:* the ageing of earned tokens; the burst bounds them.
//! *Source:* Google SRE book, "Handling overload" (10 % per client); Finagle `RetryBudget`.

const TOKEN: u64 = 100;

/// A budget of retries.
#[derive(Clone, Debug)]
pub struct RetryBudget {
    percent: u64,
    /// In hundredths of a token.
    full: u64,
    level: u64,
}

impl RetryBudget {
    /// A full bucket: retries may be `percent` of the requests, and `burst` at once.
    #[must_use]
    pub fn new(percent: u32, burst: u32) -> Self {
        let full = u64::from(burst) * TOKEN;
        Self {
            percent: u64::from(percent),
            full,
            level: full,
        }
    }

    /// A request was sent for the first time.
    pub fn on_request(&mut self) {
        self.level = (self.level + self.percent).min(self.full);
    }

    /// Takes a token for a retry, if there is one.
    pub fn try_retry(&mut self) -> bool {
        let allowed = self.level >= TOKEN;
        if allowed {
            self.level -= TOKEN;
        }
        allowed
    }

    /// Whole retries left.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.level / TOKEN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_requests_earn_a_retry() {
        let mut budget = RetryBudget::new(10, 3);
        assert_eq!((0..5).filter(|_| budget.try_retry()).count(), 3);
        (0..9).for_each(|_| budget.on_request());
        assert!(!budget.try_retry());
        budget.on_request();
        assert!(budget.try_retry() && !budget.try_retry());
        (0..1_000).for_each(|_| budget.on_request());
        assert_eq!(budget.left(), 3, "no more than the burst");
    }
}
