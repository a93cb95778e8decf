//! The published properties of balancing policies: balls into bins, weights, slow start, draining, stale
//! information, rolling restarts (concept C023 and algorithms.md 3.2).

#![allow(
    clippy::disallowed_methods,
    reason = "tests read fixtures and compare with the platform's own functions"
)]

mod common;

use common::{TestRng, near, peak};
use rand::Rng;
use routing::balance::{RollingAction, RollingRestart};
use routing::{
    Backend, BackendState, Balancer, LoadBalancer, Options, Policy, ServerId, Timestamp,
};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

const SEEDS: u64 = 20;

fn backends(n: u16) -> Vec<Backend> {
    (0..n).map(|id| Backend::new(ServerId(id))).collect()
}

fn all_policies() -> [Policy; 10] {
    [
        Policy::Random,
        Policy::RoundRobin,
        Policy::LeastConnections,
        Policy::Choices { d: 2 },
        Policy::Ring { virtual_nodes: 100 },
        Policy::BoundedRing {
            virtual_nodes: 100,
            factor_percent: 125,
        },
        Policy::Rendezvous,
        Policy::Jump,
        Policy::Maglev { table: 5_003 },
        Policy::Slots,
    ]
}

fn open(balancer: &mut LoadBalancer, now: Timestamp, rng: &mut TestRng) -> ServerId {
    let key = rng.next_u64();
    let server = balancer.pick(now, key, rng).expect("some backend is up");
    balancer.on_opened(now, server);
    server
}

fn loads(balancer: &LoadBalancer) -> Vec<u32> {
    balancer.backends().map(|(_, open)| open).collect()
}

/// The mean over seeds of the fullest of n bins after m balls.
fn fullest(policy: Policy, n: u16, m: u32, seeds: u64) -> f64 {
    let mut sum = 0.0;
    for seed in 0..seeds {
        let mut rng = TestRng(seed);
        let mut balancer = LoadBalancer::new(policy, Options::default(), &backends(n));
        for _ in 0..m {
            open(&mut balancer, Timestamp(0), &mut rng);
        }
        sum += f64::from(loads(&balancer).into_iter().max().unwrap_or(0));
    }
    sum / seeds as f64
}

#[test]
fn balls_into_bins() {
    let random = fullest(Policy::Random, 1_000, 1_000, 100);
    let two = fullest(Policy::Choices { d: 2 }, 1_000, 1_000, 100);
    println!("1 000 balls in 1 000 bins: random {random:.2}, two choices {two:.2}");
    assert!(near(random, 5.45, 4.0) && near(two, 3.0, 4.0));
    let random = fullest(Policy::Random, 1_000, 100_000, SEEDS);
    let two = fullest(Policy::Choices { d: 2 }, 1_000, 100_000, SEEDS);
    println!("100 000 balls in 1 000 bins: random {random:.1}, two choices {two:.1}");
    assert!(near(random, 133.0, 4.0) && near(two, 102.0, 1.0));
}

#[test]
fn balls_into_many_bins() {
    // Row Y-balls: n = 10^5 gives 7-8 and 3-4. Server ids end at 65 534, so that many bins are used.
    let random = fullest(Policy::Random, 65_000, 65_000, 20);
    let two = fullest(Policy::Choices { d: 2 }, 65_000, 65_000, 20);
    println!("65 000 balls in as many bins: random {random:.2}, two choices {two:.2}");
    assert!((7.0..=8.5).contains(&random) && (3.0..=4.0).contains(&two));
}

#[test]
fn connect_only_imbalance_of_a_hundred_thousand_on_ten() {
    let bound = [
        (Policy::LeastConnections, 1.001),
        (Policy::Choices { d: 2 }, 1.02),
        (Policy::Random, 1.03),
    ];
    for (policy, most) in bound {
        let peak = fullest(policy, 10, 100_000, SEEDS) / 10_000.0;
        println!("{policy:?}: {peak:.4}");
        assert!(peak <= most);
    }
    assert!(fullest(Policy::RoundRobin, 10, 100_001, 1) <= 10_001.0);
}

#[test]
fn least_connections_spread_is_at_most_one() {
    let mut rng = TestRng(3);
    let mut balancer =
        LoadBalancer::new(Policy::LeastConnections, Options::default(), &backends(7));
    for _ in 0..1_000 {
        open(&mut balancer, Timestamp(0), &mut rng);
        let loads = loads(&balancer);
        assert!(loads.iter().max().unwrap() - loads.iter().min().unwrap() <= 1);
    }
}

/// Ten servers with 10 000 connections each restart one after the other; what a server drops connects again
/// at once. Returns peak over mean and the last server's load over the mean.
fn rolling_restart(policy: Policy, seed: u64) -> (f64, f64) {
    let mut rng = TestRng(seed);
    let mut balancer = LoadBalancer::new(policy, Options::default(), &backends(10));
    for i in 0..100_000u32 {
        balancer.on_opened(Timestamp(0), ServerId((i % 10) as u16));
    }
    let order: Vec<ServerId> = (0..10).map(ServerId).collect();
    let mut plan = RollingRestart::new(&order, Timestamp(0), 1_000, 1_000, 1_000);
    while let Some(now) = plan.next_action_at() {
        match plan.poll(now) {
            Some(RollingAction::Drain(server)) => {
                balancer.set_state(now, server, BackendState::Draining);
                assert!(
                    balancer.open(server) > 0 || server == ServerId(9),
                    "draining keeps what is there"
                );
            }
            Some(RollingAction::Stop(server)) => {
                balancer.set_state(now, server, BackendState::Down);
                for _ in 0..balancer.open(server) {
                    balancer.on_closed(now, server);
                    assert_ne!(open(&mut balancer, now, &mut rng), server);
                }
            }
            Some(RollingAction::Start(server)) => {
                balancer.set_state(now, server, BackendState::Up);
            }
            Some(RollingAction::Finished) | None => {}
        }
    }
    let loads = loads(&balancer);
    assert_eq!(loads.iter().sum::<u32>(), 100_000);
    (peak(&loads), f64::from(loads[9]) / 1e4)
}

#[test]
fn a_rolling_restart_leaves_the_published_imbalance() {
    for (policy, expected) in [
        (Policy::Random, 1.77),
        (Policy::Choices { d: 2 }, 1.41),
        (Policy::LeastConnections, 1.11),
    ] {
        let runs: Vec<(f64, f64)> = (0..SEEDS)
            .map(|seed| rolling_restart(policy, seed))
            .collect();
        let mean = runs.iter().map(|run| run.0).sum::<f64>() / SEEDS as f64;
        println!("rolling restart, {policy:?}: {mean:.3} ({expected})");
        assert!(near(mean, expected, 5.0), "{policy:?}: {mean}");
        assert!(
            runs.iter().all(|run| run.1 < 0.01),
            "the last server is (nearly) empty"
        );
    }
}

#[test]
fn weights_are_honoured() {
    let weighted: Vec<Backend> = (0..4)
        .map(|i| Backend {
            id: ServerId(i),
            weight: u32::from(i) + 1,
        })
        .collect();
    let exact = [Policy::RoundRobin, Policy::LeastConnections];
    let by_chance = [
        Policy::Random,
        Policy::Ring {
            virtual_nodes: 2_000,
        },
        Policy::Rendezvous,
        Policy::Maglev { table: 65_537 },
    ];
    for (policy, percent) in exact
        .map(|policy| (policy, 0.1))
        .into_iter()
        .chain(by_chance.map(|policy| (policy, 6.0)))
    {
        let mut rng = TestRng(5);
        let mut balancer = LoadBalancer::new(policy, Options::default(), &weighted);
        (0..100_000).for_each(|_| _ = open(&mut balancer, Timestamp(0), &mut rng));
        for (i, load) in loads(&balancer).into_iter().enumerate() {
            assert!(
                near(f64::from(load), 10_000.0 * (i + 1) as f64, percent),
                "{policy:?}: server {i} has {load}"
            );
        }
    }
}

#[test]
fn every_policy_avoids_backends_that_take_nothing() {
    for policy in all_policies() {
        let mut rng = TestRng(7);
        let mut balancer = LoadBalancer::new(policy, Options::default(), &backends(8));
        let now = Timestamp(1);
        (0..800).for_each(|_| _ = open(&mut balancer, now, &mut rng));
        balancer.set_state(now, ServerId(2), BackendState::Draining);
        balancer.set_state(now, ServerId(5), BackendState::Down);
        let kept = balancer.open(ServerId(2));
        for _ in 0..800 {
            let server = open(&mut balancer, now, &mut rng);
            assert!(server != ServerId(2) && server != ServerId(5), "{policy:?}");
        }
        assert_eq!(balancer.open(ServerId(2)), kept, "{policy:?}");
        balancer.remove(now, ServerId(0));
        balancer.add(now, Backend::new(ServerId(30)));
        let served: Vec<ServerId> = (0..2_000)
            .map(|_| open(&mut balancer, now, &mut rng))
            .collect();
        assert!(
            served.contains(&ServerId(30)) && !served.contains(&ServerId(0)),
            "{policy:?}"
        );
        let copy = balancer.clone();
        for (server, _) in copy.backends() {
            balancer.set_state(now, server, BackendState::Down);
        }
        assert_eq!(balancer.pick(now, 1, &mut rng), None, "{policy:?}");
        assert!(
            copy.clone().pick(now, 1, &mut rng).is_some(),
            "a clone goes its own way"
        );
    }
}

#[test]
fn placement_policies_send_a_key_to_one_backend_and_move_few() {
    for policy in &all_policies()[4..] {
        if matches!(policy, Policy::BoundedRing { .. }) {
            continue;
        }
        let mut rng = TestRng(8);
        let mut balancer = LoadBalancer::new(*policy, Options::default(), &backends(10));
        let owners = |balancer: &mut LoadBalancer, rng: &mut TestRng| -> Vec<Option<ServerId>> {
            (0..5_000)
                .map(|key| balancer.pick(Timestamp(0), key, rng))
                .collect()
        };
        let before = owners(&mut balancer, &mut rng);
        assert_eq!(before, owners(&mut balancer, &mut rng));
        balancer.set_state(Timestamp(0), ServerId(4), BackendState::Down);
        let after = owners(&mut balancer, &mut rng);
        let wrong = before
            .iter()
            .zip(&after)
            .filter(|(a, b)| a != b && **a != Some(ServerId(4)))
            .count();
        let allowed = if matches!(policy, Policy::Maglev { .. }) {
            250
        } else {
            0
        };
        assert!(
            wrong <= allowed,
            "{policy:?}: {wrong} of 5 000 keys moved without need"
        );
        balancer.set_state(Timestamp(0), ServerId(4), BackendState::Up);
        assert_eq!(
            before,
            owners(&mut balancer, &mut rng),
            "{policy:?}: what went comes back"
        );
    }
}

#[test]
fn bounded_ring_keeps_its_bound_while_connections_come_and_go() {
    let policy = Policy::BoundedRing {
        virtual_nodes: 50,
        factor_percent: 125,
    };
    for seed in 0..SEEDS {
        let mut rng = TestRng(seed);
        let mut balancer = LoadBalancer::new(
            policy,
            Options {
                seed,
                ..Options::default()
            },
            &backends(20),
        );
        let mut connected = VecDeque::new();
        for step in 0..5_000u64 {
            let server = open(&mut balancer, Timestamp(step), &mut rng);
            connected.push_back(server);
            let total = connected.len() as u64;
            assert!(u64::from(balancer.open(server)) <= (total * 125).div_ceil(100 * 20));
            if connected.len() > 2_000 {
                balancer.on_closed(Timestamp(step), connected.pop_front().unwrap());
            }
        }
    }
}

#[test]
fn slow_start_ramps_in_proportion_to_time() {
    let second = 1_000_000_000u64;
    let options = Options {
        slow_start_ns: 100 * second,
        ..Options::default()
    };
    for policy in [Policy::Random, Policy::RoundRobin] {
        let mut rng = TestRng(11);
        let mut balancer = LoadBalancer::new(policy, options, &backends(10));
        balancer.set_state(Timestamp(0), ServerId(3), BackendState::Down);
        balancer.set_state(Timestamp(0), ServerId(3), BackendState::Up);
        for (at, weight) in [(10, 0.1), (50, 0.5), (99, 0.99), (150, 1.0)] {
            let now = Timestamp(at * second);
            let picks = 200_000;
            let mine = (0..picks)
                .filter(|_| balancer.pick(now, 0, &mut rng) == Some(ServerId(3)))
                .count();
            let expected = weight / (9.0 + weight);
            let share = mine as f64 / f64::from(picks);
            assert!(
                near(share, expected, 8.0),
                "{policy:?} at {at} s: {share:.4} for {expected:.4}"
            );
        }
    }
}

#[test]
fn slow_start_spares_a_newcomer_from_least_connections() {
    let second = 1_000_000_000u64;
    for (slow_start_ns, most, least) in [(0, 1_000, 1_000), (100 * second, 80, 20)] {
        let mut rng = TestRng(12);
        let options = Options {
            slow_start_ns,
            ..Options::default()
        };
        let mut balancer = LoadBalancer::new(Policy::LeastConnections, options, &backends(10));
        (0..10_000).for_each(|_| _ = open(&mut balancer, Timestamp(0), &mut rng));
        balancer.set_state(Timestamp(0), ServerId(0), BackendState::Down);
        (0..1_000).for_each(|_| balancer.on_closed(Timestamp(0), ServerId(0)));
        balancer.set_state(Timestamp(0), ServerId(0), BackendState::Up);
        let now = Timestamp(5 * second);
        let taken = (0..1_000)
            .filter(|_| open(&mut balancer, now, &mut rng) == ServerId(0))
            .count();
        println!("slow start {slow_start_ns} ns: the empty newcomer takes {taken} of 1 000");
        assert!((least..=most).contains(&taken), "{taken}");
    }
}

/// Mean and 99th percentile of the response time, in ms: 50 servers with one exponential service of 10 ms each,
/// Poisson arrivals at 90 % of their capacity, requests picked by the balancer.
fn response(policy: Policy, information_age_ns: u64, seed: u64) -> (f64, f64) {
    let mut rng = TestRng(seed);
    let mut balancer = LoadBalancer::new(
        policy,
        Options {
            information_age_ns,
            ..Options::default()
        },
        &backends(50),
    );
    let mut free_at = [0u64; 50];
    let mut departures = BinaryHeap::new();
    let exponential =
        |rng: &mut TestRng, mean_ns: f64| (-libm::log(1.0 - rng.unit()) * mean_ns) as u64;
    let (mut now, mut times) = (0u64, Vec::new());
    for request in 0..140_000u64 {
        now += exponential(&mut rng, 1e9 / 4_500.0);
        while let Some(&Reverse((at, server))) = departures.peek()
            && at <= now
        {
            departures.pop();
            balancer.on_closed(Timestamp(at), server);
        }
        let server = balancer
            .pick(Timestamp(now), request, &mut rng)
            .expect("all are up");
        balancer.on_opened(Timestamp(now), server);
        let free = &mut free_at[server.index()];
        *free = now.max(*free) + exponential(&mut rng, 1e7);
        departures.push(Reverse((*free, server)));
        if request >= 20_000 {
            times.push((*free - now) as f64 / 1e6);
        }
    }
    times.sort_by(f64::total_cmp);
    (
        times.iter().sum::<f64>() / times.len() as f64,
        times[times.len() * 99 / 100],
    )
}

#[test]
fn response_times_and_the_stale_herd_match_the_published_figures() {
    let second = 1_000_000_000;
    let rows = [
        (Policy::Random, 0, 101.0, 468.0),
        (Policy::RoundRobin, 0, 52.0, 245.0),
        (Policy::Choices { d: 2 }, 0, 27.0, 91.0),
        (Policy::LeastConnections, 0, 12.0, 53.0),
        (Policy::Choices { d: 2 }, second, 210.0, 754.0),
    ];
    for (policy, age, mean, p99) in rows {
        let runs: Vec<(f64, f64)> = (0..20).map(|seed| response(policy, age, seed)).collect();
        let found_mean = runs.iter().map(|run| run.0).sum::<f64>() / SEEDS as f64;
        let found_p99 = runs.iter().map(|run| run.1).sum::<f64>() / SEEDS as f64;
        println!(
            "{policy:?}, age {age} ns: mean {found_mean:.0} ms ({mean}), p99 {found_p99:.0} ms ({p99})"
        );
        assert!(near(found_mean, mean, 15.0) && near(found_p99, p99, 15.0));
    }
}

/// Two million opens take well under a second: about 0.1 µs each.
#[test]
fn least_connections_stays_even_over_millions_of_opens() {
    let mut rng = TestRng(14);
    let options = Options::default();
    let mut balancer = LoadBalancer::new(Policy::LeastConnections, options, &backends(1_000));
    for _ in 0..2_000_000 {
        open(&mut balancer, Timestamp(0), &mut rng);
    }
    assert!(loads(&balancer).iter().all(|&load| load == 2_000));
}
