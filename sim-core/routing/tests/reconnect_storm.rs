//! 100 000 clients lose their connection within 100 ms; the server admits 5 000 per second with a burst of
//! 1 000 (a fifth of a second's worth) and rejects the rest (algorithms.md 3.6, concept C028).
//! Some ten million tries: run it in release, where it takes about eight CPU-seconds.

#![allow(
    clippy::disallowed_methods,
    reason = "tests read fixtures and compare with the platform's own functions"
)]

mod common;

use common::{TestRng, near};
use routing::Timestamp;
use routing::session::{AcceptLimiter, Backoff, ReconnectPolicy};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

const CLIENTS: u32 = 100_000;
const SECOND: u64 = 1_000_000_000;
const BIN: u64 = SECOND / 10;

#[derive(Debug, Default)]
struct Storm {
    attempts: f64,
    peak: u32,
    back: f64,
    t50: f64,
    t95: f64,
    all: f64,
}

fn storm(policy: ReconnectPolicy, rate: u32, seed: u64) -> Storm {
    let mut rng = TestRng(seed);
    let mut limiter = AcceptLimiter::new(rate, rate / 5);
    let mut queue = BinaryHeap::new();
    for client in 0..CLIENTS {
        let lost = rng.below(BIN);
        let wait = policy.delay(0, 0, &mut rng);
        queue.push(Reverse((lost + wait, client, 0u32, wait)));
    }
    let mut bins = vec![0u32; 36_001];
    let (mut attempts, mut back) = (0u64, Vec::new());
    while let Some(Reverse((at, client, attempt, wait))) = queue.pop() {
        if at >= 3_600 * SECOND {
            break;
        }
        attempts += 1;
        bins[(at / BIN) as usize] += 1;
        if limiter.try_accept(Timestamp(at)) {
            back.push(at);
            continue;
        }
        let wait = policy.delay(attempt + 1, wait, &mut rng);
        queue.push(Reverse((at + wait, client, attempt + 1, wait)));
    }
    let when = |share: f64| {
        back.get((f64::from(CLIENTS) * share) as usize - 1)
            .map_or(f64::INFINITY, |&at| at as f64 / 1e9)
    };
    Storm {
        attempts: attempts as f64 / f64::from(CLIENTS),
        peak: bins[10..].iter().copied().max().unwrap_or(0),
        back: back.len() as f64 / f64::from(CLIENTS),
        t50: when(0.5),
        t95: when(0.95),
        all: when(1.0),
    }
}

fn policy(backoff: Backoff) -> ReconnectPolicy {
    ReconnectPolicy::new(backoff, SECOND, 64 * SECOND)
}

/// The mean over seeds.
fn mean(policy: ReconnectPolicy, rate: u32, seeds: u64) -> Storm {
    let mut mean = Storm::default();
    let n = seeds as f64;
    for seed in 0..seeds {
        let run = storm(policy, rate, seed);
        mean.attempts += run.attempts / n;
        mean.peak += (f64::from(run.peak) / n) as u32;
        mean.back += run.back / n;
        mean.t50 += run.t50 / n;
        mean.t95 += run.t95 / n;
        mean.all += run.all / n;
    }
    mean
}

fn check(name: &str, found: &Storm, attempts: f64, peak: f64, t50: f64, t95: f64) {
    println!(
        "{name}: {:.2} attempts, peak {}, 50 % {:.1} s, 95 % {:.1} s, all {:.1} s, {:.0} % back",
        found.attempts,
        found.peak,
        found.t50,
        found.t95,
        found.all,
        found.back * 100.0
    );
    assert!(
        near(found.attempts, attempts, 15.0),
        "{name}: {} attempts for {attempts}",
        found.attempts
    );
    assert!(
        near(f64::from(found.peak), peak, 15.0),
        "{name}: peak {} for {peak}",
        found.peak
    );
    assert!(
        near(found.t50, t50, 15.0),
        "{name}: half back at {} s for {t50} s",
        found.t50
    );
    assert!(
        t95.is_infinite() || near(found.t95, t95, 15.0),
        "{name}: 95 % back at {} s for {t95} s",
        found.t95
    );
}

#[test]
fn fixed_waits_return_in_step() {
    check(
        "fixed",
        &mean(policy(Backoff::Fixed), 5_000, 1),
        37.2,
        98_501.0,
        35.0,
        73.0,
    );
}

#[test]
fn exponential_without_jitter_starves_clients() {
    let found = mean(policy(Backoff::Exponential), 5_000, 1);
    check(
        "exponential",
        &found,
        35.5,
        98_501.0,
        1_982.0,
        f64::INFINITY,
    );
    assert!(
        near(found.back, 0.81, 5.0),
        "{} back after an hour",
        found.back
    );
}

#[test]
fn jitter_lowers_the_peak_and_the_work() {
    check(
        "equal jitter",
        &mean(policy(Backoff::EqualJitter), 5_000, 20),
        4.20,
        10_032.0,
        13.0,
        27.5,
    );
    check(
        "full jitter",
        &mean(policy(Backoff::FullJitter), 5_000, 20),
        4.20,
        7_256.0,
        9.8,
        24.9,
    );
    check(
        "decorrelated",
        &mean(policy(Backoff::DecorrelatedJitter), 5_000, 20),
        3.94,
        6_115.0,
        10.5,
        23.4,
    );
}

#[test]
fn a_spread_first_attempt_needs_no_second() {
    let spread = policy(Backoff::FullJitter).spread_first(20 * SECOND);
    let found = mean(spread, 5_000, 20);
    check("spread over 20 s", &found, 1.0, 560.0, 10.0, 19.0);
    assert!(near(found.all, 20.0, 15.0));
}

#[test]
fn a_faster_server_ends_the_storm_sooner() {
    let fixed = mean(policy(Backoff::Fixed), 20_000, 1);
    println!("20 K/s fixed: {fixed:?}");
    assert!(
        near(fixed.attempts, 9.6, 15.0) && near(fixed.all, 19.0, 15.0),
        "{fixed:?}"
    );
    let full = mean(policy(Backoff::FullJitter), 20_000, 20);
    assert!(
        near(full.attempts, 2.65, 15.0) && near(full.t95, 5.8, 15.0),
        "{full:?}"
    );
}
