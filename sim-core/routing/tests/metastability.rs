//! Retry amplification and metastable failure: a FIFO server of 1 000 requests per second works at a tenth of its
//! speed from second 20 to 30, while clients time out after 1 s and try again (algorithms.md 3.6, concept C105).

mod common;

use common::{TestRng, near};
use routing::Timestamp;
use routing::overload::{Arrival, OverloadPolicy, Turn};
use routing::retry::{
    AdaptiveThrottle, Attempts, BreakerOptions, CircuitBreaker, Deadline, Permit, RetryBudget,
    RetryPolicy, Step, Wake,
};
use routing::session::{Backoff, ReconnectPolicy};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;
const TRIGGER: std::ops::Range<u64> = 20 * SECOND..30 * SECOND;
const END: u64 = 400 * SECOND;

/// What the clients and the server do about overload.
#[derive(Clone, Default)]
struct Design {
    retries: u32,
    backoff: Option<ReconnectPolicy>,
    budget: Option<RetryBudget>,
    throttle: Option<AdaptiveThrottle>,
    breaker: Option<CircuitBreaker>,
    server: OverloadPolicy,
}

fn retries(retries: u32) -> Design {
    Design {
        retries,
        ..Design::default()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Arrives,
    Served,
    Wakes(usize),
}

struct Waiting {
    request: usize,
    attempt: u32,
    deadline: Deadline,
    permit: Option<Permit>,
}

struct World {
    design: Design,
    policy: RetryPolicy,
    rate: f64,
    rng: TestRng,
    now: Timestamp,
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    scheduled: u64,
    requests: Vec<Attempts>,
    permits: Vec<Option<Permit>>,
    queue: VecDeque<Waiting>,
    in_service: Option<Waiting>,
    last_failure: u64,
}

impl World {
    fn new(design: &Design, utilization: f64, seed: u64) -> Self {
        let immediate = RetryPolicy::immediate(SECOND, design.retries);
        let backoff = design.backoff.unwrap_or(immediate.backoff);
        Self {
            design: design.clone(),
            policy: RetryPolicy {
                backoff,
                ..immediate
            },
            rate: utilization * 1_000.0,
            rng: TestRng(seed),
            now: Timestamp::ZERO,
            events: BinaryHeap::new(),
            scheduled: 0,
            requests: Vec::new(),
            permits: Vec::new(),
            queue: VecDeque::new(),
            in_service: None,
            last_failure: 0,
        }
    }

    /// When the last attempt failed that failed because of the trigger, in seconds; `None` if attempts still fail
    /// at the end.
    fn recovery(mut self) -> Option<f64> {
        self.schedule(0, Event::Arrives);
        while let Some(Reverse((at, _, event))) = self.events.pop()
            && at < END
        {
            self.now = Timestamp(at);
            match event {
                Event::Arrives => self.arrive(),
                Event::Served => self.served(),
                Event::Wakes(request) => self.wake(request),
            }
            let calm = self.last_failure + 5 * SECOND < at;
            if at > TRIGGER.end && calm && self.queue.is_empty() {
                return Some(self.last_failure.max(TRIGGER.end) as f64 / 1e9);
            }
        }
        None
    }

    fn schedule(&mut self, at: u64, event: Event) {
        self.scheduled += 1;
        self.events.push(Reverse((at, self.scheduled, event)));
    }

    fn exponential(&mut self, mean_ns: f64) -> u64 {
        (-libm::log(1.0 - self.rng.unit()) * mean_ns) as u64
    }

    fn arrive(&mut self) {
        let wait = self.exponential(SECOND as f64 / self.rate);
        self.schedule(self.now.0 + wait, Event::Arrives);
        if let Some(budget) = &mut self.design.budget {
            budget.on_request();
        }
        let request = self.requests.len();
        self.requests
            .push(Attempts::new(self.policy, self.now, Deadline::NONE));
        self.permits.push(None);
        self.send(request);
    }

    fn wake(&mut self, request: usize) {
        let due = self.requests[request].next_timeout();
        let Some((_, why)) = due.filter(|&(at, _)| at <= self.now) else {
            return;
        };
        if why == Wake::TimedOut {
            self.failed(request);
        }
        let step =
            self.requests[request].on_timeout(self.now, self.design.budget.as_mut(), &mut self.rng);
        self.follow(request, step);
    }

    fn follow(&mut self, request: usize, step: Step) {
        match step {
            Step::Send { .. } => self.send(request),
            Step::Wait => self.schedule_wake(request),
            Step::GiveUp(_) => {}
        }
    }

    fn schedule_wake(&mut self, request: usize) {
        if let Some((at, _)) = self.requests[request].next_timeout() {
            self.schedule(at.0, Event::Wakes(request));
        }
    }

    fn send(&mut self, request: usize) {
        self.schedule_wake(request);
        let allowed = match (&mut self.design.throttle, &mut self.design.breaker) {
            (Some(throttle), _) => throttle.try_send(self.now, &mut self.rng),
            (None, Some(breaker)) => {
                self.permits[request] = breaker.try_call(self.now);
                self.permits[request].is_some()
            }
            (None, None) => true,
        };
        if !allowed || self.design.server.on_arrival(self.queue.len()) == Arrival::Shed {
            self.refuse(request);
            return;
        }
        self.queue.push_back(Waiting {
            request,
            attempt: self.requests[request].attempt(),
            deadline: self.requests[request].attempt_deadline(),
            permit: self.permits[request],
        });
        self.serve_next();
    }

    fn refuse(&mut self, request: usize) {
        self.failed(request);
        let attempt = self.requests[request].attempt();
        let step = self.requests[request].on_error(
            self.now,
            attempt,
            self.design.budget.as_mut(),
            &mut self.rng,
        );
        self.follow(request, step);
    }

    fn failed(&mut self, request: usize) {
        self.last_failure = self.now.0;
        if let (Some(breaker), Some(permit)) =
            (&mut self.design.breaker, self.permits[request].take())
        {
            breaker.on_result(self.now, permit, false);
        }
    }

    fn serve_next(&mut self) {
        while self.in_service.is_none()
            && let Some(next) = self.queue.pop_front()
        {
            if self.design.server.on_turn(self.now, next.deadline) == Turn::Drop {
                continue;
            }
            let slowed = TRIGGER.contains(&self.now.0);
            let service = self.exponential(if slowed { 10.0 } else { 1.0 } * MS as f64);
            self.in_service = Some(next);
            self.schedule(self.now.0 + service, Event::Served);
        }
    }

    fn served(&mut self) {
        if let Some(done) = self.in_service.take()
            && self.requests[done.request].on_answer(done.attempt)
        {
            if let Some(throttle) = &mut self.design.throttle {
                throttle.on_accepted(self.now);
            }
            if let (Some(breaker), Some(permit)) = (&mut self.design.breaker, done.permit) {
                breaker.on_result(self.now, permit, true);
            }
        }
        self.serve_next();
    }
}

/// Mean and standard deviation of the recovery over seeds, in seconds; `None` if none recovered, a panic if only
/// some did.
fn recovery(design: &Design, utilization: f64, seeds: u64) -> Option<(f64, f64)> {
    let runs: Vec<Option<f64>> = (0..seeds)
        .map(|seed| World::new(design, utilization, seed).recovery())
        .collect();
    let times: Vec<f64> = runs.iter().flatten().copied().collect();
    assert!(
        times.is_empty() || times.len() == runs.len(),
        "only some recover: {runs:?}"
    );
    let n = times.len() as f64;
    let mean = times.iter().sum::<f64>() / n;
    let squares: f64 = times.iter().map(|time| (time - mean) * (time - mean)).sum();
    (!times.is_empty()).then(|| (mean, (squares / (n - 1.0)).sqrt()))
}

/// Runs and compares with the published time of recovery, `None` for never. A published time is one draw: the mean
/// must be within 15 % of it, or it must lie among the runs (two standard deviations), which matters where the
/// backlog drains slowly. Runs that never recover are long, so there are few of them.
fn check(name: &str, design: &Design, utilization: f64, published: Option<f64>) {
    let seeds = if published.is_some() { 20 } else { 3 };
    let found = recovery(design, utilization, seeds);
    println!("{name}, utilisation {utilization}: {found:.1?} s ({published:?} published)");
    match (found, published) {
        (Some((mean, sd)), Some(published)) => {
            let among = (mean - published).abs() <= 2.0 * sd;
            assert!(among || near(mean, published, 15.0), "{name}: {mean}");
        }
        _ => assert!(
            found.is_none() && published.is_none(),
            "{name} at {utilization}"
        ),
    }
}

#[test]
fn retries_must_leave_room() {
    check("no retry", &retries(0), 0.7, Some(46.0));
    check("1 retry", &retries(1), 0.45, Some(86.0));
    check("1 retry", &retries(1), 0.5, None);
    check("3 retries", &retries(3), 0.2, Some(50.0));
    check("3 retries", &retries(3), 0.24, Some(149.0));
    check("3 retries", &retries(3), 0.27, None);
    check("3 retries", &retries(3), 0.7, None);
}

#[test]
fn backoff_alone_does_not_help() {
    for base_ns in [100 * MS, SECOND] {
        let design = Design {
            backoff: Some(ReconnectPolicy::new(
                Backoff::FullJitter,
                base_ns,
                64 * SECOND,
            )),
            ..retries(3)
        };
        check("full jitter", &design, 0.7, None);
    }
}

#[test]
fn a_budget_helps_while_there_is_headroom() {
    let design = Design {
        budget: Some(RetryBudget::new(10, 100)),
        ..retries(3)
    };
    check("budget of 10 %", &design, 0.7, Some(53.0));
    check("budget of 10 %", &design, 0.9, None);
    check("budget of 10 %", &design, 0.95, None);
}

#[test]
fn a_server_that_refuses_early_recovers() {
    let shedding = Design {
        server: OverloadPolicy {
            max_queue: Some(500),
            ..OverloadPolicy::default()
        },
        ..retries(3)
    };
    check("shedding at 500", &shedding, 0.7, Some(30.0));
    check("shedding at 500", &shedding, 0.9, Some(30.0));
    let dropping = Design {
        server: OverloadPolicy {
            drop_dead_work: true,
            ..OverloadPolicy::default()
        },
        ..retries(3)
    };
    check("dropping dead work", &dropping, 0.7, Some(38.0));
}

#[test]
fn a_client_that_refuses_itself_recovers() {
    let throttled = Design {
        throttle: Some(AdaptiveThrottle::new(200, 10 * SECOND)),
        ..retries(3)
    };
    let broken = Design {
        breaker: Some(CircuitBreaker::new(BreakerOptions::default())),
        ..retries(3)
    };
    for (name, design) in [("throttle", throttled), ("breaker", broken)] {
        let found = recovery(&design, 0.7, 20);
        println!("{name}, utilisation 0.7: {found:?} (nothing published)");
        assert!(
            found.is_some_and(|(mean, _)| mean < 120.0),
            "{name}: {found:?}"
        );
    }
}
