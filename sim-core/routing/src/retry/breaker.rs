//! Circuit breakers: stop calling what keeps failing, then probe.
//!
//! *Models:* *closed*, calls pass and their results are counted over a sliding window; too large a share of
//! failures among enough calls opens it. *Open*, no call passes for a while. *Half-open*, a few probes pass: if all
//! succeed it closes with a clean window, if one fails it opens again. *Property:* the only transitions are closed
//! → open → half-open → closed or open; results of calls from before a transition do not count.
//! *Formula:* opens when failures · 100 ≥ percent · calls, and calls ≥ least. *Leaves out:* slow calls that
//! succeed. *Source:* M. Nygard, "Release it!"; Hystrix; resilience4j.

use super::window::SlidingWindow;
use crate::ids::Timestamp;

/// When a breaker opens and closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerOptions {
    /// How far back results count, in nanoseconds.
    pub window_ns: u64,
    /// Calls below which it does not open.
    pub least_calls: u32,
    /// Percent of failures at which it opens.
    pub failure_percent: u32,
    /// How long it stays open, in nanoseconds.
    pub open_ns: u64,
    /// Probes that must all succeed; at least 1.
    pub probes: u32,
}

impl Default for BreakerOptions {
    /// Half of at least 20 calls within 10 s; open for 5 s; one probe. (Hystrix.)
    fn default() -> Self {
        Self {
            window_ns: 10_000_000_000,
            least_calls: 20,
            failure_percent: 50,
            open_ns: 5_000_000_000,
            probes: 1,
        }
    }
}

/// The state of a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BreakerState {
    /// Calls pass.
    Closed,
    /// No call passes.
    Open,
    /// Probes pass.
    HalfOpen,
}

/// Leave to make one call; it goes back with the result, or a probe's place stays taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permit {
    /// How many transitions had been when it was given.
    era: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Open { until: Timestamp },
    HalfOpen { given: u32, succeeded: u32 },
}

/// A circuit breaker.
#[derive(Clone, Debug)]
pub struct CircuitBreaker {
    options: BreakerOptions,
    state: State,
    /// Calls and failures.
    window: SlidingWindow,
    era: u32,
}

impl CircuitBreaker {
    /// A closed breaker.
    #[must_use]
    pub fn new(options: BreakerOptions) -> Self {
        Self {
            options,
            state: State::Closed,
            window: SlidingWindow::new(options.window_ns),
            era: 0,
        }
    }

    /// Its state at `now`.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> BreakerState {
        match self.state {
            State::Closed => BreakerState::Closed,
            State::Open { until } if now < until => BreakerState::Open,
            State::Open { .. } | State::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// Leave for a call, which must report its result; `None` if it may not be made.
    pub fn try_call(&mut self, now: Timestamp) -> Option<Permit> {
        if let State::Open { until } = self.state
            && now >= until
        {
            let (given, succeeded) = (0, 0);
            self.enter(State::HalfOpen { given, succeeded });
        }
        let passes = match &mut self.state {
            State::Closed => true,
            State::Open { .. } => false,
            State::HalfOpen { given, .. } => {
                let free = *given < self.options.probes.max(1);
                *given += u32::from(free);
                free
            }
        };
        passes.then_some(Permit { era: self.era })
    }

    /// A call succeeded or failed.
    pub fn on_result(&mut self, now: Timestamp, permit: Permit, succeeded: bool) {
        if permit.era != self.era {
            return;
        }
        match self.state {
            State::Closed => self.count(now, succeeded),
            State::Open { .. } => {}
            State::HalfOpen { .. } if !succeeded => self.open(now),
            State::HalfOpen { succeeded, .. } if succeeded + 1 >= self.options.probes.max(1) => {
                self.window.clear();
                self.enter(State::Closed);
            }
            State::HalfOpen { given, succeeded } => {
                let succeeded = succeeded + 1;
                self.state = State::HalfOpen { given, succeeded };
            }
        }
    }

    fn count(&mut self, now: Timestamp, succeeded: bool) {
        self.window.add(now, [1, u64::from(!succeeded)]);
        let [calls, failures] = self.window.totals(now);
        let enough = calls >= u64::from(self.options.least_calls);
        let failing = failures * 100 >= calls * u64::from(self.options.failure_percent);
        if enough && failing && !succeeded {
            self.open(now);
        }
    }

    fn open(&mut self, now: Timestamp) {
        let until = now.plus(self.options.open_ns);
        self.enter(State::Open { until });
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.era = self.era.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: BreakerOptions = BreakerOptions {
        window_ns: 1_600,
        least_calls: 4,
        failure_percent: 50,
        open_ns: 500,
        probes: 2,
    };

    fn call(breaker: &mut CircuitBreaker, now: u64, succeeded: bool) -> BreakerState {
        let permit = breaker.try_call(Timestamp(now)).unwrap();
        breaker.on_result(Timestamp(now), permit, succeeded);
        breaker.state(Timestamp(now))
    }

    fn opened() -> CircuitBreaker {
        let mut breaker = CircuitBreaker::new(OPTIONS);
        let states = [true, true, false, false].map(|ok| call(&mut breaker, 10, ok));
        use BreakerState::{Closed, Open};
        assert_eq!(states, [Closed, Closed, Closed, Open]);
        breaker
    }

    #[test]
    fn probes_close_it() {
        let mut breaker = opened();
        assert_eq!(breaker.try_call(Timestamp(509)), None);
        assert_eq!(breaker.state(Timestamp(510)), BreakerState::HalfOpen);
        assert_eq!(call(&mut breaker, 510, true), BreakerState::HalfOpen);
        let last = breaker.try_call(Timestamp(511)).unwrap();
        assert_eq!(breaker.try_call(Timestamp(511)), None, "two probes at once");
        breaker.on_result(Timestamp(520), last, true);
        assert_eq!(breaker.state(Timestamp(520)), BreakerState::Closed);
        assert_eq!(
            call(&mut breaker, 521, false),
            BreakerState::Closed,
            "clean"
        );
    }

    #[test]
    fn a_failed_probe_opens_it_again_and_old_calls_do_not_count() {
        let mut breaker = opened();
        let probe = breaker.try_call(Timestamp(600)).unwrap();
        breaker.on_result(Timestamp(610), probe, false);
        assert_eq!(breaker.state(Timestamp(1_109)), BreakerState::Open);
        assert_eq!(breaker.state(Timestamp(1_110)), BreakerState::HalfOpen);
        let now = Timestamp(1_110);
        let fresh = breaker.try_call(now).unwrap();
        breaker.on_result(now, probe, true);
        breaker.on_result(now, probe, false);
        assert_eq!(breaker.state(now), BreakerState::HalfOpen);
        breaker.on_result(now, fresh, false);
        assert_eq!(breaker.state(now), BreakerState::Open);
    }
}
