//! Retry control: a budget is never exceeded, a breaker makes no transition but the published ones, a throttle
//! keeps asking, a request ends once, and a deadline only shrinks.

mod common;

use common::{TestRng, near, proptest_config};
use proptest::prelude::*;
use routing::Timestamp;
use routing::retry::{
    AdaptiveThrottle, Attempts, BreakerOptions, BreakerState, CircuitBreaker, Deadline,
    RetryBudget, RetryPolicy, Step,
};
use routing::session::{AcceptLimiter, Backoff, ReconnectPolicy};

const SECOND: u64 = 1_000_000_000;

proptest! {
    #![proptest_config(proptest_config(300))]

    #[test]
    fn a_budget_is_never_exceeded(percent in 0u32..100, burst in 0u32..50, steps in prop::collection::vec(any::<bool>(), 0..600)) {
        let mut budget = RetryBudget::new(percent, burst);
        let mut counts: Vec<(u64, u64)> = vec![(0, 0)];
        for is_request in steps {
            let &(mut requests, mut retries) = counts.last().unwrap();
            if is_request {
                budget.on_request();
                requests += 1;
            } else {
                retries += u64::from(budget.try_retry());
            }
            counts.push((requests, retries));
        }
        let &(requests, retries) = counts.last().unwrap();
        for (before, spent) in counts {
            let allowed = u64::from(burst) * 100 + u64::from(percent) * (requests - before);
            prop_assert!((retries - spent) * 100 <= allowed, "over every stretch up to now");
        }
    }

    #[test]
    fn a_breaker_makes_only_published_transitions(
        least_calls in 1u32..6, probes in 1u32..4, steps in prop::collection::vec((0u8..3, 0u64..400), 0..200),
    ) {
        let options = BreakerOptions { window_ns: 2_000, least_calls, failure_percent: 50, open_ns: 500, probes };
        let mut breaker = CircuitBreaker::new(options);
        let (mut now, mut out) = (Timestamp::ZERO, Vec::new());
        let (mut state, mut opened, mut passed) = (BreakerState::Closed, now, 0);
        for (what, wait) in steps {
            now = now.plus(wait);
            let before = breaker.state(now);
            if before == BreakerState::HalfOpen && state == BreakerState::Open {
                prop_assert!(now.since(opened) >= options.open_ns, "half-open only after the wait");
                passed = 0;
            } else {
                prop_assert_eq!(before, state, "time alone changes nothing else");
            }
            if what == 0 {
                let permit = breaker.try_call(now);
                passed += u32::from(permit.is_some());
                prop_assert!(before != BreakerState::Open || permit.is_none());
                prop_assert!(before != BreakerState::Closed || permit.is_some());
                prop_assert!(before != BreakerState::HalfOpen || passed <= probes);
                out.extend(permit);
            } else if let Some(permit) = out.pop() {
                breaker.on_result(now, permit, what == 1);
            }
            state = breaker.state(now);
            let allowed = match (before, state) {
                (a, b) if a == b => true,
                (BreakerState::Closed, BreakerState::Open) => what == 2,
                (BreakerState::HalfOpen, BreakerState::Open) => what == 2,
                (BreakerState::HalfOpen, BreakerState::Closed) => what == 1 && passed >= probes,
                _ => false,
            };
            prop_assert!(allowed, "{before:?} to {state:?}");
            if before != state && state == BreakerState::Open {
                opened = now;
            }
        }
    }

    #[test]
    fn a_request_ends_once_within_its_limits(
        max_attempts in 1u32..6, base_ns in 0u64..50, deadline in 1u64..1_000, seed: u64,
        steps in prop::collection::vec((0u8..3, 0u32..6, 0u64..200), 0..60),
    ) {
        let policy = RetryPolicy {
            timeout_ns: 100,
            max_attempts,
            backoff: ReconnectPolicy::new(Backoff::FullJitter, base_ns, 200),
        };
        let deadline = Deadline::at(Timestamp(deadline));
        let mut request = Attempts::new(policy, Timestamp::ZERO, deadline);
        let (mut rng, mut now) = (TestRng(seed), Timestamp::ZERO);
        let (mut sent, mut ends) = (1, 0);
        for (what, attempt, wait) in steps {
            let live = request.next_timeout();
            if let Some((at, _)) = live {
                prop_assert!(at <= deadline.time(), "nothing is awaited beyond the deadline");
                now = now.plus(wait).min(at);
            }
            let step = match what {
                0 => request.on_timeout(now, None, &mut rng),
                1 => request.on_error(now, attempt, None, &mut rng),
                _ => {
                    ends += u32::from(request.on_answer(attempt));
                    Step::Wait
                }
            };
            match step {
                Step::Send { attempt } => {
                    prop_assert_eq!(attempt, sent);
                    prop_assert!(!deadline.has_passed(now));
                    sent += 1;
                }
                Step::GiveUp(_) => ends += 1,
                Step::Wait => {}
            }
            prop_assert!(sent <= max_attempts && ends <= 1);
            prop_assert_eq!(request.next_timeout().is_none(), ends == 1);
        }
    }

    #[test]
    fn a_deadline_only_shrinks(total in 1u64..1_000, hops in prop::collection::vec((0u64..200, 0u64..100), 0..10)) {
        let mut now = Timestamp(5);
        let mut deadline = Deadline::after(now, total);
        for (wait, reserve) in hops {
            now = now.plus(wait);
            let Some(next) = deadline.hand_down(now, reserve) else {
                prop_assert!(deadline.remaining_ns(now) <= reserve);
                break;
            };
            prop_assert_eq!(next.time().0 + reserve, deadline.time().0);
            prop_assert!(!next.has_passed(now));
            deadline = next;
        }
    }
}

/// Requests sent per second in the steady state, of 1 000 wanted, if the server accepts `capacity`.
fn throttled(capacity: u32) -> u64 {
    let mut throttle = AdaptiveThrottle::new(200, 10 * SECOND);
    let mut server = AcceptLimiter::new(capacity, 10);
    let mut rng = TestRng(1);
    let mut sent = 0;
    for i in 0..60_000 {
        let now = Timestamp(i * SECOND / 1_000);
        if throttle.try_send(now, &mut rng) {
            sent += u64::from(now.0 >= 30 * SECOND);
            if server.try_accept(now) {
                throttle.on_accepted(now);
            }
        }
    }
    sent / 30
}

#[test]
fn a_throttle_sends_twice_what_is_accepted_and_always_something() {
    assert_eq!(throttled(1_000), 1_000, "a healthy server sees all");
    for capacity in [50, 200, 400, 500] {
        let sent = throttled(capacity);
        let formula = 2 * capacity;
        println!("{capacity} of 1 000 accepted: {sent} sent per second ({formula} by formula)");
        assert!(near(sent as f64, f64::from(formula), 5.0));
    }
    let mut throttle = AdaptiveThrottle::new(200, 10 * SECOND);
    let mut rng = TestRng(1);
    let sent =
        (0..600_000u64).filter(|i| throttle.try_send(Timestamp(i * SECOND / 1_000), &mut rng));
    let sent = sent.count();
    println!("a dead server is asked {sent} times in 600 s of 1 000 requests per second");
    assert!((20..2_000).contains(&sent));
}
