//! Stations: queueing theory, the two FIFO forms against each other, and everything that can go wrong.

#![allow(
    clippy::disallowed_methods,
    reason = "tests read fixtures and compare with the platform's own functions"
)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use sim_core::draw::{Draws, KeyedRng, Purpose};
use sim_core::engine::{HeapQueue, Queue};
use sim_core::station::{
    Acquire, Admission, Completed, Discipline, FastFifo, Lane, LoadCurve, Overflow, Pool,
    PoolConfig, Station, StationConfig, Wake,
};
use sim_core::time::{SimDuration, SimTime};

const ARRIVAL: Purpose = Purpose::named("test/arrival");
const SERVICE: Purpose = Purpose::named("test/service");

fn ms(ms: u64) -> SimDuration {
    SimDuration::from_millis(ms)
}

fn at(ms: u64) -> SimTime {
    SimTime::from_millis(ms)
}

/// A station and the events it asked for.
struct World {
    station: Station<u64>,
    wakes: Vec<Wake>,
    queue: HeapQueue<Wake>,
    done: Vec<Completed<u64>>,
}

impl World {
    fn new(config: StationConfig) -> Self {
        World {
            station: Station::new(config),
            wakes: Vec::new(),
            queue: HeapQueue::new(),
            done: Vec::new(),
        }
    }

    fn run_until(&mut self, until: SimTime) {
        while let Some((now, wake)) = self.queue.pop_until(until) {
            self.done.extend(
                self.station
                    .complete(now, wake.core, wake.stamp, &mut self.wakes),
            );
            self.note();
        }
    }

    fn act<R>(
        &mut self,
        now: SimTime,
        act: impl FnOnce(&mut Station<u64>, &mut Vec<Wake>) -> R,
    ) -> R {
        self.run_until(now);
        let result = act(&mut self.station, &mut self.wakes);
        self.note();
        result
    }

    fn arrive(
        &mut self,
        now: SimTime,
        job: u64,
        demand: SimDuration,
        lane: Lane,
    ) -> Admission<u64> {
        self.act(now, |station, wakes| {
            station.arrive(now, job, demand, lane, wakes)
        })
    }

    fn note(&mut self) {
        for wake in self.wakes.drain(..) {
            self.queue.push(wake.at, wake);
        }
        assert!(self.station.conserves());
    }

    fn finished(&self) -> Vec<(u64, u64)> {
        self.done
            .iter()
            .map(|c| (c.job, c.finished.as_nanos() / 1_000_000))
            .collect()
    }
}

/// Erlang C: the mean wait of M/M/c in units of the mean service.
fn erlang_c_wait(cores: u32, utilization: f64) -> f64 {
    let load = utilization * f64::from(cores);
    let blocked = (1..=cores).fold(1.0, |b, k| load * b / (f64::from(k) + load * b));
    let waits = blocked / (1.0 - utilization * (1.0 - blocked));
    waits / (f64::from(cores) * (1.0 - utilization))
}

/// Arrivals and demands of an M/M/c queue of mean service 1 ms.
fn mmc_jobs(
    cores: u32,
    utilization: f64,
    count: u64,
) -> impl Iterator<Item = (SimTime, SimDuration)> {
    let draws = Draws::new(11);
    let gap = SimDuration::from_nanos((1e6 / (utilization * f64::from(cores))) as u64);
    let mut now = SimTime::ZERO;
    (0..count).map(move |job| {
        now += draws.exp(ARRIVAL, 0, job, gap);
        (now, draws.exp(SERVICE, 0, job, ms(1)))
    })
}

#[test]
fn waits_agree_with_erlang_c() {
    let count = if cfg!(debug_assertions) {
        100_000
    } else {
        3_000_000
    };
    for (cores, utilization, tolerance) in [
        (1, 0.5, 0.01),
        (1, 0.8, 0.02),
        (4, 0.8, 0.02),
        (16, 0.8, 0.03),
    ] {
        let mut fast = FastFifo::new(0, cores);
        let mut wait_ns = 0;
        let mut end = SimTime::ZERO;
        for (now, demand) in mmc_jobs(cores, utilization, count) {
            let departure = fast.arrive(now, demand).unwrap();
            wait_ns += (departure.started - now).as_nanos();
            end = end.max(departure.at);
        }
        let mean_ms = wait_ns as f64 / count as f64 / 1e6;
        let exact = erlang_c_wait(cores, utilization);
        let slack = if cfg!(debug_assertions) { 6.0 } else { 1.0 };
        assert!(
            (mean_ms / exact - 1.0).abs() < tolerance * slack,
            "M/M/{cores} at {utilization}: {mean_ms} ms, exactly {exact} ms"
        );
        // Little's law, exactly.
        assert_eq!(fast.queue_job_ns(end), u128::from(wait_ns));
        let busy = fast.busy_ns(end) as f64 / (end.as_nanos() as f64 * f64::from(cores));
        assert!((busy / utilization - 1.0).abs() < 0.01 * slack);
    }
}

#[test]
fn the_station_agrees_with_erlang_c_too() {
    let count = if cfg!(debug_assertions) {
        50_000
    } else {
        1_000_000
    };
    let mut world = World::new(StationConfig::fifo(4));
    for (job, (now, demand)) in mmc_jobs(4, 0.8, count).enumerate() {
        world.arrive(now, job as u64, demand, Lane::Inbox);
    }
    world.run_until(SimTime::MAX);
    let waits: u64 = world.done.iter().map(|c| c.waited().as_nanos()).sum();
    let mean_ms = waits as f64 / count as f64 / 1e6;
    let slack = if cfg!(debug_assertions) { 6.0 } else { 1.0 };
    assert!((mean_ms / erlang_c_wait(4, 0.8) - 1.0).abs() < 0.03 * slack);
}

#[test]
fn processor_sharing_is_insensitive() {
    // The mean sojourn of M/M/1-PS is that of M/M/1: 1 / (1 − ρ).
    let count = if cfg!(debug_assertions) {
        50_000
    } else {
        1_000_000
    };
    let mut world = World::new(StationConfig {
        discipline: Discipline::ProcessorSharing,
        ..StationConfig::fifo(1)
    });
    for (job, (now, demand)) in mmc_jobs(1, 0.6, count).enumerate() {
        world.arrive(now, job as u64, demand, Lane::Inbox);
    }
    world.run_until(SimTime::MAX);
    let sojourn: u64 = world
        .done
        .iter()
        .map(|c| (c.finished - c.arrived).as_nanos())
        .sum();
    let slack = if cfg!(debug_assertions) { 6.0 } else { 1.0 };
    assert!((sojourn as f64 / count as f64 / 1e6 / 2.5 - 1.0).abs() < 0.02 * slack);
    assert_eq!(world.done.len() as u64, count);
}

proptest! {
    #[test]
    fn both_fifo_forms_depart_alike(
        cores in 1_u32..6,
        jobs in prop::collection::vec((0_u64..400, 0_u64..900), 1..200),
        looks in prop::collection::vec(0_u64..400, 0..20),
    ) {
        let mut fast = FastFifo::new(3, cores);
        let mut world = World::new(StationConfig::fifo(cores));
        let mut departures = BTreeMap::new();
        let mut now = SimTime::ZERO;
        for (job, &(gap, demand)) in jobs.iter().enumerate() {
            now += SimDuration::from_nanos(gap);
            let demand = SimDuration::from_nanos(demand);
            let departure = fast.arrive(now, demand).unwrap();
            departures.insert(job as u64, (departure.started, departure.at));
            world.arrive(now, job as u64, demand, Lane::Inbox);
        }
        for gap in looks {
            now += SimDuration::from_nanos(gap);
            world.run_until(now);
            prop_assert_eq!(fast.queued(now), world.station.queued());
            prop_assert_eq!(fast.in_service(now), world.station.in_service());
            prop_assert_eq!(fast.busy_ns(now), world.station.busy_total_ns(now));
            prop_assert_eq!(fast.completed(now), world.station.accounts().completed);
            prop_assert_eq!(fast.queue_job_ns(now), world.station.accounts().queue_job_ns(now));
        }
        let mut lost = Vec::new();
        let mut crashed = fast.clone();
        let count = crashed.crash(now);
        world.station.clone().crash(now, &mut lost);
        prop_assert_eq!(count, lost.len() as u64);
        prop_assert_eq!(crashed.busy_ns(now + ms(1)), fast.busy_ns(now));
        prop_assert!(!crashed.is_current(fast.stamp()));
        world.run_until(SimTime::MAX);
        let seen: BTreeMap<_, _> =
            world.done.iter().map(|c| (c.job, (c.started, c.finished))).collect();
        prop_assert_eq!(departures, seen);
    }

    #[test]
    fn nothing_is_ever_lost_from_the_books(
        seed in any::<u64>(),
        cores in 1_u32..4,
        capacity in 0_usize..6,
        discipline in prop_oneof![
            Just(Discipline::Fifo),
            Just(Discipline::DrainInboxThenSockets),
            Just(Discipline::ProcessorSharing)
        ],
        overflow in prop_oneof![
            Just(Overflow::Reject), Just(Overflow::DropOldest), Just(Overflow::DropNewest)
        ],
    ) {
        let curve = LoadCurve::new(vec![(0.0, 1.0), (0.9, 0.6)], ms(20)).unwrap();
        let load_curve = seed.is_multiple_of(2).then_some(curve);
        let config = StationConfig { cores, discipline, capacity, overflow, load_curve };
        let mut world = World::new(config);
        let mut rng = KeyedRng::new(seed, Purpose::named("test/station"), 0, 0);
        let mut now = SimTime::ZERO;
        let mut offered = 0;
        for job in 0..300 {
            now += SimDuration::from_nanos(rng.draw() % 3_000_000);
            let len = SimDuration::from_nanos(rng.draw() % 5_000_000);
            match rng.draw() % 40 {
                0 => world.act(now, |s, w| s.pause(now, len, w)),
                1 => world.act(now, |s, w| s.set_slow_down(now, 0.5 + (job % 5) as f64, w)),
                2 => world.act(now, |s, _| s.crash(now, &mut Vec::new())),
                3..8 => world.act(now, |s, _| s.restore(now)),
                8..11 => world.act(now, |s, _| { s.cancel(now, |j| j % 2 == 0); }),
                _ => {
                    offered += 1;
                    let lane = if job % 3 == 0 { Lane::Inbox } else { Lane::Socket };
                    world.arrive(now, job, len, lane);
                }
            }
            prop_assert!(world.station.queued() <= capacity);
        }
        world.run_until(SimTime::MAX);
        let accounts = world.station.accounts();
        prop_assert_eq!(accounts.accepted + accounts.rejected, offered);
        prop_assert_eq!(accounts.completed, world.done.len() as u64);
        prop_assert_eq!(world.station.queued() + world.station.in_service(), 0);
        if discipline != Discipline::ProcessorSharing {
            let served: u64 = world.done.iter().map(|c| c.service.as_nanos()).sum();
            prop_assert!(world.station.busy_total_ns(SimTime::MAX) >= served);
            if accounts.lost == 0 {
                prop_assert_eq!(world.station.busy_total_ns(SimTime::MAX), served);
            }
        }
    }
}

#[test]
fn the_event_loop_drains_its_inbox_then_takes_the_ready_sockets() {
    let discipline = Discipline::DrainInboxThenSockets;
    let mut world = World::new(StationConfig {
        discipline,
        ..StationConfig::fifo(1)
    });
    world.arrive(at(0), 0, ms(10), Lane::Socket);
    for job in 1..4 {
        world.arrive(at(1), job, ms(10), Lane::Socket);
    }
    world.arrive(at(2), 10, ms(10), Lane::Inbox);
    // Inbox 10 first; while the three sockets ready at 20 ms are served, 11 and 4 must wait.
    world.arrive(at(25), 11, ms(10), Lane::Inbox);
    world.arrive(at(26), 4, ms(10), Lane::Socket);
    world.run_until(SimTime::MAX);
    assert_eq!(
        world.finished(),
        [
            (0, 10),
            (10, 20),
            (1, 30),
            (2, 40),
            (3, 50),
            (11, 60),
            (4, 70)
        ]
    );
}

#[test]
fn a_pause_stops_the_world_and_drains() {
    let mut world = World::new(StationConfig::fifo(2));
    world.arrive(at(0), 0, ms(10), Lane::Inbox);
    world.act(at(4), |s, w| s.pause(at(4), ms(20), w));
    world.act(at(14), |s, w| s.pause(at(14), ms(5), w));
    assert_eq!(
        world.arrive(at(16), 1, ms(10), Lane::Inbox),
        Admission::Queued
    );
    assert_eq!(world.station.busy_total_ns(at(16)), 4_000_000);
    world.act(at(20), |s, w| s.pause(at(20), ms(10), w));
    world.run_until(SimTime::MAX);
    assert_eq!(world.finished(), [(0, 36), (1, 40)]);
    let first = world.done[0];
    assert_eq!(
        (first.service, first.paused, first.paused_after),
        (ms(10), ms(26), ms(4))
    );
    assert_eq!(world.done[1].waited(), ms(14));
    assert_eq!(world.station.busy_total_ns(at(99)), 20_000_000);
}

#[test]
fn shared_cores_split_and_pause() {
    let discipline = Discipline::ProcessorSharing;
    let mut world = World::new(StationConfig {
        discipline,
        ..StationConfig::fifo(1)
    });
    world.arrive(at(0), 0, ms(10), Lane::Inbox);
    world.arrive(at(0), 1, ms(20), Lane::Inbox);
    world.act(at(10), |s, w| s.pause(at(10), ms(7), w));
    world.run_until(SimTime::MAX);
    assert_eq!(world.finished(), [(0, 27), (1, 37)]);
    assert_eq!(
        (world.done[1].paused, world.done[1].paused_after),
        (ms(7), ms(10))
    );
    assert_eq!(world.station.busy_total_ns(at(50)), 30_000_000);
}

#[test]
fn a_slow_down_stretches_what_is_left() {
    let mut world = World::new(StationConfig::fifo(1));
    world.arrive(at(0), 0, ms(10), Lane::Inbox);
    world.act(at(5), |s, w| s.set_slow_down(at(5), 3.0, w));
    world.run_until(SimTime::MAX);
    assert_eq!(world.finished(), [(0, 20)]);
}

#[test]
fn full_queues_follow_their_rule() {
    let config = |overflow| StationConfig {
        capacity: 1,
        overflow,
        ..StationConfig::fifo(1)
    };
    let outcome = |overflow| {
        let mut world = World::new(config(overflow));
        world.arrive(at(0), 0, ms(10), Lane::Inbox);
        world.arrive(at(1), 1, ms(10), Lane::Inbox);
        let admission = world.arrive(at(2), 2, ms(10), Lane::Inbox);
        world.run_until(SimTime::MAX);
        (
            admission,
            world.done.iter().map(|c| c.job).collect::<Vec<_>>(),
        )
    };
    assert_eq!(outcome(Overflow::Reject), (Admission::Rejected, vec![0, 1]));
    assert_eq!(
        outcome(Overflow::DropOldest),
        (Admission::Displaced(1), vec![0, 2])
    );
    assert_eq!(
        outcome(Overflow::DropNewest),
        (Admission::Dropped, vec![0, 1])
    );
}

#[test]
fn a_busy_station_follows_its_load_curve() {
    let curve = LoadCurve::new(vec![(0.0, 1.0), (1.0, 0.5)], ms(100)).unwrap();
    assert_eq!(curve.factor(0.5), 0.75);
    let mut world = World::new(StationConfig {
        load_curve: Some(curve),
        ..StationConfig::fifo(1)
    });
    for job in 0..200 {
        world.arrive(at(0), job, ms(10), Lane::Inbox);
    }
    world.run_until(SimTime::MAX);
    assert_eq!(world.done[0].service, ms(10));
    let last = world.done[199].service.as_millis_f64();
    assert!((last - 5.0).abs() < 0.01, "{last} ms at full load");
}

#[test]
fn a_pool_passes_permits_on_in_order() {
    let timeout = Some(ms(30));
    let mut pool = Pool::new(PoolConfig {
        permits: 1,
        capacity: 2,
        timeout,
    });
    assert_eq!(pool.acquire(at(0), 'a'), Acquire::Granted);
    let deadline = Some(at(31));
    assert_eq!(
        pool.acquire(at(1), 'b'),
        Acquire::Waiting {
            ticket: 0,
            deadline
        }
    );
    assert!(matches!(
        pool.acquire(at(2), 'c'),
        Acquire::Waiting { ticket: 1, .. }
    ));
    assert_eq!(pool.acquire(at(3), 'd'), Acquire::Rejected);
    assert_eq!(pool.timeout(at(31), 0), Some('b'));
    assert_eq!(pool.timeout(at(31), 0), None);
    let granted = pool.release(at(31)).unwrap();
    assert_eq!(
        (granted.job, granted.ticket, granted.waited),
        ('c', 1, ms(29))
    );
    assert_eq!(pool.timeout(at(32), 1), None);
    assert_eq!(pool.release(at(40)), None);
    assert_eq!((pool.held(), pool.held_ns(at(50))), (0, 40_000_000));
    assert!(pool.conserves() && pool.timed_out() == 1);
    assert_eq!(pool.acquire(at(50), 'e'), Acquire::Granted);
    assert!(matches!(
        pool.acquire(at(50), 'f'),
        Acquire::Waiting { ticket: 2, .. }
    ));
    let mut lost = Vec::new();
    pool.reset(at(51), &mut lost);
    assert_eq!((lost, pool.held()), (vec!['f'], 0));
    assert!(pool.conserves());
}
